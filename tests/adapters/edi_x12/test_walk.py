"""The fast and the slow way to place segments agree; overrides change what both accept."""

from __future__ import annotations

import random

import pytest

from adapters.edi_x12.config import GuideOverride, X12Partner
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.guide import guide_for
from adapters.edi_x12.guide_loader import guide_names
from adapters.edi_x12.lexer import Places, read_set
from adapters.edi_x12.notation import GuideError
from adapters.edi_x12.report import Report
from adapters.edi_x12.walk import Walked, walk_fast, walk_slowly
from tests.adapters.edi_x12.rig import context, interchange, numbered, read
from tests.adapters.edi_x12.test_golden import CASES
from tests.scale import scaled

DELIMITERS = Delimiters(b"*", b">", b"~")
PARTNER = X12Partner()


def both_ways(raw: bytes) -> tuple[Walked | None, Walked, Report]:
    partner = PARTNER
    guide = guide_for("850", "004010", partner)
    assert guide is not None
    text = read_set(raw, DELIMITERS, None)
    report = Report("x", "0001", partner, Places(raw, DELIMITERS, 0, 1), 1000)
    fast = walk_fast(text, text.segments[1:-1], guide)
    return fast, walk_slowly(text, text.segments[1:-1], guide, report), report


def sets() -> list[bytes]:
    found = [each.raw for case in CASES for each in read(case.read_bytes()).sets if each.set_type == "850"]
    return [raw for raw in found if b"*" in raw[:3] and raw.endswith(b"~")]


def test_what_the_fast_way_accepts_the_slow_way_finds_nothing_wrong_with() -> None:
    chance = random.Random(850)
    accepted = 0
    samples = sets()
    for _ in range(scaled(1500)):
        segments = chance.choice(samples).replace(b"\n", b"").replace(b"\r", b"").split(b"~")[:-1]
        at = chance.randrange(1, len(segments) - 1)
        match chance.randrange(4):
            case 0:
                segments.insert(at, segments[chance.randrange(1, len(segments) - 1)])
            case 1:
                del segments[at]
            case 2:
                elements = segments[at].split(b"*")
                values = [b"", b"1", b"20260230", b"-4.5", b".5", b"5.", b"EA", b"X" * 90, b"0", b" ", b"A*B"]
                elements[chance.randrange(len(elements))] = chance.choice(values)
                segments[at] = b"*".join(elements)
            case _:
                chance.shuffle(segments[1:-1])
        raw = b"~".join(segments) + b"~"
        if len(segments) < 3:
            continue
        fast, slow, report = both_ways(raw)
        if fast is not None:
            accepted += 1
            assert report.findings == []
            assert fast.events == slow.events
    assert accepted > 100  # else the test would prove nothing


def test_clean_orders_take_the_fast_way() -> None:
    fast, _, _ = both_ways(
        numbered(1, "BEG*00*SA*PO1**20260304|PO1*1*5*EA*9.99*PE*VN*X|PID*F****A|CTT*1").encode()
    )

    assert fast is not None
    assert [path for path, _ in fast.events] == ["BEG", "PO1", "PO1/PID", "CTT"]


def test_a_loop_may_repeat_up_to_its_limit_in_each_parent() -> None:
    lines = [f"PO1*{n}*1*EA|" + "|".join(["SAC*C*D240***100"] * 25) for n in (1, 2)]
    order = "BEG*00*SA*PO1**20260304|" + "|".join(lines)

    assert both_ways(numbered(1, order).encode())[0] is not None
    assert read(interchange(order + "|SAC*C*D240***100")).codes == ["X12-LOOP-MAX"]


def test_one_fault_gives_one_finding() -> None:
    body = "REF*IA*1|N1*ST*A*92*01|N3*X|PO1*1*1*EA|PID*F****A|CTT*1"

    assert read(interchange(body)).codes == ["X12-SEG-MISSING"]


def test_segments_without_their_loop_share_one_finding() -> None:
    body = "BEG*00*SA*PO1**20260304|N3*X|N4*OAKLAND*CA|PO1*1*1*EA"

    assert read(interchange(body)).codes == ["X12-SEG-ORDER"]


@pytest.mark.parametrize("name", sorted(guide_names()))
@pytest.mark.parametrize("version", ["004010", "005010"])
def test_every_guide_compiles_for_every_version(name: str, version: str) -> None:
    guide = guide_for(name, version, PARTNER)

    assert guide is not None
    assert guide.structure


def test_an_industry_suffix_does_not_hide_the_guide() -> None:
    assert guide_for("850", "004010VICS", PARTNER) is guide_for("850", "004010", PARTNER)
    assert guide_for("850", "004030", PARTNER) is None
    reads = X12Partner(read_version_as={"004030": "004010"})
    assert guide_for("850", "004030", reads) is guide_for("850", "004010", PARTNER)


def test_an_override_narrows_and_widens() -> None:
    override = GuideOverride(
        limits={"CUR": "M/1", "N1/N3": "O/4"}, elements={"324": "AN 1/30"}, codes={"92": ["SA"]}
    )
    partner = X12Partner(guides={"850": override})
    body = "BEG*00*NE*" + "P" * 30 + "**20260304|N1*ST*A*92*01|N3*A|N3*B|N3*C|PO1*1*1*EA"

    assert sorted(read(interchange(body)).codes) == ["X12-LONG", "X12-SEG-MAX"]
    assert sorted(read(interchange(body), context(partner)).codes) == ["X12-CODE", "X12-SEG-MISSING"]


def test_an_override_that_cannot_be_read_says_why() -> None:
    partner = X12Partner(guides={"850": GuideOverride(elements={"324": "text"})})

    with pytest.raises(GuideError, match="element 324: 'text' is not"):
        guide_for("850", "004010", partner)


def test_levels_are_the_partners_to_change() -> None:
    body = interchange("BEG*00*SA*PO1**20260304|REF*IA|PO1*1*1*EA")
    strict = X12Partner.model_validate({"levels": {"X12-COND": "rejected"}})

    assert read(body).sets[0].document is not None
    assert read(body, context(strict)).sets[0].document is None
