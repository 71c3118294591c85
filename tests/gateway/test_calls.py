"""Callers that come back with a call that never reached the legacy system."""

from __future__ import annotations

import asyncio

from adapters.base import Answered, NoReply, Reply
from gateway.journal.types import DeliveryState
from tests.gateway.rig import Rig, order, program

OK = Reply(200, b"<ok/>", (("Content-Type", "text/xml"),))


async def test_a_call_that_a_crash_kept_from_being_sent_is_sent_when_its_caller_comes_back() -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        rig.targets["mms"].replies.append(OK)
        message = await rig.take(order("4711"), key="k", transport="http")
        assert message is not None
        await rig.pipeline.translate(message.message_id)
        await rig.journal.recover(rig.clock.now())  # as the next process does
        answers = await asyncio.gather(*(rig.calls.pass_on(message.message_id, 5) for _ in range(3)))

        assert answers == [Answered(message.message_id, b"<ok/>", "text/xml", status=200)] * 3
        assert len(rig.targets["mms"].sent) == 1


async def test_a_call_that_met_a_closed_door_is_sent_when_its_caller_comes_back() -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        rig.targets["mms"].replies += [NoReply("none", "connection refused"), OK]
        message = await rig.take(order("4711"), key="k", transport="http")
        assert message is not None
        answers = [await rig.calls.pass_on(message.message_id, 0.2) for _ in range(3)]

        assert answers == [None, *[Answered(message.message_id, b"<ok/>", "text/xml", status=200)] * 2]
        assert len(rig.targets["mms"].sent) == 2


async def test_a_call_that_a_person_closed_is_never_sent_again() -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        rig.targets["mms"].replies += [NoReply("maybe", "reset"), OK]
        message = await rig.take(order("4711"), key="k", transport="http")
        assert message is not None
        await rig.calls.pass_on(message.message_id, 0.2)
        (exception,) = await rig.journal.exceptions()
        await rig.journal.resolve(exception.exception_id, "dismissed", "me", "it is there", rig.clock.now())

        assert await rig.calls.pass_on(message.message_id, 0.2) is None
        assert len(rig.targets["mms"].sent) == 1
        (call,) = await rig.journal.deliveries(message_id=message.message_id)
        assert call.state is DeliveryState.VOID
