"""Replays of messages of which only a part went on: nothing is doubled, and nothing is forgotten.

Found by the simulation (tests/simulation).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.base import UnitKind
from canonical.keys import order_key_of
from gateway.journal.types import Acceptance, DeliveryState, LedgerEntry, Side, Transmitter
from gateway.program import Program, UnknownOrder
from gateway.stage import Stage
from tests.gateway.rig import RULES, Rig, acknowledgment, order, program

BAD = b'{"document_type": "purchase_order", "number": ""}\n'


def follower(**changes: Any) -> Program:
    return program("ack", follows="po", unknown=UnknownOrder(None, after_s=0), **changes)


async def retry(rig: Rig, message: Acceptance | None, index: int) -> None:
    assert message is not None
    await rig.journal.retry(f"{message.message_id}/{index}", "me", "now known", rig.clock.now())
    rig.translator.wake()
    await rig.settled(message)


async def test_a_set_that_is_retried_goes_on_after_its_neighbours_and_they_go_once() -> None:
    async with Rig(program(), follower(), stage="legacy").running() as rig:
        await rig.settled(await rig.take(order("1")))
        acks = await rig.take(acknowledgment("1") + acknowledgment("2"), route="ack")
        await rig.settled(acks)
        assert rig.targets["mms"].bodies[1:] == [acknowledgment("1")]

        now, key = rig.clock.now(), order_key_of("2", RULES)
        entry = LedgerEntry(key, Side.LEGACY, Transmitter.LEGACY, "po", "imported", "imported", now)
        await rig.journal.import_orders([entry], {}, "me", "cut-over", now)
        await retry(rig, acks, 1)

        assert rig.targets["mms"].bodies[1:] == [acknowledgment("1"), acknowledgment("2")]


async def test_a_set_that_went_to_legacy_stays_there_though_its_order_is_now_known_in_the_cloud() -> None:
    declared = replace(follower(), unknown=UnknownOrder(Side.LEGACY, after_s=0))
    async with Rig(program(), declared, stage="cloud").running() as rig:
        ack = await rig.take(acknowledgment("1"), route="ack")
        await rig.settled(ack)
        await rig.settled(await rig.take(order("1")))
        assert ack is not None
        await rig.journal.replay(ack.message_id, resend=False, who="me", why="look", now=rig.clock.now())
        rig.translator.wake()
        await rig.settled(ack)

        assert rig.targets["mms"].bodies == [acknowledgment("1")]
        assert rig.targets["erp"].numbers == ["1"]


async def test_a_file_with_a_bad_set_that_legacy_took_all_the_same_is_not_called_refused() -> None:
    by_file = program(accept_by=UnitKind.FILE)
    async with Rig(by_file, stage="legacy").running() as rig:
        message = await rig.take(order("1") + BAD)
        await rig.settled(message)
        await rig.journal.set_stage("po", "legacy", Stage.CLOUD, "100", "me", "go", rig.clock.now())
        again = await rig.take(order("1"))
        await rig.settled(again)

        assert rig.targets["mms"].bodies == [order("1") + BAD]
        assert rig.targets["erp"].sent == []
        assert [entry.side.value for entry in await rig.journal.orders()] == ["legacy"]
        assert {view.state for view in await rig.deliveries(message)} == {DeliveryState.DONE}
