"""Invoice lines stand below the orders that they are about; a mapping reads them as one list."""

from __future__ import annotations

from typing import Any

from adapters.mapping import Record

ORDER = "@orderID"


def flattened(request: Record) -> Record:
    """Give an InvoiceDetailRequest with all its lines in one list, each with its order's number."""
    lines: list[Any] = []
    for group in request.get("InvoiceDetailOrder", []):
        info = group.get("InvoiceDetailOrderInfo") or {}
        order = (info.get("OrderReference") or info.get("OrderIDInfo") or {}).get(ORDER)
        for line in group.get("InvoiceDetailItem", []):
            lines.append({**line, ORDER: order} if order else line)
    rest = {name: value for name, value in request.items() if name != "InvoiceDetailOrder"}
    return {**rest, "Lines": lines}


def grouped(request: Record) -> Record:
    """Give a mapped invoice with its lines below their orders again, in the order of first mention."""
    orders: dict[str, list[Any]] = {}
    for line in request.pop("Lines", []):
        orders.setdefault(line.pop(ORDER, ""), []).append(line)
    request["InvoiceDetailOrder"] = [
        {
            "InvoiceDetailOrderInfo": {
                "OrderReference": {ORDER: order, "DocumentReference": {"@payloadID": ""}}
            },
            "InvoiceDetailItem": lines,
        }
        for order, lines in orders.items()
    ]
    return request
