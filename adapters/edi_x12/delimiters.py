"""Finding the delimiters of an interchange from its own first bytes.

The rule that works on real files: the element separator is the character behind `ISA`; count sixteen
of them; ISA16 (component separator) follows, and behind it the segment terminator. Fixed offsets are
only checked, never used. Pure; sees only the head of the input.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

HEAD_BYTES = 1024  # an ISA has 106; pasted ones are shorter, none seen was longer than 120
ISA_BYTES = 106  # of one that is as X12 has it
ISA_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
BLANKS = b" \t\r\n\x0b\x0c\x00"
BOM = b"\xef\xbb\xbf"
NO_BREAK_SPACE = "\u00a0"

_AS_SENT = (10, 15)  # ISA11 and ISA16 are separators: a blank there is one
_NEXT_SEGMENT = rb"(?:GS|TA1|IEA|ISB|ST)"


class Delimiters(NamedTuple):
    """The separators of one interchange, as bytes: a terminator may take up to four of them.

    A tuple, since what is compiled for them is looked up by them, for every set and more than once.
    """

    element: bytes
    component: bytes
    terminator: bytes
    repetition: bytes = b""
    line_break: bytes = b""  # what stands behind the terminator: nothing, LF or CRLF

    @property
    def is_line_terminated(self) -> bool:
        """Tell whether the terminator is itself a line break."""
        return self.terminator in (b"\n", b"\r")

    def to_json(self) -> dict[str, str]:
        """Give the delimiters as text that JSON can hold (Latin-1, byte for byte)."""
        return {
            "element": self.element.decode("latin-1"),
            "component": self.component.decode("latin-1"),
            "terminator": self.terminator.decode("latin-1"),
            "repetition": self.repetition.decode("latin-1"),
            "line_break": self.line_break.decode("latin-1"),
        }

    @classmethod
    def from_json(cls, entry: dict[str, str]) -> Delimiters:
        """Give the delimiters that `to_json` wrote."""
        return cls(**{name: text.encode("latin-1") for name, text in entry.items()})


class Head(NamedTuple):
    """A recognised head: the delimiters, the ISA's elements, and the tolerances it needed.

    `isa` is empty for a file without ISA. `length` is the ISA's bytes with terminator.
    """

    delimiters: Delimiters
    isa: tuple[str, ...] = ()
    length: int = 0
    notes: tuple[tuple[str, str], ...] = ()


def read_isa(head: bytes) -> Head | None:
    """Read an ISA that begins at the first byte; None where it cannot be understood.

    Source: X12.5 (004010) ISA; facts counted on real files: collapsed padding, fields one character
    short, ISA16 missing, multi-byte terminators, blanks of no-break spaces.
    """
    plain = plain_isa(head)
    if plain is not None:
        return plain
    separator = _character(head, 3)
    if not head.startswith(b"ISA") or not _can_separate(separator):
        return None
    fields = head.split(separator, 16)[1:]
    return _without_isa16(head, separator, fields) or _with_isa16(head, separator, fields)


def plain_isa(head: bytes) -> Head | None:
    """Read an ISA that is as X12 has it: ASCII, of fixed width, with a terminator that is no line break.

    Nearly all are; the long way reads them alike. None for any other. A sender's differ in date, time and
    number only (ISA09, ISA10, ISA13); one that holds a password (ISA02, ISA04) is not kept.
    """
    date, time, number = head[70:76], head[77:81], head[90:99]
    has_digits = len(number) == 9 and (date + time + number).isdigit()
    if not has_digits or head[7:17].strip() or head[21:31].strip():
        return _fixed_isa(head[: ISA_BYTES + 2])
    like = _known_isa(head[:70], head[76:77], head[81:90], head[99 : ISA_BYTES + 2])
    if like is None:
        return None
    marks, isa, length, _ = like
    said = (*isa[:8], date.decode(), time.decode(), isa[10], isa[11], number.decode(), *isa[13:])
    return Head(marks, said, length)


@lru_cache(maxsize=256)
def _known_isa(front: bytes, mark: bytes, middle: bytes, back: bytes) -> Head | None:
    """Read an ISA with zeros for date, time and number."""
    return _fixed_isa(b"".join((front, b"0" * 6, mark, b"0" * 4, middle, b"0" * 9, back)))


def _fixed_isa(head: bytes) -> Head | None:
    isa = head[:ISA_BYTES]
    if len(isa) < ISA_BYTES or not isa.startswith(b"ISA") or not isa.isascii():
        return None
    text = isa.decode()
    separator, component, terminator = text[3], text[-2], text[-1]
    parts = text[4:-1].split(separator)
    if tuple(map(len, parts)) != ISA_WIDTHS or not text.isprintable():
        return None
    if " " in (separator, component, terminator) or terminator == separator:
        return None
    if separator.isalnum() or component.isalnum() or terminator.isalnum():
        return None
    delimiters = Delimiters(
        separator.encode(), component.encode(), terminator.encode(), line_break=_line_break(head, ISA_BYTES)
    )
    repetition = _repetition(parts[10], parts[11], delimiters)
    trimmed = [*map(str.strip, parts)]
    for at in _AS_SENT:
        trimmed[at] = parts[at]
    full = delimiters._replace(repetition=repetition) if repetition else delimiters
    return Head(full, tuple(trimmed), ISA_BYTES)


def read_bare(head: bytes) -> Head | None:
    """Read the delimiters of a file that begins with GS or ST; None where they do not show."""
    separator = _character(head, 2)
    if head[:2] not in (b"GS", b"ST") or not _can_separate(separator):
        return None
    skipped = 2 if head.startswith(b"ST") else 8
    fields = head.split(separator, skipped)
    if len(fields) <= skipped or any(b"\n" in each or b"\r" in each for each in fields[:skipped]):
        return None
    start = len(head) - len(fields[skipped])
    last = re.compile(rb"[0-9A-Za-z ]{1,35}").match(head, start)
    if last is None:
        return None
    end = last.end()
    if head[end : end + len(separator)] == separator:  # ST03, the implementation guide
        tail = re.compile(re.escape(separator) + rb"[0-9A-Za-z]*").match(head, end)
        end = tail.end() if tail else end
    delimiters = _delimiters(head, separator, b":", end)
    return Head(delimiters) if delimiters else None


def _with_isa16(head: bytes, separator: bytes, fields: list[bytes]) -> Head | None:
    if len(fields) < 16:
        return None
    start = len(head) - len(fields[15])
    component = _character(head, start)
    notes: list[tuple[str, str]] = []
    end = start + len(component)
    if head[end : end + 1] in (b" ", b"\t") and head[end:].lstrip(b" \t")[:1].strip():
        end += len(head[end:]) - len(head[end:].lstrip(b" \t"))
        notes.append(("X12-BLANKS", "blanks stand between ISA16 and the segment terminator"))
    delimiters = _delimiters(head, separator, component, end)
    if delimiters is None or not _can_separate(component) or component == separator:
        return None
    return _head(head, delimiters, [*fields[:15], component], end, notes)


def _without_isa16(head: bytes, separator: bytes, fields: list[bytes]) -> Head | None:
    """Read an ISA that ends behind ISA15, or whose ISA16 is empty; both are seen in real files."""
    missing = "ISA16 (component separator) is missing; the segment terminator stands in its place"
    if len(fields) >= 15:
        tail = re.compile(rb"\s*([A-Za-z])([^A-Za-z0-9]{1,6}?)\s*" + _NEXT_SEGMENT + rb"$").match(fields[14])
        if tail:
            end = len(separator.join([b"ISA", *fields[:14]])) + len(separator) + tail.end(1)
            delimiters = _delimiters(head, separator, b":", end)
            if delimiters:
                return _head(head, delimiters, [*fields[:14], tail[1], b":"], end, [("X12-ISA16", missing)])
    if len(fields) == 16:
        found = re.compile(rb"([^A-Za-z0-9\s])(\s*)" + _NEXT_SEGMENT).match(fields[15])
        first_line = fields[15][found.end(2) :].splitlines()[0] if found and found[2] else b""
        if found and (not found[2] or first_line.rstrip().endswith(found[1])):
            end = len(head) - len(fields[15])
            delimiters = _delimiters(head, separator, b":", end)
            if delimiters:
                return _head(head, delimiters, [*fields[:15], b":"], end, [("X12-ISA16", missing)])
    return None


def _delimiters(head: bytes, separator: bytes, component: bytes, end: int) -> Delimiters | None:
    terminator = _character(head, end)
    if terminator == b"\r" and head[end + 1 : end + 2] == b"\n":
        terminator = b"\n"  # lines that end in CRLF: the CR is trimmed off each segment's end
    if not terminator or terminator.isalnum() or terminator in (b" ", b"\t", separator):
        return None
    return Delimiters(separator, component, terminator, line_break=_line_break(head, end + len(terminator)))


def _line_break(head: bytes, at: int) -> bytes:
    behind = head[at : at + 2]
    return b"\r\n" if behind == b"\r\n" else b"\n" if behind[:1] == b"\n" else b""


def _head(
    head: bytes, delimiters: Delimiters, fields: list[bytes], end: int, notes: list[tuple[str, str]]
) -> Head:
    texts = tuple(_text(field) for field in fields)
    if any("\n" in text or "\r" in text for text in texts):
        texts = tuple(text.replace("\r", "").replace("\n", "") for text in texts)
        notes.append(("X12-WRAP", "the ISA is broken over two lines"))
    widths = tuple(len(text) for text in texts)
    if widths != ISA_WIDTHS:
        wrong = [
            f"ISA{n:02}"
            for n, (is_, want) in enumerate(zip(widths, ISA_WIDTHS, strict=True), 1)
            if is_ != want
        ]
        notes.append(
            ("X12-ISA-WIDTH", f"the ISA is not of fixed width: {', '.join(wrong)} of another length")
        )
    if any(NO_BREAK_SPACE in text for text in texts):
        notes.append(("X12-ISA-PADDING", "the ISA is padded with no-break spaces"))
    repetition = _repetition(texts[10], texts[11], delimiters)
    full = Delimiters(
        delimiters.element, delimiters.component, delimiters.terminator, repetition, delimiters.line_break
    )
    start = head.find(delimiters.terminator, end)
    trimmed = tuple(text if n in _AS_SENT else text.strip() for n, text in enumerate(texts))
    return Head(full, trimmed, start + len(delimiters.terminator), tuple(notes))


def _repetition(isa11: str, isa12: str, delimiters: Delimiters) -> bytes:
    """Give ISA11 where it separates repetitions: from 00402 on, and never when alphanumeric."""
    found = isa11.encode("latin-1", "replace")
    known = (delimiters.element, delimiters.component, delimiters.terminator)
    is_separator = isa12.strip() >= "00402" and not isa11.isalnum() and isa11.strip() and found not in known
    return found if is_separator else b""


def _text(field: bytes) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError:
        return field.decode("latin-1")


def _can_separate(character: bytes) -> bool:
    return bool(character) and not character.isalnum() and not character.isspace()


def _character(head: bytes, at: int) -> bytes:
    """Give the one character at an offset: a UTF-8 sequence where there is a valid one, else one byte."""
    first = head[at : at + 1]
    if not first or first < b"\xc2":
        return first
    for length in (2, 3, 4):
        try:
            head[at : at + length].decode()
        except UnicodeDecodeError:
            continue
        return head[at : at + length]
    return first
