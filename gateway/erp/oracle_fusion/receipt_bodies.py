"""Canonical receipts as Oracle's JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.base import Delivery
from canonical.goods_receipt import GoodsReceipt, GoodsReceiptLine
from gateway.erp.connector.aliases import ErpOrder
from gateway.erp.connector.rendering import Rendering, accounting_date, without_nothing
from gateway.erp.connector.settings import AccountingDate
from gateway.erp.oracle_fusion.settings import OracleDefaults


def receipt_body(
    receipt: GoodsReceipt,
    reference: str,
    orders: Sequence[ErpOrder],
    rendering: Rendering,
    defaults: OracleDefaults,
    rule: AccountingDate,
    delivery: Delivery,
) -> dict[str, Any]:
    """Give a receipt; `orders` has the ERP's order of each line, in the lines' order."""
    day = accounting_date(rule, receipt.posted or receipt.received, delivery.accepted_at)
    head = without_nothing(
        {
            "ReceiptSourceCode": defaults.receipt_source,
            "ASNType": "STD",
            "OrganizationCode": rendering.required(defaults.receipt_organization, "receipt_organization", ""),
            "VendorName": rendering.supplier(receipt.seller, "seller"),
            "EmployeeId": defaults.employee_id,
            "ShipmentNumber": reference,
            "PackingSlip": receipt.shipment_number,
        }
    )
    lines = [
        _receipt_line(at, line, order, rendering, defaults, day.isoformat())
        for at, (line, order) in enumerate(zip(receipt.lines, orders, strict=True))
    ]
    return {**head, "lines": lines}


def _receipt_line(
    at: int, line: GoodsReceiptLine, order: ErpOrder, rendering: Rendering, defaults: OracleDefaults, day: str
) -> dict[str, Any]:
    path = f"lines[{at}]"
    number = order.line_number(line)
    if number is None:
        rendering.problem(
            "ERP-LINE-UNKNOWN", f"order {order.number} has no such line in the ERP", f"{path}.line_id"
        )
    counted = line.accepted or line.quantity
    quantity = counted.value if counted is not None else rendering.quantity(line, path)
    return without_nothing(
        {
            "TransactionType": "RECEIVE",
            "AutoTransactCode": defaults.auto_transact,
            "TransactionDate": day,
            "SourceDocumentCode": "PO",
            "DocumentNumber": order.number,
            "DocumentLineNumber": int(number) if number and number.isdecimal() else None,
            "ItemNumber": rendering.item(line),
            "Quantity": quantity,
            "UnitOfMeasure": rendering.unit(line, path),
            "lotItemLots": [
                without_nothing(
                    {
                        "LotNumber": lot.lot,
                        "TransactionQuantity": lot.quantity.value if lot.quantity is not None else quantity,
                        "LotExpirationDate": lot.expires.isoformat() if lot.expires is not None else None,
                    }
                )
                for lot in line.lots
                if lot.lot
            ],
        }
    )
