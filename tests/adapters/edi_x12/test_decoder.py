"""What holds for every input, however it is cut, damaged or interrupted."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Bounds, Level, UnitKind
from adapters.edi_x12.config import X12Partner
from tests.adapters.edi_x12.rig import ENVELOPE, FORMAT, ORDER, Read, context, interchange, read
from tests.adapters.edi_x12.test_golden import CASES
from tests.scale import scaled

INSERTED = [b"~", b"*", b">", b"\n", b"ISA*", b"~SE*2*1~", b"~ST*850*", b"~IEA*1*1~", b"\xff"]
SMALL = [case for case in CASES if case.stat().st_size < 1500]


def _plain(result: Read) -> tuple[list[object], object]:
    return list(result.sets), result.summary


@pytest.mark.parametrize("case", SMALL, ids=lambda path: path.stem)
def test_every_single_cut_gives_the_same_as_none(case: Path) -> None:
    body = case.read_bytes()
    whole = _plain(read(body))

    for cut in range(1, len(body), 3):
        assert _plain(read(body, cuts=[cut])) == whole


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_single_bytes_and_random_pieces_give_the_same_as_the_whole(case: Path) -> None:
    body = case.read_bytes()
    whole = _plain(read(body))
    chance = random.Random(case.stem)

    assert _plain(read(body, cuts=range(1, len(body)))) == whole
    cuts = sorted(chance.sample(range(1, len(body)), min(7, len(body) - 1)))
    assert _plain(read(body, cuts=cuts)) == whole


def test_cuts_far_into_a_long_file_give_the_same() -> None:
    body = interchange(*[ORDER.replace("PO1**", f"PO{number}**") for number in range(200)]) * 3
    whole = _plain(read(body))

    assert len(whole[0]) == 600
    assert _plain(read(body, cuts=range(997, len(body), 997))) == whole


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_decoder_resumes_from_its_state(case: Path) -> None:
    body = case.read_bytes()
    whole = _plain(read(body))

    for cut in range(0, len(body), max(1, len(body) // 12)):
        assert _resumed(body, cut) == whole


def test_a_decoder_resumes_behind_the_end_of_a_group_and_of_an_interchange() -> None:
    body = interchange(*[ORDER] * 60) * 2  # so long that it is read before its end is known
    whole = _plain(read(body))
    behind = [found.end() for found in re.finditer(rb"GE\*60\*101~|IEA\*1\*000000101~", body)]

    assert len(behind) == 4
    for cut in behind:
        assert _resumed(body, cut + 1) == whole


def _resumed(body: bytes, cut: int) -> tuple[list[object], object]:
    """Read a body by two decoders, the second one from the state of the first."""
    first = FORMAT.decoder(context())
    sets = list(first.feed(body[:cut]))
    second = FORMAT.decoder(context(), resume=first.state())
    sets.extend(second.feed(body[cut:]))
    last, summary = second.finish()
    return [*sets, *last], summary


@settings(max_examples=scaled(150))
@given(st.data())
def test_damaged_bytes_give_findings_and_never_an_exception(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(CASES)).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                body[at] = data.draw(st.integers(0, 255))
            case 1:
                del body[at : at + data.draw(st.integers(1, 40))]
            case 2:
                body[at:at] = data.draw(
                    st.sampled_from([b"~", b"*", b">", b"\n", b"ISA*", b"~SE*2*1~", b"~ST*850*", b"\xff"])
                )
            case _:
                body[at:at] = body[: data.draw(st.integers(1, 200))]
        if not body:
            body.extend(b"~")
    result = read(bytes(body), cuts=[len(body) // 2])

    for each in result.sets:
        rejected = any(finding.level is Level.REJECTED for finding in each.findings)
        assert (each.document is None) or not rejected
        assert each.document is not None or rejected or each.is_passed_through
    for about in result.summary.interchanges:
        FORMAT.acknowledge(about, {}, ENVELOPE)


@given(st.binary(max_size=400))
def test_any_bytes_at_all_are_answered(body: bytes) -> None:
    result = read(body)

    assert result.summary.is_readable or "X12-UNREADABLE" in result.codes
    assert FORMAT.recognises(body) in (True, False)
    assert FORMAT.is_urgent(body) in (True, False)
    FORMAT.identity(body)


def test_a_set_keeps_its_own_bytes() -> None:
    body = interchange(ORDER, ORDER)

    raws = [each.raw for each in read(body).sets]

    assert b"".join(raws) in body
    assert all(raw.startswith(b"ST*850*") and raw.endswith(b"~") for raw in raws)


def test_a_set_that_is_too_large_is_rejected_alone_wherever_it_is_cut() -> None:
    body = interchange(ORDER, ORDER + "|MSG*" + "X" * 3000, ORDER)
    around = context(bounds=Bounds(set_bytes_max=1000))

    for cuts in (range(0), range(100, len(body), 100)):
        sets = read(body, around, cuts).sets
        assert [each.document is not None for each in sets] == [True, False, True]
        assert [finding.code for finding in sets[1].findings] == ["X12-SIZE"]


def test_a_file_that_is_too_large_is_read_up_to_the_limit() -> None:
    body = interchange(*[ORDER] * 50)

    result = read(body, context(bounds=Bounds(size_bytes_max=1500)))

    assert "X12-SIZE" in result.codes
    assert 0 < len(result.sets) < 50


def test_a_set_with_too_many_segments_is_rejected() -> None:
    result = read(interchange(ORDER), context(bounds=Bounds(segments_max=4)))

    assert result.codes == ["X12-SIZE"]


def test_findings_of_a_set_are_bounded() -> None:
    body = interchange("BEG*00*SA*PO1**20260304|" + "|".join(["REF*IA"] * 300) + "|PO1*1*1*EA")

    result = read(body, context(bounds=Bounds(findings_max=20)))

    assert len(result.sets[0].findings) == 20


def test_time_grows_with_the_size_of_a_hostile_input_not_faster() -> None:
    for hostile in (
        b"~" * 400_000,
        b"ISA*" * 100_000,
        b" " * 400_000,
        interchange(ORDER)[:-20] + b"ST" * 200_000,
    ):
        read(hostile, cuts=range(65_536, len(hostile), 65_536))  # the test's time-out judges


def test_units_name_the_set_its_group_its_interchange_and_the_file() -> None:
    units = read(interchange(ORDER, ORDER)).sets[1].units

    assert [(unit.kind, unit.key) for unit in units] == [
        (UnitKind.SET, "0.0.1"),
        (UnitKind.GROUP, "0.0"),
        (UnitKind.INTERCHANGE, "0"),
        (UnitKind.FILE, "file"),
    ]


def test_wrong_trailers_condemn_their_units_where_the_partner_says_so() -> None:
    body = interchange(ORDER).replace(b"GE*1*", b"GE*3*")

    lenient = read(body).summary
    strict = read(body, context(X12Partner(envelope_counts="reject"))).summary

    assert lenient.rejected_units == frozenset()
    assert {(unit.kind, unit.key) for unit in strict.rejected_units} == {(UnitKind.GROUP, "0.0")}


def test_positions_are_byte_offsets_and_lines_of_the_whole_input() -> None:
    body = interchange(ORDER, "BEG*00*SA*PO2**20260304|PO1*1*x*EA").replace(b"~", b"~\r\n")

    finding = read(body, cuts=[120, 300]).sets[1].findings[0]

    assert finding.at.offset == body.index(b"PO1*1*x")
    assert finding.at.line == body[: finding.at.offset].count(b"\n") + 1
    assert finding.at.path == "ST 0002 / PO1[1]/PO102"


def test_a_password_in_the_isa_is_kept_nowhere() -> None:
    body = interchange(ORDER).replace(b"00*          *00*          ", b"01*SECRETUSER*01*SECRETWORD")

    result = read(body)

    assert "SECRET" not in repr(result)
    assert result.sets[0].document is not None
