"""The REST face of a simulated Oracle Fusion pod.

An independent witness: it shares no code with the gateway. Without a header it answers as framework
version 1, as a pod does; unique ids are opaque; a receipt is taken first and processed later. Orders are
one kind of document in the ledger, drafts or open, so that a document created twice shows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from aiohttp import web

from simulators.cloud_erp.base import exact_json
from simulators.cloud_erp.base.erp import Behaviour, Handler, SimulatedErp
from simulators.cloud_erp.oracle_fusion import replies
from simulators.cloud_erp.oracle_fusion.query import QueryError, matching
from simulators.cloud_erp.oracle_fusion.replies import BUSINESS_ERRORS, Detail, framework_version
from simulators.cloud_erp.oracle_fusion.resources import (
    CHILDREN,
    INVOICES,
    ORDERS,
    RECEIPTS,
    REQUISITIONS,
    ROOT,
    RULES,
    described,
    shown,
)
from simulators.cloud_erp.oracle_fusion.schedules import (
    CLOSED,
    ActionRefusedError,
    closed,
    schedule_rows,
)
from simulators.cloud_erp.oracle_fusion.settings import PodSettings
from simulators.faults import Fault, FaultScript
from simulators.serving import Tls

ACTION_TYPE = "application/vnd.oracle.adf.action+json"


class OracleFusion(SimulatedErp):
    """The simulator. `async with OracleFusion() as erp: ... erp.url, erp.documents`."""

    title = "oracle_fusion"
    errors = frozenset(BUSINESS_ERRORS)

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        faults: FaultScript | None = None,
        tls: Tls | None = None,
        *,
        settings: PodSettings | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.settings = settings or PodSettings()
        self._due: dict[str, float] = {}
        if clock is None:
            super().__init__(behaviour, faults, tls)
        else:
            super().__init__(behaviour, faults, tls, clock=clock)

    def mount(self, app: web.Application) -> None:
        """Add the resources."""
        for resource in CHILDREN:
            self._route(app, "GET", f"/{resource}", self._collection(resource))
            self._route(app, "GET", f"/{resource}/describe", self._describe(resource))
            self._route(app, "GET", f"/{resource}/{{id}}", self._item(resource))
        self._route(app, "POST", "/draftPurchaseOrders", self._draft)
        self._route(app, "POST", "/draftPurchaseOrders/{id}/action/validateDocument", self._validate)
        self._route(app, "POST", "/draftPurchaseOrders/{id}/action/submit", self._submit)
        self._route(app, "DELETE", "/draftPurchaseOrders/{id}", self._delete(ORDERS))
        self._route(app, "POST", "/purchaseOrders/{id}/action/cancel", self._cancel)
        self._route(app, "POST", "/purchaseOrders/{id}/action/close", self._close)
        self._route(app, "PATCH", "/purchaseOrderAcknowledgments/{id}", self._acknowledge)
        self._route(app, "POST", f"/{REQUISITIONS}", self._requisition)
        self._route(app, "POST", f"/{REQUISITIONS}/{{id}}/action/submitRequisition", self._submit_requisition)
        self._route(app, "POST", f"/{REQUISITIONS}/{{id}}/action/checkFunds", self._check_funds)
        self._route(app, "DELETE", f"/{REQUISITIONS}/{{id}}", self._delete(REQUISITIONS))
        self._route(app, "POST", f"/{RECEIPTS}", self._receipt)
        self._route(app, "POST", f"/{INVOICES}", self._invoice)

    def refused(self, fault: Fault) -> web.Response:
        """Give a business error; as version 4 words it, which is what the connector asks for."""
        detail = BUSINESS_ERRORS.get(fault.error, Detail("The document isn't valid."))
        return replies.error(4, fault.status if fault.status != 500 else 400, [detail])

    # -- reading -----------------------------------------------------------------------------------

    def _collection(self, resource: str) -> Handler:
        async def get(request: web.Request, body: bytes) -> web.Response:
            version = framework_version(request)
            try:
                limit = min(int(request.query.get("limit", replies.LIMIT_DEFAULT)), replies.LIMIT_MAX)
                offset = int(request.query.get("offset", 0))
                found = matching(
                    request.query.get("q", ""), version, self._members(resource, request.query.get("q", ""))
                )
            except QueryError as problem:
                return replies.error(version, 400, [Detail(str(problem), "27520")])
            except ValueError:
                return replies.error(version, 400, [Detail("limit and offset are numbers", "27519")])
            members = [shown(resource, each, request) for each in found]
            return replies.collection(members, limit, offset, str(request.url))

        return get

    def _item(self, resource: str) -> Handler:
        async def get(request: web.Request, body: bytes) -> web.Response:
            fields = self._fields(resource, request.match_info["id"])
            if fields is None:
                return replies.error(
                    framework_version(request), 404, [Detail("The resource isn't available.", "27500")]
                )
            return replies.item(200, shown(resource, fields, request), replies.etag(fields))

        return get

    def _describe(self, resource: str) -> Handler:
        async def get(request: web.Request, body: bytes) -> web.Response:
            names = {"purchaseOrders": "draftPurchaseOrders"}
            entity = {resource: described(names.get(resource, resource), CHILDREN[resource])}
            text = exact_json.write({"Resources": entity})
            return web.Response(text=text, content_type="application/vnd.oracle.adf.description+json")

        return get

    def _members(self, resource: str, q: str) -> list[dict[str, Any]]:
        if resource == "suppliers":
            return self._suppliers(q)
        if resource == "draftPurchaseOrders":
            return [each for each in self.documents.shown(ORDERS) if each["StatusCode"] == "INCOMPLETE"]
        if resource == "purchaseOrders":
            return [each for each in self.documents.shown(ORDERS) if each["StatusCode"] != "INCOMPLETE"]
        if resource == "purchaseOrderSchedules":
            return self._schedules()
        members = list(self.documents.shown(resource))
        return [self._processed(each) for each in members] if resource == RECEIPTS else members

    def _suppliers(self, q: str) -> list[dict[str, Any]]:
        known = self.settings.suppliers
        asked = re.search(r"SupplierNumber\s*=\s*'([^']+)'", q)
        if known is None:
            known = {asked[1]: f"Supplier {asked[1]}"} if asked else {}
        return [
            {
                "_id": number,
                "SupplierId": 300_000 + at,
                "SupplierNumber": number,
                "Supplier": name,
                "InactiveDate": "2020-01-01" if number in self.settings.inactive else None,
            }
            for at, (number, name) in enumerate(known.items(), start=1)
        ]

    def _fields(self, resource: str, key: str) -> dict[str, Any] | None:
        kind = ORDERS if resource in ("draftPurchaseOrders", "purchaseOrders") else resource
        fields = self.documents.get(kind, key)
        if fields is None or (resource == "draftPurchaseOrders") > (
            fields.get("StatusCode", "INCOMPLETE") == "INCOMPLETE"
        ):
            return None
        return self._processed(fields) if resource == RECEIPTS else fields

    # -- orders ------------------------------------------------------------------------------------

    async def _draft(self, request: web.Request, body: bytes) -> web.Response:
        fields, problem = self._taken(
            request, body, "draftPurchaseOrders", is_create="Upsert-Mode" not in request.headers
        )
        if fields is None:
            return problem
        if request.headers.get("Upsert-Mode") == "true" and fields.get("OrderNumber"):
            return self._change_order(request, fields)
        number = f"US{164_000 + self.documents.created(ORDERS) + 1}"
        key = self._unique_id()
        made = {
            **fields,
            "_id": key,
            "POHeaderId": 300_100_000 + self.documents.count() + 1,
            "OrderNumber": number,
            "StatusCode": "INCOMPLETE",
            "Status": "Incomplete",
        }
        self.documents.create(ORDERS, key, made, number=number, reference=_reference(fields))
        return replies.item(201, shown("draftPurchaseOrders", made, request), replies.etag(made))

    def _change_order(self, request: web.Request, fields: dict[str, Any]) -> web.Response:
        """Make a draft change order of an open order: a draft of its own that carries the order's number."""
        number = fields["OrderNumber"]
        order = next((each for each in self._open_orders() if each["OrderNumber"] == number), None)
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
        key = self._unique_id()
        made = {**fields, "_id": key, "_of": order["_id"], "StatusCode": "INCOMPLETE", "Status": "Incomplete"}
        self.documents.create(ORDERS, key, made, number=number, reference=_reference(fields))
        return replies.item(201, shown("draftPurchaseOrders", made, request), replies.etag(made))

    async def _validate(self, request: web.Request, body: bytes) -> web.Response:
        return self._acted(
            request, body, "draftPurchaseOrders", "validateDocument", lambda fields: {"result": "SUCCESS"}
        )

    async def _submit(self, request: web.Request, body: bytes) -> web.Response:
        def submit(fields: dict[str, Any]) -> dict[str, Any]:
            if "_of" in fields:
                self._apply_change(fields)
            else:
                self.documents.change(
                    ORDERS, fields["_id"], {**fields, "StatusCode": "OPEN", "Status": "Open"}
                )
            return {"result": "SUCCESS"}

        return self._acted(request, body, "draftPurchaseOrders", "submit", submit)

    def _apply_change(self, change: dict[str, Any]) -> None:
        order = self.documents.get(ORDERS, change["_of"]) or {}
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
        self.documents.change(ORDERS, order["_id"], order)
        self.documents.remove(ORDERS, change["_id"])

    async def _cancel(self, request: web.Request, body: bytes) -> web.Response:
        def cancel(fields: dict[str, Any]) -> dict[str, Any]:
            self.documents.change(
                ORDERS, fields["_id"], {**fields, "StatusCode": "CANCELED", "Status": "Canceled"}
            )
            return {"result": "SUCCESS"}

        return self._acted(request, body, "purchaseOrders", "cancel", cancel)

    async def _close(self, request: web.Request, body: bytes) -> web.Response:
        def close(fields: dict[str, Any]) -> dict[str, Any]:
            given = exact_json.read(body)["parameters"]
            parameters = {name: value for each in given for name, value in each.items()}
            changes = [each for each in self.documents.shown(ORDERS) if each.get("_of") == fields["_id"]]
            self.documents.change(ORDERS, fields["_id"], closed(fields, parameters, changes))
            return {"result": "SUCCESS"}

        return self._acted(request, body, "purchaseOrders", "close", close)

    def _schedules(self) -> list[dict[str, Any]]:
        """Give the schedules of all orders with what came of them; a receipt counts once it is processed."""
        receipts = [self._processed(each) for each in self.documents.shown(RECEIPTS)]
        counted = [each for each in receipts if each["ProcessingStatusCode"] == "SUCCESS"]
        invoices = list(self.documents.shown(INVOICES))
        orders = [each for each in self.documents.shown(ORDERS) if "_of" not in each]
        placed = [each for each in orders if each["StatusCode"] != "INCOMPLETE"]
        return [row for order in placed for row in schedule_rows(order, counted, invoices)]

    async def _acknowledge(self, request: web.Request, body: bytes) -> web.Response:
        fields, problem = self._taken(request, body, "purchaseOrderAcknowledgments", is_create=False)
        if fields is None:
            return problem
        header_id = request.match_info["id"]
        order = next((each for each in self._open_orders() if str(each["POHeaderId"]) == header_id), None)
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
        self.documents.change(ORDERS, order["_id"], {**order, **fields})
        return replies.item(200, {"POHeaderId": order["POHeaderId"], **fields}, replies.etag(order))

    def _open_orders(self) -> list[dict[str, Any]]:
        held = (self.documents.get(ORDERS, key) for key in self.documents.keys(ORDERS))
        return [
            each
            for each in held
            if each is not None and "_of" not in each and each["StatusCode"] != "INCOMPLETE"
        ]

    # -- requisitions ------------------------------------------------------------------------------

    async def _requisition(self, request: web.Request, body: bytes) -> web.Response:
        fields, problem = self._taken(request, body, REQUISITIONS)
        if fields is None:
            return problem
        count = self.documents.created(REQUISITIONS) + 1
        key, number = self._unique_id(), f"R-{count}"
        made = {
            **fields,
            "_id": key,
            "RequisitionHeaderId": 3_000 + count,
            "Requisition": number,
            "DocumentStatus": "INCOMPLETE",
        }
        self.documents.create(REQUISITIONS, key, made, number=number, reference=_reference(fields))
        return replies.item(201, shown(REQUISITIONS, made, request), replies.etag(made))

    async def _submit_requisition(self, request: web.Request, body: bytes) -> web.Response:
        def submit(fields: dict[str, Any]) -> dict[str, Any]:
            status = "APPROVED" if fields.get("ExternallyManagedFlag") else "PENDING APPROVAL"
            self.documents.change(REQUISITIONS, fields["_id"], {**fields, "DocumentStatus": status})
            return {"result": "SUCCESS"}

        return self._acted(request, body, REQUISITIONS, "submitRequisition", submit)

    async def _check_funds(self, request: web.Request, body: bytes) -> web.Response:
        def check(fields: dict[str, Any]) -> dict[str, Any]:
            lines = fields.get("lines", [])
            amount = sum(
                (Decimal(each.get("Quantity", 0)) * Decimal(each.get("Price", 0)) for each in lines),
                Decimal(0),
            )
            return {"result": "SUCCESS" if amount <= Decimal(self.settings.budget) else "FAILED"}

        return self._acted(request, body, REQUISITIONS, "checkFunds", check)

    # -- receipts and invoices ---------------------------------------------------------------------

    async def _receipt(self, request: web.Request, body: bytes) -> web.Response:
        fields, problem = self._taken(request, body, RECEIPTS)
        if fields is None:
            return problem
        number = str(700_000 + self.documents.created(RECEIPTS) + 1)
        lines = [
            {
                **line,
                "InterfaceTransactionId": int(number) * 100 + at,
                "processingErrors": self._line_errors(line),
            }
            for at, line in enumerate(fields.get("lines", []), start=1)
        ]
        made = {**fields, "_id": number, "HeaderInterfaceId": int(number), "lines": lines}
        self.documents.create(
            RECEIPTS, number, made, number=number, reference=str(fields.get("ShipmentNumber", ""))
        )
        self._due[number] = self.clock() + self.settings.processing_s
        return replies.item(201, shown(RECEIPTS, {**made, "ProcessingStatusCode": "PENDING"}, request), "1")

    def _processed(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Show a receipt as it stands now: a row at first; once processed with a number, or with errors."""
        if self.clock() < self._due.get(fields["_id"], 0.0):
            hidden = [{**line, "processingErrors": []} for line in fields["lines"]]
            return {**fields, "lines": hidden, "ProcessingStatusCode": "PENDING"}
        if any(line["processingErrors"] for line in fields["lines"]):
            return {**fields, "ProcessingStatusCode": "ERROR"}
        return {**fields, "ProcessingStatusCode": "SUCCESS", "ReceiptNumber": f"RC{fields['_id']}"}

    def _line_errors(self, line: dict[str, Any]) -> list[dict[str, Any]]:
        order = next(
            (each for each in self._open_orders() if each["OrderNumber"] == line.get("DocumentNumber")), None
        )
        if order is None:
            return [_processing_error("RCV_INVALID_PO", "The purchase order isn't valid.", "DocumentNumber")]
        ordered = next(
            (each for each in order["lines"] if each["LineNumber"] == line.get("DocumentLineNumber")), None
        )
        if ordered is None:
            return [
                _processing_error("RCV_INVALID_LINE", "The order line isn't valid.", "DocumentLineNumber")
            ]
        if order["StatusCode"] in CLOSED or order["StatusCode"] == "CLOSED FOR RECEIVING":
            text = "The purchase order is closed for receiving."
            return [_processing_error("RCV_PO_CLOSED", text, "DocumentNumber")]
        if Decimal(line.get("Quantity", 0)) > Decimal(ordered.get("Quantity", 0)):
            return [
                _processing_error("RCV_OVER_TOLERANCE", "The quantity exceeds the tolerance.", "Quantity")
            ]
        return []

    async def _invoice(self, request: web.Request, body: bytes) -> web.Response:
        fields, problem = self._taken(request, body, INVOICES)
        if fields is None:
            return problem
        before, day = self.settings.closed_before, fields.get("AccountingDate", fields["InvoiceDate"])
        if before is not None and date.fromisoformat(day) < before:
            return replies.error(framework_version(request), 400, [BUSINESS_ERRORS["period"]])
        final = {
            each["OrderNumber"] for each in self._open_orders() if each["StatusCode"] == "FINALLY CLOSED"
        }
        if any(each.get("PurchaseOrderNumber") in final for each in fields.get("invoiceLines", [])):
            detail = Detail("The purchase order is finally closed.", "AP-811001", "/invoiceLines")
            return replies.error(framework_version(request), 400, [detail])
        reference = f"{fields['Supplier']}/{fields['InvoiceNumber']}"
        if any(each.reference == reference for each in self.documents.entries(INVOICES, "created")):
            text = "The invoice number already exists for this supplier."
            return replies.error(
                framework_version(request), 400, [Detail(text, "AP-810451", "/InvoiceNumber")]
            )
        number = 900_000 + self.documents.created(INVOICES) + 1
        key = self._unique_id()
        made = {**fields, "_id": key, "InvoiceId": number}
        self.documents.create(INVOICES, key, made, number=str(number), reference=reference)
        return replies.item(201, shown(INVOICES, made, request), replies.etag(made))

    # -- what all share ----------------------------------------------------------------------------

    def _route(self, app: web.Application, method: str, path: str, handler: Handler) -> None:
        self.route(app, method, f"{ROOT}{path}", handler)

    def _taken(
        self, request: web.Request, body: bytes, entity: str, *, is_create: bool = True
    ) -> tuple[dict[str, Any] | None, web.Response]:
        """Judge a body: give its fields, or what is wrong with it."""
        version = framework_version(request)
        if request.content_type not in (replies.ITEM_TYPE, "application/json"):
            return None, replies.error(
                version, 415, [Detail(f"{request.content_type} isn't supported.", "27502")]
            )
        try:
            fields = exact_json.read(body)
        except ValueError:
            return None, replies.error(version, 400, [Detail("The payload isn't valid JSON.", "27511")])
        problems = RULES.problems(entity, fields, is_create=is_create)
        if problems:
            details = [
                Detail(each.text, "27014" if each.rule != "unknown" else "27021", each.path)
                for each in problems
            ]
            return None, replies.error(version, 400, details)
        return fields, web.Response()

    def _acted(
        self,
        request: web.Request,
        body: bytes,
        resource: str,
        name: str,
        act: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> web.Response:
        """Carry out an action on a member; its media type is insisted on."""
        version = framework_version(request)
        if request.content_type != ACTION_TYPE:
            return replies.error(version, 415, [Detail(f"{request.content_type} isn't an action.", "27502")])
        try:
            asked = exact_json.read(body)
        except ValueError:
            asked = None
        if (
            not isinstance(asked, dict)
            or asked.get("name") != name
            or not isinstance(asked.get("parameters"), list)
        ):
            return replies.error(version, 400, [Detail(f"expected name {name} and parameters", "27511")])
        fields = self._fields(resource, request.match_info["id"])
        if fields is None:
            return replies.error(version, 404, [Detail("The resource isn't available.", "27500")])
        try:
            text = exact_json.write(act(fields))
        except ActionRefusedError as refused:
            return replies.error(version, 400, [refused.detail])
        return web.Response(text=text, content_type="application/vnd.oracle.adf.actionresult+json")

    def _delete(self, kind: str) -> Handler:
        async def delete(request: web.Request, body: bytes) -> web.Response:
            key = request.match_info["id"]
            fields = self.documents.get(kind, key)
            if fields is None:
                return replies.error(
                    framework_version(request), 404, [Detail("The resource isn't available.", "27500")]
                )
            if fields.get("StatusCode", fields.get("DocumentStatus")) != "INCOMPLETE":
                return replies.error(
                    framework_version(request), 400, [Detail("Only a draft can be deleted.", "PO-7001")]
                )
            self.documents.remove(kind, key)
            return web.Response(status=204)

        return delete

    def _unique_id(self) -> str:
        seed = f"{self.behaviour.seed}/{self.documents.count()}"
        return "0002" + hashlib.sha256(seed.encode()).hexdigest().upper()[:44]


def _reference(fields: dict[str, Any]) -> str:
    """Give the first word of the text that carries a reference."""
    flexfields = fields.get("DFF") or [{}]
    text = (
        fields.get("ChangeOrderDescription")
        or next(iter(flexfields[0].values()), "")
        or fields.get("Description", "")
    )
    return str(text).partition(" ")[0]


def _processing_error(name: str, text: str, column: str) -> dict[str, Any]:
    return {"ErrorMessageName": name, "ErrorMessage": text, "ColumnName": column}
