"""The request that a target would write, without asking anybody: its look-ups are answered "not there". Pure.

A target looks up before it creates. A shadow that may not ask would stop there, so a reply that finds
nothing is imagined, in each of the spellings that APIs have for it, until the target goes on to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finished,
    Rehearsing,
    Reply,
    Request,
    StepResult,
    Stuck,
    Target,
    Wait,
)

STEPS_MAX = 12

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
    steps: list[StepResult] = []
    last: Request | None = None
    for _ in range(STEPS_MAX):
        following = target.next_request(delivery, steps, now)
        match following:
            case Stuck():
                return following
            case Wait() | Finished():
                return last
            case Request():
                if following.effect is not Effect.READ:
                    return following
                last = following
                answered = imagined(target, delivery, steps, following, now)
                if answered is None:
                    return last
                steps.append(answered)
    return last


def imagined(
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
