"""A goods receipt in Oracle: a row of the receiving interface, taken at once and processed later. Pure.

A 201 says only that the row is there. Failures appear afterwards as `processingErrors` of its lines, and
stay until the row is corrected or deleted in Oracle. Goods are never posted twice by guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.base import Delivery, Finding, Finished
from canonical.document import OrderReference
from canonical.goods_receipt import GoodsReceipt
from gateway.erp.connector.aliases import ErpOrder, erp_order
from gateway.erp.connector.references import reference_for
from gateway.erp.connector.series import Answer, Hit, LookUp, Poll, Series, StuckError, Write
from gateway.erp.json_paths import text_at
from gateway.erp.oracle_fusion.receipt_bodies import receipt_body
from gateway.erp.oracle_fusion.resources import children, members, own_path

if TYPE_CHECKING:
    from gateway.erp.oracle_fusion.connector import OracleFusion

RECEIPTS = "receivingReceiptRequests"
CHILDREN = "lines,lines.processingErrors"
PROCESSED = frozenset({"SUCCESS", "COMPLETED", "ERROR"})


def receipt(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Post a receipt and wait until Oracle has processed it."""
    document = delivery.document
    assert isinstance(document, GoodsReceipt)  # noqa: S101 - the kind says so
    if document.kind != "receipt":
        text = f"a {document.kind} takes goods back; post it in the ERP by hand, then resolve this"
        raise connector.place.stuck("ERP-KIND", text, "kind")
    settings, resources = connector.settings, connector.resources
    orders = _orders(connector, delivery, document)
    reference = reference_for(delivery, 26)
    rule = settings.accounting_date
    body = connector.rendered(
        delivery, lambda r, d: receipt_body(document, reference, orders, r, d, rule, delivery)
    )
    look_up = LookUp(
        resources.query(RECEIPTS, {"ShipmentNumber": reference}, CHILDREN),
        lambda each: _hits(each, reference),
    )
    create = resources.create(RECEIPTS, lambda: body)
    created = yield Write("create", create, look_up, looks_first=True, is_movement=True)
    number = text_at(created.fields, "HeaderInterfaceId")
    path = own_path(created.fields, RECEIPTS) or f"{RECEIPTS}/{number}"
    state = yield Poll(
        "state",
        resources.get(path, CHILDREN),
        _is_processed,
        settings.receipt_waits_s,
        "the ERP has taken the receipt and has not processed it yet",
    )
    findings = _errors(connector, state, number)
    if findings:
        raise StuckError(*findings)
    if not _is_processed(state):
        text = f"receipt {number} still waits in the ERP's receiving interface; look there, then retry this"
        raise connector.place.stuck("ERP-RECEIPT-PENDING", text)
    return Finished(text_at(state.fields, "ReceiptNumber") or number)


def _orders(connector: OracleFusion, delivery: Delivery, document: GoodsReceipt) -> list[ErpOrder]:
    """Give the ERP's order of each line: the line's own, or the one that the receipt names."""
    header = document.orders[0] if len(document.orders) == 1 else None
    found: list[ErpOrder] = []
    for at, line in enumerate(document.lines):
        reference: OrderReference | None = line.order or header
        if reference is None:
            text = "the line names no order, and the receipt names several or none"
            raise connector.place.stuck("ERP-ORDER-UNKNOWN", text, f"lines[{at}].order")
        found.append(erp_order(delivery, reference, connector.place))
    return found


def _hits(answer: Answer, reference: str) -> Sequence[Hit] | str:
    found = members(answer)
    if found is None:
        return "the look-up's reply is no collection; expected `items`"
    ours = [each for each in found if text_at(each, "ShipmentNumber") == reference]
    if found and not ours:
        return f"the look-up for {reference} gave others' receipts: the ERP ignores the filter"
    return [Hit(text_at(each, "HeaderInterfaceId"), each) for each in ours]


def _is_processed(answer: Answer) -> bool:
    return text_at(answer.fields, "ProcessingStatusCode") in PROCESSED


def _errors(connector: OracleFusion, state: Answer, number: str) -> list[Finding]:
    """Give what processing refused, line by line; the row stays in the interface until someone acts."""
    findings: list[Finding] = []
    for at, line in enumerate(children(state.fields, "lines")):
        for error in children(line, "processingErrors"):
            column = text_at(error, "ColumnName")
            text = text_at(error, "ErrorMessage") or "processing failed without a message"
            findings.append(
                connector.place.finding(
                    "ERP-RECEIPT-REFUSED",
                    f"{text}; correct or delete interface row {number} in the ERP, then retry this",
                    field=f"/lines/{at}/{column}",
                    erp_code=text_at(error, "ErrorMessageName"),
                )
            )
    return findings
