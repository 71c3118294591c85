"""Usual lines -> canonical lines, assembled of parts that are validated: nothing is looked at again.

What each field says is what `places.py` reads from the same segments; the tests hold both to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from adapters.edi_x12 import parts_in
from adapters.edi_x12.reader import Reader
from adapters.edi_x12.usual_lines import UsualLines
from canonical.assembly import (
    Assemble,
    assembler,
    kept_content,
    kept_text,
    part_content,
    part_text,
    quote,
    quote_hashed,
)
from canonical.lines import ItemLine

LinesReader = Callable[[Reader, type[ItemLine], UsualLines, int], int]
_NAMES = frozenset({"sequence", "line_id", "item_ids", "quantity", "price"})
_DESCRIBED = frozenset({"description", "description_may_be_phi"})
_EXTRAS = (_DESCRIBED, frozenset({"references"}), frozenset({"requested"}))  # weights 1, 2 and 4 of a shape


def read_usual_lines(reader: Reader, model: type[ItemLine], lines: UsualLines, index: int) -> int:
    """Add lines to the document; the index of their first segment comes in, that of their last goes out.

    A line's two texts hold the same: one in the schema's order of names, one in the alphabet's.
    """
    zone, sequence = reader.zone, len(reader.lines)
    add, counted, began = reader.lines.append, reader.quantities.append, reader.line_indexes.append
    kept, known = kept_text, kept_content
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
        text = (
            f'{{"sequence":{sequence},"line_id":{quote(number)}{item.text}'
            f',"quantity":{kept(quantity) or part_text(quantity)}'
        )
        hashed = (
            f'{{{item.hashed},"line_id":{quote_hashed(number)},"price":{known(price) or part_content(price)}'
            f',"quantity":{known(quantity) or part_content(quantity)}'
        )
        shape = 0
        index += 1
        if item.description is not None:
            values["description"] = item.description
            values["description_may_be_phi"] = True
            shape = 1
            index += 1
        if qualifier is not None:
            made = parts_in.plain_reference(qualifier, reference)
            values["references"] = (made,)
            text = f'{text},"references":[{kept(made)}]'
            hashed = f'{hashed},"references":[{known(made)}]'
            shape += 2
            index += 1
        text = f'{text},"price":{kept(price) or part_text(price)}'
        if date is not None:
            requested = parts_in.date_value(date, zone)
            values["requested"] = requested
            text = f'{text},"requested":{kept(requested) or part_text(requested)}'
            hashed = f'{hashed},"requested":{known(requested) or part_content(requested)}'
            shape += 4
            index += 1
        add(shapes[shape](values, f"{text}}}", f'{hashed},"sequence":{sequence}}}'))
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
