"""A tenant's documents as SAP's own values, over the ledger that all simulated ERPs keep.

The ledger holds plain JSON; here dates and decimals come back by the field table. A unit of work gathers
changes, which take effect together or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from simulators.cloud_erp.base.documents import Documents
from simulators.cloud_erp.sap_s4hana.schema import Entity, entities

FIRST_NUMBERS = {
    "purchase_order": 4_500_000_001,
    "requisition": 10_000_001,
    "supplier_invoice": 5_105_600_001,
    "material_document": 5_000_000_001,
}
ENTITIES = {
    "purchase_order": "v4 PurchaseOrder",
    "requisition": "v2 A_PurchaseRequisitionHeader",
    "supplier_invoice": "v2 A_SupplierInvoice",
    "material_document": "v2 A_MaterialDocumentHeader",
}
VERSION = "_version"
INTO_STOCK = {"101": 1, "102": -1, "122": -1, "123": 1}  # goods movement types of receipts and returns


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it stands. `version` grows with each change and makes its ETag."""

    kind: str
    number: str
    values: dict[str, Any]
    version: int = 1

    @property
    def etag(self) -> str:
        """Give the entity tag; it is weak, as SAP's are."""
        return f'W/"SADL-{self.number}-{self.version}"'


class Store:
    """All documents of one tenant, by kind and number; zeros in front of a number are ignored."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._counted = 0  # material documents that `_received` holds
        self._received: Counter[tuple[str, str]] = Counter()

    def next_number(self, kind: str) -> str:
        """Give the next number of a kind's range."""
        return str(FIRST_NUMBERS[kind] + len(self._documents.keys(kind)))

    def get(self, kind: str, number: str) -> Document | None:
        """Give one document by its number: its own address shows it at once, without a lag."""
        fields = self._documents.get(kind, number.lstrip("0"))
        return None if fields is None else _document(kind, number, fields)

    def visible(self, kind: str, reference: str | None = None) -> Iterator[Document]:
        """Give the documents of a kind that a query finds by now; `reference` spares reading the others."""
        number = {"purchase_order": "PurchaseOrder", "requisition": "PurchaseRequisition"}
        names = number | {"supplier_invoice": "SupplierInvoice", "material_document": "MaterialDocument"}
        for fields in self._documents.visible(kind, reference):
            yield _document(kind, str(fields[names[kind]]), fields)

    def received(self, order: str) -> dict[str, Decimal]:
        """Give what came of each item of an order by now, without zeros in front of its number."""
        for key in self._documents.keys("material_document")[self._counted :]:
            self._counted += 1
            document = self._documents.get("material_document", key) or {}
            sign = -1 if document.get("ReversedMaterialDocument") else 1
            for row in document.get("to_MaterialDocumentItem") or ():
                place = str(row["PurchaseOrder"]).lstrip("0"), str(row["PurchaseOrderItem"]).lstrip("0")
                came = Decimal(row["QuantityInEntryUnit"]) * INTO_STOCK.get(row["GoodsMovementType"], 0)
                self._received[place] += came * sign  # type: ignore[assignment]
        wanted = order.lstrip("0")
        return {item: Decimal(total) for (own, item), total in self._received.items() if own == wanted}

    def create(self, kind: str, number: str, reference: str, values: Mapping[str, Any]) -> None:
        """Commit a new document."""
        fields = _plain(values) | {VERSION: 1}
        self._documents.create(kind, number.lstrip("0"), fields, number=number, reference=reference)

    def change(self, kind: str, number: str, values: Mapping[str, Any]) -> None:
        """Commit a document's new state."""
        known = self.get(kind, number)
        version = known.version + 1 if known is not None else 1
        self._documents.change(kind, number.lstrip("0"), _plain(values) | {VERSION: version})


class Unit:
    """A unit of work (SAP's LUW): what it holds takes effect together, or not at all."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._pending: dict[tuple[str, str], tuple[Document, str | None]] = {}  # reference: of a new one

    def get(self, kind: str, number: str) -> Document | None:
        """Give a document as this unit sees it; its ETag is the one from before the unit began."""
        pending = self._pending.get((kind, number.lstrip("0")))
        return pending[0] if pending is not None else self.store.get(kind, number)

    def next_number(self, kind: str) -> str:
        """Give the next free number of a kind."""
        new = sum(
            1 for (each, _), (_, reference) in self._pending.items() if each == kind and reference is not None
        )
        return str(int(self.store.next_number(kind)) + new)

    def create(self, kind: str, number: str, reference: str, values: dict[str, Any]) -> Document:
        """Keep a new document until the unit ends."""
        document = Document(kind, number, values)
        self._pending[(kind, number.lstrip("0"))] = (document, reference)
        return document

    def change(self, document: Document, values: dict[str, Any]) -> None:
        """Keep a document's new state until the unit ends."""
        key = (document.kind, document.number.lstrip("0"))
        _, reference = self._pending.get(key, (document, None))
        changed = Document(document.kind, document.number, values, document.version)
        self._pending[key] = (changed, reference)

    def flush(self) -> None:
        """Let everything take effect."""
        for document, reference in self._pending.values():
            if reference is not None:
                self.store.create(document.kind, document.number, reference, document.values)
            else:
                self.store.change(document.kind, document.number, document.values)
        self._pending.clear()


def _document(kind: str, number: str, fields: Mapping[str, Any]) -> Document:
    values = _revived(entities()[ENTITIES[kind]], fields)
    return Document(kind, number, values, values.pop(VERSION, 1))


def _revived(entity: Entity, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(entity, name, each) for name, each in fields.items()}


def _value(entity: Entity, name: str, value: Any) -> Any:
    field = entity.fields.get(name)
    if field is None or value is None:
        return value
    match field.kind:
        case "many":
            inner = entities()[f"{entity.version} {field.leads_to}"]
            return [_revived(inner, each) for each in value]
        case "decimal":
            return Decimal(value)
        case "date":
            return date.fromisoformat(value)
        case _:
            return value


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case date():
            return value.isoformat()
        case _:
            return value
