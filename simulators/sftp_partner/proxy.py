"""A TCP proxy that spoils the network between us and a server: latency, cuts, silence.

It runs in a thread of its own, so that blocking clients can be tried against it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

PIECE_BYTES = 64 * 1024
T = TypeVar("T")


class FaultProxy:
    """Listens on loopback and passes everything on to a port, as badly as it is told to."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._budgets: dict[bool, int] = {}  # what may still pass: from the server, towards it
        self.passed = {True: 0, False: 0}  # what has passed: from the server, towards it
        self._hush: int | None = None
        self.port = 0
        self.round_trip_s = 0.0
        self.connections = 0
        self.is_refusing = False

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        self._loop.call_soon_threadsafe(self._flows.set)
        self.port = self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Cut all connections now; new ones are taken."""
        self._run(self._cut())

    def cut_after(self, size_bytes: int, *, from_server: bool) -> None:
        """Cut all connections once so many more bytes have come from one side; only once."""
        self._budgets[from_server] = size_bytes

    def hush_after(self, size_bytes: int) -> None:
        """Pass nothing on any more once the server has sent more than so many bytes."""
        self._hush = size_bytes

    def stall(self) -> None:
        """Pass nothing on any more, and say nothing: as a network does that lost a route."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def flow(self) -> None:
        """Pass on again."""
        self._loop.call_soon_threadsafe(self._flows.set)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        self._flows.set()
        await self._cut()
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_refusing:
            writer.transport.abort()
            return
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(
            self._pass(reader, far_writer, from_server=False),
            self._pass(far_reader, writer, from_server=True),
            return_exceptions=True,
        )
        self._writers -= {writer, far_writer}
        for each in (writer, far_writer):
            each.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_server: bool
    ) -> None:
        """Pass one direction on; each piece arrives half a round trip later, others may be under way."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(1024)
        sending = asyncio.ensure_future(self._send(queue, writer))
        try:
            with contextlib.suppress(OSError):
                while piece := await reader.read(PIECE_BYTES):
                    self.passed[from_server] += len(piece)
                    if from_server and self._hush is not None and self.passed[True] > self._hush:
                        self._flows.clear()
                    if self._is_spent(len(piece), from_server):
                        await self._cut()
                        return
                    await queue.put((self._loop.time() + self.round_trip_s / 2, piece))
            await queue.put((0.0, b""))
            await sending
        finally:
            sending.cancel()

    async def _send(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, piece = await queue.get()
            await self._flows.wait()
            if (wait_s := due - self._loop.time()) > 0:
                await asyncio.sleep(wait_s)
            if not piece:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()

    def _is_spent(self, size_bytes: int, from_server: bool) -> bool:
        if from_server not in self._budgets:
            return False
        self._budgets[from_server] -= size_bytes
        if self._budgets[from_server] > 0:
            return False
        del self._budgets[from_server]
        return True
