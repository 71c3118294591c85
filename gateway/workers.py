"""Where decoding runs: small inputs in this process, big ones in a process of their own.

A CPU-bound Python thread beside the event loop would stall it (lxml gives up the interpreter lock
on each parse and can wait a whole switch interval to get it back), so batches and backfills are
decoded by worker processes. A worker takes one input at a time, chunk by chunk: what it holds is
bounded by the chunk and the sets that it completes.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import pickle
import signal
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Literal, ParamSpec, TypeVar

from adapters.base import DecodeContext, Decoded, Decoder, Decoding, Format, Summary
from gateway.system import collect_seldom

log = logging.getLogger("legacy_bridge.workers")

INLINE_BYTES_MAX = 64 * 1024
FEED_BYTES = 256 * 1024
PIECE = 8  # sets or messages of an answer are unpickled at a time, between which the loop does other things
URGENT_WORKERS = 1  # on top: an urgent large input does not wait until a batch is through
BESIDE_BEGINS = 16  # small inputs at once: who never has so many never has the process
BESIDE_MIN = 4  # small inputs: below that, the way to the other process costs more than it spares
BESIDE_S = 20.0  # for all of them; a process that stands still keeps nobody longer
END_S = 5.0

Verb = Literal["begin", "feed", "finish", "run"]
P = ParamSpec("P")
T = TypeVar("T")


class WorkerError(Exception):
    """A decoding process died or failed; its message is decoded again later, or parked."""


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
        self._free: list[_Worker] = []
        self._slots = asyncio.Semaphore(workers)
        self._urgent_slots = asyncio.Semaphore(URGENT_WORKERS)
        self._all: set[_Worker] = set()
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

    async def _begun(self, format_name: str, context: DecodeContext) -> _Worker:
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
        worker = _Worker(self._formats)
        self._all.add(worker)
        await self._begin(worker, format_name, context)
        return worker

    async def _begin(self, worker: _Worker, format_name: str, context: DecodeContext) -> None:
        try:
            await worker.call("begin", format_name, context)
        except BaseException:
            self._keep(worker)
            raise

    def _give_back(self, worker: _Worker, slots: asyncio.Semaphore) -> None:
        self._keep(worker)
        slots.release()

    def _keep(self, worker: _Worker) -> None:
        """Keep a worker for the next input; one that died or still owes an answer is ended."""
        if worker.is_usable and worker in self._all and not worker.is_outdated:
            self._free.append(worker)
            return
        worker.stop()
        self._all.discard(worker)


class _RemoteDecoding:
    def __init__(self, worker: _Worker, give_back: Callable[[], None]) -> None:
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

    Nobody waits while it starts, nor while it is busy: what it would do is then done without it.
    """

    def __init__(self, formats: Callable[[str], Format]) -> None:
        self._formats = formats
        self._worker: _Worker | None = None
        self._starting: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start it, unless it is there."""
        if self._worker is None and self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())

    def is_free(self) -> bool:
        """Tell whether it would take something at once."""
        return self._worker is not None and self._worker.is_usable

    async def run(self, work: Callable[[], list[T]]) -> list[T] | None:
        """Give the work's list, or None."""
        worker = self._worker
        if worker is None or not worker.is_usable:
            return None
        try:
            # To the end, even where who asked is cancelled: an answer that nobody fetched ends a worker.
            answer = asyncio.shield(worker.call("run", work))
            done, _ = await asyncio.wait_for(answer, BESIDE_S)
        except (WorkerError, TimeoutError) as error:
            why = str(error) or f"no answer within {BESIDE_S:.0f} s"
            log.warning("worker.lost %s; what it had is done without it", why)
            self.end()
            return None
        return done

    def end(self) -> list[_Worker]:
        """End it: the next question starts another. Give what is ending."""
        ending = [self._worker] if self._worker is not None else []
        if self._starting is not None:
            self._starting.cancel()
        self._worker = self._starting = None
        for worker in ending:
            worker.stop()
        return ending

    async def _start(self) -> None:
        worker = _Worker(self._formats)
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


class _Worker:
    """One process and the pipe to it; one call at a time."""

    def __init__(self, formats: Callable[[str], Format]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, formats), daemon=True)
        self._process.start()
        other.close()
        self.is_usable = True
        self.is_outdated = False

    @property
    def pid(self) -> int | None:
        """Give the process id."""
        return self._process.pid

    async def call(self, verb: Verb, *parts: object) -> tuple[list[Any], Summary | None]:
        """Ask the worker; a call that is cancelled leaves it unusable, since its answer is still due."""
        if not self.is_usable:
            raise WorkerError("the decoding process is gone")
        self.is_usable = False
        request = pickle.dumps((verb, parts))
        answer: Future[bytes] = Future()
        answer.set_running_or_notify_cancel()  # nobody can cancel it: the thread always has where to put it
        # The thread sleeps in the kernel until bytes come; making objects of them is the loop's own work.
        Thread(target=self._exchange, args=(request, answer), daemon=True).start()
        told: bytes = await asyncio.wrap_future(answer)
        pieces, summary, problem = pickle.loads(told)  # noqa: S301  our own process
        given: list[Any] = []
        for piece in pieces:
            given += pickle.loads(piece)  # noqa: S301
            await asyncio.sleep(0)
        self.is_usable = True
        if problem is not None:
            raise WorkerError(problem)
        return given, summary

    def stop(self) -> None:
        """End the process. A thread that waits on the pipe sees its end; the pipe closes with the worker."""
        self.is_usable = False
        self._process.kill()

    def join(self, within_s: float) -> None:
        """Wait for the process to be gone."""
        self._process.join(within_s)

    def _exchange(self, request: bytes, answer: Future[bytes]) -> None:
        try:
            self._pipe.send_bytes(request)
            answer.set_result(self._pipe.recv_bytes())
        except (EOFError, OSError) as error:
            answer.set_exception(WorkerError(f"the decoding process died: {error!r}"))


def _serve(pipe: Connection, formats: Callable[[str], Format]) -> None:
    """Answer calls until the pipe closes; runs in the worker process."""
    collect_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway ends us; a terminal's Ctrl-C reaches both
    decoder: Decoder | None = None
    while True:
        try:
            verb, parts = pickle.loads(pipe.recv_bytes())  # noqa: S301  the gateway's own pipe
        except (EOFError, OSError):
            return
        given: list[Any] = []
        summary: Summary | None = None
        problem: str | None = None
        try:
            if verb == "run":
                given = parts[0]()
            elif verb == "begin":
                decoder = formats(parts[0]).decoder(parts[1])
            elif decoder is None:
                raise WorkerError(f"'{verb}' before 'begin'")
            elif verb == "feed":
                given = list(decoder.feed(parts[0]))
            else:
                given, summary = decoder.finish()
                decoder = None
            answer = _answer(given, summary)
        except Exception as error:  # noqa: BLE001  a decoder's bug is told to the gateway, which parks the message
            # The type only: an exception's text may hold what stood in the message.
            problem = f"the decoder broke: {type(error).__name__}"
            answer = pickle.dumps(([], None, problem))
        pipe.send_bytes(answer)


def _answer(given: list[Any], summary: Summary | None) -> bytes:
    pieces = [pickle.dumps(given[start : start + PIECE]) for start in range(0, len(given), PIECE)]
    return pickle.dumps((pieces, summary, None))
