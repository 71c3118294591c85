"""The fast and the slow way to place segments agree; overrides change what both accept."""

from __future__ import annotations

import random

import pytest

from adapters.base import Level
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


BODIES = {
    "850": ("PO", "BEG*00*SA*4701**20260304|PO1*1*5*EA*9.99**VN*A-1|CTT*1"),
    "855": ("PR", "BAK*00*AC*4701*20260304|PO1*1*5*EA*9.99**VN*A-1|ACK*IA*5*EA|CTT*1"),
    "810": ("IN", "BIG*20260310*INV-1*20260304*4701|IT1*1*5*EA*9.99**VN*A-1|TDS*4995|CTT*1"),
}


@pytest.mark.parametrize("set_type", sorted(BODIES))
@pytest.mark.parametrize(
    "version, nearest",
    [
        ("004030", "004010"),
        ("006010", "005010"),
        ("004030VICS", "004010"),
        ("00403", "004010"),
        ("00601", "005010"),
    ],
)
def test_a_version_that_no_real_file_has_tested_passes_through_and_says_what_to_set(
    version: str, nearest: str, set_type: str
) -> None:
    gs, text = BODIES[set_type]
    body = envelope(numbered(1, text, set_type), gs, version)
    (told,) = read(body).sets
    assert (told.document, told.is_passed_through) == (None, True)
    (finding,) = told.findings
    assert finding.code == "X12-NO-GUIDE"
    assert (
        f"guides are for 004010 and 005010: where the partner's own guide asks for no more than {nearest}"
        in (finding.text)
    )
    setting = f"partners.<partner>.edi_x12.read_version_as: {{{version}: {nearest}}}"
    assert finding.text.endswith(setting)

    (advised,) = read(body, context(X12Partner(read_version_as={version: nearest}))).sets
    assert advised.findings == ()
    assert advised.document is not None


def test_a_partner_that_may_send_no_other_version_is_told_what_to_do_about_one_too() -> None:
    gs, text = BODIES["850"]
    body = envelope(numbered(1, text), gs, "004030")
    (told,) = read(body, context(X12Partner(unknown_sets="reject"))).sets

    assert (told.findings[0].level, told.document) == (Level.REJECTED, None)
    assert "read_version_as: {004030: 004010}" in told.findings[0].text


def test_a_set_that_has_no_guide_in_any_version_is_told_of_no_setting() -> None:
    (told,) = read(envelope(numbered(1, "BSN*00*1*20260304*0930", "856"), "SH", "004010")).sets

    assert told.findings[0].code == "X12-NO-GUIDE"
    assert "read_version_as" not in told.findings[0].text


def envelope(body: str, gs: str, version: str) -> bytes:
    return interchange("X", gs=gs, version=version).replace(numbered(1, "X").encode(), body.encode())


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
