"""Orders of Dynamics 365 that the other side has now: closed down to what stays, read back, or a person's."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import NoReply, Reply, Request, Sink
from canonical.order_change import OrderChange
from canonical.registry import parse_document, to_json
from gateway.erp.odata import v4
from gateway.journal.types import DeliveryState, DeliveryView, Side
from simulators.cloud_erp.dynamics365 import Dynamics365
from simulators.cloud_erp.dynamics365.receipts import post_by_person
from simulators.faults import Action, Fault
from tests.gateway.erp.bench import Bench, Killing
from tests.gateway.erp.dynamics365.bench_of import bench, held, tenant_of
from tests.gateway.erp.erp_hospital import ErpHospital, goods
from tests.gateway.erp.erps import DynamicsByOurNumber
from tests.gateway.erp.paper import SUPPLIER, change, order

HEADERS, LINES = "PurchaseOrderHeadersV2", "PurchaseOrderLinesV2"
SWALLOWED = Fault(Action.STATUS, method="PATCH", status=204, commits=False)


def closing(**stays: int | str) -> OrderChange:
    """Give what a move tells the side that an order leaves: by line id, what stays there."""
    lines = [
        {
            "sequence": at,
            "line_id": line.removeprefix("line_"),
            "action": "quantity_decrease" if int(quantity) else "delete",
            "quantity": {"value": str(quantity), "unit": "EA"},
        }
        for at, (line, quantity) in enumerate(stays.items(), start=1)
    ]
    made = parse_document(
        {
            "document_type": "order_change",
            "number": "mv-1",
            "order": {"number": "PO-1"},
            "seller": SUPPLIER,
            "lines": lines,
        }
    )
    assert isinstance(made, OrderChange)
    return made


async def with_an_order(made: Bench, *, received: int = 4, lines: int = 2) -> None:
    """Place an order, and let somebody at the dock receive some of its first line."""
    await made.deliver(order(lines=lines))
    if received:
        post_by_person(tenant_of(made), "PO-1", {1: received})


def quantities(made: Bench) -> dict[int, Any]:
    return {
        int(each["LineNumber"]): each["OrderedPurchaseQuantity"]
        for each in tenant_of(made).order_lines("PO-1")
    }


def codes(view: DeliveryView) -> list[str]:
    return [each.code for each in view.findings]


async def test_a_close_leaves_what_was_received_takes_the_rest_away_and_reads_it_back() -> None:
    async with bench(cancel="delete") as made:
        await with_an_order(made)
        view = await made.deliver(closing(line_0010=4, line_0020=0), role="close")
        again = await made.deliver(closing(line_0010=4, line_0020=0), role="close")
        (line,) = tenant_of(made).order_lines("PO-1")
        (header,) = held(made, HEADERS)

    assert (view.state, view.target_reference, again.state) == (
        DeliveryState.DONE,
        "PO-1",
        DeliveryState.DONE,
    )
    assert (line["OrderedPurchaseQuantity"], line["PurchaseOrderLineStatus"]) == (4, "Received")
    assert header["PurchaseOrderStatus"] == "Received"
    assert [each.step for each in view.steps][-1] == "read_back"
    assert not [each for each in again.steps if each.request.method != "GET"]


async def test_lines_are_stopped_where_the_hospital_deletes_none() -> None:
    async with bench(cancel="stop_lines") as made:
        await with_an_order(made)
        view = await made.deliver(closing(line_0010=4, line_0020=0), role="close")
        stopped = [each["IsLineStopped"] for each in tenant_of(made).order_lines("PO-1")]

    assert view.state is DeliveryState.DONE
    assert (quantities(made), stopped) == ({1: 4, 2: 20}, ["No", "Yes"])


@pytest.mark.parametrize("cancel", ["delete", "stop_lines"])
async def test_an_order_of_which_nothing_stays_is_gone_or_stopped_as_a_whole(cancel: str) -> None:
    async with bench(cancel=cancel) as made:
        await with_an_order(made, received=0)
        view = await made.deliver(closing(line_0010=0, line_0020=0), role="close")
        again = await made.deliver(order(), role="close")  # as losing_side: close says it
        headers = held(made, HEADERS)
        stopped = [each["IsLineStopped"] for each in tenant_of(made).order_lines("PO-1")]

    assert {view.state, again.state} == {DeliveryState.DONE}
    assert (len(headers), stopped) == ((0, []) if cancel == "delete" else (1, ["Yes", "Yes"]))


async def test_each_schedule_keeps_what_was_received_of_it() -> None:
    line = {
        **order(lines=1).model_dump(exclude_none=True)["lines"][0],
        "schedules": [{"quantity": {"value": "6"}}, {"quantity": {"value": "4"}}],
    }
    scheduled = order(lines=1).model_dump(exclude_none=True) | {"lines": [line]}
    async with bench(cancel="delete") as made:
        await made.deliver(order().model_validate(scheduled))
        post_by_person(tenant_of(made), "PO-1", {1: 2, 2: 1})
        view = await made.deliver(closing(line_0010=3), role="close")

    assert view.state is DeliveryState.DONE
    assert quantities(made) == {1: 2, 2: 1}


@pytest.mark.parametrize("received", [4, 0], ids=["invoiced before it came", "never posted there"])
async def test_an_order_of_which_less_came_there_than_was_counted_is_not_closed_until_it_has_come(
    received: int,
) -> None:
    async with bench(cancel="delete") as made:
        await with_an_order(made, received=received)
        view = await made.deliver(closing(line_0010=7, line_0020=0), role="close")
        standing = quantities(made)
        post_by_person(tenant_of(made), "PO-1", {1: 7 - received}, "PACK-2")
        await made.retry(view.delivery_id)
        after = await made.finish(view.delivery_id)

    assert (view.state, codes(view)) == (
        DeliveryState.PARKED,
        ["MOVE-COUNTED-OTHERWISE", "MOVE-CLOSE-BY-HAND"],
    )
    assert f"line '0010': {received} received or invoiced there, 7 counted" in view.findings[0].text
    assert standing == {1: 10, 2: 20}
    assert (after.state, quantities(made)) == (DeliveryState.DONE, {1: 7})


async def test_a_receipt_that_was_resolved_and_never_posted_keeps_its_order_from_having_moved() -> None:
    async with ErpHospital(DynamicsByOurNumber(), cancel="delete") as hospital:  # receipts are by hand here
        await hospital.place("7")
        await hospital.take(goods("7", "R-1", "0010", 5), "receipts")
        await hospital.settle()
        assert await hospital.codes() == ["ERP-RECEIPT-BY-HAND"]
        (item,) = await hospital.journal.exceptions()
        now = hospital.clock.now()
        await hospital.journal.resolve(item.exception_id, "done_elsewhere:R-1", "ann", "posted", now)
        await hospital.move_away("7")

        assert await hospital.codes() == ["MOVE-COUNTED-OTHERWISE", "MOVE-CLOSE-BY-HAND"]
        assert (await hospital.entry("7")).moving_to is Side.LEGACY

        tenant = hospital.tenant
        assert isinstance(tenant, Dynamics365)
        post_by_person(tenant, "7", {1: 5})
        hospital.later(timedelta(minutes=10))
        (item,) = await hospital.journal.exceptions()
        await hospital.journal.retry(item.exception_id, "ann", "posted now", hospital.clock.now())
        await hospital.settle()
        await hospital.is_well()
        assert (await hospital.entry("7")).side is Side.LEGACY
        assert [each["OrderedPurchaseQuantity"] for each in tenant.order_lines("7")] == [5]


@pytest.mark.parametrize("is_sent", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("stays", [4, 0], ids=["partly", "whole"])
async def test_a_kill_between_any_two_steps_of_a_close_goes_on_where_it_stopped(
    is_sent: bool, stays: int
) -> None:
    at = 0
    while True:
        async with bench(cancel="delete") as made:
            await with_an_order(made, received=stays)
            delivery_id = await made.plan(closing(line_0010=stays, line_0020=0), role="close")
            before = tenant_of(made).documents.count()
            was_killed = await made.killed(Killing(made.sink, at, is_sent=is_sent))
            view = await made.finish(delivery_id)
            written = tenant_of(made).documents.entries()[before:]
            assert view.state is DeliveryState.DONE, (at, view)
            assert quantities(made) == ({1: 4} if stays else {})
            touched = [(each.event, each.kind, each.key) for each in written if each.kind == LINES]
            assert len(touched) == len(set(touched)) + bool(stays)  # reduced, and its status worked out anew
        if not was_killed:
            break
        at += 1

    assert at == (6 if stays else 4)  # lines, receipts, two cuts or the order's removal, and reading back


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    "action", [Action.COMMIT_THEN_RESET, Action.RESET_BEFORE_COMMIT, Action.UNAVAILABLE, Action.THROTTLE]
)
async def test_a_cut_of_unknown_outcome_is_made_once(action: Action, method: str) -> None:
    async with bench(Fault(action, method=method, times=1), cancel="delete") as made:
        await with_an_order(made)
        view = await made.deliver(closing(line_0010=4, line_0020=0), role="close")
        removed = tenant_of(made).documents.entries(LINES, "removed")

    assert view.state is DeliveryState.DONE
    assert (quantities(made), len(removed)) == ({1: 4}, 1)


class Receiving(Sink):
    """A sink at whose n-th request (from 1) somebody at the dock receives goods just before it arrives."""

    def __init__(self, made: Bench, at: int, quantity: int) -> None:
        self._made, self._left, self._quantity = made, at, quantity

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        self._left -= 1
        if self._left == 0:
            post_by_person(tenant_of(self._made), "PO-1", {1: self._quantity}, "PACK-2")
        return await self._made.sink.send(request, still_mine=still_mine)

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("at", range(1, 6))  # lines, receipts, two cuts, receipts once more
async def test_goods_that_the_erp_receives_while_it_is_closed_are_a_persons(at: int) -> None:
    async with bench(cancel="delete") as made:
        await with_an_order(made)
        delivery_id = await made.plan(closing(line_0010=4, line_0020=0), role="close")
        view = await made.finish(delivery_id, Receiving(made, at, 2))

    assert view.state is DeliveryState.PARKED
    assert codes(view) == ["MOVE-COUNTED-OTHERWISE", "MOVE-CLOSE-BY-HAND"][: 2 if at < 4 else 1]
    assert "order PO-1 came to more than its move counted" in view.findings[0].text
    assert "line '0010': 6 received or invoiced there, 4 counted" in view.findings[0].text
    assert ("nothing was closed" in view.findings[0].text) == (at < 4)


async def test_a_line_that_a_buyer_added_in_the_erp_is_not_cut_by_guess() -> None:
    async with bench(cancel="delete") as made:
        await with_an_order(made)
        (first, *_) = tenant_of(made).order_lines("PO-1")
        tenant_of(made).documents.create(LINES, "usmf|PO-1|3", first | {"LineNumber": 3}, number="PO-1/3")
        view = await made.deliver(closing(line_0010=4, line_0020=0), role="close")

    assert codes(view) == ["MOVE-NOT-CLOSED", "MOVE-CLOSE-BY-HAND"]
    assert "lines there that no document ordered (3)" in view.findings[0].text
    assert quantities(made) == {1: 10, 2: 20, 3: 10}


async def test_a_close_that_the_erp_refuses_tells_a_person_what_to_do_and_a_retry_ends_it() -> None:
    async with bench(cancel="delete") as made:
        await with_an_order(made)
        tenant_of(made).tenant.approvals["PO-1"] = "InReview"
        view = await made.deliver(closing(line_0010=4, line_0020=0), role="close")
        standing = quantities(made)
        tenant_of(made).tenant.approvals["PO-1"] = "Approved"
        await made.retry(view.delivery_id)
        after = await made.finish(view.delivery_id)

    assert (view.state, codes(view)) == (DeliveryState.PARKED, ["ERP-400", "MOVE-CLOSE-BY-HAND"])
    refused, person = (each.text for each in view.findings)
    assert "approval status InReview" in refused
    assert "order PO-1 is on the other side now" in person
    assert f"exceptions resolve {view.delivery_id} --done-elsewhere PO-1 --why TEXT" in person
    assert standing == {1: 10, 2: 20}
    assert (after.state, quantities(made)) == (DeliveryState.DONE, {1: 4})


async def test_an_order_whose_lines_nobody_knows_there_is_a_persons() -> None:
    async with bench() as made:
        view = await made.deliver(closing(line_0010=4), role="close")

    assert codes(view) == ["MOVE-NOT-CLOSED", "MOVE-CLOSE-BY-HAND"]
    assert "line '0010', of which 4 stay, is none of its lines there" in view.findings[0].text


async def test_an_order_older_than_the_gateway_is_closed_by_the_erps_own_line_numbers() -> None:
    async with bench(cancel="delete") as made:
        erp = tenant_of(made)
        header = {"dataAreaId": "usmf", "PurchaseOrderNumber": "PO-1", "PurchaseOrderStatus": "Backorder"}
        erp.documents.create(HEADERS, "usmf|PO-1", header, number="PO-1")
        for at, quantity in ((1, 10), (2, 20)):
            line = {
                "dataAreaId": "usmf",
                "PurchaseOrderNumber": "PO-1",
                "LineNumber": at,
                "OrderedPurchaseQuantity": quantity,
                "PurchaseOrderLineStatus": "Backorder",
            }
            erp.documents.create(LINES, f"usmf|PO-1|{at}", line, number=f"PO-1/{at}")
        post_by_person(erp, "PO-1", {1: 4})
        view = await made.deliver(closing(line_1=4, line_2=0), role="close")

    assert (view.state, quantities(made)) == (DeliveryState.DONE, {1: 4})


async def test_what_a_person_closed_meanwhile_is_seen_by_a_retry() -> None:
    async with bench(SWALLOWED, cancel="delete") as made:
        await with_an_order(made)
        view = await made.deliver(closing(line_0010=4, line_0020=0), role="close")
        (line,) = tenant_of(made).order_lines("PO-1")
        by_hand = line | {"PurchaseOrderLineStatus": "Received"}  # its deliver remainder is cancelled
        tenant_of(made).documents.change(LINES, "usmf|PO-1|1", by_hand)
        await made.retry(view.delivery_id)
        after = await made.finish(view.delivery_id)

    assert (view.state, after.state) == (DeliveryState.PARKED, DeliveryState.DONE)
    assert after.target_reference == "PO-1"


async def test_a_tenant_that_shows_no_receipts_leaves_the_close_to_a_person() -> None:
    missing = Fault(Action.STATUS, method="GET", path="/ProductReceiptLines", status=404)
    async with bench(missing, cancel="delete") as made:
        await with_an_order(made)
        view = await made.deliver(closing(line_0010=4, line_0020=0), role="close")

    assert (view.state, codes(view)[-1]) == (DeliveryState.PARKED, "MOVE-CLOSE-BY-HAND")
    assert quantities(made) == {1: 10, 2: 20}


# --- the negative control: without its read-back, a close is believed that never happened ----------------


class Unread(Sink):
    """A sink that reads nothing back: it answers as though the order stood as it should."""

    def __init__(self, sink: Sink, line: dict[str, Any]) -> None:
        self._sink, self._line = sink, line

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if request.step == "read_back":
            return Reply(200, v4.write({"value": [self._line]}))
        return await self._sink.send(request, still_mine=still_mine)

    async def close(self) -> None:
        pass


async def test_a_cut_that_the_erp_swallows_is_found_when_it_is_read_back() -> None:
    async with bench(SWALLOWED, cancel="delete") as made:
        await with_an_order(made)
        view = await made.deliver(closing(line_0010=4, line_0020=0), role="close")
        open_there = quantities(made)

    assert (view.state, codes(view)) == (DeliveryState.PARKED, ["MOVE-NOT-CLOSED", "MOVE-CLOSE-BY-HAND"])
    assert open_there == {1: 10}


async def test_without_the_read_back_an_order_would_count_as_closed_that_is_open() -> None:
    async with bench(SWALLOWED, cancel="delete") as made:
        await with_an_order(made)
        (line, *_) = tenant_of(made).order_lines("PO-1")
        delivery_id = await made.plan(closing(line_0010=4, line_0020=0), role="close")
        as_it_should = line | {"OrderedPurchaseQuantity": Decimal(4)}
        view = await made.finish(delivery_id, Unread(made.sink, as_it_should))

    assert (view.state, quantities(made)) == (DeliveryState.DONE, {1: 10})


# --- orders that come back -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cancel", "received", "numbers"),
    [
        ("delete", 0, ["7"]),  # a deleted order leaves its number free
        ("delete", 4, ["7", "7-M2"]),
        ("stop_lines", 0, ["7", "7-M2", "7-M3"]),
        ("stop_lines", 4, ["7", "7-M2", "7-M3"]),
    ],
)
async def test_an_order_that_comes_back_twice_is_never_taken_for_the_closed_one_of_its_number(
    cancel: str, received: int, numbers: list[str]
) -> None:
    settings: dict[str, Any] = {"cancel": cancel, "receipts": {"strategy": "custom_service"}}
    async with ErpHospital(DynamicsByOurNumber(), **settings) as hospital:
        await hospital.place("7")
        if received:
            await hospital.receive("7", "R-1", "0010", received)
        for batch in ("first", "second"):
            await hospital.move_away("7", batch=f"{batch} away")
            await hospital.is_well()
            await hospital.move("7", to=Side.CLOUD, batch=f"{batch} back")
            await hospital.settle()
            await hospital.is_well()
        await hospital.take(json.loads(to_json(change("7", quantity="15"))), "changes")
        await hospital.receive("7", "R-2", "0010", 2)
        tenant = hospital.tenant
        assert isinstance(tenant, Dynamics365)
        orders = [each.number for each in hospital.under_test.orders(tenant)]
        last = tenant.order_lines(numbers[-1])
        came = [tenant.rules.received(each) for each in last]

    assert orders == numbers
    assert [each["OrderedPurchaseQuantity"] for each in last] == [10 - received, 15]
    assert came == [2, 0]


async def test_a_number_that_has_no_room_for_the_mark_of_one_that_came_back_is_told() -> None:
    number = "N" * 18
    async with ErpHospital(DynamicsByOurNumber(), cancel="stop_lines") as hospital:
        await hospital.place(number)
        await hospital.move_away(number)
        await hospital.move(number, to=Side.CLOUD, batch="back")
        await hospital.settle()
        entry = await hospital.entry(number)

        assert await hospital.codes() == ["ERP-LENGTH"]
        assert (entry.side, entry.moving_to) == (Side.LEGACY, Side.CLOUD)


@pytest.mark.parametrize("is_sent", [False, True], ids=["before", "after"])
async def test_a_kill_while_an_order_comes_back_makes_it_once(is_sent: bool) -> None:
    at = 0
    while True:
        async with ErpHospital(DynamicsByOurNumber(), cancel="stop_lines") as hospital:
            await hospital.place("7")
            await hospital.move_away("7")
            await hospital.move("7", to=Side.CLOUD, batch="back")
            hospital.wrap(Killing, at, is_sent=is_sent)
            was_killed = await hospital.killed()
            await hospital.settle()
            orders = [each.number for each in hospital.under_test.orders(hospital.tenant)]
            assert (orders, await hospital.codes()) == (["7", "7-M2"], []), at
        if not was_killed:
            break
        at += 1

    assert at == 6  # its free number, the vendor, the look-up, the header, two lines
