"""A picker: a process that picks up files beside others and hands each to the owner of the journal.

It is the folder's source and nothing else; what that needs of the journal it asks the owner for. Once the
owner is gone it ends at once: a file that it holds is claimed by name, and taken up again by the next.
Started as ``python -m adapters.sftp_files.driver_picker DESCRIPTOR`` by ``driver_pickers``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from adapters.base import DecodeError, Inbound, Judged, Lease
from adapters.base.registry import EndpointSetup, SourceSetup
from adapters.sftp_files import source_of
from adapters.sftp_files.driver_frames import (
    Answer,
    Ask,
    Frames,
    More,
    Offer,
    Piece,
    Settled,
    Standing,
    Start,
)
from adapters.sftp_files.source import FileSource

log = logging.getLogger("legacy_bridge.sftp_files")

TELL_S = 1.0  # how often it is looked whether our trouble is another one


class _Clock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


class _Rng:
    """The machine's chance."""

    def random(self) -> float:
        return secrets.SystemRandom().random()

    def token(self) -> str:
        return base64.b32encode(secrets.token_bytes(10)).decode().lower()


class _Owner:
    """The owner of the journal, as a picker sees it; also the ``SourceMemory`` of its source."""

    def __init__(self, frames: Frames, loop: asyncio.AbstractEventLoop) -> None:
        self._frames = frames
        self._loop = loop
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._offered: Inbound | None = None
        self._rest: Any = None
        self._settled: asyncio.Future[Settled] | None = None

    async def listen(self) -> None:
        """Take what the owner says until it is gone."""
        try:
            while True:
                match await self._frames.receive():
                    case Answer(number, value, error):
                        future = self._waiting.pop(number)
                        if error:
                            future.set_exception(RuntimeError(error))
                        else:
                            future.set_result(value)
                    case More(number):
                        await self._send_more(number)
                    case Settled() as settled if self._settled is not None:
                        self._settled.set_result(settled)
        except EOFError:
            os._exit(0)  # nothing of ours needs an end: a claimed file is found by its name

    async def ask(self, name: str, *arguments: Any) -> Any:
        """Ask for something, and wait for the answer."""
        number = next(self._numbers)
        future = self._waiting[number] = self._loop.create_future()
        await self._frames.send(Ask(number, name, arguments))
        return await future

    def secret(self, reference: str) -> str:
        """Give a secret; asked from a thread that connects."""
        return str(asyncio.run_coroutine_threadsafe(self.ask("secret", reference), self._loop).result(30))

    async def judgments(self, after: str | None) -> tuple[Sequence[Judged], str]:
        """Ask what translation found later."""
        return await self.ask("judgments", after)  # type: ignore[no-any-return]

    async def offer(self, inbound: Inbound) -> None:
        """Offer a file, and settle it as the owner says."""
        number = next(self._numbers)
        self._settled = self._loop.create_future()
        self._rest = aiter(inbound.body)
        first, refusal = await self._next()
        second = b""
        is_whole = refusal is not None or not first
        if not is_whole:
            second, refusal = await self._next()
            is_whole = not second
        body = first + second
        await self._frames.send(Offer(number, inbound.arrival_key, inbound.origin, body, is_whole, refusal))
        settled = await self._settled
        if settled.settlement is not None:
            await inbound.settle(settled.settlement)

    async def _send_more(self, number: int) -> None:
        piece, refusal = await self._next()
        await self._frames.send(Piece(number, piece, refusal))

    async def _next(self) -> tuple[bytes, Any]:
        try:
            return await anext(self._rest, b""), None
        except DecodeError as error:
            return b"", error.finding

    # -- SourceMemory --------------------------------------------------------------------------

    async def remember_once(
        self, scope: str, key: str, content_hash: str, expires_at: datetime
    ) -> Literal["new", "same", "different"]:
        return await self.ask("remember_once", scope, key, content_hash, expires_at)  # type: ignore[no-any-return]

    async def lease(self, scope: str, key: str, owner: str, duration_s: float) -> Lease | None:
        return await self.ask("lease", scope, key, owner, duration_s)  # type: ignore[no-any-return]

    async def release(self, lease: Lease) -> bool:
        return bool(await self.ask("release", lease))

    async def cursor(self, scope: str) -> str | None:
        return await self.ask("cursor", scope)  # type: ignore[no-any-return]

    async def set_cursor(self, scope: str, value: str, expected: str | None) -> bool:
        return bool(await self.ask("set_cursor", scope, value, expected))


async def pick_up(sock: socket.socket) -> None:
    """Pick up files until the owner is gone."""
    frames = await Frames.over(sock)
    start = await frames.receive()
    if not isinstance(start, Start):
        raise TypeError("a picker is told first what to do")
    owner = _Owner(frames, asyncio.get_running_loop())
    listening = asyncio.create_task(owner.listen())
    listening.add_done_callback(_end)
    endpoint = EndpointSetup(
        start.endpoint, start.environment, start.settings, _Clock(), _Rng(), owner.secret
    )
    setup = SourceSetup(
        endpoint,
        start.route,
        start.route_settings,
        start.identity,
        start.partner,
        owner,
        start.size_bytes_max,
        owner.judgments,
    )
    source = source_of(setup, start.share)
    telling = asyncio.create_task(_tell_trouble(source, frames))
    async for inbound in source.receive():
        await owner.offer(inbound)
    telling.cancel()
    listening.cancel()


async def _tell_trouble(source: FileSource, frames: Frames) -> None:
    """Tell the owner what keeps us from taking anything, whenever that is something else."""
    told: str | None = None
    with contextlib.suppress(EOFError):  # whoever listens ends the process
        while True:
            if (trouble := source.trouble) != told:
                await frames.send(Standing(trouble))
                told = trouble
            await asyncio.sleep(TELL_S)


def _end(listening: asyncio.Task[None]) -> None:
    """End the process where nobody listens any more: its source would wait for ever."""
    if not listening.cancelled() and (error := listening.exception()) is not None:
        log.critical("picker.failed reason=%r", error)
        os._exit(1)


def main() -> None:
    """Run one picker."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s picker %(message)s")
    asyncio.run(pick_up(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
