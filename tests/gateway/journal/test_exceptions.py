"""Exceptions: what is parked, taking it up again, and closing it without sending it."""

from __future__ import annotations

import pytest

from adapters.base import StepResult, Transient, TransientKind
from gateway.journal.base import RefusedError, UnknownError
from gateway.journal.moves import Move
from gateway.journal.types import DeliveryState, MessageState, Side, Transmitter
from tests.gateway.journal.builders import (
    ERP,
    ROUTE,
    T0,
    Scene,
    after,
    delivery,
    document,
    entry,
    finding,
    group,
    in_doubt,
    result,
)


def outage() -> StepResult:
    return result(outcome=Transient("no connection", TransientKind.OUTAGE))


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


async def test_exceptions_are_counted_by_the_sets_that_they_are_about(scene: Scene) -> None:
    journal = scene.journal
    await parked_message(scene, "m1")
    await scene.accept("m2")
    await scene.plan("m2", [document(0, set_type="850", is_parked=True), document(1, set_type="855")])
    await scene.accept("m3")
    both = [document(0, set_type="850"), document(1, "O-2", set_type="855")]
    await scene.plan("m3", both, [delivery("m3-d", None, "O-1", "O-2")])
    await scene.park((await scene.claim_only()).claim)
    await scene.accept("m4")
    await scene.plan("m4", [document(0, "O-4", set_type="810")], [delivery("m4-d", 0, "O-4")])
    await scene.park((await scene.claim_only()).claim)
    await scene.accept("m5", route="another")
    await scene.plan("m5", [document(0, "O-5", set_type="850", is_parked=True)])
    await journal.import_orders([entry("O-9", Side.LEGACY)], {}, "ann", "open", T0)
    move = Move("v1", "O-9", ROUTE, Side.LEGACY, Side.CLOUD, "ann", T0, "wave", "b1")
    await journal.ask_moves([move], "ann", "wave", T0)
    await journal.agree_moves(["v1"], "bob", "wave", T0)
    await journal.end_move("v1", "it cannot", T0)

    counts = await journal.exception_counts(ROUTE)

    assert counts == {(): 1, ("850",): 1, ("850", "855"): 1, ("810",): 1, ("move",): 1}
    assert sum(counts.values()) == len(await journal.exceptions(route=ROUTE))
    assert await journal.exception_counts("another") == {("850",): 1}
    await journal.resolve("m2/0", "dismissed", "ann", "never mind", scene.now)
    assert ("850",) not in await journal.exception_counts(ROUTE)


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
async def test_what_is_not_parked_any_more_cannot_be_retried(scene: Scene, kind: str) -> None:
    exception_id = await PARKERS[kind](scene)
    await scene.journal.retry(exception_id, "ann", "fixed", scene.now)

    with pytest.raises(UnknownError):
        await scene.journal.retry(exception_id, "ann", "fixed", scene.now)

    assert len(await scene.journal.audit()) == 1


@pytest.mark.parametrize("kind", PARKERS)
async def test_what_is_closed_cannot_be_retried_or_closed_again(scene: Scene, kind: str) -> None:
    exception_id = await PARKERS[kind](scene)
    await scene.journal.resolve(exception_id, "dismissed", "ann", "never mind", scene.now)

    with pytest.raises(UnknownError):
        await scene.journal.retry(exception_id, "ann", "fixed", scene.now)
    with pytest.raises(UnknownError):
        await scene.journal.resolve(exception_id, "dismissed", "ann", "never mind", scene.now)

    assert len(await scene.journal.audit()) == 1


@pytest.mark.parametrize("unknown", ["m1", "m1-d", "m1/0", "m9", "m9/0", "m1/x", "/", ""])
async def test_what_was_never_parked_cannot_be_retried_or_resolved(scene: Scene, unknown: str) -> None:
    await scene.order("m1")
    await scene.deliver((await scene.claim_only()).claim)

    with pytest.raises(UnknownError):
        await scene.journal.retry(unknown, "ann", "why not", scene.now)
    with pytest.raises(UnknownError):
        await scene.journal.resolve(unknown, "dismissed", "ann", "why not", scene.now)


@pytest.mark.parametrize("is_in_doubt", [True, False])
async def test_a_parked_call_is_not_retried_since_nobody_sends_it_again(
    scene: Scene, is_in_doubt: bool
) -> None:
    await scene.order("m1", role="pass_through")
    claimed = await scene.journal.claim_one("m1-d", "call", 60, scene.now, scene.monotonic)
    assert claimed is not None
    await scene.park(claimed.claim, in_doubt() if is_in_doubt else result())

    with pytest.raises(RefusedError, match="resolve it instead"):
        await scene.journal.retry("m1-d", "ann", "again", scene.now)

    assert await scene.state("m1-d") is DeliveryState.PARKED
    assert await scene.journal.audit() == []
    await scene.journal.resolve("m1-d", "done_elsewhere:77", "ann", "legacy has it", scene.now)
    assert await scene.state("m1-d") is DeliveryState.VOID


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


OPEN = (DeliveryState.HELD, DeliveryState.READY, DeliveryState.WAITING, DeliveryState.IN_DOUBT)


async def stuck(scene: Scene, state: DeliveryState, message_id: str = "m1") -> str:
    """Bring a delivery into an unfinished state; give its id."""
    delivery_id = f"{message_id}-d"
    await scene.accept(message_id)
    unit = group() if state is DeliveryState.HELD else None
    await scene.plan(
        message_id,
        [document()],
        [delivery(delivery_id, unit=unit, deadline_at=T0)],
        opens=(entry(message_id=message_id),),
        is_last=unit is None,
    )
    if state in (DeliveryState.WAITING, DeliveryState.IN_DOUBT):
        claim = (await scene.claim_only()).claim
        await scene.start(claim)
        step = in_doubt() if state is DeliveryState.IN_DOUBT else outage()
        await scene.settle(claim, state, result=step, not_before=after(60))
    assert await scene.state(delivery_id) is state
    return delivery_id


@pytest.mark.parametrize("state", OPEN)
async def test_any_delivery_that_is_not_being_sent_can_be_closed_and_is_never_sent(
    scene: Scene, state: DeliveryState
) -> None:
    delivery_id = await stuck(scene, state)
    await scene.order("m2")

    await scene.journal.resolve(delivery_id, "placed_by_phone:Kim 555", "ann", "ERP down", scene.now)
    if state is DeliveryState.HELD:
        await scene.plan("m1")

    view = await scene.view(delivery_id)
    assert (view.state, view.ended_at) == (DeliveryState.VOID, scene.now)
    assert (await scene.journal.facts(["O-1"], [], [])).ledger["O-1"].transmitter is Transmitter.NONE
    assert await scene.journal.overdue(after(60), T0) == []
    scene.later(3600)
    assert await scene.claim_ids() == ["m2-d"]
    (told,) = await scene.journal.audit()
    assert (told.action, told.subject) == ("exceptions.resolve", delivery_id)


@pytest.mark.parametrize("state", [DeliveryState.CLAIMED, DeliveryState.ATTEMPTING])
async def test_a_delivery_that_is_being_sent_cannot_be_closed_and_nothing_changes(
    scene: Scene, state: DeliveryState
) -> None:
    await scene.order("m1", opens=[entry()])
    claim = (await scene.claim_only()).claim
    if state is DeliveryState.ATTEMPTING:
        await scene.start(claim)

    with pytest.raises(RefusedError, match="being sent at this moment"):
        await scene.journal.resolve("m1-d", "placed_by_phone:Kim", "ann", "ERP down", scene.now)

    assert await scene.state("m1-d") is state
    assert await scene.journal.orders() == [entry()]
    assert await scene.journal.audit() == []


async def test_an_order_placed_by_phone_goes_nowhere_else_by_itself(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan(
        "m1",
        [document(0, "O-1"), document(1, "O-2")],
        [
            delivery("erp", 0, "O-1"),
            delivery("supplier", None, "O-1", target="supplier"),
            delivery("both", None, "O-1", "O-2", target="hub"),
            delivery("other", 1, "O-2"),
            delivery("copy", 0, "O-1", target="legacy", role="copy"),
            delivery("ack", None, target="legacy", role="acknowledgment", lanes=()),
        ],
    )

    await scene.journal.resolve("erp", "placed_by_phone:Kim", "ann", "ERP down", scene.now)

    states = {view.delivery_id: view.state for view in await scene.journal.deliveries()}
    ended = {name for name, state in states.items() if state is DeliveryState.VOID}
    assert ended == {"erp", "supplier"}


async def test_an_order_of_which_a_part_is_being_sent_cannot_be_closed_as_placed_by_phone(
    scene: Scene,
) -> None:
    await scene.accept("m1")
    sent = delivery("supplier", 0, target="supplier")
    await scene.plan("m1", [document()], [delivery("m1-d"), sent], opens=(entry(),))
    await scene.claim(target="supplier")

    with pytest.raises(RefusedError, match="supplier is being sent"):
        await scene.journal.resolve("m1-d", "placed_by_phone:Kim", "ann", "ERP down", scene.now)

    assert await scene.state("m1-d") is DeliveryState.READY
    await scene.journal.resolve("m1-d", "dismissed", "ann", "not needed", scene.now)
    assert await scene.state("supplier") is DeliveryState.CLAIMED


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


async def test_a_parked_document_that_was_entered_elsewhere_makes_what_comes_after_it_a_repeat(
    scene: Scene,
) -> None:
    await scene.accept("m1")
    parked = document(is_parked=True, side=None, document_key="K-1", content_hash="h")
    await scene.plan("m1", [parked])
    assert (await scene.journal.facts([], ["K-1"], [])).documents == {}

    await scene.journal.resolve("m1/0", "done_elsewhere:4711", "ann", "keyed in", T0)

    known = (await scene.journal.facts([], ["K-1"], [])).documents["K-1"]
    assert (known.message_id, known.index, known.content_hash) == ("m1", 0, "h")


async def test_a_parked_document_that_was_dismissed_holds_no_key(scene: Scene) -> None:
    await scene.accept("m1")
    parked = document(is_parked=True, side=None, document_key="K-1", content_hash="h")
    await scene.plan("m1", [parked])

    await scene.journal.resolve("m1/0", "dismissed", "ann", "a test of theirs", T0)

    assert (await scene.journal.facts([], ["K-1"], [])).documents == {}


async def test_a_call_that_ended_unsent_gives_its_keys_back(scene: Scene) -> None:
    await scene.accept("m1")
    keyed = document(document_key="K-1", content_hash="h")
    await scene.plan("m1", [keyed], [delivery("m1-d", role="pass_through")])
    claimed = await scene.journal.claim_one("m1-d", "w1", 60, scene.now, scene.monotonic)
    assert claimed is not None

    await scene.settle(claimed.claim, DeliveryState.VOID, reason="never sent: its caller did not wait")

    assert (await scene.journal.facts([], ["K-1"], [])).documents == {}


async def test_a_call_that_a_dead_process_never_sent_gives_its_keys_back(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan(
        "m1", [document(document_key="K-1", content_hash="h")], [delivery("m1-d", role="pass_through")]
    )

    await scene.journal.recover(T0)

    assert (await scene.journal.facts([], ["K-1"], [])).documents == {}


async def test_a_call_that_legacy_may_have_taken_keeps_its_keys(scene: Scene) -> None:
    await scene.accept("m1")
    keyed = document(document_key="K-1", content_hash="h")
    await scene.plan("m1", [keyed], [delivery("m1-d", role="pass_through")])
    claimed = await scene.journal.claim_one("m1-d", "w1", 60, scene.now, scene.monotonic)
    assert claimed is not None
    await scene.start(claimed.claim)

    answered = result(outcome=Transient("status 500"))  # it may have done the work, and failed afterwards
    await scene.settle(claimed.claim, DeliveryState.VOID, result=answered, reason="not taken")

    assert set((await scene.journal.facts([], ["K-1"], [])).documents) == {"K-1"}
