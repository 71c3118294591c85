"""What a person has to do with an order, found by its number."""

from __future__ import annotations

import pytest

from gateway.journal.types import LedgerEntry, Side, Transmitter
from gateway.operations import OperationError
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import OUTAGE, TAKEN, Bench


async def of(bench: Bench, order: str) -> dict:
    return await bench.ask("exceptions.of", order=order)


async def test_what_is_parked_of_an_order_is_found_by_its_number_and_nothing_else_is(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2", quantity="three")))
    parked = await bench.park(message)

    first, second = await of(bench, "PO-1"), await of(bench, "PO-2")

    assert [each["exception_id"] for each in first["open"]] == [parked]
    assert [each["exception_id"] for each in second["open"]] == [f"{message}/1"]
    assert first["open"][0]["about"] == first["order_keys"]


async def test_an_order_is_found_by_a_name_that_it_has_elsewhere(bench: Bench) -> None:
    parked = await bench.park(await bench.arrive(interchange(order_set("PO-1"))))
    (key,) = (await of(bench, "PO-1"))["order_keys"]
    entry = LedgerEntry(key, Side.CLOUD, Transmitter.ERP, "po.one", "imported", "imported", bench.clock.now())
    await bench.journal.import_orders([entry], {key: ["S-77"]}, "ann", "x", bench.clock.now())

    found = await of(bench, "S-77")

    assert [each["exception_id"] for each in found["open"]] == [parked]


async def test_what_waits_of_an_order_is_shown_apart_from_what_is_parked(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=OUTAGE)

    found = await of(bench, "PO-1")

    assert found["open"] == []
    (waiting,) = found["unfinished"]
    assert (waiting["target"], waiting["state"], waiting["about"]) == (
        "erp", "waiting", found["order_keys"],
    )  # fmt: skip


async def test_what_is_delivered_of_an_order_is_not_shown(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=TAKEN)

    found = await of(bench, "PO-1")

    assert (found["open"], found["unfinished"], found["closed"]) == ([], [], [])


async def test_a_thing_about_several_orders_says_so(bench: Bench) -> None:
    await bench.ask("routes.set", route="po.one", stage="legacy", who="ann", why="x")
    await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2")))

    (waiting,) = (await of(bench, "PO-1"))["unfinished"]

    assert len(waiting["about"]) == 2


async def test_what_was_closed_of_an_order_is_told_newest_first(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2", quantity="three")))
    parked = await bench.park(message)
    for each in (f"{message}/1", parked):
        resolution = {"resolution": "dismissed", "who": "ann", "why": "a test"}
        await bench.ask("exceptions.resolve", exception=each, **resolution)

    (closed,) = (await of(bench, "PO-1"))["closed"]

    assert closed["exception_id"] == parked
    assert closed["text"].startswith("ann closed it at ")


async def test_a_conflict_with_an_orders_message_is_found_though_nobody_knows_what_it_is_about(
    bench: Bench,
) -> None:
    await bench.arrive(interchange(order_set("PO-1")))
    await bench.arrive(interchange(order_set("PO-2"), control="000000008"))
    other = await bench.arrive(interchange(order_set("PO-1", quantity="13")), translate=False)

    (conflict,) = (await of(bench, "PO-1"))["open"]

    assert (conflict["exception_id"], conflict["about"]) == (other, [])
    assert (await of(bench, "PO-2"))["open"] == []


async def test_a_number_of_no_order_is_told(bench: Bench) -> None:
    with pytest.raises(OperationError, match="no order 'PO-404' is known"):
        await of(bench, "PO-404")
