"""Supplier invoices (810) as pending vendor invoices: the header, then its lines against the order's. Pure.

`HeaderReference` is ours, so the ERP refuses a second header. The look-up goes by vendor and invoice number,
which also finds an invoice that somebody has typed in: then a person compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finished
from canonical.invoice import Invoice, InvoiceLine
from canonical.values import AllowanceCharge
from gateway.erp.connector.comparing import differing
from gateway.erp.connector.references import reference_for
from gateway.erp.connector.rendering import Rendering, accounting_date, without_nothing
from gateway.erp.connector.series import Answer, Hit, LookUp, Series, Write
from gateway.erp.dynamics365.addresses import INVOICE_LINES, INVOICES, created, found_by, rows
from gateway.erp.dynamics365.changes import order_line_of, order_of
from gateway.erp.dynamics365.order_rendering import DIGITS, SCALE, midday

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

_HEADER_COMPARED = ("HeaderReference", "InvoiceNumber", "InvoiceAccount", "Currency", "PurchaseOrderNumber")
_LINE_COMPARED = ("PurchaseOrder", "PurchLineNumber", "ReceiveNow", "UnitPrice", "NetAmount")


def create_invoice(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Create a pending invoice."""
    invoice = delivery.document
    assert isinstance(invoice, Invoice)  # noqa: S101 - the kind said so
    header, lines = render_invoice(connector, delivery, invoice)
    company, account = header["dataAreaId"], str(header["InvoiceAccount"])
    number, reference = str(header["InvoiceNumber"]), str(header["HeaderReference"])
    query = found_by(INVOICES, dataAreaId=company, InvoiceAccount=account, InvoiceNumber=number)
    yield Write(
        "invoice",
        created(INVOICES, header),
        LookUp(query, lambda answer: _hits(answer, header, _HEADER_COMPARED)),
        looks_first=True,
        is_unique=True,
    )
    for at, line in enumerate(lines, start=1):
        fields = {"dataAreaId": company, "HeaderReference": reference, "InvoiceLineNumber": at, **line}
        line_query = found_by(
            INVOICE_LINES, dataAreaId=company, HeaderReference=reference, InvoiceLineNumber=at
        )
        look_up = _line_look_up(line_query, fields)
        yield Write(f"invoice_line:{at}", created(INVOICE_LINES, fields), look_up, is_unique=True)
    return Finished(number)


def render_invoice(
    connector: Dynamics365, delivery: Delivery, invoice: Invoice
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """Write an invoice in Dynamics' words. Errors: StuckError with everything that cannot be said there."""
    settings = connector.settings
    rendering = Rendering(settings.codes, connector.place)
    orders = [order_of(delivery, each, connector, "orders") for each in invoice.orders]
    payee = invoice.remit_to or invoice.seller
    account = rendering.supplier(invoice.seller or invoice.remit_to, "seller")
    posted = accounting_date(settings.accounting_date, invoice.invoiced, delivery.accepted_at)
    numbers = list(dict.fromkeys(each.number for each in orders))
    header = without_nothing(
        {
            "dataAreaId": settings.of_route(delivery.route).company,
            "HeaderReference": reference_for(delivery, 26),
            "InvoiceNumber": rendering.bounded(invoice.number, 20, "number"),
            "InvoiceAccount": rendering.bounded(
                rendering.supplier(payee, "remit_to") or account, 20, "remit_to"
            ),
            "VendorAccount": rendering.bounded(account, 20, "seller"),
            "InvoiceDate": midday(invoice.invoiced),
            "Date": midday(posted),
            "DueDate": midday(invoice.due),
            "Currency": invoice.currency,
            "PurchaseOrderNumber": numbers[0] if len(numbers) == 1 else None,
            "CreditCorrection": "Yes" if invoice.debit_credit == "credit" else None,
        }
    )
    sign = -1 if invoice.debit_credit == "credit" else 1
    lines = [
        _line(connector, delivery, rendering, invoice, at, each, sign)
        for at, each in enumerate(invoice.lines)
    ]
    lines += [
        _charge(connector, rendering, at, each, sign) for at, each in enumerate(invoice.allowances_charges)
    ]
    if not lines:
        rendering.problem("ERP-MISSING", "the invoice has no lines", "lines")
    rendering.finish()
    return header, lines


def _line(
    connector: Dynamics365,
    delivery: Delivery,
    rendering: Rendering,
    invoice: Invoice,
    place: int,
    line: InvoiceLine,
    sign: int,
) -> dict[str, object]:
    path = f"lines[{place}]"
    order, number = order_line_of(connector, delivery, rendering, invoice, place)
    quantity = rendering.quantity(line, path, DIGITS, SCALE)
    price = rendering.price(line, path)
    return without_nothing(
        {
            "PurchaseOrder": order,
            "PurchLineNumber": number,
            "ReceiveNow": sign * quantity,
            "Unit": rendering.unit(line, path),
            "UnitPrice": rendering.number(price[0], DIGITS, SCALE, f"{path}.price") if price else None,
            "PriceUnit": rendering.number(price[1], DIGITS, SCALE, f"{path}.price") if price else None,
            "NetAmount": sign * line.amount if line.amount is not None else None,
        }
    )


def _charge(
    connector: Dynamics365, rendering: Rendering, place: int, charge: AllowanceCharge, sign: int
) -> dict[str, object]:
    """Write a charge as a line on a declared account; left out, the invoice's total would be wrong."""
    path = f"allowances_charges[{place}]"
    account = connector.settings.charge_accounts.get(charge.kind)
    if account is None or charge.amount is None:
        text = (
            f"the invoice has a {charge.indicator} of kind '{charge.kind}', and no charge_accounts names it"
        )
        rendering.problem("ERP-CHARGE", f"{text}; add one, or enter the invoice by hand", path)
        return {}
    amount = sign * charge.amount * (-1 if charge.indicator == "allowance" else 1)
    return {
        "LineDescription": charge.description or charge.kind,
        "ReceiveNow": Decimal(1).copy_sign(amount),
        "UnitPrice": abs(amount),
        "NetAmount": amount,
        "MainAccountDisplayValue": account,
    }


def _line_look_up(query: Any, fields: Mapping[str, Any]) -> LookUp:
    return LookUp(query, lambda answer: _hits(answer, fields, _LINE_COMPARED))


def _hits(answer: Answer, fields: Mapping[str, Any], names: Sequence[str]) -> Sequence[Hit] | str:
    found = rows(answer.fields)
    if found is None:
        return "the answer holds no list"
    return [
        Hit(str(each.get("HeaderReference", "")), each, tuple(differing(fields, each, names)))
        for each in found
    ]
