"""Calls that are passed through behind others of their order, refused for now, repeated, or given up.

Found by the simulation (tests/simulation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.base import (
    Accepted,
    Answered,
    Delivery,
    Effect,
    Finding,
    Finished,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    StepResult,
    Transient,
    TransientKind,
)
from gateway.journal.types import DeliveryState
from gateway.program import Program
from tests.gateway.rig import Recorder, Rig, order, program

BUSY = Reply(503, b"busy", (("Content-Type", "text/plain"),))
NO = Reply(400, b"no", (("Content-Type", "text/plain"),))


class Judging(Recorder):
    """A target that reads the status: 503 says that nothing was done, 400 that it never will be."""

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        if isinstance(reply, Reply) and reply.status == 503:
            return Transient("status 503", TransientKind.OUTAGE)
        if isinstance(reply, Reply) and reply.status == 400:
            return Rejected((Finding("NO", Position("mms"), "it is refused"),))
        return super().interpret(request, reply)


def call() -> Program:
    return program("call", reply="pass_through")


def put(rig: Rig, target: Recorder) -> Recorder:
    """Have a rig deliver to this target as legacy."""
    old = rig.destinations["mms"]
    rig.destinations["mms"] = replace(old, target=target, sink=target)
    rig.targets["mms"] = target
    return target


async def test_a_call_waits_for_the_earlier_document_of_its_order() -> None:
    async with Rig(program(), call()).running() as rig:
        file = await rig.take(order("1"))
        message = await rig.take(order("1", purpose="cancellation"), route="call", transport="http")
        assert message is not None
        answer = await rig.calls.pass_on(message.message_id, 5)
        await rig.settled(file)

        assert rig.targets["mms"].bodies == [order("1"), order("1", purpose="cancellation")]
        assert isinstance(answer, Answered)
        assert answer.status == 200


async def test_a_call_whose_caller_did_not_wait_frees_its_order() -> None:
    async with Rig(program(), call()).running() as rig:
        put(rig, Judging("mms")).replies.append(NO)
        parked = await rig.take(order("1"))
        await rig.settled(parked)
        message = await rig.take(order("1", purpose="cancellation"), route="call", transport="http")
        assert message is not None
        assert await rig.calls.pass_on(message.message_id, 0.05) is None
        behind = await rig.take(order("1", release="2"))

        exception = (await rig.deliveries(parked))[0].delivery_id
        await rig.journal.resolve(exception, "dismissed", "me", "by phone", rig.clock.now())
        await rig.settled(message, behind)

        assert rig.targets["mms"].bodies[1:] == [order("1", release="2")]
        assert [view.state for view in await rig.deliveries(message)] == [DeliveryState.VOID]


async def test_a_call_that_legacy_surely_did_not_take_is_sent_again_when_it_comes_again() -> None:
    async with Rig(program(), call()).running() as rig:
        put(rig, Judging("mms")).replies.append(BUSY)
        message = await rig.take(order("1"), key="k", route="call", transport="http")
        assert message is not None
        first = await rig.calls.pass_on(message.message_id, 5)
        again = await rig.calls.pass_on(message.message_id, 5)

        assert first == Answered(message.message_id, b"busy", "text/plain", status=503)
        assert again is not None
        assert again.status == 200
        assert len(rig.targets["mms"].sent) == 2


async def test_a_call_under_another_key_is_passed_on_too_as_it_was_before_the_gateway() -> None:
    async with Rig(program(), call()).running() as rig:
        put(rig, Judging("mms")).replies += [NO, NO]
        messages = [await rig.take(order("1"), key=key, route="call", transport="http") for key in ("a", "b")]
        answers = [await rig.calls.pass_on(each.message_id, 5) for each in messages if each is not None]

        assert [answer and (answer.status, answer.body) for answer in answers] == [(400, b"no")] * 2
        assert len(rig.targets["mms"].sent) == 2


class TwoSteps(Recorder):
    """A target that stages first, as a folder does."""

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Finished:
        taken = sum(isinstance(step.outcome, Accepted) for step in done)
        if taken == 2:
            return Finished("")
        return Request(("stage", "publish")[taken], Effect.REPEATABLE, "POST", self.name, delivery.body)


async def test_a_call_to_a_target_of_several_steps_takes_all_of_them() -> None:
    async with Rig(program(), call()).running() as rig:
        two = put(rig, TwoSteps("mms"))
        message = await rig.take(order("1"), route="call", transport="http")
        assert message is not None
        await rig.calls.pass_on(message.message_id, 5)

        assert [request.step for request in two.sent] == ["stage", "publish"]
        assert [view.state for view in await rig.deliveries(message)] == [DeliveryState.DONE]


async def test_a_call_that_a_person_replays_is_delivered_though_nobody_waits() -> None:
    async with Rig(program(), call()).running() as rig:
        message = await rig.take(order("1"), route="call", transport="http")
        assert message is not None
        await rig.pipeline.translate(message.message_id)
        await rig.journal.recover(rig.clock.now())  # its connection is gone
        await rig.journal.replay(message.message_id, resend=False, who="me", why="x", now=rig.clock.now())
        rig.translator.wake()
        await rig.settled(message)

        assert rig.targets["mms"].bodies == [order("1")]
        answer = await rig.calls.pass_on(message.message_id, 5)
        assert answer is not None
        assert answer.status == 200
        assert len(rig.targets["mms"].sent) == 1
