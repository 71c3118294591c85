"""The goods receipt: what the hospital's dock says has come, or goes back."""

from __future__ import annotations

from typing import Literal

from canonical.document import CanonicalDocument, OrderReference, distinct_orders
from canonical.lines import FollowOnLine
from canonical.scalars import Code, DocumentNumber, Text
from canonical.values import DateValue, Party, Quantity, Shipping

ReceiptKind = Literal["receipt", "return", "correction", "reversal", "inspection", "other"]


class GoodsReceiptLine(FollowOnLine):
    """One received line: `quantity` is what came; accepted and rejected where it was inspected.

    Lot, serial number, expiry and UDI stand in `lots`.
    """

    accepted: Quantity | None = None
    rejected: Quantity | None = None
    condition: Text | None = None
    facility: Code | None = None
    inventory_location: Code | None = None
    deliver_to: Party | None = None
    is_final: bool | None = None


class GoodsReceipt(CanonicalDocument):
    """A receipt, return or correction of one (UBL 2.4 ReceiptAdvice).

    Document key: receiver + number + line (a mark of all lines where there are several) + kind;
    `receipt_line_keys` gives one key per line. A receipt posted twice doubles the stock.
    Order key: organisation + order number; a receipt may name several orders.
    """

    document_type: Literal["goods_receipt"] = "goods_receipt"
    number: DocumentNumber
    kind: ReceiptKind = "receipt"
    received: DateValue | None = None
    posted: DateValue | None = None
    receiver: Party | None = None
    facility: Code | None = None
    inventory_location: Code | None = None
    buyer: Party | None = None
    seller: Party | None = None
    orders: tuple[OrderReference, ...] = ()
    shipment_number: Code | None = None
    corrects: Code | None = None
    shipping: tuple[Shipping, ...] = ()
    lines: tuple[GoodsReceiptLine, ...] = ()

    @property
    def named_orders(self) -> tuple[OrderReference, ...]:
        """Give all orders that the header or a line names."""
        return distinct_orders((*self.orders, *(line.order for line in self.lines)))
