"""COBOL copybooks: the subset that describes files, read to entries; `cobol_items.py` makes items of them.

Levels, PIC, USAGE (DISPLAY, COMP, COMP-3, COMP-5), SIGN, OCCURS with DEPENDING ON, REDEFINES, FILLER;
88, 66 and 77 are skipped. What a file cannot be described by (floats, pointers, SYNCHRONIZED slack) is
refused with its line. Source: Enterprise COBOL for z/OS Language Reference, data division.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from adapters.base.findings import Finding, Position

_AREA_END = 72  # columns 73-80 are an identification area
_USAGE_WORDS = """
binary COMP COMPUTATIONAL COMP-4 COMPUTATIONAL-4 BINARY
packed COMP-3 COMPUTATIONAL-3 PACKED-DECIMAL
native COMP-5 COMPUTATIONAL-5
display DISPLAY
refused COMP-1 COMPUTATIONAL-1 COMP-2 COMPUTATIONAL-2 COMP-6 INDEX POINTER NATIONAL DISPLAY-1
refused SYNC SYNCHRONIZED FUNCTION-POINTER PROCEDURE-POINTER
"""


def _usages() -> dict[str, str]:
    lines = (line.split() for line in _USAGE_WORDS.strip().split("\n"))
    return {word: usage for usage, *words in lines for word in words}


_USAGES = _usages()
_NOISE = {"IS", "ARE", "TIMES", "ON", "CHARACTER", "RIGHT"}
_LEVELS_SKIPPED = (66, 77, 88)


class CopybookError(Exception):
    """A copybook cannot be used; all reasons at once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


@dataclass(slots=True)
class Group:
    """One entry of a copybook, with those below it."""

    level: int
    name: str
    line: int
    source: str
    picture: str = ""
    usage: str = ""
    sign: str = ""  # LEADING, TRAILING, with SEPARATE after a blank
    is_blank_when_zero: bool = False
    is_right: bool = False
    least: int = 1
    most: int = 1
    depends: str | None = None
    redefines: str | None = None
    below: list[Group] = field(default_factory=list)

    @property
    def at(self) -> Position:
        """Give where it stands."""
        return Position(self.source, self.line)


def parse_copybook(text: str, source: str) -> Group:
    """Read a copybook; the entries at its top are below a nameless group. Errors: CopybookError."""
    findings: list[Finding] = []
    root = Group(0, "", 0, source)
    open_groups = [root]
    for line, words in _sentences(text):
        entry = _entry(words, line, source, findings)
        if entry is None:
            continue
        while open_groups[-1].level >= entry.level:
            open_groups.pop()
        above = open_groups[-1]
        entry.usage, entry.sign = entry.usage or above.usage, entry.sign or above.sign
        above.below.append(entry)
        open_groups.append(entry)
    if not root.below and not findings:
        findings.append(Finding("LAYOUT-COPYBOOK", Position(source), "no entry found; expected 01 NAME."))
    if findings:
        raise CopybookError(findings)
    return root


def _sentences(text: str) -> list[tuple[int, list[str]]]:
    """Give sentences as words, each with its line."""
    found: list[tuple[int, list[str]]] = []
    words: list[str] = []
    begins = 0
    for number, line in enumerate(text.splitlines(), start=1):
        for word in _code(line).split():
            if not words:
                begins = number
            bare = word.rstrip(".")
            if bare:
                words.append(bare)
            if word.endswith(".") and words:
                found.append((begins, words))
                words = []
    if words:
        found.append((begins, words))
    return found


def _code(line: str) -> str:
    """Give a line's program text: columns 7 to 72, nothing of a comment; a free line as it is."""
    expanded = line.expandtabs(8)
    if re.match(r"\s{0,5}\d{1,2}\s+[A-Za-z]", expanded) and not re.match(r"\d{6}", expanded):
        return expanded.split("*>")[0]  # free form: a level number in the sequence area
    area = expanded[6:_AREA_END]
    if area[:1] == "/" or area.lstrip()[:1] == "*":  # a star in column 8 is a comment to people, too
        return ""
    return area.split("*>")[0]


def _entry(words: list[str], line: int, source: str, findings: list[Finding]) -> Group | None:
    def refuse(text: str) -> None:
        findings.append(Finding("LAYOUT-COPYBOOK", Position(source, line), text))

    if not re.fullmatch(r"\d{1,2}", words[0], re.ASCII):
        if words[0].upper() not in ("COPY", "SKIP1", "SKIP2", "SKIP3", "EJECT"):
            refuse(f"'{words[0]}' found; expected a level number")
        elif words[0].upper() == "COPY":
            refuse("COPY is not followed: put the text of the other copybook here")
        return None
    level = int(words[0])
    if level in _LEVELS_SKIPPED:
        return None
    rest = [word.upper() for word in words[1:]]
    is_named = bool(rest) and rest[0] not in _CLAUSES and rest[0] not in _USAGES
    entry = Group(level, rest.pop(0) if is_named else "FILLER", line, source)
    _clauses(entry, [word for word in rest if word not in _NOISE], refuse)
    return entry


_CLAUSES = {"PIC", "PICTURE", "USAGE", "SIGN", "OCCURS", "REDEFINES", "VALUE", "BLANK", "JUST", "JUSTIFIED",
            "LEADING", "TRAILING"}  # fmt: skip


def _clauses(entry: Group, words: list[str], tell: Callable[[str], None]) -> None:
    place = 0
    while place < len(words) and words[place] not in ("VALUE", "VALUES"):
        # What a program puts there at its start (VALUE) says nothing of a file.
        place = _clause(entry, words, place, tell)


def _clause(entry: Group, words: list[str], place: int, tell: Callable[[str], None]) -> int:
    """Take one clause; give the place behind it."""
    word, following = words[place], words[place + 1] if place + 1 < len(words) else ""
    usage = _USAGES.get(word)
    if usage == "refused":
        tell(f"{word} describes no bytes that every machine reads alike; it is not supported")
    elif usage is not None:
        entry.usage = usage
    elif word in ("LEADING", "TRAILING"):
        entry.sign = word + (" SEPARATE" if following == "SEPARATE" else "")
    elif word == "BLANK":
        entry.is_blank_when_zero = True
    elif word in ("JUST", "JUSTIFIED"):
        entry.is_right = True
    elif word == "OCCURS" and following.isdecimal():
        return _occurs(entry, words, place)
    elif word in _WITH_WORD and following:
        setattr(entry, _WITH_WORD[word], following)
        return place + 2
    return place + 1


_WITH_WORD = {"PIC": "picture", "PICTURE": "picture", "REDEFINES": "redefines", "DEPENDING": "depends"}


def _occurs(entry: Group, words: list[str], place: int) -> int:
    entry.least = entry.most = int(words[place + 1])
    if words[place + 2 : place + 3] == ["TO"] and words[place + 3 : place + 4]:
        entry.most = int(words[place + 3])
        return place + 4
    return place + 2
