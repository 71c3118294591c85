"""Exceptions: what is parked, taking it up again, and closing it without sending it."""

from __future__ import annotations

import pytest

from gateway.journal.base import UnknownError
from gateway.journal.types import DeliveryState, MessageState, Side, Transmitter
from tests.gateway.journal.builders import (
    ERP,
    ROUTE,
    T0,
    Scene,
    delivery,
    document,
    entry,
    finding,
    in_doubt,
    result,
)


async def ids(scene: Scene) -> list[str]:
    return [item.exception_id for item in await scene.journal.exceptions()]


async def parked_message(scene: Scene, message_id: str = "m1") -> str:
    await scene.accept(message_id)
    await scene.plan(message_id, parks=True, findings=(finding(),))
    return message_id


async def parked_document(scene: Scene, message_id: str = "m1") -> str:
    await scene.accept(message_id)
    told = document(1, "O-1", is_parked=True, findings=(finding("XW-MISS"),), document_key="K")
    await scene.plan(message_id, [document(0, "O-0"), told])
    return f"{message_id}/1"


async def parked_delivery(scene: Scene, message_id: str = "m1") -> str:
    delivery_id = await scene.order(message_id)
    await scene.park((await scene.claim_only()).claim)
    return delivery_id


PARKERS = {"message": parked_message, "document": parked_document, "delivery": parked_delivery}


async def test_a_parked_message_is_listed(scene: Scene) -> None:
    scene.later(5)
    await parked_message(scene)

    (item,) = await scene.journal.exceptions()

    assert (item.exception_id, item.kind, item.message_id) == ("m1", "message", "m1")
    assert (item.route, item.partner, item.opened_at) == (ROUTE, "MERCY", scene.now)
    assert (item.findings, item.target, item.document_key) == ((finding(),), None, None)


async def test_a_parked_set_is_listed_under_its_index(scene: Scene) -> None:
    await parked_document(scene)

    (item,) = await scene.journal.exceptions()

    assert (item.exception_id, item.kind, item.message_id) == ("m1/1", "document", "m1")
    assert (item.findings, item.document_key, item.order_keys) == ((finding("XW-MISS"),), "K", ("O-1",))
    assert (await scene.journal.message("m1")).state is MessageState.PLANNED


async def test_a_parked_delivery_is_listed_with_its_target(scene: Scene) -> None:
    await parked_delivery(scene)

    (item,) = await scene.journal.exceptions()

    assert (item.exception_id, item.kind, item.message_id) == ("m1-d", "delivery", "m1")
    assert (item.target, item.findings, item.order_keys) == (ERP, (finding("ERP-422"),), ("O-1",))


async def test_a_conflict_is_an_exception(scene: Scene) -> None:
    await scene.accept("m1", b"ISA", arrival_key="K")
    await scene.accept("m2", b"ISA*changed", arrival_key="K")

    (item,) = await scene.journal.exceptions()

    assert (item.exception_id, [found.code for found in item.findings]) == ("m2", ["ARRIVAL-CONFLICT"])


async def test_exceptions_are_listed_oldest_first_by_route(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.accept("m2", route="invoices_in")
    for message_id in ("m2", "m1"):
        await scene.plan(message_id, parks=True)
        scene.later(1)

    assert await ids(scene) == ["m2", "m1"]
    assert [item.exception_id for item in await scene.journal.exceptions(route=ROUTE)] == ["m1"]
    assert len(await scene.journal.exceptions(limit=1)) == 1


# -- retry -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "done"), [("message", "translate"), ("document", "translate"), ("delivery", "deliver")]
)
async def test_retrying_takes_a_parked_thing_up_again_audited(scene: Scene, kind: str, done: str) -> None:
    exception_id = await PARKERS[kind](scene)

    assert await scene.journal.retry(exception_id, "ann", "crosswalk loaded", scene.now) == done

    assert await ids(scene) == []
    (told,) = await scene.journal.audit()
    assert (told.action, told.subject, told.who, told.why) == (
        "exceptions.retry",
        exception_id,
        "ann",
        "crosswalk loaded",
    )


@pytest.mark.parametrize("kind", ["message", "document"])
async def test_a_parked_message_or_set_is_translated_again_as_a_new_generation(
    scene: Scene, kind: str
) -> None:
    await scene.journal.retry(await PARKERS[kind](scene), "ann", "mapping fixed", scene.now)

    message = await scene.journal.message("m1")
    assert (message.generation, message.state, message.resend) == (2, MessageState.ACCEPTED, False)


async def test_a_conflict_that_a_person_judges_good_is_translated(scene: Scene) -> None:
    await scene.accept("m1", b"ISA", arrival_key="K")
    await scene.accept("m2", b"ISA*changed", arrival_key="K")

    assert await scene.journal.retry("m2", "ann", "numbers started over", scene.now) == "translate"

    assert (await scene.journal.begin_translation("m2", 1)).state is MessageState.TRANSLATING


async def test_a_retried_delivery_has_a_fresh_attempt_budget(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim)
    await scene.settle(
        claim, DeliveryState.PARKED, result=result(), spends_attempt=True, findings=(finding(),), reason="500"
    )
    scene.later(600)

    await scene.journal.retry("m1-d", "ann", "ERP is back", scene.now)

    view = await scene.view("m1-d")
    assert (view.state, view.attempts, view.findings, view.reason) == (DeliveryState.READY, 0, (), "")
    claimed = await scene.claim_only()
    assert (claimed.attempts, claimed.first_attempt_at, claimed.is_in_doubt) == (0, None, False)
    assert [step.step for step in claimed.steps] == ["create"]


@pytest.mark.parametrize("how", ["answered in doubt", "looked up in vain"])
async def test_a_parked_delivery_in_doubt_is_looked_up_first(scene: Scene, how: str) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim)
    if how == "looked up in vain":
        await scene.settle(claim, DeliveryState.IN_DOUBT, result=in_doubt())
        claim = (await scene.claim_only()).claim
        await scene.settle(claim, DeliveryState.PARKED, findings=(finding("LOOK-UP"),))
    else:
        await scene.settle(claim, DeliveryState.PARKED, result=in_doubt(), findings=(finding(),))

    assert await scene.journal.retry("m1-d", "ann", "ERP is back", scene.now) == "look up"

    assert await scene.state("m1-d") is DeliveryState.IN_DOUBT
    assert (await scene.claim_only()).is_in_doubt


@pytest.mark.parametrize("kind", PARKERS)
async def test_what_is_not_parked_any_more_cannot_be_retried_or_resolved(scene: Scene, kind: str) -> None:
    exception_id = await PARKERS[kind](scene)
    await scene.journal.retry(exception_id, "ann", "fixed", scene.now)

    with pytest.raises(UnknownError):
        await scene.journal.retry(exception_id, "ann", "fixed", scene.now)
    with pytest.raises(UnknownError):
        await scene.journal.resolve(exception_id, "dismissed", "ann", "never mind", scene.now)

    assert len(await scene.journal.audit()) == 1


@pytest.mark.parametrize("unknown", ["m1", "m1-d", "m1/0", "m9", "m9/0", "m1/x", "/", ""])
async def test_what_was_never_parked_cannot_be_retried_or_resolved(scene: Scene, unknown: str) -> None:
    await scene.order("m1")

    with pytest.raises(UnknownError):
        await scene.journal.retry(unknown, "ann", "why not", scene.now)
    with pytest.raises(UnknownError):
        await scene.journal.resolve(unknown, "dismissed", "ann", "why not", scene.now)


# -- resolve ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PARKERS)
@pytest.mark.parametrize("resolution", ["dismissed", "done_elsewhere:4500007", "placed_by_phone:Kim 555"])
async def test_resolving_closes_a_parked_thing_audited(scene: Scene, kind: str, resolution: str) -> None:
    exception_id = await PARKERS[kind](scene)

    await scene.journal.resolve(exception_id, resolution, "ann", "told by Kim", scene.now)

    assert await ids(scene) == []
    (told,) = await scene.journal.audit()
    assert (told.action, told.subject) == ("exceptions.resolve", exception_id)
    assert (told.who, told.why) == ("ann", "told by Kim")
    assert resolution in told.detail.values()


async def test_a_resolved_delivery_is_void_and_frees_its_lanes(scene: Scene) -> None:
    await parked_delivery(scene, "m1")
    await scene.order("m2")
    assert await scene.claim_ids() == []

    await scene.journal.resolve("m1-d", "dismissed", "ann", "ordered twice", scene.now)

    view = await scene.view("m1-d")
    assert (view.state, view.ended_at) == (DeliveryState.VOID, scene.now)
    assert await scene.claim_ids() == ["m2-d"]


async def test_a_resolved_message_is_not_translated(scene: Scene) -> None:
    await parked_message(scene)

    await scene.journal.resolve("m1", "dismissed", "ann", "test data", scene.now)

    assert await scene.journal.routes_to_translate() == []


async def test_a_resolved_message_may_still_be_replayed_and_park_again(scene: Scene) -> None:
    await parked_message(scene)
    await scene.journal.resolve("m1", "dismissed", "ann", "test data", scene.now)

    await scene.journal.replay("m1", resend=False, who="ann", why="not so", now=scene.now)
    await scene.plan("m1", parks=True)

    assert await ids(scene) == ["m1"]


@pytest.mark.parametrize("kind", ["document", "delivery"])
@pytest.mark.parametrize("is_opened", [True, False])
async def test_an_order_placed_by_phone_is_transmitted_by_nobody(
    scene: Scene, kind: str, is_opened: bool
) -> None:
    if is_opened:
        await scene.order("m0", opens=[entry(message_id="m0")])
        await scene.deliver((await scene.claim_only()).claim)
    exception_id = await PARKERS[kind](scene)

    await scene.journal.resolve(exception_id, "placed_by_phone:Kim 555", "ann", "downtime", scene.now)

    placed = (await scene.journal.facts(["O-1"], [], [])).ledger["O-1"]
    assert (placed.transmitter, placed.side) == (Transmitter.NONE, Side.CLOUD)
    assert placed.stage == ("cloud" if is_opened else "placed_by_phone")
    assert (placed.revision > 1) is is_opened


async def test_orders_of_a_parked_message_are_placed_by_phone_too(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0, "O-1"), document(1, "O-2")], opens=(entry("O-1"),), parks=True)

    await scene.journal.resolve("m1", "placed_by_phone:Kim 555", "ann", "downtime", T0)

    placed = (await scene.journal.facts(["O-1", "O-2"], [], [])).ledger
    assert {key: kept.transmitter for key, kept in placed.items()} == dict.fromkeys(
        ("O-1", "O-2"), Transmitter.NONE
    )


async def test_other_resolutions_leave_the_ledger_alone(scene: Scene) -> None:
    await scene.order("m1", opens=[entry()])
    await scene.park((await scene.claim_only()).claim)

    await scene.journal.resolve("m1-d", "done_elsewhere:4500007", "ann", "keyed by hand", scene.now)

    assert await scene.journal.orders() == [entry()]


async def test_a_delivery_of_no_document_is_listed_with_the_orders_of_its_lanes(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("raw", None, "O-1", "O-2")])
    await scene.park((await scene.claim_only()).claim)

    (item,) = await scene.journal.exceptions()

    assert (item.order_keys, item.document_key) == (("O-1", "O-2"), None)
