"""API_PURCHASEORDER_2 as OData V4: deep insert, reads with expansion, changes under `If-Match`. No network.

Changes need the ETag of the order: without one they are answered 428, with an old one 412. Deleting an
item sets its deletion code, as SAP does, unless goods came; the order itself stays. Assumed: what a schedule
line has open is what was not received of it, also where the item's delivery was called complete.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from simulators.cloud_erp.sap_s4hana import orders
from simulators.cloud_erp.sap_s4hana.orders import ACCOUNTS, ITEMS, SCHEDULES
from simulators.cloud_erp.sap_s4hana.schema import Problem, entities, read, shown
from simulators.cloud_erp.sap_s4hana.store import Document, Unit
from simulators.cloud_erp.sap_s4hana.tenant import Tenant
from simulators.cloud_erp.sap_s4hana.wire import (
    ODataError,
    Operation,
    Result,
    counted,
    keys_of,
    matches,
    reference_asked,
    write,
)
from simulators.cloud_erp.sap_s4hana.wire import read as read_json

KIND = "purchase_order"
ROOT = "/sap/opu/odata4/sap/api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001"
JSON = "application/json;odata.metadata=minimal"
CHILDREN = {"PurchaseOrderScheduleLine": SCHEDULES, "PurOrdAccountAssignment": ACCOUNTS}
CHILD_KEYS = {SCHEDULES: "ScheduleLine", ACCOUNTS: "AccountAssignmentNumber"}


class OrderService:
    """The service of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def answer(self, operation: Operation, unit: Unit, today: date) -> Result:
        """Do one operation. Errors: ODataError."""
        first, *more = re.split(r"/(?=(?:[^']*'[^']*')*[^']*$)", operation.path)
        name, keys = keys_of(first)
        match operation.method, name, more:
            case "POST", "PurchaseOrder", [] if not keys:
                return self._create(operation, unit, today)
            case "POST", "PurchaseOrder", ["_PurchaseOrderItem"]:
                return self._add_item(operation, unit, keys)
            case "GET", "PurchaseOrder", [] if not keys:
                return self._list(operation, unit)
            case "GET", _, []:
                return self._show(operation, unit, name, keys)
            case "GET", "PurchaseOrder", ["_PurchaseOrderItem"]:
                order = _found(unit, keys)
                came = unit.store.received(order.number)
                rows = [self._shown_item(order, each, came) for each in order.values[ITEMS]]
                return Result(200, write({"@odata.context": "$metadata", "value": rows}), _headers())
            case "PATCH" | "DELETE", _, []:
                return self._change(operation, unit, name, keys)
        raise ODataError(
            405, Problem("/IWFND/CM_CONSUMER/100", f"{operation.method} is not allowed here", "")
        )

    # -- writes ------------------------------------------------------------------------------------

    def _create(self, operation: Operation, unit: Unit, today: date) -> Result:
        entity = entities()["v4 PurchaseOrder"]
        values, problems = read(entity, read_json(operation.body))
        problems = problems or orders.order_problems(self._tenant, values, today)
        if problems:
            raise ODataError(400, *problems)
        number = unit.next_number(KIND)
        values = orders.numbered(self._tenant, number, values)
        values.setdefault("PurchaseOrderDate", today)
        warnings = orders.order_warnings(values, today)
        if self._tenant.warns:
            warnings.append(Problem("06/402", "Overall release of the order still possible", ""))
        document = unit.create(KIND, number, str(values.get("CorrespncInternalReference") or ""), values)
        body = self._shown(unit, document, True) | {"SAP__Messages": [_message(each) for each in warnings]}
        return Result(201, write(body), _headers(document))

    def _add_item(self, operation: Operation, unit: Unit, keys: Mapping[str, str]) -> Result:
        order = self._matched(operation, unit, keys)
        entity = entities()["v4 PurchaseOrderItem"]
        item, problems = read(entity, read_json(operation.body), order.values.get("DocumentCurrency", ""))
        problems = problems or orders.item_problems(self._tenant, item, "")
        taken = {each["PurchaseOrderItem"].lstrip("0") for each in order.values[ITEMS]}
        if str(item.get("PurchaseOrderItem") or "").lstrip("0") in taken - {""}:
            problems.append(Problem("06/214", "The item exists already", "PurchaseOrderItem"))
        if problems:
            raise ODataError(400, *problems)
        at = len(order.values[ITEMS]) + 1
        stored = orders.numbered_item(self._tenant, order.number, item, at)
        values = {**order.values, ITEMS: [*order.values[ITEMS], stored]}
        unit.change(order, values)
        return Result(201, write(self._shown_item(order, stored, {})), _headers(order))

    def _change(self, operation: Operation, unit: Unit, name: str, keys: Mapping[str, str]) -> Result:
        order = self._matched(operation, unit, keys)
        entity = entities().get(f"v4 {name}")
        if entity is None:
            raise ODataError(404, Problem("/IWBEP/CM_MGC/404", f"Resource {name} not found", ""))
        change: dict[str, Any] = {"PurchasingDocumentDeletionCode": "L"}
        if operation.method == "PATCH":
            change, problems = read(
                entity, read_json(operation.body), order.values.get("DocumentCurrency", "")
            )
            problems += [
                Problem("/IWBEP/CM_MGC/133", f"Key field '{key}' cannot be changed", key)
                for key in change
                if entity.fields[key].is_key or entity.fields[key].kind == "many"
            ]
            if problems:
                raise ODataError(400, *problems)
        elif name == "PurchaseOrder":
            raise ODataError(405, Problem("/IWBEP/CM_MGC/405", "The order cannot be deleted as a whole", ""))
        values = _changed(order.values, name, keys, change)
        self._check_changed(values)
        _check_deleted(order.values, values, unit.store.received(order.number))
        unit.change(order, values)
        return Result(204)

    def _check_changed(self, values: Mapping[str, Any]) -> None:
        """SAP moves the one schedule line along with the item's quantity; among several it does not guess."""
        problems: list[Problem] = []
        for at, item in enumerate(values[ITEMS], start=1):
            schedules = item[SCHEDULES]
            if len(schedules) == 1:
                schedules[0]["ScheduleLineOrderQuantity"] = item["OrderQuantity"]
            if not item["PurchasingDocumentDeletionCode"]:
                problems += orders.item_problems(self._tenant, item, f"{ITEMS}({at})/")
        if problems:
            raise ODataError(400, *problems)

    def _matched(self, operation: Operation, unit: Unit, keys: Mapping[str, str]) -> Document:
        order = _found(unit, keys)
        etag = operation.headers.get("if-match")
        if etag is None:
            raise ODataError(428, Problem("/IWBEP/CM_MGC/428", "A precondition (If-Match) is required", ""))
        if etag not in ("*", order.etag):
            raise ODataError(412, Problem("/IWBEP/CM_MGC/412", "The order was changed meanwhile", ""))
        return order

    # -- reads -------------------------------------------------------------------------------------

    def _list(self, operation: Operation, unit: Unit) -> Result:
        condition = "" if self._tenant.ignores_filter else operation.query.get("$filter", "")
        skip = counted(operation, "$skiptoken", counted(operation, "$skip", 0))
        reference = reference_asked(condition, "CorrespncInternalReference")
        known = unit.store.visible(KIND, reference)
        found = [each for each in known if matches(condition, each.values)]
        top = min(counted(operation, "$top", self._tenant.page_size), self._tenant.page_size)
        deep = "$expand" in operation.query
        rows = [self._shown(unit, each, deep) for each in found[skip : skip + top]]
        body: dict[str, Any] = {"@odata.context": "$metadata#PurchaseOrder", "value": rows}
        if "$top" not in operation.query and len(found) > skip + top:
            body["@odata.nextLink"] = f"PurchaseOrder?$skiptoken={skip + top}"
        return Result(200, write(body), _headers())

    def _show(self, operation: Operation, unit: Unit, name: str, keys: Mapping[str, str]) -> Result:
        order = _found(unit, keys)
        if name == "PurchaseOrder":
            body = self._shown(unit, order, "$expand" in operation.query)
            return Result(200, write({"@odata.context": "$metadata"} | body), _headers(order))
        item = _item(order.values, keys)
        if name != "PurchaseOrderItem" or item is None:
            raise ODataError(404, Problem("/IWBEP/CM_MGC/404", "Resource not found", ""))
        came = unit.store.received(order.number) if "$expand" in operation.query else None
        body = self._shown_item(order, item, came)
        return Result(200, write({"@odata.context": "$metadata"} | body), _headers(order))

    def _shown(self, unit: Unit, document: Document, deep: bool) -> dict[str, Any]:
        values = {name: each for name, each in document.values.items() if not isinstance(each, list)}
        fields = {"@odata.etag": document.etag} | shown(entities()["v4 PurchaseOrder"], values)
        if not deep:
            return fields
        came = unit.store.received(document.number)
        # One ETag for the order and its parts.
        items = [self._shown_item(document, each, came) for each in document.values[ITEMS]]
        return fields | {ITEMS: items}

    def _shown_item(
        self, order: Document, item: Mapping[str, Any], came: Mapping[str, Decimal] | None
    ) -> dict[str, Any]:
        """Show an item, with its parts where `came` tells what came of the order's items."""
        values = {name: each for name, each in item.items() if not isinstance(each, list)}
        if came is not None:
            values[ACCOUNTS] = item[ACCOUNTS]
            own = came.get(str(item["PurchaseOrderItem"]).lstrip("0"), Decimal(0))
            values[SCHEDULES] = _with_open(item[SCHEDULES], own)
        return {"@odata.etag": order.etag} | shown(entities()["v4 PurchaseOrderItem"], values)


def _with_open(schedules: list[dict[str, Any]], came: Decimal) -> list[dict[str, Any]]:
    """Give schedule lines with what each has open: what came is taken off the earliest first."""
    found = []
    for each in schedules:
        ordered = each.get("ScheduleLineOrderQuantity") or Decimal(0)
        taken = min(ordered, came) if each is not schedules[-1] else came
        came -= taken
        found.append({**each, "OpenPurchaseOrderQuantity": ordered - taken})
    return found


def _check_deleted(before: Mapping[str, Any], after: Mapping[str, Any], came: Mapping[str, Decimal]) -> None:
    """Refuse to delete an item of which goods came, as SAP does."""
    for at, (was, item) in enumerate(zip(before[ITEMS], after[ITEMS], strict=True), start=1):
        is_new = item["PurchasingDocumentDeletionCode"] and not was["PurchasingDocumentDeletionCode"]
        if is_new and came.get(item["PurchaseOrderItem"].lstrip("0")):
            text = "Goods receipt exists for the item: it cannot be deleted"
            raise ODataError(400, Problem("06/115", text, f"{ITEMS}({at})/PurchasingDocumentDeletionCode"))


def _found(unit: Unit, keys: Mapping[str, str]) -> Document:
    number = keys.get("PurchaseOrder") or keys.get("", "")
    order = unit.get(KIND, number)
    if order is None:
        raise ODataError(404, Problem("06/019", f"Purchase order {number} does not exist", ""))
    return order


def _item(values: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any] | None:
    wanted = keys.get("PurchaseOrderItem", "").lstrip("0")
    return next((each for each in values[ITEMS] if each["PurchaseOrderItem"].lstrip("0") == wanted), None)


def _changed(
    values: Mapping[str, Any], name: str, keys: Mapping[str, str], change: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the order with one entity changed; what was there stays untouched."""
    if name == "PurchaseOrder":
        return {**values, **change, ITEMS: [_copied(each) for each in values[ITEMS]]}
    wanted = _item(values, keys)
    if wanted is None:
        raise ODataError(404, Problem("06/020", "The order item does not exist", ""))
    items = [
        _changed_item(each, name, keys, change) if each is wanted else _copied(each) for each in values[ITEMS]
    ]
    return {**values, ITEMS: items}


def _changed_item(
    item: Mapping[str, Any], name: str, keys: Mapping[str, str], change: Mapping[str, Any]
) -> dict[str, Any]:
    if name == "PurchaseOrderItem":
        return {**_copied(item), **change}
    children = CHILDREN.get(name, "")
    key = CHILD_KEYS.get(children, "")
    rows = [dict(each) for each in item.get(children, [])]
    row = next((each for each in rows if each[key].lstrip("0") == keys.get(key, "").lstrip("0")), None)
    if row is None:
        raise ODataError(404, Problem("06/021", f"{name} does not exist", ""))
    row |= change
    copied = {**_copied(item), children: rows}
    quantities = [each.get("ScheduleLineOrderQuantity") for each in copied[SCHEDULES]]
    if children == SCHEDULES and all(each is not None for each in quantities):
        copied["OrderQuantity"] = sum(quantities)  # SAP adds the schedule lines up to the item
    return copied


def _copied(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [dict(row) for row in each] if isinstance(each, list) else each for name, each in item.items()
    }


def _message(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": problem.text,
        "target": problem.target,
        "numericSeverity": 3,
        "transition": False,
        "longtextUrl": "",
    }


def _headers(document: Document | None = None) -> dict[str, str]:
    headers = {"Content-Type": JSON, "OData-Version": "4.0"}
    return headers | ({"ETag": document.etag} if document is not None else {})
