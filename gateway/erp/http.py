"""The one sink to HTTP endpoints: connections, TLS, tokens, time-outs. It decides nothing.

It never sends a request twice by itself, but for two cases that say that nothing was done: after a 401
once more with a new token, after a 403 for want of a CSRF token once more with a new session. It follows
no redirects. `NoReply.written` is "none" only
when surely nothing of the request reached the other side's program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from adapters.base import Clock, Effect, NoReply, Reply, Request, Rng
from gateway.erp.basic_login import BasicLogin
from gateway.erp.csrf import (
    FETCH,
    HEADER,
    SAFE_METHODS,
    Captured,
    CsrfSession,
    CsrfSessions,
    Fetch,
    is_refused,
)
from gateway.erp.http_connections import (
    ClaimCheck,
    HttpConnections,
    Incoming,
    Outgoing,
    Progress,
    StaleClaimError,
)
from gateway.erp.no_reply import unanswered
from gateway.erp.settings import CsrfSettings, HttpSettings, address_problem, path_problem
from gateway.erp.shadow_guard import ShadowGuard
from gateway.security.oauth2 import TokenError, TokenSource
from gateway.security.secrets import SecretError
from gateway.security.tls import ClientTls, TlsError

USER_AGENT = "legacy-bridge"
NOT_KEPT = frozenset({"set-cookie", "set-cookie2"})  # the journal keeps replies; session secrets stay out


class HttpSink:
    """An outlet to one endpoint. Connections are opened when first needed and kept open."""

    def __init__(
        self,
        name: str,
        settings: HttpSettings,
        *,
        clock: Clock,
        rng: Rng,
        secret: Callable[[str], str],
        guard: ShadowGuard | None = None,
    ) -> None:
        """``guard``: this endpoint is a shadow's, and what the guard blocks never leaves."""
        self.name = name
        self._guard = guard
        self._settings = settings
        self._clock = clock
        self._secret = secret
        self._base = _resolved_base(settings, secret)
        self._tls = ClientTls(settings.tls, secret, clock)
        self._tokens = (
            TokenSource(settings.oauth2, clock=clock, rng=rng, secret=secret, tls=self._tls)
            if settings.oauth2
            else None
        )
        self._basic = BasicLogin(settings.basic, clock, secret) if settings.basic else None
        self._csrf = CsrfSessions()
        self._connections = HttpConnections(settings)

    async def send(self, request: Request, *, still_mine: ClaimCheck | None = None) -> Reply | NoReply:
        """Write one request and wait for its reply. `still_mine` is asked on the open connection.

        All of it, tokens too, ends within the shorter of the request's time and the endpoint's.
        Errors: ValueError for an address that is not below the endpoint's base.
        """
        until = asyncio.get_running_loop().time() + min(request.timeout_s, self._settings.timeout_s)
        url = _below(self._base, request.address)
        if self._guard is not None and (why := self._blocked(self._guard, request, url)):
            return NoReply("none", why)
        call = _Call(request, url, until, still_mine)
        try:
            if self._settings.csrf is None or request.method in SAFE_METHODS:
                return await self._logged_in(call)
            return await self._protected(call, self._settings.csrf)
        except TokenError as error:
            return NoReply("none", str(error), error.kind)
        except (SecretError, TlsError) as error:
            return NoReply("none", error.finding.text, "credential")

    @property
    def granted(self) -> frozenset[str] | None:
        """Give the scopes of the newest token, where anything tells them."""
        return self._tokens.granted if self._tokens is not None else None

    @property
    def trouble(self) -> str | None:
        """Say why nothing is sent until a person has put the secret right; None: nothing keeps us."""
        try:
            return self._basic.trouble if self._basic is not None else None
        except SecretError:
            return None  # the next request tells that

    async def close(self) -> None:
        """Let go of connections."""
        await self._connections.close()
        if self._tokens is not None:
            await self._tokens.close()

    async def _protected(self, call: _Call, settings: CsrfSettings) -> Reply | NoReply:
        """Send a write in a CSRF session; refused for want of one, once more in a new one."""

        async def fetch(captured: Captured) -> Reply | NoReply:
            request = Request("csrf", Effect.READ, settings.method, settings.path, headers=FETCH)
            url = _below(self._base, settings.path)
            fetching = replace(call, request=request, url=url, still_mine=None, captured=captured)
            return await self._logged_in(fetching)

        session = await self._csrf_session(fetch, call.until)
        if not isinstance(session, CsrfSession):
            return session
        reply = await self._logged_in(replace(call, extra=session.headers))
        if not is_refused(reply):
            return reply
        self._csrf.forget(session)
        other = await self._csrf_session(fetch, call.until)
        if not isinstance(other, CsrfSession):
            return other
        return await self._logged_in(replace(call, extra=other.headers))

    async def _csrf_session(self, fetch: Fetch, until: float) -> CsrfSession | Reply | NoReply:
        """Give the session in the call's own time, whoever is fetching it."""
        if (known := self._csrf.known) is not None:
            return known  # as nearly always: no clock needs to run
        try:
            async with asyncio.timeout_at(until):
                return await self._csrf.current(fetch)
        except TimeoutError:
            return NoReply("none", "no CSRF token in time", "outage")

    async def _logged_in(self, call: _Call) -> Reply | NoReply:
        if self._tokens is not None:
            return await self._authorized(call, self._tokens)
        if self._basic is not None:
            return await self._basic.send(lambda header: self._exchange(call, header), call.until)
        return await self._exchange(call, None)

    async def _authorized(self, call: _Call, tokens: TokenSource) -> Reply | NoReply:
        """Send with a token, and after a 401 once more with a new one.

        A 401 says that the request was not acted upon (RFC 9110 section 15.5.2).
        """
        token = await _token(tokens, call)
        if self._guard is not None and (why := self._guard.closes(tokens.granted)):
            return NoReply("none", why, "credential")
        reply = await self._exchange(call, f"Bearer {token}")
        if not isinstance(reply, Reply) or reply.status != 401:
            return reply
        tokens.invalidate(token)
        try:
            other = await _token(tokens, call)
        except TokenError:
            return reply
        if self._guard is not None and (why := self._guard.closes(tokens.granted)):
            return NoReply("none", why, "credential")
        return reply if other == token else await self._exchange(call, f"Bearer {other}")

    def _blocked(self, guard: ShadowGuard, request: Request, url: URL) -> str:
        """Ask the guard about a request as it will be sent, with the headers that the settings add."""
        added = (*self._settings.headers.items(), *self._settings.secret_headers.items())
        whole = replace(request, headers=(*request.headers, *added))
        return guard.blocks(whole, url.host or "", url.raw_path, url.raw_query_string)

    async def _exchange(self, call: _Call, authorization: str | None) -> Reply | NoReply:
        is_tls = call.url.scheme == "https"
        headers = self._headers(call, authorization)
        outgoing = Outgoing(call.request.method, call.url, headers, call.request.body, call.until)
        context = self._tls.context() if is_tls else None
        progress = Progress(call.still_mine)
        try:
            incoming = await self._connections.exchange(outgoing, context, progress)
        except StaleClaimError:
            return NoReply("none", "the claim was lost before anything was written", "stale_claim")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return unanswered(error, progress, is_tls=is_tls)
        if call.captured is not None:
            call.captured.take(incoming.headers, _cookies(incoming.headers))
        return self._replied(incoming)

    def _replied(self, incoming: Incoming) -> Reply | NoReply:
        """Give the reply. A refusal counts by its status even where its body is broken."""
        if incoming.problem and 200 <= incoming.status < 300:
            return NoReply("maybe", f"status {incoming.status}, but {incoming.problem}")
        body = incoming.body[: self._settings.reply_bytes_max]
        return Reply(incoming.status, body, self._kept_headers(incoming.headers))

    def _kept_headers(self, received: CIMultiDictProxy[str]) -> tuple[tuple[str, str], ...]:
        headers = [(name, text) for name, text in received.items() if not _is_session(name, text)]
        if "Retry-After" in received:
            headers = [(name, self._in_seconds(name, text)) for name, text in headers]
        return tuple(headers)

    def _in_seconds(self, name: str, text: str) -> str:
        """Write a Retry-After date as seconds (RFC 9110 section 10.2.3): targets have no clock."""
        if name.lower() != "retry-after" or text.strip().isdecimal():
            return text
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return text
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return str(max(0, _whole_seconds(at, self._clock.now())))

    def _headers(self, call: _Call, authorization: str | None) -> CIMultiDict[str]:
        settings = self._settings
        headers = CIMultiDict({"Host": call.url.host_port_subcomponent or "", "Accept": "*/*"})
        headers.update(call.request.headers)
        headers["User-Agent"] = USER_AGENT
        headers["Accept-Encoding"] = "identity"
        for name, text in settings.headers.items():
            headers[name] = text
        for name, reference in settings.secret_headers.items():
            headers[name] = self._secret(reference)
        for name, text in call.extra:
            headers[name] = text
        if authorization is not None:
            headers["Authorization"] = authorization
        return headers


@dataclass(frozen=True, slots=True)
class _Call:
    """One `send`: what goes where, until when (in the loop's time), under which claim, in which session."""

    request: Request
    url: URL
    until: float
    still_mine: ClaimCheck | None
    extra: tuple[tuple[str, str], ...] = ()
    captured: Captured | None = None


@lru_cache(maxsize=1_024)  # most requests go to a few addresses
def _below(base: str, address: str) -> URL:
    """Give the address of a request. Errors: ValueError for one that is not below the endpoint's base."""
    problem = path_problem(address)
    if problem:
        raise ValueError(f"address {problem}; found '{address}'")
    return URL(f"{base}/{address}" if address else base, encoded=True)


def _is_session(name: str, text: str) -> bool:
    """Tell whether a header is a session secret; that a CSRF token is required is none."""
    lower = name.lower()
    return lower in NOT_KEPT or (lower == HEADER and text.strip().lower() != "required")


def _cookies(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    """Give the cookies that a reply sets, as they are sent back (RFC 6265 section 4.2)."""
    pairs = (text.partition(";")[0].partition("=") for text in headers.getall("Set-Cookie", ()))
    return {name.strip(): text.strip() for name, _, text in pairs if name.strip()}


async def _token(tokens: TokenSource, call: _Call) -> str:
    try:
        async with asyncio.timeout_at(call.until):
            return await tokens.token()
    except TimeoutError as error:
        raise TokenError("the token endpoint does not answer in time", "outage") from error


def _whole_seconds(at: datetime, now: datetime) -> int:
    return -int((now - at).total_seconds() // 1)


def _resolved_base(settings: HttpSettings, secret: Callable[[str], str]) -> str:
    base = settings.base
    if base.startswith(("env:", "file:")):
        base = secret(base)
        problem = address_problem(base, settings.plaintext)
        if problem:
            raise ValueError(f"{settings.base}: {problem}")
    return base.rstrip("/")
