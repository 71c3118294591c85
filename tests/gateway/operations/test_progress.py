"""How far a message is, not only that it was planned: a list, ``show`` and ``explain`` say the same."""

from __future__ import annotations

from tests.gateway.operations.bench import REFUSED, TAKEN, UNCLEAR, Bench
from tests.gateway.test_x12_through import interchange


async def listed(bench: Bench) -> list[str]:
    """Give how far the messages are, as a list tells it; whoever is asked tells the same."""
    told = await bench.ask("messages.list")
    for each in told:
        message = each["message_id"]
        (story,) = (await bench.ask("explain", subject=message))["messages"]
        shown = await bench.ask("messages.show", message=message)
        assert each["progress"] == story["progress"] == shown["progress"]
    return [each["progress"] for each in told]


async def test_an_order_on_its_way_is_delivering_and_one_that_arrived_is_delivered(bench: Bench) -> None:
    await bench.arrive(interchange(["04"]))
    assert await listed(bench) == ["delivering"]

    await bench.deliver(erp=TAKEN)

    assert await listed(bench) == ["delivered"]


async def test_what_needs_a_person_and_what_is_in_doubt_is_told(bench: Bench) -> None:
    await bench.arrive(interchange(["04"]))
    await bench.deliver(erp=UNCLEAR)
    assert await listed(bench) == ["in doubt"]

    await bench.arrive(interchange(["04"], control=43).replace(b"*12*EA*", b"*x*EA*"))
    assert await listed(bench) == ["parked", "in doubt"]


async def test_one_that_is_not_translated_keeps_its_state(bench: Bench) -> None:
    await bench.arrive(interchange(["04"]), translate=False)

    assert await listed(bench) == ["accepted"]


async def test_what_the_erp_refused_is_parked(bench: Bench) -> None:
    await bench.arrive(interchange(["04"]))
    await bench.deliver(erp=REFUSED)

    assert await listed(bench) == ["parked"]


async def test_a_message_that_a_person_closed_is_parked_no_longer(bench: Bench) -> None:
    known = await bench.arrive(interchange(["04"]))
    await bench.arrive(interchange(["05"]))  # the same control number, other bytes
    assert await listed(bench) == ["parked", "delivering"]
    (item,) = await bench.ask("exceptions.list")
    resolution = {"resolution": "dismissed", "who": "ann", "why": "theirs to mend"}
    await bench.ask("exceptions.resolve", exception=item["exception_id"], **resolution)

    assert await listed(bench) == ["closed", "delivering"]
    assert item["message_id"] != known
