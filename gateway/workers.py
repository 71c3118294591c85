"""Where decoding runs: small inputs in this process, big ones in a process of their own.

A CPU-bound Python thread beside the event loop would stall it (lxml gives up the interpreter lock
on each parse and can wait a whole switch interval to get it back), so batches and backfills are
decoded by worker processes. A worker takes one input at a time, chunk by chunk: what it holds is
bounded by the chunk and the sets that it completes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from adapters.base import DecodeContext, Decoded, Decoder, Decoding, Format, Summary
from gateway.worker_process import WorkerError, WorkerProcess

__all__ = ["InlineExecutor", "ProcessExecutor", "WorkerError"]

log = logging.getLogger("legacy_bridge.workers")

INLINE_BYTES_MAX = 64 * 1024
FEED_BYTES = 256 * 1024
URGENT_WORKERS = 1  # on top: an urgent large input does not wait until a batch is through
BESIDE_BEGINS = 16  # small inputs at once: who never has so many never has the process
BESIDE_MIN = 4  # small inputs: below that, the way to the other process costs more than it spares
BESIDE_OWES = 2  # batches at once: the next one is there when one is through
BESIDE_S = 20.0  # for all of them; a process that stands still keeps nobody longer
END_S = 5.0

P = ParamSpec("P")
T = TypeVar("T")


class InlineDecoding:
    """A decoding in this process."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    async def feed(self, chunk: bytes) -> list[Decoded]:
        """Give the sets that these bytes complete."""
        return list(self._decoder.feed(chunk))

    async def finish(self) -> tuple[list[Decoded], Summary]:
        """Give the rest."""
        return self._decoder.finish()

    async def close(self) -> None:
        """Let go."""


class InlineExecutor:
    """Decodes everything in this process: for tests, simulations and one-shot commands."""

    def __init__(self, formats: Callable[[str], Format]) -> None:
        self._formats = formats

    async def decoding(
        self, format_name: str, context: DecodeContext, size_bytes: int, *, is_urgent: bool = False
    ) -> Decoding:
        """Start decoding."""
        return InlineDecoding(self._formats(format_name).decoder(context))

    def is_free(self, inputs: int) -> bool:
        """Tell that there is no other process."""
        return False

    async def apart(self, work: Callable[P, list[T]], *args: P.args, **kwargs: P.kwargs) -> list[T] | None:
        """Give nothing: who asks does it here."""
        return None

    def renew(self) -> None:
        """Do nothing: it is this process that has read the files."""


class ProcessExecutor:
    """Decodes small inputs here and big ones in at most ``workers`` processes, one more for urgent ones.

    ``formats`` must be importable by name (a module-level function): workers are spawned, not forked,
    since a fork would copy the journal's open file and its locks.
    """

    def __init__(self, formats: Callable[[str], Format], workers: int) -> None:
        self._formats = formats
        self._free: list[WorkerProcess] = []
        self._slots = asyncio.Semaphore(workers)
        self._urgent_slots = asyncio.Semaphore(URGENT_WORKERS)
        self._all: set[WorkerProcess] = set()
        self._beside = _Beside(formats)

    def is_free(self, inputs: int) -> bool:
        """Tell whether the process for many small inputs is there and idle; a first burst starts it."""
        if inputs >= BESIDE_BEGINS:
            self._beside.begin()
        return inputs >= BESIDE_MIN and self._beside.is_free()

    async def apart(self, work: Callable[P, list[T]], *args: P.args, **kwargs: P.kwargs) -> list[T] | None:
        """Have it done by the process for many small inputs; None where that is busy, or died."""
        return await self._beside.run(partial(work, *args, **kwargs))

    async def decoding(
        self, format_name: str, context: DecodeContext, size_bytes: int, *, is_urgent: bool = False
    ) -> Decoding:
        """Start decoding. Errors: WorkerError."""
        if size_bytes <= INLINE_BYTES_MAX:
            return InlineDecoding(self._formats(format_name).decoder(context))
        slots = self._urgent_slots if is_urgent and self._slots.locked() else self._slots
        await slots.acquire()
        try:
            worker = await self._begun(format_name, context)
        except BaseException:
            slots.release()
            raise
        return _RemoteDecoding(worker, lambda: self._give_back(worker, slots))

    def renew(self) -> None:
        """Let other workers take what begins from now on: these have read files as they were."""
        self._beside.end()
        for worker in self._all:
            worker.is_outdated = True
        for worker in self._free:
            worker.stop()
        self._all.difference_update(self._free)
        self._free.clear()

    async def close(self) -> None:
        """End all workers."""
        ending = [*self._all, *self._beside.end()]
        self._all.clear()
        self._free.clear()
        for worker in ending:
            worker.stop()
        for worker in ending:
            await asyncio.to_thread(worker.join, END_S)

    async def _begun(self, format_name: str, context: DecodeContext) -> WorkerProcess:
        """Give a worker that has taken the input. One that died while it was idle costs nobody anything."""
        while self._free:
            worker = self._free.pop()
            try:
                await self._begin(worker, format_name, context)
            except WorkerError:
                if worker.is_usable:
                    raise
            else:
                return worker
        worker = WorkerProcess(self._formats)
        self._all.add(worker)
        await self._begin(worker, format_name, context)
        return worker

    async def _begin(self, worker: WorkerProcess, format_name: str, context: DecodeContext) -> None:
        try:
            await worker.call("begin", format_name, context)
        except BaseException:
            self._keep(worker)
            raise

    def _give_back(self, worker: WorkerProcess, slots: asyncio.Semaphore) -> None:
        self._keep(worker)
        slots.release()

    def _keep(self, worker: WorkerProcess) -> None:
        """Keep a worker for the next input; one that died or still owes an answer is ended."""
        if worker.is_usable and worker in self._all and not worker.is_outdated:
            self._free.append(worker)
            return
        worker.stop()
        self._all.discard(worker)


class _RemoteDecoding:
    def __init__(self, worker: WorkerProcess, give_back: Callable[[], None]) -> None:
        self._worker = worker
        self._give_back = give_back
        self._is_open = True

    async def feed(self, chunk: bytes) -> list[Decoded]:
        decoded: list[Decoded] = []
        for start in range(0, len(chunk), FEED_BYTES):
            sets, _ = await self._worker.call("feed", chunk[start : start + FEED_BYTES])
            decoded += sets
        return decoded

    async def finish(self) -> tuple[list[Decoded], Summary]:
        sets, summary = await self._worker.call("finish")
        if summary is None:
            raise AssertionError("a worker answers 'finish' with a summary")
        return sets, summary

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._give_back()


class _Beside:
    """The process for many small inputs: one, begun when there is first much to do.

    Nobody waits while it starts, nor behind more than one other: what it would do is then done without it.
    """

    def __init__(self, formats: Callable[[str], Format]) -> None:
        self._formats = formats
        self._worker: WorkerProcess | None = None
        self._starting: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start it, unless it is there."""
        if self._worker is None and self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())

    def is_free(self) -> bool:
        """Tell whether it would take something at once."""
        worker = self._worker
        return worker is not None and not worker.is_gone and worker.owed < BESIDE_OWES

    async def run(self, work: Callable[[], list[T]]) -> list[T] | None:
        """Give the work's list, or None."""
        worker = self._worker
        if worker is None or not self.is_free():
            return None
        try:
            # To the end, even where who asked is cancelled: an answer that nobody fetched ends a worker.
            answer = asyncio.shield(worker.call("run", work))
            done, _ = await asyncio.wait_for(answer, BESIDE_S)
        except (WorkerError, TimeoutError) as error:
            why = str(error) or f"no answer within {BESIDE_S:.0f} s"
            log.warning("worker.lost %s; what it had is done without it", why)
            if self._worker is worker:  # else it was ended for another of its calls
                self.end()
            return None
        return done

    def end(self) -> list[WorkerProcess]:
        """End it: the next question starts another. Give what is ending."""
        ending = [self._worker] if self._worker is not None else []
        if self._starting is not None:
            self._starting.cancel()
        self._worker = self._starting = None
        for worker in ending:
            worker.stop()
        return ending

    async def _start(self) -> None:
        worker = WorkerProcess(self._formats)
        try:
            await worker.call("run", list)  # answered once all is imported
        except WorkerError as error:
            log.warning("worker.not_started %s", error)
            self._starting = None
        except BaseException:
            worker.stop()
            raise
        else:
            self._worker, self._starting = worker, None
