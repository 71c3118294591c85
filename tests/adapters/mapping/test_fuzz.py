"""Whatever a record or a mapping file holds, the answer is findings, never another exception."""

from random import Random
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.base.findings import Level
from adapters.base.yaml import YamlError, load_yaml
from adapters.mapping import MappingContext, check_mapping
from tests.adapters.mapping.orders import ORDER, SCHEMA, order_mapping, record

MAPPING = order_mapping()
CONTEXT = MappingContext("fuzz.txt")
ODD: list[Any] = [
    None,
    "",
    " ",
    "x" * 5_000,
    "\x00",
    "\ud800",
    "٣",
    "-",
    "99999999",
    [],
    {},
    [[]],
    [None],
    ["a"],
]
ODD += [{"PO_NO": "1"}, [{"KIND": "D"}], 7, 1.5, True, b"x", {"": ""}, "2026-02-30", "1e999999999"]


@given(st.integers(0, 2**32))
@example(1089)  # an entry that is left out, and a field that is missed
def test_a_damaged_record_gives_a_document_or_says_why_not(seed: int) -> None:
    rng = Random(seed)
    damaged = record(seed)
    for _ in range(rng.randint(1, 4)):
        _damage(damaged, rng)

    document, findings = MAPPING.read_document(damaged, CONTEXT)

    assert (document is None) == any(finding.level is Level.REJECTED for finding in findings)
    if document is not None:
        MAPPING.write(document, CONTEXT)


@given(st.integers(0, 2**32))
def test_a_damaged_mapping_file_gives_findings_with_a_place(seed: int) -> None:
    rng = Random(seed)
    text = ORDER
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(text))
        text = (
            text[:start]
            + rng.choice(["", "x", "[", "}", ": ", "\n", "\n  ", "%", "'"])
            + text[start + rng.randrange(4) :]
        )

    try:
        findings = check_mapping(load_yaml(text, "m.yaml"), SCHEMA)
    except YamlError as error:
        findings = list(error.findings)

    assert all(finding.at.source == "m.yaml" and finding.code for finding in findings)


def _damage(place: Any, rng: Random) -> None:
    """Put something odd somewhere in a record, at any depth."""
    name = (
        rng.choice(list(place))
        if rng.random() < 0.9 and place
        else rng.choice(["NEW", "DETAIL", "BUYER", "NOTE"])
    )
    inner = place.get(name)
    if isinstance(inner, list) and inner and isinstance(inner[0], dict) and rng.random() < 0.7:
        inner = rng.choice(inner)
    if isinstance(inner, dict) and inner and rng.random() < 0.7:
        _damage(inner, rng)
    else:
        place[name] = rng.choice(ODD)
