"""Facades on the HTTP application: what an adapter serves in legacy's place, taken as every other message.

The adapter judges and words; here is everything that waits: the body within its bounds, the source memory,
the journal, the answer. Whatever goes wrong, the caller gets it in the form that it knows.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from adapters.base import Clock, Finding, Inbound, Origin, Refused, Settlement, SourceMemory, Taken
from adapters.base.facade import (
    Admitted,
    CallOutcome,
    Denied,
    Facade,
    FacadeAnswer,
    FacadeCall,
    WasAccepted,
    WasDelivered,
    WasRefused,
    WasReplayed,
    WasUnavailable,
)
from gateway.http_app import HttpApp, journal_down
from gateway.inlets.body import BoundedBody
from gateway.inlets.http_inlet import Caller, HttpInlet, Refusal, RefusedError, refused, shown, too_large
from gateway.journal.base import JournalBusyError, JournalError

log = logging.getLogger("legacy_bridge.facades")

Take = Callable[[Inbound], Awaitable[object]]
Refuse = Callable[[str, Origin, Finding], Awaitable[str]]
Outcome = Callable[[str, float, bool], Awaitable[CallOutcome]]
PassesOn = Callable[[], Awaitable[frozenset[str]]]

REFUSALS_PER_MINUTE_MAX = 600  # more are answered and logged, not kept: a flood must not fill the journal


@dataclass(frozen=True, slots=True)
class ServedRoute:
    """One route of a facade, as plain values."""

    route: str
    partner: str | None
    must_prove: bool  # its partner is told by a client certificate, or by the request itself
    reply: str
    within_s: float
    headers: tuple[tuple[str, str], ...] = ()  # with every answer: how long the contract holds


@dataclass(frozen=True, slots=True)
class Served:
    """One facade and its routes, by name. ``endpoint`` names it for what is remembered."""

    endpoint: str
    facade: Facade
    routes: Mapping[str, ServedRoute]


class FacadeApi:
    """Serves facades by path.

    ``take``: journals, then settles. ``outcome``: (message id, seconds, passes on) -> what became of it.
    ``passes_on``: the routes whose requests go to legacy unchanged now. ``refuse``: keeps a finding.
    """

    def __init__(
        self,
        app: HttpApp,
        *,
        take: Take,
        outcome: Outcome,
        passes_on: PassesOn,
        refuse: Refuse,
        memory: SourceMemory,
        clock: Clock,
    ) -> None:
        self._app = app
        self._take = take
        self._outcome = outcome
        self._passes_on = passes_on
        self._refuse = refuse
        self._memory = memory
        self._clock = clock
        self._by_path: dict[str, Served] = {}
        self._refusals = 0
        self._refusals_since = clock.monotonic()
        app.served_elsewhere = self._handler

    def set_served(self, served: Sequence[Served]) -> None:
        """Serve these from now on."""
        self._by_path = {path: each for each in served for path in each.facade.paths}

    def facade_of(self, route: str) -> Facade | None:
        """Give the facade at which a route's messages arrive."""
        return next((each.facade for each in self._by_path.values() if route in each.routes), None)

    def _handler(self, path: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]] | None:
        served = self._by_path.get(path)
        if served is None:
            return None
        return lambda request: self._handle(request, served)

    async def _handle(self, request: web.Request, served: Served) -> web.StreamResponse:
        call = self._call(request)
        try:
            return _response(await self._answer(request, served, call))
        except RefusedError as error:
            return await self._refused(served, call, error.refusal)
        except JournalBusyError:
            text = "the journal has more to write than it can; nothing was taken, send it again"
            refusal = refused(503, "JOURNAL-BUSY", request.path, text, Retry_After="1")
        except JournalError:
            log.exception("facade.journal_failed path=%s", shown(request.path))
            refusal = journal_down(request.path)
        return _with_headers(served.facade.refusal(call, refusal.finding, refusal.status), refusal)

    async def _answer(self, request: web.Request, served: Served, call: FacadeCall) -> FacadeAnswer:
        match request.method:
            case "GET" | "HEAD":
                return await self._worded(served, call, served.facade.look(call))
            case "POST":
                return await self._post(request, served, call)
            case "OPTIONS" if served.facade.takes_options:
                return await self._worded(served, call, served.facade.look(call))
        text = f"{shown(request.method)} is not taken here; expected POST, or GET for the description"
        raise RefusedError(refused(405, "HTTP-METHOD", shown(request.path), text, Allow="GET, POST"))

    async def _post(self, request: web.Request, served: Served, call: FacadeCall) -> FacadeAnswer:
        caller = self._app.caller(request)
        if not await self._app.is_ready():
            raise RefusedError(journal_down(request.path))
        body = await _body(request, served, self._app)
        call = replace(
            call,
            body=body,
            at=self._clock.now(),
            partner=caller.partner if caller is not None else None,
            identity=caller.identity if caller is not None else "",
            passes_on=await self._passes_on(),
        )
        admitted = served.facade.admit(call)
        if isinstance(admitted, Denied):
            return await self._worded(served, call, admitted)
        route = served.routes[admitted.route]
        _check_sender(route, admitted, call)
        for once in admitted.once:
            scope = f"facade/{served.endpoint}"
            known = await self._memory.remember_once(scope, once.key, once.content_hash, once.expires_at)
            if known == "different":
                answer = served.facade.answer(admitted, WasReplayed(once))
                denied = Denied(once.finding, answer, admitted.route)
                return _told_its_end(await self._worded(served, call, denied), route)
        settlement = await self._settled(route, admitted, call, caller)
        return _told_its_end(await self._replied(served, route, admitted, call, settlement), route)

    async def _settled(
        self, route: ServedRoute, admitted: Admitted, call: FacadeCall, caller: Caller | None
    ) -> Settlement:
        settlements: list[Settlement] = []

        async def settle(settlement: Settlement) -> None:
            settlements.append(settlement)

        inbound = Inbound(
            route=route.route,
            arrival_key=admitted.arrival_key,
            origin=self._origin(call, admitted, caller),
            body=_once(call.body if admitted.body is None else admitted.body),
            settle=settle,
            partner=admitted.partner or route.partner,
        )
        await self._take(inbound)
        return settlements[0]

    async def _replied(
        self, served: Served, route: ServedRoute, admitted: Admitted, call: FacadeCall, settlement: Settlement
    ) -> FacadeAnswer:
        facade = served.facade
        match settlement:
            case Refused(finding, _):
                return await self._worded(served, call, facade.answer(admitted, WasRefused(None, (finding,))))
            case Taken(message_id, is_repeat) if route.reply == "accepted":
                return facade.answer(admitted, WasAccepted(message_id, is_repeat))
            case Taken(message_id, _):
                passes = route.reply in ("pass_through", "query")
                outcome = await self._outcome(message_id, route.within_s, passes)
                if isinstance(outcome, WasDelivered) and outcome.is_legacy and outcome.reply is not None:
                    return _theirs(outcome)
                answer = facade.answer(admitted, outcome)
                if isinstance(outcome, WasUnavailable):
                    return replace(answer, headers=(*answer.headers, ("Retry-After", "5")))
                return await self._worded(served, call, answer)
        raise AssertionError(settlement)

    async def _worded(self, served: Served, call: FacadeCall, answer: FacadeAnswer | Denied) -> FacadeAnswer:
        """Give an answer; of one that denies or is not as it should be, the finding is kept or logged."""
        if isinstance(answer, Denied):
            await self._keep(answer.route or served.endpoint, call, answer.finding, answer.answer.status)
            return answer.answer
        if answer.finding is not None:
            log.error("facade.answer endpoint=%s %s", served.endpoint, answer.finding)
        return answer

    async def _refused(self, served: Served, call: FacadeCall, refusal: Refusal) -> web.Response:
        await self._keep(served.endpoint, call, refusal.finding, refusal.status)
        answer = served.facade.refusal(call, refusal.finding, refusal.status)
        response = _with_headers(answer, refusal)
        if refusal.status == 408:
            response.force_close()
        return response

    async def _keep(self, route: str, call: FacadeCall, finding: Finding, status: int) -> None:
        log.info("facade.refused route=%s status=%d code=%s", route, status, finding.code)
        now_s = self._clock.monotonic()
        if now_s - self._refusals_since >= 60:
            self._refusals, self._refusals_since = 0, now_s
        self._refusals += 1
        if self._refusals > REFUSALS_PER_MINUTE_MAX:
            return
        origin = Origin("http", self._clock.now(), shown(call.path), peer=call.peer, identity=call.identity)
        try:
            await self._refuse(route, origin, finding)
        except JournalBusyError:
            log.warning("facade.refusal_not_kept route=%s code=%s", route, finding.code)

    def _call(self, request: web.Request) -> FacadeCall:
        return FacadeCall(
            method=request.method,
            path=shown(request.path),
            query=request.query_string,
            headers=tuple((name, value) for name, value in request.headers.items()),
            body=b"",
            base=f"{request.scheme}://{_host(request)}",
            at=self._clock.now(),
            peer=request.remote or "",
        )

    def _origin(self, call: FacadeCall, admitted: Admitted, caller: Caller | None) -> Origin:
        facts = dict(admitted.facts)
        if caller is not None:
            facts["certificate"] = caller.fingerprint
        return Origin(
            transport="http",
            received_at=call.at,
            name=call.path,
            peer=call.peer,
            identity=admitted.identity,
            content_type=shown_header(call.header("Content-Type") or ""),
            facts={name: value for name, value in facts.items() if value},
        )


def shown_header(value: str) -> str:
    """Give a header's value as it can be kept and sent on: a Content-Type has its boundary in it."""
    return value if len(value) <= 512 and value.isprintable() else shown(value)


def _host(request: web.Request) -> str:
    """Give the host as the caller knows us, without what could not be one."""
    host = request.headers.get("Host", "")
    return host if host and all(char.isalnum() or char in ".-:[]" for char in host) else "localhost"


async def _body(request: web.Request, served: Served, app: HttpApp) -> bytes:
    encoding = request.headers.get("Content-Encoding", "")
    if encoding.lower() not in ("", "identity"):
        # A small compressed body may unpack to any size; our senders have no need of it.
        text = f"Content-Encoding '{shown(encoding)}' is not taken; send the body as it is"
        headers = {"Accept_Encoding": "identity"}
        raise RefusedError(refused(415, "HTTP-CONTENT-ENCODING", request.path, text, **headers))
    inlet = HttpInlet(served.endpoint, size_bytes_max=served.facade.size_bytes_max)
    if (request.content_length or 0) > inlet.size_bytes_max:
        raise RefusedError(too_large(inlet, request.path))
    return await BoundedBody(request, inlet, app.limits.read).whole()


def _told_its_end(answer: FacadeAnswer, route: ServedRoute) -> FacadeAnswer:
    """Say with an answer how long its route's contract holds."""
    return replace(answer, headers=(*answer.headers, *route.headers)) if route.headers else answer


def _check_sender(route: ServedRoute, admitted: Admitted, call: FacadeCall) -> None:
    """Hold a partner to its proof: its certificate, or what the request shows. Errors: RefusedError."""
    if not route.must_prove:
        return
    is_own = admitted.partner == route.partner or (admitted.is_proven and admitted.partner is None)
    if not is_own:
        text = f"route '{route.route}' takes requests from {route.partner} only, who must prove to be it"
        raise RefusedError(refused(403, "HTTP-CERTIFICATE", call.path, text))


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _theirs(outcome: WasDelivered) -> FacadeAnswer:
    reply = outcome.reply
    if reply is None:
        raise AssertionError("there is no reply to pass on")
    return FacadeAnswer(reply.status, reply.body, reply.header("Content-Type") or "text/xml")


def _response(answer: FacadeAnswer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body)
    response.headers["Content-Type"] = answer.content_type
    for name, value in answer.headers:
        response.headers[name] = value
    return response


def _with_headers(answer: FacadeAnswer, refusal: Refusal) -> web.Response:
    response = _response(answer)
    for name, value in refusal.headers:
        response.headers[name] = value
    return response
