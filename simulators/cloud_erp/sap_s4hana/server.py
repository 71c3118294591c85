"""The HTTP face of the simulated SAP: routes, CSRF, batches, one-way SOAP, and what tests look at.

Order of a gateway's checks: who are you (401), is this write meant (403, CSRF), then the operation.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import Any

from aiohttp import web

from simulators.cloud_erp.base.erp import Behaviour, Handler, SimulatedErp
from simulators.cloud_erp.sap_s4hana import batch, classic_service, confirmations, order_service
from simulators.cloud_erp.sap_s4hana.confirmations import Monitor, SoapError
from simulators.cloud_erp.sap_s4hana.metadata import metadata
from simulators.cloud_erp.sap_s4hana.schema import Problem, entities
from simulators.cloud_erp.sap_s4hana.sessions import HEADER, Sessions
from simulators.cloud_erp.sap_s4hana.store import Store, Unit
from simulators.cloud_erp.sap_s4hana.tenant import Tenant
from simulators.cloud_erp.sap_s4hana.wire import ODataError, Operation, Result, error_body
from simulators.faults import Fault, FaultScript
from simulators.serving import Tls

SAFE = ("GET", "HEAD", "OPTIONS")
Service = order_service.OrderService | classic_service.ClassicService
V4_SETS = {each.name for each in entities().values() if each.version == "v4"}

# `business_error` of a fault script: what SAP says, by `error`.
BUSINESS_ERRORS = {
    "locked": (409, Problem("ME/006", "User BUYER is already processing the document", "")),
    "closed_period": (400, Problem("F5/201", "Posting period 010 2026 is not open", "PostingDate")),
    "supplier_blocked": (400, Problem("06/017", "Supplier is blocked for purchasing", "Supplier")),
    "not_authorized": (403, Problem("ME/303", "No authorization for company code 1010", "")),
    "duplicate": (400, Problem("F5/117", "Check whether the invoice was entered already", "")),
    "item_blocked": (
        400,
        Problem("06/053", "Material is blocked for purchasing", "_PurchaseOrderItem(1)/Material"),
    ),
}

_PATH: ContextVar[str] = ContextVar("path", default="")


class SapS4Hana(SimulatedErp):
    """The simulator. `async with SapS4Hana(...) as sap: ... sap.url, sap.documents`."""

    title = "sap_s4hana"
    errors = frozenset(BUSINESS_ERRORS)

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        faults: FaultScript | None = None,
        tls: Tls | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        tenant: Tenant | None = None,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self.tenant = tenant or Tenant()
        self.sessions = Sessions(self.tenant, clock)
        self.monitor = Monitor()
        self.missing_fields: frozenset[str] = frozenset()  # `Set/Field`s that $metadata leaves out
        self._today = today
        self._orders = order_service.OrderService(self.tenant)
        self._late: set[asyncio.Task[None]] = set()
        super().__init__(behaviour, faults, tls, clock=clock)
        self.store = Store(self.documents)

    async def __aenter__(self) -> SapS4Hana:
        await self.start()
        return self

    async def stop(self) -> None:
        """Stop; the ledger stays on disk."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        await super().stop()

    def document(self, kind: str, number: str) -> dict[str, Any]:
        """Give a document as it stands. Errors: KeyError."""
        document = self.store.get(kind, number)
        if document is None:
            raise KeyError(f"{kind} {number}")
        return document.values

    def mount(self, app: web.Application) -> None:
        """Add the services' paths."""
        self._service(app, order_service.ROOT, "v4", self._orders, V4_SETS)
        for name, sets in classic_service.SETS.items():
            service = classic_service.ClassicService(self.tenant, name)
            inner = {
                each.leads_to
                for found in sets
                if f"v2 {found}" in entities()
                for each in entities()[f"v2 {found}"].fields.values()
                if each.leads_to
            }
            self._service(app, f"{classic_service.ROOT}/{name}", "v2", service, sets | inner)
        self.route(app, "POST", confirmations.PATH, self._confirmation)

    def refused(self, fault: Fault) -> web.Response:
        """Give a business error, in the shape of the service that was asked."""
        status, problem = BUSINESS_ERRORS.get(fault.error, BUSINESS_ERRORS["supplier_blocked"])
        version = "v4" if "/odata4/" in _PATH.get() else "v2"
        return _response(self._problem(ODataError(status, problem), version))

    def unauthorized(self, challenge: str) -> web.Response:
        """Give SAP's log-on page with 401."""
        page = "<html><head><title>Logon Error Message</title></head><body>Anmeldung</body></html>"
        headers = {"WWW-Authenticate": challenge}
        return web.Response(status=401, text=page, content_type="text/html", headers=headers)

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        _PATH.set(request.path)
        return await super()._serve(request, handler)

    # -- OData -------------------------------------------------------------------------------------

    def _service(
        self, app: web.Application, root: str, version: str, service: Service, sets: set[str]
    ) -> None:
        async def handle(request: web.Request, body: bytes) -> web.Response:
            if request.method not in SAFE and not self.sessions.has_csrf(request):
                text = "CSRF token validation failed"
                return web.Response(status=403, text=text, headers={HEADER: "Required"})
            return self._answered(request, body, version, service, sets)

        self.route(app, "*", root + "{tail:(/.*)?}", handle)

    def _answered(
        self, request: web.Request, body: bytes, version: str, service: Service, sets: set[str]
    ) -> web.Response:
        tail = request.match_info["tail"].strip("/")
        if request.method in SAFE and tail in ("", "$metadata"):
            document = metadata(version, sets, self.missing_fields)
            kind = "application/xml" if tail else "application/json"
            return self._tokened(request, Result(200, document if tail else b"{}", {"Content-Type": kind}))
        headers = {name.lower(): text for name, text in request.headers.items()}
        if request.method == "POST" and tail == "$batch":
            return _response(self._batch(body, headers.get("content-type", ""), version, service))
        unit = Unit(self.store)
        operation = Operation(request.method, tail, dict(request.query), headers, body)
        result = self._done(operation, version, service, unit)
        if result.status < 400:
            unit.flush()
        return self._tokened(request, result)

    def _batch(self, body: bytes, content_type: str, version: str, service: Service) -> Result:
        try:
            parts = batch.read(body, content_type)
        except ODataError as error:
            return self._problem(error, version)
        results = [self._part(each, version, service) for each in parts]
        content, kind = batch.write(results)
        return Result(200 if version == "v4" else 202, content, {"Content-Type": kind})

    def _part(self, part: batch.Part, version: str, service: Service) -> Result | list[Result]:
        """Do a part in its own unit; a changeset fails whole, and its first refusal answers for it."""
        unit = Unit(self.store)
        done: list[Result] = []
        for each in part if isinstance(part, list) else [part]:
            done.append(self._done(each, version, service, unit))
            if done[-1].status >= 400:
                return done[-1]
        unit.flush()
        return done if isinstance(part, list) else done[0]

    def _done(self, operation: Operation, version: str, service: Service, unit: Unit) -> Result:
        try:
            return service.answer(operation, unit, self._today())
        except ODataError as error:
            return self._problem(error, version)

    def _problem(self, error: ODataError, version: str) -> Result:
        transaction = secrets.token_hex(16).upper()
        kind = "application/json;odata.metadata=minimal" if version == "v4" else "application/json"
        return Result(error.status, error_body(version, error, transaction), {"Content-Type": kind})

    def _tokened(self, request: web.Request, result: Result) -> web.Response:
        response = _response(result)
        if request.method in SAFE and request.headers.get(HEADER, "").lower() == "fetch":
            self.sessions.fetch(response)
        return response

    # -- SOAP --------------------------------------------------------------------------------------

    async def _confirmation(self, request: web.Request, body: bytes) -> web.Response:
        try:
            message = confirmations.read(body, request.content_type)
        except SoapError as error:
            return web.Response(status=500, text=_fault(str(error)), content_type="text/xml")
        task = asyncio.get_running_loop().create_task(self._work_later(message))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return web.Response(status=202)

    async def _work_later(self, message: confirmations.Confirmation) -> None:
        await asyncio.sleep(self.tenant.confirmation_delay_s)
        confirmations.work(self.store, self.monitor, message)


def _response(result: Result) -> web.Response:
    return web.Response(status=result.status, body=result.body, headers=result.headers)


def _fault(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
        f"<faultcode>soap:Client</faultcode><faultstring>{escaped}</faultstring>"
        "</soap:Fault></soap:Body></soap:Envelope>"
    )
