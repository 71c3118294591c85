"""Supplier invoices: what Payables refuses, and what it keeps."""

from __future__ import annotations

from datetime import date

from aiohttp import web

from simulators.cloud_erp.oracle_fusion import replies
from simulators.cloud_erp.oracle_fusion.replies import BUSINESS_ERRORS, Detail, framework_version
from simulators.cloud_erp.oracle_fusion.requests import taken
from simulators.cloud_erp.oracle_fusion.resources import INVOICES, shown
from simulators.cloud_erp.oracle_fusion.store import Store


class Invoices:
    """The invoices of one pod."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, request: web.Request, body: bytes) -> web.Response:
        """Create an invoice, unless its period, its order or its own number forbids it."""
        fields, problem = taken(request, body, INVOICES)
        if fields is None:
            return problem
        before, day = self._store.settings.closed_before, fields.get("AccountingDate", fields["InvoiceDate"])
        if before is not None and date.fromisoformat(day) < before:
            return replies.error(framework_version(request), 400, [BUSINESS_ERRORS["period"]])
        final = {
            each["OrderNumber"]
            for each in self._store.open_orders()
            if each["StatusCode"] == "FINALLY CLOSED"
        }
        if any(each.get("PurchaseOrderNumber") in final for each in fields.get("invoiceLines", [])):
            detail = Detail("The purchase order is finally closed.", "AP-811001", "/invoiceLines")
            return replies.error(framework_version(request), 400, [detail])
        reference = f"{fields['Supplier']}/{fields['InvoiceNumber']}"
        if any(each.reference == reference for each in self._store.documents.entries(INVOICES, "created")):
            text = "The invoice number already exists for this supplier."
            return replies.error(
                framework_version(request), 400, [Detail(text, "AP-810451", "/InvoiceNumber")]
            )
        number = 900_000 + self._store.documents.created(INVOICES) + 1
        key = self._store.unique_id()
        made = {**fields, "_id": key, "InvoiceId": number}
        self._store.documents.create(INVOICES, key, made, number=str(number), reference=reference)
        return replies.item(201, shown(INVOICES, made, request), replies.etag(made))
