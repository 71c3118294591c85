"""The bytes of one transaction set turned into segments, with what had to be tolerated on the way.

Clean sets take one `str.split`. Blanks around segments, wrapped lines and empty segments take the
careful way, which notes each of them. Offsets are worked out only where a finding needs one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from adapters.edi_x12.binary import masked
from adapters.edi_x12.delimiters import Delimiters

FALLBACK_ENCODING = "latin-1"
_BLANKS = " \t\x0b\x0c\x00\u00a0\ufeff"
_BLANKS_AND_BREAKS = _BLANKS + "\r\n"
_BYTE_BLANK = re.compile(rb"(?:[ \t\r\n\x0b\x0c\x00]|\xc2\xa0|\xef\xbb\xbf|\xa0)*")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Something that is not as X12 has it and was read nevertheless: at which segment, the first time."""

    code: str
    text: str
    segment: int  # index of the segment where it was needed first
    count: int = 1


class Separators(NamedTuple):
    """The delimiters as text, in the encoding that a set is read with."""

    element: str
    component: str
    terminator: str
    repetition: str = ""
    is_line_terminated: bool = False


class SetText(NamedTuple):
    """A set as text: its segments, never empty, blanks in front taken off."""

    text: str
    segments: Sequence[str]
    separators: Separators
    tolerances: tuple[Tolerance, ...] = ()


def read_set(raw: bytes, delimiters: Delimiters, encoding: str | None) -> SetText:
    """Give the segments of a set's bytes. Undecodable bytes make the whole set Latin-1, with a note."""
    text, used, is_fallback = _decoded(masked(raw, delimiters), encoding)
    # A delimiter such as 0x85 is no UTF-8 either, and says nothing about the text between.
    is_fallback = is_fallback and _is_readable(delimiters, encoding)
    separators = separators_of(delimiters, used)
    segments, tolerances = _split(text, separators)
    if is_fallback:
        expected = encoding or "UTF-8"
        note = Tolerance("X12-ENCODING", f"the bytes are not {expected}; they were read as Latin-1", 0)
        tolerances = (note, *tolerances)
    return SetText(text, segments, separators, tolerances)


@lru_cache(maxsize=256)
def separators_of(delimiters: Delimiters, encoding: str) -> Separators:
    """Give the delimiters as text."""

    def text(part: bytes) -> str:
        return part.decode(encoding, "replace") if part else ""

    return Separators(
        text(delimiters.element),
        text(delimiters.component),
        text(delimiters.terminator),
        text(delimiters.repetition),
        delimiters.is_line_terminated,
    )


@dataclass(slots=True)
class Places:
    """Where each segment of a set begins; worked out once, and only when someone asks."""

    raw: bytes
    delimiters: Delimiters
    offset: int  # of the set in its input
    line: int
    _starts: list[int] = field(default_factory=list)

    def offset_of(self, segment: int) -> int:
        """Give the byte offset of a segment in the input."""
        starts = self._starts or self._find()
        return self.offset + (starts[segment] if segment < len(starts) else len(self.raw))

    def line_of(self, segment: int) -> int:
        """Give the line, counted from 1, on which a segment begins."""
        return self.line + self.raw.count(b"\n", 0, self.offset_of(segment) - self.offset)

    def _find(self) -> list[int]:
        at, width = 0, len(self.delimiters.terminator)
        for piece in masked(self.raw, self.delimiters).split(self.delimiters.terminator):
            blank = _BYTE_BLANK.match(piece)
            skipped = blank.end() if blank else 0
            if skipped < len(piece):
                self._starts.append(at + skipped)
            at += len(piece) + width
        return self._starts


def _decoded(raw: bytes, encoding: str | None) -> tuple[str, str, bool]:
    wanted = encoding or "utf-8"
    try:
        return raw.decode(wanted), wanted, False
    except (UnicodeDecodeError, LookupError):
        return raw.decode(FALLBACK_ENCODING), FALLBACK_ENCODING, True


def _is_readable(delimiters: Delimiters, encoding: str | None) -> bool:
    marks = delimiters.element + delimiters.terminator + delimiters.component
    return not _decoded(marks, encoding)[2]


def _split(text: str, separators: Separators) -> tuple[list[str], tuple[Tolerance, ...]]:
    """Split clean text at once: at the terminator and the same line break behind each of them."""
    terminator = separators.terminator
    joint = terminator
    if not separators.is_line_terminated:
        joint += line_break(text, terminator)
    elif terminator == "\n":
        text = text.replace("\r\n", "\n")
    segments = text.removesuffix(terminator).split(joint)
    is_clean = (
        "" not in segments
        and text.count(terminator) in (len(segments), len(segments) - 1)
        and _blank_behind(joint).search(text) is None
        and _breaks(text, separators) == (len(segments) - 1) * (len(joint) - len(terminator))
    )
    return (segments, ()) if is_clean else _split_carefully(text, separators)


@lru_cache(maxsize=256)
def _blank_behind(joint: str) -> re.Pattern[str]:
    return re.compile(re.escape(joint) + f"[{_BLANKS}]")


def _breaks(text: str, separators: Separators) -> int:
    """Count the characters of line breaks that are no terminators."""
    breaks = text.count("\n") + text.count("\r")
    return breaks - text.count(separators.terminator) if separators.is_line_terminated else breaks


def line_break(text: str, terminator: str) -> str:
    """Give the line break behind the first terminator, if one stands there."""
    behind = text.find(terminator) + len(terminator)
    if text.startswith("\r\n", behind):
        return "\r\n"
    return "\n" if text.startswith("\n", behind) else ""


def _split_carefully(text: str, separators: Separators) -> tuple[list[str], tuple[Tolerance, ...]]:
    segments: list[str] = []
    found: dict[str, Tolerance] = {}
    pieces = text.split(separators.terminator)
    for number, piece in enumerate(pieces):
        segment = piece.lstrip(_BLANKS_AND_BREAKS)
        if not segment:
            if number < len(pieces) - 1:
                _note(found, "X12-EMPTY-SEGMENT", "an empty segment was skipped", len(segments))
            continue
        if piece[: len(piece) - len(segment)].strip("\r\n"):
            _note(found, "X12-BLANKS", "blanks stand in front of a segment", len(segments))
        if separators.is_line_terminated:
            segment = segment.rstrip(_BLANKS_AND_BREAKS)
        elif "\n" in segment or "\r" in segment:
            segment = _unwrapped(segment, separators, found, len(segments))
        segments.append(segment)
    return segments, tuple(found.values())


def _unwrapped(segment: str, separators: Separators, found: dict[str, Tolerance], index: int) -> str:
    """Take line breaks out of a segment. One that looks like a lost terminator is reported, not guessed."""
    lost = re.search(r"[\r\n]+[ \t]*([A-Z][A-Z0-9]{1,2})" + re.escape(separators.element), segment)
    if lost:
        text = f"a line break stands in front of '{lost[1]}': the segment terminator before it may be missing"
        _note(found, "X12-LOST-TERMINATOR", text, index)
    else:
        _note(found, "X12-WRAP", "a segment is broken over several lines; they were joined", index)
    return segment.replace("\r", "").replace("\n", "")


def _note(found: dict[str, Tolerance], code: str, text: str, index: int) -> None:
    known = found.get(code)
    found[code] = (
        Tolerance(code, known.text, known.segment, known.count + 1) if known else Tolerance(code, text, index)
    )
