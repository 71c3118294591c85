"""Calls that are passed through behind others of their order, refused for now, repeated, or given up.

Found by the simulation (tests/simulation).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import pytest

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
from gateway.journal.types import Acceptance, DeliveryState
from gateway.program import Program
from tests.gateway.rig import Recorder, Rig, order, program

BUSY = Reply(503, b"busy", (("Content-Type", "text/plain"),))
CANCELLATION = order("1", purpose="cancellation")
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


@asynccontextmanager
async def left_out(stage: str) -> AsyncIterator[tuple[Rig, Acceptance, Acceptance]]:
    """Give a call that ended unsent, and a file that was left out as a repeat of it."""
    rig = Rig(program(), call(), program("files"))
    rig._declared["files"] = (stage, "100")
    async with rig.running():
        put(rig, Judging("mms")).replies.append(NO)
        parked = await rig.take(order("1"))
        await rig.settled(parked)
        message = await rig.take(CANCELLATION, route="call", transport="http")
        assert message is not None
        assert await rig.calls.pass_on(message.message_id, 0.05) is None
        file = await rig.take(CANCELLATION, route="files")
        await rig.settled(file)
        assert file is not None
        assert await rig.codes(file) == []
        exception = (await rig.deliveries(parked))[0].delivery_id
        await rig.journal.resolve(exception, "dismissed", "me", "by phone", rig.clock.now())
        await rig.settled(message)
        assert [view.state for view in await rig.deliveries(message)] == [DeliveryState.VOID]
        yield rig, message, file


async def retry_all(rig: Rig, message: Acceptance) -> None:
    for item in await rig.journal.exceptions():
        await rig.journal.retry(item.exception_id, "me", "its caller is gone", rig.clock.now())
    rig.translator.wake()
    await rig.settled(message)
    assert await rig.journal.exceptions() == []


@pytest.mark.parametrize("stage", ["canary", "cloud"])
async def test_a_file_left_out_as_a_repeat_of_a_call_that_is_never_sent_waits_for_a_person(
    stage: str,
) -> None:
    async with left_out(stage) as (rig, _, file):
        assert await rig.codes(file) == ["DOCUMENT-REPEATS-UNSENT", "DOCUMENT-REPEATED"]

        await retry_all(rig, file)

        assert rig.targets["mms"].bodies[1:] == [CANCELLATION]


async def test_nothing_is_sent_twice_if_the_call_came_again_before_such_a_file_is_retried() -> None:
    async with left_out("cloud") as (rig, message, file):
        answer = await rig.calls.pass_on(message.message_id, 5)
        assert answer is not None
        assert answer.status == 200

        await retry_all(rig, file)

        assert rig.targets["mms"].bodies[1:] == [CANCELLATION]


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
