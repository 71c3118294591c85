"""Retention: settled messages lose their bytes, then their keys; open work and the ledger stay."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from adapters.base import Reply
from gateway.journal.base import UnknownError
from gateway.journal.types import ArrivalKind, DeliveryState
from tests.gateway.journal.builders import T0, Scene, awaited, delivery, document, entry, finding, group

OLD = T0 + timedelta(days=400)
NEVER = T0 - timedelta(days=1)


async def prune(
    scene: Scene,
    *,
    bodies_before: datetime = OLD,
    keys_before: datetime = NEVER,
    orders_before: datetime = NEVER,
) -> int:
    """Prune in small batches until nothing is left to forget."""
    forgotten, batches = 0, 0
    while count := await scene.journal.prune(OLD, bodies_before, keys_before, orders_before, 2):
        assert count <= 2
        forgotten, batches = forgotten + count, batches + 1
        assert batches < 100
    return forgotten


async def delivered(scene: Scene, message_id: str = "m1") -> str:
    """Have a message delivered, with a body of its own."""
    await scene.accept(message_id, arrival_key=f"K-{message_id}")
    told = document(0, f"O-{message_id}", document_key=f"D-{message_id}", content_hash="h")
    sent = delivery(f"{message_id}-d", 0, f"O-{message_id}", body=b"<order/>")
    await scene.plan(message_id, [told], [sent], opens=(entry(f"O-{message_id}"),))
    await scene.deliver((await scene.claim_only()).claim)
    return f"{message_id}-d"


async def has_body(scene: Scene, message_id: str = "m1") -> bool:
    try:
        await scene.body(message_id)
    except UnknownError:
        return False
    return True


async def test_a_settled_message_loses_its_bytes_everywhere_and_keeps_its_story(scene: Scene) -> None:
    delivery_id = await delivered(scene)

    assert await prune(scene) > 0

    assert not await has_body(scene)
    (shown,) = await scene.journal.documents(message_id="m1")
    assert (shown.plan.canonical, shown.plan.document_key) == (None, "D-m1")
    (step,) = (await scene.view(delivery_id)).steps
    assert (step.request.step, step.request.body) == ("create", b"")
    assert isinstance(step.reply, Reply | None)
    assert step.reply is None or step.reply.body == b""
    assert (await scene.journal.message("m1")).sha256


async def test_what_is_young_enough_is_kept(scene: Scene) -> None:
    await delivered(scene)

    assert await prune(scene, bodies_before=T0) == 0

    assert await has_body(scene)


async def test_keys_outlive_bytes(scene: Scene) -> None:
    await delivered(scene)

    await prune(scene)

    again = await scene.accept("m2", b"ISA m1", arrival_key="K-m1")
    assert (again.kind, again.message_id) == (ArrivalKind.SAME, "m1")
    assert (await scene.journal.facts([], ["D-m1"], [])).documents["D-m1"].message_id == "m1"


async def test_keys_are_forgotten_in_their_turn(scene: Scene) -> None:
    await delivered(scene)

    assert await prune(scene, bodies_before=NEVER, keys_before=OLD) == 2

    assert await has_body(scene)
    assert (await scene.journal.facts([], ["D-m1"], [])).documents == {}
    again = await scene.accept("m2", b"ISA m1", arrival_key="K-m1")
    assert (again.kind, again.repeat_of) == (ArrivalKind.NEW, "m1")


async def test_the_ledger_outlives_bodies_and_keys(scene: Scene) -> None:
    await delivered(scene)
    await scene.journal.close_orders(["O-m1"], "ann", "done", T0)

    await scene.journal.prune(T0 + timedelta(days=700), OLD, OLD, T0 - timedelta(days=30), 1_000)

    assert [kept.order_key for kept in await scene.journal.orders()] == ["O-m1"]


async def test_an_order_closed_long_ago_is_forgotten_with_all_its_names(scene: Scene) -> None:
    await delivered(scene)
    await scene.journal.import_orders([entry("O-2")], {"O-2": ["PO-2"]}, "ann", "seed", T0)
    await scene.journal.close_orders(["O-2"], "ann", "done", T0)

    assert await prune(scene, bodies_before=NEVER, orders_before=T0) == 0  # not before, but then
    assert await prune(scene, bodies_before=NEVER, orders_before=OLD) == 1

    assert [kept.order_key for kept in await scene.journal.orders()] == ["O-m1"]
    assert (await scene.journal.facts(["O-2"], [], ["PO-2"])).resolved == {}
    assert await scene.journal.aliases("O-2") == ()


async def test_the_entry_of_an_order_that_something_unfinished_is_about_stays(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0, "O-1")], [delivery("m1-d", 0, "O-1")], opens=(entry("O-1"),))
    await scene.journal.close_orders(["O-1"], "ann", "done", T0)

    assert await prune(scene, orders_before=OLD) == 0
    await scene.deliver((await scene.claim_only()).claim)
    assert await prune(scene, bodies_before=NEVER, orders_before=OLD) == 1


async def test_a_parked_document_keeps_the_entry_of_its_order(scene: Scene) -> None:
    await scene.accept("m1")
    parked = document(0, "O-1", is_parked=True, findings=(finding(),))
    await scene.plan("m1", [parked], opens=(entry("O-1"),))
    await scene.journal.close_orders(["O-1"], "ann", "done", T0)

    assert await prune(scene, orders_before=OLD) == 0


OPEN_WORK = (  # noqa: SIM905 - a list of words reads better
    "accepted translating parked-message parked-set awaiting held ready waiting in_doubt parked"
).split()


@pytest.mark.parametrize("work", OPEN_WORK)
async def test_open_work_is_never_touched(scene: Scene, work: str) -> None:
    await scene.accept("m1", arrival_key="K-m1")
    told = document(document_key="D-m1", content_hash="h")
    match work:
        case "accepted":
            pass
        case "translating":
            await scene.journal.begin_translation("m1", 1)
        case "parked-message":
            await scene.plan("m1", parks=True)
        case "parked-set":
            await scene.plan("m1", [told, document(1, "O-2", is_parked=True, findings=(finding(),))])
        case "awaiting":
            await scene.plan("m1", [told, document(1, "O-2", awaits=awaited())])
        case "held":
            await scene.plan("m1", [told], [delivery("m1-d", unit=group())], is_last=False)
        case state:
            await scene.plan("m1", [told], [delivery("m1-d")])
            if state != "ready":
                await scene.settle((await scene.claim_only()).claim, DeliveryState(state))

    assert await prune(scene, keys_before=OLD) == 0

    assert await has_body(scene)
    assert (await scene.accept("m2", b"ISA m1", arrival_key="K-m1")).kind is ArrivalKind.SAME


@pytest.mark.parametrize("kind", ["message", "set", "delivery"])
async def test_what_a_person_resolved_is_settled(scene: Scene, kind: str) -> None:
    await scene.accept("m1")
    match kind:
        case "message":
            await scene.plan("m1", parks=True)
            exception_id = "m1"
        case "set":
            await scene.plan("m1", [document(is_parked=True)])
            exception_id = "m1/0"
        case _:
            exception_id = "m1-d"
            await scene.plan("m1", [document()], [delivery("m1-d")])
            await scene.settle((await scene.claim_only()).claim, DeliveryState.PARKED)
    await scene.journal.resolve(exception_id, "dismissed", "ann", "test data", T0)

    await prune(scene)

    assert not await has_body(scene)


async def test_bytes_that_are_gone_cannot_be_replayed(scene: Scene) -> None:
    await delivered(scene)
    await prune(scene)

    with pytest.raises(UnknownError):
        await scene.journal.replay("m1", resend=True, who="ann", why="too late", now=OLD)


async def test_one_call_forgets_no_more_than_its_limit(scene: Scene) -> None:
    for number in range(3):
        await delivered(scene, f"m{number}")

    assert await scene.journal.prune(OLD, OLD, OLD, NEVER, 1) == 1
    assert await scene.journal.prune(OLD, OLD, OLD, NEVER, 5) == 5
