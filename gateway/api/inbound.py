"""``POST /v1/inbound/{route}`` and ``POST /v1/documents/{type}``: messages that callers bring themselves.

The order is fixed: who and what form, then the body within its bounds, then (canonical JSON) whether
it is a document at all, then the journal, then the answer. A caller that goes away meanwhile changes
nothing about what was taken.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from aiohttp import web

from adapters.base import (
    Answered,
    Clock,
    DecodeError,
    Finding,
    Inbound,
    Origin,
    Position,
    Refused,
    Settlement,
    Taken,
)
from canonical.registry import DocumentError, parse_document
from gateway.handshakes import blames_certificate, reason_of
from gateway.http_app import HttpApp, journal_down
from gateway.inlets.answers import answer, json_response, problem
from gateway.inlets.body import BoundedBody
from gateway.inlets.http_inlet import (
    Head,
    HttpInlet,
    Refusal,
    RefusedError,
    arrival_key,
    correlation_id,
    head_refusal,
    inlet_for_document,
    partner_of,
    refused,
    routes_by_name,
    shown,
)
from gateway.journal.base import JournalBusyError, JournalError

log = logging.getLogger("legacy_bridge.http")

Take = Callable[[Inbound], Awaitable[object]]
WaitFor = Callable[[str, float], Awaitable[Answered | None]]
Refuse = Callable[[str, Origin, Finding], Awaitable[str]]

PROBLEMS_MAX = 50
REFUSALS_PER_MINUTE_MAX = 600  # more are answered and logged, not kept: a flood must not fill the journal


class InboundApi:
    """Mounts the inlets and answers their callers.

    ``take``: journals, then settles. ``wait_for``: (message id, seconds) -> the answer, None where time
    is up; ``pass_on``: the same for ``pass_through``, default ``wait_for``. ``refuse``: keeps the finding
    of a refusal, without the body, and gives its id.
    """

    def __init__(
        self,
        app: HttpApp,
        inlets: Sequence[HttpInlet],
        *,
        take: Take,
        wait_for: WaitFor,
        refuse: Refuse,
        clock: Clock,
        pass_on: WaitFor | None = None,
    ) -> None:
        self._app = app
        self._inlets = routes_by_name(inlets)
        self._take = take
        self._wait_for = wait_for
        self._pass_on = pass_on or wait_for
        self._refuse = refuse
        self._clock = clock
        self._refusals = 0
        self._refusals_since = clock.monotonic()
        self._keeping: set[asyncio.Task[object]] = set()
        app.on_handshake_failure(self._handshake_failed)
        app.mount("POST", "/v1/inbound/{route}", self._inbound)
        app.mount("POST", "/v1/documents/{type}", self._documents)

    def set_inlets(self, inlets: Sequence[HttpInlet]) -> None:
        """Take another set of routes, for requests that begin from now on."""
        self._inlets = routes_by_name(inlets)

    def inlet(self, route: str) -> HttpInlet | None:
        """Give a route's inlet."""
        return self._inlets.get(route)

    async def _inbound(self, request: web.Request) -> web.StreamResponse:
        route = request.match_info["route"]
        inlet = self._inlets.get(route)
        if inlet is None:
            text = f"there is no route '{shown(route)}' that takes messages over HTTP"
            inlet_or = refused(404, "HTTP-ROUTE", shown(request.path), text)
            return await self._refused(request, shown(route), inlet_or)
        return await self._post(request, inlet)

    async def _documents(self, request: web.Request) -> web.StreamResponse:
        document, route = request.match_info["type"], request.query.get("route")
        found = inlet_for_document(self._inlets, document, route, shown(request.path))
        if isinstance(found, Refusal):
            return await self._refused(request, shown(route or document), found)
        return await self._post(request, found)

    async def _post(self, request: web.Request, inlet: HttpInlet) -> web.StreamResponse:
        response = await self._posted(request, inlet)
        for name, value in inlet.headers:
            response.headers.add(name, value)
        return response

    async def _posted(self, request: web.Request, inlet: HttpInlet) -> web.StreamResponse:
        try:
            head = _head(request, self._app)
            if not await self._app.is_ready():
                return problem(journal_down(request.path))
            if (refusal := head_refusal(inlet, head)) is not None:
                raise RefusedError(refusal)
            body = BoundedBody(request, inlet, self._app.limits.read)
            pieces = await _checked(inlet, body, request.path) if inlet.document else None
            pieces = pieces or body.pieces(await body.first())
            return await self._taken(inlet, head, self._origin(request, inlet, head), pieces, body)
        except RefusedError as error:
            return await self._refused(request, inlet.route, error.refusal)

    async def _taken(
        self, inlet: HttpInlet, head: Head, origin: Origin, pieces: AsyncIterator[bytes], body: BoundedBody
    ) -> web.StreamResponse:
        settlements: list[Settlement] = []

        async def settle(settlement: Settlement) -> None:
            settlements.append(settlement)

        inbound = Inbound(
            route=inlet.route,
            arrival_key=arrival_key(inlet, head),
            origin=origin,
            body=pieces,
            settle=settle,
            partner=partner_of(inlet, head),
            correlation_id=correlation_id(head),
        )
        try:
            await self._take(inbound)
        except DecodeError as error:  # found by whoever reads the body for us
            raise RefusedError(Refusal(400, error.finding)) from error
        except Exception as error:
            if body.error is not None and error is not body.error:  # what the body said, in other words
                raise body.error from error
            raise
        if body.error is not None and not settlements:
            raise body.error
        return await self._answer(inlet, settlements[0])

    async def _answer(self, inlet: HttpInlet, settlement: Settlement) -> web.StreamResponse:
        match settlement:
            case Answered():
                return answer(settlement)
            case Refused(finding, status):
                return problem(Refusal(status, finding))
            case Taken(message_id, is_repeat):
                return await self._reply(inlet, message_id, is_repeat)

    async def _reply(self, inlet: HttpInlet, message_id: str, is_repeat: bool) -> web.StreamResponse:
        location = f"/v1/messages/{message_id}"
        if inlet.reply == "accepted":
            return json_response(202, {"message_id": message_id, "repeat": is_repeat}, Location=location)
        answered = await self._awaited(inlet, message_id)
        if answered is not None:
            return answer(answered)
        if inlet.reply != "wait":
            return problem(_no_answer(inlet, message_id, location))
        if inlet.pending is None:
            pending = {"message_id": message_id, "state": "pending", "repeat": is_repeat}
            return json_response(202, pending, Location=location)
        body = inlet.pending.replace(b"{message_id}", message_id.encode())
        headers = (("Location", location), ("Cache-Control", "no-store"))
        return answer(Answered(message_id, body, inlet.pending_content_type, 202, headers))

    async def _awaited(self, inlet: HttpInlet, message_id: str) -> Answered | None:
        """Wait for the answer; None where there is none in time, or nobody can tell it now.

        The message is durable: whatever fails from here on must not be told as "nothing was taken",
        or its caller sends it again and legacy gets it twice.
        """
        wait = self._pass_on if inlet.reply == "pass_through" else self._wait_for
        try:
            return await wait(message_id, inlet.reply_within_s)
        except Exception:
            log.exception("http.answer_failed route=%s message=%s", inlet.route, message_id)
            return None

    async def _refused(self, request: web.Request, route: str, refusal: Refusal) -> web.StreamResponse:
        """Answer a refusal and keep its finding; the body is nowhere."""
        log.info("http.refused route=%s status=%d code=%s", route, refusal.status, refusal.finding.code)
        refusal_id = None
        if self._may_keep():
            origin = Origin("http", self._clock.now(), shown(request.path), peer=request.remote or "")
            try:
                refusal_id = await self._refuse(route, origin, refusal.finding)
            except JournalBusyError:
                log.warning("http.refusal_not_kept route=%s code=%s", route, refusal.finding.code)
        response = problem(refusal, refusal_id)
        if refusal.status == 408:
            response.force_close()
        return response

    def _handshake_failed(self, error: ssl.SSLError) -> None:
        """Log a handshake that failed; keep a finding where the caller's certificate was the reason.

        Who called is not known here: OpenSSL sees bytes, not addresses.
        """
        reason = reason_of(error)
        if not self._may_keep():
            return
        log.warning("http.handshake_failed reason=%s", reason)
        if not blames_certificate(error):
            return
        text = (
            f"a caller's TLS handshake failed: {reason}; expected a certificate, valid today, of an "
            "authority in listen.tls.client_ca"
        )
        finding = Finding("HTTP-CERTIFICATE", Position("gateway.listen.https"), text)
        task = asyncio.get_running_loop().create_task(self._keep(finding))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _keep(self, finding: Finding) -> None:
        try:
            await self._refuse("https", Origin("http", self._clock.now(), "TLS handshake"), finding)
        except (JournalBusyError, JournalError) as error:
            log.warning("http.refusal_not_kept code=%s reason=%s", finding.code, error)

    def _may_keep(self) -> bool:
        now_s = self._clock.monotonic()
        if now_s - self._refusals_since >= 60:
            self._refusals, self._refusals_since = 0, now_s
        self._refusals += 1
        return self._refusals <= REFUSALS_PER_MINUTE_MAX

    def _origin(self, request: web.Request, inlet: HttpInlet, head: Head) -> Origin:
        facts: dict[str, str] = {"identity": inlet.identity}
        if head.caller is not None:
            facts["certificate"] = head.caller.fingerprint
        return Origin(
            transport="http",
            received_at=self._clock.now(),
            name=shown(request.path),
            peer=request.remote or "",
            identity=head.caller.identity if head.caller else "",
            content_type=shown(request.headers.get("Content-Type", "")),
            facts=facts,
        )


def _head(request: web.Request, app: HttpApp) -> Head:
    headers = request.headers
    return Head(
        path=shown(request.path),
        content_types=tuple(headers.getall("Content-Type", ())),
        content_encoding=", ".join(headers.getall("Content-Encoding", ())),
        content_length=request.content_length,
        idempotency_keys=tuple(headers.getall("Idempotency-Key", ())),
        correlation_ids=tuple(headers.getall("X-Correlation-ID", ())),
        caller=app.caller(request),
    )


async def _checked(inlet: HttpInlet, body: BoundedBody, at: str) -> AsyncIterator[bytes]:
    """Give the body of a canonical document. Errors: RefusedError with every path that is wrong."""
    raw = await body.whole()
    try:
        document = parse_document(raw)
    except DocumentError as error:
        raise RefusedError(_invalid(at, error.problems)) from error
    if document.document_type != inlet.document:
        wrong = f"expected '{inlet.document}', as the path says; found '{document.document_type}'"
        raise RefusedError(_invalid(at, (("document_type", wrong),)))
    return _once(raw)


async def _once(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


def _invalid(at: str, problems: Sequence[tuple[str, str]]) -> Refusal:
    kept = tuple(problems[:PROBLEMS_MAX])
    listed = "; ".join(f"{path or 'document'}: {text}" for path, text in kept)
    more = f"; and {len(problems) - len(kept)} more" if len(problems) > len(kept) else ""
    text = f"the body is no valid canonical document: {listed}{more}"
    return Refusal(
        422, Finding("DOCUMENT-INVALID", Position(shown(at), path=kept[0][0]), text), problems=kept
    )


def _no_answer(inlet: HttpInlet, message_id: str, location: str) -> Refusal:
    """Say that time is up. What became of the request is not known yet; the message is kept."""
    text = (
        f"no answer came within {inlet.reply_within_s:g} s; the message is kept as {message_id} and what "
        "became of it is looked up, so do not send it again under another key"
    )
    finding = Finding("HTTP-NO-ANSWER", Position(inlet.route), text, facts={"message_id": message_id})
    return Refusal(504, finding, headers=(("Location", location),))
