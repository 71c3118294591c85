"""Moving orders by command: who may, what is refused, what is proven, and what both sides have."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.config import Configuration, load_text
from gateway.forecast.traffic import recorded_traffic
from gateway.journal.moves import MoveState
from gateway.journal.types import LedgerEntry, Side, Transmitter
from gateway.operations import Hooks, OperationError, Operations
from gateway.operations.reconciliation import PAGE
from gateway.order_reading import OrderReading
from tests.gateway.order_hospital import Hospital, invoice, key_of, order, receipt

ROUTES = """\
version: 1
gateway:
  {environment: test, organisation: HB, journal: "sqlite:var/journal.db", listen: {http: "127.0.0.1:0"}}
endpoints:
  mms: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
routes:
  - id: po
    from: {http: true, document: purchase_order}
    targets: {legacy: mms, cloud: erp}
    stage: legacy
    canary: {select: {facility: ["04"]}}
"""


def configuration() -> Configuration:
    loaded = load_text(ROUTES)
    assert isinstance(loaded, Configuration), [str(each) for each in loaded]
    return loaded


def operations_of(hospital: Hospital, *, asks: bool = True) -> Operations:
    known = configuration()
    reading = OrderReading(lambda: hospital.destinations, hospital.clock) if asks else None
    return Operations(hospital.journal, lambda: known, hospital.clock, Hooks(reading=reading))


async def hospital_with(*numbers: str, stage: str = "legacy") -> tuple[Hospital, Operations]:
    hospital = Hospital(stage=stage)
    await hospital.open()
    for number in numbers:
        await hospital.take(order(number, 10, 5))
    await hospital.settle()
    for number in numbers:
        await hospital.take(receipt(number, f"R-{number}", 1, 4), "receipts")
        await hospital.take(invoice(number, f"I-{number}", 1, 4), "invoices")
    await hospital.settle()
    return hospital, operations_of(hospital)


async def convert(operations: Operations, **changes: Any) -> dict[str, Any]:
    asked = {"route": "po", "to": "cloud", "who": "ann", "why": "cut-over", **changes}
    return await operations.perform("orders.convert", asked)


async def test_a_move_is_asked_by_one_person_agreed_to_by_another_and_watched_by_all() -> None:
    hospital, operations = await hospital_with("7")
    asked = await operations.perform(
        "orders.move", {"orders": ["7"], "to": "cloud", "who": "ann", "why": "wave"}
    )
    (shown,) = await operations.perform("orders.moves", {"order": "7"})
    assert (shown["state"], shown["waits_for"]) == ("asked", "a person other than ann to agree")
    assert [each["remainder"] for each in asked["moves"][0]["lines"]] == ["6", "5"]

    agree = {"batch": asked["batch"], "why": "checked"}
    with pytest.raises(OperationError, match="four eyes"):
        await operations.perform("orders.agree", {**agree, "who": "ann"})
    with pytest.raises(OperationError, match="four eyes"):
        await operations.perform("orders.agree", {**agree, "who": "Ann "})
    for nobody in ("", " ", "\u200b"):
        with pytest.raises(OperationError, match="who"):
            await operations.perform("orders.agree", {**agree, "who": nobody})
    assert (await operations.perform("orders.agree", {**agree, "who": "bob"}))["orders"] == 1
    await hospital.settle()

    (shown,) = await operations.perform("orders.moves", {"batch": asked["batch"]})
    assert (shown["state"], shown["agreed_by"], shown["waits_for"]) == ("done", "bob", "")
    assert [each["remainder"] for each in shown["lines"]] == ["6", "5"]


async def test_an_order_that_is_moving_says_where_to_and_by_which_batch_until_it_has_moved() -> None:
    hospital, operations = await hospital_with("7")
    ask = {"orders": ["7"], "to": "cloud", "who": "ann", "why": "wave"}
    asked = await operations.perform("orders.move", ask)
    await operations.perform("orders.agree", {"batch": asked["batch"], "who": "bob", "why": "checked"})
    (before,) = await operations.perform("orders.show", {"order": "7"})
    await hospital.mover.work()
    (moving,) = await operations.perform("orders.show", {"order": "7"})
    await hospital.settle()
    (moved,) = await operations.perform("orders.show", {"order": "7"})

    assert before["moving"] is None
    assert moving["moving"] == {"to": "cloud", "batch": asked["batch"]}
    assert (moving["ledger"]["side"], moving["ledger"]["moving_to"]) == ("legacy", "cloud")
    assert (moved["moving"], moved["ledger"]["moving_to"], moved["ledger"]["side"]) == (None, None, "cloud")


async def test_each_number_of_a_moved_order_is_told_with_the_endpoint_that_gave_it() -> None:
    hospital, operations = await hospital_with("7")
    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()
    (shown,) = await operations.perform("orders.show", {"order": "7"})

    (old,), (new,) = (hospital.legacy.of(key_of("7")), hospital.erp.of(key_of("7")))
    names = {(each["kind"], each["number"]): each["told_by"] for each in shown["aliases"]}
    assert names["left", old.number] == ["mms"]
    assert names["erp", new.number] == ["erp"]
    assert shown["ledger"]["sent_by"] == "nobody (the supplier has it already)"


async def test_the_story_of_an_order_has_a_line_for_each_side_that_it_was_on_at_its_own_time() -> None:
    hospital, operations = await hospital_with("7")
    opened_at = (await hospital.entry("7")).opened_at
    for batch, to in (("there", Side.CLOUD), ("back", Side.LEGACY)):
        hospital.later(timedelta(minutes=2))
        await hospital.move("7", to=to, batch=batch)
        await hospital.settle()
    first, second = await hospital.journal.moves()
    told = await operations.perform("explain", {"subject": "7"})

    changes = [
        (each["at"], each["text"])
        for message in told["messages"]
        for each in message["timeline"]
        if each["kind"] == "ledger"
    ]
    assert first.ended_at is not None
    assert second.ended_at is not None
    assert [at for at, _ in changes] == [
        each.isoformat() for each in (opened_at, first.ended_at, second.ended_at)
    ]
    assert opened_at < first.ended_at < second.ended_at
    key = key_of("7")
    assert changes[0][1].startswith(f"order {key} belongs to legacy, where it was opened: stage legacy")
    assert changes[1][1].startswith(f"order {key} belongs to cloud, sent to the supplier by nobody (the")
    assert "moved from legacy (wave); asked by ann, agreed to by bob" in changes[1][1]
    assert f"order {key} belongs to legacy" in changes[2][1]
    assert "moved from cloud" in changes[2][1]


@pytest.mark.parametrize(
    ("orders", "to", "told"),
    [
        (["9"], "cloud", "no entry in the ledger"),
        (["7"], "legacy", "it is on legacy already"),
        (["8"], "cloud", "nothing of it is left"),
    ],
)
async def test_what_cannot_move_is_refused_when_it_is_asked_for_with_the_reason(
    orders: list[str], to: str, told: str
) -> None:
    hospital, operations = await hospital_with("7", "8")
    await hospital.take(receipt("8", "R-81", 1, 6), "receipts")
    await hospital.take(receipt("8", "R-82", 2, 5), "receipts")
    await hospital.settle()

    with pytest.raises(OperationError, match=told):
        await operations.perform("orders.move", {"orders": orders, "to": to, "who": "ann", "why": "wave"})
    assert await hospital.journal.moves() == []


async def test_an_order_with_a_delivery_in_doubt_is_refused_when_it_is_asked_for() -> None:
    hospital, operations = await hospital_with("7")
    hospital.sinks["mms"].lost = 3.0 * 2 / 3  # every request is lost on its way, unheard of
    await hospital.take(receipt("7", "R-2", 2, 1), "receipts")
    await hospital.step()

    with pytest.raises(OperationError, match=r"in doubt|waiting"):
        await operations.perform("orders.move", {"orders": ["7"], "to": "cloud", "who": "ann", "why": "wave"})


async def test_all_open_orders_of_a_route_are_converted_and_proven_by_count_and_value_on_both_sides() -> None:
    hospital, operations = await hospital_with("1", "2", "3")
    await hospital.journal.close_orders([key_of("3")], "ann", "done", hospital.clock.now())

    asked = await convert(operations)
    assert (asked["orders"], asked["problems"]) == (2, [])
    before = await operations.perform("orders.proof", {"batch": asked["batch"]})
    assert (before["is_finished"], before["states"]) == (False, {"asked": 2})
    await operations.perform("orders.agree", {"batch": asked["batch"], "who": "bob", "why": "checked"})
    await hospital.settle()

    proof = await operations.perform("orders.proof", {"batch": asked["batch"]})
    assert proof["holds"], proof
    assert (proof["is_finished"], proof["states"], proof["differences"]) == (True, {"done": 2}, [])
    assert proof["value"] == {"ordered": "75.00", "fixed": "20.00", "remainder": "55.00"}
    assert proof["sides"]["legacy"] == {
        "orders": 2,
        "unread": 0,
        "committed": "20.00",
        "received": "20.00",
        "invoiced": "20.00",
    }
    assert proof["sides"]["cloud"]["committed"] == "55.00"
    assert list(hospital.sent.counted.values()) == [1, 1, 1]


async def test_a_proof_does_not_hold_where_a_side_has_something_else() -> None:
    hospital, operations = await hospital_with("1", "2")
    asked = await convert(operations)
    await operations.perform("orders.agree", {"batch": asked["batch"], "who": "bob", "why": "checked"})
    await hospital.settle()
    hospital.erp.of(key_of("1"))[0].lines["2"].quantity += 1  # somebody typed
    hospital.legacy.of(key_of("2"))[0].state = "open"

    proof = await operations.perform("orders.proof", {"batch": asked["batch"]})

    assert not proof["holds"]
    told = [(each["order_key"], each["side"], each["what"]) for each in proof["differences"]]
    assert told == [
        (key_of("1"), "cloud", "committed"),
        (key_of("2"), "legacy", "state"),
        (key_of("2"), "legacy", "twice"),
    ]


async def test_orders_older_than_the_gateway_are_converted_by_the_old_sides_own_export() -> None:
    hospital, operations = await hospital_with("7")
    imported = LedgerEntry(
        key_of("OLD-1"), Side.LEGACY, Transmitter.LEGACY, "po", "imported", "seed", hospital.clock.now()
    )
    await hospital.journal.import_orders(
        [imported], {key_of("OLD-1"): ["OLD-1"]}, "ann", "seed", imported.opened_at
    )
    hospital.legacy.handle(
        "POST", "documents/purchase_order",
        b'{"order_key": "%s", "reference": "old", "document": {"number": "OLD-1", "lines": [{"line_id": "1", '
        b'"quantity": {"value": "8", "unit": "EA"}, "price": {"amount": "4"}}]}}' % key_of("OLD-1").encode(),
    )  # fmt: skip
    old = hospital.legacy.of(key_of("OLD-1"))[0]
    hospital.legacy.orders["OLD-1"] = hospital.legacy.orders.pop(old.number)
    old.number = "OLD-1"
    old.lines["1"].received = old.lines["1"].invoiced = Decimal(3)  # as its export says
    rows = [
        _row("OLD-1", "1", "8", "3", "3", "4"),
        _row("7", "1", "10", "4", "4"),
        _row("7", "2", "5", "0", "0"),
    ]

    asked = await convert(operations, rows=rows)
    assert (asked["orders"], asked["problems"]) == (2, [])
    await operations.perform("orders.agree", {"batch": asked["batch"], "who": "bob", "why": "checked"})
    await hospital.settle()
    await hospital.take(receipt("OLD-1", "R-9", 1, 2), "receipts")
    await hospital.settle()

    (new,) = hospital.erp.of(key_of("OLD-1"))
    assert [(str(each.quantity), str(each.received)) for each in new.lines.values()] == [("5", "2")]
    old.lines["1"].received = old.lines["1"].invoiced = type(old.lines["1"].received)(3)  # as its file said
    proof = await operations.perform("orders.proof", {"batch": asked["batch"]})
    assert proof["holds"], proof


def _row(
    number: str, line: str, ordered: str, received: str, invoiced: str, price: str = "2.50"
) -> dict[str, Any]:
    return {
        "at": 2, "order_number": number, "line": line, "ordered": ordered, "received": received,
        "invoiced": invoiced, "unit": "EA", "price": price, "item": "", "supplier": "", "facility": "",
    }  # fmt: skip


async def test_a_file_that_does_not_agree_with_the_journal_moves_nothing_of_that_order() -> None:
    _, operations = await hospital_with("7", "8")
    rows = [_row("7", "1", "10", "3", "4"), _row("7", "2", "5", "0", "0")]

    asked = await convert(operations, rows=rows)

    assert asked["orders"] == 0
    assert [each["why"] for each in asked["problems"]] == [
        "line 1: the file says received 3, the journal 4; reconcile them first",
        "open here, and not in the file",
    ]


async def test_an_order_under_way_is_not_told_as_open_and_missing_in_the_file() -> None:
    hospital = Hospital(closes=False)
    await hospital.open()
    for number in ("7", "8"):
        await hospital.take(order(number))
    await hospital.settle()
    await hospital.move("8", to=Side.CLOUD)
    await hospital.settle()

    asked = await convert(operations_of(hospital), rows=[_row("9", "1", "10", "0", "0")])

    told = {each["order_key"]: each["why"] for each in asked["problems"]}
    assert told[key_of("7")] == "open here, and not in the file"
    assert told[key_of("8")] == "on its way to cloud already"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["1"], "line 2 is in the journal only"),
        (["1", "2", "3"], "line 3 is in the file only"),
        (["1", "3", "4"], "lines 3, 4 are in the file only, and line 2 is in the journal only"),
    ],
)
async def test_lines_that_only_the_file_or_only_the_journal_has_are_named_with_where_they_are(
    lines: list[str], told: str
) -> None:
    _, operations = await hospital_with("7")
    rows = [_row("7", line, "10", "4", "4") for line in lines]

    (problem,) = (await convert(operations, rows=rows))["problems"]

    assert problem["why"] == f"{told}; reconcile them first"


async def test_a_batch_that_has_begun_or_is_over_is_told_as_that_to_whoever_drops_it_or_agrees_again() -> (
    None
):
    hospital = Hospital(closes=False)
    await hospital.open()
    await hospital.take(order("7"))
    await hospital.settle()
    operations = operations_of(hospital)
    asked = await convert(operations)
    words = {"batch": asked["batch"], "who": "bob", "why": "checked"}
    await operations.perform("orders.agree", words)

    with pytest.raises(OperationError, match=r"was agreed to already by bob \(1 agreed\)"):
        await operations.perform("orders.agree", {**words, "who": "carl"})
    await hospital.settle()
    with pytest.raises(OperationError, match=r"has begun \(1 closing\), and only what has not begun"):
        await operations.perform("orders.drop", words)

    await hospital.take(order("8"))
    await hospital.settle()
    other = {**words, "batch": (await convert(operations))["batch"]}
    await operations.perform("orders.drop", other)
    for verb in ("orders.drop", "orders.agree"):
        with pytest.raises(OperationError, match=r"is over \(1 ended\)"):
            await operations.perform(verb, other)


async def test_while_a_system_is_down_no_sums_are_given_for_it_and_its_orders_are_counted_as_unread() -> None:
    hospital, operations = await hospital_with("1", "2", stage="cloud")
    whole = await operations.perform("orders.reconcile", {})
    assert (whole["orders_unread"], whole["sides"]["cloud"]["unread"]) == (0, 0)
    assert whole["sides"]["cloud"]["committed"] == "75.00"
    hospital.sinks["erp"].is_down = True

    found = await operations.perform("orders.reconcile", {})

    assert (found["orders_unread"], found["committed_twice"]) == (2, [])
    sums = {"committed": None, "received": None, "invoiced": None}
    assert found["sides"]["cloud"] == {"orders": 0, "unread": 2, **sums}
    assert {each["what"] for each in found["differences"]} == {"unread"}
    assert found["read_from"].get("system", 0) == 0


async def test_what_could_be_converted_is_shown_without_asking_for_it() -> None:
    hospital, operations = await hospital_with("7", "8")

    shown = await operations.perform("orders.convertible", {"route": "po", "to": "cloud"})

    assert (shown["orders"], await hospital.journal.moves()) == (2, [])


@pytest.mark.parametrize("asks", [True, False])
async def test_reconciling_finds_nothing_where_both_sides_are_right_and_the_double_where_one_is_not(
    asks: bool,
) -> None:
    hospital, _ = await hospital_with("1", "2")
    await hospital.move("2", to=Side.CLOUD)
    await hospital.settle()
    operations = operations_of(hospital, asks=asks)

    found = await operations.perform("orders.reconcile", {})

    assert (found["orders"], found["differences"], found["committed_twice"]) == (2, [], [])
    assert set(found["read_from"]) == ({"system", "journal"} if asks else {"journal"})
    committed = [found["sides"][side]["committed"] for side in ("legacy", "cloud")]
    assert committed == ["47.50", "27.50"]
    if asks:
        hospital.erp.handle(
            "POST", "documents/purchase_order",
            b'{"order_key": "%s", "reference": "x", "document": {"lines": []}}' % key_of("1").encode(),
        )  # fmt: skip
        hospital.legacy.of(key_of("2"))[0].state = "open"
        twice = await operations.perform("orders.reconcile", {"orders": ["2"]})
        assert twice["committed_twice"] == [key_of("2")]


async def test_an_order_that_is_open_on_both_sides_while_it_moves_is_named_as_moving() -> None:
    hospital = Hospital(closes=False)
    await hospital.open()
    for number in ("7", "8"):
        await hospital.take(order(number))
    await hospital.settle()
    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()

    found = await operations_of(hospital).perform("orders.reconcile", {})

    assert (found["moving"], found["moving_on_both"], found["committed_twice"]) == (1, [key_of("7")], [])


async def test_what_closes_a_moved_order_is_not_dismissed_and_a_moves_message_is_not_replayed() -> None:
    hospital = Hospital(closes=False)
    await hospital.open()
    await hospital.take(order("7"))
    await hospital.settle()
    operations = operations_of(hospital)
    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()
    (item,) = await operations.perform("exceptions.list", {})
    resolve = {"exception": item["exception_id"], "who": "ann", "why": "done"}

    with pytest.raises(OperationError, match="committed twice"):
        await operations.perform("exceptions.resolve", {**resolve, "resolution": "dismissed"})
    with pytest.raises(OperationError, match="was made by a move"):
        await operations.perform(
            "messages.replay", {"message": item["message_id"], "who": "ann", "why": "again"}
        )
    await operations.perform(
        "exceptions.resolve", {**resolve, "resolution": "done_elsewhere", "reference": "L1 closed"}
    )
    await hospital.settle()
    assert [each.state for each in await hospital.journal.moves()] == [MoveState.DONE]


async def test_the_messages_that_moves_make_are_no_traffic_for_a_plan() -> None:
    hospital, _ = await hospital_with("7")
    since = hospital.clock.now() - timedelta(days=1)
    before = await recorded_traffic(hospital.journal, since, 1_000)
    await hospital.move("7", to=Side.CLOUD)
    await hospital.settle()

    after = await recorded_traffic(hospital.journal, since, 1_000)

    assert any(each.origin.transport == "move" for each in await hospital.journal.messages(limit=1_000))
    assert [each.message_id for each in after.messages] == [each.message_id for each in before.messages]


FOLDER = """\
version: 1
gateway:
  {environment: test, organisation: HB, journal: "sqlite:var/journal.db", listen: {http: "127.0.0.1:0"}}
endpoints:
  mms: {kind: sftp_files, environment: test, folder: mms, name: "{stem}.{role}.850"}
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
partners:
  mms:
    environment: test
    edi_x12: {isa: [{qualifier: ZZ, id: MMS}], us: {qualifier: ZZ, id: HUB}}
routes:
  - id: po
    from: {http: true, document: purchase_order}
    targets: {legacy: mms, cloud: erp}
    write: {mms: {format: edi_x12, partner: mms}}
    transmitter: {legacy: none}
    stage: cloud
"""


@pytest.mark.parametrize(("note", "is_asked"), [("fine", True), ("a ~ in it", False)])
async def test_what_cannot_be_written_for_the_new_side_is_refused_when_it_is_asked_for(
    note: str, is_asked: bool
) -> None:
    hospital = Hospital(stage="cloud")
    await hospital.open()
    document = order("7", 10, order_date={"date": "2026-01-15"})
    document["lines"][0] |= {"description": note, "item_ids": [{"scheme": "vendor", "value": "A-1"}]}
    await hospital.take(document)
    await hospital.settle()
    known = load_text(FOLDER)
    assert isinstance(known, Configuration), [str(each) for each in known]
    operations = Operations(hospital.journal, lambda: known, hospital.clock, Hooks())
    wanted = {"orders": ["7"], "to": "legacy", "who": "ann", "why": "wave"}

    if is_asked:
        assert (await operations.perform("orders.move", wanted))["orders"] == 1
        return
    with pytest.raises(OperationError, match=r"cannot be written for mms: .*X12-OUT-CHAR"):
        await operations.perform("orders.move", wanted)
    assert await hospital.journal.moves() == []


async def test_a_move_that_never_began_is_shown_taken_up_again_and_dismissed_as_any_exception() -> None:
    hospital, operations = await hospital_with("7")
    await hospital.move("7", to=Side.CLOUD)
    (move,) = await hospital.journal.moves()
    await hospital.journal.end_move(move.move_id, "its route 'po' is not configured any more", move.asked_at)
    about = {"exception": move.move_id, "who": "eve", "why": "looked"}

    (listed,) = await operations.perform("exceptions.list", {})
    assert (listed["kind"], listed["message_id"], listed["name"]) == ("move", None, "")
    shown = await operations.perform("exceptions.show", {"exception": move.move_id})
    assert (shown["message"], shown["findings"][0]["code"]) == (None, "MOVE-NOT-BEGUN")
    assert await operations.perform("exceptions.call_sheet", {"everything": True}) == []
    assert await operations.routes_of(move.move_id) == {"po"}
    with pytest.raises(OperationError, match="with exceptions resolve --dismiss"):
        await operations.perform(
            "exceptions.resolve", {**about, "resolution": "done_elsewhere", "reference": "4711"}
        )
    assert (await operations.perform("exceptions.retry", about))["done"] == "move"
    await hospital.settle()

    assert [each.state for each in await hospital.journal.moves()] == [MoveState.DONE]
    assert await operations.perform("exceptions.list", {}) == []


def opened(number: int, route: str = "po") -> LedgerEntry:
    """Give an order of legacy's own, older than the gateway."""
    at = Hospital().clock.now()
    key = key_of(f"{number:05}")
    return LedgerEntry(key, Side.LEGACY, Transmitter.LEGACY, route, "imported", "older", at)


async def test_all_open_orders_are_reconciled_however_many_there_are() -> None:
    hospital, operations = await hospital_with("7")
    now, count = hospital.clock.now(), 2 * PAGE + 1
    await hospital.journal.import_orders([opened(each) for each in range(count)], {}, "ann", "open", now)

    found = await operations.perform("orders.reconcile", {})

    assert (found["orders"], found["difference_count"]) == (count + 1, count)  # legacy has none of them
    assert len(found["differences"]) == 1_000
    assert (await operations.perform("orders.reconcile", {"limit": PAGE + 2}))["orders"] == PAGE + 2


async def test_orders_of_a_route_that_is_gone_are_told_as_that_and_give_no_all_clear() -> None:
    hospital, operations = await hospital_with("7")
    now = hospital.clock.now()
    older = [opened(each, "po.old") for each in range(3)]
    await hospital.journal.import_orders(older, {}, "ann", "open", now)

    found = await operations.perform("orders.reconcile", {})
    own = await operations.perform("orders.reconcile", {"route": "po.old"})

    assert (found["orders"], found["routes_gone"], found["orders_unread"]) == (4, {"po.old": 3}, 3)
    assert [(each["what"], each["side"]) for each in found["differences"]] == [("gone", "legacy")] * 3
    assert found["sides"]["legacy"]["unread"] == 3
    assert (own["orders"], own["difference_count"]) == (3, 3)
    with pytest.raises(OperationError, match="no route that opens orders"):
        await operations.perform("orders.reconcile", {"route": "po.never"})
