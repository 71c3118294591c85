"""An ISA that is as X12 has it is read at once, and says what the long way says of it."""

from __future__ import annotations

import random

import pytest

from adapters.edi_x12 import delimiters
from adapters.edi_x12.delimiters import HEAD_BYTES, Head, read_isa
from tests.adapters.edi_x12.rig import ORDER, interchange
from tests.adapters.edi_x12.test_golden import CASES
from tests.scale import scaled

WHERE = (3, 82, 83, 84, 103, 104, 105, 106, 107)  # separators, ISA11, ISA12, ISA16, terminator, line break
BYTES = b"*|^~>:\n\r\t A0z\x1c\x00\x85\xc3\xa0GST"


def long_way(head: bytes) -> Head | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimiters, "plain_isa", lambda head: None)
        return read_isa(head)


def heads() -> list[bytes]:
    bodies = [case.read_bytes() for case in CASES]
    return [body[body.find(b"ISA") :][:HEAD_BYTES] for body in bodies if b"ISA" in body]


def test_any_isa_is_read_alike_both_ways() -> None:
    chance = random.Random(106)
    samples, plain = heads(), 0
    for _ in range(scaled(4000)):
        head = bytearray(chance.choice(samples))
        for _ in range(chance.randrange(4)):
            at = min(chance.choice((*WHERE, chance.randrange(110))), len(head) - 1)
            match chance.randrange(4):
                case 0:
                    del head[at]
                case 1:
                    head.insert(at, chance.choice(BYTES))
                case _:
                    head[at] = chance.choice(BYTES)
        found = bytes(head)
        plain += delimiters.plain_isa(found) is not None
        assert read_isa(found) == long_way(found), found[:120]

    assert plain > scaled(4000) // 10


@pytest.mark.parametrize("behind", [b"", b"\n", b"\r\n", b"\r", b" "])
@pytest.mark.parametrize("version", [b"00401", b"00501"])
def test_what_stands_behind_aplain_isa_is_told_alike(behind: bytes, version: bytes) -> None:
    body = interchange(ORDER).replace(b"*U*00401*", b"*^*" + version + b"*")
    head = body[:106] + behind + body[106:]
    plain = delimiters.plain_isa(head[:HEAD_BYTES])

    assert plain is not None
    assert plain == long_way(head[:HEAD_BYTES])
    assert plain.delimiters.repetition == (b"^" if version == b"00501" else b"")
