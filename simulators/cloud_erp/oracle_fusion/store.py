"""What the pod holds, as its resources show it at this moment.

Orders are one kind of document in the ledger, drafts or open, so that a document created twice shows. A
receipt is taken first and processed later.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from simulators.cloud_erp.base.documents import Documents
from simulators.cloud_erp.oracle_fusion.resources import INVOICES, ORDERS, RECEIPTS
from simulators.cloud_erp.oracle_fusion.schedules import schedule_rows
from simulators.cloud_erp.oracle_fusion.settings import PodSettings


class Store:
    """The documents of one pod; `settings` may be exchanged while it runs."""

    def __init__(
        self, documents: Documents, settings: PodSettings, clock: Callable[[], float], seed: int
    ) -> None:
        self.documents = documents
        self.settings = settings
        self._clock = clock
        self._seed = seed
        self._due: dict[str, float] = {}  # receipts in the interface: when each is processed

    def members(self, resource: str, q: str) -> list[dict[str, Any]]:
        """Give what a query sees of a resource; `q` only to make up the supplier that is asked for."""
        if resource == "suppliers":
            return self._suppliers(q)
        if resource == "draftPurchaseOrders":
            return [each for each in self.documents.shown(ORDERS) if each["StatusCode"] == "INCOMPLETE"]
        if resource == "purchaseOrders":
            return [each for each in self.documents.shown(ORDERS) if each["StatusCode"] != "INCOMPLETE"]
        if resource == "purchaseOrderSchedules":
            return self._schedules()
        members = list(self.documents.shown(resource))
        return [self._processed(each) for each in members] if resource == RECEIPTS else members

    def fields(self, resource: str, key: str) -> dict[str, Any] | None:
        """Give a member by its key; None where it does not exist, or no longer as a draft."""
        kind = ORDERS if resource in ("draftPurchaseOrders", "purchaseOrders") else resource
        fields = self.documents.get(kind, key)
        if fields is None or (resource == "draftPurchaseOrders") > (
            fields.get("StatusCode", "INCOMPLETE") == "INCOMPLETE"
        ):
            return None
        return self._processed(fields) if resource == RECEIPTS else fields

    def open_orders(self) -> list[dict[str, Any]]:
        """Give the orders that were submitted, whatever became of them; no drafts."""
        held = (self.documents.get(ORDERS, key) for key in self.documents.keys(ORDERS))
        return [
            each
            for each in held
            if each is not None and "_of" not in each and each["StatusCode"] != "INCOMPLETE"
        ]

    def unique_id(self) -> str:
        """Give an opaque id for the next document; the same for the same seed and ledger."""
        seed = f"{self._seed}/{self.documents.count()}"
        return "0002" + hashlib.sha256(seed.encode()).hexdigest().upper()[:44]

    def put_in_interface(self, receipt: str) -> None:
        """Let a receipt wait until it is processed."""
        self._due[receipt] = self._clock() + self.settings.processing_s

    def _suppliers(self, q: str) -> list[dict[str, Any]]:
        known = self.settings.suppliers
        asked = re.search(r"SupplierNumber\s*=\s*'([^']+)'", q)
        if known is None:
            known = {asked[1]: f"Supplier {asked[1]}"} if asked else {}
        return [
            {
                "_id": number,
                "SupplierId": 300_000 + at,
                "SupplierNumber": number,
                "Supplier": name,
                "InactiveDate": "2020-01-01" if number in self.settings.inactive else None,
            }
            for at, (number, name) in enumerate(known.items(), start=1)
        ]

    def _processed(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Show a receipt as it stands now: a row at first; once processed with a number, or with errors."""
        if self._clock() < self._due.get(fields["_id"], 0.0):
            hidden = [{**line, "processingErrors": []} for line in fields["lines"]]
            return {**fields, "lines": hidden, "ProcessingStatusCode": "PENDING"}
        if any(line["processingErrors"] for line in fields["lines"]):
            return {**fields, "ProcessingStatusCode": "ERROR"}
        return {**fields, "ProcessingStatusCode": "SUCCESS", "ReceiptNumber": f"RC{fields['_id']}"}

    def _schedules(self) -> list[dict[str, Any]]:
        """Give the schedules of all orders with what came of them; a receipt counts once it is processed."""
        receipts = [self._processed(each) for each in self.documents.shown(RECEIPTS)]
        counted = [each for each in receipts if each["ProcessingStatusCode"] == "SUCCESS"]
        invoices = list(self.documents.shown(INVOICES))
        orders = [each for each in self.documents.shown(ORDERS) if "_of" not in each]
        placed = [each for each in orders if each["StatusCode"] != "INCOMPLETE"]
        return [row for order in placed for row in schedule_rows(order, counted, invoices)]


def reference_of(fields: dict[str, Any]) -> str:
    """Give the first word of the text that carries a reference."""
    flexfields = fields.get("DFF") or [{}]
    text = (
        fields.get("ChangeOrderDescription")
        or next(iter(flexfields[0].values()), "")
        or fields.get("Description", "")
    )
    return str(text).partition(" ")[0]
