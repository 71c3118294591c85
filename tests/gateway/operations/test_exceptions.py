from __future__ import annotations

import pytest

from adapters.base import NoReply
from gateway.journal.types import ROLL_BACK, Want
from gateway.operations import OperationError, Operations
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import OUTAGE, TAKEN, Bench, configuration
from tests.gateway.rig import Rig, order, program


async def settle(bench: Bench, verb: str, exception: str, **parts):
    return await bench.ask(verb, exception=exception, who="ann", why="a test", **parts)


async def sheet(bench: Bench, *, everything: bool = False) -> list[dict]:
    return await bench.ask("exceptions.call_sheet", everything=everything)


async def test_what_is_parked_is_listed_and_shown_with_its_reason(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2", quantity="three")))
    parked = await bench.park(message)

    listed = await bench.ask("exceptions.list")
    shown = await bench.ask("exceptions.show", exception=parked)

    assert {each["exception_id"] for each in listed} == {f"{message}/1", parked}
    assert shown["findings"][0]["code"] == "ERP-422"
    assert shown["message"]["message_id"] == message
    assert [each["delivery_id"] for each in shown["deliveries"]] == [parked]


async def test_a_parked_delivery_that_is_retried_is_delivered(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    parked = await bench.park(message)

    assert (await settle(bench, "exceptions.retry", parked))["done"] == "deliver"
    await bench.deliver(erp=TAKEN)

    assert (await bench.states(message))["erp"] == ["done"]
    assert await bench.ask("exceptions.list") == []


async def test_a_dismissed_delivery_is_void_and_lets_the_next_one_of_its_order_pass(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    parked = await bench.park(message)

    done = await settle(bench, "exceptions.resolve", parked, resolution="dismissed")

    assert done["resolution"] == "dismissed"
    assert (await bench.states(message))["erp"] == ["void"]
    assert bench.woken == 1


async def test_an_order_placed_by_phone_is_transmitted_by_nobody_again(bench: Bench) -> None:
    parked = await bench.park(await bench.arrive(interchange(order_set("PO-1"))))

    await settle(bench, "exceptions.resolve", parked, resolution="placed_by_phone", reference="Ann 10:40")

    (order,) = await bench.ask("orders.show", order="PO-1")
    assert order["ledger"]["transmitter"] == "none"
    assert "Ann 10:40" in order["ledger"]["reason"]
    assert await sheet(bench, everything=True) == []


async def test_an_order_that_waits_is_placed_by_phone_and_created_by_itself_later(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=OUTAGE)
    (call,) = await sheet(bench, everything=True)

    await settle(
        bench, "exceptions.resolve", call["exception_ids"][0], resolution="placed_by_phone", reference="Ann"
    )

    assert await sheet(bench, everything=True) == []
    bench.clock.elapsed_s += 3 * 3600
    await bench.pipeline.translate(message)
    assert await sheet(bench, everything=True) == []  # in the ERP or not, it is ordered
    assert await bench.deliver(erp=TAKEN) == 1
    assert (await bench.states(message))["erp"] == ["void", "done"]
    (order,) = await bench.ask("orders.show", order="PO-1")
    assert order["ledger"]["transmitter"] == "none"


async def test_a_delivery_that_is_being_sent_is_not_closed_and_the_refusal_says_when(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    (claimed,) = await bench.journal.claim("w", [Want("erp", 1)], 60.0, bench.clock.now(), 0.0)

    with pytest.raises(OperationError, match=r"being sent at this moment.*in a minute") as refused:
        await settle(bench, "exceptions.resolve", claimed.claim.delivery_id, resolution="dismissed")

    assert refused.value.code == "refused"
    assert (await bench.states(message))["erp"] == ["claimed"]


async def test_a_parked_call_is_not_retried_and_the_refusal_says_what_to_do() -> None:
    async with Rig(program(reply="pass_through")).running() as rig:
        rig.targets["mms"].replies += [NoReply("maybe", "reset")]
        message = await rig.take(order("4711"), transport="http")
        assert message is not None
        await rig.calls.pass_on(message.message_id, 0.2)
        (parked,) = await rig.journal.exceptions()
        operations = Operations(rig.journal, configuration, rig.clock)

        retry = {"exception": parked.exception_id, "who": "ann", "why": "again"}
        with pytest.raises(OperationError, match="resolve it instead"):
            await operations.perform("exceptions.retry", retry)

        assert len(await rig.journal.exceptions()) == 1


@pytest.mark.parametrize(
    "resolution, reference", [("dismissed", "4711"), ("placed_by_phone", ""), ("done_elsewhere", "  ")]
)
async def test_a_resolution_without_its_reference_or_with_one_too_many_is_refused(
    bench: Bench, resolution: str, reference: str
) -> None:
    parked = await bench.park(await bench.arrive(interchange(order_set("PO-1"))))

    with pytest.raises(OperationError, match="reference"):
        await settle(bench, "exceptions.resolve", parked, resolution=resolution, reference=reference)

    assert len(await bench.ask("exceptions.list")) == 1


@pytest.mark.parametrize("verb", ["exceptions.retry", "exceptions.show", "exceptions.resolve"])
async def test_what_is_not_parked_is_told(bench: Bench, verb: str) -> None:
    parts = {} if verb == "exceptions.show" else {"who": "ann", "why": "x"}
    parts |= {"resolution": "dismissed"} if verb == "exceptions.resolve" else {}

    with pytest.raises(OperationError, match="nothing is parked under 'm404/7'"):
        await bench.ask(verb, exception="m404/7", **parts)


async def test_an_acknowledged_alarm_stays_on_the_call_sheet(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    bench.clock.elapsed_s += 3 * 3600
    assert (await bench.ask("status"))["overdue"] == 2  # the order, and its acknowledgment

    stopped = await bench.ask("alarms.acknowledge", message=message, who="ann", why="on it")

    assert stopped["stopped"] == 2
    assert (await bench.ask("status"))["overdue"] == 0
    assert [each["order_number"] for each in await sheet(bench)] == ["PO-1"]


async def test_the_alarm_about_a_route_that_went_back_is_acknowledged_by_the_route_s_name(
    bench: Bench,
) -> None:
    stage, now = (await bench.journal.stages())["po.one"].stage, bench.clock.now()
    await bench.journal.set_stage("po.one", stage, "shadow", "0", ROLL_BACK, "5% failed", now)

    stopped = await bench.ask("alarms.acknowledge", message="po.one", who="ann", why="on it")

    assert stopped == {"message_id": "po.one", "stopped": 1}
    assert await bench.operations.routes_of("po.one") == {"po.one"}
    with pytest.raises(OperationError, match="no message and no route m404"):
        await bench.ask("alarms.acknowledge", message="m404", who="ann", why="on it")
