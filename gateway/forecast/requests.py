"""What a target would be sent, as far as it can be said without the other side's answers. Pure.

A target is asked as a delivery asks it. A look-up is taken to have found nothing, for that is what leads
to the request that creates something. After a write the target itself says whether a bare "done" is
enough to go on with; where it needs the answer's content, the series ends there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finding,
    Outcome,
    Position,
    Reply,
    Request,
    StepResult,
    Stuck,
    Target,
)
from adapters.base.transport import QUERY
from gateway.rehearsal import rehearsed
from gateway.shadowing import is_question

STEPS_MAX = 20


@dataclass(frozen=True, slots=True)
class Rendered:
    """The requests in their order; ``findings`` where the target refuses the document by itself."""

    requests: tuple[Request, ...]
    findings: tuple[Finding, ...] = ()


def shadow_rendered(target: Target, delivery: Delivery, now: datetime) -> Rendered:
    """Give what a shadow in mode render would keep of a delivery: the one request that would write."""
    try:
        if is_question(target.next_request(delivery, (), now)):
            return rendered(target, delivery, now)
        following = rehearsed(target, delivery, now)
    except Exception:  # noqa: BLE001  said as delivering says it
        return rendered(target, delivery, now)
    match following:
        case Request():
            return Rendered((following,))
        case Stuck(findings):
            return Rendered((), findings)
        case None:
            return Rendered(())


def rendered(target: Target, delivery: Delivery, now: datetime) -> Rendered:
    """Give what a delivery would be sent. A target that breaks is told as delivering tells it."""
    done: list[StepResult] = []
    try:
        for step in _steps(target, delivery, done, now):
            if isinstance(step, Stuck):
                return Rendered(tuple(each.request for each in done), step.findings)
    except Exception as error:  # noqa: BLE001  delivering parks it in the same way
        if not done:
            text = f"{type(error).__name__}: {error}"
            at = Position(delivery.target, path=delivery.delivery_id)
            return Rendered((), (Finding("DELIVERY-FAILED", at, text),))
    return Rendered(tuple(each.request for each in done))


def _steps(
    target: Target, delivery: Delivery, done: list[StepResult], now: datetime
) -> Iterator[Request | Stuck]:
    while len(done) < STEPS_MAX:
        following = target.next_request(delivery, done, now)
        if isinstance(following, Stuck) and not _has_written(done):
            yield following
            return
        if not isinstance(following, Request) or any(each.request == following for each in done):
            return
        outcome: Outcome = Accepted()  # a look-up that found nothing
        if following.effect is not Effect.READ:
            outcome = target.interpret(following, Reply(200))
        done.append(StepResult(following, Reply(200), outcome, now, now))
        yield following
        if following.step == QUERY or not isinstance(outcome, Accepted):
            return


def _has_written(done: list[StepResult]) -> bool:
    return any(each.request.effect is not Effect.READ for each in done)
