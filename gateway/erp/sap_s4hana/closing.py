"""Closing an order in SAP that another system owns now: deliveries called complete, and read back. Pure.

Items are not deleted: a deletion is a cancellation, which SAP may send to the supplier, who keeps the order.
An item whose delivery is complete awaits no goods and binds no budget. What was received and not invoiced
yet stays open to its invoice; any other item is finally invoiced, too. All of it is one changeset under the
order's ETag. Fields: `IsCompletelyDelivered`, `IsFinallyInvoiced` of PurchaseOrderItem (API_PURCHASEORDER_2).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finding
from adapters.base.orders import OrderThere
from gateway.erp.connector.closing import (
    CLOSE,
    closed_as_counted,
    closing_change,
    not_closed,
    order_to_close,
    require_counted,
)
from gateway.erp.connector.series import Answer, Poll, Read, Series
from gateway.erp.odata.batch import Operation
from gateway.erp.odata.bodies import decimal_or_none
from gateway.erp.odata.literals import Version, equals
from gateway.erp.sap_s4hana.orders import Order, changed_order
from gateway.erp.sap_s4hana.orders_there import ZERO, Invoiced, is_closed, order_of, received
from gateway.erp.sap_s4hana.services import (
    INVOICES,
    etag_of,
    item_change,
    items_of,
    v2_rows,
    without_zeros,
)

if TYPE_CHECKING:
    from gateway.erp.sap_s4hana.connector import SapS4Hana

INVOICE_ITEMS = "A_SuplrInvcItemPurOrdRef"
INVOICE_ITEMS_MAX = 1_000  # of one order; an order with more of them is a person's affair
READ_BACK_WAITS_S = (2.0, 10.0, 60.0)


def closing(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Close an order and read it back; one that is closed already is only read."""
    change = closing_change(delivery)
    order = order_to_close(delivery, change, connector.place)
    number = order.number
    invoiced = _invoiced(connector, delivery, number, (yield Read("invoiced", _invoices(connector, number))))

    def shown(fields: Any) -> OrderThere:
        found = order_of(connector.name, connector.settings.codes.units, fields, invoiced)
        if isinstance(found, Finding):
            raise not_closed(connector.place, delivery, number, found.text)
        return found

    def plan(current: Order, etag: str) -> tuple[Operation, ...]:
        require_counted(connector.place, delivery, change, order, shown(current))
        return _completed(current, etag, invoiced)

    yield from changed_order(connector, delivery, number, plan, CLOSE)
    back = yield Poll(
        "read_back",
        connector.services.order(number),
        _shows_closed,
        READ_BACK_WAITS_S,
        "closed; SAP does not show it so yet",
    )
    why = "SAP took the close, and still shows it open"
    return closed_as_counted(connector.place, delivery, change, order, shown(back.fields), why)


def _completed(order: Order, etag: str, invoiced: Invoiced) -> tuple[Operation, ...]:
    """Give what closes the items that are open; nothing for an order that is closed."""
    number = str(order.get("PurchaseOrder"))
    found = []
    for item in items_of(order):
        if is_closed(item):
            continue
        name = str(item["PurchaseOrderItem"])
        fields = {"IsCompletelyDelivered": True}
        if received(item) <= invoiced.get(without_zeros(name), ZERO):
            fields["IsFinallyInvoiced"] = True
        found.append(item_change(number, name, fields, etag_of(item, etag)))
    return tuple(found)


def _shows_closed(answer: Answer) -> bool:
    items = items_of(answer.fields) if isinstance(answer.fields, Mapping) else []
    return bool(items) and all(is_closed(each) for each in items)


# -- what was invoiced ---------------------------------------------------------------------------------


def _invoices(connector: SapS4Hana, number: str) -> Any:
    condition = equals("PurchaseOrder", number, Version.V2)
    return connector.services.v2_found(INVOICES, INVOICE_ITEMS, condition, top=INVOICE_ITEMS_MAX)


def _invoiced(connector: SapS4Hana, delivery: Delivery, number: str, answer: Answer) -> Invoiced:
    """Add up what was invoiced of each item. A credit memo counts, too: it asks a person to look.

    Errors: StuckError where it cannot be told.
    """
    rows = v2_rows(answer.fields)
    if rows is None or len(rows) >= INVOICE_ITEMS_MAX:
        why = "what was invoiced of it cannot be told: the answer is no collection, or too long a one"
        raise not_closed(connector.place, delivery, number, why)
    total: dict[str, Decimal] = {}
    for row in rows:
        if without_zeros(row.get("PurchaseOrder")) != without_zeros(number):
            why = "what was invoiced of it cannot be told: SAP ignores the filter by PurchaseOrder"
            raise not_closed(connector.place, delivery, number, why)
        quantity = decimal_or_none(row.get("QuantityInPurchaseOrderUnit"))
        if quantity is None:
            why = "an invoice of it shows no QuantityInPurchaseOrderUnit"
            raise not_closed(connector.place, delivery, number, why)
        name = without_zeros(row.get("PurchaseOrderItem"))
        total[name] = total.get(name, ZERO) + quantity
    return total
