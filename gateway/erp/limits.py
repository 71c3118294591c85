"""How much a target is asked to bear: rate, concurrency, retry budget, breaker. Pure; time comes in.

An open breaker or an empty bucket makes deliveries wait; it never fails one and spends no attempt.
All times are seconds of one monotonic clock. Sources: AWS SDK standard retry mode (retry quota refilled
by successes); Envoy outlier detection (ejection time grows with each ejection).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from adapters.base import Accepted, InDoubt, Outcome, Rejected, Transient, TransientKind
from gateway.erp.settings import LimitSettings


class Slots(NamedTuple):
    """How many deliveries may be claimed now: of any urgency, and urgent ones on top."""

    normal: int
    urgent: int


NO_SLOTS = Slots(0, 0)


class BreakerState(StrEnum):
    """Whether the target is left alone."""

    CLOSED = "closed"
    OPEN = "open"  # nothing is claimed until the time is up
    HALF_OPEN = "half_open"  # one delivery tries


@dataclass(slots=True, eq=False)
class Work:
    """One delivery under way; given by `started`, handed back to `ended`."""

    is_urgent: bool
    has_sent: bool = False


class TargetHealth:
    """What one target's worker asks before it claims, sends and retries."""

    def __init__(self, settings: LimitSettings, now: float) -> None:
        self._settings = settings
        self._rate = _Bucket(float(settings.burst), settings.rate_per_s or 0.0, now)
        self._retries = _Bucket(settings.retry_tokens_max, settings.retry_refill_per_s, now)
        self._breaker = _Breaker(settings)
        self._under_way: set[Work] = set()
        self._paused_until = -math.inf
        self._throttles = 0  # in a row

    def slots(self, now: float) -> Slots:
        """Give how many deliveries may be claimed now."""
        state = self._breaker.state(now)
        if state is BreakerState.OPEN or now < self._paused_until:
            return NO_SLOTS
        free = self._within_rate(self._free(), now)
        if state is BreakerState.HALF_OPEN:
            may_probe = self._breaker.probe is None and sum(free) > 0
            return Slots(1, 0) if may_probe else NO_SLOTS
        return free

    def started(self, now: float, *, is_urgent: bool = False) -> Work:
        """Take note of a claimed delivery."""
        work = Work(is_urgent)
        self._under_way.add(work)
        if self._breaker.state(now) is BreakerState.HALF_OPEN and self._breaker.probe is None:
            self._breaker.probe = work
        return work

    def request_sent(self, work: Work, now: float) -> None:
        """Take note of one request of it; a delivery may need several."""
        work.has_sent = True
        self._rate.take(1.0, now)

    def ended(self, work: Work) -> None:
        """Take note that it is no longer under way, however it went."""
        self._under_way.discard(work)
        if self._breaker.probe is work:
            self._breaker.probe = None

    def on_outcome(self, outcome: Outcome, now: float) -> None:
        """Learn from what a request came to."""
        self._breaker.on_outcome(outcome, now)
        match outcome:
            case Accepted():
                self._retries.give(self._settings.retry_refund, now)
                self._throttles = 0
            case Transient(kind=TransientKind.THROTTLE, retry_after_s=asked_s):
                self._throttles += 1
                self._pause(now, self._throttle_wait_s() if asked_s is None else asked_s)
            case Transient(kind=TransientKind.OUTAGE, retry_after_s=float() as asked_s):
                self._pause(now, asked_s)
            case _:
                pass

    def may_retry(self, now: float) -> bool:
        """Take a retry from the budget; False leaves it as it is: the delivery waits."""
        if self._retries.level(now) < self._settings.retry_cost:
            return False
        self._retries.take(self._settings.retry_cost, now)
        return True

    def breaker(self, now: float) -> BreakerState:
        """Give the breaker's state, for readiness and metrics."""
        return self._breaker.state(now)

    @property
    def is_left_alone(self) -> bool:
        """Tell whether failures opened the breaker, and no answer has closed it since."""
        return self._breaker.is_open

    @property
    def is_refused(self) -> bool:
        """Tell whether our credentials were refused, and nothing was answered since."""
        return self._breaker.credentials > 0

    def reason(self, now: float) -> str:
        """Say in a few words why nothing is claimed; empty where something may be."""
        if self._breaker.state(now) is BreakerState.OPEN:
            return f"breaker open for {self._breaker.open_until - now:.0f} s: {self._breaker.why}"
        if now < self._paused_until:
            return f"the target asked to wait, {self._paused_until - now:.0f} s more"
        return "" if sum(self.slots(now)) else "all slots are in use"

    def next_change(self, now: float) -> float | None:
        """Give when slots may grow by time alone; None where only an ended delivery can free one."""
        blocked_until = max(self._paused_until, self._breaker.open_until)
        if now < blocked_until:
            return blocked_until
        if sum(self._free()) == 0 or self._settings.rate_per_s is None or sum(self.slots(now)) > 0:
            return None
        missing = 1.0 - (self._rate.level(now) - self._unsent())
        return now + max(missing, 0.001) / self._settings.rate_per_s

    def retry_wait_s(self, now: float) -> float:
        """Give how long until the budget holds a retry, if nothing else refills it."""
        missing = self._settings.retry_cost - self._retries.level(now)
        return max(0.0, missing / self._settings.retry_refill_per_s)

    def _free(self) -> Slots:
        """Give free connections. Urgent deliveries fill their reserve first, then take normal places."""
        settings = self._settings
        urgent = sum(1 for work in self._under_way if work.is_urgent)
        normal = len(self._under_way) - urgent + max(0, urgent - settings.concurrent_urgent)
        return Slots(max(0, settings.concurrent - normal), max(0, settings.concurrent_urgent - urgent))

    def _within_rate(self, free: Slots, now: float) -> Slots:
        """Cut slots to the tokens there are; the last `urgent_share` of a burst is for urgent ones."""
        settings = self._settings
        if settings.rate_per_s is None:
            return free
        tokens = self._rate.level(now) - self._unsent()
        reserve = settings.burst * settings.urgent_share
        normal = max(0, min(free.normal, math.floor(tokens - reserve)))
        urgent_free = free.urgent + free.normal - normal
        return Slots(normal, max(0, min(urgent_free, math.floor(tokens) - normal)))

    def _unsent(self) -> int:
        return sum(1 for work in self._under_way if not work.has_sent)

    def _throttle_wait_s(self) -> float:
        return self._settings.throttle_wait_s * 2.0 ** min(self._throttles - 1, 30)

    def _pause(self, now: float, wait_s: float) -> None:
        until = now + min(max(0.0, wait_s), self._settings.throttle_wait_max_s)
        self._paused_until = max(self._paused_until, until)


class _Bucket:
    """Tokens that come back with time, up to a bound. May be overdrawn by `take`."""

    __slots__ = ("_at", "_level", "_max", "_per_s")

    def __init__(self, level_max: float, per_s: float, now: float) -> None:
        self._max = level_max
        self._per_s = per_s
        self._level = level_max
        self._at = now

    def level(self, now: float) -> float:
        if now > self._at:
            self._level = min(self._max, self._level + (now - self._at) * self._per_s)
            self._at = now
        return self._level

    def take(self, count: float, now: float) -> None:
        self._level = self.level(now) - count

    def give(self, count: float, now: float) -> None:
        self._level = min(self._max, self.level(now) + count)


class _Breaker:
    """Opens after failures in a row; opens for longer each time a probe fails."""

    __slots__ = (
        "_errors",
        "_outages",
        "_settings",
        "_wait_s",
        "credentials",
        "is_open",
        "open_until",
        "probe",
        "why",
    )

    def __init__(self, settings: LimitSettings) -> None:
        self._settings = settings
        self.open_until = -math.inf
        self.probe: Work | None = None
        self.why = ""
        self.is_open = False
        self._wait_s = settings.breaker_wait_s
        self._outages = self.credentials = self._errors = 0

    def state(self, now: float) -> BreakerState:
        if not self.is_open:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN

    def on_outcome(self, outcome: Outcome, now: float) -> None:
        match outcome:
            case Accepted() | Rejected() | Transient(kind=TransientKind.THROTTLE):
                self._close()  # it answers
            case InDoubt(reason) | Transient(reason, TransientKind.OUTAGE):
                self._outages += 1
                self._failed(now, reason, self._outages >= self._settings.breaker_failures)
            case Transient(reason, TransientKind.CREDENTIAL):
                self.credentials += 1
                self._failed(now, reason, self.credentials >= self._settings.breaker_credential_failures)
            case Transient(reason):
                self._errors += 1
                self._failed(now, reason, self._errors >= self._settings.breaker_errors)

    def _failed(self, now: float, reason: str, is_enough: bool) -> None:
        match self.state(now):
            case BreakerState.CLOSED if is_enough:
                self._open(now, reason)
            case BreakerState.HALF_OPEN:
                self._wait_s = min(self._wait_s * 2, self._settings.breaker_wait_max_s)
                self._open(now, reason)
            case _:
                pass  # a request from before it opened

    def _open(self, now: float, reason: str) -> None:
        self.is_open = True
        self.open_until = now + min(self._wait_s, self._settings.breaker_wait_max_s)
        self.probe = None
        self.why = reason

    def _close(self) -> None:
        self.is_open = False
        self.open_until = -math.inf
        self.probe = None
        self.why = ""
        self._wait_s = self._settings.breaker_wait_s
        self._outages = self.credentials = self._errors = 0
