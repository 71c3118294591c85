"""A thread with a bounded queue in front: calls go in from the event loop, results come back in batches.

Whatever was queued while a batch ran is the next batch; there is no timer. Results of a batch wake
the event loop once, and calls made in one turn of the event loop go in together: otherwise the first
of many senders who were answered together would start, and pay for, a batch of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from gateway.journal.base import JournalBusyError, JournalError

BATCH_MAX = 512  # a batch takes in no more once it has so many

T = TypeVar("T")
Call = Callable[[], Any]
Outcome = tuple[Any, BaseException | None]
RunBatch = Callable[[Sequence[Call]], list[Outcome]]


class Job:
    """One call and who waits for it."""

    __slots__ = ("call", "future")

    def __init__(self, call: Call, future: asyncio.Future[Any] | None) -> None:
        self.call = call
        self.future = future


class QueuedThread:
    """Runs calls in batches on one thread, in the order in which they were submitted."""

    def __init__(
        self,
        name: str,
        run_batch: RunBatch,
        *,
        queue_max: int,
        wait_s: float,
        after_batch: Callable[[], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._run_batch = run_batch
        self._after_batch = after_batch
        self._queue: SimpleQueue[list[Job] | None] = SimpleQueue()
        self._gathered: list[Job] = []  # in this turn of the event loop
        self._queue_max = queue_max
        self._wait_s = wait_s
        self._queued = 0  # counted on the event loop alone
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def submit(self, call: Callable[[], T]) -> T:
        """Give a call's result. Errors: JournalBusyError where the queue stays full, and the call's own."""
        if self._queued >= self._queue_max:
            await self._room()
        if self._is_closed:
            raise JournalError("the journal is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._put(Job(call, future))
        return await future

    def post(self, call: Call) -> None:
        """Run a call that nobody waits for."""
        if not self._is_closed:
            self._put(Job(call, None))

    def _put(self, job: Job) -> None:
        self._queued += 1
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(job)

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._queue.put(gathered)

    async def close(self) -> None:
        """Finish what is queued and end the thread."""
        if not self._is_closed:
            self._is_closed = True
            self._flush()
            self._queue.put(None)
        while self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)  # the last batch's results are on their way

    async def _room(self) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            await asyncio.wait_for(waiter, self._wait_s)
        except TimeoutError:
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiter)
            raise JournalBusyError(
                f"{self._queue_max} calls wait for the journal's disk; nothing was written, try again later"
            ) from None

    def _run(self) -> None:
        is_open = True
        while is_open:
            jobs, is_open = self._next_batch()
            if jobs:
                outcomes = self._run_batch([job.call for job in jobs])
                with contextlib.suppress(RuntimeError):  # the event loop is gone, and who waited with it
                    self._loop.call_soon_threadsafe(self._deliver, jobs, outcomes)
                if self._after_batch is not None:
                    self._after_batch()

    def _next_batch(self) -> tuple[list[Job], bool]:
        """Wait for jobs, take all there are, and tell whether more may come."""
        jobs = self._queue.get()
        if jobs is None:
            return [], False
        with contextlib.suppress(Empty):
            while len(jobs) < BATCH_MAX:
                more = self._queue.get_nowait()
                if more is None:
                    return jobs, False
                jobs += more
        return jobs, True

    def _deliver(self, jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
        self._queued -= len(jobs)
        for job, (result, error) in zip(jobs, outcomes, strict=True):
            if job.future is None or job.future.done():  # nobody waits (any more); the call ran all the same
                continue
            if error is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(error)
        free = self._queue_max - self._queued
        while self._waiting and free > 0:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free -= 1
