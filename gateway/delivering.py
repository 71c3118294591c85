"""One document's way to one target, step by step.

``deliver_once`` writes down each request before it leaves and what came of it afterwards, so a
kill between any two lines is either "never sent" or "in doubt", never "sent and forgotten". What
to send is the target's affair, what follows an outcome ``outcome.py``'s.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
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
from gateway.journal.types import FINISHED, Claim, ClaimedDelivery, DeliveryState, Settled
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


async def deliver_once(  # noqa: PLR0913  a delivery, and all that one process has
    claimed: ClaimedDelivery,
    destination: Destination,
    journal: Journal,
    clock: Clock,
    rng: Rng,
    lease_s: float,
    work: Work | None = None,
    *,
    compared: Compared | None = None,
    times: ProvenTimes | None = None,
) -> Settled:
    """Take one claimed delivery as far as it goes now, and write down where that is.

    ``times``: what this process knows of deliveries in doubt; without it, their quiet periods begin now.
    Errors: StaleClaimError (another holds it now; nothing more is written), JournalError.
    """
    times = times or ProvenTimes(clock)
    try:
        settled = await _settled(
            claimed, destination, journal, clock, rng, lease_s, work, compared=compared, times=times
        )
    except BaseException:
        times.lost(claimed.claim.delivery_id)
        raise
    if settled.state in FINISHED:
        times.forget(claimed.claim.delivery_id)
    return settled


async def _settled(  # noqa: PLR0913  what ``deliver_once`` was given
    claimed: ClaimedDelivery,
    destination: Destination,
    journal: Journal,
    clock: Clock,
    rng: Rng,
    lease_s: float,
    work: Work | None,
    *,
    compared: Compared | None,
    times: ProvenTimes,
) -> Settled:
    try:
        settled, claim = await _steps(claimed, destination, journal, clock, rng, lease_s, work, times)
        if compared is not None and claimed.role == "shadow" and settled.state is DeliveryState.DONE:
            settled = await compared(claimed, settled)
    except (StaleClaimError, JournalError):
        raise
    except Exception as error:  # a broken target or sink must cost only this delivery
        log.exception("delivery.failed delivery=%s target=%s", claimed.claim.delivery_id, claimed.target)
        times.lost(claimed.claim.delivery_id)
        settled, claim = (
            parked("DELIVERY-FAILED", claimed, f"{type(error).__name__}: {error}"),
            claimed.claim,
        )
    await _patiently(clock, lambda: journal.settle(claim, settled, clock.now()))
    return settled


async def _steps(
    claimed: ClaimedDelivery,
    destination: Destination,
    journal: Journal,
    clock: Clock,
    rng: Rng,
    lease_s: float,
    work: Work | None,
    times: ProvenTimes,
) -> tuple[Settled, Claim]:
    """Go through the target's steps; give what to settle, and the claim as last renewed."""
    delivery, steps, claim = delivery_of(claimed), list(claimed.steps), claimed.claim
    if claimed.role == "close":
        waits = await not_created_yet(claimed, journal, clock)
        if waits is not None or not closes_orders(destination.target):
            return waits or close_by_hand(claimed), claim

    following = _following(destination.target, delivery, steps, clock, times)
    if claimed.role == "shadow" and not is_question(following):
        return await _shadowed(claimed, delivery, destination, journal, clock, work), claim
    asked: dict[str, int] = {}
    for _ in range(STEPS_MAX):
        if not isinstance(following, Request):
            return without_request(following, steps, claimed), claim
        before = asked.get(following.step, 0)
        if before >= SAME_STEP_MAX:
            break
        asked[following.step] = before + 1
        if not may_send(following, steps):
            return parked("TARGET-UNSAFE", claimed, f"'{following.step}' would be sent while in doubt"), claim
        begun = times.begun()
        result = await _attempt(following, delivery, claim, destination, journal, clock, work)
        steps.append(result)
        times.took(claim.delivery_id, steps, begun)
        settled = after_step(result, steps, claimed, destination, clock, rng)
        if settled is not None:
            return settled, claim
        following = _following(destination.target, delivery, steps, clock, times)
        if isinstance(following, Request):
            await _patiently(clock, partial(journal.step_done, claim, result, clock.now()))
            claim = await _patiently(clock, partial(journal.renew, claim, lease_s, clock.monotonic()))
        else:
            return without_request(following, steps, claimed, result), claim
    return parked("TARGET-ENDLESS", claimed, f"{sum(asked.values())} steps in one go, and no end"), claim


def _following(
    target: Target, delivery: Delivery, steps: Sequence[StepResult], clock: Clock, times: ProvenTimes
) -> Request | Wait | Finished | Stuck:
    now = clock.now()
    return target.next_request(delivery, times.shown(delivery, steps, now), now)


async def _shadowed(
    claimed: ClaimedDelivery,
    delivery: Delivery,
    destination: Destination,
    journal: Journal,
    clock: Clock,
    work: Work | None,
) -> Settled:
    claim = claimed.claim

    async def attempt(request: Request) -> StepResult:
        # A shadow's failures are its own: the endpoint's breaker and retry budget never hear of them.
        return await _attempt(request, delivery, claim, destination, journal, clock, work, is_counted=False)

    async def step_done(result: StepResult) -> None:
        await _patiently(clock, partial(journal.step_done, claim, result, clock.now()))

    wire = Wire(clock, attempt, step_done)
    return await shadowed(delivery, claimed.steps, destination.target, destination.shadow, wire)


async def _attempt(
    request: Request,
    delivery: Delivery,
    claim: Claim,
    destination: Destination,
    journal: Journal,
    clock: Clock,
    work: Work | None,
    *,
    is_counted: bool = True,
) -> StepResult:
    started_at = clock.now()
    await _patiently(clock, lambda: journal.attempt_started(claim, request, started_at))
    if work is not None:
        destination.health.request_sent(work, clock.monotonic())

    async def still_mine() -> bool:
        # Nobody takes a claim over before it expires, and the journal has just confirmed it: a look at the
        # clock finds what matters here, a process that was paused past its lease between the two.
        return clock.monotonic() < claim.expires_at

    reply = await destination.sink.send(request, still_mine=still_mine)
    if isinstance(reply, NoReply) and reply.kind == "stale_claim":
        raise StaleClaimError(claim.delivery_id)
    outcome = destination.target.interpret(request, reply)
    if (tracing := _tracing(destination.target)) is not None:
        outcome = tracing.trace(delivery, request, reply, outcome)
    if is_counted:
        learn(destination.name, destination.health, outcome, clock.monotonic())
    return StepResult(request, reply, outcome, started_at, clock.now())


def _tracing(target: Target) -> Tracing | None:
    return cast(Tracing, target) if _traces(type(target)) else None


@lru_cache(maxsize=64)
def _traces(kind: type[Target]) -> bool:
    """Tell whether targets of a class trace; once a class, since it costs as much as reading a reply."""
    return issubclass(kind, Tracing)


async def _patiently(clock: Clock, ask: Callable[[], Awaitable[_T]]) -> _T:
    """Ask the journal until it takes it: what was sent must be written down, however busy the disk is."""
    while True:
        try:
            return await ask()
        except JournalBusyError:
            log.warning("delivery.journal_busy asked again")
            await clock.sleep(BUSY_S)
