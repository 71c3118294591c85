"""Exceptions by the number of an order, and what was closed of it."""

from __future__ import annotations

import json

import pytest

from tests.gateway.commands.conftest import Command
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.commands.orders_parked import arrived, one_line, parked
from tests.gateway.commands.running import Running
from tests.gateway.operations.bench import OUTAGE, TAKEN

# -- by number -------------------------------------------------------------------------------


def test_the_one_thing_parked_of_an_order_is_shown_and_retried_by_the_orders_number(
    bridge: Command, gateway: Running
) -> None:
    exception = parked(gateway, order_set("PO-1"))

    shown = bridge("exceptions", "show", "PO-1")
    retried = bridge("exceptions", "retry", "PO-1", "--why", "supplier added")

    assert shown.out.splitlines()[0] == f"exception {exception}"
    assert retried.out == f"{exception}: it is sent again\n"
    assert one_line(retried.err).startswith("order PO-1 (order:1|mercy|PO-1): ")
    assert f"{exception}, delivery to erp on route po.one, a.850 [ERP-422]" in one_line(retried.err)


@pytest.mark.parametrize(
    "way, told",
    [
        (("--dismiss",), "dismissed"),
        (("--done-elsewhere", "4500017"), "done elsewhere (4500017)"),
        (("--placed-by-phone", "Ann 10:40"), "placed by phone (Ann 10:40)"),
    ],
)
def test_the_one_thing_parked_of_an_order_is_closed_by_the_orders_number(
    bridge: Command, gateway: Running, way: tuple[str, ...], told: str
) -> None:
    exception = parked(gateway, order_set("PO-1"))

    closed = bridge("exceptions", "resolve", "PO-1", *way, "--why", "x")

    assert (closed.code, closed.out.splitlines()[0]) == (0, f"{exception}: closed, {told}")
    assert json.loads(bridge("exceptions", "list", "--json").out) == []


def test_a_set_that_cannot_be_used_is_promised_to_no_erp_when_it_is_placed_by_phone(
    bridge: Command, gateway: Running
) -> None:
    message = arrived(gateway, order_set("PO-1", quantity="twelve"))

    closed = bridge("exceptions", "resolve", f"{message}/0", "--placed-by-phone", "Ann", "--why", "x")

    assert closed.code == 0, closed.err
    assert "The ERP gets it now" not in closed.out
    assert "it is parked again under this id: enter it in the ERP by hand" in one_line(closed.out)


def test_an_order_that_only_waits_is_placed_by_phone_by_its_number_and_not_dismissed_by_it(
    bridge: Command, gateway: Running
) -> None:
    arrived(gateway, order_set("PO-1"))
    gateway.do(gateway.bench.deliver(erp=OUTAGE))

    dismissed = bridge("exceptions", "resolve", "PO-1", "--dismiss", "--why", "x")
    placed = bridge("exceptions", "resolve", "PO-1", "--placed-by-phone", "Ann 10:40", "--why", "down")

    assert dismissed.code == 2
    assert "nothing of order PO-1 (order:1|mercy|PO-1) is parked" in dismissed.err
    assert "delivery to erp: waiting (no connection): it waits for no person" in one_line(dismissed.err)
    assert placed.code == 0, placed.err
    assert "sent to the supplier by a person, by phone" in bridge("orders", "show", "PO-1").out


def test_an_order_that_was_placed_by_phone_is_not_placed_once_more_by_its_number(
    bridge: Command, gateway: Running
) -> None:
    message = arrived(gateway, order_set("PO-1"))
    gateway.do(gateway.bench.deliver(erp=OUTAGE))
    by_phone = ("exceptions", "resolve", "PO-1", "--placed-by-phone", "Ann 10:40", "--why", "down")
    bridge(*by_phone)
    gateway.do(gateway.bench.pipeline.translate(message))

    again = bridge(*by_phone)

    assert (again.code, again.out) == (2, "")
    assert "placed by phone (Ann 10:40), since: down" in again.err
    assert "the supplier has the order" in again.err


def test_where_several_things_of_an_order_are_parked_they_are_listed_and_nothing_is_changed(
    bridge: Command, gateway: Running
) -> None:
    first = parked(gateway, order_set("PO-1"))
    second = gateway.do(
        gateway.bench.arrive(interchange(order_set("PO-1", quantity="three"), control="000000008"))
    )

    ended = bridge("exceptions", "retry", "PO-1", "--why", "x")

    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.splitlines()
    assert lines[0].startswith(f"{first}, delivery to erp on route po.one")
    assert lines[1].startswith(f"{second}/0, document on route po.one")
    assert "there are 2 things of order PO-1; say which you mean by its id" in ended.err
    assert len(json.loads(bridge("exceptions", "list", "--json").out)) == 2


def test_what_is_about_other_orders_too_is_not_closed_by_the_number_of_one(
    bridge: Command, gateway: Running
) -> None:
    bridge("routes", "set", "po.one", "legacy", "--why", "x")
    arrived(gateway, order_set("PO-1"), order_set("PO-2"))
    gateway.do(gateway.bench.deliver(legacy=OUTAGE))

    ended = bridge("exceptions", "resolve", "PO-1", "--placed-by-phone", "Ann", "--why", "x")

    assert ended.code == 2
    assert "it is about 2 orders" in ended.err
    assert "what there is of order PO-1 is, or may be, about other orders, too" in ended.err
    assert {each["state"] for each in gateway.do(_deliveries(gateway))} == {"waiting"}


async def _deliveries(gateway: Running) -> list[dict]:
    found = await gateway.bench.ask("exceptions.of", order="PO-1")
    return list(found["unfinished"])


def test_a_number_that_nobody_knows_is_told_as_an_id_that_nobody_knows(
    bridge: Command, gateway: Running
) -> None:
    ended = bridge("exceptions", "retry", "PO-404", "--why", "x")

    assert ended.code == 2
    assert (
        ended.err
        == "legacy-bridge: nothing is parked under 'PO-404'; legacy-bridge exceptions list shows what is\n"
    )


def test_a_conflict_that_was_not_translated_is_shown_and_not_settled_by_the_number_of_the_order(
    bridge: Command, gateway: Running
) -> None:
    arrived(gateway, order_set("PO-1"))
    gateway.do(gateway.bench.deliver(erp=TAKEN))
    other = arrived(gateway, order_set("PO-1", quantity="13"), translate=False)

    ended = bridge("exceptions", "resolve", "PO-1", "--dismiss", "--why", "x")

    assert ended.code == 2
    assert f"{other}, message on route po.one, a.850 [ARRIVAL-CONFLICT]; it came under" in ended.err
    assert len(json.loads(bridge("exceptions", "list", "--json").out)) == 1


# -- what was closed -------------------------------------------------------------------------


def test_what_was_closed_says_by_whom_when_and_how_by_id_and_by_number(
    bridge: Command, gateway: Running
) -> None:
    exception = parked(gateway, order_set("PO-1"))
    bridge("exceptions", "resolve", exception, "--dismiss", "--why", "a test", "--who", "ann")

    by_id = bridge("exceptions", "show", exception)
    by_number = bridge("exceptions", "resolve", "PO-1", "--dismiss", "--why", "x")

    for ended in (by_id, by_number):
        assert ended.code == 2
        assert "ann closed it at 20" in ended.err
        assert ", dismissed, since: a test" in ended.err
    assert f"{exception}: ann closed it" in by_number.err
