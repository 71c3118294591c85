"""A usual line of an order on its way out: PO1, PID, REF and DTM at once.

What it writes is what `write_out.py` writes for the same line, field by field; any other line goes that way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from adapters.edi_x12 import codes, codes_out, parts_out
from adapters.edi_x12.guide import Guide
from adapters.edi_x12.page import Page, ranks
from canonical.purchase_order import PurchaseOrderLine
from canonical.values import DateValue, ItemIdentifier

_USUAL = frozenset(
    {
        "sequence", "line_id", "item_ids", "description", "description_may_be_phi", "quantity", "price",
        "references", "requested",
    }
)  # fmt: skip
_PLAIN_QUALIFIERS = {scheme: parts_out.item_qualifier(scheme, None) for scheme in codes_out.ITEM_SCHEMES}
_PLACES = ("PO1", "PO1/PID", "PO1/REF", "PO1/DTM")


def write_usual_line(page: Page, line: PurchaseOrderLine) -> bool:
    """Put a usual line on the page; False where it is another, or something of it has no place.

    Fields are read from the models' own dicts, in half the time: there are a dozen of them in a line.
    """
    if page.has_own_units or not line.__pydantic_fields_set__ <= _USUAL or not _has_places(page.guide):
        return False
    fields = line.__dict__
    quantity, price = fields["quantity"], fields["price"]
    if quantity is None or price is None:
        return False
    counted, priced = quantity.__dict__, price.__dict__
    unit = counted["unit"]
    if unit is not None and unit not in codes.UNITS:
        return False
    try:
        basis = parts_out.basis_of(priced["basis"], priced["basis_code"], priced["base_quantity"])
    except parts_out.OutError:
        return False
    number = fields["line_id"] or ""
    row = ["PO1", number, _number(counted["value"]), unit or "", _number(priced["amount"]), basis]
    row += _ids(fields["item_ids"], page.item_qualifiers)
    segments = [("PO1", row)]
    if (description := fields["description"]) is not None:
        segments.append(("PO1/PID", ["PID", "F", "", "", "", description]))
    for reference in fields["references"]:
        if reference.may_be_phi:
            return False
        segments.append(("PO1/REF", ["REF", *parts_out.trimmed(parts_out.reference(reference))]))
    if (requested := fields["requested"]) is not None:
        segments.append(("PO1/DTM", ["DTM", "002", *_moment(requested)]))
    page.put_in_order(fields["sequence"], segments)
    return True


def _ids(values: Sequence[ItemIdentifier], wanted: Mapping[str, str]) -> list[str]:
    """Write item ids; a usual line has no gaps between them."""
    made: list[str] = []
    for each in values:
        fields = each.__dict__
        scheme, sent = fields["scheme"], fields["qualifier"]
        qualifier = wanted.get(scheme) or sent or _PLAIN_QUALIFIERS.get(scheme)
        made += (qualifier or parts_out.item_qualifier(scheme, sent), fields["value"])
    return made


@lru_cache(maxsize=256)
def _has_places(guide: Guide) -> bool:
    """Tell whether a guide has all places of a usual line, in the order in which they are put."""
    order = [ranks(guide).get(path, -1) for path in _PLACES]
    return order[0] >= 0 and order == sorted(order)


def _number(value: Decimal) -> str:
    text = str(value)  # a third of the time of formatting
    return f"{value:f}" if "E" in text else text


def _moment(value: DateValue) -> list[str]:
    """Write a date as it was sent, mostly eight digits."""
    fields = value.__dict__
    sent: str | None = fields["text"]
    if fields["at"] is None and sent is not None and sent == parts_out.eight_digits(fields["date"]):
        return [sent]
    return parts_out.moment(value)
