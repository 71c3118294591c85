"""The segment that begins a line, PO1 and IT1 alike: which item, how many, at what price.

What a line says beside its id and quantity comes again from order to order and is kept ready.
"""

from __future__ import annotations

from adapters.edi_x12 import codes, parts_in
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.parts_in import Part
from adapters.edi_x12.reader import Reader


def begin_line(reader: Reader, row: Elements, names: LineNames, index: int) -> Part:
    """Begin a line with what PO1 and IT1 say alike: id, quantity, unit, price and its basis, item ids.

    Ids stay text and are read by position, gaps allowed, all kept. A number in another form than we would
    write (`007`, `.5`) is kept as sent, too. Source: X12 PO101-PO125, IT101-IT125.
    """
    line: Part = {"sequence": len(reader.lines) + 1}
    reader.lines.append(line)
    reader.line_indexes.append(index)
    reader.line = line
    reader.note = {"kind": "item"}
    reader.begin_owner()
    if row[0] is not None:
        line["line_id"] = row[0]
    value = row[1]
    if value is not None and row[9:] == _NO_MORE_IDS and not reader.units:
        item = _items.now.get((names.ids, row[2:9]))
        if item is None:
            item = _item_of(row, names)
        if item is not None:  # the same item, unit and price as in a line before: only the quantity is new
            line.update(item)
            line["quantity"] = parts_in.quantity(value, row[2])
            reader.quantities.append(value)
            _keep_odd(line, names.quantity, value)
            return line
    _quantity_and_price(reader, line, row, names, index)
    _item_ids(line, row, names)
    return line


def _item_of(row: Elements, names: LineNames) -> Part | None:
    """Give what a line says beside its id and quantity, and keep it; None where it says something odd."""
    if row[2] not in PLAIN_UNITS:
        return None
    key = (names.ids, row[2:9])
    made = _items.before.get(key)
    if made is None:
        made = {}
        _price(made, row, names)
        _item_ids(made, row, names)
        if "raw_codes" in made:
            return None  # every line needs a dict of its own
    _items.keep(key, made)
    return made


def _quantity_and_price(reader: Reader, line: Part, row: Elements, names: LineNames, index: int) -> None:
    value, unit = row[1], row[2]
    if value is not None:
        known = unit if unit in PLAIN_UNITS and not reader.units else reader.unit(unit, names.unit, index)
        line["quantity"] = parts_in.quantity(value, known)
        reader.quantities.append(value)
        if known != unit:
            line["raw_codes"] = {names.unit: unit}
        _keep_odd(line, names.quantity, value)
    elif unit is not None:
        line["raw_codes"] = {names.unit: unit}
    _price(line, row, names)


def _price(line: Part, row: Elements, names: LineNames) -> None:
    amount = row[3]
    if amount is not None:
        line["price"] = parts_in.price(amount, row[4])
        _keep_odd(line, names.price, amount)
    elif row[4] is not None:
        line.setdefault("raw_codes", {})[names.basis] = row[4]


def _keep_odd(line: Part, name: str, value: str) -> None:
    if (value[0] in "0.-" or value[-1] == ".") and parts_in.is_odd(value):
        line.setdefault("raw_codes", {})[name] = value


def _item_ids(line: Part, row: Elements, names: LineNames) -> None:
    # Two pairs are the rule; a short key is found faster among the ids that are kept.
    ids = row[5:9] if row[9:] == _NO_MORE_IDS else row[5:]
    if any(ids):
        line["item_ids"] = parts_in.item_ids(ids)
        for gap in parts_in.gaps(ids):
            line.setdefault("raw_codes", {})[f"{names.ids}{6 + 2 * gap:02}"] = ""


class LineNames:
    """How a line segment's elements are called in `raw_codes`."""

    __slots__ = ("basis", "ids", "price", "quantity", "unit")

    def __init__(self, segment: str) -> None:
        self.ids = segment
        self.quantity, self.unit = f"{segment}02", f"{segment}03"
        self.price, self.basis = f"{segment}04", f"{segment}05"


PLAIN_UNITS = codes.UNITS | {None}
_NO_MORE_IDS = (None,) * 16  # PO110 to PO125
ITEMS_MAX = 6_144  # items with their unit and price that are kept ready; as many from before


class _Items:
    """What is kept of items: when it is full it becomes what was before, and what is used again stays."""

    def __init__(self) -> None:
        self.now: dict[tuple[str, Elements], Part] = {}
        self.before: dict[tuple[str, Elements], Part] = {}

    def keep(self, key: tuple[str, Elements], made: Part) -> None:
        """Keep an item."""
        if len(self.now) >= ITEMS_MAX:
            self.before, self.now = self.now, {}
        self.now[key] = made


_items = _Items()
