"""Orders that move to the other side: what is created there, what is closed here, and who sends what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.edi_x12.config import X12Partner
from gateway.journal.moves import MoveState
from gateway.journal.types import Side, Transmitter
from gateway.moving import cannot_take
from gateway.program import Writing
from tests.gateway.order_hospital import (
    RULE,
    Hospital,
    acknowledgment,
    change,
    invoice,
    key_of,
    order,
    receipt,
)


async def hospital_with_an_order(stage: str = "legacy", **changes: object) -> Hospital:
    """Open a hospital with one order of two lines, of which the first was half received and invoiced."""
    hospital = Hospital(stage=stage, **changes)  # type: ignore[arg-type]
    await hospital.open()
    await hospital.take(order("7", 10, 5))
    await hospital.settle()
    await hospital.take(receipt("7", "R-1", 1, 4), "receipts")
    await hospital.take(invoice("7", "I-1", 1, 4), "invoices")
    await hospital.settle()
    return hospital


async def states(hospital: Hospital) -> list[MoveState]:
    return [each.state for each in await hospital.journal.moves()]


async def test_a_moved_order_leaves_what_was_received_and_its_remainder_is_created_and_sent_by_nobody() -> (
    None
):
    hospital = await hospital_with_an_order()

    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()

    assert await states(hospital) == [MoveState.DONE]
    (old,), (new,) = hospital.legacy.of(key_of("7")), hospital.erp.of(key_of("7"))
    assert (old.state, [str(each.quantity) for each in old.lines.values()]) == ("closed", ["4", "0"])
    assert (new.state, [str(each.quantity) for each in new.lines.values()]) == ("open", ["6", "5"])
    assert (old.value + new.value, new.transmitter) == (Decimal("37.50"), "none")
    assert [(key, count) for (key, _), count in hospital.sent.counted.items()] == [(key_of("7"), 1)]
    entry = await hospital.entry("7")
    assert (entry.side, entry.transmitter, entry.is_divided) == (Side.CLOUD, Transmitter.NONE, False)


async def test_what_comes_after_a_move_goes_to_the_new_side_and_a_change_is_sent_by_it() -> None:
    hospital = await hospital_with_an_order()
    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()
    before = sum(hospital.sent.counted.values())

    await hospital.take(acknowledgment("7"), "acks")
    await hospital.take(change("7", "C-1", 2, 3), "changes")
    await hospital.take(receipt("7", "R-2", 1, 6), "receipts")
    await hospital.settle()

    (new,) = hospital.erp.of(key_of("7"))
    assert [str(each.quantity) for each in new.lines.values()] == ["6", "3"]
    assert [str(each.received) for each in new.lines.values()] == ["6", "0"]
    assert (sum(hospital.sent.counted.values()), set(hospital.sent.counted.values())) == (before + 1, {1})
    assert await hospital.codes() == []


async def test_an_order_moves_back_as_it_went_and_is_still_sent_once() -> None:
    hospital = await hospital_with_an_order("cloud")
    await hospital.move("7", to=Side.LEGACY, batch="back")
    await hospital.settle()
    await hospital.take(receipt("7", "R-2", 1, 2), "receipts")
    await hospital.take(invoice("7", "I-2", 1, 2), "invoices")
    await hospital.settle()
    await hospital.move("7", to=Side.CLOUD, batch="again")
    await hospital.settle()

    first, second = hospital.erp.of(key_of("7"))
    (between,) = hospital.legacy.of(key_of("7"))
    assert [each.state for each in (first, between, second)] == ["closed", "closed", "open"]
    assert [str(each.quantity) for each in second.lines.values()] == ["4", "5"]
    assert [str(each.quantity) for each in between.lines.values()] == ["2", "0"]
    assert first.value + between.value + second.value == Decimal("37.50")
    assert list(hospital.sent.counted.values()) == [1]
    assert (await hospital.entry("7")).side is Side.CLOUD


async def test_the_supplier_goes_on_naming_the_erps_number_of_an_order_that_moved_to_legacy() -> None:
    hospital = await hospital_with_an_order("cloud")
    await hospital.move("7", to=Side.LEGACY)
    await hospital.settle()

    message = await hospital.take(acknowledgment("E1"), "acks")
    await hospital.settle()

    (view,) = await hospital.journal.documents(message_id=message.message_id)
    assert (view.plan.side, view.plan.order_keys) == (Side.LEGACY, (key_of("7"),))


async def test_what_arrives_while_an_order_moves_waits_and_follows_it() -> None:
    hospital = await hospital_with_an_order()
    hospital.sinks["mms"].is_down = True  # it cannot be closed yet
    await hospital.move("7", to=Side.CLOUD)
    for _ in range(5):
        await hospital.step()
    assert await states(hospital) == [MoveState.CLOSING]

    message = await hospital.take(receipt("7", "R-2", 1, 6), "receipts")
    await hospital.step()
    (waits,) = await hospital.journal.documents(message_id=message.message_id)
    assert waits.plan.awaits is not None
    assert "waits for its order until" in waits.plan.decision
    assert await hospital.journal.open_orders("po") == {"moving": 1}

    hospital.sinks["mms"].is_down = False
    await hospital.settle()
    (new,) = hospital.erp.of(key_of("7"))
    assert [str(each.received) for each in new.lines.values()] == ["6", "0"]


async def test_what_waits_too_long_for_a_moving_order_is_told_as_late_and_goes_on_waiting() -> None:
    hospital = await hospital_with_an_order()
    hospital.sinks["mms"].is_down = True
    await hospital.move("7", to=Side.CLOUD)
    for _ in range(5):
        await hospital.step()
    message = await hospital.take(receipt("7", "R-2", 1, 6), "receipts")
    await hospital.step()

    hospital.later(timedelta(hours=3))
    await hospital.step()

    now = hospital.clock.now()
    late = await hospital.journal.overdue(now, now - timedelta(hours=9))
    assert [each.message_id for each in late if each.delivery_id is None] == [message.message_id]
    assert await hospital.codes() == []
    hospital.sinks["mms"].is_down = False
    await hospital.settle()
    assert [str(each.received) for each in hospital.erp.of(key_of("7"))[0].lines.values()] == ["6", "0"]


async def test_a_move_goes_on_after_a_restart_at_each_of_its_steps() -> None:
    hospital = await hospital_with_an_order()
    await hospital.move("7", to=Side.CLOUD)
    seen = []
    while True:
        seen += await states(hospital)
        await hospital.restart()
        if not await hospital.step():
            break

    assert set(seen) == {MoveState.AGREED, MoveState.CREATING, MoveState.CLOSING, MoveState.DONE}
    assert len(hospital.erp.of(key_of("7"))) == 1
    assert list(hospital.sent.counted.values()) == [1]


async def test_an_old_side_that_closes_nothing_by_itself_waits_for_a_person_who_says_so() -> None:
    hospital = await hospital_with_an_order(closes=False)
    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()
    assert await hospital.codes() == ["MOVE-CLOSE-BY-HAND"]
    assert (await hospital.entry("7")).moving_to is Side.CLOUD
    (item,) = await hospital.journal.exceptions()

    await hospital.journal.retry(item.exception_id, "ann", "try", hospital.clock.now())
    await hospital.settle()
    assert await hospital.codes() == ["MOVE-CLOSE-BY-HAND"]

    now = hospital.clock.now()
    await hospital.journal.resolve(item.exception_id, "done_elsewhere:L1 closed", "ann", "closed it", now)
    await hospital.settle()
    assert (await hospital.entry("7")).side is Side.CLOUD


async def test_an_invoice_of_an_order_that_moved_between_receipt_and_invoice_is_never_split() -> None:
    hospital = await hospital_with_an_order()
    await hospital.take(receipt("7", "R-2", 2, 5), "receipts")
    await hospital.settle()
    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()
    assert (await hospital.entry("7")).is_divided

    await hospital.take(invoice("7", "I-2", 2, 5), "invoices")
    await hospital.settle()

    assert await hospital.codes() == ["INVOICE-DIVIDED"]


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ([(receipt("7", "R-2", 1, 6), "receipts"), (receipt("7", "R-3", 2, 5), "receipts")], "nothing of it"),
        ([(receipt("7", "R-2", 9, 1), "receipts")], "no line of the order answers to"),
        ([(receipt("7", "R-2", 1, 1, kind="correction"), "receipts")], "a correction"),
    ],
)  # fmt: skip
async def test_an_order_whose_remainder_nobody_can_tell_stays_where_it_is(
    documents: list[tuple[dict, str]], told: str
) -> None:
    hospital = await hospital_with_an_order()
    for document, route in documents:
        await hospital.take(document, route)
    await hospital.settle()

    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()

    (move,) = await hospital.journal.moves()
    assert move.state is MoveState.ENDED
    assert told in move.outcome
    entry = await hospital.entry("7")
    assert (entry.side, entry.moving_to) == (Side.LEGACY, None)
    assert hospital.erp.of(key_of("7")) == []


async def test_an_order_never_moves_to_a_side_that_would_send_it_to_the_supplier_again() -> None:
    rule = replace(RULE, suppresses=frozenset({Side.CLOUD}))
    hospital = await hospital_with_an_order("cloud", rule=rule)

    await hospital.move("7", to=Side.LEGACY)
    await hospital.settle()

    (move,) = await hospital.journal.moves()
    assert "it would be ordered twice. Where mms sends nothing to suppliers" in move.outcome
    assert "transmitter: {legacy: none} in route po" in move.outcome
    assert (await hospital.entry("7")).side is Side.CLOUD


def test_an_erp_that_cannot_be_told_is_refused_with_the_setting_that_tells_it() -> None:
    told = cannot_take(replace(RULE, suppresses=frozenset({Side.LEGACY})), Side.CLOUD)

    assert told is not None
    assert "endpoints.erp" in told
    assert "supplier_output: per_order" in told


async def hospital_that_cannot_write() -> Hospital:
    """Open a hospital with an order whose remainder cannot be written for legacy."""
    rule = replace(RULE, legacy_transmitter=Transmitter.NONE)
    hospital = Hospital(stage="cloud", rule=rule)
    hospital.writes = {"mms": Writing("edi_x12", "mms>mms", partner_settings=X12Partner())}
    hospital.start()
    await hospital.open()
    await hospital.take(order("7", 10))
    await hospital.settle()

    await hospital.move("7", to=Side.LEGACY)
    await hospital.settle()
    return hospital


async def test_a_remainder_that_cannot_be_written_ends_its_move_with_the_reason_and_a_person_sees_it() -> (
    None
):
    hospital = await hospital_that_cannot_write()

    (move,) = await hospital.journal.moves()
    assert move.state is MoveState.ENDED
    assert "cannot be written for mms" in move.outcome
    entry = await hospital.entry("7")
    assert (entry.side, entry.moving_to) == (Side.CLOUD, None)
    (item,) = await hospital.journal.exceptions()
    assert (item.exception_id, item.kind) == (move.move_id, "move")
    assert "cannot be written for mms" in item.findings[0].text


async def test_a_move_that_could_not_be_written_goes_on_once_its_cause_is_mended_and_it_is_retried() -> None:
    hospital = await hospital_that_cannot_write()
    (item,) = await hospital.journal.exceptions()
    hospital.writes = {}
    hospital.start()

    await hospital.journal.retry(item.exception_id, "eve", "takes JSON now", hospital.clock.now())
    await hospital.settle()

    assert await states(hospital) == [MoveState.DONE]
    assert await hospital.journal.exceptions() == []
    assert (await hospital.entry("7")).side is Side.LEGACY


async def test_a_remainder_that_the_new_side_refuses_leaves_the_order_where_it_was() -> None:
    hospital = await hospital_with_an_order()
    hospital.erp.refuses = True
    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()
    (item,) = await hospital.journal.exceptions()
    assert (await hospital.entry("7")).moving_to is Side.CLOUD

    await hospital.journal.resolve(item.exception_id, "dismissed", "ann", "not there", hospital.clock.now())
    await hospital.settle()

    assert await states(hospital) == [MoveState.ENDED]
    assert (await hospital.entry("7")).moving_to is None
    await hospital.take(receipt("7", "R-2", 1, 6), "receipts")
    await hospital.settle()
    assert [str(each.received) for each in hospital.legacy.of(key_of("7"))[0].lines.values()] == ["10", "0"]


async def test_a_replayed_message_of_a_moved_order_is_sent_by_nobody_again() -> None:
    hospital = await hospital_with_an_order()
    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()
    (original, *_) = [m for m in await hospital.journal.messages() if m.sequence == 1]

    now = hospital.clock.now()
    await hospital.journal.replay(original.message_id, resend=True, who="ann", why="again", now=now)
    await hospital.settle()

    assert list(hospital.sent.counted.values()) == [1]
    assert hospital.erp.orders[f"E{len(hospital.erp.orders)}"].transmitter == "none"


async def test_a_guarded_order_is_not_moved_to_the_cloud_before_its_route_is_there_as_a_whole() -> None:
    hospital = Hospital(stage="canary")
    await hospital.open()
    guarded = order("7", 10)
    guarded["lines"][0]["line_class"] = "implant"
    await hospital.take(guarded)
    await hospital.settle()

    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()
    (move,) = await hospital.journal.moves()
    assert (move.state, "line_class implant is pinned to legacy" in move.outcome) == (MoveState.ENDED, True)

    now = hospital.clock.now()
    await hospital.journal.set_stage("po", "canary", "cloud", "100", "ann", "signed off", now)
    await hospital.move("7", to=Side.CLOUD, batch="later")
    await hospital.settle()
    assert (await hospital.entry("7")).side is Side.CLOUD
