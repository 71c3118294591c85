"""A thread with a bounded queue in front: calls go in from the event loop, results come back in batches.

Whatever was queued while a batch was flushed is the next batch; there is no timer. One that writes takes
in what comes while its calls run, too, until there is nothing more or it is full. Results of a batch
wake the event loop once, and calls made in one turn of the event loop go in together: otherwise the first
of many senders who were answered together would start, and pay for, a batch of its own.

Unhurried calls (``gateway.journal.hurry``) wait beside the queue until nothing live has asked for a
moment. Then they share one commit, and what is live and comes meanwhile goes into that same one, after
the call that runs just now. Their results go to the event loop one a turn, in such moments, too. Where
there is none, they ride in the batches of what is live, one in each.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

from gateway.journal.base import JournalBusyError, JournalError
from gateway.journal.hurry import is_unhurried
from gateway.journal.sqlite.batches import Batch, Call, Job, Outcome, Pulse

BATCH_MAX = 512  # a batch takes in no more once it has so many

T = TypeVar("T")
RunBatch = Callable[[Batch], list[Outcome]]


class QueuedThread:
    """Runs calls in batches on one thread, in the order in which they were asked; unhurried ones later."""

    def __init__(
        self,
        name: str,
        run_batch: RunBatch,
        *,
        pulse: Pulse,
        queue_max: int,
        wait_s: float,
        unhurried_max: int,
        takes_in: bool = False,
        after_batch: Callable[[], None] | None = None,
    ) -> None:
        """``unhurried_max``: how many calls a batch may have that nothing live goes into at once.

        ``takes_in``: a batch takes in what comes while its calls run. A look at the file must not: it would
        show them what was there before they asked.
        """
        self._loop = asyncio.get_running_loop()
        self._run_batch = run_batch
        self._after_batch = after_batch
        self._pulse = pulse
        self._unhurried_max = unhurried_max
        self._takes_in = takes_in
        self._queue: SimpleQueue[list[Job] | None] = SimpleQueue()
        self._gathered: list[Job] = []  # in this turn of the event loop
        self._unhurried: deque[Job] = deque()
        self._untold: deque[tuple[Job, Outcome]] = deque()  # of unhurried ones
        self._queue_max = queue_max
        self._wait_s = wait_s
        self._queued = 0  # counted on the event loop alone
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_closed = False
        self._is_open = True  # as the thread knows it
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    # -- on the event loop -----------------------------------------------------------------

    async def submit(self, call: Callable[[], T]) -> T:
        """Give a call's result. Errors: JournalBusyError where the queue stays full, and the call's own."""
        if self._queued >= self._queue_max:
            await self._room()
        if self._is_closed:
            raise JournalError("the journal is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        if is_unhurried():
            self._put_aside(Job(call, future, is_unhurried=True))
        else:
            self._put(Job(call, future))
        return await future

    def post(self, call: Call) -> None:
        """Run a call that nobody waits for."""
        if not self._is_closed:
            self._put(Job(call, None))

    def _put(self, job: Job) -> None:
        self._pulse.beat()
        self._queued += 1
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(job)

    def _put_aside(self, job: Job) -> None:
        self._queued += 1
        self._unhurried.append(job)
        self._queue.put([])  # the thread looks how long this one waits

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
        while self._untold:
            self._tell_one()

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

    def _deliver(self, jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
        self._queued -= len(jobs)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if not job.is_unhurried:
                self._pulse.beat()
                job.tell(outcome)
                continue
            if not self._untold:
                self._loop.call_soon(self._tell_unhurried)
            self._untold.append((job, outcome))
        free = self._queue_max - self._queued
        while self._waiting and free > 0:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free -= 1

    def _tell_unhurried(self) -> None:
        """Tell one result: what its task does next takes one turn of the event loop, in a quiet moment."""
        if not self._untold:
            return
        if (quiet_in_s := self._pulse.quiet_in_s(self._untold[0][0])) > 0:
            self._loop.call_later(quiet_in_s, self._tell_unhurried)
            return
        self._tell_one()
        if self._untold:
            self._loop.call_soon(self._tell_unhurried)

    def _tell_one(self) -> None:
        job, outcome = self._untold.popleft()
        job.tell(outcome)

    # -- on the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        while self._is_open or self._unhurried:
            batch = self._next_batch()
            if batch.jobs:
                outcomes = self._run_batch(batch)
                with contextlib.suppress(RuntimeError):  # the event loop is gone, and who waited with it
                    self._loop.call_soon_threadsafe(self._deliver, batch.jobs, outcomes)
                if self._after_batch is not None:
                    self._after_batch()

    def _next_batch(self) -> Batch:
        """Wait for calls and take all there are; where none hurries, the unhurried ones that have waited."""
        jobs = self._first()
        if not jobs:
            return Batch(self._aside(), self._joining)
        jobs += self._at_once(BATCH_MAX - len(jobs))
        if self._unhurried and self._unhurried[0].may_ride:
            jobs += self._aside()
        return Batch(jobs, self._meanwhile) if self._takes_in else Batch(jobs)

    def _meanwhile(self, jobs: list[Job]) -> list[Job]:
        """Give what came while these ran: the flush that is due costs the same, and theirs is saved."""
        return self._at_once(BATCH_MAX - len(jobs))

    def _first(self) -> list[Job]:
        """Wait for calls that hurry; none, where it is time for one that does not, or the end."""
        while self._is_open:
            waits_s = self._pulse.quiet_in_s(self._unhurried[0]) if self._unhurried else None
            try:
                jobs = self._queue.get(timeout=waits_s)
            except Empty:
                break
            if jobs is None:
                self._is_open = False
            elif jobs:
                return jobs
        return []

    def _at_once(self, room: int) -> list[Job]:
        """Give the calls that are queued by now."""
        jobs: list[Job] = []
        with contextlib.suppress(Empty):
            while len(jobs) < room:
                more = self._queue.get_nowait()
                if more is None:
                    self._is_open = False
                    break
                jobs += more
        return jobs

    def _aside(self) -> list[Job]:
        return [self._unhurried.popleft()] if self._unhurried else []

    def _joining(self, jobs: list[Job]) -> list[Job]:
        """Give what else goes into a batch of unhurried calls: what is live and came meanwhile ends it."""
        if len(jobs) >= self._unhurried_max or not jobs[-1].is_unhurried:
            return []
        return self._at_once(BATCH_MAX) or self._aside()
