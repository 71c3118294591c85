"""An order as SAP shows it: what is ordered, received and invoiced, and which items are closed. Pure.

What came of an item is what its schedule lines no longer have open. Assumed: SAP takes only receipts off
`OpenPurchaseOrderQuantity`, also once the delivery was called complete. Invoices are not part of the order:
they are asked for by themselves, and without them an order says nothing of what was invoiced.
Source: service metadata of API_PURCHASEORDER_2 (PurchaseOrderScheduleLine, PurchaseOrderItem).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.base import Effect, Finding, NoReply, Reply, Request
from adapters.base.orders import LineThere, OrderAt, OrderThere, not_read
from canonical.registry import DocumentError
from gateway.erp.connector.engine import reply_fields
from gateway.erp.odata.bodies import decimal_or_none
from gateway.erp.sap_s4hana.services import Services, items_of, schedules_of, without_zeros

ZERO = Decimal(0)

Item = Mapping[str, Any]
Invoiced = Mapping[str, Decimal]  # by item number, without zeros in front


def reading(services: Services, order: OrderAt, timeout_s: float) -> Request:
    """Give the request that reads an order as it stands."""
    call = services.order(order.number)
    return Request("read_order", Effect.READ, call.method, call.address, b"", call.headers, timeout_s)


def order_in(name: str, units: Mapping[str, str], reply: Reply | NoReply) -> OrderThere | Finding | None:
    """Say what a reply to it shows; None where it says that there is no such order."""
    if isinstance(reply, NoReply):
        return not_read(name, reply.reason)
    if reply.status == 404:
        return None
    if reply.status != 200:
        return not_read(name, f"status {reply.status}")
    try:
        fields = reply_fields(reply.body)
    except DocumentError as error:
        return not_read(name, str(error))
    return order_of(name, units, fields)


def order_of(
    name: str, units: Mapping[str, str], fields: Any, invoiced: Invoiced | None = None
) -> OrderThere | Finding:
    """Read an order with its items and their schedule lines. `units`: our units to SAP's.

    An order that lacks what is asked for is never taken for one of which nothing came.
    """
    items = items_of(fields) if isinstance(fields, Mapping) else []
    if not items or not fields.get("PurchaseOrder"):
        return not_read(name, "the answer shows no order with its items")
    try:
        lines = tuple(_line(each, units, invoiced) for each in items)
    except ValueError as error:
        return not_read(name, str(error))
    state = "closed" if all(is_closed(each) for each in items) else "open"
    return OrderThere(str(fields["PurchaseOrder"]), state, lines, lines_named="there")  # type: ignore[arg-type]


def is_closed(item: Item) -> bool:
    """Tell whether nothing more is expected of an item: its delivery is complete, or it is deleted."""
    return item.get("IsCompletelyDelivered") is True or bool(item.get("PurchasingDocumentDeletionCode"))


def received(item: Item) -> Decimal:
    """Give what came of an item. Errors: ValueError where its schedule lines do not show it."""
    name, schedules = item["PurchaseOrderItem"], schedules_of(item)
    if not schedules:
        raise ValueError(f"item {name} shows no schedule lines")
    total = ZERO
    for each in schedules:
        ordered = decimal_or_none(each.get("ScheduleLineOrderQuantity"))
        still_open = decimal_or_none(each.get("OpenPurchaseOrderQuantity"))
        if ordered is None or still_open is None:
            text = f"item {name} does not show ScheduleLineOrderQuantity and OpenPurchaseOrderQuantity"
            raise ValueError(f"{text}; `legacy-bridge erp check` compares the fields in use")
        total += ordered - still_open
    return total


def _line(item: Item, units: Mapping[str, str], invoiced: Invoiced | None) -> LineThere:
    name = str(item["PurchaseOrderItem"])
    ordered = decimal_or_none(item.get("OrderQuantity"))
    if ordered is None:
        raise ValueError(f"item {name} shows no OrderQuantity")
    came = received(item)
    billed = invoiced.get(without_zeros(name), ZERO) if invoiced is not None else None
    # A closed item commits to nothing but what came; SAP leaves its quantity as it was ordered.
    committed = max(came, billed or ZERO) if is_closed(item) else ordered
    unit = _unit(str(item.get("PurchaseOrderQuantityUnit") or ""), units)
    return LineThere(name, committed, unit, _price(item), came, billed)


def _price(item: Item) -> Decimal | None:
    """Give the price of one unit, None where it cannot be written exactly."""
    amount, per = decimal_or_none(item.get("NetPriceAmount")), decimal_or_none(item.get("NetPriceQuantity"))
    if amount is None or not per:
        return None
    price = amount / per
    return price if price * per == amount else None


def _unit(theirs: str, units: Mapping[str, str]) -> str:
    """Give our word for a unit of SAP's; "" where it is several's."""
    ours = [name for name, code in units.items() if code == theirs]
    return theirs if not ours else ours[0] if len(ours) == 1 else ""
