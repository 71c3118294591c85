"""Which item of which SAP order a line of an invoice or a receipt is about. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.base import Delivery
from canonical.document import OrderReference
from canonical.goods_receipt import GoodsReceipt
from canonical.invoice import Invoice
from gateway.erp.connector.aliases import erp_order

if TYPE_CHECKING:
    from gateway.erp.sap_s4hana.connector import SapS4Hana

OrderItem = tuple[str, str]  # SAP's order and item


def order_item(
    connector: SapS4Hana, delivery: Delivery, document: Invoice | GoodsReceipt, at: int, advice: str
) -> OrderItem:
    """Find the order item that a line is for. Errors: StuckError ERP-ORDER-*, ERP-LINE-UNKNOWN."""
    line, path = document.lines[at], f"lines[{at}]"
    reference = line.order or (document.orders[0] if len(document.orders) == 1 else OrderReference())
    order = erp_order(delivery, reference, connector.place)
    number = order.line_number(line)
    if number is None:
        text = f"line '{line.order_line_id or line.line_id or ''}' is none of order {order.number}'s"
        raise connector.place.stuck("ERP-LINE-UNKNOWN", f"{text}; {advice}", path)
    return order.number, number
