"""Deliver one document to one target, step by step; and the loop that does so for all.

``deliver_once`` writes down each request before it leaves and what came of it afterwards, so a
kill between any two lines is either "never sent" or "in doubt", never "sent and forgotten". What
to send is the target's affair, what follows an outcome ``outcome.py``'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import TypeVar

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    Clock,
    Delivery,
    Finding,
    Finished,
    NoReply,
    Position,
    Reply,
    Request,
    Rng,
    Sink,
    StepResult,
    Stuck,
    Target,
    Tracing,
    Transient,
    Wait,
)
from adapters.base.orders import closes_orders
from adapters.base.waking import woken_within
from gateway.erp.limits import TargetHealth, Work
from gateway.journal.base import Journal, JournalBusyError, JournalError, StaleClaimError
from gateway.journal.hurry import unhurried
from gateway.journal.types import Claim, ClaimedDelivery, DeliveryState, Settled, Want
from gateway.outcome import (
    GoOn,
    LookUpAt,
    Park,
    RetryAt,
    RetryPolicy,
    WaitUntil,
    is_in_doubt,
    may_send,
    next_step,
    transients_in_a_row,
)
from gateway.shadowing import RENDERS, ShadowLeg, Wire, is_behind, is_question, shadowed
from gateway.target_changes import learn

log = logging.getLogger("legacy_bridge.delivery")

_T = TypeVar("_T")

BUSY_S = 0.5  # after a journal that takes nothing now
IDLE_S = 5.0  # how long the loop sleeps at most; a wake-up or a due time ends it sooner
CLOSE_LOOK_AGAIN_S = 30.0
SAME_STEP_MAX = 100  # of one name in one claim; a target that asks for more is broken
STEPS_MAX = 10_000  # of one delivery in one claim: Dynamics takes an order line by line


@dataclass(frozen=True, slots=True)
class Destination:
    """One endpoint to deliver to: its pure half, its wire, and what it can take."""

    name: str
    target: Target
    sink: Sink
    health: TargetHealth
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    shadow: ShadowLeg = RENDERS  # what shadow deliveries may do here; questions are asked

    @property
    def is_tenant(self) -> bool:
        """Tell whether this is a shadow's own tenant: nothing live is ever delivered there."""
        return self.shadow.mode != "render"


Compared = Callable[[ClaimedDelivery, Settled], Awaitable[Settled]]  # judges what a shadow was answered


class DeliveryWorker:
    """The loop around ``deliver_once``: claims what each target can take, urgent first."""

    def __init__(  # noqa: PLR0913  what one loop is made of; only the wiring makes one
        self,
        journal: Journal,
        destinations: Callable[[], Mapping[str, Destination]],
        clock: Clock,
        rng: Rng,
        *,
        name: str,
        lease_s: float = 60.0,
        gather_s: float = 0.0,
        settled: Callable[[ClaimedDelivery, Settled], None] = lambda claimed, settled: None,
        compared: Compared | None = None,
    ) -> None:
        """``gather_s``: for shadows alone, which let live work go first.

        What there is comes together for so long, to be claimed in one go: each claim is a commit.
        """
        self._journal = journal
        self._destinations = destinations
        self._clock = clock
        self._rng = rng
        self._name = name
        self._lease_s = lease_s
        self._gather_s = gather_s
        self._settled = settled
        self._compared = compared
        self._wake = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._is_behind = False  # what was claimed last has waited long enough
        self._is_backlogged = False  # there was as much to claim as there was room

    def wake(self) -> None:
        """Say that there may be something to deliver."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. Errors: JournalError, which must end the process."""
        try:
            while True:
                self._wake.clear()
                destinations = self._destinations()
                claimed = await self._claim(destinations)
                for each in claimed:
                    # The destination that had a slot for it: a reload may have taken it away meanwhile.
                    self._begin(each, destinations[each.target])
                self._raise_failures()
                if not claimed:
                    await self._pause()
                    await self._gather()
        finally:
            await self._end()

    def stop_claiming(self) -> None:
        """Begin nothing new."""
        self._is_stopping = True

    async def drain(self) -> None:
        """Wait for what is under way; nothing new is claimed."""
        while running := [task for task in self._under_way if not task.done()]:
            await asyncio.wait(running)

    async def _end(self) -> None:
        """Cancel what is under way and wait until it is: nothing writes any more once ``run`` has ended."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._under_way.clear()

    async def _claim(self, destinations: Mapping[str, Destination]) -> list[ClaimedDelivery]:
        wants: list[Want] = []
        if self._is_stopping:
            return []
        now, monotonic = self._clock.now(), self._clock.monotonic()
        for name, destination in destinations.items():
            slots, urgent_slots = destination.health.slots(monotonic)
            if slots or urgent_slots:
                wants.append(Want(name, slots, urgent_slots))
        if not wants:
            return []
        try:
            claim = self._journal.claim(self._name, wants, self._lease_s, now, monotonic)
            claimed = await unhurried(claim, unless=self._is_hurried)
        except JournalBusyError:
            log.warning("delivery.journal_busy claimed again later")
            await self._clock.sleep(BUSY_S)
            return []
        self._is_behind = any(is_behind(each.accepted_at, now) for each in claimed)
        if room := sum(want.slots for want in wants):
            self._is_backlogged = len(claimed) >= room
        return claimed

    @property
    def _is_hurried(self) -> bool:
        return self._is_behind or not self._gather_s

    def _begin(self, claimed: ClaimedDelivery, destination: Destination) -> None:
        work = destination.health.started(self._clock.monotonic(), is_urgent=claimed.is_urgent)
        task = asyncio.get_running_loop().create_task(self._deliver(claimed, destination, work))
        self._under_way.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            destination.health.ended(work)
            if done.cancelled() or done.exception() is None:
                self._under_way.discard(done)  # a failed one stays, for the loop to raise
            self._wake.set()

        task.add_done_callback(ended)

    async def _deliver(self, claimed: ClaimedDelivery, destination: Destination, work: Work) -> None:
        delivering = deliver_once(
            claimed, destination, self._journal, self._clock, self._rng, self._lease_s, work,
            compared=self._compared,
        )  # fmt: skip
        try:
            is_hurried = claimed.role != "shadow" or is_behind(claimed.accepted_at, self._clock.now())
            settled = await unhurried(delivering, unless=is_hurried)
        except StaleClaimError:
            log.warning(
                "delivery.claim_lost delivery=%s target=%s", claimed.claim.delivery_id, claimed.target
            )
            return
        self._settled(claimed, settled)

    def _raise_failures(self) -> None:
        for task in [task for task in self._under_way if task.done()]:
            self._under_way.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                raise error

    async def _pause(self) -> None:
        destinations = self._destinations()
        monotonic = self._clock.monotonic()
        # What is due at a target that takes nothing now wakes nobody: its health says when it will.
        open_now = [name for name, each in destinations.items() if sum(each.health.slots(monotonic))]
        due_at = await self._next_due([] if self._is_stopping else open_now)
        changes = (each.health.next_change(monotonic) for each in destinations.values())
        pauses = [IDLE_S, *(change - monotonic for change in changes if change is not None)]
        if due_at is not None:
            pauses.append((due_at - self._clock.now()).total_seconds())
        await woken_within(self._clock, self._wake, max(min(pauses), 0.005))

    async def _gather(self) -> None:
        if self._gather_s and not self._is_backlogged:
            await self._clock.sleep(self._gather_s)

    async def _next_due(self, targets: list[str]) -> datetime | None:
        if not targets:
            return None
        try:
            next_due = self._journal.next_due(targets)
            return await unhurried(next_due, unless=self._is_hurried)
        except JournalBusyError:
            return self._clock.now() + timedelta(seconds=BUSY_S)


async def deliver_once(
    claimed: ClaimedDelivery,
    destination: Destination,
    journal: Journal,
    clock: Clock,
    rng: Rng,
    lease_s: float,
    work: Work | None = None,
    *,
    compared: Compared | None = None,
) -> Settled:
    """Take one claimed delivery as far as it goes now, and write down where that is.

    Errors: StaleClaimError (another holds it now; nothing more is written), JournalError.
    """
    try:
        settled, claim = await _steps(claimed, destination, journal, clock, rng, lease_s, work)
        if compared is not None and claimed.role == "shadow" and settled.state is DeliveryState.DONE:
            settled = await compared(claimed, settled)
    except (StaleClaimError, JournalError):
        raise
    except Exception as error:  # a broken target or sink must cost only this delivery
        log.exception("delivery.failed delivery=%s target=%s", claimed.claim.delivery_id, claimed.target)
        settled, claim = (
            _parked("DELIVERY-FAILED", claimed, f"{type(error).__name__}: {error}"),
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
) -> tuple[Settled, Claim]:
    """Go through the target's steps; give what to settle, and the claim as last renewed."""
    delivery, steps, claim = delivery_of(claimed), list(claimed.steps), claimed.claim
    if claimed.role == "close":
        waits = await _not_created_yet(claimed, journal, clock)
        if waits is not None or not closes_orders(destination.target):
            return waits or _close_by_hand(claimed), claim
    following = destination.target.next_request(delivery, steps, clock.now())
    if claimed.role == "shadow" and not is_question(following):
        return await _shadowed(claimed, delivery, destination, journal, clock, work), claim
    asked: Counter[str] = Counter()
    for _ in range(STEPS_MAX):
        if not isinstance(following, Request):
            return _without_request(following, steps, claimed), claim
        if asked[following.step] >= SAME_STEP_MAX:
            break
        asked[following.step] += 1
        if not may_send(following, steps):
            return _parked(
                "TARGET-UNSAFE", claimed, f"'{following.step}' would be sent while in doubt"
            ), claim
        result = await _attempt(following, delivery, claim, destination, journal, clock, work)
        steps.append(result)
        settled = _after(result, steps, claimed, destination, clock, rng)
        if settled is not None:
            return settled, claim
        following = destination.target.next_request(delivery, steps, clock.now())
        if isinstance(following, Request):
            await _patiently(clock, partial(journal.step_done, claim, result, clock.now()))
            claim = await _patiently(clock, partial(journal.renew, claim, lease_s, clock.monotonic()))
        else:
            return replace(_without_request(following, steps, claimed), result=result), claim
    return _parked("TARGET-ENDLESS", claimed, f"{asked.total()} steps in one go, and no end"), claim


async def _not_created_yet(claimed: ClaimedDelivery, journal: Journal, clock: Clock) -> Settled | None:
    """Let a close wait until the other side has the order (``losing_side: close``); None where it has.

    A moved order's close has a document of its own, and is planned only once the remainder was created.
    """
    views = await journal.deliveries(message_id=claimed.message_id, limit=10_000)
    newest = max((each.generation for each in views), default=1)
    live = [
        each
        for each in views
        if each.role == "live"
        and each.document_index == claimed.document_index
        and each.target != claimed.target
        and (each.generation == newest or each.steps)
    ]
    if all(
        each.state is DeliveryState.DONE or each.resolution.startswith("done_elsewhere:") for each in live
    ):
        return None
    if any(each.state is DeliveryState.VOID for each in live):
        text = "the cloud ERP never got it, so it stays open here; dismiss this"
        return _parked("CLOSE-NOT-CREATED", claimed, text)
    wait = clock.now() + timedelta(seconds=CLOSE_LOOK_AGAIN_S)
    return Settled(DeliveryState.WAITING, not_before=wait, reason="closed once the cloud ERP has the order")


def _close_by_hand(claimed: ClaimedDelivery) -> Settled:
    """Ask a person to close an order where no machine can: what was moved must not be open on both sides."""
    order = claimed.order_keys[0] if claimed.order_keys else claimed.reference
    return _parked(
        "MOVE-CLOSE-BY-HAND",
        claimed,
        f"order {order} is on the other side now, and {claimed.target} closes no orders by itself: close "
        "what is left of it there, look at it again, then say so: legacy-bridge exceptions resolve "
        f"{claimed.claim.delivery_id} --done-elsewhere REFERENCE --why TEXT",
    )


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
    if isinstance(destination.target, Tracing):
        outcome = destination.target.trace(delivery, request, reply, outcome)
    if is_counted:
        learn(destination.name, destination.health, outcome, clock.monotonic())
    return StepResult(request, reply, outcome, started_at, clock.now())


async def _patiently(clock: Clock, ask: Callable[[], Awaitable[_T]]) -> _T:
    """Ask the journal until it takes it: what was sent must be written down, however busy the disk is."""
    while True:
        try:
            return await ask()
        except JournalBusyError:
            log.warning("delivery.journal_busy asked again")
            await clock.sleep(BUSY_S)


def _after(
    result: StepResult,
    steps: list[StepResult],
    claimed: ClaimedDelivery,
    destination: Destination,
    clock: Clock,
    rng: Rng,
) -> Settled | None:
    """Say how a step settles the delivery; None where it only goes on."""
    outcome = result.outcome
    if claimed.role == "pass_through":
        # A target of several steps (a file is staged, then published) goes on with what was taken.
        return None if isinstance(outcome, Accepted) else _passed_through(result, claimed)
    if outcome is None or isinstance(outcome, Accepted):
        return None
    now = clock.now()
    step = next_step(
        outcome,
        destination.retry,
        attempts=claimed.attempts,
        transients=transients_in_a_row(steps),
        first_attempt_at=claimed.first_attempt_at or result.started_at,
        now=now,
        chance=rng.random(),
    )
    monotonic = clock.monotonic()
    if isinstance(step, RetryAt) and not destination.health.may_retry(monotonic):
        at = max(step.at, now + timedelta(seconds=destination.health.retry_wait_s(monotonic)))
        step = WaitUntil(at, f"{step.reason}; the target's retry budget is used up")
    paused = DeliveryState.IN_DOUBT if is_in_doubt(steps) else DeliveryState.WAITING
    match step:
        case GoOn():
            return None
        case RetryAt(at, reason):
            return Settled(paused, result, not_before=at, reason=reason, spends_attempt=True)
        case WaitUntil(at, reason):
            return Settled(paused, result, not_before=at, reason=reason)
        case LookUpAt(at, reason):
            return Settled(DeliveryState.IN_DOUBT, result, not_before=at, reason=reason)
        case Park(findings):
            spends = isinstance(outcome, Transient)
            return Settled(
                DeliveryState.PARKED,
                result,
                findings=findings,
                reason=findings[0].text,
                spends_attempt=spends,
            )


def _passed_through(result: StepResult, claimed: ClaimedDelivery) -> Settled:
    """Settle what the caller's own connection sent: whatever legacy replied is the answer, and final."""
    reply = result.reply
    if isinstance(reply, Reply) and isinstance(result.outcome, Transient):
        return Settled(
            DeliveryState.VOID, result, reason=f"not taken: {result.outcome.reason}; its caller was told"
        )
    if not isinstance(reply, NoReply):
        return Settled(DeliveryState.DONE, result)
    if reply.written == "none":
        return Settled(DeliveryState.VOID, result, reason=f"never sent: {reply.reason}; its caller was told")
    finding = Finding(
        code="PASS-THROUGH-IN-DOUBT",
        at=Position(claimed.target, path=claimed.claim.delivery_id),
        text=f"legacy may have taken it and did not answer ({reply.reason}); its caller was told so, and it "
        "is never sent again: look in the legacy system, then resolve this exception",
    )
    return Settled(DeliveryState.PARKED, result, findings=(finding,), reason=finding.text)


def _without_request(
    following: Wait | Finished | Stuck, steps: list[StepResult], claimed: ClaimedDelivery
) -> Settled:
    match following:
        case Wait(until, reason):
            state = DeliveryState.IN_DOUBT if is_in_doubt(steps) else DeliveryState.WAITING
            return Settled(state, not_before=until, reason=reason)
        case Finished(reference, aliases, notes):
            if is_in_doubt(steps):
                return _parked(
                    "TARGET-UNSAFE", claimed, "the target calls it finished while a write is in doubt"
                )
            return Settled(DeliveryState.DONE, findings=notes, reference=reference, aliases=aliases)
        case Stuck(findings):
            return Settled(DeliveryState.PARKED, findings=findings, reason=findings[0].text)


def _parked(code: str, claimed: ClaimedDelivery, text: str) -> Settled:
    finding = Finding(code=code, at=Position(claimed.target, path=claimed.claim.delivery_id), text=text)
    return Settled(DeliveryState.PARKED, findings=(finding,), reason=text)


def delivery_of(claimed: ClaimedDelivery) -> Delivery:
    """Give what a target is asked about."""
    return Delivery(
        delivery_id=claimed.claim.delivery_id,
        message_id=claimed.message_id,
        target=claimed.target,
        role=claimed.role,
        reference=claimed.reference,
        # What was written for its target (the route's ``write``) is bytes to it, whatever it was before.
        canonical=claimed.document if claimed.body == claimed.document else None,
        body=claimed.body,
        origin=replace(claimed.origin, content_type=claimed.content_type or claimed.origin.content_type),
        document_key=claimed.document_key,
        order_key=claimed.order_keys[0] if claimed.order_keys else None,
        correlation_id=claimed.correlation_id,
        accepted_at=claimed.accepted_at,
        is_urgent=claimed.is_urgent,
        aliases=names_at(claimed.target, claimed.aliases),
        transmitter=claimed.transmitter,
        route=claimed.route,
        steps_before_retry=_before_retry(claimed),
    )


def _before_retry(claimed: ClaimedDelivery) -> int:
    """Count the steps that were begun before a person's retry, which has the first attempt yet to come."""
    since = claimed.first_attempt_at
    older = takewhile(lambda each: since is None or each.started_at < since, claimed.steps)
    return sum(1 for _ in older)


def names_at(target: str, aliases: Sequence[Alias]) -> tuple[Alias, ...]:
    """Give an order's names as one endpoint may take them: the ERP's own are those that it told itself.

    Where it told none (orders and receipts go to one ERP by two endpoints, say), all of them are given.
    """
    told = [each for each in aliases if each.kind is AliasKind.ERP and each.target in (None, target)]
    others = [each for each in aliases if each.kind is not AliasKind.ERP]
    return (*others, *told) if told else tuple(aliases)
