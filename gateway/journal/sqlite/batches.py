"""Calls to the journal on their way to its threads: who waits for each, and what goes in one batch."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

Call = Callable[[], Any]
Outcome = tuple[Any, BaseException | None]

QUIET_S = 0.004  # between two steps of one live message less passes, so it is over, or waits for others
RIDES_AFTER_S = 0.5  # without a quiet moment: then in the commit of what is live
LATE_MAX_S = 1.0  # then in one of its own


class Pulse:
    """When something live last asked the journal; its threads share one."""

    __slots__ = ("_beat_at",)

    def __init__(self) -> None:
        self._beat_at = -math.inf

    def beat(self) -> None:
        """Take note of live work, as it asks and as it is answered."""
        self._beat_at = time.monotonic()

    def quiet_in_s(self, job: Job) -> float:
        """Give how long an unhurried call waits still: for a moment without live work, and not for ever."""
        return max(0.0, min(self._beat_at + QUIET_S, job.asked_at + LATE_MAX_S) - time.monotonic())


class Job:
    """One call and who waits for it."""

    __slots__ = ("_future", "asked_at", "call", "is_unhurried")

    def __init__(self, call: Call, future: asyncio.Future[Any] | None, *, is_unhurried: bool = False) -> None:
        self.call = call
        self.is_unhurried = is_unhurried
        self.asked_at = time.monotonic()
        self._future = future

    @property
    def may_ride(self) -> bool:
        """Tell whether it has waited long enough to go with what is live."""
        return time.monotonic() >= self.asked_at + RIDES_AFTER_S

    def tell(self, outcome: Outcome) -> None:
        """Give who waits what came of it; on the event loop."""
        result, error = outcome
        if self._future is None or self._future.done():  # nobody waits (any more); the call ran all the same
            return
        if error is None:
            self._future.set_result(result)
        else:
            self._future.set_exception(error)


class Batch:
    """The calls of one transaction. ``more`` is asked, while they run, for what else goes in."""

    def __init__(self, jobs: list[Job], more: Callable[[list[Job]], list[Job]] = lambda jobs: []) -> None:
        self.jobs = jobs
        self._more = more

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[Call]:
        turn = 0
        while turn < len(self.jobs) or self._grow():
            yield self.jobs[turn].call
            turn += 1

    def _grow(self) -> bool:
        more = self._more(self.jobs)
        self.jobs += more
        return bool(more)
