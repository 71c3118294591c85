"""One HTTP exchange at a time on the connections to one endpoint; it decides nothing.

aiohttp opens, limits and keeps the connections, and reads what comes. Its session is left out: redirects,
cookies, repeats, compression and streamed bodies are what the gateway does not want, and they cost as much
again as the exchange itself. Head and body of a request go out in one write; only a large body gets a task
of its own, so that an early refusal is read while it still goes out.
"""

from __future__ import annotations

import asyncio
import ssl
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage, StreamWriter
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.erp.settings import HttpSettings

LARGE_BYTES = 512 * 1024  # a body above it is written piece by piece, as fast as it is taken
PIECE_BYTES = 64 * 1024
WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # whose empty body needs no length

ClaimCheck = Callable[[], Awaitable[bool]]


class StaleClaimError(Exception):
    """The claim was lost between taking the delivery and writing it."""


class NotHttpError(aiohttp.ClientError):
    """What came back is no HTTP reply."""


@dataclass(slots=True)
class Progress:
    """How far one request has come: what a failure means hangs on it."""

    still_mine: ClaimCheck | None
    has_begun: bool = False
    is_first_on_connection: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request as it goes out; its length is added. ``until`` is in the event loop's time."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes
    until: float


@dataclass(slots=True)
class Incoming:
    """What came of a reply; ``problem`` says why its body is not whole."""

    status: int
    headers: CIMultiDictProxy[str]
    chunks: list[bytes] = field(default_factory=list)
    problem: str = ""

    @property
    def body(self) -> bytes:
        """Give the body, or as much of it as came."""
        return b"".join(self.chunks)


_USED: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()


class HttpConnections:
    """The connections to one endpoint, opened when first needed and kept open for a while."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._timeout = aiohttp.ClientTimeout(sock_connect=settings.connect_timeout_s)
        self._connector: aiohttp.TCPConnector | None = None
        self._way: aiohttp.ClientRequest | None = None  # where connections lead, as the connector asks for it

    async def exchange(
        self, outgoing: Outgoing, context: ssl.SSLContext | None, progress: Progress
    ) -> Incoming:
        """Write a request and read its reply, up to the bound of its body.

        Errors: StaleClaimError, aiohttp.ClientError, TimeoutError and OSError; ``progress`` tells how far
        the request had come.
        """
        incoming: Incoming | None = None
        connection: aiohttp.connector.Connection | None = None
        writing: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout_at(outgoing.until):
                connection = await self._connected(outgoing.url, context)
                protocol = await _begun(connection, progress)
                self._expect(protocol, outgoing.method)
                writing = await _written(protocol, outgoing)
                message, content = await _head(protocol)
                incoming = Incoming(message.code, message.headers)
                await self._read(content, incoming)
        except TimeoutError:
            if incoming is None:
                raise
            incoming.problem = "the reply did not end in time"
        except HttpProcessingError as error:
            raise NotHttpError(" ".join(str(error.message).split())) from error
        finally:
            is_through = writing is None or not writing.cancel()
            if connection is not None:
                if incoming is not None and not incoming.problem and is_through:
                    connection.release()
                else:
                    connection.close()
        return incoming

    async def close(self) -> None:
        """Let go of them."""
        if self._connector is not None:
            await self._connector.close()
            self._connector = None

    async def _connected(self, url: URL, context: ssl.SSLContext | None) -> aiohttp.connector.Connection:
        if self._connector is None:
            settings = self._settings
            self._connector = aiohttp.TCPConnector(
                limit=settings.connections, keepalive_timeout=settings.keep_alive_s
            )
        trust = True if context is None else context
        if self._way is None or self._way.ssl is not trust:  # another context once its files have changed
            self._way = aiohttp.ClientRequest("GET", url, ssl=trust, loop=asyncio.get_running_loop())
        return await self._connector.connect(self._way, [], self._timeout)

    def _expect(self, protocol: ResponseHandler, method: str) -> None:
        """Have the next reply on a connection read as one to this request."""
        protocol.set_response_params(
            skip_payload=method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=self._settings.read_timeout_s,
        )

    async def _read(self, content: aiohttp.StreamReader, incoming: Incoming) -> None:
        """Read the body up to the bound, as much of it as comes."""
        size_max, size = self._settings.reply_bytes_max, 0
        try:
            while not content.at_eof():
                chunk = await content.readany()
                incoming.chunks.append(chunk)
                size += len(chunk)
                if size > size_max:
                    incoming.problem = f"the reply is larger than {size_max} bytes"
                    return
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            incoming.problem = f"the reply broke off after {size} bytes ({type(error).__name__})"


async def _begun(connection: aiohttp.connector.Connection, progress: Progress) -> ResponseHandler:
    """Ask for the claim on the open connection, right before the first byte."""
    if progress.still_mine is not None and not await progress.still_mine():
        raise StaleClaimError
    protocol = connection.protocol
    if protocol is None:
        raise aiohttp.ClientConnectionError("the connection was closed")
    if protocol not in _USED:
        _USED.add(protocol)
        progress.is_first_on_connection = True
    progress.has_begun = True
    return protocol


async def _written(protocol: ResponseHandler, outgoing: Outgoing) -> asyncio.Task[None] | None:
    """Write a request; give the task that still does so, where its body is large."""
    headers = outgoing.headers
    if outgoing.body or outgoing.method not in WITHOUT_BODY:
        headers["Content-Length"] = str(len(outgoing.body))
        headers.setdefault("Content-Type", "application/octet-stream")
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    await writer.write_headers(f"{outgoing.method} {outgoing.url.raw_path_qs} HTTP/1.1", headers)
    if len(outgoing.body) > LARGE_BYTES:
        return asyncio.create_task(_write(writer, protocol, outgoing.body))
    if outgoing.body:
        await writer.write(outgoing.body, drain=False)  # with the head, in one piece
    writer.set_eof()
    protocol.start_timeout()
    return None


async def _write(writer: StreamWriter, protocol: ResponseHandler, body: bytes) -> None:
    """Write a body as fast as it is taken; an error shows in the reply that does not come."""
    try:
        for start in range(0, len(body), PIECE_BYTES):
            await writer.write(body[start : start + PIECE_BYTES])
    except (aiohttp.ClientError, OSError) as error:
        protocol.set_exception(error)
    else:
        protocol.start_timeout()


async def _head(protocol: ResponseHandler) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
    """Give the head of the reply, after those that only say that one will come (RFC 9110 section 15.2)."""
    while True:
        message, content = await protocol.read()
        if message.code >= 200 or message.code == 101:
            return message, content
