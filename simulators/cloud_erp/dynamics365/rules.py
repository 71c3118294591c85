"""What this ERP's own logic says to a write: missing vendors, blocked items, workflow, closed periods.

Every rule speaks by Infolog. A header is committed before its lines are even known: that is how orphans
come to be, and nothing here prevents them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from simulators.cloud_erp.base.documents import Documents

Fields = dict[str, Any]
LINES, HEADERS = "PurchaseOrderLinesV2", "PurchaseOrderHeadersV2"
EDITABLE = frozenset({"Draft", "Approved", "Rejected"})


@dataclass(slots=True)
class Tenant:
    """How this tenant is set up. May be changed while it runs.

    `numbers_itself`: purchase orders come from a number sequence, and a number that is sent is refused;
    else the caller chooses. `vendors`, `items` None: all exist. `starts_as`: approval status of new orders.
    `open_from`: first day of the oldest open period. `invoice_numbers`: what a second invoice of one
    number meets. `posts_receipts`: whether the custom service for receipts is installed.
    """

    company: str = "usmf"
    companies: frozenset[str] = frozenset({"usmf", "dat"})
    numbers_itself: bool = False
    vendors: frozenset[str] | None = None
    held_vendors: frozenset[str] = frozenset()
    items: frozenset[str] | None = None
    blocked_items: frozenset[str] = frozenset()
    starts_as: str = "Approved"
    open_from: date | None = None
    invoice_numbers: str = "reject"
    posts_receipts: bool = True
    page_size: int = 10_000
    approvals: dict[str, str] = field(default_factory=dict)  # order number -> status that a person set


class Rules:
    """The logic, by entity set and event."""

    def __init__(self, documents: Documents, tenant: Tenant) -> None:
        self._documents = documents
        self._tenant = tenant
        self._numbers = 0

    def create_problems(self, entity_set: str, fields: Fields) -> list[str]:
        """Give what the Infolog says to a new entity; nothing where it is good."""
        check = _CREATE.get(entity_set)
        return list(check(self, fields)) if check is not None else []

    def change_problems(self, entity_set: str, fields: Fields, changes: Fields | None = None) -> list[str]:
        """Give what it says to a change of what is there, or (`changes` None) to its removal."""
        if entity_set not in (HEADERS, LINES):
            return []
        return [*self._locked(fields), *self._goods_came(entity_set, fields, changes)]

    def received(self, line: Fields) -> Decimal:
        """Give what was received of an order line, by the posted receipts."""
        return sum(
            (Decimal(str(each["ReceivedPurchaseQuantity"])) for each in self._receipts(line)), Decimal(0)
        )

    def settle(self, company: str, order: str) -> None:
        """Work the status of an order's lines out anew, and the order's own: assumed, as all of it is here.

        A line of which all was received is `Received`, one that was reduced to it too.
        """
        lines = [each for each in self._lines(LINES) if each["PurchaseOrderNumber"] == order]
        for line in lines:
            received = self.received(line)
            is_all = bool(received) and received >= Decimal(str(line["OrderedPurchaseQuantity"]))
            status = line["PurchaseOrderLineStatus"]
            due = "Received" if is_all else "Backorder"
            if status != due and status not in ("Invoiced", "Canceled"):
                line["PurchaseOrderLineStatus"] = due
                self._documents.change(LINES, f"{company}|{order}|{line['LineNumber']}", line)
        header = self._documents.get(HEADERS, f"{company}|{order}")
        statuses = {each["PurchaseOrderLineStatus"] for each in lines}
        if header is not None and len(statuses) == 1 and header["PurchaseOrderStatus"] not in statuses:
            self._documents.change(
                HEADERS, f"{company}|{order}", header | {"PurchaseOrderStatus": statuses.pop()}
            )

    def defaults(self, entity_set: str, fields: Fields) -> None:
        """Fill in what this ERP knows by itself."""
        fill = _DEFAULTS.get(entity_set)
        if fill is not None:
            fill(self, fields)

    def approval(self, order: Fields) -> str:
        """Give an order's approval status."""
        return self._tenant.approvals.get(order["PurchaseOrderNumber"], self._tenant.starts_as)

    def vendors(self, query: str, known: list[Fields]) -> list[Fields]:
        """Give the vendors that are declared; where none is, whoever is asked for exists."""
        names = set(re.findall(r"VendorAccountNumber eq '([^']+)'", query))
        if self._tenant.vendors is not None:
            names &= self._tenant.vendors | self._tenant.held_vendors
        names -= {each["VendorAccountNumber"] for each in known}
        return [
            {
                "dataAreaId": company,
                "VendorAccountNumber": name,
                "OnHoldStatus": "PurchOrder" if name in self._tenant.held_vendors else "No",
            }
            for name in sorted(names)
            for company in sorted(self._tenant.companies)
        ]

    # -- purchase orders -----------------------------------------------------------------------------

    def _order(self, fields: Fields) -> Iterator[str]:
        vendor = fields["OrderVendorAccountNumber"]
        if self._tenant.vendors is not None and vendor not in self._tenant.vendors:
            yield (
                f"The value '{vendor}' in field 'Vendor account' is not found in the related table 'Vendors'."
            )
        if vendor in self._tenant.held_vendors:
            yield f"Vendor {vendor} is on hold for purchase orders."
        if self._tenant.numbers_itself and fields.get("PurchaseOrderNumber"):
            yield "Manual numbers are not allowed for number sequence 'Purchase order'."
        if not self._tenant.numbers_itself and not fields.get("PurchaseOrderNumber"):
            yield "Field 'Purchase order' must be filled in."

    def _order_defaults(self, fields: Fields) -> None:
        if self._tenant.numbers_itself:
            self._numbers = (
                max(self._numbers, len(self._documents.entries("PurchaseOrderHeadersV2", "created"))) + 1
            )
            fields["PurchaseOrderNumber"] = f"PO{self._numbers:08d}"
        fields.setdefault("InvoiceVendorAccountNumber", fields["OrderVendorAccountNumber"])
        fields.setdefault("CurrencyCode", "USD")
        fields["PurchaseOrderStatus"] = "Backorder"
        fields["DocumentApprovalStatus"] = self.approval(fields)
        # A field of an extension: the entity itself does not tell when an order changed.
        fields["HospitalModifiedDateTime"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _line(self, fields: Fields) -> Iterator[str]:
        order = self._order_of(fields)
        if order is None:
            number = fields["PurchaseOrderNumber"]
            yield (
                f"The value '{number}' in field 'Purchase order' is not found in the related table "
                "'Purchase orders'."
            )
            return
        yield from self._locked(fields)
        yield from self._item(fields.get("ItemNumber"))
        if fields.get("OrderedPurchaseQuantity") in (None, 0):
            yield "Field 'Quantity' must be filled in."
        if not fields.get("ItemNumber") and not fields.get("ProcurementProductCategoryName"):
            yield "Field 'Procurement category' must be filled in."

    def _item(self, item: str | None) -> Iterator[str]:
        if item in self._tenant.blocked_items:
            yield f"Item '{item}' is blocked for 'Purchase order'."
        if item and self._tenant.items is not None and item not in self._tenant.items:
            yield f"The value '{item}' in field 'Item number' is not found in the related table 'Products'."

    def _line_defaults(self, fields: Fields) -> None:
        number = fields["PurchaseOrderNumber"]
        if fields.get("LineNumber") is None:
            lines = [
                each for each in self._lines("PurchaseOrderLinesV2") if each["PurchaseOrderNumber"] == number
            ]
            fields["LineNumber"] = max((int(each["LineNumber"]) for each in lines), default=0) + 1
        fields.setdefault("PurchasePriceQuantity", 1)
        if "LineAmount" not in fields and fields.get("PurchasePrice") is not None:
            amount = (
                Decimal(str(fields["PurchasePrice"]))
                * Decimal(str(fields["OrderedPurchaseQuantity"]))
                / Decimal(str(fields["PurchasePriceQuantity"] or 1))
            )
            fields["LineAmount"] = round(amount, 2)
        fields.setdefault("IsLineStopped", "No")
        fields["InventoryLotId"] = f"LOT{len(self._documents.entries('PurchaseOrderLinesV2')) + 1:07d}"
        fields["PurchaseOrderLineStatus"] = "Backorder"

    def _locked(self, fields: Fields) -> Iterator[str]:
        order = self._order_of(fields)
        if order is None:
            return
        status = self.approval(order)
        if status not in EDITABLE:
            yield (
                f"Purchase order {order['PurchaseOrderNumber']} is in approval status {status} and cannot be "
                "changed."
            )

    def _goods_came(self, entity_set: str, fields: Fields, changes: Fields | None) -> Iterator[str]:
        """Refuse what would undo a receipt; the words are assumed."""
        number = fields["PurchaseOrderNumber"]
        if changes is None:
            whole = entity_set == HEADERS
            lines = [each for each in self._lines(LINES) if each["PurchaseOrderNumber"] == number]
            if any(self.received(each) for each in (lines if whole else [fields])):
                yield f"Purchase order {number} cannot be deleted: goods have been received."
        elif entity_set == LINES and changes.get("OrderedPurchaseQuantity") is not None:
            wanted = Decimal(str(changes["OrderedPurchaseQuantity"]))
            if not wanted:
                yield "Field 'Quantity' must be filled in."
            elif wanted < self.received(fields):
                yield "Field 'Quantity' is lower than the quantity that has been received."

    def _receipts(self, line: Fields) -> list[Fields]:
        named = (line["PurchaseOrderNumber"], int(line["LineNumber"]))
        return [
            each
            for each in self._lines("ProductReceiptLines")
            if (each["PurchaseOrderNumber"], int(each["PurchaseOrderLineNumber"])) == named
        ]

    # -- responses, invoices, receipts ---------------------------------------------------------------

    def _response(self, fields: Fields) -> Iterator[str]:
        if self._order_of(fields) is None:
            yield f"Purchase order {fields['PurchaseOrderNumber']} does not exist."

    def _response_line(self, fields: Fields) -> Iterator[str]:
        key = f"{fields['dataAreaId']}|{fields['PurchaseOrderNumber']}|{fields['LineNumber']}"
        if self._documents.get("PurchaseOrderLinesV2", key) is None:
            yield _no_line(fields["PurchaseOrderNumber"], fields["LineNumber"])

    def _invoice(self, fields: Fields) -> Iterator[str]:
        posted = str(fields.get("Date") or fields.get("InvoiceDate") or "")[:10]
        if (
            self._tenant.open_from is not None
            and posted
            and date.fromisoformat(posted) < self._tenant.open_from
        ):
            yield f"Fiscal period for {posted} is not open."
        same = [
            each
            for each in self._lines("VendorInvoiceHeaders")
            if (each["InvoiceNumber"], each["InvoiceAccount"])
            == (fields["InvoiceNumber"], fields["InvoiceAccount"])
        ]
        if same and self._tenant.invoice_numbers == "reject":
            yield f"Invoice number {fields['InvoiceNumber']} has already been used."

    def _invoice_line(self, fields: Fields) -> Iterator[str]:
        header = f"{fields['dataAreaId']}|{fields['HeaderReference']}"
        if self._documents.get("VendorInvoiceHeaders", header) is None:
            yield f"Invoice {fields['HeaderReference']} does not exist."
        if fields.get("PurchaseOrder"):
            key = f"{fields['dataAreaId']}|{fields['PurchaseOrder']}|{fields.get('PurchLineNumber')}"
            if self._documents.get("PurchaseOrderLinesV2", key) is None:
                yield _no_line(fields["PurchaseOrder"], fields.get("PurchLineNumber"))

    def _journal_line(self, fields: Fields) -> Iterator[str]:
        header = f"{fields['dataAreaId']}|{fields['JournalNumber']}"
        if self._documents.get("ItemArrivalJournalHeaders", header) is None:
            yield f"Journal {fields['JournalNumber']} does not exist."

    def _requisition_line(self, fields: Fields) -> Iterator[str]:
        number = fields["RequisitionNumber"]
        header = self._documents.get("PurchaseRequisitionHeaders", str(number))
        if header is None:
            yield f"The value '{number}' in field 'Purchase requisition' is not found."
        elif header["RequisitionStatus"] not in EDITABLE:
            yield f"Purchase requisition {number} is {header['RequisitionStatus']} and cannot be changed."
        if fields["BuyingLegalEntityId"].lower() not in self._tenant.companies:
            yield f"Company {fields['BuyingLegalEntityId']} does not exist."
        yield from self._item(fields.get("ItemNumber"))
        if not fields.get("ItemNumber") and not fields.get("ProcurementProductCategoryName"):
            yield "Field 'Procurement category' must be filled in."

    def _requisition_defaults(self, fields: Fields) -> None:
        if self._tenant.numbers_itself or not fields.get("RequisitionNumber"):
            count = len(self._documents.entries("PurchaseRequisitionHeaders", "created"))
            fields["RequisitionNumber"] = f"{count + 1:06d}"
        fields.setdefault("RequisitionPurpose", "Consumption")
        fields["RequisitionStatus"] = "Draft"

    def _requisition_line_defaults(self, fields: Fields) -> None:
        fields.setdefault("RequestedPurchaseQuantity", 1)
        fields.setdefault("PurchasePriceQuantity", 1)
        fields["LineStatus"] = "Draft"

    def _invoice_defaults(self, fields: Fields) -> None:
        fields.setdefault(
            "HeaderReference", f"INV-{len(self._documents.entries('VendorInvoiceHeaders')) + 1:06d}"
        )
        fields["VendorInvoiceReviewStatus"] = "NotSubmitted"

    def _journal_defaults(self, fields: Fields) -> None:
        count = len(self._documents.entries("ItemArrivalJournalHeaders", "created"))
        fields.setdefault("JournalNumber", f"J{count + 1:06d}")
        fields["IsPosted"] = "No"

    def _order_of(self, fields: Fields) -> Fields | None:
        key = f"{fields['dataAreaId']}|{fields['PurchaseOrderNumber']}"
        return self._documents.get("PurchaseOrderHeadersV2", key)

    def _lines(self, entity_set: str) -> list[Fields]:
        found = (self._documents.get(entity_set, key) for key in self._documents.keys(entity_set))
        return [each for each in found if each is not None]


def _no_line(order: object, line: object) -> str:
    return f"Line {line} of purchase order {order} does not exist."


_CREATE: Mapping[str, Callable[[Rules, Fields], Iterator[str]]] = {
    "PurchaseOrderHeadersV2": Rules._order,
    "PurchaseOrderLinesV2": Rules._line,
    "PurchaseOrderResponseHeaders": Rules._response,
    "PurchaseOrderResponseLines": Rules._response_line,
    "VendorInvoiceHeaders": Rules._invoice,
    "VendorInvoiceLines": Rules._invoice_line,
    "ItemArrivalJournalLines": Rules._journal_line,
    "PurchaseRequisitionLines": Rules._requisition_line,
}
_DEFAULTS: Mapping[str, Callable[[Rules, Fields], None]] = {
    "PurchaseOrderHeadersV2": Rules._order_defaults,
    "PurchaseOrderLinesV2": Rules._line_defaults,
    "VendorInvoiceHeaders": Rules._invoice_defaults,
    "ItemArrivalJournalHeaders": Rules._journal_defaults,
    "PurchaseRequisitionHeaders": Rules._requisition_defaults,
    "PurchaseRequisitionLines": Rules._requisition_line_defaults,
}
