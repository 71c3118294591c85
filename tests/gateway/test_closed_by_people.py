"""What a person closed stays closed when its message is planned again, and gives way to what replaces it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from adapters.base import Finding, Outcome, Position, Rejected, Reply, Request
from gateway.journal.types import Acceptance, DeliveryState, Side, Transmitter
from gateway.program import Program, UnknownOrder
from tests.gateway.rig import Recorder, Rig, acknowledgment, order, program

BAD = b'{"document_type": "purchase_order", "number": ""}\n'


async def until(holds: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(5):
        while not await holds():
            await asyncio.sleep(0.005)


async def close(rig: Rig, subject: str, resolution: str) -> None:
    await rig.journal.resolve(subject, resolution, "me", "asked", rig.clock.now())


async def replayed(rig: Rig, message: Acceptance | None, *, resend: bool = False) -> None:
    assert message is not None
    await rig.journal.replay(message.message_id, resend=resend, who="me", why="look", now=rig.clock.now())
    rig.translator.wake()
    await rig.settled(message)


async def retried(rig: Rig, message: Acceptance | None, index: int) -> None:
    assert message is not None
    await rig.journal.retry(f"{message.message_id}/{index}", "me", "again", rig.clock.now())
    rig.translator.wake()
    await rig.settled(message)


def without_legacy() -> Program:
    """Give a route of which a set for legacy parks."""
    made = program()
    return replace(made, rule=replace(made.rule, legacy_target=None))


def followers() -> Program:
    return program("ack", follows="po", unknown=UnknownOrder(None, after_s=0))


async def closed_in_an_outage(rig: Rig, body: bytes, resolution: str) -> Acceptance | None:
    """Take a message while the ERP takes nothing, and close its one delivery there."""
    erp = rig.destinations.pop("erp")
    message = await rig.take(body)
    await until(lambda: rig.deliveries(message))
    (delivery,) = await rig.deliveries(message)
    await close(rig, delivery.delivery_id, resolution)
    rig.destinations["erp"] = erp
    return message


@pytest.mark.parametrize("resolution", ["done_elsewhere:PO-9", "dismissed"])
async def test_a_closed_order_is_not_created_when_its_neighbour_is_retried(resolution: str) -> None:
    async with Rig(without_legacy(), stage="canary").running() as rig:
        message = await closed_in_an_outage(rig, order("1") + order("2", facility="01"), resolution)
        await retried(rig, message, 1)
        await replayed(rig, message)  # and it is remembered

        assert rig.targets["erp"].sent == []
        current = [view.plan for view in await rig.documents(message) if view.plan.index == 0][-1]
        assert (current.resolution, current.is_parked) == (resolution, False)


async def test_a_closed_order_is_sent_by_a_replay_that_says_to_resend() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        message = await closed_in_an_outage(rig, order("1"), "dismissed")
        await replayed(rig, message, resend=True)

        assert rig.targets["erp"].numbers == ["1"]


async def test_a_closed_document_stays_closed_when_its_neighbour_is_retried() -> None:
    async with Rig(program(), followers(), stage="cloud").running() as rig:
        acks = await rig.take(acknowledgment("1") + acknowledgment("2"), route="ack")
        await rig.settled(acks)
        assert acks is not None
        await close(rig, f"{acks.message_id}/0", "done_elsewhere:by hand")
        await rig.settled(await rig.take(order("1") + order("2")))
        await retried(rig, acks, 1)

        assert len(rig.targets["erp"].sent) == 3  # two orders, and the one that was retried
        assert await rig.codes(acks) == []


async def test_to_close_a_finding_in_stage_legacy_takes_no_bytes_back() -> None:
    async with Rig(program(), stage="legacy").running() as rig:
        mms = rig.destinations.pop("mms")
        message = await rig.take(order("1") + BAD)
        await until(lambda: rig.deliveries(message))
        assert message is not None
        await close(rig, f"{message.message_id}/1", "dismissed")
        rig.destinations["mms"] = mms
        await replayed(rig, message)

        assert rig.targets["mms"].bodies == [order("1") + BAD]
        assert await rig.codes(message) == []


class Refuser(Recorder):
    """Refuses as the ERP does (422)."""

    def interpret(self, request: Request, reply: Any) -> Outcome:
        if isinstance(reply, Reply) and reply.status == 422:
            return Rejected((Finding("ERP-422", Position("erp"), "unknown item"),))
        return super().interpret(request, reply)


@pytest.mark.parametrize("currency", ["XXX", "USD"])
async def test_what_is_sent_in_place_of_a_dismissed_order_is_no_repeat(currency: str) -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        erp = Refuser("erp")
        erp.replies.append(Reply(422))
        rig.destinations["erp"] = replace(rig.destinations["erp"], target=erp, sink=erp)
        first = await rig.take(order("4711", currency="XXX"), key="a")
        await rig.settled(first)
        (delivery,) = await rig.deliveries(first)
        assert delivery.state is DeliveryState.PARKED
        await close(rig, delivery.delivery_id, "dismissed")
        second = await rig.take(order("4711", currency=currency), key="b")
        await rig.settled(second)

        assert await rig.codes(second) == []
        assert len(erp.sent) == 2
        await replayed(rig, first)
        assert await rig.codes(first) == []
        assert len(erp.sent) == 2


async def test_what_was_done_elsewhere_is_not_taken_again() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        await closed_in_an_outage(rig, order("4711"), "done_elsewhere:PO-9")
        again = await rig.take(order("4711") + b"\n", key="b")
        await rig.settled(again)

        assert rig.targets["erp"].sent == []


async def test_a_follow_on_that_waited_in_vain_and_was_dismissed_gives_way_to_its_next_copy() -> None:
    patient = program("ack", follows="po", unknown=UnknownOrder(None, after_s=0.05))
    async with Rig(program(), patient, stage="cloud").running() as rig:
        first = await rig.take(acknowledgment("1"), route="ack", key="a")

        async def is_parked() -> bool:
            rig.translator.wake()
            return bool(await rig.codes(first))

        await until(is_parked)
        assert first is not None
        await close(rig, f"{first.message_id}/0", "dismissed")
        await rig.settled(await rig.take(order("1")))
        second = await rig.take(acknowledgment("1"), route="ack", key="b")
        await rig.settled(second)

        assert len(rig.targets["erp"].sent) == 2


async def test_an_order_placed_by_phone_is_not_given_to_legacy_when_its_neighbour_is_retried() -> None:
    async with Rig(program(), stage="canary").running() as rig:
        mms = rig.destinations.pop("mms")
        message = await rig.take(order("1", facility="01") + BAD)
        await until(lambda: rig.deliveries(message))
        (delivery,) = await rig.deliveries(message)
        await close(rig, delivery.delivery_id, "placed_by_phone:REF-1")
        rig.destinations["mms"] = mms
        await retried(rig, message, 1)

        assert rig.targets["mms"].sent == []
        assert "LEGACY-WOULD-TRANSMIT" in await rig.codes(message)


@pytest.mark.parametrize(
    "stage, side", [("cloud", Side.CLOUD), ("canary", Side.LEGACY), ("legacy", Side.LEGACY)]
)
async def test_an_undecided_order_placed_by_phone_belongs_to_the_side_of_its_stage(
    stage: str, side: Side
) -> None:
    made = program()
    nowhere = replace(made, rule=replace(made.rule, cloud_target=None, legacy_target=None))
    async with Rig(nowhere, stage=stage).running() as rig:
        message = await rig.take(order("1"))
        await rig.settled(message)
        assert message is not None
        await close(rig, f"{message.message_id}/0", "placed_by_phone:REF")

        (entry,) = await rig.journal.orders()
        assert (entry.side, entry.transmitter) == (side, Transmitter.NONE)


async def test_a_replay_after_an_endpoint_got_another_name_sends_nothing_again() -> None:
    async with Rig(program(), stage="cloud", targets=("mms", "erp", "fusion", "hub")).running() as rig:
        made = program()
        both = replace(made.rule, supplier_target="hub", cloud_transmitter=Transmitter.GATEWAY)
        rig.programs.routes["po"] = replace(made, rule=both)  # type: ignore[index]
        hub = rig.destinations.pop("hub")
        message = await rig.take(order("1"))

        async def is_at_the_erp() -> bool:
            return rig.targets["erp"].numbers == ["1"]

        await until(is_at_the_erp)
        rig.destinations["hub"] = hub
        rig.programs.routes["po"] = replace(made, rule=replace(both, cloud_target="fusion"))  # type: ignore[index]
        await replayed(rig, message)

        assert rig.targets["fusion"].sent == []
        assert len(rig.targets["hub"].sent) == 1  # what was not sent is not forgotten


async def test_an_envelope_that_goes_out_while_its_message_is_planned_again_goes_once() -> None:
    async with Rig(program(), stage="canary").running() as rig:
        mms = rig.destinations.pop("mms")
        message = await rig.take(order("1") + order("2", facility="01") + order("3", facility="01"))
        await until(lambda: rig.deliveries(message))
        plan_now = rig.journal.plan

        async def plan(plan: Any, now: Any) -> Any:
            if plan.generation == 2 and "mms" not in rig.destinations:
                rig.destinations["mms"] = mms
                rig.worker.wake()
                while not rig.targets["mms"].sent:
                    await asyncio.sleep(0.005)
            return await plan_now(plan, now)

        rig.journal.plan = plan  # type: ignore[method-assign]
        await replayed(rig, message)

        assert rig.targets["mms"].numbers == ["2", "3"]
