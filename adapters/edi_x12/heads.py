"""Where X12 begins in a stretch of bytes: at the first head that can be read. Pure."""

from __future__ import annotations

import re

from adapters.edi_x12.delimiters import HEAD_BYTES, Head, read_bare, read_isa

SEARCHED_BYTES = 4096  # how much may stand in front of the first segment before we give up
_LEADING = re.compile(rb"(?:[ \t\r\n\x0b\x0c\x00\x1a]++|\xc2\xa0|\xef\xbb\xbf|\xa0)*+")
_START = re.compile(rb"(?:ISA|GS|ST)[^A-Za-z0-9\s]")


def looks_like_x12(head: bytes) -> bool:
    """Tell whether the first bytes of an input are X12, or hold an ISA behind something else."""
    start = blanks_end(bytearray(head), 0)
    skipped, found = find_head(head[start : start + SEARCHED_BYTES])
    return found is not None and (skipped == 0 or bool(found.isa))


def identity(head: bytes) -> str | None:
    """Give what names the first interchange: sender, receiver, ISA13. None where there is no ISA."""
    start = blanks_end(bytearray(head), 0)
    _, found = find_head(head[start : start + SEARCHED_BYTES])
    if found is None or not found.isa or not found.isa[12]:
        return None
    return "/".join((*found.isa[4:8], found.isa[12]))


def find_head(window: bytes) -> tuple[int, Head | None]:
    """Give how far into the window the first readable head is."""
    for found in _START.finditer(window):
        begin = found.start()
        if begin and window[begin - 1 : begin].isalnum():
            continue
        part = window[begin : begin + HEAD_BYTES]
        head = read_isa(part) if part.startswith(b"ISA") else read_bare(part)
        if head is not None:
            return begin, head
    return 0, None


def blanks_end(buffer: bytearray, at: int) -> int:
    """Give where the blanks and marks end that begin at a place in a buffer."""
    found = _LEADING.match(buffer, at)  # its reference to the buffer ends with this function
    return found.end() if found else at
