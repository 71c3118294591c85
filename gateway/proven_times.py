"""How long ago the steps of a delivery in doubt were, as the monotonic clock proves it.

Whether a write in doubt may be sent again depends on how much time has passed since. What is written down
is the wall clock's time; where that jumps an hour ahead, every quiet period would be over at once, and the
order be sent again while the ERP still hides the first. So a target is shown such steps at times that lie
as far back as has surely passed. The record keeps what the clock said.

What another process has taken counts as taken when this one started: how long that one lived, and how long
none did, nobody can tell from a clock that may have been set meanwhile. That a person has retried it since
changes nothing: it may have been parked for any reason, and looked up in an hour that never was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from adapters.base import Clock, Delivery, Effect, StepResult

KNOWN_MAX = 10_000  # deliveries in doubt; what is forgotten waits longer, as after a restart


class ProvenTimes:
    """What one process knows of the deliveries that it has seen in doubt."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = self._now()
        self._known: dict[str, _Known] = {}

    @property
    def count(self) -> int:
        """Tell of how many deliveries something is known."""
        return len(self._known)

    def shown(self, delivery: Delivery, steps: Sequence[StepResult], now: datetime) -> Sequence[StepResult]:
        """Give a delivery's steps as its target is to see them at ``now``."""
        doubt = _last_doubt(steps)
        if doubt is None:
            return steps
        known = self._of(delivery.delivery_id)
        view = _View(known, now, self._now())
        return [*steps[:doubt], *view.moved(steps, doubt)]

    def begun(self) -> int:
        """Give what ``took`` is to be told of a step that begins now."""
        return self._now()

    def took(self, delivery_id: str, steps: Sequence[StepResult], begun: int) -> None:
        """Take note of the last of these steps, which has just ended in this process."""
        if delivery_id in self._known or _is_doubt(steps[-1]):
            self._of(delivery_id).own[len(steps) - 1] = (begun, self._now())

    def lost(self, delivery_id: str) -> None:
        """Take note that this process may have sent something just now without hearing what became of it."""
        self._of(delivery_id).before = self._now()

    def forget(self, delivery_id: str) -> None:
        """Drop what is known of a delivery that has ended."""
        self._known.pop(delivery_id, None)

    def _of(self, delivery_id: str) -> _Known:
        known = self._known.get(delivery_id)
        if known is None:
            if len(self._known) >= KNOWN_MAX:
                self.forget(next(iter(self._known)))
            known = self._known[delivery_id] = _Known(self._started)
        return known

    def _now(self) -> int:
        return round(self._clock.monotonic() * 1_000_000)  # whole microseconds, as times are compared


@dataclass(slots=True)
class _Known:
    """``before``: when what was not taken here was over; ``own``: when steps taken here began and ended."""

    before: int
    own: dict[int, tuple[int, int]] = field(default_factory=dict)


class _View:
    """The steps of one delivery at one instant."""

    def __init__(self, known: _Known, now: datetime, monotonic: int) -> None:
        self._known = known
        self._now = now
        self._monotonic = monotonic

    def moved(self, steps: Sequence[StepResult], first: int) -> Iterator[StepResult]:
        """Give the steps from ``first`` on, at the times when they surely were over."""
        own = self._known.own
        foreign = [at for at in range(first, len(steps)) if at not in own]
        # Never sooner than it was written down: where two processes overlap, and a clock set back, as ever.
        over_at = max([self._at(self._known.before), *(_end(steps[at]) for at in foreign[-1:])])
        for at in range(first, len(steps)):
            if at in own:
                yield _at_times(steps[at], *map(self._at, own[at]))
            else:
                yield _at_times(steps[at], over_at, over_at)

    def _at(self, then: int) -> datetime:
        return self._now - timedelta(microseconds=self._monotonic - then)


def _last_doubt(steps: Sequence[StepResult]) -> int | None:
    """Find the newest write that may have happened, looked up since or not."""
    for at in range(len(steps) - 1, -1, -1):
        if _is_doubt(steps[at]):
            return at
    return None


def _is_doubt(step: StepResult) -> bool:
    return step.request.effect is Effect.WRITE and step.is_in_doubt


def _end(step: StepResult) -> datetime:
    return step.ended_at or step.started_at


def _at_times(step: StepResult, started_at: datetime, ended_at: datetime) -> StepResult:
    return replace(step, started_at=started_at, ended_at=ended_at if step.ended_at else None)
