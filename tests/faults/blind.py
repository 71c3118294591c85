"""A target that never looks up: the negative control of the look-up before and after a create."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finished,
    NoReply,
    Outcome,
    Reply,
    Request,
    StepResult,
    Stuck,
    Target,
    Wait,
)

LOOK_UP, CREATE = "look_up", "create"


class BlindTarget:
    """Answers each look-up of a target by itself, with "nothing there", and creates again at once."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Pass over look-ups, and over every create of unknown outcome."""
        known = [step for step in done if step.step != CREATE or isinstance(step.outcome, Accepted)]
        following = self._target.next_request(delivery, known, now)
        while isinstance(following, Request) and following.step == LOOK_UP:
            known = [*known, StepResult(following, Reply(404), Accepted(), now, now)]
            following = self._target.next_request(delivery, known, now)
        if isinstance(following, Request) and following.step == CREATE:
            return replace(following, effect=Effect.REPEATABLE)  # past the guard in outcome.py, too
        return following

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means."""
        return self._target.interpret(request, reply)
