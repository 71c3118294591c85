"""Files and interchanges that are taken whole or not at all: nobody gets a part, and somebody hears of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from adapters.base import DecodeContext, UnitKind
from adapters.edi_x12.config import X12Partner
from gateway.app import format_by_name
from gateway.journal.types import DeliveryState, MessageState
from gateway.program import AcknowledgePolicy, UnknownOrder
from gateway.workers import InlineExecutor
from tests.gateway.rig import Rig, acknowledgment, order, program
from tests.gateway.test_x12_through import interchange, x12_program

BAD = b'{"document_type": "purchase_order", "number": ""}\n'


async def until(holds: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(10):
        while not await holds():
            await asyncio.sleep(0.01)


async def test_good_orders_that_fall_with_their_envelope_wait_for_a_person() -> None:
    context = DecodeContext(
        "rig", "test", partner="mms", partner_settings=X12Partner(envelope_counts="reject")
    )
    route = x12_program(
        context=context,
        acknowledge=AcknowledgePolicy("none"),
        accept_by=UnitKind.INTERCHANGE,
        reply="wait",
    )
    async with Rig(route, stage="cloud", targets=("mms", "erp", "acks")).running() as rig:
        body = interchange(["04", "04"]).replace(b"IEA*1*", b"IEA*7*")
        message = await rig.take(body, transport="http")
        await rig.settled(message)
        assert message is not None

        assert rig.targets["erp"].sent == []
        assert await rig.codes(message)
        answer = await rig.calls.result(message.message_id, 2)
        assert answer is not None
        assert answer.status == 422


class Breaking(InlineExecutor):
    """Decodes; the 251st set meets a defect of ours."""

    async def decoding(self, *arguments: Any, **facts: Any) -> Any:
        inner = await super().decoding(*arguments, **facts)

        class Decoding:
            async def feed(self, piece: bytes) -> Any:
                return await inner.feed(piece)

            async def finish(self) -> Any:
                rest, summary = await inner.finish()

                def some() -> Any:
                    yield from rest[:250]
                    raise RuntimeError("a defect of ours")

                return some(), summary

            async def close(self) -> None:
                await inner.close()

        return Decoding()


async def test_a_translation_that_breaks_half_way_lets_nothing_of_its_unit_go_and_a_retry_all_of_it() -> None:
    whole = program(accept_by=UnitKind.FILE)
    async with Rig(whole, stage="cloud", executor=Breaking(format_by_name)).running() as rig:
        message = await rig.take(b"".join(order(f"N{n}") for n in range(300)))
        assert message is not None

        async def is_parked() -> bool:
            return (await rig.journal.message(message.message_id)).state is MessageState.PARKED

        await until(is_parked)
        await asyncio.sleep(0.1)
        assert {view.state for view in await rig.deliveries(message)} == {DeliveryState.HELD}
        assert rig.targets["erp"].sent == []

        rig.pipeline._executor = InlineExecutor(format_by_name)
        await rig.journal.retry(message.message_id, "me", "mended", rig.clock.now())
        rig.translator.wake()
        await rig.settled(message)
        assert len(rig.targets["erp"].sent) == 300


async def test_a_broken_message_that_is_dismissed_lets_go_of_all_that_it_held() -> None:
    whole = program(accept_by=UnitKind.FILE)
    async with Rig(whole, stage="cloud", executor=Breaking(format_by_name)).running() as rig:
        body = b"".join(order(f"N{n}") for n in range(300))
        message = await rig.take(body, key="a")
        assert message is not None

        async def is_parked() -> bool:
            return (await rig.journal.message(message.message_id)).state is MessageState.PARKED

        await until(is_parked)
        await rig.journal.resolve(message.message_id, "dismissed", "me", "sent anew", rig.clock.now())
        assert {view.state for view in await rig.deliveries(message)} == {DeliveryState.VOID}

        rig.pipeline._executor = InlineExecutor(format_by_name)
        again = await rig.take(body, key="b")
        await rig.settled(again)
        assert len(rig.targets["erp"].sent) == 300


async def hold_the_end(rig: Rig, gate: asyncio.Event) -> None:
    """Let the first message's last chunk wait."""
    plan_now, first = rig.journal.plan, list[str]()

    async def plan(plan: Any, now: Any) -> Any:
        first.append(plan.message_id)
        if plan.is_last and plan.message_id == first[0]:
            await gate.wait()
        return await plan_now(plan, now)

    rig.journal.plan = plan  # type: ignore[method-assign]


async def test_an_order_that_another_message_follows_is_not_taken_back() -> None:
    by_file = program(accept_by=UnitKind.FILE)
    follower = program("ack", follows="po", unknown=UnknownOrder(None, after_s=0))
    async with Rig(by_file, follower, stage="cloud").running() as rig:
        gate = asyncio.Event()
        await hold_the_end(rig, gate)
        message = await rig.take(b"".join(order(f"N{n}") for n in range(250)) + BAD)
        await until(rig.journal.orders)
        ack = await rig.take(acknowledgment("N0"), route="ack")
        await until(lambda: rig.deliveries(ack))
        gate.set()
        await rig.settled(message, ack)
        await rig.journal.set_stage("po", "cloud", "legacy", "0", "me", "roll-back", rig.clock.now())
        await rig.settled(await rig.take(order("N0")))

        kinds = [json.loads(body)["document_type"] for body in rig.targets["erp"].bodies]
        assert sorted(kinds) == ["acknowledgment", "purchase_order"]
        assert rig.targets["mms"].sent == []
        assert len(await rig.journal.orders()) == 1


async def test_a_roll_back_inside_a_large_file_lets_no_part_of_it_go() -> None:
    async with Rig(program(accept_by=UnitKind.FILE), stage="cloud").running() as rig:
        gate = asyncio.Event()
        await hold_the_end(rig, gate)
        message = await rig.take(b"".join(order(f"N{n}") for n in range(250)) + BAD)
        await until(rig.journal.orders)
        await rig.journal.set_stage("po", "cloud", "legacy", "0", "me", "roll-back", rig.clock.now())
        gate.set()
        await rig.settled(message)

        assert rig.targets["erp"].sent == []
        assert rig.targets["mms"].sent == []
