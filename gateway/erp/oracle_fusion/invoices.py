"""An invoice in Oracle Payables. Its number is unique per supplier there, so a second is refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import AliasKind, Delivery, Finished
from canonical.document import OrderReference
from canonical.invoice import Invoice
from gateway.erp.connector.aliases import ErpOrder, erp_order
from gateway.erp.connector.comparing import differing, differing_lines
from gateway.erp.connector.series import Answer, Hit, LookUp, Series, Write
from gateway.erp.json_paths import text_at
from gateway.erp.oracle_fusion.invoice_bodies import invoice_body
from gateway.erp.oracle_fusion.resources import items, members
from gateway.erp.oracle_fusion.suppliers import supplier_name

if TYPE_CHECKING:
    from gateway.erp.oracle_fusion.connector import OracleFusion

INVOICES = "invoices"
COMPARED = ("InvoiceAmount", "InvoiceCurrency", "InvoiceDate", "InvoiceType")
COMPARED_IN_LINES = ("LineAmount", "PurchaseOrderNumber", "PurchaseOrderLineNumber")


def invoice(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Post an invoice, matched to the orders' lines. One that is there with the same content is ours."""
    document = delivery.document
    assert isinstance(document, Invoice)  # noqa: S101 - the kind says so
    supplier = yield from supplier_name(connector, delivery, document.remit_to or document.seller)
    orders = _orders(connector, delivery, document)
    rule = connector.settings.accounting_date
    body = connector.rendered(
        delivery, lambda r, d: invoice_body(document, orders, supplier, r, d, rule, delivery)
    )
    condition = {"InvoiceNumber": body["InvoiceNumber"], "Supplier": supplier}
    look_up = LookUp(
        connector.resources.query(INVOICES, condition, "invoiceLines"), lambda each: _hits(each, body)
    )
    create = connector.resources.create(INVOICES, lambda: body)
    created = yield Write("create", create, look_up, looks_first=True, is_unique=True)
    return Finished(text_at(created.fields, "InvoiceId"))


def _orders(connector: OracleFusion, delivery: Delivery, document: Invoice) -> list[ErpOrder | None]:
    """Give the ERP's order of each line; an invoice that names no order is posted by its accounts."""
    header = document.orders[0] if len(document.orders) == 1 else None
    references: list[OrderReference | None] = [line.order or header for line in document.lines]
    is_about_orders = any(each is not None for each in references) or any(
        alias.kind is AliasKind.ERP for alias in delivery.aliases
    )
    found: list[ErpOrder | None] = []
    for at, reference in enumerate(references):
        if reference is None and is_about_orders:
            text = "the line names no order, and the invoice names several"
            raise connector.place.stuck("ERP-ORDER-UNKNOWN", text, f"lines[{at}].order")
        found.append(erp_order(delivery, reference, connector.place) if reference is not None else None)
    return found


def _hits(answer: Answer, body: Mapping[str, Any]) -> Sequence[Hit] | str:
    found = members(answer)
    if found is None:
        return "the look-up's reply is no collection; expected `items`"
    ours = [each for each in found if text_at(each, "InvoiceNumber") == body["InvoiceNumber"]]
    if found and not ours:
        return f"the look-up for invoice {body['InvoiceNumber']} gave others: the ERP ignores the filter"
    return [Hit(text_at(each, "InvoiceId"), each, _differences(each, body)) for each in ours]


def _differences(found: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[str, ...]:
    paths = differing(body, found, COMPARED)
    lines = items(found.get("invoiceLines"))
    if lines is not None:
        paths += differing_lines(body["invoiceLines"], lines, "LineNumber", COMPARED_IN_LINES, "invoiceLines")
    return tuple(paths)
