"""The shadow leg of one delivery: rendered, or asked of a tenant that holds nothing live.

It ends at once, whatever happens: a tenant that is away, slow or hostile leaves a note for the readiness
card, and never a retry, an exception or an alias. Nothing of it can hold up what is live.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from adapters.base import (
    Accepted,
    Clock,
    Delivery,
    Effect,
    Finding,
    Finished,
    NoReply,
    Position,
    Rejected,
    Request,
    StepResult,
    Stuck,
    Target,
    Wait,
)
from adapters.base.transport import QUERY
from canonical.privacy import masked
from canonical.registry import parse_document, to_json
from gateway.journal.comparisons import ShadowResult
from gateway.journal.types import DeliveryState, DeliveryView, Settled
from gateway.rehearsal import rehearsed

RENDERED = "shadow: rendered, not sent"
ASKED_WITHIN_S = 10.0  # for one step: a tenant that dawdles is not waited for
STEPS_MAX = 20
FAILURES_MAX = 3
LEFT_ALONE_S = 30.0
PATIENCE = timedelta(seconds=30)  # for which live work goes first; then a shadow competes with it


@dataclass(slots=True)
class ShadowBreaker:
    """Leaves a tenant alone that does not answer: its shadows end at once, so that none pile up."""

    failures: int = 0
    closed_until: float = 0.0  # monotonic seconds

    def is_open(self, monotonic: float) -> bool:
        """Tell whether nothing is asked now."""
        return monotonic < self.closed_until

    def note(self, was_answered: bool, monotonic: float) -> None:
        """Hear how an attempt came out."""
        self.failures = 0 if was_answered else self.failures + 1
        if self.failures >= FAILURES_MAX:
            self.closed_until = monotonic + LEFT_ALONE_S


@dataclass(frozen=True, slots=True)
class ShadowLeg:
    """What the shadows at one endpoint may do."""

    mode: Literal["render", "validate", "sandbox"] = "render"
    sends_free_text: bool = False
    breaker: ShadowBreaker = field(default_factory=ShadowBreaker)


RENDERS = ShadowLeg()
Attempt = Callable[[Request], Awaitable[StepResult]]
StepDone = Callable[[StepResult], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Wire:
    """What a shadow needs of the world: time, and how a request is written down and sent."""

    clock: Clock
    attempt: Attempt
    step_done: StepDone


async def shadowed(
    delivery: Delivery, done: Sequence[StepResult], target: Target, leg: ShadowLeg, wire: Wire
) -> Settled:
    """Go as far as the leg may; give what it came to. What an earlier process began is not begun again."""
    if done:
        return _ended("shadow: not answered (the gateway was restarted meanwhile)")
    if leg.mode == "render":
        return _rendered(target, delivery, wire.clock.now())
    told = delivery if leg.sends_free_text else without_free_text(delivery)
    steps: list[StepResult] = []
    for _ in range(STEPS_MAX):
        following = _following(told, steps, target, leg, wire)
        if isinstance(following, Settled):
            return following
        result = await wire.attempt(replace(following, timeout_s=min(following.timeout_s, ASKED_WITHIN_S)))
        leg.breaker.note(isinstance(result.outcome, Accepted | Rejected), wire.clock.monotonic())
        if isinstance(result.outcome, Rejected):
            why, findings = "shadow: refused by the tenant", result.outcome.findings
            return Settled(DeliveryState.DONE, result, reason=why, findings=findings)
        if not isinstance(result.outcome, Accepted):
            return Settled(DeliveryState.DONE, result, reason=f"shadow: not answered ({_why(result)})")
        await wire.step_done(result)
        steps.append(result)
    return _ended(f"shadow: more than {STEPS_MAX} steps")


def _following(
    told: Delivery, steps: Sequence[StepResult], target: Target, leg: ShadowLeg, wire: Wire
) -> Request | Settled:
    """Give what is asked next, or what the leg came to."""
    now = wire.clock.now()
    match following := target.next_request(told, steps, now):
        case Stuck(findings):
            return _ended(f"shadow: cannot be sent ({findings[0].text})", findings)
        case Wait(_, reason):
            return _ended(f"shadow: not waited for ({reason})")
        case Finished(reference):
            return _ended(f"shadow: taken by the tenant as {reference or 'new'}")
        case Request():
            if leg.mode == "validate" and following.effect is not Effect.READ:
                return _rendered(target, told, now)
            if leg.breaker.is_open(wire.clock.monotonic()):
                return _ended("shadow: not asked, the tenant has not answered for a while")
            return following


def is_behind(since: datetime, now: datetime) -> bool:
    """Tell whether what waits since then has let live work go first for long enough."""
    return now - since >= PATIENCE


def is_question(following: Request | Wait | Finished | Stuck) -> bool:
    """Tell whether a target asks what changes nothing: that is asked on both sides (``comparing.py``)."""
    if isinstance(following, Finished):
        return True  # of a question that was answered and waits for legacy's answer
    return isinstance(following, Request) and following.effect is Effect.READ and following.step == QUERY


def without_free_text(delivery: Delivery) -> Delivery:
    """Give a delivery whose document holds nothing that may be about a patient."""
    if delivery.canonical is None:
        return replace(delivery, body=b"")
    hidden = to_json(masked(parse_document(delivery.canonical)))
    return replace(delivery, canonical=hidden, body=hidden)


def result_of(view: DeliveryView) -> ShadowResult:
    """Say how a shadow delivery ended; "" while it has not."""
    if view.state not in (DeliveryState.DONE, DeliveryState.PARKED):
        return ""
    last = view.steps[-1] if view.steps else None
    if last is None:
        return "refused" if view.findings else "unanswered"
    if isinstance(last.outcome, Rejected):
        return "refused"
    if isinstance(last.reply, NoReply) and last.reply.reason == RENDERED:
        return "rendered"
    return "answered" if isinstance(last.outcome, Accepted) else "unanswered"


def _rendered(target: Target, delivery: Delivery, now: datetime) -> Settled:
    """Keep what would have been sent; nothing is."""
    following = rehearsed(target, delivery, now)
    match following:
        case Request():
            result = StepResult(following, NoReply("none", RENDERED), Accepted(), now, now)
            return Settled(DeliveryState.DONE, result, reason=RENDERED)
        case Stuck(findings):
            return _ended(f"shadow: cannot be written ({findings[0].text})", findings)
        case None:
            return _ended("shadow: there is nothing to send")


def _ended(reason: str, findings: tuple[Finding, ...] = ()) -> Settled:
    return Settled(DeliveryState.DONE, reason=reason, findings=findings)


def _why(result: StepResult) -> str:
    reason = getattr(result.outcome, "reason", "")
    return str(reason or "no reply")


def refused_finding(route: str, view: DeliveryView) -> Finding:
    """Give what the ERP has against a document, for the comparison."""
    if view.findings:
        return view.findings[0]
    last = view.steps[-1].outcome if view.steps else None
    if isinstance(last, Rejected) and last.findings:
        return last.findings[0]
    return Finding("SHADOW-REFUSED", Position(route), view.reason)
