"""The ship notice: what a supplier says is on its way, and in which boxes."""

from __future__ import annotations

from typing import Literal

from canonical.document import OrderReference, TradeDocument, distinct_orders
from canonical.lines import FollowOnLine
from canonical.model import NO_ENTRIES, Model
from canonical.scalars import Code, DocumentNumber, RawCodes, Text
from canonical.values import DateValue, DocumentTotals, Party, Quantity, Reference, Shipping


class Package(Model):
    """A carton or pallet; `parent_id` is the package that holds it. Source: X12 856 HL03 T and P, MAN."""

    package_id: Code
    parent_id: Code | None = None
    kind: Literal["pallet", "carton", "tote", "other"] = "other"
    sscc: Code | None = None
    tracking_number: Code | None = None
    weight: Quantity | None = None
    volume: Quantity | None = None
    description: Text | None = None
    references: tuple[Reference, ...] = ()
    raw_codes: RawCodes = NO_ENTRIES


class ShipNoticeLine(FollowOnLine):
    """One shipped line: `quantity` is the shipped one."""

    ordered: Quantity | None = None
    shipped_to_date: Quantity | None = None
    status: Literal["complete", "partial", "backordered", "cancelled", "other"] | None = None
    package_ids: tuple[Code, ...] = ()
    ship_to: Party | None = None


class ShipNotice(TradeDocument):
    """An advance ship notice (X12 856; UBL 2.4 DespatchAdvice), its HL hierarchy laid flat.

    Document key: supplier + shipment number + ship date, and for purposes other than the original the
    purpose with a content hash. Order key: organisation + order number; one notice may name several orders.
    """

    document_type: Literal["ship_notice"] = "ship_notice"
    number: DocumentNumber
    noticed: DateValue | None = None
    shipped: DateValue | None = None
    expected: DateValue | None = None
    orders: tuple[OrderReference, ...] = ()
    ship_from: Party | None = None
    shipping: tuple[Shipping, ...] = ()
    packages: tuple[Package, ...] = ()
    lines: tuple[ShipNoticeLine, ...] = ()
    totals: DocumentTotals | None = None

    @property
    def named_orders(self) -> tuple[OrderReference, ...]:
        """Give all orders that the header or a line names."""
        return distinct_orders((*self.orders, *(line.order for line in self.lines)))
