"""What is told of a thing that is not parked any more."""

from __future__ import annotations

import pytest

from gateway.operations import OperationError
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import OUTAGE, TAKEN, Bench


async def told(bench: Bench, exception: str) -> str:
    """Give what is told of a thing under which nothing is parked."""
    with pytest.raises(OperationError, match="nothing is parked under") as refused:
        await bench.ask("exceptions.show", exception=exception)
    assert refused.value.code == "unknown"
    return str(refused.value)


async def settle(bench: Bench, verb: str, exception: str, **parts) -> None:
    await bench.ask(verb, exception=exception, who="ann", why="a test", **parts)


async def test_a_closed_exception_says_who_closed_it_when_how_and_why(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1", quantity="three")))
    at = f"{bench.clock.now():%Y-%m-%d %H:%M:%SZ}"
    await settle(
        bench, "exceptions.resolve", f"{message}/0", resolution="placed_by_phone", reference="Bob 9:10"
    )

    text = await told(bench, f"{message}/0")

    assert f"ann closed it at {at}, placed by phone (Bob 9:10), since: a test" in text
    assert f"legacy-bridge explain {message}" in text


@pytest.mark.parametrize("verb", ["exceptions.retry", "exceptions.resolve"])
async def test_changing_what_is_closed_says_so_too(bench: Bench, verb: str) -> None:
    parked = await bench.park(await bench.arrive(interchange(order_set("PO-1"))))
    await settle(bench, "exceptions.resolve", parked, resolution="dismissed")
    parts = {"resolution": "dismissed"} if verb == "exceptions.resolve" else {}

    with pytest.raises(OperationError, match=r"ann closed it at .*, dismissed, since: a test"):
        await settle(bench, verb, parked, **parts)


async def test_a_delivery_that_was_retried_says_where_it_stands_now(bench: Bench) -> None:
    parked = await bench.park(await bench.arrive(interchange(order_set("PO-1"))))
    await settle(bench, "exceptions.retry", parked)
    await bench.deliver(erp=TAKEN)

    text = await told(bench, parked)

    assert "ann retried it at " in text
    assert f"delivery {parked} to erp is done as 4711" in text


async def test_a_delivery_that_only_waits_says_that_it_waits_for_no_person(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=OUTAGE)
    (waiting,) = [each for each in await bench.journal.deliveries(message_id=message) if each.target == "erp"]

    text = await told(bench, waiting.delivery_id)

    assert "to erp is waiting (no connection), and waits for no person" in text


async def test_a_set_that_its_neighbours_retry_took_up_says_whose_retry_that_was(bench: Bench) -> None:
    sets = (order_set("PO-1", quantity="three"), order_set("PO-2", quantity="four"))
    message = await bench.arrive(interchange(*sets))
    await settle(bench, "exceptions.retry", f"{message}/1")

    assert f"ann retried {message}/1 at " in await told(bench, f"{message}/0")


async def test_a_closed_set_that_is_planned_anew_still_says_who_closed_it(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1", quantity="three")))
    await settle(bench, "exceptions.resolve", f"{message}/0", resolution="dismissed")
    await bench.ask("messages.replay", message=message, who="bob", why="look")

    text = await told(bench, f"{message}/0")

    assert text.index("ann closed it at ") < text.index(f"bob had {message} translated again at ")


async def test_a_message_that_was_retried_names_what_of_it_is_parked_instead(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))
    other = await bench.arrive(interchange(order_set("PO-1", quantity="13")), translate=False)
    await settle(bench, "exceptions.retry", other)
    await bench.pipeline.translate(other)

    text = await told(bench, other)

    assert "ann retried it at " in text
    assert f"parked of its message now: {other}/0" in text


async def test_what_never_was_parked_says_only_where_to_look(bench: Bench) -> None:
    assert await told(bench, "m404/7") == (
        "nothing is parked under 'm404/7'; legacy-bridge exceptions list shows what is"
    )
