"""One document's way to one target, step by step.

``deliver_once`` writes down each request before it leaves and what came of it afterwards, so a
kill between any two lines is either "never sent" or "in doubt", never "sent and forgotten". What
to send is the target's affair, what follows an outcome ``outcome.py``'s.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar, cast

from adapters.base import (
    Clock,
    Delivery,
    Finished,
    NoReply,
    Request,
    Rng,
    StepResult,
    Stuck,
    Target,
    Tracing,
    Wait,
)
from adapters.base.orders import closes_orders
from gateway.claimed_delivery import delivery_of
from gateway.destination import Destination
from gateway.erp.limits import Work
from gateway.journal.base import Journal, JournalBusyError, JournalError, StaleClaimError
from gateway.journal.types import FINISHED, ClaimedDelivery, DeliveryState, Settled
from gateway.order_closes import close_by_hand, not_created_yet
from gateway.outcome import may_send
from gateway.proven_times import ProvenTimes
from gateway.settling import after_step, parked, without_request
from gateway.shadowing import Wire, is_question, shadowed
from gateway.target_changes import learn

log = logging.getLogger("legacy_bridge.delivery")

_T = TypeVar("_T")

BUSY_S = 0.5  # after a journal that takes nothing now
SAME_STEP_MAX = 100  # of one name in one claim; a target that asks for more is broken
STEPS_MAX = 10_000  # of one delivery in one claim: Dynamics takes an order line by line

Compared = Callable[[ClaimedDelivery, Settled], Awaitable[Settled]]  # judges what a shadow was answered


@dataclass(frozen=True, slots=True)
class Means:
    """What one process delivers with. ``times``: what it knows of deliveries in doubt."""

    journal: Journal
    clock: Clock
    rng: Rng
    lease_s: float
    times: ProvenTimes

    async def patiently(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Ask the journal until it takes it: what was sent must be written down, however busy the disk is."""
        while True:
            try:
                return await ask()
            except JournalBusyError:
                log.warning("delivery.journal_busy asked again")
                await self.clock.sleep(BUSY_S)


async def deliver_once(
    claimed: ClaimedDelivery,
    destination: Destination,
    means: Means,
    work: Work | None = None,
    *,
    compared: Compared | None = None,
) -> Settled:
    """Take one claimed delivery as far as it goes now, and write down where that is.

    Errors: StaleClaimError (another holds it now; nothing more is written), JournalError.
    """
    try:
        settled = await _settled(_Course(claimed, destination, means, work), compared)
    except BaseException:
        means.times.lost(claimed.claim.delivery_id)
        raise
    if settled.state in FINISHED:
        means.times.forget(claimed.claim.delivery_id)
    return settled


async def _settled(course: _Course, compared: Compared | None) -> Settled:
    claimed, means = course.claimed, course.means
    try:
        settled = await course.run()
        if compared is not None and claimed.role == "shadow" and settled.state is DeliveryState.DONE:
            settled = await compared(claimed, settled)
    except (StaleClaimError, JournalError):
        raise
    except Exception as error:  # a broken target or sink must cost only this delivery
        log.exception("delivery.failed delivery=%s target=%s", claimed.claim.delivery_id, claimed.target)
        means.times.lost(claimed.claim.delivery_id)
        course.claim = claimed.claim
        settled = parked("DELIVERY-FAILED", claimed, f"{type(error).__name__}: {error}")
    await means.patiently(lambda: means.journal.settle(course.claim, settled, means.clock.now()))
    return settled


class _Course:
    """One delivery on its way; ``claim`` is the claim as last renewed."""

    __slots__ = ("_delivery", "_destination", "_work", "claim", "claimed", "means")

    _delivery: Delivery

    def __init__(
        self, claimed: ClaimedDelivery, destination: Destination, means: Means, work: Work | None
    ) -> None:
        self.claimed = claimed
        self.claim = claimed.claim
        self.means = means
        self._destination = destination
        self._work = work

    async def run(self) -> Settled:
        """Go through the target's steps; give what to settle."""
        claimed, target, means = self.claimed, self._destination.target, self.means
        self._delivery = delivery_of(claimed)
        if claimed.role == "close":
            waits = await not_created_yet(claimed, means.journal, means.clock)
            if waits is not None or not closes_orders(target):
                return waits or close_by_hand(claimed)

        steps = list(claimed.steps)
        following = self._following(steps)
        if claimed.role == "shadow" and not is_question(following):
            wire = Wire(means.clock, self._shadow_attempt, self._step_done)
            return await shadowed(self._delivery, claimed.steps, target, self._destination.shadow, wire)
        asked: dict[str, int] = {}
        for _ in range(STEPS_MAX):
            if not isinstance(following, Request):
                return without_request(following, steps, claimed)
            before = asked.get(following.step, 0)
            if before >= SAME_STEP_MAX:
                break
            asked[following.step] = before + 1
            if not may_send(following, steps):
                return parked("TARGET-UNSAFE", claimed, f"'{following.step}' would be sent while in doubt")
            begun = means.times.begun()
            result = await self._attempt(following)
            steps.append(result)
            means.times.took(self.claim.delivery_id, steps, begun)
            settled = after_step(result, steps, claimed, self._destination, means.clock, means.rng)
            if settled is not None:
                return settled
            following = self._following(steps)
            if not isinstance(following, Request):
                return without_request(following, steps, claimed, result)
            await self._step_done(result)
            await self._renew()
        return parked("TARGET-ENDLESS", claimed, f"{sum(asked.values())} steps in one go, and no end")

    def _following(self, steps: Sequence[StepResult]) -> Request | Wait | Finished | Stuck:
        now = self.means.clock.now()
        shown = self.means.times.shown(self._delivery, steps, now)
        return self._destination.target.next_request(self._delivery, shown, now)

    async def _step_done(self, result: StepResult) -> None:
        means = self.means
        await means.patiently(partial(means.journal.step_done, self.claim, result, means.clock.now()))

    async def _renew(self) -> None:
        means = self.means
        renew = partial(means.journal.renew, self.claim, means.lease_s, means.clock.monotonic())
        self.claim = await means.patiently(renew)

    async def _shadow_attempt(self, request: Request) -> StepResult:
        """Send for a shadow. Its failures are its own: no breaker and no retry budget hears of them."""
        return await self._attempt(request, is_counted=False)

    async def _attempt(self, request: Request, *, is_counted: bool = True) -> StepResult:
        destination, means, claim, work = self._destination, self.means, self.claim, self._work
        clock = means.clock
        started_at = clock.now()
        await means.patiently(lambda: means.journal.attempt_started(claim, request, started_at))
        if work is not None:
            destination.health.request_sent(work, clock.monotonic())

        async def still_mine() -> bool:
            # Nobody takes a claim over before it expires, and the journal has just confirmed it: a look at
            # the clock finds what matters here, a process that was paused past its lease between the two.
            return clock.monotonic() < claim.expires_at

        reply = await destination.sink.send(request, still_mine=still_mine)
        if isinstance(reply, NoReply) and reply.kind == "stale_claim":
            raise StaleClaimError(claim.delivery_id)
        outcome = destination.target.interpret(request, reply)
        if (tracing := _tracing(destination.target)) is not None:
            outcome = tracing.trace(self._delivery, request, reply, outcome)
        if is_counted:
            learn(destination.name, destination.health, outcome, clock.monotonic())
        return StepResult(request, reply, outcome, started_at, clock.now())


def _tracing(target: Target) -> Tracing | None:
    return cast(Tracing, target) if _traces(type(target)) else None


@lru_cache(maxsize=64)
def _traces(kind: type[Target]) -> bool:
    """Tell whether targets of a class trace; once a class, since it costs as much as reading a reply."""
    return issubclass(kind, Tracing)
