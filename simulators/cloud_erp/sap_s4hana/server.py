"""The HTTP face of the simulated SAP: routes, log-in, CSRF, batches, faults, and what tests look at.

Order of a gateway's checks: who are you (401), is this write meant (403, CSRF), then the operation. Faults
come from the fault script that all simulators share.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from aiohttp import web

from simulators.cloud_erp.sap_s4hana import batch, classic_service, confirmations, order_service
from simulators.cloud_erp.sap_s4hana.confirmations import Monitor, SoapError
from simulators.cloud_erp.sap_s4hana.metadata import metadata
from simulators.cloud_erp.sap_s4hana.schema import entities
from simulators.cloud_erp.sap_s4hana.sessions import HEADER, Sessions
from simulators.cloud_erp.sap_s4hana.settings import Settings
from simulators.cloud_erp.sap_s4hana.store import Committed, Store, Unit
from simulators.cloud_erp.sap_s4hana.wire import ODataError, Operation, Result, error_body
from simulators.faults import FaultScript
from simulators.misbehaviour import answer, faults_handler
from simulators.serving import Serving, Tls

BODY_BYTES_MAX = 64 * 1024 * 1024
REQUESTS_KEPT = 100_000
SAFE = ("GET", "HEAD", "OPTIONS")
Service = order_service.OrderService | classic_service.ClassicService
V4_SETS = {each.name for each in entities().values() if each.version == "v4"}


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived. `fault` names what befell it."""

    method: str
    path: str
    fault: str
    at: float
    headers: dict[str, str] = field(default_factory=dict)


class SapS4Hana:
    """The simulator. `async with SapS4Hana(...) as sap: ... sap.url, sap.committed`."""

    def __init__(
        self,
        settings: Settings | None = None,
        faults: FaultScript | None = None,
        tls: Tls | None = None,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self.settings = settings or Settings()
        self.faults = faults or FaultScript()
        self.sessions = Sessions(self.settings)
        self.monitor = Monitor()
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_KEPT)
        self.missing_fields: frozenset[str] = frozenset()  # `Set/Field`s that $metadata leaves out
        self._today = today
        self._store = Store(self.settings.ledger, self.settings.lag_s)
        self._orders = order_service.OrderService(self.settings)
        self._classic = {
            each: classic_service.ClassicService(self.settings, each) for each in classic_service.SETS
        }
        self._late: set[asyncio.Task[None]] = set()
        self._serving = Serving(self._application(), tls)

    @property
    def committed(self) -> list[Committed]:
        """Give every commit, oldest first."""
        return self._store.committed

    @property
    def url(self) -> str:
        """Give the base address."""
        return self._serving.url

    def document(self, kind: str, number: str) -> dict[str, Any]:
        """Give a document as it stands. Errors: KeyError."""
        document = self._store.get(kind, number)
        if document is None:
            raise KeyError(f"{kind} {number}")
        return document.values

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen."""
        await self._serving.start(host, port)

    async def stop(self) -> None:
        """Stop; the ledger stays on disk."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        await self._serving.stop()
        self._store.close()

    async def __aenter__(self) -> SapS4Hana:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", order_service.ROOT + "{tail:.*}", self._order_service)
        app.router.add_route("*", classic_service.ROOT + "/{service}{tail:(/.*)?}", self._classic_service)
        app.router.add_post(confirmations.PATH, self._confirmation)
        app.router.add_get("/_ledger", self._show_ledger)
        app.router.add_get("/_requests", self._show_requests)
        app.router.add_post("/_faults", faults_handler(self.faults))
        return app

    # -- services ----------------------------------------------------------------------------------

    async def _order_service(self, request: web.Request) -> web.StreamResponse:
        return await self._odata(request, "v4", self._orders, V4_SETS)

    async def _classic_service(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["service"]
        service = self._classic.get(name)
        if service is None:
            return web.Response(status=403, text="No service found for namespace '', name " + name)
        sets = classic_service.SETS[name]
        inner = {each.leads_to for found in sets for each in _fields(f"v2 {found}") if each.leads_to}
        return await self._odata(request, "v2", service, sets | inner)

    async def _odata(
        self, request: web.Request, version: str, service: Service, sets: set[str]
    ) -> web.StreamResponse:
        body = await request.read()

        async def work() -> web.Response:
            return self._answered(request, body, version, service, sets)

        return await self._guarded(request, body, work)

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
        operation = Operation(request.method, tail, dict(request.query), headers, body)
        unit = Unit(self._store)
        result = self._done(operation, version, service, unit)
        if result.status < 400:
            unit.flush()
        return self._tokened(request, result)

    def _batch(self, body: bytes, content_type: str, version: str, service: Service) -> Result:
        try:
            parts = batch.read(body, content_type)
        except ODataError as error:
            return self._refused(error, version)
        results: list[Result | list[Result]] = []
        for part in parts:
            operations = part if isinstance(part, list) else [part]
            unit = Unit(self._store)
            done: list[Result] = []
            for each in operations:
                done.append(self._done(each, version, service, unit))
                if done[-1].status >= 400:
                    break
            if done[-1].status >= 400:
                results.append(done[-1])  # a changeset fails whole, and its first refusal answers for it
            else:
                unit.flush()
                results.append(done if isinstance(part, list) else done[0])
        content, kind = batch.write(results)
        return Result(200 if version == "v4" else 202, content, {"Content-Type": kind})

    def _done(self, operation: Operation, version: str, service: Service, unit: Unit) -> Result:
        try:
            return service.answer(operation, unit, self._today())
        except ODataError as error:
            return self._refused(error, version)

    def _refused(self, error: ODataError, version: str) -> Result:
        transaction = secrets.token_hex(16).upper()
        content_type = "application/json;odata.metadata=minimal" if version == "v4" else "application/json"
        return Result(error.status, error_body(version, error, transaction), {"Content-Type": content_type})

    def _tokened(self, request: web.Request, result: Result) -> web.Response:
        response = _response(result)
        if request.method in SAFE and request.headers.get(HEADER, "").lower() == "fetch":
            self.sessions.fetch(response)
        return response

    # -- SOAP --------------------------------------------------------------------------------------

    async def _confirmation(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def work() -> web.Response:
            try:
                message = confirmations.read(body, request.content_type)
            except SoapError as error:
                return web.Response(status=500, text=_fault(str(error)), content_type="text/xml")
            task = asyncio.get_running_loop().create_task(self._work_later(message))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return web.Response(status=202)

        return await self._guarded(request, body, work, needs_csrf=False)

    async def _work_later(self, message: confirmations.Confirmation) -> None:
        await asyncio.sleep(self.settings.confirmation_delay_s)
        confirmations.work(self._store, self.monitor, message)

    # -- around ------------------------------------------------------------------------------------

    async def _guarded(
        self, request: web.Request, body: bytes, work: Any, *, needs_csrf: bool = True
    ) -> web.StreamResponse:
        fault = self.faults.next(request.method, request.path_qs, body[:4_000].decode("utf-8", "replace"))
        name = fault.action.value if fault else ""
        self.requests.append(Seen(request.method, request.path_qs, name, time.time(), _interesting(request)))

        async def checked() -> web.Response:
            refusal = self._refusal(request, needs_csrf)
            return refusal if refusal is not None else await work()

        return await answer(request, fault, checked)

    def _refusal(self, request: web.Request, needs_csrf: bool) -> web.Response | None:
        if not self.sessions.is_known(request):
            challenge = {"WWW-Authenticate": 'Basic realm="SAP NetWeaver Application Server [SIM/100]"'}
            page = "<html><head><title>Logon Error Message</title></head><body>Anmeldung</body></html>"
            return web.Response(status=401, text=page, content_type="text/html", headers=challenge)
        if needs_csrf and request.method not in SAFE and not self.sessions.has_csrf(request):
            refused = {HEADER: "Required"}
            return web.Response(status=403, text="CSRF token validation failed", headers=refused)
        return None

    async def _show_ledger(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(each) for each in self.committed], dumps=_dumps)

    async def _show_requests(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(each) for each in self.requests])


def _fields(name: str) -> Any:
    return entities()[name].fields.values() if name in entities() else ()


def _response(result: Result) -> web.Response:
    return web.Response(status=result.status, body=result.body, headers=result.headers)


def _interesting(request: web.Request) -> dict[str, str]:
    names = ("Content-Type", "If-Match", HEADER, "X-Correlation-Id", "User-Agent")
    return {name: request.headers[name] for name in names if name in request.headers}


def _fault(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
        f"<faultcode>soap:Client</faultcode><faultstring>{escaped}</faultstring>"
        "</soap:Fault></soap:Body></soap:Envelope>"
    )


def _dumps(value: Any) -> str:
    return json.dumps(value, default=str)
