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
from canonical.assembly import Assemble, assembler, kept_text, part_text, quote
from canonical.lines import ItemLine

LinesReader = Callable[[Reader, type[ItemLine], UsualLines, int], int]
_NAMES = frozenset(
    {"sequence", "line_id", "item_ids", "description", "description_may_be_phi", "quantity", "price"}
)
_REFERENCES, _REQUESTED = frozenset({"references"}), frozenset({"requested"})


def read_usual_lines(reader: Reader, model: type[ItemLine], lines: UsualLines, index: int) -> int:
    """Add lines to the document; the index of their first segment comes in, that of their last goes out."""
    zone, sequence = reader.zone, len(reader.lines)
    add, counted, began = reader.lines.append, reader.quantities.append, reader.line_indexes.append
    kept = kept_text
    blank, plain, referred, dated, both = _shapes(model)
    for number, _, quantity, item, price, qualifier, reference, date in lines:
        sequence += 1
        began(index)
        counted(quantity.value)
        values = blank.copy()
        values["sequence"] = sequence
        values["line_id"] = number
        values["item_ids"] = item.item_ids
        values["description"] = item.description
        values["description_may_be_phi"] = True
        values["quantity"] = quantity
        values["price"] = price
        many = kept(quantity) or part_text(quantity)
        text = f'{{"sequence":{sequence},"line_id":{quote(number)}{item.text},"quantity":{many}'
        assemble = plain
        index += 2
        if qualifier is not None:
            made = parts_in.plain_reference(qualifier, reference)
            values["references"] = (made,)
            text = f'{text},"references":[{kept(made)}]'
            assemble = referred
            index += 1
        if date is not None:
            requested = parts_in.date_value(date, zone)
            values["requested"] = requested
            when = kept(requested) or part_text(requested)
            text = f'{text},"price":{kept(price) or part_text(price)},"requested":{when}}}'
            assemble = dated if qualifier is None else both
            index += 1
        else:
            text = f'{text},"price":{kept(price) or part_text(price)}}}'
        add(assemble(values, text))
    return index - 1


@cache
def _shapes(model: type[ItemLine]) -> tuple[dict[str, Any], Assemble, Assemble, Assemble, Assemble]:
    """Give a line with nothing in it, and what makes lines without and with a REF, a DTM, both."""
    blank, plain = assembler(model, _NAMES)
    if "requested" not in model.model_fields:
        return blank, plain, assembler(model, _NAMES | _REFERENCES)[1], plain, plain
    names = (_NAMES | _REFERENCES, _NAMES | _REQUESTED, _NAMES | _REFERENCES | _REQUESTED)
    referred, dated, both = (assembler(model, each)[1] for each in names)
    return blank, plain, referred, dated, both
