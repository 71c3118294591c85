"""Receiving requests: taken into the interface first, processed or refused line by line later."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aiohttp import web

from simulators.cloud_erp.oracle_fusion import replies
from simulators.cloud_erp.oracle_fusion.requests import taken
from simulators.cloud_erp.oracle_fusion.resources import RECEIPTS, shown
from simulators.cloud_erp.oracle_fusion.schedules import CLOSED
from simulators.cloud_erp.oracle_fusion.store import Store


class Receipts:
    """The receiving requests of one pod."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, request: web.Request, body: bytes) -> web.Response:
        """Take a receipt into the interface; its errors show once it is processed."""
        fields, problem = taken(request, body, RECEIPTS)
        if fields is None:
            return problem
        number = str(700_000 + self._store.documents.created(RECEIPTS) + 1)
        lines = [
            {
                **line,
                "InterfaceTransactionId": int(number) * 100 + at,
                "processingErrors": self._line_errors(line),
            }
            for at, line in enumerate(fields.get("lines", []), start=1)
        ]
        made = {**fields, "_id": number, "HeaderInterfaceId": int(number), "lines": lines}
        self._store.documents.create(
            RECEIPTS, number, made, number=number, reference=str(fields.get("ShipmentNumber", ""))
        )
        self._store.put_in_interface(number)
        return replies.item(201, shown(RECEIPTS, {**made, "ProcessingStatusCode": "PENDING"}, request), "1")

    def _line_errors(self, line: dict[str, Any]) -> list[dict[str, Any]]:
        order = next(
            (each for each in self._store.open_orders() if each["OrderNumber"] == line.get("DocumentNumber")),
            None,
        )
        if order is None:
            return [_processing_error("RCV_INVALID_PO", "The purchase order isn't valid.", "DocumentNumber")]
        ordered = next(
            (each for each in order["lines"] if each["LineNumber"] == line.get("DocumentLineNumber")), None
        )
        if ordered is None:
            return [
                _processing_error("RCV_INVALID_LINE", "The order line isn't valid.", "DocumentLineNumber")
            ]
        if order["StatusCode"] in CLOSED or order["StatusCode"] == "CLOSED FOR RECEIVING":
            text = "The purchase order is closed for receiving."
            return [_processing_error("RCV_PO_CLOSED", text, "DocumentNumber")]
        if Decimal(line.get("Quantity", 0)) > Decimal(ordered.get("Quantity", 0)):
            return [
                _processing_error("RCV_OVER_TOLERANCE", "The quantity exceeds the tolerance.", "Quantity")
            ]
        return []


def _processing_error(name: str, text: str, column: str) -> dict[str, Any]:
    return {"ErrorMessageName": name, "ErrorMessage": text, "ColumnName": column}
