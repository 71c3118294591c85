"""What a pod's schedules show of an order's progress, and what closing does to it. Pure.

Source: Procurement REST guide: Purchase Order Schedules, and the action `close` of Purchase Orders. A close
rolls down to lines and schedules; quantities stay as ordered. What is finally closed takes no invoice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from simulators.cloud_erp.oracle_fusion.replies import Detail

CLOSE_ACTIONS = {
    "closeForReceiving": "CLOSED FOR RECEIVING",
    "closeForInvoicing": "CLOSED FOR INVOICING",
    "close": "CLOSED",
    "finallyClose": "FINALLY CLOSED",
}
CLOSED = frozenset({"CLOSED", "FINALLY CLOSED", "CANCELED"})
OPEN = frozenset({"OPEN", "CLOSED FOR RECEIVING", "CLOSED FOR INVOICING"})


class ActionRefusedError(Exception):
    """An action that the order's state does not allow."""

    def __init__(self, detail: Detail) -> None:
        super().__init__(detail.text)
        self.detail = detail


def closed(
    order: dict[str, Any], parameters: dict[str, Any], changes: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Give an order as the action leaves it; `changes`: its drafts. Errors: ActionRefusedError."""
    unknown = set(parameters) - {"closeAction", "closeReason"}
    status = CLOSE_ACTIONS.get(str(parameters.get("closeAction")))
    if unknown or status is None:
        text = f"closeAction is one of {', '.join(CLOSE_ACTIONS)}."
        raise ActionRefusedError(Detail(text, "27511", "/parameters"))
    if changes:
        raise ActionRefusedError(Detail("A change order is pending for this document.", "PO-5012"))
    if order["StatusCode"] not in OPEN:
        text = "You can't perform this action: the status of the document doesn't allow it."
        raise ActionRefusedError(Detail(text, "PO-5010"))
    return {
        **order,
        "StatusCode": status,
        "Status": status.capitalize(),
        "ClosedReason": str(parameters.get("closeReason") or ""),
    }


def schedule_rows(
    order: dict[str, Any], receipts: Sequence[dict[str, Any]], invoices: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Give an order's schedules as a resource of their own; `receipts` are those that were processed."""
    for line in order["lines"]:
        received = _received(order, line, receipts)
        invoiced = _invoiced(order, line, invoices)
        schedules = line.get("schedules") or [{"ScheduleNumber": 1, "Quantity": line.get("Quantity", 0)}]
        for schedule in schedules:
            quantity = Decimal(schedule.get("Quantity", line.get("Quantity", 0)))
            is_last = schedule is schedules[-1]
            here, billed = (
                (received, invoiced) if is_last else (min(received, quantity), min(invoiced, quantity))
            )
            received, invoiced = received - here, invoiced - billed
            yield {
                "_id": f"{order['_id']}-{line['LineNumber']}-{schedule.get('ScheduleNumber', 1)}",
                "OrderNumber": order["OrderNumber"],
                "POHeaderId": order["POHeaderId"],
                "LineNumber": line["LineNumber"],
                "ScheduleNumber": schedule.get("ScheduleNumber", 1),
                "ScheduleStatusCode": "CANCELED" if line.get("CancelFlag") else order["StatusCode"],
                "Quantity": quantity,
                "ReceivedQuantity": here or None,  # nothing received is null, not 0
                "InvoicedQuantity": billed or None,
                "UOM": line.get("UOM"),
            }


def _received(order: dict[str, Any], line: dict[str, Any], receipts: Sequence[dict[str, Any]]) -> Decimal:
    return sum(
        (
            Decimal(each.get("Quantity", 0))
            for receipt in receipts
            for each in receipt["lines"]
            if (each.get("DocumentNumber"), each.get("DocumentLineNumber"))
            == (order["OrderNumber"], line["LineNumber"])
        ),
        Decimal(0),
    )


def _invoiced(order: dict[str, Any], line: dict[str, Any], invoices: Sequence[dict[str, Any]]) -> Decimal:
    return sum(
        (
            Decimal(each.get("Quantity", 0)).copy_sign(Decimal(each["LineAmount"]))
            for invoice in invoices
            for each in invoice.get("invoiceLines", [])
            if (each.get("PurchaseOrderNumber"), each.get("PurchaseOrderLineNumber"))
            == (order["OrderNumber"], line["LineNumber"])
        ),
        Decimal(0),
    )
