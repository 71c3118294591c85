"""What is shown of a parked set beside its findings: what went on all the same, and what led to it."""

from __future__ import annotations

from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import OUTAGE, TAKEN, Bench


async def changed_order(bench: Bench) -> str:
    """Let an order arrive anew with other content under the same control number; give its message."""
    await bench.arrive(interchange(order_set("PO-1")))
    return await bench.arrive(interchange(order_set("PO-1", quantity="13")), translate=False)


async def retried(bench: Bench, exception: str) -> dict:
    done = await bench.ask("exceptions.retry", exception=exception, who="ann", why="both hold")
    await bench.pipeline.translate(exception.partition("/")[0])
    return done


async def test_what_a_retried_conflict_leaves_parked_says_that_legacy_has_it_and_whence_its_id(
    bench: Bench,
) -> None:
    await bench.ask("routes.set", route="po.one", stage="legacy", who="ann", why="x")
    other = await changed_order(bench)

    done = await retried(bench, other)
    while await bench.deliver(legacy=TAKEN):
        pass
    (item,) = await bench.ask("exceptions.list")
    shown = await bench.ask("exceptions.show", exception=f"{other}/0")

    assert (done["kind"], done["stage"], done["codes"]) == ("message", "legacy", ["ARRIVAL-CONFLICT"])
    assert item["exception_id"] == f"{other}/0"
    assert [(each["target"], each["state"], each["target_reference"]) for each in item["went_on"]] == [
        ("legacy", "done", "4711")
    ]
    came = item["came_of"]
    assert (came["action"], came["subject"], came["who"], came["why"]) == (
        "exceptions.retry", other, "ann", "both hold",
    )  # fmt: skip
    assert (shown["went_on"], shown["came_of"]) == (item["went_on"], item["came_of"])


async def test_a_set_of_which_nothing_goes_on_names_no_delivery(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2", quantity="three")))
    await bench.deliver(erp=OUTAGE)

    (item,) = await bench.ask("exceptions.list")

    assert (item["exception_id"], item["went_on"]) == (f"{message}/1", [])


async def test_a_set_that_was_retried_under_its_own_id_came_of_nothing_else(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1", quantity="three")))
    await retried(bench, f"{message}/0")

    (item,) = await bench.ask("exceptions.list")

    assert (item["exception_id"], item["came_of"]) == (f"{message}/0", None)


async def test_a_set_that_a_replay_parked_names_the_replay(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1", quantity="three")))
    await bench.ask("messages.replay", message=message, who="bob", why="look")
    await bench.pipeline.translate(message)

    (item,) = await bench.ask("exceptions.list")

    assert (item["came_of"]["action"], item["came_of"]["who"]) == ("messages.replay", "bob")
