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
    Position,
    Reply,
    Request,
    StepResult,
    Stuck,
    Target,
)
from adapters.base.transport import QUERY
from gateway.rehearsal import imagined, rehearsed
from gateway.shadowing import is_question

STEPS_MAX = 20


@dataclass(frozen=True, slots=True)
class Rendered:
    """The requests in their order; ``findings`` where the target refuses the document by itself."""

    requests: tuple[Request, ...]
    findings: tuple[Finding, ...] = ()


def shadow_rendered(target: Target, delivery: Delivery, mode: str, now: datetime) -> Rendered:
    """Give what a shadow keeps, or asks: it never writes but in a sandbox. ``mode``: the leg's."""
    first = target.next_request(delivery, (), now)
    if mode == "sandbox" or is_question(first):
        return rendered(target, delivery, now)
    following = rehearsed(target, delivery, now)
    if isinstance(following, Stuck):
        return Rendered((), following.findings)
    return Rendered((following,) if following is not None else ())


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
        result = _answered(target, delivery, done, following, now)
        done.append(result)
        yield following
        if following.step == QUERY or not isinstance(result.outcome, Accepted):
            return


def _answered(
    target: Target, delivery: Delivery, done: list[StepResult], request: Request, now: datetime
) -> StepResult:
    if request.effect is not Effect.READ:
        return StepResult(request, Reply(200), target.interpret(request, Reply(200)), now, now)
    found_nothing = None if request.step == QUERY else imagined(target, delivery, done, request, now)
    return found_nothing or StepResult(request, Reply(200), Accepted(), now, now)


def _has_written(done: list[StepResult]) -> bool:
    return any(each.request.effect is not Effect.READ for each in done)
