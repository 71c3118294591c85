"""Binary data inside a set: BIN and BDS say how many bytes follow, and those may look like anything. Pure.

The data is skipped where envelopes are looked for, and masked where segments are split; the set's own bytes
stay as they are. A length that cannot be true (no terminator stands behind that many bytes) makes the segment
an ordinary one. Source: X12 BIN01 (element 784), BIN02 (785); BDS02, BDS03.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from adapters.edi_x12.delimiters import Delimiters

DIGITS_MAX = 15  # element 784, N0 1/15


def data_end(buffer: bytes | bytearray, at: int, delimiters: Delimiters) -> int | None:
    """Give where the data of the BIN or BDS at an offset should end; None where it says no length.

    The end may lie beyond the buffer.
    """
    found = _head(delimiters).match(buffer, at)
    if found is None:
        return None
    return found.end() + int(found[1] or found[2])


def is_data(buffer: bytes | bytearray, end: int, delimiters: Delimiters) -> bool:
    """Tell whether data can end there: the segment's terminator stands behind it."""
    return buffer.startswith(delimiters.terminator, end)


def masked(raw: bytes, delimiters: Delimiters) -> bytes:
    """Give a set's bytes with binary data replaced by as many harmless characters."""
    if b"BIN" not in raw and b"BDS" not in raw:
        return raw
    parts, done = [], 0
    filler = _filler(delimiters)
    for start, end in _spans(raw, delimiters):
        parts += [raw[done:start], filler * (end - start)]
        done = end
    return b"".join([*parts, raw[done:]]) if parts else raw


def _spans(raw: bytes, delimiters: Delimiters) -> Iterator[tuple[int, int]]:
    at = 0
    while True:
        found = _segment(delimiters).search(raw, at)
        if found is None:
            return
        head = _head(delimiters).match(raw, found.start(1))
        end = data_end(raw, found.start(1), delimiters)
        if head is None or end is None or not is_data(raw, end, delimiters):
            at = found.end()
            continue
        yield head.end(), end
        at = end


def _filler(delimiters: Delimiters) -> bytes:
    marks = delimiters.element + delimiters.component + delimiters.terminator + delimiters.repetition
    return next(bytes([each]) for each in b".x-" if each not in marks)


@lru_cache(maxsize=256)
def _segment(delimiters: Delimiters) -> re.Pattern[bytes]:
    terminator, separator = re.escape(delimiters.terminator), re.escape(delimiters.element)
    return re.compile(terminator + rb"[ \t\r\n]*(BIN|BDS)" + separator)


@lru_cache(maxsize=256)
def _head(delimiters: Delimiters) -> re.Pattern[bytes]:
    separator = re.escape(delimiters.element)
    digits = rb"([0-9]{1,%d})" % DIGITS_MAX
    return re.compile(
        rb"BIN"
        + separator
        + digits
        + separator
        + rb"|BDS"
        + separator
        + rb"[A-Z0-9]{1,3}"
        + separator
        + digits
        + separator
    )
