"""What a target would be sent, without asking anybody: its look-ups are answered "not there". Pure.

A target looks up before it creates. A shadow that may not ask would stop there, and so would a plan, so a
reply that finds nothing is imagined, in each of the spellings that APIs have for it, until the target goes
on to write. Shadows and plans take this one walk: what is planned for a shadow is what it then keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Rehearsing,
    Reply,
    Request,
    StepResult,
    Stuck,
    Target,
)
from adapters.base.transport import QUERY

STEPS_MAX = 20

_HEADERS = (("Content-Type", "application/json"), ("x-csrf-token", "rehearsed"), ("ETag", 'W/"0"'))
_NOTHING_THERE = (
    Reply(404, b'{"title": "not found", "status": 404}', _HEADERS),
    Reply(200, b'{"items": [], "count": 0, "totalResults": 0, "hasMore": false, "value": []}', _HEADERS),
    Reply(200, b'{"d": {"results": []}}', _HEADERS),
    Reply(200, b"[]", _HEADERS),
    Reply(200, b"", _HEADERS),
    Reply(204, b"", _HEADERS),
)


def rehearsed(target: Target, delivery: Delivery, now: datetime) -> Request | Stuck | None:
    """Give the first request that would write, or the last look-up where no reply leads further.

    Stuck: the target cannot write this document, and says why. None: it has nothing to send.
    """
    last: Request | None = None
    for following in walked(target, delivery, now):
        if isinstance(following, Stuck) or following.effect is not Effect.READ:
            return following
        last = following
    return last


def walked(target: Target, delivery: Delivery, now: datetime) -> Iterator[Request | Stuck]:
    """Give the requests of a delivery in their order; the series ends where an answer's content is needed.

    A look-up finds nothing. Where no such answer leads further, nobody can say what comes next. After a
    write the target itself says whether a bare "done" is enough. Stuck: it cannot write, and has not yet.
    """
    done: list[StepResult] = []
    while len(done) < STEPS_MAX:
        following = target.next_request(delivery, done, now)
        if isinstance(following, Stuck) and all(each.request.effect is Effect.READ for each in done):
            yield following
        if not isinstance(following, Request) or any(each.request == following for each in done):
            return
        yield following
        result = _answered(target, delivery, done, following, now)
        if result is None or not isinstance(result.outcome, Accepted):
            return
        done.append(result)


def _answered(
    target: Target, delivery: Delivery, done: Sequence[StepResult], asked: Request, now: datetime
) -> StepResult | None:
    if asked.effect is Effect.READ:
        return None if asked.step == QUERY else _imagined(target, delivery, done, asked, now)
    return StepResult(asked, Reply(200), target.interpret(asked, Reply(200)), now, now)


def _imagined(
    target: Target, delivery: Delivery, steps: Sequence[StepResult], asked: Request, now: datetime
) -> StepResult | None:
    """Answer a look-up so that the target goes on; a step that leads to a write at once is preferred."""
    own = target.imagined_reply(asked) if isinstance(target, Rehearsing) else None
    onwards = None
    for reply in (*((own,) if own is not None else ()), *_NOTHING_THERE):
        try:
            outcome = target.interpret(asked, reply)
            step = StepResult(asked, reply, outcome, now, now)
            following = target.next_request(delivery, [*steps, step], now)
        except (ValueError, KeyError, TypeError, LookupError, AttributeError):
            continue  # no reply that this API would ever give
        if not isinstance(outcome, Accepted) or not isinstance(following, Request) or following == asked:
            continue
        if following.effect is not Effect.READ:
            return step
        onwards = onwards or step
    return onwards
