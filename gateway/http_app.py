"""The one HTTP application: listeners, limits and readiness; what it serves is mounted on it.

It reads no configuration and knows no route. Every mounted handler stands behind the same gate: a
bound on requests at the same time, an answer in problem form for whatever goes wrong, and a clean end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web

from gateway.handshakes import tell_failures
from gateway.inlets.answers import json_response, problem
from gateway.inlets.body import ReadLimits
from gateway.inlets.http_inlet import Caller, Refusal, RefusedError, refused, shown
from gateway.journal.base import JournalBusyError, JournalError

log = logging.getLogger("legacy_bridge.http")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Identify = Callable[[bytes], Caller | None]

HEADER_BYTES_MAX = 16 * 1024
HEADERS_MAX = 100


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What callers together may ask of the application."""

    requests_max: int = 256  # worked on at the same time; more are told to come back
    connections_max: int = 2_000
    idle_s: float = 75.0  # a connection without a whole request head
    linger_s: float = 5.0  # a refused body is read and dropped for so long, so that the answer arrives
    handshake_s: float = 20.0
    read: ReadLimits = field(default_factory=ReadLimits)


class HttpApp:
    """The application. Mount everything first, then ``start`` one listener or several, then ``close``.

    ``is_ready`` says whether the journal takes messages. ``identify`` gives the holder of a client
    certificate (DER), None for one that is not known.
    """

    def __init__(
        self,
        is_ready: Callable[[], Awaitable[bool]],
        identify: Identify | None = None,
        limits: HttpLimits | None = None,
    ) -> None:
        self.limits = limits or HttpLimits()
        self._is_ready = is_ready
        self._identify = identify
        self._app = web.Application(middlewares=[_problems, self._elsewhere], client_max_size=1024)
        self._app.on_response_prepare.append(_unnamed)
        self._app.router.add_get("/healthz", self._healthz)
        self._app.router.add_get("/readyz", self._readyz)
        self._runner: web.AppRunner | None = None
        self._listeners: list[asyncio.Server] = []
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_closing = False
        self._told_of_handshakes: list[Callable[[ssl.SSLError], None]] = []
        self.served_elsewhere: Callable[[str], Handler | None] = lambda path: None

    def mount(self, method: str, path: str, handler: Handler) -> None:
        """Serve a path, in aiohttp's notation, by a handler that stands behind the gate."""
        self._app.router.add_route(method, path, partial(self._through_gate, handler=handler))

    @web.middleware
    async def _elsewhere(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve a path that nothing is mounted on by whoever takes it now: paths that a reload may change."""
        found = self.served_elsewhere(request.path) if request.match_info.http_exception is not None else None
        return await handler(request) if found is None else await self._through_gate(request, found)

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> tuple[str, int]:
        """Listen; give the address, whose port is drawn where ``port`` is 0. Errors: OSError."""
        runner = await self._running()
        server = runner.server
        if server is None:
            raise AssertionError("the runner is set up")

        loop = asyncio.get_running_loop()

        def connected() -> asyncio.Protocol:
            is_full = len(server.connections) >= self.limits.connections_max
            return _Full() if is_full or self._is_closing else _Connection(server, loop, self.limits)

        if tls is not None:
            tell_failures(tls, self._handshake_failed)
        handshake_s = None if tls is None else self.limits.handshake_s
        listener = await loop.create_server(
            connected, host, port, ssl=tls, backlog=512, ssl_handshake_timeout=handshake_s
        )
        self._listeners.append(listener)
        address = listener.sockets[0].getsockname()
        log.info("http.listening host=%s port=%d tls=%s", address[0], address[1], tls is not None)
        return str(address[0]), int(address[1])

    def on_handshake_failure(self, told: Callable[[ssl.SSLError], None]) -> None:
        """Have something hear of TLS handshakes that fail."""
        self._told_of_handshakes.append(told)

    def _handshake_failed(self, error: ssl.SSLError) -> None:
        if not self._is_closing:
            for told in self._told_of_handshakes:
                told(error)

    async def close(self, within_s: float = 15.0) -> None:
        """Take nothing more, finish what is under way, at most so long, then end the rest."""
        self._is_closing = True
        for listener in self._listeners:
            listener.close()
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("http.cut_off requests=%d", self._requests)
        if self._runner is not None:
            await self._end_connections(self._runner)

    async def _end_connections(self, runner: web.AppRunner) -> None:
        """Let go of every connection. One under TLS whose other side stays silent is cut, not waited for."""
        kept = [each.transport for each in runner.server.connections] if runner.server is not None else []
        await runner.cleanup()
        for transport in kept:
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)  # the loop lets go of a cut connection in its next turn

    def caller(self, request: web.Request) -> Caller | None:
        """Give who holds the connection's client certificate; None where it has none.

        Errors: RefusedError (403) for a certificate that is not known.
        """
        connection = request.protocol
        der = connection.client_certificate() if isinstance(connection, _Connection) else None
        if der is None:
            return None
        found = self._identify(der) if self._identify is not None else None
        if found is None:
            text = "this client certificate stands for no partner; ask the gateway's operator to add it"
            raise RefusedError(refused(403, "HTTP-CERTIFICATE", request.path, text))
        return found

    async def _running(self) -> web.AppRunner:
        if self._runner is None:
            # close() has waited already
            self._runner = web.AppRunner(self._app, handle_signals=False, shutdown_timeout=0.5)
            await self._runner.setup()
        return self._runner

    async def _through_gate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._is_closing or self._requests >= self.limits.requests_max:
            text = "the gateway is stopping" if self._is_closing else "too many requests at the same time"
            return problem(refused(503, "HTTP-BUSY", request.path, f"{text}; send it again", Retry_After="1"))
        self._requests += 1
        self._idle.clear()
        try:
            return await _in_problem_form(request, handler)
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def _healthz(self, request: web.Request) -> web.Response:
        return json_response(200, {"alive": True})

    async def _readyz(self, request: web.Request) -> web.Response:
        is_ready = not self._is_closing and await self.is_ready()
        return json_response(200 if is_ready else 503, {"ready": is_ready})

    async def is_ready(self) -> bool:
        """Tell whether messages are taken now."""
        return not self._is_closing and await self._is_ready()


async def _in_problem_form(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request, whatever happens; nothing that failed is told as done."""
    at = request.path
    try:
        return await handler(request)
    except RefusedError as error:
        return problem(error.refusal)
    except JournalBusyError:
        text = "the journal has more to write than it can; nothing was taken, send it again"
        return problem(refused(503, "JOURNAL-BUSY", at, text, Retry_After="1"))
    except JournalError:
        log.exception("http.journal_failed path=%s", shown(at))
        return problem(journal_down(at))
    except (web.HTTPException, asyncio.CancelledError):
        raise
    except Exception:
        # The last wall: a defect of ours is told as 500 and stops nobody else.
        log.exception("http.failed path=%s", shown(at))
        return problem(refused(500, "HTTP-INTERNAL", at, "the gateway met a defect of its own; it is logged"))


def journal_down(at: str) -> Refusal:
    """Say that the journal does not take messages."""
    text = "the journal cannot write; nothing was taken, send it again later"
    return refused(503, "JOURNAL-DOWN", at, text, Retry_After="30")


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Word what aiohttp itself refuses (404, 405) as we word everything else."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        text = f"{shown(request.method)} is not taken here; expected {allowed}"
        return problem(refused(405, "HTTP-METHOD", shown(request.path), text, Allow=allowed))
    except web.HTTPNotFound:
        text = "there is nothing under this path"
        return problem(refused(404, "HTTP-PATH", shown(request.path), text))
    except web.HTTPException as error:
        return problem(refused(error.status, "HTTP-REQUEST", shown(request.path), error.reason))


async def _unnamed(request: web.Request, response: web.StreamResponse) -> None:
    """Leave out which software answers: it helps only those who look for its known flaws."""
    response.headers["Server"] = "legacy-bridge"


class _Connection(web.RequestHandler):
    """One connection within our limits; a request that is no HTTP is answered as everything else is."""

    __slots__ = ("_certificate",)

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop, limits: HttpLimits) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # aiohttp's own way to have none
            keepalive_timeout=limits.idle_s,
            lingering_time=limits.linger_s,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            max_headers=HEADERS_MAX,
            auto_decompress=False,  # a compressed body is refused, not unpacked to any size
        )
        self._certificate: bytes | None = None

    def client_certificate(self) -> bytes | None:
        """Give the other side's certificate (DER); None without one.

        It is asked for once: a connection ends with the certificate that its handshake was made with.
        """
        if self._certificate is None and self.transport is not None:
            tls = self.transport.get_extra_info("ssl_object")
            self._certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        return self._certificate

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Say that a request could not be read, without repeating what stood in it."""
        if status >= 500:
            log.error("http.failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("part of another answer was sent already")
        text = "the request is no well-formed HTTP/1.1 within the limits of this server"
        response = problem(refused(status, "HTTP-MALFORMED", "", text))
        response.force_close()
        return response


class _Full(asyncio.Protocol):
    """Closes a connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        with contextlib.suppress(OSError):
            transport.close()
