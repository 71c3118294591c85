"""COBOL copybooks: the subset that describes files, compiled to the same items as a layout file.

Levels, PIC, USAGE (DISPLAY, COMP, COMP-3, COMP-5), SIGN, OCCURS with DEPENDING ON, REDEFINES, FILLER;
88, 66 and 77 are skipped. What a file cannot be described by (floats, pointers, SYNCHRONIZED slack) is
refused with its line. Source: Enterprise COBOL for z/OS Language Reference, data division.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.base.findings import Finding, Position
from adapters.layouts.build_fields import binary_length, item_length
from adapters.layouts.model import Block, Choice, Condition, Field, Item, Kind, Sign, View
from adapters.layouts.spec import LayoutSpec

_AREA_END = 72  # columns 73-80 are an identification area
_PICTURE = re.compile(r"([A-Z0-9()+\-.,$*/]+)", re.IGNORECASE)
_REPEAT = re.compile(r"(.)\((\d{1,6})\)")
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


def select(
    root: Group,
    name: str | None,
    redefines: Mapping[str, Mapping[str, tuple[str, ...]]],
    read_as: Mapping[str, str],
    spec: LayoutSpec,
) -> tuple[Item, ...]:
    """Give the items of one group of a copybook; None is the only one at its top.

    ``redefines``: which of several descriptions of the same bytes holds when. One that is not named there
    is left out, and the first description is read. ``read_as``: displayed numbers that files hold
    otherwise than PIC says: as ``text``, or ``blank_padded``. Errors: CopybookError.
    """
    found = _only(root) if name is None else _find(root, name.upper())
    if found is None:
        names = ", ".join(each.name for each in root.below)
        text = f"there is no group '{name}' in the copybook" if name else f"say group: one of {names}"
        raise CopybookError([Finding("LAYOUT-COPYBOOK", Position(root.source), text)])
    maker = _Maker(redefines, read_as, spec)
    items = maker.items(found.below) if found.below else (maker.elementary(found),)
    if maker.findings:
        raise CopybookError(maker.findings)
    return items


def _only(root: Group) -> Group | None:
    below = [each for each in root.below if each.redefines is None]
    if len(root.below) > 1 and len({each.level for each in root.below}) == 1 and root.below[0].picture:
        return root  # a copybook without a level above its fields
    if root.below and all(not each.below for each in root.below):
        return root
    if any(each.picture for each in root.below):
        return root
    return below[0] if len(below) == 1 else None


def _find(group: Group, name: str) -> Group | None:
    for each in group.below:
        if each.name == name:
            return each
        deeper = _find(each, name)
        if deeper is not None:
            return deeper
    return None


# -- text to entries


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


# -- entries to items


class _Maker:
    def __init__(
        self,
        redefines: Mapping[str, Mapping[str, tuple[str, ...]]],
        read_as: Mapping[str, str],
        spec: LayoutSpec,
    ) -> None:
        self._read_as = {name.upper(): how for name, how in read_as.items()}
        self._redefines = {name.upper(): when for name, when in redefines.items()}
        self._spec = spec
        self._fillers = 0
        self.findings: list[Finding] = []

    def items(self, entries: Sequence[Group]) -> tuple[Item, ...]:
        found: list[Item] = []
        place = 0
        while place < len(entries):
            entry = entries[place]
            place += 1
            views = [entry]
            while place < len(entries) and entries[place].redefines is not None:
                views.append(entries[place])
                place += 1
            found.append(self._item(views[0]) if len(views) == 1 else self._choice(views))
        return tuple(found)

    def elementary(self, entry: Group) -> Field:
        picture = self._picture(entry)
        if entry.name == "FILLER":
            self._fillers += 1
            return Field(f"FILLER_{self._fillers}", Kind.FILLER, self._length(entry, picture), at=entry.at)
        if not picture.is_number:
            return self._text(entry, picture)
        made, how = self._number(entry, picture), self._read_as.get(entry.name)
        if how is None or made.kind is not Kind.DISPLAY:
            return made
        if how == "text":
            return self._text(entry, _Picture(made.length))
        return replace(made, pad=" ")

    def _item(self, entry: Group) -> Item:
        made: Item
        if not entry.below:
            made = self.elementary(entry)
            if entry.most == 1 and entry.depends is None:
                return made
            return Block(
                entry.name, (replace(made, name="."),), entry.least, entry.most, entry.depends, entry.at
            )
        items = self.items(entry.below)
        name = entry.name
        if name == "FILLER":
            self._fillers += 1
            name = f"FILLER_{self._fillers}"
        return Block(name, items, entry.least, entry.most, entry.depends, entry.at)

    def _choice(self, entries: Sequence[Group]) -> Item:
        """Several descriptions of one place. Only those that the layout can tell apart are views."""
        told = [each for each in entries[1:] if each.name in self._redefines]
        first = self._item(entries[0])
        length = item_length(first)
        if length is None:
            self._refuse(entries[0], "a table of varying length cannot be redefined")
            return first
        if not told:
            longer = [each for each in entries[1:] if (self._measured(each) or 0) > length]
            if longer:
                more = max(self._measured(each) or 0 for each in longer) - length
                return Block("", (first, Field("FILLER_REST", Kind.FILLER, more)), at=entries[0].at)
            return first
        views = [View(None, _as_block(first))]
        for entry in told:
            for name, texts in self._redefines[entry.name].items():
                views.append(View(Condition(name, texts), _as_block(self._item(entry))))
        lengths = [sum(item_length(each) or 0 for each in view.block.items) for view in views]
        longest = max(lengths)
        padded = tuple(_padded(view, longest - its) for view, its in zip(views, lengths, strict=True))
        return Choice(longest, padded, entries[0].at)

    def _measured(self, entry: Group) -> int | None:
        """Give a description's length without keeping what is wrong in it: nobody reads by it."""
        known, fillers = list(self.findings), self._fillers
        length = item_length(self._item(entry))
        self.findings, self._fillers = known, fillers
        return length

    def _text(self, entry: Group, picture: _Picture) -> Field:
        return Field(
            entry.name, Kind.TEXT, picture.length, align_right=entry.is_right, label=entry.name, at=entry.at
        )

    def _number(self, entry: Group, picture: _Picture) -> Field:
        spec, digits, scale = self._spec, picture.digits, picture.scale
        if entry.usage in ("binary", "native"):
            return Field(
                entry.name, Kind.BINARY, binary_length(digits), digits, scale, is_signed=picture.is_signed,
                is_little_endian=spec.little_endian, label=entry.name, at=entry.at,
                any_value=entry.usage == "native" or spec.binary == "bytes",
            )  # fmt: skip
        if entry.usage == "packed":
            return Field(
                entry.name, Kind.PACKED, digits // 2 + 1, digits, scale, is_signed=picture.is_signed,
                label=entry.name, at=entry.at,
            )  # fmt: skip
        sign = _sign(entry.sign) if picture.is_signed else Sign.NONE
        length = digits + (1 if sign in (Sign.LEADING, Sign.TRAILING) else 0)
        absent = " " * length if spec.blank == "spaces" or entry.is_blank_when_zero else None
        return Field(
            entry.name, Kind.DISPLAY, length, digits, scale, sign, picture.is_signed, pad="0", absent=absent,
            label=entry.name, at=entry.at,
        )  # fmt: skip

    def _length(self, entry: Group, picture: _Picture) -> int:
        return self._number(entry, picture).length if picture.is_number else picture.length

    def _picture(self, entry: Group) -> _Picture:
        made = _Picture.parse(entry.picture)
        if isinstance(made, str):
            self._refuse(entry, made)
            return _Picture(1)
        if made.is_number and made.digits > 31:
            self._refuse(entry, f"PIC {entry.picture} has {made.digits} digits; up to 31 are read")
            return _Picture(1)
        if entry.usage in ("binary", "native") and made.digits > 18:
            self._refuse(entry, f"PIC {entry.picture} is binary with {made.digits} digits; up to 18 are read")
            return _Picture(1)
        return made

    def _refuse(self, entry: Group, text: str) -> None:
        self.findings.append(Finding("LAYOUT-COPYBOOK", entry.at, f"{entry.name}: {text}"))


def _padded(view: View, by: int) -> View:
    if not by:
        return view
    rest = Field("FILLER_REST", Kind.FILLER, by)
    return View(view.when, replace(view.block, items=(*view.block.items, rest)))


def _sign(clause: str) -> Sign:
    match clause:
        case "LEADING SEPARATE":
            return Sign.LEADING
        case "TRAILING SEPARATE":
            return Sign.TRAILING
        case "LEADING":
            return Sign.OVERPUNCH_LEADING
    return Sign.OVERPUNCH


def _as_block(item: Item) -> Block:
    if isinstance(item, Block) and not item.is_list:
        return item
    return Block("", (item,), at=item.at)  # nameless: its fields stand in the record itself


@dataclass(frozen=True, slots=True)
class _Picture:
    length: int
    digits: int = 0
    scale: int = 0
    is_signed: bool = False
    is_number: bool = False

    @classmethod
    def parse(cls, picture: str) -> _Picture | str:
        """Read a PIC. Gives a sentence where it describes no field of a file."""
        if not picture:
            return "neither a PIC nor fields below it"
        plain = _REPEAT.sub(lambda found: found[1] * min(int(found[2]), 200_000), picture.upper())
        if "(" in plain or ")" in plain:
            return f"PIC {picture} is not understood"
        if re.fullmatch(r"S?9*V?9*", plain) and "9" in plain:
            digits, scale = plain.count("9"), len(plain.partition("V")[2])
            return cls(digits, digits, scale, plain.startswith("S"), is_number=True)
        if "P" in plain and set(plain) <= set("S9VP"):
            return f"PIC {picture} has scaling (P), which is not supported"
        if "N" in plain or "G" in plain:
            return f"PIC {picture} is national, which is not supported"
        return cls(len(plain.replace("V", "")))  # text, and numbers that are edited for people: as they stand
