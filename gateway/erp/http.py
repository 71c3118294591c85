"""The one sink to HTTP endpoints: connections, TLS, tokens, time-outs. It decides nothing.

It never sends a request twice by itself, but for two cases that say that nothing was done: after a 401
once more with a new token, after a 403 for want of a CSRF token once more with a new session. It follows
no redirects. `NoReply.written` is "none" only
when surely nothing of the request reached the other side's program.
"""

from __future__ import annotations

import asyncio
import io
import re
import ssl
import weakref
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from multidict import CIMultiDict
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
from gateway.erp.settings import CsrfSettings, HttpSettings, address_problem, path_problem
from gateway.erp.shadow_guard import ShadowGuard
from gateway.security.oauth2 import TokenError, TokenSource
from gateway.security.secrets import SecretError
from gateway.security.tls import ClientTls, TlsError

LARGE_BYTES = 512 * 1024  # aiohttp wants larger bodies as a file
USER_AGENT = "legacy-bridge"
NOT_KEPT = frozenset({"set-cookie", "set-cookie2"})  # the journal keeps replies; session secrets stay out

ClaimCheck = Callable[[], Awaitable[bool]]


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
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request, *, still_mine: ClaimCheck | None = None) -> Reply | NoReply:
        """Write one request and wait for its reply. `still_mine` is asked on the open connection.

        All of it, tokens too, ends within the shorter of the request's time and the endpoint's.
        Errors: ValueError for an address that is not below the endpoint's base.
        """
        until = asyncio.get_running_loop().time() + min(request.timeout_s, self._settings.timeout_s)
        url = self._url(request.address)
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
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._tokens is not None:
            await self._tokens.close()

    async def _protected(self, call: _Call, settings: CsrfSettings) -> Reply | NoReply:
        """Send a write in a CSRF session; refused for want of one, once more in a new one."""

        async def fetch(captured: Captured) -> Reply | NoReply:
            request = Request("csrf", Effect.READ, settings.method, settings.path, headers=FETCH)
            return await self._logged_in(
                replace(
                    call, request=request, url=self._url(settings.path), still_mine=None, captured=captured
                )
            )

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
        request, url = call.request, call.url
        progress = _Progress(call.still_mine)
        _PROGRESS.set(progress)
        try:
            async with self._opened().request(
                request.method,
                url,
                data=io.BytesIO(request.body) if len(request.body) > LARGE_BYTES else request.body or None,
                headers=self._headers(call, authorization),
                ssl=self._tls.context() if url.scheme == "https" else True,
                allow_redirects=False,
                timeout=self._timeout(call),
            ) as response:
                if call.captured is not None:
                    cookies = {name: morsel.value for name, morsel in response.cookies.items()}
                    call.captured.take(response.headers, cookies)
                return await self._read(response)
        except _StaleClaimError:
            return NoReply("none", "the claim was lost before anything was written", "stale_claim")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _unanswered(error, progress, is_tls=url.scheme == "https")

    async def _read(self, response: aiohttp.ClientResponse) -> Reply | NoReply:
        """Read the body up to the bound. A refusal counts by its status even where its body is broken."""
        body, problem = await _bounded_body(response, self._settings.reply_bytes_max)
        if problem and 200 <= response.status < 300:
            return NoReply("maybe", f"status {response.status}, but {problem}")
        return Reply(response.status, body, self._kept_headers(response))

    def _kept_headers(self, response: aiohttp.ClientResponse) -> tuple[tuple[str, str], ...]:
        headers = [(name, text) for name, text in response.headers.items() if not _is_session(name, text)]
        if "Retry-After" in response.headers:
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
        headers = CIMultiDict(call.request.headers)
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

    def _timeout(self, call: _Call) -> aiohttp.ClientTimeout:
        total_s = max(0.001, call.until - asyncio.get_running_loop().time())  # 0 would mean: no limit
        return aiohttp.ClientTimeout(
            total=total_s,
            sock_connect=min(self._settings.connect_timeout_s, total_s),
            sock_read=self._settings.read_timeout_s,
        )

    def _url(self, address: str) -> URL:
        problem = path_problem(address)
        if problem:
            raise ValueError(f"address {problem}; found '{address}'")
        return URL(f"{self._base}/{address}" if address else self._base, encoded=True)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            settings = self._settings
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=settings.connections, keepalive_timeout=settings.keep_alive_s
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                request_class=_Request,
                auto_decompress=False,
                trust_env=False,
            )
            # aiohttp repeats a PUT by itself where a kept connection breaks; the journal must know of
            # every request, so it may not. There is no public switch; a test holds this.
            self._session._retry_connection = False
        return self._session


@dataclass(frozen=True, slots=True)
class _Call:
    """One `send`: what goes where, until when (in the loop's time), under which claim, in which session."""

    request: Request
    url: URL
    until: float
    still_mine: ClaimCheck | None
    extra: tuple[tuple[str, str], ...] = ()
    captured: Captured | None = None


def _is_session(name: str, text: str) -> bool:
    """Tell whether a header is a session secret; that a CSRF token is required is none."""
    lower = name.lower()
    return lower in NOT_KEPT or (lower == HEADER and text.strip().lower() != "required")


async def _token(tokens: TokenSource, call: _Call) -> str:
    try:
        async with asyncio.timeout_at(call.until):
            return await tokens.token()
    except TimeoutError as error:
        raise TokenError("the token endpoint does not answer in time", "outage") from error


class _StaleClaimError(Exception):
    """The claim was lost between taking the delivery and writing it."""


class _Progress:
    """How far one request has come."""

    __slots__ = ("has_begun", "is_first_on_connection", "still_mine")

    def __init__(self, still_mine: ClaimCheck | None) -> None:
        self.still_mine = still_mine
        self.has_begun = False
        self.is_first_on_connection = False


_PROGRESS: ContextVar[_Progress] = ContextVar("progress")
_USED: weakref.WeakSet[aiohttp.client_proto.ResponseHandler] = weakref.WeakSet()


class _Request(aiohttp.ClientRequest):
    """A request that asks for its claim on the open connection, right before its first byte."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        progress = _PROGRESS.get()
        if progress.still_mine is not None and not await progress.still_mine():
            raise _StaleClaimError
        protocol = conn.protocol
        if protocol is not None and protocol not in _USED:
            _USED.add(protocol)
            progress.is_first_on_connection = True
        if protocol is not None and not protocol.is_connected():
            # It ended while the claim was looked at: nothing was written.
            raise aiohttp.ClientConnectionError("the connection had ended") from protocol.exception()
        progress.has_begun = True
        return await super().send(conn)


async def _bounded_body(response: aiohttp.ClientResponse, size_max: int) -> tuple[bytes, str]:
    """Give the body, or as much of it as came, and what was wrong with it.

    Of a success that announces too much nothing is read: it would be thrown away.
    """
    too_large = f"the reply is larger than {size_max} bytes"
    if 200 <= response.status < 300 and (response.content_length or 0) > size_max:
        response.close()
        return b"", too_large
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > size_max:
                response.close()
                return b"".join(chunks)[:size_max], too_large
    except TimeoutError:
        response.close()
        return b"".join(chunks), "the reply did not end in time"
    except (aiohttp.ClientError, OSError) as error:
        return b"".join(chunks), f"the reply broke off after {size} bytes ({type(error).__name__})"
    return b"".join(chunks), ""


def _unanswered(error: Exception, progress: _Progress, *, is_tls: bool) -> NoReply:
    alert = _handshake_alert(error)
    if not progress.has_begun:
        is_certificate = bool(alert) or isinstance(error, aiohttp.ClientSSLError | ssl.SSLError)
        return NoReply("none", _reason("no connection", error), "credential" if is_certificate else "outage")
    if alert and progress.is_first_on_connection:
        # With TLS 1.3 the client may write before the server has judged its certificate. The server's
        # program sees nothing before the handshake ends, so nothing was done.
        return NoReply("none", f"the other side refuses our certificate ({alert})", "credential")
    reason = _reason("no reply", error)
    if (
        is_tls
        and progress.is_first_on_connection
        and isinstance(error, ConnectionError | aiohttp.ClientError)
    ):
        # Servers that cut a connection in place of an alert are not rare. It proves nothing, so it is a hint.
        reason += "; it closed a new connection at once: does it accept our certificate?"
    return NoReply("maybe", reason)


_CERTIFICATE_ALERTS = (
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "ACCESS_DENIED",
)


_ALERT = re.compile(r"\[SSL: (\w*ALERT\w*)\]")


def _handshake_alert(error: BaseException | None) -> str:
    """Give the TLS alert about our certificate that caused an error, if one did."""
    while error is not None:
        # aiohttp keeps an SSLError's text in an error of its own, and not always the SSLError.
        found = _ALERT.match(error.strerror or "") if isinstance(error, OSError) else None
        if found is not None:
            return found[1] if found[1].endswith(_CERTIFICATE_ALERTS) else ""
        error = error.__cause__ or error.__context__
    return ""


def _reason(what: str, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"{what} in time"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{what}: {text[:300]}"


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
