"""What lines of several document types share: which item, how much, at what price, for whom."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from canonical.document import OrderReference
from canonical.model import NO_ENTRIES, Model
from canonical.scalars import Code, Extensions, Number, RawCodes, Text
from canonical.values import (
    AllowanceCharge,
    Attribute,
    DateValue,
    Distribution,
    ItemIdentifier,
    ItemScheme,
    KindedDate,
    Lot,
    Note,
    Packaging,
    Party,
    Price,
    Quantity,
    Reference,
    Shipping,
    Tax,
)

Sequence = Annotated[int, Field(strict=True, ge=1)]

Stock = Literal["stock", "non_stock", "consignment", "bill_only", "dropship", "other"]


class ItemLine(Model):
    """A line about an item.

    `sequence` is ours, 1 for the first; `line_id` is the sender's text, kept to the letter (`000100001`,
    `item-1`), and may be absent or repeated. A bill-only line's description can name a patient:
    decoders then set `description_may_be_phi`.
    """

    sequence: Sequence
    line_id: Code | None = None
    item_ids: tuple[ItemIdentifier, ...] = ()
    description: Text | None = None
    description_may_be_phi: bool = False
    quantity: Quantity | None = None
    lots: tuple[Lot, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[Note, ...] = ()
    dates: tuple[KindedDate, ...] = ()
    raw_codes: RawCodes = NO_ENTRIES
    extensions: Extensions = NO_ENTRIES

    def item_id(self, scheme: ItemScheme) -> str | None:
        """Give the first item identifier in a scheme."""
        return next((each.value for each in self.item_ids if each.scheme == scheme), None)


class PricedLine(ItemLine):
    """A line with money on it. `price` absent means that none was sent; it is never zero by default."""

    price: Price | None = None
    list_price: Price | None = None
    amount: Number | None = None
    packaging: Packaging | None = None
    allowances_charges: tuple[AllowanceCharge, ...] = ()
    taxes: tuple[Tax, ...] = ()
    distributions: tuple[Distribution, ...] = ()


class PlacedLine(PricedLine):
    """A line that someone asked for. The facts that a canary selects by stand here.

    Where absent, the header's `facility`, `inventory_location` and supplier hold for the line.
    `category` is the buyer's purchasing category or a UNSPSC code; `line_class` a guarded class such
    as implant, blood, pharmacy.
    """

    facility: Code | None = None
    inventory_location: Code | None = None
    stock: Stock | None = None
    category: Code | None = None
    line_class: Code | None = None
    contract: Code | None = None
    supplier: Party | None = None
    requester: Text | None = None
    taxable: bool | None = None
    requested: DateValue | None = None
    ship_to: Party | None = None
    schedules: tuple[Schedule, ...] = ()
    sub_lines: tuple[SubLine, ...] = ()
    shipping: tuple[Shipping, ...] = ()


class FollowOnLine(PricedLine):
    """A line about a line of an order: `order` where the header names several, or none.

    `line_id` is this document's own (or the echoed) line id, `order_line_id` the order's where both are sent.
    """

    order: OrderReference | None = None
    order_line_id: Code | None = None
    schedule_id: Code | None = None


class Schedule(Model):
    """A part of a line: how much, when, where to. An X12 SDQ pair is one schedule with its ship-to."""

    schedule_id: Code | None = None
    quantity: Quantity | None = None
    requested: DateValue | None = None
    dates: tuple[KindedDate, ...] = ()
    ship_to: Party | None = None
    shipping: tuple[Shipping, ...] = ()
    raw_codes: RawCodes = NO_ENTRIES


class SubLine(Model):
    """A component of a line: kit content, substitute, included service. Source: X12 SLN."""

    sub_line_id: Code | None = None
    parent_id: Code | None = None
    relationship: Literal["included", "added", "deleted", "substituted", "information", "other"] = "other"
    item_ids: tuple[ItemIdentifier, ...] = ()
    description: Text | None = None
    description_may_be_phi: bool = False
    quantity: Quantity | None = None
    price: Price | None = None
    allowances_charges: tuple[AllowanceCharge, ...] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[Note, ...] = ()
    raw_codes: RawCodes = NO_ENTRIES
    extensions: Extensions = NO_ENTRIES


PlacedLine.model_rebuild()
