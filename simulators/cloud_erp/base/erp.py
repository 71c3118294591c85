"""The base of a simulated cloud ERP: one aiohttp application in which everything can go wrong on request.

A subclass mounts its paths with `route`; each handler gets the request and its body and gives a response. In
between stand the fault script, access, throttling, and a record of what came in. What a fault commits
and what not is `simulators.faults`' affair.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from aiohttp import web

from simulators.cloud_erp.base.access import Access, AccessRules
from simulators.cloud_erp.base.documents import Documents
from simulators.faults import Action, Fault, FaultScript
from simulators.misbehaviour import answer, faults_handler
from simulators.serving import Served, Serving, Tls

BODY_BYTES_MAX = 64 * 1024 * 1024
REQUESTS_KEPT = 100_000

Handler = Callable[[web.Request, bytes], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How an ERP behaves apart from faults.

    `ledger`: where commits are written; None keeps them in memory. `lag_s`: queries see commits this late.
    `requests_per_s`: more than so many in one second are refused with 429. `seed`: of opaque ids.
    `token_path`: where tokens are given.
    """

    ledger: Path | None = None
    lag_s: float = 0.0
    access: AccessRules = field(default_factory=AccessRules)
    requests_per_s: int | None = None
    seed: int = 0
    token_path: str = "/oauth2/v1/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived, faulty or not."""

    method: str
    path: str  # with its query
    body: bytes
    fault: str
    at: float
    headers: dict[str, str]


class SimulatedErp(Served):
    """The simulator. `async with OracleFusion(...) as erp: ... erp.url, erp.documents`."""

    title = "erp"
    errors: frozenset[str] = frozenset()  # what `error` of a fault script may say

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        faults: FaultScript | None = None,
        tls: Tls | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.faults = faults or FaultScript()
        self.faults.knows(self.errors)
        self.clock = clock
        self.access = Access(self.behaviour.access, clock)
        self.documents = Documents(self.behaviour.ledger, self.behaviour.lag_s, clock)
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_KEPT)
        self.throttles = 0  # requests refused as too many
        self._recent: deque[float] = deque()
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post(self.behaviour.token_path, self._token)
        app.router.add_get("/_ledger", self._show_ledger)
        app.router.add_get("/_requests", self._show_requests)
        app.router.add_post("/_faults", faults_handler(self.faults))
        self.mount(app)
        self._serving = Serving(app, tls)

    # -- what an ERP says ----------------------------------------------------------------------------

    def mount(self, app: web.Application) -> None:
        """Add the ERP's paths, by `route`."""
        raise NotImplementedError

    def refused(self, fault: Fault) -> web.Response:
        """Give a business error of this ERP, by `fault.error` (`business_error` in a fault script)."""
        raise NotImplementedError

    def unauthorized(self, challenge: str) -> web.Response:
        """Give the answer to a request without a good token or password."""
        return web.json_response(
            {"title": "Unauthorized"}, status=401, headers={"WWW-Authenticate": challenge}
        )

    def throttled(self) -> web.Response:
        """Give the answer to one request too many."""
        return web.json_response({"title": "Too Many Requests"}, status=429, headers={"Retry-After": "1"})

    # -- running -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the ledger; it stays on disk."""
        self.documents.close()

    def route(self, app: web.Application, method: str, path: str, handler: Handler) -> None:
        """Mount a handler behind faults, access and throttling."""

        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, handler)

        app.router.add_route(method, path, serve)

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await request.read()
        # A rule's `key` is searched in the body and the path: the reference, a number, a name.
        fault = self.faults.next(
            request.method, request.path_qs, body.decode("utf-8", "replace"), request.path_qs
        )
        name = fault.action.value if fault is not None else ""
        self.requests.append(
            Seen(request.method, request.path_qs, body, name, time.time(), dict(request.headers))
        )
        if fault is None or fault.does_commit or fault.action is Action.BUSINESS_ERROR:
            challenge = self.access.problem(request.headers)
            if challenge:
                return self.unauthorized(challenge)
            if self._is_too_much():
                self.throttles += 1
                return self.throttled()
        if fault is not None and fault.action is Action.BUSINESS_ERROR:
            return self.refused(fault)
        return await answer(request, fault, lambda: handler(request, body))

    def _is_too_much(self) -> bool:
        limit, now = self.behaviour.requests_per_s, self.clock()
        if limit is None:
            return False
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        if len(self._recent) >= limit:
            return True
        self._recent.append(now)
        return False

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(text) for name, text in (await request.post()).items()}

        async def work() -> web.Response:
            status, fields = self.access.token_reply(form, request.headers.get("Authorization", ""))
            return web.json_response(fields, status=status)

        fault = self.faults.next(request.method, request.path_qs)
        return await answer(request, fault, work)

    async def _show_ledger(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(each) for each in self.documents.entries()])

    async def _show_requests(self, request: web.Request) -> web.Response:
        shown = [{**asdict(each), "body": each.body.decode("utf-8", "replace")} for each in self.requests]
        return web.json_response(shown)
