"""How what a step came to, or that there is none, settles a delivery; time and chance come in.

What follows an outcome is ``outcome.py``'s; here it becomes what the journal keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from adapters.base import (
    Accepted,
    Clock,
    Finding,
    Finished,
    NoReply,
    Position,
    Reply,
    Rng,
    StepResult,
    Stuck,
    Transient,
    Wait,
)
from gateway.destination import Destination
from gateway.journal.types import ClaimedDelivery, DeliveryState, Settled
from gateway.outcome import (
    GoOn,
    LookUpAt,
    Park,
    RetryAt,
    WaitUntil,
    is_in_doubt,
    next_step,
    transients_in_a_row,
)


def after_step(
    result: StepResult,
    steps: Sequence[StepResult],
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


def without_request(
    following: Wait | Finished | Stuck,
    steps: Sequence[StepResult],
    claimed: ClaimedDelivery,
    result: StepResult | None = None,
) -> Settled:
    """Say how a delivery is settled whose target has nothing to send now.

    ``result``: of the step that came right before, and is written down with it.
    """
    match following:
        case Wait(until, reason):
            state = DeliveryState.IN_DOUBT if is_in_doubt(steps) else DeliveryState.WAITING
            return Settled(state, result, not_before=until, reason=reason)
        case Finished(reference, aliases, notes):
            if is_in_doubt(steps):
                why = "the target calls it finished while a write is in doubt"
                return parked("TARGET-UNSAFE", claimed, why, result)
            return Settled(DeliveryState.DONE, result, findings=notes, reference=reference, aliases=aliases)
        case Stuck(findings):
            return Settled(DeliveryState.PARKED, result, findings=findings, reason=findings[0].text)


def parked(code: str, claimed: ClaimedDelivery, text: str, result: StepResult | None = None) -> Settled:
    """Settle a delivery that the gateway itself must not go on with: a person looks at it."""
    finding = Finding(code=code, at=Position(claimed.target, path=claimed.claim.delivery_id), text=text)
    return Settled(DeliveryState.PARKED, result, findings=(finding,), reason=text)
