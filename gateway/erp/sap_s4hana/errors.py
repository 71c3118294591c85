"""What SAP's error bodies say, V2 and V4, in the form that all connectors share. Pure.

The details count: the outer code is often generic. Source of the shapes: SAP Help, "Exception handling"
(OData V2 `innererror.errordetails`), OData JSON Format 4.01 section 21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.erp.connector.errors import ErpError, ErrorClass
from gateway.erp.odata.messages import Message, Problem, Severity, problem_of

# By message class and number. Texts in SAP's own message classes: F5 accounting, ME and 06 purchasing, M3
# material master, M7 goods movement.
CLASSES: Mapping[str, ErrorClass] = {
    "F5/201": ErrorClass.CLOSED_PERIOD,  # posting period is not open
    "F5/286": ErrorClass.CLOSED_PERIOD,
    "M7/053": ErrorClass.CLOSED_PERIOD,  # posting only possible in periods ...
    "F5/117": ErrorClass.DUPLICATE,  # check whether the invoice was entered already
    "M8/462": ErrorClass.DUPLICATE,
    "ME/006": ErrorClass.LOCKED,  # a user is processing the document
    "06/006": ErrorClass.LOCKED,
    "M3/024": ErrorClass.LOCKED,  # valuation data locked
    "M3/897": ErrorClass.LOCKED,  # plant data locked
    "M3/682": ErrorClass.LOCKED,
}
_SEPARATOR = re.compile(r"[\s/_-]+")
_ITEM_BY_PLACE = re.compile(r"(?:_PurchaseOrderItem|to_\w+)\((\d+)\)")
_ITEM_BY_KEY = re.compile(r"(?:PurchaseOrderItem|PurchaseRequisitionItem)='0*(\d+)'")

_LINE_FIELDS = {
    "OrderQuantity": "quantity",
    "RequestedQuantity": "quantity",
    "QuantityInEntryUnit": "quantity",
    "QuantityInPurchaseOrderUnit": "quantity",
    "ScheduleLineOrderQuantity": "quantity",
    "PurchaseOrderQuantityUnit": "quantity.unit",
    "BaseUnit": "quantity.unit",
    "EntryUnit": "quantity.unit",
    "NetPriceAmount": "price",
    "PurchaseRequisitionPrice": "price",
    "NetPriceQuantity": "price.base_quantity",
    "OrderPriceUnit": "price.base_unit",
    "Material": "item_ids",
    "SupplierMaterialNumber": "item_ids",
    "InternationalArticleNumber": "item_ids",
    "PurchaseOrderItemText": "description",
    "PurchaseRequisitionItemText": "description",
    "ScheduleLineDeliveryDate": "requested",
    "DeliveryDate": "requested",
    "Plant": "ship_to",
    "GLAccount": "distributions",
    "CostCenter": "distributions",
    "SupplierInvoiceItemAmount": "amount",
    "PurchaseOrderItem": "line_id",
    "Batch": "lots",
}
_FIELDS = {
    "Supplier": "seller",
    "InvoicingParty": "seller",
    "DocumentCurrency": "currency",
    "CorrespncInternalReference": "number",
    "SupplierInvoiceIDByInvcgParty": "number",
    "InvoiceGrossAmount": "totals.gross",
    "PostingDate": "invoiced",
    "DocumentDate": "invoiced",
    "PaymentTerms": "payment_terms",
    "PurchaseOrderDate": "order_date",
}


def sap_errors(body: bytes) -> Sequence[ErpError]:
    """Read an error body; nothing for one that is none. SAP's transaction id goes into the first text."""
    problem = problem_of(body)
    if problem is None:
        return ()
    found = [_error(each) for each in (*problem.errors, *_remarks(problem))]
    if problem.transaction_id and found:
        first = found[0]
        text = f"{first.text} (SAP transaction {problem.transaction_id})"
        found[0] = ErpError(first.code, text, first.path, first.kind)
    return found


def kind_of_code(code: str) -> ErrorClass:
    """Give a message's class, however its class and number are joined (`F5/201`, `F5 201`)."""
    return CLASSES.get("/".join(_SEPARATOR.split(code.strip())), ErrorClass.REFUSED)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message points: a field, in a row by its place (from 1) or its item number, or in the head."""

    field: str
    place: int | None = None
    item: str | None = None


def target_of(field: str) -> Target:
    """Read a target of SAP's: `_PurchaseOrderItem(2)/Plant`, or `.../PurchaseOrderItem='20')/Plant`."""
    name = field[max(field.rfind("/"), field.rfind(".")) + 1 :].partition("(")[0]
    place = _ITEM_BY_PLACE.search(field) if "(" in field else None
    key = _ITEM_BY_KEY.search(field) if "'" in field else None
    return Target(name, int(place[1]) if place is not None else None, key[1] if key is not None else None)


def canonical_field(name: str, at: int | None) -> str | None:
    """Give the canonical path of one of SAP's fields: in the line at `at` (from 0), or in the head."""
    if at is None:
        return _FIELDS.get(name)
    return f"lines[{at}].{_LINE_FIELDS[name]}" if name in _LINE_FIELDS else f"lines[{at}]"


def _error(message: Message) -> ErpError:
    kind = ErrorClass.NOTE if message.severity is not Severity.ERROR else kind_of_code(message.code)
    return ErpError(message.code, message.text, message.target, kind)


def _remarks(problem: Problem) -> list[Message]:
    return [each for each in problem.details if each.severity is Severity.WARNING]
