"""A small input that is one whole interchange as X12 has it: its envelope is cut in one go. Pure.

Nearly all small inputs are. Any other is left to the decoder, which reads it step by step and says the same
of what is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adapters.base.findings import Position
from adapters.base.formats import DecodeContext, Decoded
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.control_segments import control_pattern, elements_of
from adapters.edi_x12.delimiters import HEAD_BYTES, ISA_BYTES, Head, plain_isa
from adapters.edi_x12.envelope import Envelopes
from adapters.edi_x12.judge import judge

_AROUND_SETS = 3  # GS, GE and IEA
_SET = (b"ST", b"SE")


class _Cut(NamedTuple):
    """Where the segments behind the ISA begin, and end behind their terminators: GS, sets, GE, IEA."""

    head: Head
    starts: Sequence[int]
    ends: Sequence[int]


def read_whole(
    body: bytes, envelopes: Envelopes, context: DecodeContext, partner: X12Partner
) -> list[Decoded] | None:
    """Give the sets of an input; None where its envelope is not plain: then nothing was told of it."""
    cut = _cut(body)
    bounds = context.bounds
    if cut is None or len(cut.starts) >= bounds.parts_max or len(body) > bounds.set_bytes_max:
        return None
    head, starts, ends = cut
    marks, source = head.delimiters, context.source

    def said(at: int, name: str) -> tuple[list[str], Position]:
        start, end = starts[at], ends[at] - len(marks.terminator)
        line = 1 + body.count(b"\n", 0, start)
        return elements_of(body[start:end], marks)[1:], Position(source, line, None, name, start)

    envelopes.open_interchange(head, Position(source, 1, None, "ISA", 0))
    envelopes.open_group(*said(0, "GS"))
    sets = []
    for start, end in zip(starts[1:-2], ends[1:-2], strict=True):
        raw = body[start:end]
        frame = envelopes.frame(raw, marks, start, 1 + body.count(b"\n", 0, start))
        told = judge(raw, frame, context, partner)
        envelopes.add_set(told)
        sets.append(told.decoded)
    envelopes.close_group(*said(-2, "GE"))
    envelopes.close_interchange(*said(-1, "IEA"))
    return sets


def _cut(body: bytes) -> _Cut | None:
    """Cut an input that is ISA, GS, sets, GE, IEA, the same line break behind each; None for any other."""
    head = plain_isa(body[:HEAD_BYTES])
    if head is None:
        return None
    terminator, line_break = head.delimiters.terminator, head.delimiters.line_break
    found = list(control_pattern(head.delimiters).finditer(body, ISA_BYTES - len(terminator)))
    sets = (len(found) - _AROUND_SETS) // 2
    if sets < 1 or [each[1] for each in found] != [b"GS", *_SET * sets, b"GE", b"IEA"]:
        return None
    starts: list[int] = []
    ends: list[int] = []
    at = ISA_BYTES
    for each in found:
        start = each.start(1)
        end = body.find(terminator, start) + len(terminator)
        if each[1] == b"SE":
            ends[-1] = at = end
            continue
        if body[at:start] != line_break:
            return None
        starts.append(start)
        ends.append(end)
        at = end
    is_ended = body.endswith(terminator, at - len(terminator), at) and body[at:] in (b"", line_break)
    return _Cut(head, starts, ends) if is_ended else None
