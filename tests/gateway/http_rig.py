"""The real HTTP application on a real socket, over a journal in memory, and a raw client that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from adapters.base import Answered, Finding, Inbound, Origin, Position, Refused, Taken
from gateway.api.inbound import InboundApi
from gateway.api.messages import mount_messages
from gateway.http_app import HttpApp, HttpLimits, Identify
from gateway.inlets.body import ReadLimits
from gateway.inlets.http_inlet import HttpInlet
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import Arrival, ArrivalKind
from tests.gateway.support import RealClock, SeededRng

QUICK = HttpLimits(idle_s=0.4, linger_s=0.2, read=ReadLimits(piece_s=0.3, body_s=1.5))


class Gateway:
    """What stands behind the application: accept, then settle, as the pipeline does it."""

    def __init__(
        self, *inlets: HttpInlet, limits: HttpLimits = QUICK, identify: Identify | None = None
    ) -> None:
        self.clock = RealClock()
        self.rng = SeededRng()
        self.journal = MemoryJournal(clock=self.clock)
        self.is_healthy = True
        self.taken: list[Inbound] = []
        self.refusals: list[tuple[str, Origin, Finding]] = []
        self.before_accept: Callable[[], Awaitable[None]] | None = None
        self.answers: dict[str, Answered] = {}
        self.answer_all: Answered | None = None
        self.waits: list[tuple[str, float]] = []
        self.app = HttpApp(self.healthy, identify, limits)
        self.api = InboundApi(
            self.app,
            inlets,
            take=self.take,
            wait_for=self.wait_for,
            pass_on=self.wait_for,
            refuse=self.refuse,
            clock=self.clock,
        )
        mount_messages(self.app, self.journal, self.api.inlet)
        self.port = 0

    async def start(self, tls: ssl.SSLContext | None = None) -> Gateway:
        _, self.port = await self.app.start("127.0.0.1", 0, tls)
        return self

    async def healthy(self) -> bool:
        return self.is_healthy

    async def take(self, inbound: Inbound) -> None:
        body = b"".join([piece async for piece in inbound.body])
        if self.before_accept is not None:
            await self.before_accept()
        now = self.clock.now()
        arrival = Arrival(
            message_id=f"m{self.rng.token()}",
            route=inbound.route,
            arrival_key=inbound.arrival_key,
            partner=inbound.partner,
            sha256="",
            size_bytes=0,
            origin=inbound.origin,
            correlation_id=inbound.correlation_id or "c",
            accepted_at=now,
            is_urgent=False,
            config_revision=1,
        )
        acceptance = await self.journal.accept(arrival, body)
        self.taken.append(inbound)
        if acceptance.kind is ArrivalKind.CONFLICT:
            text = f"message {acceptance.conflicts_with} came with the same identity and other bytes"
            facts = {"message_id": acceptance.message_id, "first": acceptance.conflicts_with or ""}
            await inbound.settle(Refused(Finding("ARRIVAL-CONFLICT", Position(""), text, facts=facts), 409))
        else:
            await inbound.settle(Taken(acceptance.message_id, acceptance.kind is ArrivalKind.SAME))

    async def wait_for(self, message_id: str, within_s: float) -> Answered | None:
        self.waits.append((message_id, within_s))
        return self.answer_all

    async def refuse(self, route: str, origin: Origin, finding: Finding) -> str:
        self.refusals.append((route, origin, finding))
        return await self.journal.refuse(route, origin, finding, self.clock.now())

    async def bodies(self, route: str) -> list[bytes]:
        """Give what the journal holds of a route, oldest first, refusals left out."""
        messages = [each for each in await self.journal.messages(route=route) if each.size_bytes]
        return [
            b"".join([piece async for piece in self.journal.body(each.message_id)])
            for each in reversed(messages)
        ]


@dataclass(frozen=True)
class Answer:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def post(
    port: int,
    path: str,
    body: bytes = b"ISA*00~",
    *,
    headers: dict[str, str] | None = None,
    method: str = "POST",
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Send one well-formed request over a connection of its own."""
    named = {"Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return await raw(
        port, f"{method} {path} HTTP/1.1\r\nHost: gateway\r\n{head}\r\n".encode() + body, tls=tls
    )


async def raw(
    port: int, *pieces: bytes, pause_s: float = 0.0, ends: bool = False, tls: ssl.SSLContext | None = None
) -> Answer:
    """Send bytes as they are, piece by piece; ``ends``: then say that no more comes."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None
    )
    try:
        for piece in pieces:
            writer.write(piece)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            await asyncio.sleep(pause_s)
        if ends:
            writer.write_eof()
        return await read_answer(reader)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read one response. Errors: asyncio.IncompleteReadError where none came."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(head[0].split()[1]), headers, body)
