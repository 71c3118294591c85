"""Writers written as Python text, one function a record type.

Every piece is at least as long as its field, so one look at the length of the whole finds any overflow;
then ``explain.py`` says which field it was. Nothing of a layout file becomes program text but literals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from adapters.layouts.explain import leaves, with_counts
from adapters.layouts.generate_read import OddError
from adapters.layouts.model import Block, Choice, Field, Item, Kind, Layout, RecordType, Sign, Values
from adapters.layouts.record_items import has_bytes, item_length, items_length
from adapters.layouts.values import write_value

WriteRecord: TypeAlias = Callable[[Values], Any]  # str, or bytes where a field is packed or binary

_DATES_KEPT = 4096


def text_writer(layout: Layout, record: RecordType) -> WriteRecord:
    """Give the writer of a record of fixed width: characters, or bytes where it has any that are none."""
    code = _Code(layout, has_bytes=has_bytes(record.items))
    expression = code.items(record.items, "v")
    length = code.expected(record.items)
    if length is None:  # tables in tables: their lengths are looked at one by one, the slow way
        return _never
    body = [*code.lines, f"    o = {expression}", f"    if len(o) != {length}: raise Odd"]
    if code.is_simple:
        head = ["def write(v):"]
    else:
        head = [
            "def write(v):",
            "    v, wrong = counted(record, v)",
            "    if wrong: raise Odd",
            "    k = dict(leaves(v))",
        ]
    return code.compiled([*head, *body, "    return o"], record)


def cell_writer(layout: Layout, record: RecordType) -> Callable[[Values], list[str]]:
    """Give the function that makes a record's cells; joining them is ``cells.join``."""
    code = _Code(layout, has_bytes=False)
    pieces: list[str] = []
    for item in record.items:
        if not isinstance(item, Field):
            return _never  # tables in rows go the slow way
        if (
            item.kind in (Kind.TEXT, Kind.FILLER)
            and item.absent is None
            and item.const is None
            and not (item.is_required or item.fill)
        ):
            pieces.append(f"v.get({item.name!r}) or ''")
        elif item.is_required or item.const is not None:
            pieces.append(code.checked(item, f"v.get({item.name!r})"))
        else:
            pieces.append(f"W({code.named('F', item)}, v.get({item.name!r}), Z)")
    made: Any = code.compiled(["def write(v):", *code.lines, f"    return [{', '.join(pieces)}]"], record)
    written: Callable[[Values], list[str]] = made
    return written


class _Code:
    def __init__(self, layout: Layout, *, has_bytes: bool) -> None:
        self._layout = layout
        self._has_bytes = has_bytes
        self._names: dict[str, Any] = {
            "Odd": OddError, "W": write_value, "Z": layout.zones, "counted": with_counts, "leaves": leaves,
        }  # fmt: skip
        self.lines: list[str] = []
        self._functions: list[str] = []
        self._count = 0
        self.is_simple = True
        self._entries: dict[str, str] = {}  # tables of varying length -> the variable with their entries

    def compiled(self, body: Sequence[str], record: RecordType) -> WriteRecord:
        self._names["record"] = record
        text = "\n".join([*self._functions, *body])
        exec(compile(text, f"<layout {self._layout.name}>", "exec"), self._names)  # noqa: S102
        found: WriteRecord = self._names["write"]
        return found

    def expected(self, items: Sequence[Item]) -> str | None:
        """Give the expression of a record's length; None where tables stand in tables."""
        parts = ["0"]
        for item in items:
            length = item_length(item)
            if length is not None:
                parts.append(str(length))
            elif (
                isinstance(item, Block)
                and item.name in self._entries
                and items_length(item.items) is not None
            ):
                parts.append(f"len({self._entries[item.name]}) * {items_length(item.items)}")
            else:
                return None
        return " + ".join(parts)

    def fresh(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def named(self, letter: str, value: object) -> str:
        name = self.fresh(letter)
        self._names[name] = value
        return name

    def items(self, items: Sequence[Item], values: str) -> str:
        """Give the expression that joins all pieces."""
        pieces: list[str] = []
        for item in items:
            match item:
                case Field():
                    pieces.append(self._encoded(item, self._field(item, values)))
                case Block():
                    pieces.append(self._block(item, values))
                case Choice():
                    pieces.append(self._choice(item, values))
        joined = self._joined(pieces)
        return joined or ("b''" if self._has_bytes else "''")

    def _joined(self, pieces: Sequence[str]) -> str:
        if len(pieces) < 3:
            return " + ".join(pieces)
        return f"{'b' if self._has_bytes else ''}''.join(({', '.join(pieces)},))"

    def _encoded(self, field: Field, expression: str) -> str:
        if not self._has_bytes or field.is_bytes:
            return expression
        return f"{expression}.encode({self._layout.encoding!r})"

    def _block(self, block: Block, values: str) -> str:
        if not block.is_list:
            if not block.name:
                return f"({self.items(block.items, values)})"
            inner = self.fresh("v")
            self.lines.append(f"    {inner} = {values}.get({block.name!r}) or {{}}")
            return f"({self.items(block.items, inner)})"
        function = self._function(block.items)
        joiner = "b''" if self._has_bytes else "''"
        is_text = len(block.items) == 1 and isinstance(block.items[0], Field) and block.items[0].name == "."
        entry = "{'.': e}" if is_text else "e"
        entries = self.fresh("e")
        self.lines.append(f"    {entries} = {values}.get({block.name!r}) or []")
        self.lines.append(f"    if len({entries}) > {block.most}: raise Odd")
        if block.depends is None:
            empty = "''" if is_text else "{}"
            self.lines.append(f"    {entries} = [*{entries}, *([{empty}] * ({block.most} - len({entries})))]")
        else:
            self.is_simple = False
            self._entries[block.name] = entries
        if _has_choice(block.items):
            self.is_simple = False
            return (
                f"{joiner}.join([{function}({entry}, {{**k, **dict(leaves({entry}))}}) for e in {entries}])"
            )
        return f"{joiner}.join([{function}({entry}) for e in {entries}])"

    def _function(self, items: Sequence[Item]) -> str:
        name = self.fresh("w")
        outer, self.lines = self.lines, []
        expression = self.items(items, "v")
        self._functions += [f"def {name}(v, k=None):", *self.lines, f"    return {expression}"]
        self.lines = outer
        return name

    def _choice(self, choice: Choice, values: str) -> str:
        self.is_simple = False
        functions = ", ".join(self._function((view.block,)) for view in choice.views)
        chosen = self.named("C", partial(_number_of_view, choice))
        return f"({functions},)[{chosen}(k)]({values}, k)"

    # -- fields ----------------------------------------------------------------------------

    def _field(self, field: Field, values: str) -> str:
        got = f"{values}.get({field.name!r})"
        if field.is_bytes:
            return f"W({self.named('F', field)}, {got}, Z)"
        if field.is_required or field.const is not None or field.fill is not None:
            return self.checked(field, got)
        match field.kind:
            case Kind.FILLER:
                return f"({got} or '').ljust({field.length})"
            case Kind.TEXT if field.absent is None:
                adjust = "rjust" if field.align_right else "ljust"
                pad = "" if field.pad == " " else f", {field.pad!r}"
                return f"({got} or '').{adjust}({field.length}{pad})"
            case Kind.DATE:
                return f"{self.named('D', _KnownDates(field, self._layout))}[{got}]"
            case Kind.DISPLAY if field.sign is Sign.NONE and field.pad == "0":
                return self._digits(field, got)
        return f"W({self.named('F', field)}, {got}, Z)"

    def _digits(self, field: Field, got: str) -> str:
        made, name, scale = self.fresh("x"), self.named("F", field), field.scale
        self.lines.append(f"    {made} = {got} or ''")
        if not scale:
            self.lines.append(
                f"    if {made}.isascii() and {made}.isdecimal(): {made} = {made}.zfill({field.digits})"
            )
        else:
            point = f"{made}[-{scale + 1}:-{scale}] == '.' and {made}.isascii()"
            self.lines.append(f"    d = {made}[:-{scale + 1}] + {made}[-{scale}:]")
            self.lines.append(f"    if {point} and d.isdecimal(): {made} = d.zfill({field.digits})")
        self.lines.append(f"    else: {made} = W({name}, {made}, Z)")
        return made

    def checked(self, field: Field, got: str) -> str:
        made = self.fresh("x")
        self.lines.append(f"    {made} = {got} or ''")
        if field.is_required:
            self.lines.append(f"    if not {made}: raise Odd")
        if field.const is not None:
            self.lines.append(f"    if {made} and {made} != {field.const!r}: raise Odd")
        self.lines.append(f"    {made} = W({self.named('F', field)}, {made}, Z)")
        return made


class _KnownDates(dict[Any, Any]):
    """Dates that were written already."""

    def __init__(self, field: Field, layout: Layout) -> None:
        super().__init__()
        self._field = field
        self._zones = layout.zones

    def __missing__(self, value: str | None) -> str | bytes:
        stands = write_value(self._field, value, self._zones)
        if len(self) < _DATES_KEPT:
            self[value] = stands
        return stands


def _never(values: Values) -> Any:
    raise OddError


def _number_of_view(choice: Choice, known: Values) -> int:
    return choice.views.index(choice.chosen(known))


def _has_choice(items: Sequence[Item]) -> bool:
    return any(
        isinstance(each, Choice) or (isinstance(each, Block) and _has_choice(each.items)) for each in items
    )
