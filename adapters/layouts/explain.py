"""One record the slow, exact way: every value, or every field that does not fit and why.

It walks the layout field by field, both ways, and never stops at the first mistake. Whatever the
generated functions refuse comes here; where this finds nothing wrong, the record is good.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from adapters.layouts.model import (
    ITSELF,
    Block,
    Choice,
    Field,
    Item,
    Kind,
    Layout,
    RecordType,
    Values,
    View,
    path_of,
    put_at,
    value_at,
)
from adapters.layouts.values import UnfitError, read_value, write_value


@dataclass(frozen=True, slots=True)
class Problem:
    """A field that does not fit. ``start`` and ``end``: characters of the record, or cells of the row."""

    path: str
    start: int
    end: int
    code: str
    text: str


@dataclass(slots=True)
class _Reading:
    layout: Layout
    record: RecordType
    text: str
    raw: bytes
    cells: Sequence[str] | None
    place: int = 0
    known: Values = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_slowly(
    layout: Layout, record: RecordType, text: str, raw: bytes, cells: Sequence[str] | None = None
) -> tuple[Values, list[Problem]]:
    """Give a record's values as far as they fit, and what does not. ``cells``: of a delimited row."""
    run = _Reading(layout, record, text, raw, cells)
    values: Values = {}
    _read_items(run, record.items, values, "")
    size = len(text) if cells is None else len(cells)
    what = "characters" if cells is None else "cells"
    if run.place > size:
        told = f"the record has {size} {what}; expected {run.place}: it is cut off"
        hint = ", or blanks at its end are not written (trims: yes)" if cells is None else ""
        run.problems = [each for each in run.problems if each.start < size]
        run.problems.append(Problem(record.name, size, size, "FLAT-LENGTH", told + hint))
    elif run.place < size:
        surplus = (
            text[run.place :]
            if cells is None
            else layout.delimited.delimiter.join(cells[run.place :])
            if layout.delimited
            else ""
        )
        if surplus.strip(" ") or cells is not None:
            told = f"the record has {size} {what}; expected {run.place}"
            run.problems.append(Problem(record.name, run.place, size, "FLAT-LENGTH", told))
    return values, run.problems


def _read_items(run: _Reading, items: Sequence[Item], into: Values, path: str) -> None:
    for item in items:
        match item:
            case Field():
                _read_field(run, item, into, path)
            case Block():
                _read_block(run, item, into, path)
            case Choice():
                start = run.place
                view = item.chosen(run.known)
                _read_block(run, view.block, into, path)
                run.place = start + item.length


def _read_block(run: _Reading, block: Block, into: Values, path: str) -> None:
    if not block.is_list:
        if not block.name:
            _read_items(run, block.items, into, path)
            return
        into[block.name] = {}
        _read_items(run, block.items, into[block.name], f"{path}{block.name}.")
        return
    entries: list[object] = []
    into[block.name] = entries
    for index in range(_times(run, block, path)):
        if (
            run.place >= (len(run.text) if run.cells is None else len(run.cells))
            and block.depends is not None
        ):
            run.place += 1  # it is cut off, which the length says once
            break
        entry: Values = {}
        _read_items(run, block.items, entry, f"{path}{block.name}[{index + 1}].")
        entries.append(entry[ITSELF] if set(entry) == {ITSELF} else entry)


def _times(run: _Reading, block: Block, path: str) -> int:
    if block.depends is None:
        return block.most
    text = str(run.known.get(block.depends, "") or "0").partition(".")[0]
    times = int(text) if text.lstrip("-").isdecimal() else 0
    if block.least <= times <= block.most:
        return times
    told = f"{block.depends} says {times}; {block.name} comes {block.least} to {block.most} times"
    run.problems.append(Problem(f"{path}{block.name}", run.place, run.place, "FLAT-OCCURS", told))
    return max(0, min(times, block.most))


def _read_field(run: _Reading, item: Field, into: Values, path: str) -> None:
    start = run.place
    if run.cells is not None:
        run.place = start + 1
        stands = run.cells[start] if start < len(run.cells) else ""
        raw = b""
    else:
        run.place = start + item.length
        stands, raw = run.text[start : run.place], run.raw[start : run.place]
    if item.kind is Kind.FILLER and not run.layout.keeps_fillers:
        return
    is_cut = run.cells is None and len(stands) < item.length
    try:
        if is_cut and item.kind not in (Kind.TEXT, Kind.FILLER):
            raise UnfitError("FLAT-LENGTH", "the field is cut off")
        if "\ufffd" in stands and not item.is_bytes and "\ufffd".encode(run.layout.encoding, "ignore") == b"":
            raise UnfitError("FLAT-ENCODING", f"a byte is no character of {run.layout.encoding}")
        value = read_value(item, stands, raw, run.layout.zones)
        if item.is_required and not value:
            raise UnfitError("FLAT-REQUIRED", "there is no value; the layout says that there must be one")
    except UnfitError as error:
        text = f"the value does not fit its type ({item.kind.value})" if item.is_sensitive else error.text
        where = f"{path}{item.name}".removesuffix(".")
        run.problems.append(Problem(where, start, run.place, error.code, text))
        return
    into[item.name] = value
    run.known[item.name] = value


# -- writing


@dataclass(slots=True)
class _Writing:
    layout: Layout
    known: Values
    pieces: list[str | bytes] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    place: int = 0


def write_slowly(
    layout: Layout, record: RecordType, values: Values
) -> tuple[list[tuple[Field, str | bytes]], list[Problem]]:
    """Give the pieces of a record, each with its field, and what does not fit."""
    counted, problems = with_counts(record, values)
    run = _Writing(layout, dict(leaves(counted)), problems=problems)
    _write_items(run, record.items, counted, "")
    return list(zip(run.fields, run.pieces, strict=True)), run.problems


def _write_items(run: _Writing, items: Sequence[Item], values: Values, path: str) -> None:
    for item in items:
        match item:
            case Field():
                _write_field(run, item, values.get(item.name), path)
            case Block():
                _write_block(run, item, values, path)
            case Choice():
                start = run.place
                view: View = item.chosen(run.known)
                _write_block(run, view.block, values, path)
                run.place = start + item.length


def _write_block(run: _Writing, block: Block, values: Values, path: str) -> None:
    if not block.is_list:
        inner = values if not block.name else values.get(block.name) or {}
        _write_items(run, block.items, inner, path if not block.name else f"{path}{block.name}.")
        return
    entries = values.get(block.name) or []
    if len(entries) > block.most:
        told = f"there are {len(entries)} entries; the record has room for {block.most}"
        run.problems.append(Problem(f"{path}{block.name}", run.place, run.place, "FLAT-OVERFLOW", told))
    times = len(entries) if block.depends is not None else block.most
    for index in range(min(times, block.most)):
        entry = entries[index] if index < len(entries) else {}
        inner = entry if isinstance(entry, dict) else {ITSELF: entry}
        run.known |= dict(leaves(inner))
        _write_items(run, block.items, inner, f"{path}{block.name}[{index + 1}].")


def _write_field(run: _Writing, item: Field, value: object, path: str) -> None:
    start, run.place = run.place, run.place + (item.length or 1)
    where = f"{path}{item.name}".removesuffix(".")
    try:
        if value is not None and not isinstance(value, str):
            raise UnfitError("FLAT-VALUE", "a record or a list was given where one text belongs")
        if item.is_required and not value:
            raise UnfitError("FLAT-REQUIRED", "there is no value; the layout says that there must be one")
        if item.const is not None and value and value != item.const:
            raise UnfitError("FLAT-CONST", f"'{value}' was given; the layout says '{item.const}'")
        piece = write_value(item, value or None, run.layout.zones)
        if isinstance(piece, str):
            piece.encode(run.layout.encoding)
    except UnfitError as error:
        run.problems.append(Problem(where, start, run.place, error.code, error.text))
        return
    except UnicodeEncodeError as error:
        told = f"the character {error.object[error.start]!r} does not exist in {run.layout.encoding}"
        run.problems.append(Problem(where, start, run.place, "FLAT-ENCODING", told))
        return
    run.fields.append(item)
    run.pieces.append(piece)


def with_counts(record: RecordType, values: Values) -> tuple[Values, list[Problem]]:
    """Give the values with every count set that says how often something comes; a wrong one is a problem."""
    problems: list[Problem] = []
    counted = values
    for path, block in counted_blocks(record.items):
        entries = value_at(values, (*path, block.name)) or []
        place = place_of(record.items, block.depends or "")
        if place is None:
            continue
        given = value_at(counted, place)
        times = str(len(entries))
        if given and str(given).partition(".")[0].lstrip("0") != times.lstrip("0"):
            told = f"{block.depends} says {given}; there are {times} entries of {block.name}"
            problems.append(Problem(path_of("", place).removeprefix(" / "), 0, 0, "FLAT-OCCURS", told))
        elif not given:
            counted = _copied(counted, place)
            put_at(counted, place, times)
    return counted, problems


def _copied(values: Values, path: tuple[str, ...]) -> Values:
    made = dict(values)
    if len(path) > 1:
        made[path[0]] = _copied(made.get(path[0]) or {}, path[1:])
    return made


def counted_blocks(
    items: Sequence[Item], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Block]]:
    """Give the blocks whose number a field says, outside of other lists."""
    for item in items:
        if isinstance(item, Block):
            if item.depends is not None:
                yield above, item
            elif not item.is_list:
                yield from counted_blocks(item.items, (*above, item.name) if item.name else above)


def place_of(items: Sequence[Item], name: str, above: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """Give the path of the first field of a name, outside of lists."""
    for item in items:
        if isinstance(item, Field) and item.name == name:
            return (*above, name)
        if isinstance(item, Block) and not item.is_list:
            found = place_of(item.items, name, (*above, item.name) if item.name else above)
            if found is not None:
                return found
    return None


def leaves(values: Values) -> Iterator[tuple[str, str]]:
    """Give all texts of a record by their own names; those of lists are left out."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value)
        elif isinstance(value, str):
            yield name, value
