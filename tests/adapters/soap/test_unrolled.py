"""What is written in place against what each part's own writer writes: the same bytes, the same refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import EncodeError
from adapters.soap import unrolled
from adapters.soap.reply import MessageWriter
from adapters.soap.wsdl import Message, Version
from tests.adapters.soap.facade_rig import BUDGET, MMS, service
from tests.adapters.soap.test_plan import VALID, read


def writers(message: Message) -> tuple[MessageWriter, MessageWriter]:
    """Give the writer as it is, and one in which every part is written by its own closure."""
    in_place = MessageWriter(message, Version.SOAP11, "t")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unrolled, "PARTS_MAX", -1)
        return in_place, MessageWriter(message, Version.SOAP11, "t")


STATUS = writers(service(MMS).wsdl.operations["GetPurchaseOrderStatus"].output)  # type: ignore[arg-type]
BUDGETS = writers(service(BUDGET).wsdl.operations["checkBudget"].input)
ORDERS = writers(service(MMS).wsdl.operations["SubmitPurchaseOrder"].input)


def written(writer: MessageWriter, record: dict[str, Any]) -> bytes | list[str]:
    try:
        return writer.write(record)
    except EncodeError as error:
        return [str(each) for each in error.findings]


@pytest.mark.parametrize("name", VALID)
def test_every_message_is_written_the_same_in_place_and_part_by_part(name: str) -> None:
    found, _, message, called = read(name)
    record = found.record(called, message)
    in_place, by_parts = writers(message)

    assert isinstance(written(in_place, record), bytes)
    assert written(in_place, record) == written(by_parts, record)


TEXTS = st.text(st.sampled_from("aé<>&\"'\t\r\n\x01 {}]\u00a0\ufffe"), max_size=4)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), TEXTS, st.integers(0, 9), st.booleans(), st.just([]), st.just({}),
    st.fixed_dictionaries({}, optional={"value": st.none() | TEXTS | st.integers(0, 9),
                                        "@uom": st.none() | TEXTS | st.integers(0, 9)}),
)  # fmt: skip
LINES = st.fixed_dictionaries(
    {}, optional={"LineNumber": VALUES, "Ordered": VALUES, "Received": VALUES, "Invoiced": VALUES}
)


ANSWER = {"PONumber": VALUES, "Status": VALUES, "LineStatus": st.lists(LINES)}
WRITABLE = st.text(st.sampled_from("aé<>&\"'\t\r\n {}]\u00a0"), max_size=4)
PAIRS = st.fixed_dictionaries({"value": WRITABLE, "@uom": WRITABLE})
WHOLE_LINE = {"LineNumber": WRITABLE, "Ordered": PAIRS, "Received": PAIRS, "Invoiced": PAIRS}
WHOLE = {"PONumber": WRITABLE, "Status": WRITABLE, "LineStatus": st.lists(st.fixed_dictionaries(WHOLE_LINE))}


@given(st.fixed_dictionaries(WHOLE))
def test_whatever_has_to_be_escaped_is_escaped_the_same_both_ways(record: dict[str, Any]) -> None:
    in_place, by_parts = (written(each, record) for each in STATUS)

    assert isinstance(in_place, bytes)
    assert in_place == by_parts


@given(st.fixed_dictionaries({}, optional=ANSWER))
def test_whatever_a_record_holds_both_ways_write_or_refuse_the_same(record: dict[str, Any]) -> None:
    in_place, by_parts = (written(each, record) for each in STATUS)

    assert in_place == by_parts


@given(st.dictionaries(st.sampled_from(["costCenter", "amount", "fiscalPeriod"]), VALUES))
def test_typed_parts_of_an_encoded_message_are_the_same_both_ways(record: dict[str, Any]) -> None:
    in_place, by_parts = (written(each, {"request": record, **record}) for each in BUDGETS)

    assert in_place == by_parts


@given(st.dictionaries(st.sampled_from(["VendorCatalog", "Gtin", "BuyerItem", "Manufacturer"]), VALUES))
def test_of_a_choice_the_same_is_written_or_refused_both_ways(item: dict[str, Any]) -> None:
    record = {"PurchaseOrder": {"Line": [{"Item": item}]}}
    in_place, by_parts = (written(each, record) for each in ORDERS)

    assert in_place == by_parts


def test_control_the_plain_writers_are_there_and_are_not_there() -> None:
    """Otherwise the comparisons above would compare a thing with itself."""
    part = unrolled.PlainPart("a", True, "<a>", "</a>", lambda value, out: None)

    assert unrolled.unrolled([part]) is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unrolled, "PARTS_MAX", -1)
        assert unrolled.unrolled([part]) is None
