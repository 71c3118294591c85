"""A custom service that posts product receipts, as customers build where no entity posts: our own contract.

`POST /api/services/BridgeReceipts/Receipts/post` with `{"receipt": {...}}`. It posts whatever it is told,
every time: a receipt sent twice doubles the stock, and shows in ProductReceiptHeaders. People post without
it: `post_by_person` does what their client does.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.cloud_erp.base import exact_json
from simulators.cloud_erp.dynamics365.answers import error, infolog

if TYPE_CHECKING:
    from simulators.cloud_erp.dynamics365.erp import Dynamics365

SERVICE = "BridgeReceipts/Receipts/post"
_TABLE = "VendPackingSlipJour"


def post_receipt(erp: Dynamics365, service: str, body: bytes) -> web.Response:
    """Post a receipt, or say why not."""
    if service != SERVICE or not erp.tenant.posts_receipts:
        return error(404, f"No service was found under '{service}'.")
    try:
        receipt = exact_json.read(body)["receipt"]
        company, number, lines = receipt["dataAreaId"], receipt["ProductReceiptNumber"], receipt["lines"]
    except (ValueError, KeyError, TypeError) as problem:
        return error(400, f"The request is invalid. {problem}")
    problems = [problem for line in lines for problem in _problems(erp, company, line)]
    if problems:
        return infolog(_TABLE, problems)
    record = _post(erp, company, number, lines, receipt.get("ProductReceiptDate"))
    return web.Response(
        status=200, text=exact_json.write({"RecordId": record}), content_type="application/json"
    )


def post_by_person(
    erp: Dynamics365, order: str, quantities: Mapping[int, Decimal | int], number: str = "PACK-1"
) -> None:
    """Post a receipt of an order as somebody at the dock does; by line number. Errors: ValueError."""
    company = erp.tenant.company
    lines: list[dict[str, Any]] = [
        {"PurchaseOrderNumber": order, "PurchaseOrderLineNumber": line, "ReceivedPurchaseQuantity": quantity}
        for line, quantity in quantities.items()
    ]
    if problems := [problem for line in lines for problem in _problems(erp, company, line)]:
        raise ValueError("; ".join(problems))
    _post(erp, company, number, lines, None)


def _post(
    erp: Dynamics365, company: str, number: str, lines: list[dict[str, Any]], posted_on: str | None
) -> str:
    record = f"R{len(erp.documents.entries('ProductReceiptHeaders', 'created')) + 1:08d}"
    header = {
        "dataAreaId": company,
        "RecordId": record,
        "ProductReceiptNumber": number,
        "PurchaseOrderNumber": lines[0]["PurchaseOrderNumber"],
        "ProductReceiptDate": posted_on,
    }
    erp.documents.create(
        "ProductReceiptHeaders", f"{company}|{record}", header, number=record, reference=number
    )
    for at, line in enumerate(lines, start=1):
        own = f"{record}-{at}"
        fields = {"dataAreaId": company, "RecordId": own, "ProductReceiptNumber": number, **line}
        erp.documents.create("ProductReceiptLines", f"{company}|{own}", fields, number=own, reference=number)
    for order in dict.fromkeys(line["PurchaseOrderNumber"] for line in lines):
        erp.rules.settle(company, order)
    return record


def _problems(erp: Dynamics365, company: str, line: dict[str, Any]) -> list[str]:
    number, at = line.get("PurchaseOrderNumber"), line.get("PurchaseOrderLineNumber")
    held = erp.documents.get("PurchaseOrderLinesV2", f"{company}|{number}|{at}")
    if held is None:
        return [f"Line {at} of purchase order {number} does not exist."]
    if held.get("IsLineStopped") == "Yes":
        return [f"Line {at} of purchase order {number} is stopped."]
    return []
