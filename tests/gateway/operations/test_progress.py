"""``messages list`` says how far a message is, not only that it was planned."""

from __future__ import annotations

from tests.gateway.operations.bench import REFUSED, TAKEN, UNCLEAR, Bench
from tests.gateway.test_x12_through import interchange


async def listed(bench: Bench) -> list[str]:
    return [each["progress"] for each in await bench.ask("messages.list")]


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
