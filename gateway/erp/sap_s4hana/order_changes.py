"""What a change of an order does to SAP's items: which are changed, added, taken out. Pure.

Only what differs from the order as it stands is sent. Several schedule lines of an item are not guessed
at: which of them a new quantity or day means is the buyer's to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from canonical.order_change import OrderChange, OrderChangeLine
from gateway.erp.connector.aliases import ErpOrder
from gateway.erp.connector.comparing import differing, is_same
from gateway.erp.connector.line_changes import CHANGING
from gateway.erp.connector.rendering import Rendering
from gateway.erp.odata.batch import Operation
from gateway.erp.odata.bodies import json_of
from gateway.erp.sap_s4hana.order_body import QUANTITY, OrderBody
from gateway.erp.sap_s4hana.orders_there import received
from gateway.erp.sap_s4hana.services import (
    etag_of,
    item_change,
    items_of,
    new_item,
    schedule_change,
    schedules_of,
    without_zeros,
)
from gateway.erp.sap_s4hana.settings import SapDefaults, SapSettings

DELETED = {"PurchasingDocumentDeletionCode": "L"}
COMPLETE = {"IsCompletelyDelivered": True}

Order = Mapping[str, Any]
Item = Mapping[str, Any]


class OrderChanges:
    """Plans the changes of one document on an order as it stands."""

    def __init__(
        self,
        document: OrderChange,
        known: ErpOrder,
        rendering: Rendering,
        settings: SapSettings,
        defaults: SapDefaults,
    ) -> None:
        self._document = document
        self._known = known
        self._rendering = rendering
        self._body = OrderBody(rendering, settings, defaults)

    def operations(self, order: Order, etag: str, first: Order | None = None) -> tuple[Operation, ...]:
        """Give what is to be sent, in the order of the document's lines; nothing where all is done.

        `first` is the order as it was read first, by which added lines got their numbers: one that has come
        to be there since is ours, of an attempt that we never heard of, and is not added again.
        """
        numbers = {line.sequence: name for line, name in added(self._document, first or order)}
        found: list[Operation] = []
        for at, line in enumerate(self._document.lines):
            found += self._line(line, f"lines[{at}]", order, etag, numbers)
        return tuple(found)

    def _line(
        self, line: OrderChangeLine, path: str, order: Order, etag: str, numbers: Mapping[int, str]
    ) -> list[Operation]:
        if line.action == "no_change":
            return []
        if line.action == "add":
            currency = str(order.get("DocumentCurrency") or self._body.currency(self._document))
            fields = self._body.item(line, path, self._document, currency, numbers[line.sequence])
            return [] if _is_there(fields, order) else [new_item(self._known.number, fields, etag)]
        item = self._item(line, path, order)
        if item is None:
            return []
        if line.action == "delete":
            return items_out(order, [item], etag)
        if line.action not in CHANGING:
            text = f"what '{line.action}' changes is not plain; change the order by hand, then resolve this"
            self._rendering.problem("ERP-CHANGE", text, f"{path}.action")
            return []
        return self._change(line, path, order, item, etag)

    def _item(self, line: OrderChangeLine, path: str, order: Order) -> Item | None:
        number = self._known.line_number(line)
        wanted = without_zeros(number)
        found = [each for each in items_of(order) if without_zeros(each.get("PurchaseOrderItem")) == wanted]
        if number is None or not found:
            text = f"line '{line.line_id or ''}' is none of order {self._known.number}'s"
            self._rendering.problem("ERP-LINE-UNKNOWN", f"{text}; change it by hand, then resolve this", path)
            return None
        return found[0]

    def _change(
        self, line: OrderChangeLine, path: str, order: Order, item: Item, etag: str
    ) -> list[Operation]:
        name, unit = str(item["PurchaseOrderItem"]), str(item.get("PurchaseOrderQuantityUnit") or "")
        schedules = schedules_of(item)
        fields: dict[str, Any] = {}
        if line.quantity is not None:
            self._same_unit(line, path, unit)
            fields["OrderQuantity"] = self._rendering.quantity(line, path, *QUANTITY)
        if line.price is not None:
            currency = str(order.get("DocumentCurrency") or "")
            fields |= self._body.price(line, path, currency, str(item.get("OrderPriceUnit") or unit))
        days = {each.requested.date for each in line.schedules if each.requested is not None}
        days |= {line.requested.date} if line.requested is not None else set()
        has_new_quantity = "OrderQuantity" in fields and not is_same(
            fields["OrderQuantity"], item.get("OrderQuantity")
        )
        if len(days) > 1 or len(line.schedules) > 1 or (len(schedules) > 1 and (days or has_new_quantity)):
            text = "the line has several schedules; which of them changes is not plain: change it by hand"
            self._rendering.problem("ERP-SCHEDULES", f"{text}, then resolve this", f"{path}.schedules")
            return []
        changed = {key: each for key, each in fields.items() if not is_same(each, item.get(key, ""))}
        number = self._known.number
        found = [item_change(number, name, changed, etag_of(item, etag))] if changed else []
        if days and schedules:
            day = {"ScheduleLineDeliveryDate": days.pop()}
            if (
                str(schedules[0].get("ScheduleLineDeliveryDate"))
                != day["ScheduleLineDeliveryDate"].isoformat()
            ):
                schedule = str(schedules[0]["ScheduleLine"])
                found.append(schedule_change(number, name, schedule, day, etag_of(schedules[0], etag)))
        return found

    def _same_unit(self, line: OrderChangeLine, path: str, unit: str) -> None:
        if (
            line.quantity is not None
            and line.quantity.unit is not None
            and self._body.unit(line, path) != unit
        ):
            text = f"the change is in {line.quantity.unit}, the order's line in {unit}"
            self._rendering.problem("ERP-UNIT", f"{text}; change it by hand", f"{path}.quantity.unit")


def added(document: OrderChange, order: Order) -> list[tuple[OrderChangeLine, str]]:
    """Give the lines that a change adds, each with the next free item number, by tens."""
    used = [
        int(number) for each in items_of(order) if (number := str(each.get("PurchaseOrderItem"))).isdecimal()
    ]
    first = (max(used, default=0) // 10 + 1) * 10
    new = [line for line in document.lines if line.action == "add"]
    return [(line, str(first + 10 * at)) for at, line in enumerate(new)]


def _is_there(fields: Item, order: Order) -> bool:
    """Tell whether an order holds an item that was to be added: by number, what it is, and how much."""
    names = ("Material", "SupplierMaterialNumber", "OrderQuantity", "PurchaseOrderQuantityUnit")
    wanted = without_zeros(fields["PurchaseOrderItem"])
    return any(
        without_zeros(each.get("PurchaseOrderItem")) == wanted and not differing(fields, each, names)
        for each in items_of(order)
    )


def items_out(order: Order, items: Sequence[Item], etag: str) -> list[Operation]:
    """Give what cancels items that are not cancelled yet; SAP keeps them, with a deletion code.

    SAP deletes no item of which goods came: its delivery is called complete, and nothing more is awaited.
    """
    number = str(order.get("PurchaseOrder"))
    found: list[Operation] = []
    for each in items:
        fields: Mapping[str, Any] = COMPLETE if came_of(each) > 0 else DELETED
        if not each.get("PurchasingDocumentDeletionCode") and any(not each.get(name) for name in fields):
            found.append(item_change(number, str(each["PurchaseOrderItem"]), fields, etag_of(each, etag)))
    return found


def came_of(item: Item) -> Decimal:
    """Give what came of an item; zero where SAP does not show it, and refuses what must not be deleted."""
    try:
        return received(item)
    except ValueError:
        return Decimal(0)


_ITEM_KEY = re.compile(r"PurchaseOrderItem='(\d+)'")


def is_done(order: Order, operations: Sequence[Operation]) -> bool:
    """Tell whether an order shows all that operations were to do."""
    items = {without_zeros(each.get("PurchaseOrderItem")): each for each in items_of(order)}
    return all(_shows(items, each) for each in operations)


def _shows(items: Mapping[str, Item], operation: Operation) -> bool:
    fields = json_of(operation.body)
    if operation.method == "POST":
        item = items.get(without_zeros(fields["PurchaseOrderItem"]))
        return item is not None and is_same(fields["OrderQuantity"], item.get("OrderQuantity"))
    key = _ITEM_KEY.search(unquote(operation.address))
    item = items.get(without_zeros(key[1])) if key is not None else None
    if item is None:
        return False
    shown = schedules_of(item)[:1] if operation.address.startswith("PurchaseOrderScheduleLine") else [item]
    return bool(shown) and all(is_same(each, shown[0].get(name, "")) for name, each in fields.items())
