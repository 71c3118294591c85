"""What SAP demands of supplier invoices and goods movements. Pure, but for the store it looks into.

An invoice's look-alike is refused or remarked on, as set up. A goods movement has no such check: posted
twice, the stock is doubled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from simulators.cloud_erp.sap_s4hana.orders import ITEMS, supplier
from simulators.cloud_erp.sap_s4hana.schema import Problem
from simulators.cloud_erp.sap_s4hana.store import Store
from simulators.cloud_erp.sap_s4hana.tenant import Tenant

INVOICE_ITEMS = "to_SuplrInvcItemPurOrdRef"
MOVEMENT_ITEMS = "to_MaterialDocumentItem"


def invoice_problems(tenant: Tenant, store: Store, values: Mapping[str, Any]) -> list[Problem]:
    """Give everything that SAP refuses in an invoice."""
    problems = [*_required(values, "CompanyCode", "DocumentCurrency", "InvoicingParty", "InvoiceGrossAmount")]
    party = supplier(tenant, values.get("InvoicingParty"))
    if values.get("InvoicingParty") and party is None:
        problems.append(Problem("F5/350", "The invoicing party does not exist", "InvoicingParty"))
    if party is not None and party.posting_is_blocked:
        problems.append(Problem("F5/351", "The account is blocked for posting", "InvoicingParty"))
    problems += _period(tenant, values.get("PostingDate"))
    rows = values.get(INVOICE_ITEMS) or []
    if not rows:
        problems.append(Problem("M8/306", "Enter at least one item", INVOICE_ITEMS))
    for at, row in enumerate(rows, start=1):
        path = f"{INVOICE_ITEMS}({at})/"
        problems += _order_item(store, row, path)
        problems += _required(row, "SupplierInvoiceItemAmount", "PurchaseOrderQuantityUnit", path=path)
    if not problems and tenant.duplicate_invoice == "error":
        problems += duplicate_of(store, values)
    return problems


def duplicate_of(store: Store, values: Mapping[str, Any]) -> list[Problem]:
    """Find the invoice that this one looks like: party, reference, date and amount are the same."""
    names = ("InvoicingParty", "SupplierInvoiceIDByInvcgParty", "DocumentDate", "InvoiceGrossAmount")
    for known in store.visible("supplier_invoice"):
        if all(_plain(known.values.get(name)) == _plain(values.get(name)) for name in names):
            text = f"Check whether the invoice was entered already as accounting document {known.number}"
            return [Problem("F5/117", text, "SupplierInvoiceIDByInvcgParty")]
    return []


def movement_problems(tenant: Tenant, store: Store, values: Mapping[str, Any]) -> list[Problem]:
    """Give everything that SAP refuses in a goods movement."""
    problems = [*_required(values, "GoodsMovementCode", "PostingDate", "DocumentDate")]
    problems += _period(tenant, values.get("PostingDate"))
    rows = values.get(MOVEMENT_ITEMS) or []
    if not rows:
        problems.append(Problem("M7/001", "Enter at least one item", MOVEMENT_ITEMS))
    for at, row in enumerate(rows, start=1):
        path = f"{MOVEMENT_ITEMS}({at})/"
        problems += _order_item(store, row, path)
        problems += _required(row, "GoodsMovementType", "QuantityInEntryUnit", "EntryUnit", path=path)
    return problems


def _order_item(store: Store, row: Mapping[str, Any], path: str) -> list[Problem]:
    order = store.get("purchase_order", str(row.get("PurchaseOrder") or ""))
    wanted = str(row.get("PurchaseOrderItem") or "").lstrip("0")
    items = order.values[ITEMS] if order is not None else []
    item = next((each for each in items if each["PurchaseOrderItem"].lstrip("0") == wanted), None)
    if item is None:
        text = f"Purchase order {row.get('PurchaseOrder')} item {row.get('PurchaseOrderItem')} does not exist"
        return [Problem("M7/036", text, f"{path}PurchaseOrderItem")]
    if item["PurchasingDocumentDeletionCode"]:
        return [Problem("M7/061", "The order item is deleted", f"{path}PurchaseOrderItem")]
    return []


def _period(tenant: Tenant, posting: Any) -> list[Problem]:
    if not isinstance(posting, date):
        return [Problem("F5/073", "Enter the posting date", "PostingDate")]
    if posting < tenant.open_from:
        text = f"Posting period {posting:%m %Y} is not open"
        return [Problem("F5/201", text, "PostingDate")]
    return []


def _required(values: Mapping[str, Any], *names: str, path: str = "") -> list[Problem]:
    return [Problem("00/055", f"Enter {name}", f"{path}{name}") for name in names if values.get(name) is None]


def _plain(value: Any) -> Any:
    return value.lstrip("0") if isinstance(value, str) else value
