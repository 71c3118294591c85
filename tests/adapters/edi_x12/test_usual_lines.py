"""Usual lines, known parties and assembled parts say what the long way says, to the byte."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.base import DecodeContext, Decoded, Envelope
from adapters.edi_x12 import documents_out, judge, parts_in, read_in
from adapters.edi_x12.codes import UNITS
from adapters.edi_x12.config import GuideOverride, InterchangeId, X12Partner
from adapters.edi_x12.guide import guide_for
from adapters.edi_x12.usual_lines import UsualLines, line_form
from adapters.edi_x12.walk import walk_usual
from benchmarks.x12_answers import answers
from benchmarks.x12_corpus import interchange as orders
from canonical.registry import content_hash, parse_document, to_json
from tests.adapters.edi_x12.rig import FORMAT, ORDER, context, interchange, numbered, read
from tests.adapters.edi_x12.test_golden import CASES
from tests.scale import scaled

ITEMS = (
    ("*1*5*EA*12.50*PE*VN*123456*IN*H00001", "PID*F****GLOVE EXAM", "REF*RQ*R1"),
    ("*2*7*BX*3.10*PE*VN*123457*IN*H00002", "PID*F****SYRINGE"),
)
HEADERS = {
    "850": ["BEG*00*NE*PO1**20260301"],
    "855": ["BAK*00*AC*PO1*20260304"],
    "810": ["BIG*20260304*I1*20260301*PO1"],
}
USUAL = [f"PO1{ITEMS[0][0]}", *ITEMS[0][1:], "DTM*002*20260401", f"PO1{ITEMS[1][0]}", ITEMS[1][1], "CTT*2"]
LINES = {
    "850": USUAL,
    "855": [
        *USUAL[:3], "ACK*IA*5*EA*068*20260405", *USUAL[4:6], "ACK*IB*7*BX", *USUAL[4:6],
        "ACK*IQ*3*BX", "CTT*3",
    ],
    "810": [f"IT1{ITEMS[0][0]}", *ITEMS[0][1:], f"IT1{ITEMS[1][0]}", ITEMS[1][1], "TDS*8420", "CTT*2"],
}  # fmt: skip
VALUES = [
    "", "0", "007", ".5", "5.", "-4", "-0", "1.50", "EA", "XX", "PE", "HP", "PO", "CT", "20260230", " ",
    "X" * 90, "9" * 40, 'QUOTE"D', "BACK\\SLASH", "ÄÖ", "A>B",
]  # fmt: skip


@contextmanager
def long_way() -> Iterator[None]:
    """Read every segment by itself, slowly, and validate every part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "accepted", lambda *args: None)
        patch.setattr(judge, "walk_fast", lambda *args: None)
        patch.setattr(read_in, "read_party_loop", lambda *args: 0)
        patch.setattr(parts_in, "known_contact", lambda *args: None)
        patch.setattr(parts_in, "known_terms", lambda *args: None)
        yield


@contextmanager
def usual_lines_counted() -> Iterator[list[int]]:
    counted: list[int] = []

    def counting(*args: Any) -> Any:
        walked = walk_usual(*args)
        rows = [row for _, row in (walked.events if walked else ()) if isinstance(row, UsualLines)]
        counted.append(sum(map(len, rows)))
        return walked

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adapters.edi_x12.accept.walk_usual", counting)
        yield counted


def assert_same(body: bytes, around: DecodeContext) -> int:
    """Read it both ways; give how many lines were usual."""
    with usual_lines_counted() as counted:
        fast = read(body, around).sets
    with long_way():
        slow = read(body, around).sets
    assert len(fast) == len(slow)
    for ours, theirs in zip(fast, slow, strict=True):
        assert_one(ours, theirs)
    return sum(counted)


def assert_one(ours: Decoded, theirs: Decoded) -> None:
    assert ours == theirs
    document, other = ours.document, theirs.document
    if document is None or other is None:
        return
    assert to_json(document) == to_json(other)
    assert to_json(document) == to_json(parse_document(to_json(document)))
    assert content_hash(document) == content_hash(other)
    assert content_hash(document) == content_hash(parse_document(to_json(document)))
    assert document.model_dump(exclude_unset=True) == other.model_dump(exclude_unset=True)
    assert pickle.loads(pickle.dumps(document)) == other


@pytest.mark.parametrize("kind", ["850", "855", "810"])
def test_the_benchmark_s_sets_read_alike_both_ways(kind: str) -> None:
    body = orders(30, seed=11) if kind == "850" else answers(kind, 30, seed=11)

    assert assert_same(body, context(environment="production")) > 100


def test_golden_files_read_alike_both_ways() -> None:
    usual = [assert_same(case.read_bytes(), context(name=None)) for case in CASES]

    assert sum(usual) > 0


@pytest.mark.parametrize("kind", ["850", "855", "810"])
def test_changed_lines_read_alike_both_ways(kind: str) -> None:
    chance = random.Random(850)
    usual = 0
    for _ in range(scaled(400)):
        body = [*HEADERS[kind], "N1*ST*HARBOR*92*07", "N3*1 BLVD", "N4*OAKLAND*CA*94000", *LINES[kind]]
        for _ in range(chance.randrange(3)):
            at = chance.randrange(4, len(body))
            match chance.randrange(5):
                case 0:
                    body.insert(at, body[chance.randrange(4, len(body))])
                case 1:
                    del body[at]
                case 2:
                    body.insert(
                        at, chance.choice(["SAC*C*D240***500", "REF*CT*C1", "DTM*010*20260405", "MSG*X"])
                    )
                case _:
                    elements = body[at].split("*")
                    elements[chance.randrange(1, len(elements))] = chance.choice(VALUES)
                    body[at] = "*".join(elements)
        usual += assert_same(enveloped("|".join(body), kind), context())

    assert usual > scaled(400) // 4


@pytest.mark.parametrize("value", ["007", "5.", ".5", "-0", "0", "-07", "9" * 50])
@pytest.mark.parametrize("status", ["IA", "IB", "IQ", "IR"])
def test_quantities_of_answers_that_are_written_oddly_read_alike_both_ways(status: str, value: str) -> None:
    wide = {"380": "R 1/60"}
    for partner in (X12Partner(), X12Partner(guides={"855": GuideOverride(elements=wide)})):
        lines = "|".join(
            f"PO1*{line}*7*BX*3.10*PE*VN*123457*IN*H00002|PID*F****SYRINGE|ACK*{status}*{each}*BX*068*20260405"
            for line, each in ((1, "7"), (2, value), (3, "7"))
        )
        body = f"{'|'.join(HEADERS['855'])}|{lines}|CTT*3"
        assert_same(enveloped(body, "855"), context(partner))


@pytest.mark.parametrize(
    "line",
    [
        f"PO1*{'7' * 300}*5*EA*1.00*PE*VN*1|PID*F****X",
        f"PO1*1*{'9' * 50}*EA*1.00*PE*VN*1|PID*F****X",
        f"PO1*1*5*EA*{'9' * 50}*PE*VN*1|PID*F****X",
        f"PO1*1*5*EA*1.00*PE*VN*{'7' * 300}|PID*F****X",
        f"PO1*1*5*EA*1.00*PE*VN*1|PID*F****{'X' * 4100}",
        f"PO1*1*5*EA*1.00*PE*VN*1|PID*F****X|REF*RQ*{'7' * 300}",
    ],
)
def test_values_that_only_a_partner_s_guide_allows_read_alike_both_ways(line: str) -> None:
    wide = {"350": "AN 1/400", "330": "R 1/60", "212": "R 1/60", "234": "AN 1/400", "352": "AN 1/5000"}
    partner = X12Partner(guides={"850": GuideOverride(elements={**wide, "127": "AN 1/400"})})
    # The price is seen with another amount first: then it is judged by itself.
    body = f"BEG*00*NE*PO1**20260301|PO1*1*5*EA*1.00*PE*VN*1|PID*F****X|{line}|CTT*2"

    assert assert_same(interchange(body), context(partner)) <= 1


def test_a_partner_s_guide_that_wants_another_segment_in_a_line_has_no_usual_lines() -> None:
    partner = X12Partner(guides={"850": GuideOverride(limits={"PO1/CTP": "M/25"})})
    body = "BEG*00*NE*PO1**20260301|" + "|".join(USUAL)

    assert assert_same(interchange(body), context(partner)) == 0


@pytest.mark.parametrize("lines", [USUAL, [each for each in USUAL if not each.startswith("PID")]])
@pytest.mark.parametrize(
    "limits", [{"PO1": "M/1"}, {"PO1/PO4": "M/1"}, {"PO1/PID": "M/1"}, {"PO1/REF": "M/1"}]
)
def test_what_a_partner_s_guide_wants_of_lines_holds_for_usual_ones(
    limits: dict[str, str], lines: list[str]
) -> None:
    partner = X12Partner(guides={"850": GuideOverride(limits=limits)})

    assert_same(interchange("BEG*00*NE*PO1**20260301|" + "|".join(lines)), context(partner))


@pytest.mark.parametrize("kind", ["850", "855", "810"])
def test_lines_without_a_description_are_usual_too(kind: str) -> None:
    bare = [each for each in LINES[kind] if not each.startswith("PID")]

    assert assert_same(enveloped("|".join([*HEADERS[kind], *bare]), kind), context()) == (
        3 if kind == "855" else 2
    )


def enveloped(text: str, kind: str) -> bytes:
    """Give an interchange around one set of that kind."""
    plain = interchange(text, gs={"850": "PO", "855": "PR", "810": "IN"}[kind]).decode()
    return plain.replace(numbered(1, text), numbered(1, text, kind)).encode()


def test_usual_lines_are_written_as_the_long_way_writes_them() -> None:
    documents = [each.document for each in read(orders(30, seed=12), context(environment="production")).sets]
    whole = [each for each in documents if each is not None]
    partner = X12Partner(
        isa=(InterchangeId(qualifier="ZZ", id="A"),), us=InterchangeId(qualifier="ZZ", id="B")
    )
    envelope = Envelope(1, datetime(2026, 3, 4, tzinfo=UTC), "production", partner_settings=partner)

    usual = FORMAT.encode(whole, envelope)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents_out, "write_usual_line", lambda *args: False)
        long = FORMAT.encode(whole, envelope)

    assert usual == long


@pytest.mark.parametrize("source", ["order.edi", 'a "b" \\ \u00fc\n.edi', ""])
@pytest.mark.parametrize("partner", ["acme", None])
@pytest.mark.parametrize("control", ["0001", '0"\\1', "0\u00fc01"])
def test_where_a_document_came_from_is_written_as_the_writer_writes_it(
    source: str, partner: str | None, control: str
) -> None:
    body = interchange(ORDER).decode().replace("*0001~", f"*{control}~").encode()
    (told,) = read(body, context(source=source, name=partner)).sets

    assert told.document is not None
    told_again = parse_document(to_json(told.document))
    assert told_again == told.document
    assert to_json(told_again) == to_json(told.document)


def test_units_that_nobody_knows_leave_nothing_behind() -> None:
    guide = guide_for("850", "004010", X12Partner())
    assert guide is not None
    form = line_form(guide, "*", "~", "~")
    assert form is not None
    sent = [
        numbered(n, f"BEG*00*NE*P{n}**20260301|PO1*1*5*U{n % 36:01X}*9**VN*A|PID*F****T")
        for n in range(1, 40)
    ]
    head, tail = interchange("X").decode().split(numbered(1, "X"))
    read(f"{head}{''.join(sent)}{tail}".encode())

    assert set(form.quantities) <= UNITS
