"""Callers that wait: what they get when they come back, and what a crash may leave of their calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adapters.base import Answered, NoReply, Reply
from gateway.journal.base import JournalBusyError
from gateway.journal.types import Claim, DeliveryState, DeliveryView, Settled
from gateway.program import AcknowledgePolicy
from tests.gateway.rig import Rig, order, program
from tests.gateway.test_x12_through import interchange, order_set, x12_program

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


async def _ended(rig: Rig, message_id: str) -> DeliveryView:
    """Wait until a message's one call has ended."""
    async with asyncio.timeout(5):
        while True:
            views = await rig.journal.deliveries(message_id=message_id)
            if views and views[0].ended_at is not None:
                return views[0]
            await asyncio.sleep(0.02)


async def test_a_call_planned_after_its_caller_was_gone_ends_unsent_and_frees_its_order() -> None:
    """The process died between accept and plan: recovery saw no call yet, and nobody comes to send it."""
    pass_on, files = program(reply="pass_through"), program("edi")
    async with Rig(pass_on, files, stage="legacy").running() as rig:
        call = await rig.take(order("1"), key="k", transport="http")
        assert call is not None
        ended = await _ended(rig, call.message_id)
        behind = await rig.take(order("1", purpose="cancellation"), route="edi")
        await rig.settled(behind)

        assert (ended.role, ended.state) == ("pass_through", DeliveryState.VOID)
        assert rig.targets["mms"].bodies == [order("1", purpose="cancellation")]


async def test_a_call_whose_endpoint_was_taken_away_ends_unsent() -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        rig.destinations.pop("mms")
        message = await rig.take(order("1"), key="k", transport="http")
        assert message is not None

        assert await rig.calls.pass_on(message.message_id, 0.1) is None
        assert (await _ended(rig, message.message_id)).state is DeliveryState.VOID


async def test_a_call_is_not_ended_while_its_caller_waits_behind_an_earlier_document() -> None:
    async with Rig(program(reply="pass_through"), program("edi")).running() as rig:
        held = rig.destinations.pop("mms")
        first = await rig.take(order("1"), route="edi")
        message = await rig.take(order("1", purpose="cancellation"), key="k", transport="http")
        assert message is not None
        rig.destinations["mms"] = replace(held)
        slow = asyncio.create_task(rig.calls.pass_on(message.message_id, 5))
        rig.worker.wake()
        answer = await slow
        await rig.settled(first)

        assert answer is not None
        assert answer.status == 200


@pytest.mark.parametrize("moment", ["translate", "before it was sent", "after it was sent"])
async def test_a_busy_journal_neither_fails_a_call_nor_sends_it_twice(moment: str) -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        refusals = 2
        deliveries, begin = rig.journal.deliveries, rig.journal.begin_translation

        def refuse(now: str) -> None:
            nonlocal refusals
            if now == moment and refusals:
                refusals -= 1
                raise JournalBusyError("full")

        async def busy_deliveries(**wanted: object) -> list[DeliveryView]:
            refuse("after it was sent" if rig.targets["mms"].sent else "before it was sent")
            return await deliveries(**wanted)  # type: ignore[arg-type]

        async def busy_begin(message_id: str, revision: int) -> object:
            refuse("translate")
            return await begin(message_id, revision)

        message = await rig.take(b"%% in a form of its own", transport="http")
        assert message is not None
        rig.journal.deliveries = busy_deliveries  # type: ignore[method-assign]
        rig.journal.begin_translation = busy_begin  # type: ignore[method-assign, assignment]
        answer = await rig.calls.pass_on(message.message_id, 5)

        assert answer is not None
        assert (answer.status, len(rig.targets["mms"].sent), refusals) == (200, 1, 0)


async def test_a_message_is_not_called_delivered_while_its_last_set_of_many_is_parked() -> None:
    broken = b'{"document_type": "purchase_order", "number": ""}\n'
    async with Rig(program(reply="wait"), stage="cloud").running() as rig:
        body = b"".join(order(f"N{number}") for number in range(1_000)) + broken
        message = await rig.take(body, transport="http")
        await rig.settled(message)
        assert message is not None
        answer = await rig.calls.result(message.message_id, 5)

        assert answer is not None
        assert answer.status == 422


async def test_the_acknowledgment_of_an_interchange_of_many_orders_goes_out_on_its_call() -> None:
    on_call = x12_program(acknowledge=AcknowledgePolicy("997", "gateway", "reply"))
    async with Rig(on_call, stage="cloud", targets=("mms", "erp", "acks")).running() as rig:
        message = await rig.take(_large_interchange(1_000), transport="http")
        assert message is not None
        answer = await rig.calls.acknowledgment(message.message_id, 20)

        assert answer is not None
        assert b"AK9*A*1000*1000*1000" in answer.body


def _large_interchange(orders: int) -> bytes:
    sets: Sequence[str] = [
        segment.replace(f"NE*47{number:02}*", f"NE*L{number}*")
        for number in range(orders)
        for segment in order_set(number, "04")
    ]
    ids = "*00*          *00*          *ZZ*MERCYMMS       *ZZ*BRIDGE         "
    segments = [
        f"ISA{ids}*260115*0830*U*00401*000000042*0*T*>",
        "GS*PO*MERCYMMS*BRIDGE*20260115*0830*42*X*004010",
        *sets,
        f"GE*{orders}*42",
        "IEA*1*000000042",
    ]
    return ("~\n".join(segments) + "~\n").encode()


async def test_a_repeat_whose_stored_answer_retention_has_taken_is_told_so_and_sends_nothing() -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        rig.targets["mms"].replies.append(OK)
        message = await rig.take(order("4711"), key="k", transport="http")
        assert message is not None
        await rig.calls.pass_on(message.message_id, 5)
        later = rig.clock.now() + timedelta(days=91)
        keys_before = later - timedelta(days=400)
        await rig.journal.prune(later, later - timedelta(days=90), keys_before, keys_before, 1_000)
        again = await rig.take(order("4711"), key="k", transport="http")
        assert again is not None
        answer = await rig.calls.pass_on(again.message_id, 5)

        assert answer is not None
        assert (answer.status, again.message_id) == (410, message.message_id)
        assert b"no longer kept" in answer.body
        assert len(rig.targets["mms"].sent) == 1


async def test_an_empty_reply_is_given_as_the_empty_reply_that_it_is() -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        rig.targets["mms"].replies.append(Reply(204, b""))
        message = await rig.take(order("4711"), key="k", transport="http")
        assert message is not None
        answers = [await rig.calls.pass_on(message.message_id, 5) for _ in range(2)]

        assert [answer and (answer.status, answer.body) for answer in answers] == [(204, b"")] * 2
