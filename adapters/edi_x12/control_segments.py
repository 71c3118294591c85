"""The segments of envelopes in a stretch of bytes: where they begin, and what they say. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from adapters.edi_x12.delimiters import Delimiters

CONTROL_SEGMENT_MAX = 4096  # bytes of an envelope segment


@lru_cache(maxsize=256)
def control_pattern(delimiters: Delimiters) -> re.Pattern[bytes]:
    """Give what finds the next envelope segment, or one that may hold binary data, behind a terminator."""
    terminator, separator = re.escape(delimiters.terminator), re.escape(delimiters.element)
    wrap = b"" if delimiters.is_line_terminated else rb"[\r\n]*"
    names = rb"S[TE]|G[SE]|ISA|IEA|BIN|BDS".replace(b"S[", b"S" + wrap + b"[").replace(
        b"G[", b"G" + wrap + b"["
    )
    names = names.replace(b"ISA", wrap.join([b"I", b"S", b"A"])).replace(
        b"IEA", wrap.join([b"I", b"E", b"A"])
    )
    blanks = rb"(?:[ \t\r\n\x0b\x0c\x00]|\xc2\xa0|\xef\xbb\xbf|\xa0)*"
    return re.compile(terminator + blanks + rb"(" + names + rb")" + wrap + separator)


def elements_of(segment: bytes | bytearray, delimiters: Delimiters) -> list[str]:
    """Give the elements of an envelope segment, its name first; line breaks inside come from wrapping."""
    text = segment.decode("latin-1").replace("\r", "").replace("\n", "")
    return [part.strip(" \t\u00a0") for part in text.split(delimiters.element.decode("latin-1"))]
