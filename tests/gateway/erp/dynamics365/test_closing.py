"""What closing an order on Dynamics is made of: what stays of lines, and orders as they stand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.base import Finding, NoReply, Reply, Request
from adapters.base.orders import LineThere, OrderAt, OrderThere, closes_orders, keeper_of
from gateway.erp.dynamics365.standing import standing_lines
from simulators.cloud_erp.dynamics365.receipts import post_by_person
from tests.gateway.erp.bench import Bench
from tests.gateway.erp.dynamics365.bench_of import bench, held, tenant_of
from tests.gateway.erp.paper import order

LINES = "PurchaseOrderLinesV2"


def row(number: int, quantity: int, **fields: object) -> dict[str, object]:
    return {"LineNumber": number, "OrderedPurchaseQuantity": quantity, "PurchaseUnitSymbol": "ea", **fields}


def came(line: int, quantity: int) -> dict[str, object]:
    return {"PurchaseOrderLineNumber": line, "ReceivedPurchaseQuantity": quantity}


@pytest.mark.parametrize(
    ("fields", "received", "is_over", "committed"),
    [
        ({}, 0, False, 10),
        ({}, 4, False, 10),
        ({}, 10, True, 10),
        ({"IsLineStopped": "Yes"}, 4, True, 4),
        ({"PurchaseOrderLineStatus": "Canceled"}, 0, True, 0),
        ({"PurchaseOrderLineStatus": "Received"}, 4, True, 4),  # its remainder was cancelled in the client
        ({"PurchaseOrderLineStatus": "Invoiced"}, 0, True, 10),  # invoiced without a receipt
    ],
)
def test_a_line_binds_what_is_open_or_what_came_before_it_ended(
    fields: dict[str, object], received: int, is_over: bool, committed: int
) -> None:
    (line,) = standing_lines([row(1, 10, **fields)], [came(1, received)] if received else [])

    assert (line.is_over, line.committed) == (is_over, Decimal(committed))


def test_a_row_that_tells_no_quantity_is_no_line() -> None:
    with pytest.raises(ValueError, match="OrderedPurchaseQuantity"):
        standing_lines([{"LineNumber": 1}], [])


async def seen(made: Bench, number: str = "PO-1") -> OrderThere | Finding | None:
    """Ask for an order through the real sink, as proof and reconciliation do."""
    keeper = keeper_of(made.target)
    assert keeper is not None
    request = keeper.read_order(OrderAt("", number))
    assert isinstance(request, Request)
    return keeper.order_read(await made.sink.send(request))


async def test_an_order_is_read_with_its_lines_and_what_was_received_of_them() -> None:
    async with bench(codes={"units": {"EA": "ea", "BX": "box"}}) as made:
        await made.deliver(order())
        post_by_person(tenant_of(made), "PO-1", {1: 4})
        there, none = await seen(made), await seen(made, "PO-9")
        post_by_person(tenant_of(made), "PO-1", {1: 6, 2: 20})
        closed = await seen(made)

    assert closes_orders(made.target)
    assert none is None
    assert isinstance(there, OrderThere)
    assert (there.number, there.state, there.lines_named) == ("PO-1", "open", "there")
    assert list(there.lines) == [
        LineThere("1", Decimal(10), "EA", Decimal("1.25"), Decimal(4)),
        LineThere("2", Decimal(20), "EA", Decimal("2.25"), Decimal(0)),
    ]
    assert isinstance(closed, OrderThere)
    assert closed.state == "closed"


async def test_an_order_is_found_in_the_company_of_any_route_and_two_of_a_number_are_told() -> None:
    defaults = {"site": "1", "warehouse": "11"}
    companies = {"a": {**defaults, "company": "usmf"}, "b": {**defaults, "company": "dat"}}
    async with bench(defaults={**defaults, "company": "dat"}, per_route=companies) as made:
        await made.deliver(order())
        one = await seen(made)
        erp = tenant_of(made)
        (header,) = held(made, "PurchaseOrderHeadersV2")
        erp.documents.create(
            "PurchaseOrderHeadersV2", "usmf|PO-1", header | {"dataAreaId": "usmf"}, number="PO-1"
        )
        two = await seen(made)

    assert isinstance(one, OrderThere)
    assert isinstance(two, Finding)
    assert "dat, usmf" in two.text


@pytest.mark.parametrize(
    "reply",
    [
        NoReply("none", "no connection"),
        Reply(403, b"", ()),
        Reply(200, b"<html>sign in</html>", (("Content-Type", "text/html"),)),
        Reply(200, b"--b\r\n--b--\r\n", (("Content-Type", "multipart/mixed; boundary=b"),)),
    ],
)
async def test_an_answer_that_is_no_order_is_never_taken_for_no_order(reply: Reply | NoReply) -> None:
    async with bench() as made:
        keeper = keeper_of(made.target)
        assert keeper is not None
        shown = keeper.order_read(reply)

    assert isinstance(shown, Finding)
    assert shown.code == "ORDER-NOT-READ"
