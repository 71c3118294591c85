"""A usual line of an order on its way out: PO1, PID, REF and DTM at once.

What it writes is what `write_out.py` writes for the same line, field by field; any other line goes that way.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from adapters.edi_x12 import codes, parts_out
from adapters.edi_x12.guide import Guide
from adapters.edi_x12.page import Page, Part, ranks
from canonical.purchase_order import PurchaseOrderLine
from canonical.values import DateValue

_USUAL = frozenset(
    {
        "sequence", "line_id", "item_ids", "description", "description_may_be_phi", "quantity", "price",
        "references", "requested",
    }
)  # fmt: skip
_PLACES = ("PO1", "PO1/PID", "PO1/REF", "PO1/DTM")


def write_usual_line(page: Page, line: PurchaseOrderLine) -> bool:
    """Put a usual line on the page; False where it is another, or something of it has no place."""
    quantity, price = line.quantity, line.price
    if not line.model_fields_set <= _USUAL or quantity is None or price is None or page.partner.units:
        return False
    unit = quantity.unit
    if (unit is not None and unit not in codes.UNITS) or not _has_places(page.guide):
        return False
    try:
        basis = parts_out.basis(price)
    except parts_out.OutError:
        return False
    row = ["PO1", line.line_id or "", _number(quantity.value), unit or "", _number(price.amount), basis]
    wanted: Mapping[str, str] = page.partner.outbound.item_qualifiers
    for each in line.item_ids:
        row += (wanted.get(each.scheme) or parts_out.item_qualifier(each.scheme, each.qualifier), each.value)
    segments = [("PO1", row)]
    if line.description is not None:
        segments.append(("PO1/PID", ["PID", "F", "", "", "", line.description]))
    for reference in line.references:
        if reference.may_be_phi:
            return False
        segments.append(("PO1/REF", ["REF", *parts_out.reference(reference)]))
    if line.requested is not None:
        segments.append(("PO1/DTM", ["DTM", "002", *_moment(line.requested)]))
    page.part = Part(line.sequence, (), {}, segments)
    page.parts.append(page.part)
    return True


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
    sent = value.text
    if value.at is None and sent is not None and sent == value.date.isoformat().replace("-", ""):
        return [sent, "", ""]
    return parts_out.moment(value)
