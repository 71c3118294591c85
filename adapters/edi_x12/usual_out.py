"""A usual line of an order on its way out: PO1, PID, REF and DTM at once.

What it writes is what `write_out.py` writes for the same line, field by field; any other line goes that way.
"""

from __future__ import annotations

from adapters.edi_x12 import codes, parts_out
from adapters.edi_x12.page import Page, Part, Segment
from canonical.purchase_order import PurchaseOrderLine
from canonical.values import DateValue

_USUAL = frozenset(
    {
        "sequence", "line_id", "item_ids", "description", "description_may_be_phi", "quantity", "price",
        "references", "requested",
    }
)  # fmt: skip
_PLACES = frozenset({"PO1", "PO1/PID", "PO1/REF", "PO1/DTM"})


def write_usual_line(page: Page, line: PurchaseOrderLine) -> bool:
    """Put a usual line on the page; False where it is another, or something of it has no place."""
    quantity, price = line.quantity, line.price
    if not line.model_fields_set <= _USUAL or quantity is None or price is None or page.partner.units:
        return False
    unit = quantity.unit
    if (unit is not None and unit not in codes.UNITS) or not page.ranks.keys() >= _PLACES:
        return False
    try:
        amount = parts_out.price(price, None)
    except parts_out.OutError:
        return False
    ids = parts_out.item_ids(line.item_ids, (), page.partner)
    row = ["PO1", line.line_id or "", f"{quantity.value:f}", unit or "", *amount, *ids]
    segments: dict[str, list[Segment]] = {"PO1": [("PO1", row)]}
    if line.description is not None:
        segments["PO1/PID"] = [("PO1/PID", ["PID", "F", "", "", "", line.description])]
    if line.references:
        if any(each.may_be_phi for each in line.references):
            return False
        segments["PO1/REF"] = [("PO1/REF", ["REF", *parts_out.reference(each)]) for each in line.references]
    if line.requested is not None:
        segments["PO1/DTM"] = [("PO1/DTM", ["DTM", "002", *_moment(line.requested)])]
    page.part = Part(line.sequence, (), segments)
    page.parts.append(page.part)
    return True


def _moment(value: DateValue) -> list[str]:
    """Write a date as it was sent, mostly eight digits."""
    sent = value.text
    if value.at is None and sent is not None and sent == value.date.isoformat().replace("-", ""):
        return [sent, "", ""]
    return parts_out.moment(value)
