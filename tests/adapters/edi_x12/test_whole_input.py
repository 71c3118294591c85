"""A small input that is one whole interchange is read in one go, and the step by step way says the same."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings

from adapters.base import Bounds, DecodeContext
from adapters.edi_x12 import decoder
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.whole_input import read_whole
from tests.adapters.edi_x12.rig import ORDER, Read, context, interchange, read
from tests.adapters.edi_x12.test_any_bytes import mutated
from tests.adapters.edi_x12.test_golden import CASES
from tests.scale import scaled

CONTEXTS = (
    context(),
    context(environment="production"),
    context(X12Partner(duplicates="reject", envelope_counts="reject", unique=("ISA13", "GS06", "ST02"))),
    context(X12Partner(refuse=("X12-ISA-VALUE", "X12-GS01", "X12-ISA12")), name=None),
)
PIECES = (
    b"", b"~", b"*", b"\n", b"\r\n", b" ", b"0", b"9", b"P", b"SE*", b"ST*850*0001~", b"GE*1*101~", b"~~",
    b"GS*PO*A*B*20260304*0930*101*X*004010~", b"TA1*1*1*1*A*000~", b"BIN*5*", b"\xc3\xa4", b"\xa0", b"\x00",
)  # fmt: skip


def assert_same(body: bytes, around: DecodeContext) -> bool:
    """Read it both ways; tell whether it was read in one go."""
    taken: list[bool] = []

    def counting(*args: object) -> object:
        whole = read_whole(*args)  # type: ignore[arg-type]
        taken.append(whole is not None)
        return whole

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "read_whole", counting)
        quick = read(body, around)
        patch.setattr(decoder, "read_whole", lambda *args: None)
        steps = read(body, around)
    assert plain(quick) == plain(steps), body
    return any(taken)


def plain(found: Read) -> tuple[object, ...]:
    return found.sets, found.summary, [str(each) for each in found.findings]


def with_breaks(body: bytes, line_break: bytes) -> bytes:
    return body.replace(b"~", b"~" + line_break)


@pytest.mark.parametrize("line_break", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("sets", [1, 2, 5])
@pytest.mark.parametrize("around", CONTEXTS)
def test_a_plain_interchange_is_read_in_one_go(line_break: bytes, sets: int, around: DecodeContext) -> None:
    body = with_breaks(interchange(*[ORDER] * sets), line_break)

    assert assert_same(body, around)
    assert assert_same(body.removesuffix(line_break), around)
    assert not assert_same(body + line_break + b" ", around)
    assert not assert_same(body.removesuffix(line_break)[:-1], around)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"GE*1*", b"GE*2*"), (b"GE*1*101", b"GE*1*102"), (b"GE*1*101", b"GE"), (b"IEA*1*", b"IEA*2*"),
        (b"IEA*1*000000101", b"IEA*1*000000102"), (b"IEA*1*000000101", b"IEA*1"), (b"GS*PO", b"GS*IN"),
        (b"X*004010", b"X*005010"), (b"*20260304*0930*101", b"*260304*9*101"), (b"*0*T*", b"*7*Q*"),
        (b"*00*          *00", b"*00*SECRET    *00"), (b"GS*PO*", b"GS*PO *\xa0"), (b"~GE", b"~ GE"),
        (b"~SE", b"~\n SE"), (b"GE*1", b"G\nE*1"), (b"GS*PO", b"GS\n*PO"), (b"~GS", b"~TA1*1*1*1*A*000~GS"),
        (b"ST*850*0001", b"ST*850"), (b"ST*850*0001", b"ST*999*0001"), (b"*0001~", b"*0001~~"),
        (b"*260304*0930*U*00401*", b"*260304*0930*^*00501*"), (b"IEA*1*000000101~", b"IEA*1*000000101~" * 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", CONTEXTS)
def test_an_envelope_that_says_something_odd_is_told_of_alike(
    old: bytes, new: bytes, around: DecodeContext
) -> None:
    assert_same(interchange(ORDER, ORDER).replace(old, new), around)


def test_damaged_interchanges_are_read_alike() -> None:
    chance = random.Random(7)
    plainly = 0
    for _ in range(scaled(3_000, most=10_000)):
        body = with_breaks(interchange(*[ORDER] * chance.randint(1, 3)), chance.choice([b"", b"\n", b"\r\n"]))
        for _ in range(chance.randint(0, 3)):
            at = chance.randrange(len(body))
            body = body[:at] + chance.choice(PIECES) + body[at + chance.randrange(3) :]
        plainly += assert_same(body, chance.choice(CONTEXTS))

    assert plainly > scaled(3_000, most=10_000) // 4


@settings(max_examples=scaled(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_mutated_files_are_read_alike(body: bytes) -> None:
    assert_same(body, context())


def test_golden_files_are_read_alike() -> None:
    taken = [assert_same(case.read_bytes(), around) for case in CASES for around in CONTEXTS]

    assert sum(taken) > len(taken) // 4


@pytest.mark.parametrize(
    "bounds",
    [Bounds(parts_max=3), Bounds(parts_max=4), Bounds(set_bytes_max=40), Bounds(size_bytes_max=400)],
)
def test_limits_hold_alike(bounds: Bounds) -> None:
    assert_same(interchange(ORDER, ORDER, ORDER), context(bounds=bounds))
