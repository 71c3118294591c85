"""Acknowledgments and new envelopes: right counts, right numbers, sets unchanged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.base import EncodeError, Interchange, Verdict
from tests.adapters.edi_x12.rig import ENVELOPE, FORMAT, ORDER, interchange, numbered, read
from tests.adapters.edi_x12.test_golden import CASES


def ack_of(body: bytes, verdicts: dict[int, Verdict] | None = None) -> list[list[str]]:
    made = FORMAT.acknowledge(read(body).summary.interchanges[0], verdicts or {}, ENVELOPE)
    assert made is not None
    return [segment.split("*") for segment in made.decode().replace("\n", "").split("~")[:-1]]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_every_acknowledgment_is_itself_clean_and_never_acknowledged(case: Path) -> None:
    for each in read(case.read_bytes()).summary.interchanges:
        made = FORMAT.acknowledge(each, {}, ENVELOPE)
        if made is None:
            continue
        back = read(made)
        assert back.codes == []
        assert {one.set_type for one in back.sets} == {"997"} or (not back.sets and b"TA1*" in made)
        assert all(one.is_acknowledgment for one in back.summary.interchanges)
        assert FORMAT.acknowledge(back.summary.interchanges[0], {}, ENVELOPE) is None


def test_an_acknowledgment_swaps_the_parties_and_takes_our_number() -> None:
    segments = ack_of(interchange(ORDER))

    assert [segments[0][6].strip(), segments[0][8].strip(), segments[0][13]] == [
        "MEDSUPPLY",
        "MERCYMMS",
        "000004711",
    ]
    assert segments[1][1:4] == ["FA", "MEDSUPPLY", "MERCYMMS"]
    assert segments[1][4:6] == ["20260304", "1205"]
    assert segments[1][8] == "004010"


def test_a_verdict_of_the_gateway_may_be_worse_than_the_decoders() -> None:
    segments = ack_of(interchange(ORDER, ORDER), {1: Verdict.REJECTED, 0: Verdict.ACCEPTED})

    assert [each for each in segments if each[0] in ("AK5", "AK9")] == [
        ["AK5", "A"],
        ["AK5", "R", "5"],
        ["AK9", "P", "2", "2", "1"],
    ]


def test_a_verdict_never_improves_on_the_decoders() -> None:
    segments = ack_of(interchange("BEG*00*SA*PO1**20260304|PO1*1*x*EA"), {0: Verdict.ACCEPTED})

    assert ["AK9", "R", "1", "1", "0"] in segments


def test_facts_survive_json_so_that_an_acknowledgment_can_be_written_later() -> None:
    about = read((CASES[0].parent / "po_bad_quantity.edi").read_bytes()).summary.interchanges[0]
    later = Interchange(
        about.sender, about.receiver, about.control_number, False, json.loads(json.dumps(about.facts))
    )

    assert FORMAT.acknowledge(later, {}, ENVELOPE) == FORMAT.acknowledge(about, {}, ENVELOPE)


def test_a_copy_of_bad_data_never_breaks_the_acknowledgment() -> None:
    segments = ack_of(interchange("BEG*00*SA*PO1**20260304|PO1*1*a>b*EA"))

    assert ["AK4", "2", "330", "6"] in segments


def test_one_acknowledgment_covers_all_groups_of_an_interchange() -> None:
    body = interchange(ORDER)
    group = body[body.index(b"GS*") : body.index(b"IEA")]
    second = group.replace(b"*101*X*004010", b"*102*X*005010").replace(b"GE*1*101", b"GE*1*102")
    segments = ack_of(body.replace(b"IEA*1*", second + b"IEA*2*"))

    assert [each[8] for each in segments if each[0] == "GS"] == ["004010", "005010"]
    assert [each[1:] for each in segments if each[0] == "AK1"] == [["PO", "101"], ["PO", "102", "005010"]]
    assert segments[-1][:2] == ["IEA", "2"]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_wrapped_sets_read_again_as_the_same_sets(case: Path) -> None:
    first = read(case.read_bytes())
    for position, about in enumerate(first.summary.interchanges):
        if about.sender is None:
            continue
        sets = [each for each in first.sets if each.interchange == position and b"*SE" not in each.raw]
        closed = [each for each in sets if "X12-NO-SE" not in {finding.code for finding in each.findings}]
        if not closed:
            continue
        again = read(FORMAT.wrap([each.raw for each in closed], about, ENVELOPE))
        trailing = {"X12-NO-TERMINATOR"}
        assert [each.raw.rstrip(b"~") for each in again.sets] == [each.raw.rstrip(b"~") for each in closed]
        noted = {"X12-DUP-ST02", "X12-GS01", "X12-ISA12", *trailing}
        assert {finding.code for finding in again.summary.findings} <= noted


def test_a_part_of_an_interchange_is_wrapped_with_counts_of_its_own() -> None:
    first = read(interchange(*[ORDER] * 10))
    made = FORMAT.wrap([each.raw for each in first.sets[1:]], first.summary.interchanges[0], ENVELOPE)

    again = read(made)
    assert again.codes == []
    assert [each.raw for each in again.sets] == [each.raw for each in first.sets[1:]]
    assert again.summary.interchanges[0].control_number == "000004711"
    assert again.summary.interchanges[0].sender == ("ZZ", "MERCYMMS")


def test_the_envelope_may_name_other_parties() -> None:
    first = read(interchange(ORDER))
    envelope = replace(
        ENVELOPE, sender=("ZZ", "GATEWAY"), receiver=("01", "LEGACY"), environment="production"
    )
    made = FORMAT.wrap([first.sets[0].raw], first.summary.interchanges[0], envelope)

    again = read(made)
    assert again.summary.interchanges[0].sender == ("ZZ", "GATEWAY")
    assert again.codes == ["X12-ENV"]  # ISA15 is ours: P in a test gateway


def test_a_set_of_another_interchange_is_not_wrapped() -> None:
    first = read(interchange(ORDER))

    with pytest.raises(EncodeError, match="is not of this interchange"):
        FORMAT.wrap([numbered(9, ORDER).encode()], first.summary.interchanges[0], ENVELOPE)


def test_a_control_number_has_nine_digits_at_most() -> None:
    first = read(interchange(ORDER))

    with pytest.raises(EncodeError, match="more than nine digits"):
        FORMAT.wrap(
            [first.sets[0].raw], first.summary.interchanges[0], replace(ENVELOPE, control_number=10**9)
        )
