"""A mapping that says `both`: what it reads it writes back, on generated records and documents."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.base.findings import Level
from adapters.mapping import MappingContext
from tests.adapters.mapping.orders import CONTEXT, order_mapping, record

MAPPING = order_mapping()
SEEDS = st.integers(0, 2**32)


def test_the_mapping_of_these_tests_promises_both_ways() -> None:
    assert MAPPING.direction == "both"
    assert not MAPPING.losses
    assert MAPPING.losses == ()


@given(seed=SEEDS)
def test_a_record_is_written_back_as_it_was_read(seed: int) -> None:
    given_record = record(seed)
    document, findings = MAPPING.read_document(given_record, CONTEXT)
    assert document is not None, [str(finding) for finding in findings]

    written, told = MAPPING.write(document, CONTEXT)

    assert told == ()
    assert written == given_record


@given(seed=SEEDS)
def test_a_document_is_read_back_as_it_was_written(seed: int) -> None:
    given_record = record(seed)
    document, _ = MAPPING.read_document(given_record, CONTEXT)
    assert document is not None
    written, _ = MAPPING.write(document, CONTEXT)

    again, findings = MAPPING.read_document(written, CONTEXT)

    assert findings == ()
    assert again == document


@given(seed=SEEDS)
def test_a_record_in_another_zone_keeps_its_moments(seed: int) -> None:
    given_record = record(seed)
    eastern = MappingContext(source="orders.txt", zone="America/New_York")
    document, _ = MAPPING.read_document(given_record, eastern)
    assert document is not None

    written, told = MAPPING.write(document, eastern)

    assert [finding for finding in told if finding.level is Level.REJECTED] == []
    assert written == given_record
