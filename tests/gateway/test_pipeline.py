"""From bytes to deliveries: repeats, splits, followers, aliases, replays, callers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from adapters.base import (
    Answered,
    DecodeContext,
    Decoding,
    NoReply,
    Refused,
    Reply,
    Taken,
    UnitKind,
    Verdict,
)
from canonical.keys import order_key_of
from gateway.app import format_by_name
from gateway.journal.types import DeliveryState, LedgerEntry, MessageState, Side, Transmitter
from gateway.program import Program, UnknownOrder
from gateway.workers import InlineExecutor, WorkerError
from tests.gateway.rig import RULES, Rig, acknowledgment, order, program


def follower(**changes: Any) -> Program:
    unknown = UnknownOrder(Side.LEGACY, after_s=0.2)
    return program("ack", follows="po", **{"unknown": unknown, **changes})


async def test_in_stage_legacy_bytes_go_on_as_received_and_nothing_else_happens() -> None:
    async with Rig(program()).running() as rig:
        body = order("4711") + order("4712")
        message = await rig.take(body)
        await rig.settled(message)

        assert rig.targets["mms"].bodies == [body]
        assert rig.targets["erp"].sent == []
        assert isinstance(rig.settlements[0], Taken)


async def test_what_cannot_be_read_still_reaches_legacy_byte_for_byte_and_is_an_exception_for_us() -> None:
    async with Rig(program()).running() as rig:
        message = await rig.take(b"\x00\xff not json at all")
        await rig.settled(message)

        assert rig.targets["mms"].bodies == [b"\x00\xff not json at all"]
        assert await rig.codes(message) == ["JSON-DOCUMENT"]


async def test_an_empty_input_still_reaches_legacy_and_is_an_exception_for_us() -> None:
    async with Rig(program()).running() as rig:
        message = await rig.take(b"\n")
        await rig.settled(message)

        assert rig.targets["mms"].bodies == [b"\n"]
        assert await rig.codes(message) == ["JSON-EMPTY"]


async def test_what_cannot_be_read_in_stage_cloud_parks_and_goes_nowhere() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        message = await rig.take(b'{"document_type": "purchase_order"}')
        await rig.settled(message)

        assert rig.targets["mms"].sent == rig.targets["erp"].sent == []
        assert set(await rig.codes(message)) == {"JSON-DOCUMENT"}


async def test_ten_orders_in_canary_split_and_each_side_gets_exactly_its_own() -> None:
    async with Rig(program(), stage="canary").running() as rig:
        lines = [order(f"47{n:02}", facility="04" if n == 3 else "01") for n in range(10)]
        message = await rig.take(b"".join(lines))
        await rig.settled(message)

        assert rig.targets["erp"].numbers == ["4703"]
        assert rig.targets["mms"].bodies == [b"".join(line for n, line in enumerate(lines) if n != 3)]
        assert len(await rig.journal.orders(side="cloud")) == 1
        assert len(await rig.journal.orders(side="legacy")) == 9


async def test_a_rejected_set_in_canary_parks_and_its_good_neighbours_are_delivered() -> None:
    async with Rig(program(), stage="canary").running() as rig:
        bad = b'{"document_type": "purchase_order", "number": ""}\n'
        message = await rig.take(order("1") + bad + order("2", facility="01"))
        await rig.settled(message)

        assert rig.targets["erp"].numbers == ["1"]
        assert rig.targets["mms"].numbers == ["2"]
        assert "JSON-DOCUMENT" in await rig.codes(message)


async def test_one_bad_set_condemns_its_file_where_the_partner_accepts_by_file() -> None:
    whole = program(accept_by=UnitKind.FILE)
    async with Rig(whole, stage="cloud").running() as rig:
        bad = b'{"document_type": "purchase_order", "number": ""}\n'
        message = await rig.take(order("1") + bad + order("2"))
        await rig.settled(message)

        assert rig.targets["erp"].sent == []
        documents = await rig.documents(message)
        assert {view.plan.verdict for view in documents} == {Verdict.REJECTED}
        corrected = await rig.take(order("1") + order("2"))  # its numbers were given back
        await rig.settled(corrected)
        assert rig.targets["erp"].numbers == ["1", "2"]


async def test_the_same_arrival_is_the_same_message() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        first = await rig.take(order("4711"), key="a")
        again = await rig.take(order("4711"), key="a")
        await rig.settled(first)

        assert first is not None
        assert again is not None
        assert first.message_id == again.message_id
        assert rig.settlements[1] == Taken(first.message_id, is_repeat=True)
        assert rig.targets["erp"].numbers == ["4711"]


async def test_the_same_arrival_with_other_bytes_is_an_exception() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        await rig.take(order("4711"), key="a")
        other = await rig.take(order("4712"), key="a")

        assert isinstance(rig.settlements[1], Refused)
        assert rig.settlements[1].status == 409
        assert await rig.codes(other) == ["ARRIVAL-CONFLICT"]


async def test_a_document_sent_again_under_another_key_is_delivered_once() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        first = await rig.take(order("4711"), key="a")
        again = await rig.take(order("4711"), key="b")
        await rig.settled(first, again)

        assert first is not None
        assert again is not None
        assert rig.targets["erp"].numbers == ["4711"]
        assert again.repeat_of == first.message_id
        assert (await rig.documents(again))[0].plan.repeats == first.message_id


async def test_a_document_twice_in_one_file_is_delivered_once() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        message = await rig.take(order("4711") + order("4711"))
        await rig.settled(message)

        assert rig.targets["erp"].numbers == ["4711"]


async def test_a_changed_document_under_a_known_number_parks() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        first = await rig.take(order("4711"))
        changed = await rig.take(order("4711", currency="USD"))
        await rig.settled(first, changed)

        assert rig.targets["erp"].numbers == ["4711"]
        assert await rig.codes(changed) == ["DOCUMENT-CHANGED"]


async def test_an_order_keeps_its_side_through_a_roll_back() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        await rig.settled(await rig.take(order("4711")))
        await rig.journal.set_stage("po", "cloud", "legacy", "0", "me", "roll-back", rig.clock.now())
        cancel = await rig.take(order("4711", purpose="cancellation"))
        new = await rig.take(order("4712"))
        await rig.settled(cancel, new)

        assert rig.targets["erp"].numbers == ["4711", "4711"]
        assert rig.targets["mms"].numbers == ["4712"]


async def test_a_stage_change_between_decoding_and_planning_is_seen() -> None:
    async with Rig(program(), stage="legacy").running() as rig:
        planned = rig.journal.plan
        moved: list[object] = []

        async def plan_after_a_change(plan, now):
            if not moved:
                moved.append(await rig.journal.set_stage("po", "legacy", "cloud", "0", "me", "now", now))
            return await planned(plan, now)

        rig.journal.plan = plan_after_a_change  # type: ignore[method-assign]
        await rig.settled(await rig.take(order("4711")))

        assert rig.targets["erp"].numbers == ["4711"]
        assert rig.targets["mms"].sent == []


async def test_an_acknowledgment_follows_its_order_to_either_side() -> None:
    async with Rig(program(), follower(), stage="canary").running() as rig:
        await rig.settled(await rig.take(order("1") + order("2", facility="01")))
        acks = [await rig.take(acknowledgment(number), route="ack") for number in ("1", "2")]
        await rig.settled(*acks)

        assert len(rig.targets["erp"].sent) == 2
        assert rig.targets["mms"].bodies[1:] == [acknowledgment("2")]


async def test_an_acknowledgment_that_carries_the_erp_number_finds_its_order() -> None:
    async with Rig(program(), follower(), stage="cloud").running() as rig:
        await rig.settled(await rig.take(order("4711")))
        ack = await rig.take(acknowledgment(erp_number="ERP-1"), route="ack")
        await rig.settled(ack)

        assert len(rig.targets["erp"].sent) == 2
        assert (await rig.documents(ack))[0].plan.order_keys == (order_key_of("4711", RULES),)


async def test_an_acknowledgment_with_the_legacy_number_finds_the_order_that_the_erp_numbered() -> None:
    async with Rig(program(), follower(), stage="cloud").running() as rig:
        await rig.settled(await rig.take(order("4711")))
        ack = await rig.take(acknowledgment("4711"), route="ack")
        await rig.settled(ack)

        assert len(rig.targets["erp"].sent) == 2
        assert rig.targets["mms"].sent == []


async def test_an_acknowledgment_waits_for_an_order_that_is_still_under_way() -> None:
    patient = follower(unknown=UnknownOrder(Side.LEGACY, after_s=30))
    async with Rig(program(), patient, stage="cloud").running() as rig:
        ack = await rig.take(acknowledgment("4711"), route="ack")
        async with asyncio.timeout(5):
            while not (await rig.documents(ack)):
                await asyncio.sleep(0.005)
        assert (await rig.documents(ack))[0].plan.awaits is not None
        assert await rig.deliveries(ack) == []

        await rig.settled(await rig.take(order("4711")), ack)
        assert len(rig.targets["erp"].sent) == 2
        assert rig.targets["mms"].sent == []


async def test_an_acknowledgment_of_an_order_older_than_the_gateway_goes_to_legacy_unhashed() -> None:
    async with Rig(program(), follower(), stage="cloud").running() as rig:
        acks = [await rig.take(acknowledgment(f"OLD-{n}"), route="ack") for n in range(20)]
        await rig.settled(*acks)

        assert len(rig.targets["mms"].sent) == 20
        assert rig.targets["erp"].sent == []
        assert await rig.journal.orders() == []


async def test_an_imported_order_is_followed_to_the_side_it_was_imported_on() -> None:
    async with Rig(program(), follower(), stage="cloud").running() as rig:
        key = order_key_of("OLD-1", RULES)
        now = rig.clock.now()
        entry = LedgerEntry(key, Side.CLOUD, Transmitter.LEGACY, "po", "imported", "imported", now)
        await rig.journal.import_orders([entry], {key: ["V-77"]}, "me", "cut-over", now)
        ack = await rig.take(acknowledgment(seller_number="V-77"), route="ack")
        await rig.settled(ack)

        assert len(rig.targets["erp"].sent) == 1


async def test_sets_of_one_mailbox_are_decided_each_by_its_own_route() -> None:
    shared = {"po": {"purchase_order": "po", "acknowledgment": "ack"}}
    async with Rig(program(), follower(), stage="cloud", shared=shared).running() as rig:
        message = await rig.take(order("4711") + acknowledgment("OLD-1"))
        await rig.settled(message)

        assert rig.targets["erp"].numbers == ["4711"]
        assert rig.targets["mms"].bodies == [acknowledgment("OLD-1")]


async def test_in_stage_shadow_the_cloud_request_is_rendered_and_never_sent() -> None:
    async with Rig(program(), stage="shadow").running() as rig:
        message = await rig.take(order("4711"))
        await rig.settled(message)

        shadow = next(view for view in await rig.deliveries(message) if view.role == "shadow")
        assert rig.targets["mms"].numbers == ["4711"]
        assert rig.targets["erp"].sent == []
        assert shadow.state is DeliveryState.DONE
        assert isinstance(shadow.steps[0].reply, NoReply)
        assert b"4711" in shadow.steps[0].request.body


async def test_a_retired_route_refuses_calls_and_files_of_new_orders() -> None:
    async with Rig(program(), stage="retired").running() as rig:
        assert await rig.take(order("4711")) is None
        assert await rig.take(order("4712"), transport="http") is None

        for settlement in rig.settlements:
            assert isinstance(settlement, Refused)
            assert (settlement.status, settlement.finding.code) == (410, "ROUTE-RETIRED")
        kept = await rig.journal.messages()
        assert [each.findings[0].code for each in kept] == ["ROUTE-RETIRED", "ROUTE-RETIRED"]
        assert rig.targets["mms"].sent == rig.targets["erp"].sent == []


async def test_a_retired_route_takes_a_file_that_changes_an_order_it_knows() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        await rig.settled(await rig.take(order("4711")))
        now = rig.clock.now()
        await rig.journal.set_stage("po", "cloud", "retired", "100", "ann", "done", now)
        change = await rig.take(order("4711", purpose="change", revision="2") + order("4712"))
        await rig.settled(change)

        plans = [view.plan for view in await rig.documents(change)]
        assert [each.is_parked for each in plans] == [False, True]  # the new one beside it comes too late
        assert await rig.codes(change) == ["ROUTE-RETIRED"]
        assert len(rig.targets["erp"].sent) == 2


async def test_a_retired_route_takes_a_file_that_it_cannot_read_for_a_person_to_look_at() -> None:
    async with Rig(program(), stage="retired").running() as rig:
        message = await rig.take(b"no document at all")
        await rig.settled(message)

        assert await rig.codes(message)


async def test_a_replay_sends_nothing_again_unless_told_to() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        message = await rig.take(order("4711"))
        await rig.settled(message)
        assert message is not None
        await rig.journal.replay(message.message_id, resend=False, who="me", why="look", now=rig.clock.now())
        rig.translator.wake()
        await rig.settled(message)
        assert rig.targets["erp"].numbers == ["4711"]

        await rig.journal.replay(message.message_id, resend=True, who="me", why="lost", now=rig.clock.now())
        rig.translator.wake()
        await rig.settled(message)
        assert rig.targets["erp"].numbers == ["4711", "4711"]


async def test_an_urgent_order_is_delivered_before_a_waiting_batch() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        batch = await rig.take(b"".join(order(f"B{n}") for n in range(1_000)))
        rush = await rig.take(order("RUSH-1", urgency="rush"))
        await rig.settled(batch, rush)

        assert len(rig.targets["erp"].numbers) == 1_001
        assert rig.targets["erp"].numbers.index("RUSH-1") < 250


async def test_a_waiting_caller_gets_the_result_and_a_repeat_gets_the_same() -> None:
    async with Rig(program(reply="wait"), stage="cloud").running() as rig:
        message = await rig.take(order("4711"), key="k", transport="http")
        assert message is not None
        answers = [await rig.calls.result(message.message_id, 5) for _ in range(2)]

        assert answers[0] == answers[1]
        assert answers[0] is not None
        assert b"ERP-1" in answers[0].body


async def test_a_waiting_caller_of_a_parked_document_gets_its_findings() -> None:
    async with Rig(program(reply="wait"), stage="cloud").running() as rig:
        message = await rig.take(b'{"document_type": "purchase_order"}', transport="http")
        assert message is not None
        answer = await rig.calls.result(message.message_id, 5)

        assert answer is not None
        assert answer.status == 422
        assert b"JSON-DOCUMENT" in answer.body


async def test_a_passed_through_caller_gets_legacys_reply_byte_for_byte_once() -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        rig.targets["mms"].replies.append(Reply(500, b"<fault/>", (("Content-Type", "text/xml"),)))
        message = await rig.take(order("4711"), key="k", transport="http")
        assert message is not None
        answers = [await rig.calls.pass_on(message.message_id, 5) for _ in range(2)]

        assert answers == [Answered(message.message_id, b"<fault/>", "text/xml", status=500)] * 2
        assert len(rig.targets["mms"].sent) == 1


async def test_a_passed_through_call_without_a_reply_is_in_doubt_and_never_sent_again() -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        rig.targets["mms"].replies.append(NoReply("maybe", "reset"))
        message = await rig.take(order("4711"), transport="http")
        assert message is not None

        assert await rig.calls.pass_on(message.message_id, 0.2) is None
        assert await rig.codes(message) == ["PASS-THROUGH-IN-DOUBT"]
        assert len(rig.targets["mms"].sent) == 1


class Breakable:
    """A format that has a defect for as long as it is told to."""

    def __init__(self) -> None:
        self.is_broken = True
        self.inner = format_by_name("canonical")

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> object:
        if self.is_broken:
            raise RuntimeError("a bug")
        return self.inner.decoder(context, resume)


@pytest.mark.parametrize("stage", ["legacy", "shadow", "canary", "cloud"])
async def test_a_translation_that_breaks_parks_its_message_and_keeps_nothing_from_legacy(stage: str) -> None:
    breakable = Breakable()
    formats: dict[str, Any] = {"canonical": breakable.inner, "breakable": breakable}
    routes = (program(), replace(program("bad"), format_name="breakable"))
    is_legacy_live = stage in ("legacy", "shadow")
    async with Rig(*routes, stage=stage, formats=lambda name: formats[name]).running() as rig:
        bad = await rig.take(order("1"), route="bad")
        good = await rig.take(order("2"))
        await rig.settled(bad, good)

        assert await rig.codes(bad) == ["TRANSLATE-FAILED"]
        assert bad is not None
        assert (await rig.journal.message(bad.message_id)).state is MessageState.PARKED
        assert rig.targets["mms"].bodies == ([order("1"), order("2")] if is_legacy_live else [])

        breakable.is_broken = False
        await rig.journal.replay(bad.message_id, resend=False, who="me", why="mended", now=rig.clock.now())
        rig.translator.wake()
        await rig.settled(bad)

        assert rig.targets["mms"].bodies.count(order("1")) == is_legacy_live, "the replay doubles nothing"


@pytest.mark.parametrize("count", [1, 199, 200, 201, 450])
async def test_chunks_of_a_large_input_add_up(count: int) -> None:
    async with Rig(program(), stage="canary").running() as rig:
        lines = [order(f"N{n}", facility="04" if n % 2 else "01") for n in range(count)]
        message = await rig.take(b"".join(lines))
        await rig.settled(message)

        assert sorted(rig.targets["erp"].numbers + rig.targets["mms"].numbers) == sorted(
            f"N{n}" for n in range(count)
        )


class Unlucky(InlineExecutor):
    """An executor that breaks when it is to decode again what waited for its order."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = None
        self.then = error
        super().__init__(format_by_name)
        self.inner = InlineExecutor(format_by_name)

    async def decoding(
        self, format_name: str, context: DecodeContext, size_bytes: int, *, is_urgent: bool = False
    ) -> Decoding:
        if self.error is not None and is_urgent:
            raise self.error
        return await self.inner.decoding(format_name, context, size_bytes)


@pytest.mark.parametrize("error", [WorkerError("died"), RuntimeError("a defect")])
async def test_a_follow_on_that_cannot_be_decided_is_parked_and_stops_nobody_else(error: Exception) -> None:
    executor = Unlucky(error)
    async with Rig(program(), follower(), stage="cloud", executor=executor).running() as rig:
        ack = await rig.take(acknowledgment("old"), route="ack")
        async with asyncio.timeout(5):
            while not (await rig.documents(ack)):
                await asyncio.sleep(0.005)
        executor.error = error
        async with asyncio.timeout(10):
            while not await rig.codes(ack):
                rig.translator.wake()
                await asyncio.sleep(0.02)
        executor.error = None
        after = await rig.take(order("1"))
        await rig.settled(after)

        assert await rig.codes(ack) == ["TRANSLATE-FAILED"]
        assert rig.targets["erp"].numbers == ["1"]


async def test_follow_ons_of_one_message_are_decoded_again_once_for_all() -> None:
    executor = Unlucky(RuntimeError())
    decodings = 0
    inner = executor.inner.decoding

    async def counted(*args: Any, **named: Any) -> Decoding:
        nonlocal decodings
        decodings += 1
        return await inner(*args, **named)

    executor.inner.decoding = counted  # type: ignore[method-assign]
    async with Rig(program(), follower(), stage="cloud", executor=executor).running() as rig:
        acks = await rig.take(b"".join(acknowledgment(f"old-{n}") for n in range(40)), route="ack")
        await rig.settled(acks)

        assert len(rig.targets["mms"].sent) == 40
        assert decodings < 10
