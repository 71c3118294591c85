"""Purchase orders: drafts, their submission, change orders, closing, and suppliers' acknowledgments."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from simulators.cloud_erp.base import exact_json
from simulators.cloud_erp.oracle_fusion import replies
from simulators.cloud_erp.oracle_fusion.replies import Detail, framework_version
from simulators.cloud_erp.oracle_fusion.requests import acted, taken
from simulators.cloud_erp.oracle_fusion.resources import ORDERS, shown
from simulators.cloud_erp.oracle_fusion.schedules import closed
from simulators.cloud_erp.oracle_fusion.store import Store, reference_of


class Orders:
    """The orders of one pod."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def draft(self, request: web.Request, body: bytes) -> web.Response:
        """Create a draft; with `Upsert-Mode` and an order's number, a draft change of that order."""
        fields, problem = taken(
            request, body, "draftPurchaseOrders", is_create="Upsert-Mode" not in request.headers
        )
        if fields is None:
            return problem
        if request.headers.get("Upsert-Mode") == "true" and fields.get("OrderNumber"):
            return self._change_order(request, fields)
        number = f"US{164_000 + self._store.documents.created(ORDERS) + 1}"
        key = self._store.unique_id()
        made = {
            **fields,
            "_id": key,
            "POHeaderId": 300_100_000 + self._store.documents.count() + 1,
            "OrderNumber": number,
            "StatusCode": "INCOMPLETE",
            "Status": "Incomplete",
        }
        self._store.documents.create(ORDERS, key, made, number=number, reference=reference_of(fields))
        return replies.item(201, shown("draftPurchaseOrders", made, request), replies.etag(made))

    def _change_order(self, request: web.Request, fields: dict[str, Any]) -> web.Response:
        """Make a draft change order of an open order: a draft of its own that carries the order's number."""
        number = fields["OrderNumber"]
        order = next((each for each in self._store.open_orders() if each["OrderNumber"] == number), None)
        if order is None:
            return replies.error(
                framework_version(request),
                400,
                [Detail(f"Order {number} isn't open.", "PO-5001", "/OrderNumber")],
            )
        lines = {each["LineNumber"] for each in order["lines"]}
        for at, line in enumerate(fields.get("lines", [])):
            if line["LineNumber"] not in lines and not line.get("LineType"):
                detail = Detail(
                    f"Line {line['LineNumber']} isn't on the order.", "PO-5002", f"/lines/{at}/LineNumber"
                )
                return replies.error(framework_version(request), 400, [detail])
        key = self._store.unique_id()
        made = {**fields, "_id": key, "_of": order["_id"], "StatusCode": "INCOMPLETE", "Status": "Incomplete"}
        self._store.documents.create(ORDERS, key, made, number=number, reference=reference_of(fields))
        return replies.item(201, shown("draftPurchaseOrders", made, request), replies.etag(made))

    async def validate(self, request: web.Request, body: bytes) -> web.Response:
        """Validate a draft: every one that was taken is valid."""
        return acted(
            self._store,
            request,
            body,
            "draftPurchaseOrders",
            "validateDocument",
            lambda fields: {"result": "SUCCESS"},
        )

    async def submit(self, request: web.Request, body: bytes) -> web.Response:
        """Open a draft, or apply a draft change to its order."""

        def submit(fields: dict[str, Any]) -> dict[str, Any]:
            if "_of" in fields:
                self._apply_change(fields)
            else:
                self._store.documents.change(
                    ORDERS, fields["_id"], {**fields, "StatusCode": "OPEN", "Status": "Open"}
                )
            return {"result": "SUCCESS"}

        return acted(self._store, request, body, "draftPurchaseOrders", "submit", submit)

    def _apply_change(self, change: dict[str, Any]) -> None:
        order = self._store.documents.get(ORDERS, change["_of"]) or {}
        by_number = {each["LineNumber"]: each for each in order["lines"]}
        for line in change.get("lines", []):
            known = by_number.get(line["LineNumber"])
            if known is None:
                order["lines"].append(line)
                continue
            schedules = {each.get("ScheduleNumber"): each for each in known.get("schedules", [])}
            for schedule in line.get("schedules", []):
                schedules.setdefault(schedule.get("ScheduleNumber"), {}).update(schedule)
            known.update({name: value for name, value in line.items() if name != "schedules"})
        order["ChangeOrderDescription"] = change.get("ChangeOrderDescription", "")
        self._store.documents.change(ORDERS, order["_id"], order)
        self._store.documents.remove(ORDERS, change["_id"])

    async def cancel(self, request: web.Request, body: bytes) -> web.Response:
        """Cancel an open order."""

        def cancel(fields: dict[str, Any]) -> dict[str, Any]:
            self._store.documents.change(
                ORDERS, fields["_id"], {**fields, "StatusCode": "CANCELED", "Status": "Canceled"}
            )
            return {"result": "SUCCESS"}

        return acted(self._store, request, body, "purchaseOrders", "cancel", cancel)

    async def close(self, request: web.Request, body: bytes) -> web.Response:
        """Close an open order, in the way that `closeAction` says."""

        def close(fields: dict[str, Any]) -> dict[str, Any]:
            given = exact_json.read(body)["parameters"]
            parameters = {name: value for each in given for name, value in each.items()}
            changes = [
                each for each in self._store.documents.shown(ORDERS) if each.get("_of") == fields["_id"]
            ]
            self._store.documents.change(ORDERS, fields["_id"], closed(fields, parameters, changes))
            return {"result": "SUCCESS"}

        return acted(self._store, request, body, "purchaseOrders", "close", close)

    async def acknowledge(self, request: web.Request, body: bytes) -> web.Response:
        """Take a supplier's answer to an order, unless another change came first."""
        fields, problem = taken(request, body, "purchaseOrderAcknowledgments", is_create=False)
        if fields is None:
            return problem
        header_id = request.match_info["id"]
        order = next(
            (each for each in self._store.open_orders() if str(each["POHeaderId"]) == header_id), None
        )
        if order is None:
            return replies.error(
                framework_version(request), 404, [Detail("The resource isn't available.", "27500")]
            )
        asked, tag = request.headers.get("If-Match", "*"), f'"{replies.etag(order)}"'
        if asked not in ("*", tag):
            detail = Detail("The resource was changed by another user.", "27515")
            return replies.error(framework_version(request), 412, [detail], {"ETag": tag})
        if fields.get("AcknowledgmentResponse") == "REJECT" and not fields.get("AcknowledgmentNote"):
            return replies.error(
                framework_version(request),
                400,
                [Detail("A note is required.", "PO-6001", "/AcknowledgmentNote")],
            )
        self._store.documents.change(ORDERS, order["_id"], {**order, **fields})
        return replies.item(200, {"POHeaderId": order["POHeaderId"], **fields}, replies.etag(order))
