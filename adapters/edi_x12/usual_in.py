"""Usual lines -> canonical lines, assembled of parts that are validated: nothing is looked at again.

What each field says is what `line_items.py` and `note_places.py` read from the same segments; the tests hold
both to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from adapters.edi_x12 import parts_in
from adapters.edi_x12.reader import Reader
from adapters.edi_x12.usual_lines import UsualLines
from canonical.assembly import Assemble, assembler, kept_text, part_text, quote
from canonical.lines import ItemLine

LinesReader = Callable[[Reader, type[ItemLine], UsualLines, int], int]
_NAMES = frozenset({"sequence", "line_id", "item_ids", "quantity", "price"})
_DESCRIBED = frozenset({"description", "description_may_be_phi"})
_EXTRAS = (_DESCRIBED, frozenset({"references"}), frozenset({"requested"}))  # weights 1, 2 and 4 of a shape


def read_usual_lines(reader: Reader, model: type[ItemLine], lines: UsualLines, index: int) -> int:
    """Add lines to the document; the index of their first segment comes in, that of their last goes out."""
    zone, sequence = reader.zone, len(reader.lines)
    add, counted, began = reader.lines.append, reader.quantities.append, reader.line_indexes.append
    kept = kept_text
    blank, shapes = _shapes(model)
    for number, _, quantity, item, price, qualifier, reference, date in lines:
        sequence += 1
        began(index)
        counted(quantity.value)
        values = blank.copy()
        values["sequence"] = sequence
        values["line_id"] = number
        values["item_ids"] = item.item_ids
        values["quantity"] = quantity
        values["price"] = price
        shape = 0
        index += 1
        if (description := item.description) is not None:
            values["description"] = description
            values["description_may_be_phi"] = True
            shape = 1
            index += 1
        references = asked = ""
        if qualifier is not None:
            made = parts_in.plain_reference(qualifier, reference)
            values["references"] = (made,)
            references = f',"references":[{kept(made)}]'
            shape += 2
            index += 1
        if date is not None:
            values["requested"] = requested = parts_in.date_value(date, zone)
            asked = f',"requested":{kept(requested) or part_text(requested)}'
            shape += 4
            index += 1
        text = (
            f'{{"sequence":{sequence},"line_id":{quote(number)}{item.text}'
            f',"quantity":{kept(quantity) or part_text(quantity)}{references}'
            f',"price":{kept(price) or part_text(price)}{asked}}}'
        )
        add(shapes[shape](values, text))
    return index - 1


@cache
def _shapes(model: type[ItemLine]) -> tuple[dict[str, Any], tuple[Assemble, ...]]:
    """Give a line with nothing in it, and what makes lines: with each of the extras that it may have."""
    made = []
    for shape in range(2 ** len(_EXTRAS)):
        extras = (each for at, each in enumerate(_EXTRAS) if shape >> at & 1)
        names = _NAMES.union(*extras) & model.model_fields.keys()  # an invoice's line requests nothing
        made.append(assembler(model, frozenset(names))[1])
    return assembler(model, _NAMES)[0], tuple(made)
