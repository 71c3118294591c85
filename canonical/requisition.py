"""The requisition: what a department asks its own purchasing for, before there is an order."""

from __future__ import annotations

from typing import Literal

from canonical.document import SAME_AS_ORIGINAL, CanonicalDocument, Purpose
from canonical.lines import PlacedLine
from canonical.purchase_order import OrderType, Urgency
from canonical.scalars import Code, DocumentNumber, Text
from canonical.values import ClinicalCase, Contact, DateValue, Distribution, DocumentTotals, Party


class RequisitionLine(PlacedLine):
    """One requested item; `supplier` on the line is a suggestion."""

    destination: Literal["expense", "inventory", "asset", "other"] | None = None
    deliver_to: Party | None = None


class Requisition(CanonicalDocument):
    """A request to purchase. Source of the fields: cloud-ERP mapping table; UBL 2.4 has no requisition.

    Document key: organisation + number + revision, and for purposes other than the original the purpose
    (with a content hash where no revision tells two apart).
    Order key: organisation + requisition number, apart from order numbers (kind `requisition_order`).
    """

    document_type: Literal["requisition"] = "requisition"
    number: DocumentNumber
    revision: Code | None = None
    purpose: Purpose = "original"
    order_type: OrderType = "stand_alone"
    urgency: Urgency = "normal"
    description: Text | None = None
    requisitioned: DateValue | None = None
    need_by: DateValue | None = None
    currency: Code | None = None
    requester: Contact | None = None
    preparer: Contact | None = None
    department: Text | None = None
    facility: Code | None = None
    inventory_location: Code | None = None
    buyer: Party | None = None
    seller: Party | None = None
    ship_to: Party | None = None
    deliver_to: Party | None = None
    distributions: tuple[Distribution, ...] = ()
    clinical_case: ClinicalCase | None = None
    lines: tuple[RequisitionLine, ...] = ()
    totals: DocumentTotals | None = None

    @property
    def opens_order(self) -> bool:
        """Say whether this document may open an entry in the ledger."""
        return self.purpose in SAME_AS_ORIGINAL
