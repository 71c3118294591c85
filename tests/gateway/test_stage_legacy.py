"""Stages legacy and shadow: legacy gets what it always got, and the ledger knows that it did."""

from __future__ import annotations

import pytest

from canonical.keys import order_key_of
from gateway.journal.types import Side, Transmitter
from tests.gateway.rig import RULES, Rig, order, program
from tests.gateway.test_x12_through import interchange, x12_program

BAD_QUANTITY = (b"PO1*1*12*EA", b"PO1*1*TWELVE*EA")


def x12_rig(stage: str) -> Rig:
    return Rig(x12_program(), stage=stage, targets=("mms", "erp", "acks"))


@pytest.mark.parametrize("stage", ["legacy", "shadow"])
async def test_a_changed_order_goes_on_as_received_and_a_person_hears_of_it(stage: str) -> None:
    async with Rig(program(), stage=stage).running() as rig:
        first = await rig.take(order("4711"))
        changed = await rig.take(order("4711", currency="USD"))
        await rig.settled(first, changed)

        assert rig.targets["mms"].bodies == [order("4711"), order("4711", currency="USD")]
        assert await rig.codes(changed) == ["DOCUMENT-CHANGED"]


async def test_an_order_sent_again_goes_on_as_received() -> None:
    async with Rig(program(), stage="legacy").running() as rig:
        messages = [await rig.take(order("4711"), key=key) for key in ("a", "b")]
        await rig.settled(*messages)

        assert rig.targets["mms"].bodies == [order("4711")] * 2


async def test_an_order_of_the_cloud_sent_again_after_a_roll_back_goes_nowhere() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        await rig.settled(await rig.take(order("4711"), key="a"))
        await rig.journal.set_stage("po", "cloud", "legacy", "0", "me", "roll-back", rig.clock.now())
        again = await rig.take(order("4711"), key="b")
        changed = await rig.take(order("4711", currency="USD"), key="c")
        await rig.settled(again, changed)

        assert rig.targets["mms"].sent == []
        assert len(rig.targets["erp"].sent) == 1
        assert await rig.codes(changed) == ["DOCUMENT-CHANGED"]


async def test_in_stage_canary_an_order_of_legacy_sent_again_goes_nowhere() -> None:
    async with Rig(program(), stage="canary").running() as rig:
        messages = [await rig.take(order("4711", facility="01"), key=key) for key in ("a", "b")]
        await rig.settled(*messages)

        assert len(rig.targets["mms"].sent) == 1


async def test_an_order_that_we_cannot_read_and_legacy_got_is_legacys_and_so_is_its_correction() -> None:
    async with x12_rig("legacy").running() as rig:
        bad = await rig.take(interchange(["04"]).replace(*BAD_QUANTITY))
        await rig.settled(bad)
        (entry,) = await rig.journal.orders()
        assert (entry.order_key, entry.side) == (order_key_of("4700", RULES), Side.LEGACY)
        assert entry.transmitter is Transmitter.LEGACY

        await rig.journal.set_stage("po", "legacy", "cloud", "0", "me", "go", rig.clock.now())
        await rig.settled(await rig.take(interchange(["04"], control=43)))

        assert rig.targets["erp"].sent == []
        assert len(rig.targets["mms"].sent) == 2


async def test_an_order_that_is_condemned_by_its_envelope_is_legacys_too() -> None:
    async with x12_rig("legacy").running() as rig:
        await rig.settled(await rig.take(interchange(["04"], usage="P")))

        assert [each.order_key for each in await rig.journal.orders()] == [order_key_of("4700", RULES)]


async def test_a_json_order_that_we_cannot_read_is_legacys_by_its_number() -> None:
    async with Rig(program(), stage="legacy").running() as rig:
        broken = b'{"document_type": "purchase_order", "number": "7", "lines": "none"}\n'
        await rig.settled(await rig.take(broken))
        assert [each.order_key for each in await rig.journal.orders()] == [order_key_of("7", RULES)]


async def test_an_unreadable_change_of_a_cloud_order_does_not_go_to_legacy() -> None:
    async with x12_rig("cloud").running() as rig:
        await rig.settled(await rig.take(interchange(["04"])))
        await rig.journal.set_stage("po", "cloud", "legacy", "0", "me", "roll-back", rig.clock.now())
        cancel = interchange(["04"], control=43).replace(*BAD_QUANTITY).replace(b"BEG*00", b"BEG*01")
        message = await rig.take(cancel)
        await rig.settled(message)

        assert rig.targets["mms"].sent == []
        assert await rig.codes(message)


async def test_what_is_not_translated_and_not_passed_on_opens_no_order() -> None:
    async with x12_rig("canary").running() as rig:
        await rig.settled(await rig.take(interchange(["04"]).replace(*BAD_QUANTITY)))

        assert await rig.journal.orders() == []


async def test_an_interchange_that_is_split_after_a_roll_back_is_acknowledged_by_the_gateway() -> None:
    async with x12_rig("cloud").running() as rig:
        await rig.settled(await rig.take(interchange(["04"], control=1)))
        await rig.journal.set_stage("po", "cloud", "legacy", "0", "me", "roll-back", rig.clock.now())
        body = interchange(["04", "04"], control=2).replace(b"BEG*00*NE*4700", b"BEG*01*NE*4700")
        await rig.settled(await rig.take(body))

        assert len(rig.targets["mms"].sent) == 1  # the new order, in an envelope of ours
        assert len(rig.targets["acks"].sent) == 2


async def test_an_interchange_that_legacy_gets_as_it_came_is_acknowledged_by_legacy_alone() -> None:
    async with x12_rig("legacy").running() as rig:
        first = await rig.take(interchange(["04", "01"], control=1), key="a")
        await rig.settled(first, await rig.take(interchange(["04", "01"], control=1), key="b"))
        assert first is not None
        await rig.journal.replay(first.message_id, resend=False, who="me", why="look", now=rig.clock.now())
        rig.translator.wake()
        await rig.settled(first)

        assert len(rig.targets["mms"].sent) == 2
        assert rig.targets["acks"].sent == []


async def test_an_order_for_a_retired_route_is_rejected_in_the_acknowledgment() -> None:
    async with x12_rig("retired").running() as rig:
        message = await rig.take(interchange(["04"]))
        await rig.settled(message)

        assert await rig.codes(message) == ["ROUTE-RETIRED"]
        (acknowledgment,) = rig.targets["acks"].bodies
        assert b"AK5*R" in acknowledgment
        assert b"AK9*R*1*1*0" in acknowledgment
