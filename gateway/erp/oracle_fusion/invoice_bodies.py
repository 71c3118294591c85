"""Canonical invoices as Oracle's JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from adapters.base import Delivery
from canonical.invoice import Invoice, InvoiceLine
from canonical.values import AllowanceCharge
from gateway.erp.connector.aliases import ErpOrder
from gateway.erp.connector.rendering import Rendering, accounting_date, without_nothing
from gateway.erp.connector.settings import AccountingDate
from gateway.erp.oracle_fusion.order_bodies import ITEM_DESCRIPTION_MAX, day_of
from gateway.erp.oracle_fusion.settings import OracleDefaults


def invoice_body(
    invoice: Invoice,
    orders: Sequence[ErpOrder | None],
    supplier: str,
    rendering: Rendering,
    defaults: OracleDefaults,
    rule: AccountingDate,
    delivery: Delivery,
) -> dict[str, Any]:
    """Give an invoice; `orders` has the ERP's order of each line, None for a line without one."""
    totals = invoice.totals
    sign = -1 if invoice.debit_credit == "credit" else 1
    if totals is None or totals.gross is None:
        rendering.required(None, "the total", "totals.gross")
    gross = totals.gross if totals is not None and totals.gross is not None else Decimal(0)
    lines = [
        _invoice_line(at, line, order, sign, rendering)
        for at, (line, order) in enumerate(zip(invoice.lines, orders, strict=True))
    ]
    lines += _further_lines(invoice, sign, len(lines), rendering)
    if sum((each["LineAmount"] for each in lines), Decimal(0)) != sign * abs(gross):
        text = "lines, charges and taxes do not add up to the total; the ERP would hold the invoice"
        rendering.problem("ERP-TOTAL", f"{text}: enter it by hand and resolve this", "totals.gross")
    return without_nothing(
        {
            "InvoiceNumber": rendering.bounded(invoice.number, 50, "number"),
            "InvoiceCurrency": invoice.currency or defaults.currency,
            "InvoiceAmount": sign * abs(gross),
            "InvoiceDate": day_of(invoice.invoiced),
            "AccountingDate": accounting_date(rule, invoice.invoiced, delivery.accepted_at).isoformat(),
            "InvoiceType": "Credit memo" if sign < 0 else "Standard",
            "BusinessUnit": rendering.required(
                defaults.invoice_bu or defaults.procurement_bu, "invoice_bu", ""
            ),
            "Supplier": supplier,
            "SupplierSite": defaults.supplier_site,
            "invoiceLines": lines,
        }
    )


def _invoice_line(
    at: int, line: InvoiceLine, order: ErpOrder | None, sign: int, rendering: Rendering
) -> dict[str, Any]:
    path = f"lines[{at}]"
    amount = rendering.line_amount(line, path)
    number = order.line_number(line) if order is not None else None
    if order is not None and number is None:
        rendering.problem(
            "ERP-LINE-UNKNOWN", f"order {order.number} has no such line in the ERP", f"{path}.line_id"
        )
    return without_nothing(
        {
            "LineNumber": at + 1,
            "LineType": "Item",
            "LineAmount": sign * abs(amount),
            "Quantity": line.quantity.value if line.quantity is not None else None,
            "Description": (line.description or "")[:ITEM_DESCRIPTION_MAX],
            "PurchaseOrderNumber": order.number if order is not None else None,
            "PurchaseOrderLineNumber": int(number) if number and number.isdecimal() else None,
            "DistributionCombination": next(
                (account for each in line.distributions if (account := rendering.account(each))), None
            )
            if order is None
            else None,
        }
    )


def _further_lines(invoice: Invoice, sign: int, before: int, rendering: Rendering) -> list[dict[str, Any]]:
    """Give charges, allowances and taxes as lines of their own: those named, else the totals' sums."""
    charges = [
        *invoice.allowances_charges,
        *(each for line in invoice.lines for each in line.allowances_charges),
    ]
    taxes = [*invoice.taxes, *(each for line in invoice.lines for each in line.taxes)]
    amounts = [_charge(each, rendering) for each in charges if each.indicator in ("charge", "allowance")]
    totals = invoice.totals
    if not charges and totals is not None:
        amounts += [("Freight", totals.freight), ("Miscellaneous", totals.charges)]
        amounts += [("Miscellaneous", -totals.allowances if totals.allowances is not None else None)]
    tax = sum((each.amount for each in taxes if each.amount is not None), Decimal(0))
    amounts.append(("Tax", tax or (totals.tax if totals is not None else None)))
    given = [(kind, amount) for kind, amount in amounts if amount]
    return [
        {"LineNumber": before + number, "LineType": kind, "LineAmount": sign * amount}
        for number, (kind, amount) in enumerate(given, start=1)
    ]


def _charge(charge: AllowanceCharge, rendering: Rendering) -> tuple[str, Decimal | None]:
    if charge.amount is None:
        text = f"a {charge.indicator} has no amount; enter the invoice by hand and resolve this"
        rendering.problem("ERP-CHARGE", text, "allowances_charges")
        return "", None
    amount = abs(charge.amount) if charge.indicator == "charge" else -abs(charge.amount)
    return "Freight" if charge.kind == "freight" else "Miscellaneous", amount
