"""Callers that wait: what they get when they come back, and what a crash may leave of their calls."""

from __future__ import annotations

import asyncio
from datetime import datetime

from adapters.base import Answered, NoReply, Reply
from gateway.journal.types import Claim, DeliveryState, Settled
from gateway.program import AcknowledgePolicy
from tests.gateway.rig import Rig, order, program
from tests.gateway.test_x12_through import interchange, x12_program

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


async def test_an_acknowledgment_on_the_call_is_begun_and_ended_in_one_commit() -> None:
    """Begun and ended apart, a crash in between would leave it in doubt, and nobody could take it up."""
    program_ = x12_program(acknowledge=AcknowledgePolicy("997", "gateway", "reply"))
    async with Rig(program_, stage="cloud", targets=("mms", "erp", "acks")).running() as rig:
        message = await rig.take(interchange(["04"]), transport="http")
        assert message is not None
        states: list[DeliveryState] = []
        settle = rig.journal.settle

        async def settled(claim: Claim, settled: Settled, now: datetime) -> None:
            states.extend(each.state for each in await rig.deliveries(message) if each.target == "reply")
            await settle(claim, settled, now)

        rig.journal.settle = settled  # type: ignore[method-assign]
        answer = await rig.calls.acknowledgment(message.message_id, 5)

        assert answer is not None
        assert DeliveryState.CLAIMED in states
        assert DeliveryState.ATTEMPTING not in states
        (reply,) = [each for each in await rig.deliveries(message) if each.target == "reply"]
        assert (reply.state, len(reply.steps)) == (DeliveryState.DONE, 1)
