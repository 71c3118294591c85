"""Which line of our document a row of SAP's body came from. Pure.

An order's items are our lines in their order, numbered by tens; a change names items of the order; a
receipt has a row for each lot.
"""

from __future__ import annotations

from adapters.base import Delivery
from canonical.goods_receipt import GoodsReceipt
from canonical.invoice import Invoice
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder
from canonical.requisition import Requisition
from gateway.erp.connector.aliases import erp_order
from gateway.erp.connector.series import Place, StuckError
from gateway.erp.sap_s4hana.errors import Target, canonical_field, target_of
from gateway.erp.sap_s4hana.movements import rows_of
from gateway.erp.sap_s4hana.order_body import item_number
from gateway.erp.sap_s4hana.services import without_zeros


def canonical_path(delivery: Delivery, field: str) -> str | None:
    """Translate a target of SAP's to a canonical path; None where it cannot be told for sure."""
    target = target_of(field)
    if target.place is None and target.item is None:
        return canonical_field(target.field, None)
    at = _line(delivery, target)
    return canonical_field(target.field, at) if at is not None else None


def _line(delivery: Delivery, target: Target) -> int | None:
    """Give the index of the line that a row came from."""
    document = delivery.document
    match document:
        case PurchaseOrder() | Requisition() if target.item is not None:
            numbers = [item_number(line.sequence) for line in document.lines]
        case PurchaseOrder() | Requisition() | Invoice():
            return _within(target.place, len(document.lines))
        case GoodsReceipt():
            rows = [at for at, line in enumerate(document.lines) for _ in range(rows_of(line))]
            found = _within(target.place, len(rows))
            return rows[found] if found is not None else None
        case OrderChange() if target.item is not None:
            numbers = _changed_items(delivery, document)
        case _:
            return None
    wanted = without_zeros(target.item)
    return numbers.index(wanted) if wanted in numbers else None


def _changed_items(delivery: Delivery, document: OrderChange) -> list[str]:
    try:
        known = erp_order(delivery, document.order, Place(""))
    except StuckError:
        return []
    return [without_zeros(known.line_number(line)) for line in document.lines]


def _within(place: int | None, count: int) -> int | None:
    return place - 1 if place is not None and 1 <= place <= count else None
