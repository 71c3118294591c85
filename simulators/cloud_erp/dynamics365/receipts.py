"""A custom service that posts product receipts, as customers build where no entity posts: our own contract.

`POST /api/services/BridgeReceipts/Receipts/post` with `{"receipt": {...}}`. It posts whatever it is told,
every time: a receipt sent twice doubles the stock, and shows in ProductReceiptHeaders.
"""

from __future__ import annotations

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
    record = f"R{len(erp.documents.entries('ProductReceiptHeaders', 'created')) + 1:08d}"
    header = {
        "dataAreaId": company,
        "RecordId": record,
        "ProductReceiptNumber": number,
        "PurchaseOrderNumber": lines[0]["PurchaseOrderNumber"],
        "ProductReceiptDate": receipt.get("ProductReceiptDate"),
    }
    erp.documents.create(
        "ProductReceiptHeaders", f"{company}|{record}", header, number=record, reference=number
    )
    for at, line in enumerate(lines, start=1):
        own = f"{record}-{at}"
        fields = {"dataAreaId": company, "RecordId": own, "ProductReceiptNumber": number, **line}
        erp.documents.create("ProductReceiptLines", f"{company}|{own}", fields, number=own, reference=number)
    return web.Response(
        status=200, text=exact_json.write({"RecordId": record}), content_type="application/json"
    )


def _problems(erp: Dynamics365, company: str, line: dict[str, Any]) -> list[str]:
    number, at = line.get("PurchaseOrderNumber"), line.get("PurchaserOrderLineNumber")
    if erp.documents.get("PurchaseOrderLinesV2", f"{company}|{number}|{at}") is None:
        return [f"Line {at} of purchase order {number} does not exist."]
    return []
