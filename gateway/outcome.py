"""What follows an outcome: go on, try again, wait, look up, or park. Pure.

Retry timing is a function of its arguments: the clock and the chance come in. *Waiting* (outage,
breaker, throttle, expired credential) resumes by itself and spends no attempt; *parked* needs a
person; *in doubt* is looked up on the same system and never goes elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from adapters.base import (
    Accepted,
    Effect,
    Finding,
    InDoubt,
    Outcome,
    Position,
    Rejected,
    Request,
    StepResult,
    Transient,
    TransientKind,
)

RETRY_AFTER_MAX_S = 3_600.0  # a broken clock over there must not put an order off for years
LOOK_UP_DELAYS_S = (2.0, 5.0, 15.0, 60.0, 300.0)  # read-after-write lag first, then patience


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how fast one delivery is tried again.

    ``attempts_max`` counts attempts that were spent, the first one included; ``budget_s`` is the
    time from the first attempt after which another error parks.
    """

    attempts_max: int = 6
    backoff_lowest_s: float = 2.0
    backoff_highest_s: float = 300.0
    jitter: Literal["full", "none"] = "full"
    budget_s: float = 7_200.0


@dataclass(frozen=True, slots=True)
class GoOn:
    """The step is done; ask the target what comes next."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at ``at``; an attempt was spent."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Go on at ``at`` by itself; no attempt was spent."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class LookUpAt:
    """Ask the same system at ``at`` whether it happened."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Park:
    """A person must look."""

    findings: tuple[Finding, ...]


NextStep = GoOn | RetryAt | WaitUntil | LookUpAt | Park


def next_step(
    outcome: Outcome,
    policy: RetryPolicy,
    *,
    attempts: int,
    transients: int,
    first_attempt_at: datetime,
    now: datetime,
    chance: float,
) -> NextStep:
    """Say what follows an outcome.

    ``attempts``: spent before this one. ``transients``: steps in a row that came to nothing, this
    one included; it paces waiting and looking up. ``chance``: from 0 to below 1.
    """
    match outcome:
        case Accepted():
            return GoOn()
        case Rejected(findings):
            return Park(findings)  # the same bytes would be refused again
        case InDoubt(reason):
            return LookUpAt(now + timedelta(seconds=look_up_delay_s(transients)), reason)
        case Transient(reason, TransientKind.ERROR, retry_after_s):
            spent = attempts + 1
            if spent >= policy.attempts_max:
                return Park((_exhausted(f"{spent} attempts came to nothing, the last with: {reason}"),))
            at = now + timedelta(seconds=backoff_s(policy, spent, chance, retry_after_s))
            if at > first_attempt_at + timedelta(seconds=policy.budget_s):
                return Park(
                    (_exhausted(f"{policy.budget_s:.0f} s were not enough, the last reason: {reason}"),)
                )
            return RetryAt(at, reason)
        case Transient(reason, _, retry_after_s):
            return WaitUntil(
                now + timedelta(seconds=backoff_s(policy, transients, chance, retry_after_s)), reason
            )


def backoff_s(policy: RetryPolicy, attempt: int, chance: float, retry_after_s: float | None) -> float:
    """Give the pause after the n-th failure: exponential, capped, with full jitter; Retry-After wins.

    Source: AWS Architecture Blog, "Exponential backoff and jitter" (full jitter). Retry-After
    (RFC 9110, 10.2.3) is a lower bound that the server knows better than we do; up to a tenth on
    top keeps a thousand waiting deliveries from coming back in the same instant. An hour at most: it is
    asked again then, and may say so again.
    """
    if retry_after_s is not None:
        return min(max(retry_after_s, 0.0), RETRY_AFTER_MAX_S) * (1.0 + 0.1 * chance)
    exponent = min(max(attempt, 1) - 1, 30)
    ceiling = min(policy.backoff_lowest_s * 2.0**exponent, policy.backoff_highest_s)
    if policy.jitter == "none":
        return ceiling
    return max(ceiling * chance, 0.05)


def look_up_delay_s(look_ups: int) -> float:
    """Give the pause before the n-th look-up: quick at first, patient later."""
    return LOOK_UP_DELAYS_S[min(max(look_ups, 1), len(LOOK_UP_DELAYS_S)) - 1]


def is_in_doubt(steps: Sequence[StepResult]) -> bool:
    """Tell whether a write may have happened that no later look-up has cleared up."""
    for step in reversed(steps):
        if step.request.effect is Effect.READ and isinstance(step.outcome, Accepted):
            return False  # whatever was unclear before was looked up here
        if step.request.effect is Effect.WRITE and step.is_in_doubt:
            return True
    return False


def may_send(request: Request, steps: Sequence[StepResult]) -> bool:
    """Tell whether sending a request now could make one document into two.

    The guard around every target: while a write is in doubt, only look-ups and requests that the
    receiver itself recognises as repeats may leave.
    """
    return request.effect is not Effect.WRITE or not is_in_doubt(steps)


def transients_in_a_row(steps: Sequence[StepResult]) -> int:
    """Count the newest steps that came to nothing, up to the last one that succeeded."""
    count = 0
    for step in reversed(steps):
        if isinstance(step.outcome, Accepted):
            break
        count += 1
    return count


def _exhausted(text: str) -> Finding:
    advice = "look at the target's own log, then retry or resolve this exception"
    return Finding(code="DELIVERY-EXHAUSTED", at=Position(""), text=f"{text}; {advice}")
