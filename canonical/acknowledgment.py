"""The acknowledgment: what the supplier says it will do with an order."""

from __future__ import annotations

from typing import Literal

from canonical.document import OrderReference, TradeDocument, distinct_orders
from canonical.lines import FollowOnLine, Schedule, SubLine
from canonical.model import NO_ENTRIES, Model
from canonical.purchase_order import OrderType
from canonical.scalars import Code, RawCodes
from canonical.values import (
    AllowanceCharge,
    Contact,
    DateValue,
    DocumentTotals,
    ItemIdentifier,
    KindedDate,
    Note,
    Party,
    PaymentTerms,
    Price,
    Quantity,
    Shipping,
    Tax,
)

Response = Literal[
    "accepted", "accepted_with_changes", "rejected", "acknowledged_with_detail",
    "acknowledged_without_detail", "on_hold", "other",
]  # fmt: skip
"""Source: X12 BAK02 (element 587): AP/AT accepted, AC/AE accepted_with_changes, RD/RJ rejected, AD
acknowledged_with_detail, AK acknowledged_without_detail. A partner profile may read one otherwise."""

LineStatus = Literal[
    "accepted", "backordered", "partly_backordered", "changed", "price_changed", "quantity_changed",
    "price_pending", "date_pending", "rescheduled", "substituted", "on_hold", "deleted", "rejected",
    "shipped", "released", "mixed", "other",
]  # fmt: skip
"""Source: X12 ACK01 (element 668): IA accepted, IB backordered, BP partly_backordered, IC changed, IP
price_changed, IQ quantity_changed, IE price_pending, SP date_pending, DR rescheduled, IS substituted,
IF/IH/IW on_hold, ID deleted, IR rejected, AC shipped, AR released. `mixed`: several that disagree."""


class LineResponse(Model):
    """One statement about a line (one ACK segment), kept as sent in `quantity` and `raw_code`."""

    status: LineStatus
    raw_code: Code | None = None
    quantity: Quantity | None = None
    price: Price | None = None
    dates: tuple[KindedDate, ...] = ()
    item_ids: tuple[ItemIdentifier, ...] = ()
    reasons: tuple[Note, ...] = ()
    raw_codes: RawCodes = NO_ENTRIES


class AcknowledgmentLine(FollowOnLine):
    """What becomes of one ordered line. `quantity` is the ordered one, as the supplier echoes it.

    The three quantities stand apart, because a partial backorder means accepted to one supplier and
    backordered to the next (Oracle documents four readings); the partner profile chooses. Absent is
    unknown, never zero. Each has its own unit: suppliers answer in another unit than was ordered.
    """

    status: LineStatus | None = None
    accepted: Quantity | None = None
    backordered: Quantity | None = None
    rejected: Quantity | None = None
    promised: DateValue | None = None
    responses: tuple[LineResponse, ...] = ()
    substitute_ids: tuple[ItemIdentifier, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    sub_lines: tuple[SubLine, ...] = ()


class Acknowledgment(TradeDocument):
    """An answer to an order; without lines the header's `response` holds for all of it.

    Document key: organisation + order number + release + supplier + number + date + content hash.
    Order key: organisation + order number.
    """

    document_type: Literal["acknowledgment"] = "acknowledgment"
    number: Code | None = None
    acknowledged: DateValue | None = None
    order: OrderReference
    response: Response
    order_type: OrderType | None = None
    remit_to: Party | None = None
    ship_from: Party | None = None
    contacts: tuple[Contact, ...] = ()
    payment_terms: tuple[PaymentTerms, ...] = ()
    shipping: tuple[Shipping, ...] = ()
    allowances_charges: tuple[AllowanceCharge, ...] = ()
    taxes: tuple[Tax, ...] = ()
    lines: tuple[AcknowledgmentLine, ...] = ()
    totals: DocumentTotals | None = None

    @property
    def named_orders(self) -> tuple[OrderReference, ...]:
        """Give the order acknowledged, and others that lines name."""
        return distinct_orders((self.order, *(line.order for line in self.lines)))
