"""Reading a request's body: never more than is allowed, never slower, and whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.inlets.http_inlet import HttpInlet, RefusedError, refused, too_large


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How slowly a body may come."""

    piece_s: float = 20.0  # until the next bytes
    body_s: float = 600.0  # for all of it


class BoundedBody:
    """A request's body, in pieces. Whatever is wrong is raised as RefusedError, and kept in ``error``.

    The count is of bytes that came, whatever Content-Length or the chunks said.
    """

    def __init__(self, request: web.Request, inlet: HttpInlet, limits: ReadLimits) -> None:
        self._request = request
        self._inlet = inlet
        self._limits = limits
        self._ends_at = asyncio.get_running_loop().time() + limits.body_s
        self._size = 0
        self.error: RefusedError | None = None

    async def first(self) -> bytes:
        """Give the first piece. Errors: RefusedError, also where there is no body."""
        piece = await self._read()
        if not piece:
            text = "the request has no body; expected the message itself"
            raise self._failed(RefusedError(refused(400, "HTTP-NO-BODY", self._request.path, text)))
        return piece

    async def pieces(self, first: bytes) -> AsyncIterator[bytes]:
        """Give all pieces, beginning with the one that was read already."""
        yield first
        while piece := await self._read():
            yield piece

    async def whole(self) -> bytes:
        """Give the whole body."""
        return b"".join([piece async for piece in self.pieces(await self.first())])

    async def _read(self) -> bytes:
        at, content = self._request.path, self._request.content
        try:
            if content.is_eof():  # the rest is here already: a small body costs no timer
                piece = content.read_nowait()
            else:
                left_s = self._ends_at - asyncio.get_running_loop().time()
                async with asyncio.timeout(min(self._limits.piece_s, max(left_s, 0.0))):
                    piece = await content.readany()
        except TimeoutError:
            text = f"the body came too slowly: {self._size} bytes, then nothing for too long; send it again"
            raise self._failed(
                RefusedError(refused(408, "HTTP-TIMEOUT", at, text, Connection="close"))
            ) from None
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
            text = f"the body ended after {self._size} bytes, before its declared end; send it again"
            raise self._failed(RefusedError(refused(400, "HTTP-INCOMPLETE", at, text))) from error
        self._size += len(piece)
        if self._size > self._inlet.size_bytes_max:
            raise self._failed(RefusedError(too_large(self._inlet, at)))
        return piece

    def _failed(self, error: RefusedError) -> RefusedError:
        self.error = error
        return error
