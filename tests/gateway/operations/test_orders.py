from __future__ import annotations

import pytest

from gateway.operations import OperationError
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import TAKEN, Bench


def row(number: str, line: int = 2, side: str = "legacy", transmitter: str = "legacy", *aliases: str) -> dict:
    return {
        "line": line, "order_number": number, "side": side, "transmitter": transmitter,
        "aliases": list(aliases),
    }  # fmt: skip


async def seed(bench: Bench, *rows: dict):
    return await bench.ask("orders.import", route="po.one", rows=list(rows), who="ann", why="before canary")


async def test_imported_orders_are_found_by_any_of_their_numbers(bench: Bench) -> None:
    done = await seed(bench, row("0004711", 2, "legacy", "legacy", "S-99"), row("0004712", 3))

    assert (done["imported"], done["new"]) == (2, {"legacy": 2, "cloud": 0})
    for number in ("4711", "0004711", "S-99", "order:1|mercy|4711"):
        (order,) = await bench.ask("orders.show", order=number)
        assert order["order_key"] == "order:1|mercy|4711"
        assert (order["ledger"]["side"], order["ledger"]["stage"]) == ("legacy", "imported")
    assert bench.woken == 1


async def test_a_comparison_tells_what_an_import_would_do_and_does_nothing(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))

    compared = await bench.ask("orders.diff", route="po.one", rows=[row("PO-1"), row("PO-2", 3)])

    assert (compared["new"], compared["known"]) == ({"legacy": 1, "cloud": 0}, 1)
    assert compared["differing"] == [
        {"order_key": "order:1|mercy|PO-1", "wanted": "legacy", "known": "cloud"}
    ]
    assert len(await bench.ask("orders.list")) == 1


async def test_orders_that_are_known_stay_as_they_are(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))

    await seed(bench, row("PO-1"))

    ((order,),) = [await bench.ask("orders.list")]
    assert (order["side"], order["transmitter"]) == ("cloud", "erp")


async def test_an_order_that_stands_twice_in_the_file_is_refused_with_its_line(bench: Bench) -> None:
    with pytest.raises(OperationError, match=r"line 9: order 4711 stands in the file before"):
        await seed(bench, row("0004711"), row("4711", 9))

    assert await bench.ask("orders.list") == []


@pytest.mark.parametrize("route", ["po.none", "ack.one"])
async def test_only_a_route_that_opens_orders_can_be_seeded(bench: Bench, route: str) -> None:
    with pytest.raises(OperationError, match=r"those are: po\.one, po\.two"):
        await bench.ask("orders.import", route=route, rows=[row("1")], who="ann", why="x")


async def test_an_order_is_shown_with_documents_deliveries_and_names(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=TAKEN)

    (order,) = await bench.ask("orders.show", order="PO-1")

    assert [each["document_type"] for each in order["documents"]] == ["purchase_order"]
    (delivery,) = order["deliveries"]
    assert (delivery["target"], delivery["state"], delivery["target_reference"]) == ("erp", "done", "4711")


async def test_an_order_that_nobody_knows_is_told(bench: Bench) -> None:
    with pytest.raises(OperationError, match="no order 'PO-404' is known"):
        await bench.ask("orders.show", order="PO-404")


async def test_orders_are_listed_by_side_and_route_newest_first(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))
    await seed(bench, row("PO-2"))

    async def listed(**parts) -> list[str]:
        return [each["order_key"][-4:] for each in await bench.ask("orders.list", **parts)]

    assert await listed() == ["PO-2", "PO-1"]
    assert await listed(side="cloud") == ["PO-1"]
    assert await listed(route="po.two") == []
