"""Any bytes give findings: random ones, mutated good ones, cut anywhere, in linear time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import Bounds, DecodeContext
from benchmarks.x12_hostile import KINDS, hostile
from tests.adapters.edi_x12.anything import judge_anything
from tests.adapters.edi_x12.rig import FORMAT, ORDER, Read, context, interchange, numbered, read
from tests.adapters.edi_x12.test_golden import CASES
from tests.scale import scaled

BODIES = [case.read_bytes() for case in CASES]
PIECES = [
    b"ISA", b"GS*", b"ST*850*0001~", b"SE*2*0001~", b"GE*1*1~", b"IEA*1*1~", b"~", b"*", b">", b"^", b"\r\n",
    b"BIN*5*", b"BDS*ASC*9*", b"TA1*1*1*1*A*000~", b"\x85", b"\xe2\x80\xa6", b"\xef\xbb\xbf", b"\x00",
    b"PO1*", b"CTT*", b"-", b"99999999999999999999", b"N1*ST*", b"SLN*", b"AK2*850*0001~", b" " * 9,
]  # fmt: skip
QUICKLY = settings(
    max_examples=scaled(60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Give a good input with some of it cut out, doubled, exchanged or overwritten."""
    body = draw(st.sampled_from(BODIES))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 60)))
        piece = draw(
            st.one_of(
                st.just(b""),
                st.binary(max_size=8),
                st.sampled_from(PIECES),
                st.just(body[start:end] * 2),
                st.sampled_from(BODIES).map(lambda other: other[:200]),
            )
        )
        body = body[:start] + piece + body[end:]
    return body


@QUICKLY
@given(mutated(), st.lists(st.integers(0, 5_000), max_size=6))
def test_mutated_inputs_give_findings_and_the_same_for_any_chunks(body: bytes, cuts: list[int]) -> None:
    judge_anything(body, tuple(cuts))


@QUICKLY
@given(st.lists(st.one_of(st.binary(max_size=12), st.sampled_from(PIECES)), max_size=60), st.booleans())
def test_bytes_of_no_form_give_findings(pieces: list[bytes], begins_well: bool) -> None:
    head = interchange(ORDER)[:200] if begins_well else b""
    body = head + b"".join(pieces)

    judge_anything(body, (len(body) // 3, len(body) // 2))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_every_cut_in_two_gives_the_same(case: Path) -> None:
    body = case.read_bytes()
    whole = read(body)
    for cut in range(1, len(body), 1 if len(body) < 1_200 else 7):
        again = read(body, cuts=(cut,))
        assert (again.sets, again.summary) == (whole.sets, whole.summary), f"cut at {cut}"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_byte_by_byte_gives_the_same(case: Path) -> None:
    body = case.read_bytes()
    whole, again = read(body), read(body, cuts=range(1, len(body)))

    assert (again.sets, again.summary) == (whole.sets, whole.summary)


# -- binary data


def binary(data: bytes, length: int | None = None, name: bytes = b"BIN") -> bytes:
    """Give an interchange with one passed-through set that holds binary data."""
    stated = str(len(data) if length is None else length).encode()
    head = b"BIN*" + stated if name == b"BIN" else b"BDS*ASC*" + stated
    inside = b"BGN*00*1*20260304~" + head + b"*" + data + b"~"
    made = b"ST*275*0001~" + inside + b"SE*4*0001~"
    return interchange(ORDER, gs="PI").replace(numbered(1, ORDER).encode(), made)


def test_binary_data_may_look_like_anything() -> None:
    data = b"\xff\x00~SE*3*0001~GE*1*101~ISA*\x85" + bytes(range(256))
    for name in (b"BIN", b"BDS"):
        result = read(binary(data, name=name))
        assert result.codes == ["X12-NO-GUIDE"]
        assert data in result.sets[0].raw
        for cut in range(200, 560, 3):
            again = read(binary(data, name=name), cuts=(cut,))
            assert (again.sets, again.summary) == (result.sets, result.summary)


@pytest.mark.parametrize("length", [3, 10_000, 10**14])
def test_a_length_that_cannot_be_true_hides_nothing(length: int) -> None:
    result = read(binary(b"ABCDEFGH", length))

    assert [each.set_type for each in result.sets] == ["275"]
    assert result.codes == ["X12-NO-GUIDE"]


# -- bounds and time


def big(**bounds: int) -> DecodeContext:
    return context(bounds=Bounds(**bounds))


def test_more_sets_than_one_input_may_hold_are_not_read() -> None:
    result = read(interchange(*[ORDER] * 20), big(parts_max=12))

    assert len(result.sets) == 10
    assert "X12-SIZE" in result.codes
    again = read(interchange(*[ORDER] * 20), big(parts_max=12), cuts=range(1, 1500, 13))
    assert (again.sets, again.summary) == (result.sets, result.summary)


def test_a_segment_longer_than_one_may_be_is_refused_with_its_place() -> None:
    result = read(
        interchange(f"BEG*00*SA*PO1**20260304|MSG*{'x' * 5_000}|PO1*1*5*EA"), big(segment_bytes_max=4_096)
    )

    (finding,) = result.findings
    assert finding.code == "X12-SIZE"
    assert finding.at.line == 1
    assert result.sets[0].document is None


def test_a_segment_of_a_hundred_thousand_elements_is_one_finding() -> None:
    result = read(interchange(f"BEG*00*SA*PO1**20260304|PO1*1*5*EA{'*x' * 100_000}"))

    assert "X12-TOO-MANY" in result.codes
    assert all(len(finding.text) < 2_000 and len(finding.value or "") < 100 for finding in result.findings)


@pytest.mark.parametrize("kind", KINDS)
def test_large_inputs_of_every_kind_are_judged(kind: str) -> None:
    """The test's time-out judges: with anything quadratic in it this takes minutes."""
    result = read(hostile(kind, 2_000))

    assert result.findings or result.sets


def test_a_good_order_is_among_what_anything_is_held_to() -> None:
    result: Read = judge_anything(interchange(ORDER))

    assert result.sets[0].document is not None


@pytest.mark.parametrize(
    "blanks", [b" " * 20_000, b"\r\n" * 10_000, b"\xc2\xa0 \t" * 6_000, b"\xef\xbb\xbf" * 7_000]
)
@pytest.mark.parametrize("mark", [b"ISA*", b"GS*", b"ST*", b"IEA*", b"the end"])
def test_long_runs_of_blanks_are_let_go_of_and_give_the_same_for_any_chunks(
    blanks: bytes, mark: bytes
) -> None:
    body = interchange(ORDER)
    at = body.find(mark) if mark in body else len(body)
    body = body[:at] + blanks + body[at:]
    whole = read(body)
    for width in (100, 4_096, 5_001):
        again = read(body, cuts=range(width, len(body), width))
        assert (again.sets, again.summary) == (whole.sets, whole.summary)
    assert len(whole.sets) == 1


def test_an_endless_run_of_blanks_takes_no_memory_and_no_time() -> None:
    """The test's time-out judges: looked at anew with every chunk, this would take an hour."""
    decoder = FORMAT.decoder(context())
    for _ in range(300):
        assert list(decoder.feed(b" " * 65_536)) == []
    assert len(decoder.state()) < 20_000


def test_a_control_number_of_any_length_stays_out_of_findings() -> None:
    body = interchange(ORDER).replace(b"ST*850*0001", b"ST*850*" + b"9" * 5_000)

    result = judge_anything(body)

    assert all(len(finding.text) < 500 and len(finding.at.path) < 200 for finding in result.findings)
