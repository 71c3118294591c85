"""A supplier's invoice, posted against order items, once. Pure.

SAP's own check for an invoice that was entered already depends on its set-up, so it is looked up first: by
the supplier's invoice number and the invoicing party. A hit with other amounts is another invoice's, and a
person's affair. An invoice with a line that belongs to no item of a known order is not split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finished
from canonical.invoice import Invoice, InvoiceLine
from gateway.erp.connector.comparing import differing
from gateway.erp.connector.rendering import Rendering, accounting_date, without_nothing
from gateway.erp.connector.series import Answer, Hit, LookUp, Series, Write
from gateway.erp.odata.literals import Version, equals
from gateway.erp.sap_s4hana.order_body import QUANTITY
from gateway.erp.sap_s4hana.order_items import OrderItem, order_item
from gateway.erp.sap_s4hana.services import INVOICES, found_by, v2_entity, v2_rows, without_zeros
from gateway.erp.sap_s4hana.settings import SapDefaults
from gateway.erp.sap_s4hana.suppliers import check_supplier

if TYPE_CHECKING:
    from gateway.erp.sap_s4hana.connector import SapS4Hana

SET = "A_SupplierInvoice"
REFERENCE = "SupplierInvoiceIDByInvcgParty"
AMOUNT = (14, 3)
COMPARED = ("CompanyCode", "DocumentCurrency", "InvoiceGrossAmount", "SupplierInvoiceIsCreditMemo")


_UNKNOWN_LINE = "an invoice is not split: enter it in SAP, then resolve this"


def invoice(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Post an invoice, once."""
    document = delivery.document
    assert isinstance(document, Invoice)  # noqa: S101 - the kind says so
    items = [
        order_item(connector, delivery, document, at, _UNKNOWN_LINE) for at in range(len(document.lines))
    ]
    posting = accounting_date(connector.settings.accounting_date, document.invoiced, delivery.accepted_at)
    body = connector.rendered(delivery, lambda r, d: _body(document, items, r, d) | {"PostingDate": posting})
    party = str(body["InvoicingParty"])
    yield from check_supplier(connector, party, "PostingIsBlocked")
    condition = equals(REFERENCE, str(body[REFERENCE]), Version.V2)
    look_up = LookUp(
        connector.services.v2_found(INVOICES, SET, condition, top=100), lambda answer: _hits(answer, body)
    )
    call = connector.services.v2_create(INVOICES, SET, lambda: body)
    created = yield Write("post_invoice", call, look_up, looks_first=True)
    notes = connector.notes(delivery, created, Version.V2)
    return Finished(_number(v2_entity(created.fields)), notes=notes)


def _body(
    document: Invoice, items: Sequence[OrderItem], rendering: Rendering, defaults: SapDefaults
) -> dict[str, Any]:
    currency = rendering.required(document.currency or defaults.currency, "the currency", "currency")
    totals = document.totals
    gross = totals.gross if totals is not None else None
    if gross is None:
        rendering.required(None, "the invoice's gross amount", "totals.gross")
    party = (
        document.remit_to
        if document.remit_to is not None and document.remit_to.identifiers
        else document.seller
    )
    rows = [
        _row(line, at, item, currency, rendering, defaults)
        for at, (line, item) in enumerate(zip(document.lines, items, strict=True))
    ]
    if not rows:
        rendering.problem("ERP-MISSING", "the invoice has no lines", "lines")
    is_credit = document.debit_credit == "credit" or document.invoice_type == "credit_memo"
    fields = {
        "CompanyCode": rendering.required(defaults.company_code, "company_code", ""),
        "DocumentDate": document.invoiced.date if document.invoiced is not None else None,
        REFERENCE: rendering.bounded(document.number, 16, "number"),
        "InvoicingParty": rendering.bounded(rendering.supplier(party, "seller"), 10, "seller"),
        "DocumentCurrency": currency,
        "InvoiceGrossAmount": rendering.number(abs(gross or Decimal(0)), *AMOUNT, "totals.gross"),
        "UnplannedDeliveryCost": _charges(document, rendering),
        "TaxIsCalculatedAutomatically": True,
        "SupplierInvoiceIsCreditMemo": "X" if is_credit else None,
        "to_SuplrInvcItemPurOrdRef": rows,
    }
    if document.invoiced is None:
        rendering.required(None, "the invoice date", "invoiced")
    return without_nothing(fields)


def _charges(document: Invoice, rendering: Rendering) -> Decimal | None:
    """Give what comes on top of the lines, taxes apart: SAP has one field for it, and none for less."""
    named = [each for each in document.allowances_charges if each.amount is not None]
    signs = {"allowance": -1, "charge": 1}
    amounts = [(each.amount or Decimal(0)) * signs.get(each.indicator, 0) for each in named]
    freight = document.totals.freight if document.totals is not None else None
    total = sum(amounts, Decimal(0)) if amounts else freight
    if total is not None and total < 0:
        text = "the invoice's allowances are more than its charges; SAP's fields cannot say so"
        rendering.problem(
            "ERP-ALLOWANCE", f"{text}: post it by hand, then resolve this", "allowances_charges"
        )
        return None
    return rendering.number(total, *AMOUNT, "allowances_charges") if total else None


def _row(
    line: InvoiceLine, at: int, item: OrderItem, currency: str, rendering: Rendering, defaults: SapDefaults
) -> dict[str, Any]:
    path = f"lines[{at}]"
    quantity = rendering.quantity(line, path, *QUANTITY)
    fields = {
        "SupplierInvoiceItem": f"{at + 1:06d}",
        "PurchaseOrder": item[0],
        "PurchaseOrderItem": item[1],
        "DocumentCurrency": currency,
        "SupplierInvoiceItemAmount": _amount(line, path, rendering),
        "QuantityInPurchaseOrderUnit": abs(quantity),
        "PurchaseOrderQuantityUnit": rendering.bounded(
            rendering.unit(line, path), 3, f"{path}.quantity.unit"
        ),
        "TaxCode": defaults.tax_code,
    }
    return without_nothing(fields)


def _amount(line: InvoiceLine, path: str, rendering: Rendering) -> Decimal:
    """Give a line's net amount: as sent, or quantity times price where that is exact."""
    if line.amount is not None:
        return rendering.number(abs(line.amount), *AMOUNT, f"{path}.amount")
    price, quantity = line.price, line.quantity
    if price is None or quantity is None:
        rendering.required(None, "the line's amount", f"{path}.amount")
        return Decimal(0)
    with localcontext() as context:
        context.prec = 80
        base = price.base_quantity or Decimal(1)
        amount = abs(quantity.value) * price.amount / base
        if amount * base != abs(quantity.value) * price.amount:
            rendering.problem("ERP-DIGITS", "quantity times price is not exact; the amount is needed", path)
    return rendering.number(amount, *AMOUNT, f"{path}.amount")


def _hits(answer: Answer, body: Mapping[str, Any]) -> Sequence[Hit] | str:
    same = found_by(v2_rows(answer.fields), REFERENCE, str(body[REFERENCE]))
    if isinstance(same, str):
        return same
    # Suppliers number their invoices alike; a hit is only one of the same party.
    party = without_zeros(body["InvoicingParty"])
    ours = [each for each in same if without_zeros(each.get("InvoicingParty")) == party]
    return [Hit(_number(each), {"d": each}, tuple(differing(body, each, COMPARED))) for each in ours]


def _number(entity: Mapping[str, Any]) -> str:
    """Give an invoice's number with its year: SAP's numbers begin anew each year."""
    number, year = str(entity.get("SupplierInvoice") or ""), str(entity.get("FiscalYear") or "")
    return f"{number}/{year}" if number and year else number
