"""The item as master data: its identifiers, units, suppliers and prices."""

from __future__ import annotations

from typing import Literal

from canonical.document import CanonicalDocument
from canonical.lines import Stock
from canonical.model import NO_ENTRIES, Model
from canonical.scalars import Code, DocumentNumber, Extensions, Number, Text
from canonical.supplier import MasterAction
from canonical.values import Attribute, DateValue, ItemIdentifier, Packaging, Party, Price


class UnitConversion(Model):
    """How much one `unit` of this very item is: `factor` x `base_unit`. Never valid for another item."""

    unit: Code
    factor: Number
    base_unit: Code
    item_ids: tuple[ItemIdentifier, ...] = ()


class ItemSource(Model):
    """From whom the item is bought, under which number, at what price."""

    supplier: Party
    item_ids: tuple[ItemIdentifier, ...] = ()
    unit: Code | None = None
    price: Price | None = None
    contract: Code | None = None
    lead_time_days: int | None = None
    is_preferred: bool | None = None
    effective: DateValue | None = None
    expires: DateValue | None = None
    extensions: Extensions = NO_ENTRIES


class Item(CanonicalDocument):
    """An item record, whole (`snapshot`) or with what changed (X12 832; UBL 2.4 Catalogue).

    Document key: organisation + item number + revision, or a content hash where there is none.
    Order key: none.
    """

    document_type: Literal["item"] = "item"
    number: DocumentNumber
    revision: Code | None = None
    action: MasterAction = "snapshot"
    effective: DateValue | None = None
    description: Text
    long_description: Text | None = None
    item_ids: tuple[ItemIdentifier, ...] = ()
    manufacturer: Party | None = None
    base_unit: Code | None = None
    units: tuple[UnitConversion, ...] = ()
    sources: tuple[ItemSource, ...] = ()
    packaging: Packaging | None = None
    attributes: tuple[Attribute, ...] = ()
    category: Code | None = None
    line_class: Code | None = None
    stock: Stock | None = None
    is_active: bool = True
    is_lot_controlled: bool | None = None
    is_serial_controlled: bool | None = None
    is_hazardous: bool | None = None
    replaced_by: Code | None = None
    buyer: Party | None = None
