"""Goods receipts, as a customer posts them: by hand, by arrival journal, by a service of their own. Pure.

`ProductReceiptHeaders` shows what was posted and posts nothing. A strategy is a function from a receipt to a
series; another way of posting is one more function and its name in `STRATEGIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finished
from canonical.goods_receipt import GoodsReceipt
from gateway.erp.connector.comparing import differing
from gateway.erp.connector.references import reference_for
from gateway.erp.connector.rendering import Rendering, accounting_date, without_nothing
from gateway.erp.connector.series import Answer, Call, Hit, LookUp, Series, Write
from gateway.erp.dynamics365.addresses import (
    JOURNAL_LINES,
    JOURNALS,
    PRODUCT_RECEIPTS,
    created,
    found_by,
    rows,
)
from gateway.erp.dynamics365.changes import order_line_of
from gateway.erp.dynamics365.order_rendering import DIGITS, SCALE, midday
from gateway.erp.odata import v4

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

Line = Mapping[str, Any]
Strategy = Callable[["Dynamics365", Delivery, GoodsReceipt, Sequence[Line]], Series]
RECEIPT_LENGTH = 20


def receive(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Post a receipt by the declared strategy."""
    receipt = delivery.document
    assert isinstance(receipt, GoodsReceipt)  # noqa: S101 - the kind said so
    strategy = STRATEGIES[connector.settings.receipts.strategy]
    if receipt.kind != "receipt":
        raise connector.place.stuck("ERP-RECEIPT-KIND", _not_posted(receipt), "kind")
    return (yield from strategy(connector, delivery, receipt, render_lines(connector, delivery, receipt)))


def by_person(
    connector: Dynamics365, delivery: Delivery, receipt: GoodsReceipt, lines: Sequence[Line]
) -> Series:
    """Leave it to a person, with what is to be posted."""
    yield from ()
    text = (
        f"receipt {receipt.number} ({_counted(lines)}) waits to be posted by hand: no entity posts "
        "receipts, and receipts.strategy names no other way; post it, then resolve this"
    )
    raise connector.place.stuck("ERP-RECEIPT-BY-HAND", text, "number")


def by_journal(
    connector: Dynamics365, delivery: Delivery, receipt: GoodsReceipt, lines: Sequence[Line]
) -> Series:
    """Write an arrival journal, found by our reference in its description; the ERP's batch posts it."""
    settings = connector.settings
    company, reference = settings.of_route(delivery.route).company, reference_for(delivery, 26)
    header = {
        "dataAreaId": company,
        "JournalNameId": settings.receipts.journal_name,
        "Description": reference,
        "PackingSlipId": receipt.number,
    }
    query = found_by(JOURNALS, dataAreaId=company, Description=reference)
    made = yield Write(
        "journal",
        created(JOURNALS, header),
        LookUp(query, lambda answer: _hits(answer, header, ("PackingSlipId",), "JournalNumber")),
        looks_first=True,
    )
    number = str(made.fields["JournalNumber"])
    for at, line in enumerate(lines, start=1):
        fields = {
            "dataAreaId": company,
            "JournalNumber": number,
            "LineNumber": at,
            "PurchaseOrderNumber": line["PurchaseOrderNumber"],
            "PurchaseOrderLineNumber": line["PurchaseOrderLineNumber"],
            **without_nothing(
                {
                    "Quantity": line["ReceivedPurchaseQuantity"],
                    "UnitSymbol": line["PurchaseUnitSymbol"],
                    "ItemBatchNumber": line.get("ItemBatchNumber"),
                    "ItemBatchExpirationDate": line.get("ItemBatchExpirationDate"),
                    "TransactionDate": line.get("ProductReceiptDate"),
                }
            ),
        }
        line_query = found_by(JOURNAL_LINES, dataAreaId=company, JournalNumber=number, LineNumber=at)
        yield Write(
            f"journal_line:{at}",
            created(JOURNAL_LINES, fields),
            _look_up(line_query, fields, ("Quantity", "PurchaseOrderLineNumber")),
            is_unique=True,
        )
    return Finished(number)


def by_service(
    connector: Dynamics365, delivery: Delivery, receipt: GoodsReceipt, lines: Sequence[Line]
) -> Series:
    """Post at once by the customer's own service. A second call would double the stock: none is ever made."""
    settings = connector.settings
    company, number = settings.of_route(delivery.route).company, reference_for(delivery, RECEIPT_LENGTH)
    body = {
        "receipt": {
            "dataAreaId": company,
            "ProductReceiptNumber": number,
            "ProductReceiptDate": lines[0].get("ProductReceiptDate"),
            "PackingSlipId": receipt.number,
            "lines": [{k: v for k, v in each.items() if k != "ProductReceiptDate"} for each in lines],
        }
    }
    query = found_by(PRODUCT_RECEIPTS, dataAreaId=company, ProductReceiptNumber=number)
    headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    yield Write(
        "post",
        Call("POST", settings.receipts.service, lambda: v4.write(body), headers),
        _look_up(query, {}, ()),
        looks_first=True,
        is_movement=True,
    )
    return Finished(number)


def _not_posted(receipt: GoodsReceipt) -> str:
    """Say why what is no receipt is a person's, and what there is to do."""
    named = " and ".join(dict.fromkeys(each.number for each in receipt.orders if each.number)) or "its order"
    match receipt.kind:
        case "return":
            do = f"enter it there as a returned order or a credit of {named}, with the vendor's RMA number"
        case "correction" | "reversal":
            do = f"correct or cancel the posted product receipt of {named} there"
        case _:
            do = f"see whether it changes anything of {named} there"
    return (
        f"{receipt.kind} {receipt.number} ({_counted(receipt.lines)}): no entity there posts it; "
        f"{do}, then resolve this with --done-elsewhere NUMBER --why TEXT (the number that it has there)"
    )


def _counted(lines: Sequence[object]) -> str:
    return "1 line" if len(lines) == 1 else f"{len(lines)} lines"


STRATEGIES: Mapping[str, Strategy] = {
    "person": by_person,
    "arrival_journal": by_journal,
    "custom_service": by_service,
}


def render_lines(connector: Dynamics365, delivery: Delivery, receipt: GoodsReceipt) -> Sequence[Line]:
    """Write a receipt's lines in Dynamics' words. Errors: StuckError."""
    settings = connector.settings
    rendering = Rendering(settings.codes, connector.place)
    posted = accounting_date(
        settings.accounting_date, receipt.received or receipt.posted, delivery.accepted_at
    )
    lines: list[Line] = []
    for place, line in enumerate(receipt.lines):
        path = f"lines[{place}]"
        order, number = order_line_of(connector, delivery, rendering, receipt, place)
        if len(line.lots) > 1:
            text = "the line has several lots; Dynamics takes one a line: split it in the route's mapping"
            rendering.problem("ERP-LOTS", text, f"{path}.lots")
        lot = line.lots[0] if line.lots else None
        lines.append(
            without_nothing(
                {
                    "PurchaseOrderNumber": order,
                    "PurchaseOrderLineNumber": number,
                    "ReceivedPurchaseQuantity": rendering.quantity(line, path, DIGITS, SCALE),
                    "PurchaseUnitSymbol": rendering.unit(line, path),
                    "ItemBatchNumber": lot.lot if lot is not None else None,
                    "ItemBatchExpirationDate": midday(lot.expires) if lot is not None else None,
                    "ProductReceiptDate": midday(posted),
                }
            )
        )
    if not lines:
        rendering.problem("ERP-MISSING", "the receipt has no lines", "lines")
    rendering.finish()
    return lines


def _look_up(query: Call, fields: Line, names: Sequence[str]) -> LookUp:
    return LookUp(query, lambda answer: _hits(answer, fields, names, "RecordId"))


def _hits(answer: Answer, fields: Line, names: Sequence[str], number: str) -> Sequence[Hit] | str:
    found = rows(answer.fields)
    if found is None:
        return "the answer holds no list"
    return [Hit(str(each.get(number, "")), each, tuple(differing(fields, each, names))) for each in found]
