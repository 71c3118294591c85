"""Purchase requisitions: created, submitted, and checked against the budget."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aiohttp import web

from simulators.cloud_erp.oracle_fusion import replies
from simulators.cloud_erp.oracle_fusion.requests import acted, taken
from simulators.cloud_erp.oracle_fusion.resources import REQUISITIONS, shown
from simulators.cloud_erp.oracle_fusion.store import Store, reference_of


class Requisitions:
    """The requisitions of one pod."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, request: web.Request, body: bytes) -> web.Response:
        """Create a requisition."""
        fields, problem = taken(request, body, REQUISITIONS)
        if fields is None:
            return problem
        count = self._store.documents.created(REQUISITIONS) + 1
        key, number = self._store.unique_id(), f"R-{count}"
        made = {
            **fields,
            "_id": key,
            "RequisitionHeaderId": 3_000 + count,
            "Requisition": number,
            "DocumentStatus": "INCOMPLETE",
        }
        self._store.documents.create(REQUISITIONS, key, made, number=number, reference=reference_of(fields))
        return replies.item(201, shown(REQUISITIONS, made, request), replies.etag(made))

    async def submit(self, request: web.Request, body: bytes) -> web.Response:
        """Submit a requisition; one that is managed elsewhere is approved at once."""

        def submit(fields: dict[str, Any]) -> dict[str, Any]:
            status = "APPROVED" if fields.get("ExternallyManagedFlag") else "PENDING APPROVAL"
            self._store.documents.change(REQUISITIONS, fields["_id"], {**fields, "DocumentStatus": status})
            return {"result": "SUCCESS"}

        return acted(self._store, request, body, REQUISITIONS, "submitRequisition", submit)

    async def check_funds(self, request: web.Request, body: bytes) -> web.Response:
        """Say whether the pod's budget covers a requisition."""

        def check(fields: dict[str, Any]) -> dict[str, Any]:
            lines = fields.get("lines", [])
            amount = sum(
                (Decimal(each.get("Quantity", 0)) * Decimal(each.get("Price", 0)) for each in lines),
                Decimal(0),
            )
            return {"result": "SUCCESS" if amount <= Decimal(self._store.settings.budget) else "FAILED"}

        return acted(self._store, request, body, REQUISITIONS, "checkFunds", check)
