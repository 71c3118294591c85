"""A compiled layout: what stands where in which record, and how records make documents.

Plain frozen values. ``build.py`` makes them of a layout file, ``cobol.py`` of a copybook; the reader and
the writer are generated from them, so both directions follow from one description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from adapters.base.findings import Position
from adapters.layouts.dates import DateForm

Values: TypeAlias = dict[str, Any]  # texts, Values, or lists of them, by field name
ITSELF = "."  # the name of a field that is repeated by itself: its block is a list of texts


class Kind(StrEnum):
    """How a value stands in its bytes."""

    TEXT = "text"
    DISPLAY = "display"  # digits, one a character; the decimal point is implied
    NUMBER = "number"  # digits with a written decimal point
    DATE = "date"
    PACKED = "packed"  # COMP-3: two digits a byte, the sign in the last half byte
    BINARY = "binary"  # COMP, COMP-5: a two's complement integer
    FILLER = "filler"


class Sign(StrEnum):
    """Where the sign of displayed digits stands."""

    NONE = "none"
    LEADING = "leading"  # a character of its own
    TRAILING = "trailing"
    OVERPUNCH = "overpunch"  # in the zone of the last digit
    OVERPUNCH_LEADING = "overpunch_leading"  # in the zone of the first


@dataclass(frozen=True, slots=True)
class Field:
    """One elementary field. ``length`` 0: as long as its cell (delimited only)."""

    name: str
    kind: Kind
    length: int
    digits: int = 0
    scale: int = 0
    sign: Sign = Sign.NONE
    is_signed: bool = False  # packed and binary
    is_little_endian: bool = False
    any_value: bool = False  # binary: the whole range of its bytes (COMP-5), not of its digits
    align_right: bool = False
    pad: str = " "
    plus: str = "+"  # a separate sign of what is not negative; "": overpunched plus is a plain digit
    absent: str | None = None  # the characters that stand where there is no value
    absent_bytes: bytes | None = None  # the same, of packed and binary fields
    const: str | None = None
    fill: str | None = None  # what the envelope gives on writing
    date: DateForm | None = None
    is_required: bool = False
    is_sensitive: bool = False  # a price or a person: findings never show its value
    is_quoted: bool | None = None  # delimited: always, never, as the layout says
    is_excel: bool = False  # delimited: written ="001"
    label: str = ""  # delimited: the column's heading
    at: Position | None = None

    @property
    def is_bytes(self) -> bool:
        """Tell whether its bytes are no characters."""
        return self.kind in (Kind.PACKED, Kind.BINARY)


@dataclass(frozen=True, slots=True)
class Block:
    """Items that belong together: once, or repeated ``most`` times, or as often as a field says."""

    name: str
    items: tuple[Item, ...]
    least: int = 1
    most: int = 1
    depends: str | None = None  # field of the record, in front of the block
    at: Position | None = None

    @property
    def is_list(self) -> bool:
        """Say whether the block is repeated."""
        return self.depends is not None or self.most != 1


@dataclass(frozen=True, slots=True)
class Condition:
    """A field of the record has one of these texts."""

    name: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """One of several views of the same bytes; without a condition it always fits."""

    when: Condition | None
    block: Block


@dataclass(frozen=True, slots=True)
class Choice:
    """Several views of the same bytes (REDEFINES): the first whose condition holds, else the first one."""

    length: int
    views: tuple[View, ...]
    at: Position | None = None

    def chosen(self, known: Mapping[str, Any]) -> View:
        """Give the view by what the record's earlier fields say."""
        for view in self.views:
            if view.when is not None and known.get(view.when.name) in view.when.texts:
                return view
        return next((view for view in self.views if view.when is None), self.views[0])


Item: TypeAlias = Field | Block | Choice


@dataclass(frozen=True, slots=True)
class RecordType:
    """One type of record: how it is recognised, what it holds, whose child it is and how often it comes."""

    name: str
    match: tuple[Condition, ...]
    items: tuple[Item, ...]
    parent: str | None = None
    least: int = 0
    most: int | None = None
    is_last: bool = False  # without a parent and after the documents: a trailer of the file
    at: Position | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """A control total: a field that holds the count or the sum of what the same scope holds."""

    record: str
    path: tuple[str, ...]
    counted: tuple[str, ...] = ()  # record types; "*" is every record of the scope
    summed: tuple[str, tuple[str, ...]] | None = None  # record type, path of a number
    modulo: int | None = None  # a hash total keeps only the last digits
    at: Position | None = None


@dataclass(frozen=True, slots=True)
class RowGroups:
    """One document of several rows: consecutive rows with the same ``by``; ``head`` stands once."""

    by: tuple[str, ...]
    head: tuple[str, ...]
    name: str  # of the list


@dataclass(frozen=True, slots=True)
class Frame:
    """How records are told apart in the bytes: by line ends, by length, or by a descriptor word."""

    kind: Literal["lines", "length", "rdw"]
    newline: bytes = b"\n"
    is_last_ended: bool = True
    length: int = 0
    counts_itself: bool = True  # RDW: its own four bytes are in the length
    trims: bool = False  # blanks at a line's end are not written
    has_bom: bool = False
    record_bytes_max: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Delimited:
    """How cells are told apart in a row."""

    delimiter: str = ","
    quote: str = '"'  # "": there are no quotes
    escape: Literal["double", "backslash"] = "double"
    quotes: Literal["needed", "text", "all"] = "needed"
    header: Literal["none", "checked", "by_name"] = "none"
    ends_with_delimiter: bool = False
    spans_lines: bool = False  # a quoted cell may hold line ends
    formulas: Literal["note", "refuse", "keep"] = "note"


@dataclass(frozen=True, slots=True)
class Zones:
    """The characters of a digit with a sign over it: ``plus[3]`` is +3, ``minus[3]`` is -3.

    Source: Enterprise COBOL for z/OS Language Reference, SIGN clause; zones C (plus) and D (minus) of
    EBCDIC digits, which translated to ASCII are the characters of an IBM overpunch.
    """

    plus: str = "{ABCDEFGHI"
    minus: str = "}JKLMNOPQR"


OVERPUNCH = Zones()
MICRO_FOCUS = Zones("0123456789", "pqrstuvwxy")


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole layout."""

    name: str
    encoding: str
    frame: Frame
    delimited: Delimited | None
    records: Mapping[str, RecordType]  # in the order of the file
    document: str
    rows: RowGroups | None = None
    totals: tuple[Total, ...] = ()
    unknown: Literal["refuse", "skip"] = "refuse"
    keeps_fillers: bool = True
    zones: Zones = field(default_factory=Zones)

    def children(self, name: str | None) -> list[RecordType]:
        """Give the record types directly below one, or below the file, in their order."""
        return [each for each in self.records.values() if each.parent == name]

    def above(self, name: str) -> list[str]:
        """Give the record types above one, the nearest first."""
        found: list[str] = []
        parent = self.records[name].parent
        while parent is not None:
            found.append(parent)
            parent = self.records[parent].parent
        return found


@dataclass(slots=True)
class Row:
    """One record of a file: its type, its values, and where it stands. ``number`` counts from 1."""

    name: str
    values: Values
    number: int = 0
    offset: int = 0
    raw: bytes = b""


def path_of(record: str, path: tuple[str, ...] | str = ()) -> str:
    """Write a field's place for people: ``T / TOTAL.AMOUNT``."""
    text = path if isinstance(path, str) else ".".join(path)
    return f"{record} / {text}" if text else record


def value_at(values: Values, path: tuple[str, ...]) -> Any:
    """Give the value at a path, None where it or something above it is absent."""
    found: Any = values
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def put_at(values: Values, path: tuple[str, ...], value: Any) -> None:
    """Put a value at a path; what is above it is made."""
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value
