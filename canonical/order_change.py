"""The order change: what is to be different in an order, asked by the buyer or by the supplier."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from canonical.document import OrderReference, Purpose, TradeDocument, distinct_orders
from canonical.lines import PlacedLine
from canonical.purchase_order import OrderType, PurchaseOrder, Urgency
from canonical.scalars import Code
from canonical.values import (
    AllowanceCharge,
    Contact,
    DateValue,
    DocumentTotals,
    PaymentTerms,
    Price,
    Quantity,
    Shipping,
    Tax,
)

LineAction = Literal[
    "add", "delete", "change", "replace", "quantity_increase", "quantity_decrease", "price_change",
    "reschedule", "change_of_dates", "no_change", "other",
]  # fmt: skip
"""Source: X12 POC02 (element 670): AI add, DI delete, CA change, RZ/RM replace, QI quantity_increase, QD
quantity_decrease, PC price_change, RS reschedule, CT change_of_dates, NC no_change."""


class OrderChangeLine(PlacedLine):
    """One changed line. `quantity` and `price` are the new ones, `line_id` is the order's."""

    action: LineAction
    previous_quantity: Quantity | None = None
    quantity_left: Quantity | None = None
    previous_price: Price | None = None


class OrderChange(TradeDocument):
    """A change of an order (X12 860 by the buyer, 865 by the seller; UBL 2.4 OrderChange).

    Document key: organisation + order number + release + initiator + change number or revision +
    purpose, with a content hash where neither number nor revision tells two apart.
    Order key: organisation + order number.
    """

    document_type: Literal["order_change"] = "order_change"
    purpose: Purpose = "change"
    number: Code | None = None
    revision: Code | None = None
    initiator: Literal["buyer", "seller"] = "buyer"
    changed: DateValue | None = None
    order: OrderReference
    order_type: OrderType | None = None
    urgency: Urgency = "normal"
    requested: DateValue | None = None
    contract: Code | None = None
    facility: Code | None = None
    inventory_location: Code | None = None
    contacts: tuple[Contact, ...] = ()
    payment_terms: tuple[PaymentTerms, ...] = ()
    shipping: tuple[Shipping, ...] = ()
    allowances_charges: tuple[AllowanceCharge, ...] = ()
    taxes: tuple[Tax, ...] = ()
    lines: tuple[OrderChangeLine, ...] = ()
    totals: DocumentTotals | None = None

    @property
    def named_orders(self) -> tuple[OrderReference, ...]:
        """Give the order to change."""
        return distinct_orders((self.order,))


def closing_of(order: PurchaseOrder) -> OrderChange:
    """Give the change that closes an order as a whole: nothing of any line is wanted there any more."""
    lines = [
        OrderChangeLine(
            sequence=line.sequence,
            line_id=line.line_id or str(line.sequence),
            action="delete",
            quantity=Quantity(value=Decimal(0), unit=line.quantity.unit if line.quantity else None),
            previous_quantity=line.quantity,
        )
        for line in order.lines
    ]
    return OrderChange(
        number=f"close {order.number}",
        order=OrderReference(number=order.number, release=order.release),
        buyer=order.buyer,
        seller=order.seller,
        lines=tuple(lines),
    )
