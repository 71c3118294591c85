"""Readers written as Python text, one function a record type: slices, checks, one dict, no dispatch.

Measured (benchmarks/bench_flat.py): about twice as fast as a loop over field descriptions. Names of a
layout become string literals only, by ``repr``; nothing of a layout file becomes program text. What is
not plainly as declared raises, and ``explain.py`` finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from adapters.layouts.codepages import has_ascii_digits_only
from adapters.layouts.model import Block, Choice, Field, Item, Kind, Layout, RecordType, Sign, Values
from adapters.layouts.values import UnfitError, read_value, read_written_number

ReadText: TypeAlias = Callable[[str, bytes], Values]
ReadCells: TypeAlias = Callable[[Sequence[str]], Values]

_DATES_KEPT = 4096


class OddError(Exception):
    """A record is not plainly as declared; the slow way says what is wrong, or that nothing is."""


def text_reader(layout: Layout, record: RecordType) -> ReadText:
    """Give the reader of a record of fixed width. ``t``: its characters, ``b``: its bytes."""
    code = _Code(layout)
    code.begin("def read(t, b):")
    if code.has_names_to_know(record.items):
        code.line("k = {}")
    place = _Place(None, 0)
    code.items(record.items, "v0", place)
    if layout.frame.trims and place.variable is not None:
        # Blanks at its end were not written, and were put back up to the longest that it can be.
        code.line(f"if len(t) < {place} or t[{place}:].strip(' '): raise Odd")
    else:
        code.line(f"if len(t) != {place}: raise Odd")
    code.line("return v0")
    read: ReadText = code.compiled("read")
    return read


def cell_reader(layout: Layout, record: RecordType) -> ReadCells:
    """Give the reader of a row of cells."""
    code = _Code(layout)
    code.begin("def read(c):")
    place = _Place(None, 0)
    code.items(record.items, "v0", place, cells=True)
    code.lines.insert(1, f"    if len(c) != {place}: raise Odd")
    code.line("return v0")
    read: ReadCells = code.compiled("read")
    return read


class _Place:
    """A place in the record: a variable (or none) and a distance from it."""

    def __init__(self, variable: str | None, distance: int) -> None:
        self.variable = variable
        self.distance = distance

    def __str__(self) -> str:
        return str(self.distance) if self.variable is None else f"{self.variable}+{self.distance}"

    def take(self, length: int) -> str:
        """Give a slice, and go behind it."""
        start = str(self)
        self.distance += length
        return f"{start}:{self}"


class _Code:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.lines: list[str] = []
        self._names: dict[str, Any] = {
            "Odd": OddError,
            "R": read_value,
            "Z": layout.zones,
            "N": read_written_number,
        }
        self._indent = 0
        self._count = 0
        self._functions: list[list[str]] = []
        self._known: set[str] = set()
        self._is_plain = has_ascii_digits_only(layout.encoding)
        zones = layout.zones
        self._names["M"] = (
            {character: (str(digit), "") for digit, character in enumerate("0123456789")}
            | {character: (str(digit), "") for digit, character in enumerate(zones.plus)}
            | {character: (str(digit), "-") for digit, character in enumerate(zones.minus)}
        )

    # -- text ------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self.lines.append("    " * self._indent + text)

    def begin(self, text: str) -> None:
        self.line(text)
        self._indent += 1

    def end(self) -> None:
        self._indent -= 1

    def fresh(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def named(self, letter: str, value: object) -> str:
        name = self.fresh(letter)
        self._names[name] = value
        return name

    def compiled(self, name: str) -> Any:
        text = "\n".join(self.lines)
        # The text holds literals by repr and names of our own making, nothing else of the layout.
        exec(compile(text, f"<layout {self._layout.name}>", "exec"), self._names)  # noqa: S102
        return self._names[name]

    def has_names_to_know(self, items: Sequence[Item]) -> bool:
        """Find the fields that say how often something comes, or which view holds."""
        for item in items:
            match item:
                case Block():
                    if item.depends is not None:
                        self._known.add(item.depends)
                    self.has_names_to_know(item.items)
                case Choice():
                    self._known |= {view.when.name for view in item.views if view.when is not None}
                    for view in item.views:
                        self.has_names_to_know(view.block.items)
        return bool(self._known)

    # -- items -----------------------------------------------------------------------------

    def items(self, items: Sequence[Item], into: str, place: _Place, *, cells: bool = False) -> None:
        """Read items into a new dict; those of nameless blocks, too."""
        parts: list[str] = []
        self._parts(items, parts, place, cells)
        self.line(f"{into} = {{{', '.join(parts)}}}")

    def _parts(self, items: Sequence[Item], parts: list[str], place: _Place, cells: bool) -> None:
        for item in items:
            match item:
                case Field():
                    value = self._cell(item, place) if cells else self._field(item, place)
                    if item.name in self._known:
                        value = self._known_value(item.name, value)
                    if item.kind is not Kind.FILLER or self._layout.keeps_fillers:
                        parts.append(f"{item.name!r}: {value}")
                case Block(name="") if not item.is_list:
                    self._parts(item.items, parts, place, cells)
                case Block():
                    parts.append(f"{item.name!r}: {self._block(item, place, cells)}")
                case Choice():
                    parts.append(f"**{self._choice(item, place)}")

    def _known_value(self, name: str, value: str) -> str:
        held = self.fresh("v")
        self.line(f"{held} = k[{name!r}] = {value}")
        return held

    def _block(self, block: Block, place: _Place, cells: bool) -> str:
        if not block.is_list:
            made = self.fresh("v")
            self.items(block.items, made, place, cells=cells)
            return made
        made, entry = self.fresh("v"), self.fresh("v")
        if cells:
            parts = []
            for _ in range(block.most):
                each = self.fresh("v")
                self.items(block.items, each, place, cells=True)
                parts.append(f"{each}['.']" if _is_by_itself(block) else each)
            return f"[{', '.join(parts)}]"
        pointer = self.fresh("p")
        self.line(f"{pointer} = {place}")
        self.line(f"{made} = []")
        times = str(block.most)
        if block.depends is not None:
            times = self.fresh("n")
            self.line(f"{times} = int(k.get({block.depends!r}) or 0)")
            self.line(f"if not {block.least} <= {times} <= {block.most}: raise Odd")
        self.begin(f"for _ in range({times}):")
        inner = _Place(pointer, 0)
        self.items(block.items, entry, inner)
        self.line(f"{made}.append({entry + '[' + repr('.') + ']' if _is_by_itself(block) else entry})")
        self.line(f"{pointer} = {inner}")
        self.end()
        place.variable, place.distance = pointer, 0
        return made

    def _choice(self, choice: Choice, place: _Place) -> str:
        made = self.fresh("v")
        start = self.fresh("p")
        self.line(f"{start} = {place}")
        plain = next((view for view in choice.views if view.when is None), choice.views[0])
        word = "if"
        for view in choice.views:
            if view.when is None:
                continue
            self.begin(f"{word} k.get({view.when.name!r}) in {view.when.texts!r}:")
            self._view(view.block, made, start)
            self.end()
            word = "elif"
        if word == "if":
            self._view(plain.block, made, start)
        else:
            self.begin("else:")
            self._view(plain.block, made, start)
            self.end()
        place.variable, place.distance = start, choice.length
        return made

    def _view(self, block: Block, made: str, start: str) -> None:
        inner = _Place(start, 0)
        if block.name:
            entry = self.fresh("v")
            self.items(block.items, entry, inner)
            self.line(f"{made} = {{{block.name!r}: {entry}}}")
        else:
            self.items(block.items, made, inner)

    # -- fields ----------------------------------------------------------------------------

    def _field(self, field: Field, place: _Place) -> str:
        span = place.take(field.length)
        if field.is_bytes:
            return self._checked(field, self._bytes(field, span))
        match field.kind:
            case Kind.FILLER:
                return f"t[{span}].rstrip(' ')"
            case Kind.TEXT:
                return self._text(field, f"t[{span}]")
            case Kind.DATE:
                return self._date(field, f"t[{span}]")
            case Kind.DISPLAY:
                return self._checked(field, self._display(field, f"t[{span}]"))
        return self._checked(field, self._slow(field, f"t[{span}]"))

    def _text(self, field: Field, stands: str) -> str:
        strip = f"{'lstrip' if field.align_right else 'rstrip'}({field.pad!r})"
        if field.absent is None and field.const is None and not field.is_required:
            return f"{stands}.{strip}"
        made = self.fresh("v")
        if field.absent is None:
            self.line(f"{made} = {stands}.{strip}")
        else:
            self.line(f"{made} = {stands}")
            self.line(f"{made} = '' if {made} == {field.absent!r} else {made}.{strip}")
        return self._checked(field, made)

    def _checked(self, field: Field, made: str) -> str:
        if field.const is not None:
            self.line(f"if {made} != {field.const!r}: raise Odd")
        if field.is_required:
            self.line(f"if not {made}: raise Odd")
        return made

    def _date(self, field: Field, stands: str) -> str:
        made, at = self.fresh("v"), self.fresh("q")
        known = self.named("D", _KnownDates(field, self._layout))
        self.line(f"{at} = {stands}")
        self.line(f"{made} = {known}[{at}]")
        return self._checked(field, made)

    def _slow(self, field: Field, stands: str, raw: str = "b''") -> str:
        made, name = self.fresh("v"), self.named("F", field)
        self.line(f"{made} = R({name}, {stands}, {raw}, Z)")
        return made

    def _display(self, field: Field, stands: str) -> str:
        if field.pad == " " or field.sign is Sign.OVERPUNCH_LEADING:
            return self._slow(field, stands)
        made, at = self.fresh("v"), self.fresh("q")
        self.line(f"{at} = {stands}")
        digits, minus = at, ""
        is_signed = field.sign is not Sign.NONE
        if is_signed:
            digits, minus = self.fresh("q"), self.fresh("s")
        otherwise = f"{made} = ''" if field.absent is not None else "raise Odd"
        if is_signed:
            self._split(field, at, digits, minus)
        decimal = (
            f"{digits}.isdecimal()" if self._is_plain else f"{digits}.isascii() and {digits}.isdecimal()"
        )
        self.begin(f"if {decimal}:")
        self.line(f"{made} = {_pointed(digits, field, minus)}")
        self.end()
        if field.absent is not None:
            self.begin(f"elif {at} == {field.absent!r}:")
            self.line(otherwise)
            self.end()
        self.line("else: raise Odd")
        if field.absent is not None and field.absent.isdecimal():  # zeros that mean no value
            self.line(f"if {at} == {field.absent!r}: {made} = ''")
        return made

    def _split(self, field: Field, at: str, digits: str, minus: str) -> None:
        if field.sign is Sign.OVERPUNCH:
            self.line(f"{digits}, {minus} = M.get({at}[-1:], ('x', ''))")
            self.line(f"{digits} = {at}[:-1] + {digits}")
        elif field.sign is Sign.LEADING:
            self.line(f"{minus} = {at}[:1]; {digits} = {at}[1:]")
        else:
            self.line(f"{minus} = {at}[-1:]; {digits} = {at}[:-1]")
        if field.sign in (Sign.LEADING, Sign.TRAILING):
            self.line(f"if {minus} == '-': pass")
            self.line(f"elif {minus} == {field.plus!r}: {minus} = ''")
            self.line(f"elif {at} != {field.absent!r}: raise Odd")

    def _bytes(self, field: Field, span: str) -> str:
        if field.kind is Kind.BINARY or field.absent_bytes is not None:
            return self._slow(field, "''", f"b[{span}]")
        made, nibbles, minus = self.fresh("v"), self.fresh("h"), self.fresh("s")
        self.line(f"{nibbles} = b[{span}].hex(); {minus} = {nibbles}[-1:]")
        surplus = field.length * 2 - 1 - field.digits
        check = f"{nibbles}[:-1].isdecimal()" + (f" and {nibbles}[0] == '0'" if surplus else "")
        digits = f"{nibbles}[{surplus}:-1]"
        self.line(f"if not ({check}): raise Odd")
        self.line(f"if {minus} in 'cf': {made} = {_pointed(digits, field)}")
        self.line(f"elif {minus} == 'd': {made} = '-' + {_pointed(digits, field)}")
        self.line("else: raise Odd")
        return made

    def _cell(self, field: Field, place: _Place) -> str:
        start = str(place)
        place.take(1)
        cell = f"c[{start}]"
        match field.kind:
            case Kind.FILLER:
                return cell
            case Kind.TEXT:
                if field.absent is None and field.const is None and not field.is_required:
                    return cell
                made = self.fresh("v")
                self.line(f"{made} = {cell}")
                if field.absent is not None:
                    self.line(f"if {made} == {field.absent!r}: {made} = ''")
                return self._checked(field, made)
            case Kind.DATE:
                return self._date(field, cell)
            case Kind.NUMBER:
                made, name = self.fresh("v"), self.named("F", field)
                self.line(f"{made} = {cell}")
                self.line(f"if not ({made}.isascii() and {made}.isdecimal() and len({made}) <= "
                          f"{field.digits - field.scale}): {made} = N({name}, {made})")  # fmt: skip
                return self._checked(field, made)
        return self._checked(field, self._slow(field, cell))


class _KnownDates(dict[str, str]):
    """Dates that were read already: a file has few different ones."""

    def __init__(self, field: Field, layout: Layout) -> None:
        super().__init__()
        self._field = field
        self._zones = layout.zones

    def __missing__(self, stands: str) -> str:
        value = read_value(self._field, stands, b"", self._zones)
        if len(self) < _DATES_KEPT:
            self[stands] = value
        return value


def _is_by_itself(block: Block) -> bool:
    return len(block.items) == 1 and isinstance(block.items[0], Field) and block.items[0].name == "."


def _pointed(digits: str, field: Field, minus: str = "") -> str:
    sign = f"{minus} + " if minus else ""
    if not field.scale:
        return f"{sign}{digits}" if sign else digits
    if field.scale == field.digits:
        return f"{sign}'0.' + {digits}"
    return f"{sign}{digits}[:-{field.scale}] + '.' + {digits}[-{field.scale}:]"


__all__ = ["OddError", "ReadCells", "ReadText", "UnfitError", "cell_reader", "text_reader"]
