"""The purchase order: what the hospital asks a supplier for."""

from __future__ import annotations

from typing import Literal

from canonical.document import SAME_AS_ORIGINAL, OrderReference, TradeDocument
from canonical.lines import PlacedLine
from canonical.scalars import Code, DocumentNumber, Text
from canonical.values import (
    AllowanceCharge,
    ClinicalCase,
    Contact,
    DateValue,
    Distribution,
    DocumentTotals,
    Party,
    PaymentTerms,
    Shipping,
    Tax,
)

OrderType = Literal[
    "stand_alone", "new", "blanket", "release", "rush", "consignment", "bill_only", "dropship", "standing",
    "replenishment", "reservation", "repair", "sample", "service", "return", "emergency", "other",
]  # fmt: skip
"""Source: X12 BEG02 (element 92): SA stand_alone, NE new, BK blanket, RL release, RO rush, CN
consignment, DS dropship, RE replenishment. A blanket release, for one, is `release`."""

Urgency = Literal["normal", "rush"]


class PurchaseOrderLine(PlacedLine):
    """One ordered item."""


class PurchaseOrder(TradeDocument):
    """An order. Source of the fields: cloud-ERP mapping table; X12 004010 850; UBL 2.4 Order.

    Document key: organisation + number + release + revision, and for purposes other than the original
    the purpose (with a content hash where no revision tells two apart).
    Order key: organisation + number.

    `already_placed`: the supplier has it (it was telephoned and is confirmed now, or the goods of a
    bill-only order were used up): it is created, and nobody sends it to the supplier again.
    """

    document_type: Literal["purchase_order"] = "purchase_order"
    number: DocumentNumber
    release: Code | None = None
    revision: Code | None = None
    order_type: OrderType = "stand_alone"
    urgency: Urgency = "normal"
    already_placed: bool = False
    order_date: DateValue | None = None
    requested: DateValue | None = None
    seller_number: Code | None = None
    erp_number: Code | None = None
    contract: Code | None = None
    department: Text | None = None
    facility: Code | None = None
    inventory_location: Code | None = None
    remit_to: Party | None = None
    ship_from: Party | None = None
    contacts: tuple[Contact, ...] = ()
    payment_terms: tuple[PaymentTerms, ...] = ()
    shipping: tuple[Shipping, ...] = ()
    backorders_allowed: bool | None = None
    allowances_charges: tuple[AllowanceCharge, ...] = ()
    taxes: tuple[Tax, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    clinical_case: ClinicalCase | None = None
    lines: tuple[PurchaseOrderLine, ...] = ()
    totals: DocumentTotals | None = None

    @property
    def opens_order(self) -> bool:
        """Say whether this document may open an order. A cancel, replace or copy only follows one."""
        return self.purpose in SAME_AS_ORIGINAL or self.purpose == "confirmation"

    @property
    def named_orders(self) -> tuple[OrderReference, ...]:
        """Give this order itself, by all its numbers."""
        return (
            OrderReference(
                number=self.number,
                release=self.release,
                revision=self.revision,
                seller_number=_unless_blank(self.seller_number),
                erp_number=_unless_blank(self.erp_number),
            ),
        )


def _unless_blank(number: str | None) -> str | None:
    """Give a number; a field that a legacy system fills with blanks names nothing."""
    return number if number is not None and not number.isspace() else None
