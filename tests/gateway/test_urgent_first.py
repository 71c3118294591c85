"""An urgent order goes out first, however many others wait before it."""

from __future__ import annotations

import asyncio

from gateway.journal.types import MessageState
from tests.gateway.rig import Rig, order, program
from tests.scale import scaled

BATCH = scaled(1_000, most=10_000)
AHEAD_MAX = 8  # that a worker had claimed before


async def planned(rig: Rig, message_id: str) -> None:
    async with asyncio.timeout(120):
        while (await rig.journal.message(message_id)).state is not MessageState.PLANNED:
            await asyncio.sleep(0.01)


async def first_of_all(rig: Rig, message_id: str) -> int:
    """Give how many were delivered before an urgent order, once it is."""
    async with asyncio.timeout(30):
        while not (views := await rig.journal.deliveries(message_id=message_id)) or not views[0].ended_at:
            await asyncio.sleep(0.01)
    return rig.targets["erp"].numbers.index("RUSH-1")


async def test_an_urgent_order_goes_out_before_a_batch_that_waits_for_its_target() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        erp = rig.destinations.pop("erp")
        batch = await rig.take(b"".join(order(f"B{number}") for number in range(BATCH)))
        assert batch is not None
        await planned(rig, batch.message_id)
        rush = await rig.take(order("RUSH-1", urgency="rush"))
        assert rush is not None
        await planned(rig, rush.message_id)
        rig.destinations["erp"] = erp
        rig.worker.wake()

        assert await first_of_all(rig, rush.message_id) < AHEAD_MAX
