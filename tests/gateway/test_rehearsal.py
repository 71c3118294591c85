"""The one walk over a delivery's requests that shadows and plans take: look-ups find nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finding,
    Finished,
    NoReply,
    Origin,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    StepResult,
)
from gateway.forecast.requests import rendered
from gateway.rehearsal import rehearsed, walked
from tests.gateway.operations.bench import TAKEN

AT = datetime(2026, 1, 2, tzinfo=UTC)
LOOK_UP = Request("look_up", Effect.READ, "GET", "orders")
CREATE = Request("create", Effect.WRITE, "POST", "orders")
CONFIRM = Request("confirm", Effect.WRITE, "POST", "orders/confirm")
ASKED_MAX = 20
REFUSED = Rejected((Finding("ERP-422", Position("erp"), "that is no answer of mine"),))
DELIVERY = Delivery(
    "m1.0.erp.live", "m1", "erp", "live", "R" * 26, None, b"", Origin("folder", AT, "a"), None, None, "c", AT
)


class Steps:
    """A target with these steps in their order; it takes only answers that hold ``known``."""

    def __init__(self, *requests: Request, known: bytes) -> None:
        self._requests = requests
        self._known = known

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Finished:
        return self._requests[len(done)] if len(done) < len(self._requests) else Finished("1", ())

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        is_read = isinstance(reply, Reply) and self._known in reply.body
        return TAKEN if is_read or request is CONFIRM else REFUSED


def test_a_look_up_that_finds_nothing_leads_to_what_would_be_written() -> None:
    target = Steps(LOOK_UP, CREATE, known=b'"items"')

    assert rehearsed(target, DELIVERY, AT) == CREATE
    assert rendered(target, DELIVERY, AT).requests == (LOOK_UP, CREATE)


def test_where_no_empty_answer_leads_further_a_plan_ends_as_a_shadow_does_and_nothing_is_made_up() -> None:
    target = Steps(LOOK_UP, CREATE, known=b"what no empty answer says")

    assert rehearsed(target, DELIVERY, AT) == LOOK_UP
    assert rendered(target, DELIVERY, AT).requests == (LOOK_UP,)


def test_after_a_write_that_needs_the_answers_content_the_series_ends() -> None:
    needing = Steps(CREATE, CONFIRM, known=b"a number")
    content = Steps(CREATE, CONFIRM, known=b"")

    assert list(walked(needing, DELIVERY, AT)) == [CREATE]
    assert list(walked(content, DELIVERY, AT)) == [CREATE, CONFIRM]


def test_a_target_that_asks_without_end_is_asked_so_often_and_no_more() -> None:
    class Endless(Steps):
        def next_request(self, delivery: Delivery, done: Sequence[StepResult], now: datetime) -> Request:
            return Request(f"look_up_{len(done)}", Effect.READ, "GET", f"orders/{len(done)}")

        def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
            return Accepted()

    assert len(list(walked(Endless(known=b""), DELIVERY, AT))) == ASKED_MAX
