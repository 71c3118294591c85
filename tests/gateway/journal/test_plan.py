"""Planning: chunks that are idempotent by index, what moved, held units, follow-ons that wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.base import Alias, AliasKind, Interchange, Verdict
from gateway.journal.base import UnknownError
from gateway.journal.types import (
    DeliveryPlan,
    DeliveryState,
    Expected,
    MessageState,
    Moved,
    Plan,
    Planned,
    Side,
)
from tests.gateway.journal.builders import (
    ERP,
    ROUTE,
    T0,
    Scene,
    after,
    alias,
    awaited,
    delivery,
    document,
    entry,
    finding,
    group,
    set_unit,
)

INTERCHANGE = Interchange(
    ("ZZ", "MERCY"), ("01", "123456789"), "000000042", False, {"version": "004010", "sets": [1]}
)


# -- chunks ----------------------------------------------------------------------------------


async def test_a_plan_writes_documents_and_deliveries_as_they_were_decided(scene: Scene) -> None:
    await scene.accept("m1")
    told = document(
        0,
        "O-1",
        "O-2",
        findings=(finding(),),
        verdict=Verdict.ACCEPTED_WITH_ERRORS,
        document_key="order:1|MERCY|7",
        content_hash="abc",
        is_urgent=True,
        deadline_at=after(900),
        passes_to=(("legacy", "copy"),),
    )
    planned = delivery("d1", 0, "O-1", "O-2", is_urgent=True, deadline_at=after(900), not_before=after(5))

    assert await scene.plan("m1", [told], [planned]) == Planned()

    (written,) = await scene.journal.documents(message_id="m1")
    assert (written.message_id, written.generation, written.plan) == ("m1", 1, told)
    view = await scene.view("d1")
    assert (view.message_id, view.generation, view.document_index, view.target) == ("m1", 1, 0, ERP)
    assert (view.role, view.reference, view.lanes) == ("live", "REF-d1", ("O-1", "O-2"))
    assert (view.is_urgent, view.deadline_at, view.not_before) == (True, after(900), after(5))
    assert (view.state, view.attempts, view.planned_at, view.ended_at) == (DeliveryState.READY, 0, T0, None)


async def plan_of(scene: Scene, message_id: str, order: str, **expected: object) -> Plan:
    """Accept a message, begin it, and give a plan of it with one document and one delivery."""
    await scene.accept(message_id)
    await scene.journal.begin_translation(message_id, 1)
    return Plan(
        message_id,
        1,
        replace(Expected(1), **expected),  # type: ignore[arg-type]
        (document(0, order),),
        (delivery(f"{message_id}-d", 0, order),),
        is_last=True,
    )


async def test_plans_of_several_messages_are_written_together_in_their_order(scene: Scene) -> None:
    plans = [await plan_of(scene, f"m{number}", f"O-{number}") for number in (1, 2, 3)]

    done = await scene.journal.plan_together(plans, T0)

    assert done == [Planned(), Planned(), Planned()]
    for each in plans:
        assert (await scene.journal.message(each.message_id)).state is MessageState.PLANNED
        assert len(await scene.journal.deliveries(message_id=each.message_id)) == 1


async def test_a_plan_under_which_a_fact_moved_is_left_out_of_those_that_are_written_together(
    scene: Scene,
) -> None:
    good = await plan_of(scene, "m1", "O-1")
    moved = await plan_of(scene, "m2", "O-2", stage_revisions={ROUTE: 7})
    after_it = await plan_of(scene, "m3", "O-3")

    done = await scene.journal.plan_together([good, moved, after_it], T0)

    assert done == [Planned(), Moved("stage"), Planned()]
    assert (await scene.journal.message("m2")).state is MessageState.TRANSLATING
    assert not await scene.journal.deliveries(message_id="m2")


async def test_plans_that_are_written_together_again_change_nothing(scene: Scene) -> None:
    plans = [await plan_of(scene, f"m{number}", f"O-{number}") for number in (1, 2)]
    await scene.journal.plan_together(plans, T0)

    assert await scene.journal.plan_together(plans, T0) == [Planned(), Planned()]
    assert len(await scene.journal.documents()) == 2


async def test_plans_one_of_which_is_of_an_unknown_message_write_nothing(scene: Scene) -> None:
    plan = await plan_of(scene, "m1", "O-1")

    with pytest.raises(UnknownError):
        await scene.journal.plan_together([plan, replace(plan, message_id="m9")], T0)

    assert (await scene.journal.message("m1")).state is MessageState.TRANSLATING


async def test_the_last_chunk_makes_the_message_planned_and_keeps_what_it_says_of_the_whole(
    scene: Scene,
) -> None:
    await scene.accept("m1")

    await scene.plan("m1", [document()], findings=(finding("X12-IEA"),), interchanges=(INTERCHANGE,))

    message = await scene.journal.message("m1")
    assert message.state is MessageState.PLANNED
    assert message.findings == (finding("X12-IEA"),)
    assert message.interchanges == (INTERCHANGE,)
    assert message.planned_through == 1


async def test_a_plan_that_parks_leaves_the_message_to_a_person(scene: Scene) -> None:
    await scene.accept("m1")

    await scene.plan("m1", parks=True, findings=(finding(),))

    assert (await scene.journal.message("m1")).state is MessageState.PARKED
    (item,) = await scene.journal.exceptions()
    assert (item.exception_id, item.kind, item.findings) == ("m1", "message", (finding(),))


async def test_a_chunk_that_is_already_durable_changes_nothing(scene: Scene) -> None:
    await scene.accept("m1")
    chunk = {
        "documents": [document(0, document_key="K")],
        "deliveries": [delivery("d1")],
        "opens": (entry(),),
        "is_last": False,
        "expected": Expected(1, {}, {"O-1": None}, {"K": None}),
    }
    await scene.plan("m1", **chunk)  # type: ignore[arg-type]

    again = await scene.plan("m1", **{**chunk, "deliveries": [delivery("d2")]})  # type: ignore[arg-type]

    assert again == Planned()
    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["d1"]
    assert len(await scene.journal.documents()) == 1


async def test_of_a_chunk_that_is_partly_durable_only_the_rest_is_written(scene: Scene) -> None:
    await scene.accept("m1")
    first = [document(0), document(1, "O-2")]
    await scene.plan("m1", first[:1], [delivery("d0")], is_last=False)

    await scene.plan("m1", first, [delivery("d0-again"), delivery("d1", 1, "O-2")])

    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["d0", "d1"]
    assert (await scene.journal.message("m1")).planned_through == 2


async def test_the_message_s_own_bytes_are_not_planned_twice_by_a_repeated_chunk(scene: Scene) -> None:
    await scene.accept("m1")
    whole = delivery("raw-1", None, "O-1", target="legacy", reference="REF-whole")
    await scene.plan("m1", [], [whole], is_last=False)

    again = delivery("raw-2", None, "O-1", target="legacy", reference="REF-whole")
    await scene.plan("m1", [document()], [again])

    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["raw-1"]


async def test_a_later_chunk_may_add_a_delivery_to_an_earlier_document(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0)], is_last=False)

    await scene.plan("m1", [], [delivery("d0")])

    assert (await scene.claim_only()).document == document(0).canonical


@pytest.mark.parametrize(
    "bad", [delivery("m0-d", 0, "O-1"), delivery("d1", 7)], ids=["id in use", "no such document"]
)
async def test_a_plan_that_cannot_be_is_refused_whole(scene: Scene, bad: DeliveryPlan) -> None:
    await scene.order("m0", "O-0")
    await scene.accept("m1")

    with pytest.raises(ValueError, match="delivery"):
        await scene.plan("m1", [document(document_key="K")], [delivery("d0"), bad], opens=(entry(),))

    assert await nothing_was_written(scene)
    facts = await scene.journal.facts(["O-1"], ["K"], [])
    assert (dict(facts.ledger), dict(facts.documents)) == ({}, {})


async def test_a_planned_message_is_planned_once(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("d1")])

    again = await scene.plan("m1", [document()], [delivery("d2")])

    assert again == Planned()
    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["d1"]


async def test_a_plan_of_an_unknown_message_is_an_error(scene: Scene) -> None:
    with pytest.raises(UnknownError):
        await scene.journal.plan(Plan("m9", 1, Expected(1)), T0)


# -- what moved ------------------------------------------------------------------------------


async def nothing_was_written(scene: Scene, message_id: str = "m1") -> bool:
    message = await scene.journal.message(message_id)
    documents = await scene.journal.documents(message_id=message_id)
    deliveries = await scene.journal.deliveries(message_id=message_id)
    return message.state is MessageState.TRANSLATING and not documents and not deliveries


async def test_a_plan_decided_under_a_configuration_that_is_no_longer_current_is_refused(
    scene: Scene,
) -> None:
    await scene.journal.load_configuration("routes: {}", "sha-1", "ops", T0)
    await scene.journal.load_configuration("routes: {a: 1}", "sha-2", "ops", T0)
    await scene.accept("m1")

    moved = await scene.plan("m1", [document()], [delivery("d1")], expected=Expected(1))

    assert moved == Moved("config")
    assert await nothing_was_written(scene)


async def test_a_message_is_planned_under_the_current_configuration_whichever_it_is_decoded_with(
    scene: Scene,
) -> None:
    await scene.journal.load_configuration("routes: {}", "sha-1", "ops", T0)
    await scene.accept("m1")
    await scene.journal.begin_translation("m1", 1)
    await scene.journal.load_configuration("routes: {a: 1}", "sha-2", "ops", T0)

    planned = await scene.plan("m1", [document()], [delivery("d1")], expected=Expected(2))

    assert planned == Planned()
    assert (await scene.journal.message("m1")).config_revision == 1


async def test_a_plan_decided_in_a_stage_that_was_left_is_refused(scene: Scene) -> None:
    await scene.journal.declare_stages({ROUTE: ("canary", "10")}, T0)
    before = (await scene.journal.stages())[ROUTE].revision
    await scene.journal.set_stage(ROUTE, "canary", "legacy", "0", "ann", "wrong prices", T0)
    await scene.accept("m1")

    moved = await scene.plan("m1", [document()], [delivery("d1")], expected=Expected(1, {ROUTE: before}))

    assert moved == Moved("stage")
    assert await nothing_was_written(scene)


@pytest.mark.parametrize("seen", [1, None])
async def test_a_plan_that_saw_another_ledger_is_refused(scene: Scene, seen: int | None) -> None:
    await scene.accept("m0")
    if seen is None:  # an entry has appeared since
        await scene.plan("m0", [document()], opens=(entry(),))
    await scene.accept("m1")

    moved = await scene.plan("m1", [document()], expected=Expected(1, {}, {"O-1": seen}))

    assert moved == Moved("ledger")
    assert await nothing_was_written(scene)


async def test_every_change_of_a_ledger_entry_is_seen_by_plans(scene: Scene) -> None:
    await scene.order("m0", opens=[entry()])
    seen = (await scene.journal.facts(["O-1"], [], [])).ledger["O-1"].revision
    await scene.journal.close_orders(["O-1"], "ann", "done", T0)
    await scene.accept("m1")

    moved = await scene.plan("m1", [document()], expected=Expected(1, {}, {"O-1": seen}))

    assert moved == Moved("ledger")


async def test_a_plan_never_gives_an_order_a_second_side(scene: Scene) -> None:
    await scene.order("m0", opens=[entry()])
    await scene.accept("m1")

    moved = await scene.plan("m1", [document()], opens=(entry(side=Side.LEGACY),))

    assert moved == Moved("ledger")
    (kept,) = await scene.journal.orders()
    assert kept.side is Side.CLOUD


@pytest.mark.parametrize("seen", ["m9", None])
async def test_a_plan_that_saw_another_holder_of_a_document_key_is_refused(
    scene: Scene, seen: str | None
) -> None:
    await scene.accept("m0")
    await scene.plan("m0", [document(document_key="K", content_hash="h")])
    await scene.accept("m1")

    moved = await scene.plan("m1", [document(document_key="K")], expected=Expected(1, {}, {}, {"K": seen}))

    assert moved == Moved("document key")
    assert await nothing_was_written(scene)


async def test_a_plan_of_another_generation_is_refused(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.journal.replay("m1", resend=False, who="ann", why="mapping fixed", now=T0)
    await scene.journal.begin_translation("m1", 1)

    moved = await scene.plan("m1", [document()], generation=1)

    assert moved == Moved("generation")
    assert await nothing_was_written(scene)


async def test_a_plan_that_saw_everything_as_it_is_is_written(scene: Scene) -> None:
    await scene.journal.declare_stages({ROUTE: ("cloud", "100")}, T0)
    stage = (await scene.journal.stages())[ROUTE]
    await scene.accept("m0")
    await scene.plan("m0", [document(document_key="K", content_hash="h")], opens=(entry(),))
    facts = await scene.journal.facts(["O-1", "O-2"], ["K", "K2"], [])
    await scene.accept("m1")
    expected = Expected(
        1,
        {ROUTE: stage.revision},
        {"O-1": facts.ledger["O-1"].revision, "O-2": None},
        {"K": facts.documents["K"].message_id, "K2": None},
    )

    assert await scene.plan("m1", [document()], expected=expected) == Planned()


# -- document keys ---------------------------------------------------------------------------


async def test_facts_tell_who_holds_a_document_key(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0), document(1, document_key="K", content_hash="h1")])

    known = (await scene.journal.facts([], ["K", "unknown"], [])).documents

    assert set(known) == {"K"}
    assert (known["K"].message_id, known["K"].index, known["K"].content_hash) == ("m1", 1, "h1")


async def test_a_document_key_stays_with_the_first_document(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(document_key="K", content_hash="h1")])
    await scene.accept("m2")
    await scene.plan("m2", [document(document_key="K", content_hash="h1", repeats="m1")])

    assert (await scene.journal.facts([], ["K"], [])).documents["K"].message_id == "m1"


@pytest.mark.parametrize(
    "unsent",
    [{"verdict": Verdict.REJECTED}, {"is_parked": True}, {"repeats": "m0"}],
    ids=["rejected", "parked", "repeat"],
)
async def test_a_set_of_which_nothing_goes_anywhere_takes_no_document_key(
    scene: Scene, unsent: dict[str, object]
) -> None:
    await scene.accept("m1")

    told = document(document_key="K", content_hash="h1")
    await scene.plan("m1", [replace(told, **unsent)])  # type: ignore[arg-type]

    assert (await scene.journal.facts([], ["K"], [])).documents == {}


async def test_a_replayed_document_keeps_its_own_key(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(document_key="K", content_hash="h1")])
    await scene.journal.replay("m1", resend=False, who="ann", why="mapping fixed", now=T0)

    planned = await scene.plan(
        "m1",
        [document(document_key="K", content_hash="h2")],
        expected=Expected(1, {}, {}, {"K": "m1"}),
    )

    assert planned == Planned()
    known = (await scene.journal.facts([], ["K"], [])).documents["K"]
    assert (known.message_id, known.content_hash) == ("m1", "h2")


# -- held units ------------------------------------------------------------------------------


async def test_deliveries_are_held_until_the_last_chunk_releases_them(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0)], [delivery("d0", unit=group())], is_last=False)
    assert await scene.state("d0") is DeliveryState.HELD
    assert await scene.claim_ids() == []

    await scene.plan("m1", [document(1, "O-2")], [delivery("d1", 1, "O-2", unit=group())])

    assert await scene.claim_ids() == ["d0", "d1"]


async def test_a_delivery_of_no_unit_goes_before_the_last_chunk(scene: Scene) -> None:
    await scene.accept("m1")

    await scene.plan("m1", [document(0)], [delivery("d0")], is_last=False)

    assert await scene.claim_ids() == ["d0"]


async def test_a_rejected_unit_is_void_and_leaves_the_others_alone(scene: Scene) -> None:
    await scene.accept("m1")
    bad, good = group("1"), group("2")
    sets = [
        document(0, "O-1", units=(set_unit(0), bad), document_key="K1", content_hash="h"),
        document(1, "O-2", units=(set_unit(1), good), document_key="K2", content_hash="h"),
    ]
    held = [delivery("d0", 0, "O-1", unit=bad), delivery("d1", 1, "O-2", unit=good)]
    await scene.plan("m1", sets, held, opens=(entry("O-1"), entry("O-2")), is_last=False)

    await scene.plan("m1", [], [], rejected_units=frozenset({bad}))

    assert (await scene.state("d0"), await scene.state("d1")) == (DeliveryState.VOID, DeliveryState.READY)
    verdicts = [view.plan.verdict for view in await scene.journal.documents()]
    assert verdicts == [Verdict.REJECTED, Verdict.ACCEPTED]
    facts = await scene.journal.facts(["O-1", "O-2"], ["K1", "K2"], [])
    assert (set(facts.ledger), set(facts.documents)) == ({"O-2"}, {"K2"})
    assert (await scene.view("d0")).ended_at == T0
    assert await scene.claim_ids() == ["d1"]


async def test_a_rejected_interchange_condemns_the_sets_of_its_groups(scene: Scene) -> None:
    await scene.accept("m1")
    around = group("all")
    told = document(0, units=(set_unit(0), group("1"), around))

    await scene.plan("m1", [told], [delivery("d0", unit=group("1"))], rejected_units=frozenset({around}))

    assert await scene.state("d0") is DeliveryState.VOID


async def test_void_deliveries_free_their_lanes(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("d0", unit=group())], is_last=False)
    await scene.order("m2")
    assert await scene.claim_ids() == []

    await scene.plan("m1", [], [], rejected_units=frozenset({group()}))

    assert await scene.claim_ids() == ["m2-d"]


async def test_a_document_that_was_rejected_may_come_again(scene: Scene) -> None:
    await scene.accept("m1")
    seen_nothing = Expected(1, {}, {"O-1": None}, {"K": None})
    told = document(document_key="K", content_hash="h")
    await scene.plan(
        "m1",
        [told],
        [delivery("d0", unit=group())],
        opens=(entry(),),
        rejected_units=frozenset({group()}),
    )
    await scene.accept("m2")

    again = await scene.plan(
        "m2", [told], [delivery("d1")], opens=(entry(side=Side.LEGACY),), expected=seen_nothing
    )

    assert again == Planned()
    assert (await scene.journal.facts(["O-1"], [], [])).ledger["O-1"].side is Side.LEGACY


async def test_an_order_that_was_taken_back_and_opened_again_is_not_taken_for_the_first_one(
    scene: Scene,
) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("d0", unit=group())], opens=(entry(),), is_last=False)
    seen = (await scene.journal.facts(["O-1"], [], [])).ledger["O-1"].revision
    await scene.plan("m1", rejected_units=frozenset({group()}))
    await scene.accept("m2")
    await scene.plan("m2", [document()], opens=(entry(side=Side.LEGACY, message_id="m2"),))
    await scene.accept("m3")

    moved = await scene.plan("m3", [document()], expected=Expected(1, {}, {"O-1": seen}))

    assert moved == Moved("ledger")


async def test_entries_that_another_message_opened_are_not_taken_back(scene: Scene) -> None:
    await scene.order("m0", opens=[entry(message_id="m0")])
    await scene.accept("m1")

    await scene.plan(
        "m1",
        [document()],
        [delivery("d0", unit=group())],
        opens=(entry(),),
        rejected_units=frozenset({group()}),
    )

    assert [kept.message_id for kept in await scene.journal.orders()] == ["m0"]


async def test_the_acknowledgment_goes_out_with_the_last_chunk_whatever_was_rejected(scene: Scene) -> None:
    await scene.accept("m1")
    told = delivery("ack", None, target="mercy_as2", role="acknowledgment", lanes=(), body=b"ISA*997")

    await scene.plan(
        "m1",
        [document()],
        [delivery("d0", unit=group()), told],
        rejected_units=frozenset({group()}),
    )

    claimed = await scene.claim_only(target="mercy_as2")
    assert (claimed.body, claimed.role, claimed.document) == (b"ISA*997", "acknowledgment", None)


# -- follow-ons that wait --------------------------------------------------------------------


async def waiting_indexes(scene: Scene) -> list[tuple[str, int]]:
    return [(view.message_id, view.plan.index) for view in await scene.journal.awaiting(scene.now)]


async def follow_on(scene: Scene, message_id: str = "m1", **changes: object) -> None:
    await scene.accept(message_id)
    told = replace(document(0, "O-7", awaits=awaited("PO-7", until=after(3600))), **changes)  # type: ignore[arg-type]
    await scene.plan(message_id, [told])


async def test_a_follow_on_waits_while_nobody_knows_its_order(scene: Scene) -> None:
    await follow_on(scene)

    assert await waiting_indexes(scene) == []


async def test_a_follow_on_waits_no_longer_than_its_deadline(scene: Scene) -> None:
    await follow_on(scene)

    scene.later(3600)

    assert await waiting_indexes(scene) == [("m1", 0)]
    (view,) = await scene.journal.awaiting(scene.now)
    assert view.plan.awaits == awaited("PO-7", until=after(3600))


async def test_a_follow_on_wakes_up_when_its_order_is_opened(scene: Scene) -> None:
    await follow_on(scene)

    await scene.order("m2", "O-7", opens=[entry("O-7", message_id="m2")])

    assert await waiting_indexes(scene) == [("m1", 0)]


async def test_a_follow_on_wakes_up_when_its_number_becomes_an_alias_of_an_order(scene: Scene) -> None:
    await follow_on(scene, order_keys=())
    await scene.order("m2", "O-1", opens=[entry("O-1", message_id="m2")])
    assert await waiting_indexes(scene) == []

    await scene.deliver((await scene.claim_only()).claim, aliases=(alias("PO-7"),))

    assert await waiting_indexes(scene) == [("m1", 0)]


async def test_a_follow_on_wakes_up_when_its_order_is_imported(scene: Scene) -> None:
    await follow_on(scene, order_keys=())

    await scene.journal.import_orders([entry("O-1")], {"O-1": ["PO-7"]}, "ann", "seed", T0)

    assert await waiting_indexes(scene) == [("m1", 0)]


async def test_awaiting_gives_the_oldest_first_up_to_a_limit(scene: Scene) -> None:
    for message_id in ("m1", "m2", "m3"):
        await follow_on(scene, message_id)
    scene.later(3600)

    found = await scene.journal.awaiting(scene.now, limit=2)

    assert [view.message_id for view in found] == ["m1", "m2"]


async def test_the_decision_about_a_follow_on_is_written_and_it_waits_no_more(scene: Scene) -> None:
    await follow_on(scene)
    scene.later(3600)
    decided = document(0, "O-7", side=Side.LEGACY, decision="unknown order: legacy")

    written = await scene.journal.plan_awaited(
        "m1", decided, [delivery("d1", 0, "O-7")], Expected(1), scene.now
    )

    assert written
    assert await waiting_indexes(scene) == []
    (view,) = await scene.journal.documents(message_id="m1")
    assert view.plan == decided
    claimed = await scene.claim_only()
    assert (claimed.claim.delivery_id, claimed.document) == ("d1", decided.canonical)


async def test_the_names_that_a_follow_on_tells_are_written_with_the_decision_about_it_or_not_at_all(
    scene: Scene,
) -> None:
    await follow_on(scene)
    decided, told = document(0, "O-7"), {"O-7": [Alias(AliasKind.SELLER, "SO-1 of acme")]}

    assert not await scene.journal.plan_awaited("m1", decided, [], Expected(1, {}, {"O-7": 5}), T0, told)
    assert await scene.journal.aliases("O-7") == ()
    assert await scene.journal.plan_awaited("m1", decided, [], Expected(1), T0, told)
    assert await scene.journal.aliases("O-7") == (("seller", "SO-1 of acme", "", ""),)


@pytest.mark.parametrize(
    "expected",
    [
        Expected(7),
        Expected(1, {ROUTE: 7}),
        Expected(1, {}, {"O-7": None}),
        Expected(1, {}, {}, {"K": None}),
    ],
    ids=["config", "stage", "ledger", "document key"],
)
async def test_a_decision_about_a_follow_on_is_not_written_where_something_moved(
    scene: Scene, expected: Expected
) -> None:
    await scene.journal.load_configuration("routes: {}", "sha-1", "ops", T0)
    await scene.journal.declare_stages({ROUTE: ("cloud", "100")}, T0)
    await follow_on(scene, document_key="K", content_hash="h")
    await scene.order("m2", "O-7", opens=[entry("O-7", message_id="m2")])
    decided = document(0, "O-7", side=Side.LEGACY, document_key="K")

    written = await scene.journal.plan_awaited("m1", decided, [delivery("d1", 0, "O-7")], expected, scene.now)

    assert not written
    assert await waiting_indexes(scene) == [("m1", 0)]
    assert await scene.journal.deliveries(message_id="m1") == []


async def test_a_follow_on_is_decided_once(scene: Scene) -> None:
    await follow_on(scene)
    decided = document(0, "O-7")
    first = await scene.journal.plan_awaited("m1", decided, [delivery("d1", 0, "O-7")], Expected(1), T0)

    second = await scene.journal.plan_awaited("m1", decided, [delivery("d2", 0, "O-7")], Expected(1), T0)

    assert (first, second) == (True, False)
    assert len(await scene.journal.deliveries()) == 1


async def test_a_follow_on_that_is_decided_after_the_plan_s_end_is_held_by_nothing(scene: Scene) -> None:
    await follow_on(scene)

    await scene.journal.plan_awaited(
        "m1", document(0, "O-7"), [delivery("d1", 0, "O-7", unit=group())], Expected(1), T0
    )

    assert await scene.claim_ids() == ["d1"]


async def test_a_follow_on_that_is_decided_before_the_plan_s_end_shares_its_unit_s_fate(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0, "O-7", awaits=awaited(until=T0))], is_last=False)
    await scene.journal.plan_awaited(
        "m1", document(0, "O-7"), [delivery("d1", 0, "O-7", unit=group())], Expected(1), T0
    )
    assert await scene.claim_ids() == []

    await scene.plan("m1", rejected_units=frozenset({group()}))

    assert await scene.state("d1") is DeliveryState.VOID


async def test_a_follow_on_that_was_sent_in_an_earlier_generation_is_not_sent_again(scene: Scene) -> None:
    await follow_on(scene)
    await scene.journal.plan_awaited("m1", document(0, "O-7"), [delivery("d1", 0, "O-7")], Expected(1), T0)
    await scene.deliver((await scene.claim_only()).claim)
    await scene.journal.replay("m1", resend=False, who="ann", why="again", now=T0)
    await scene.plan("m1", [document(0, "O-7", awaits=awaited())])

    again = delivery("d2", 0, "O-7", reference="REF-d1")
    written = await scene.journal.plan_awaited("m1", document(0, "O-7"), [again], Expected(1), T0)

    assert written
    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["d1"]


async def test_a_follow_on_that_is_parked_after_its_wait_is_an_exception(scene: Scene) -> None:
    await follow_on(scene)

    parked = document(0, "O-7", is_parked=True, findings=(finding("FOLLOW-UNKNOWN"),))
    await scene.journal.plan_awaited("m1", parked, [], Expected(1), T0)

    assert [item.exception_id for item in await scene.journal.exceptions()] == ["m1/0"]


async def test_a_follow_on_of_a_replayed_message_waits_no_more(scene: Scene) -> None:
    await follow_on(scene)
    await scene.journal.replay("m1", resend=False, who="ann", why="again", now=T0)
    scene.later(3600)

    assert await waiting_indexes(scene) == []
    written = await scene.journal.plan_awaited("m1", document(0, "O-7"), [], Expected(1), scene.now)
    assert not written


async def test_a_follow_on_holds_its_document_key_while_it_waits(scene: Scene) -> None:
    await follow_on(scene, document_key="K", content_hash="h")

    assert (await scene.journal.facts([], ["K"], [])).documents["K"].message_id == "m1"


async def test_a_follow_on_whose_unit_was_rejected_waits_no_more(scene: Scene) -> None:
    await scene.accept("m1")
    told = document(0, "O-7", awaits=awaited("PO-7", until=after(10)))

    await scene.plan("m1", [told], rejected_units=frozenset({group()}))

    scene.later(10)
    assert await waiting_indexes(scene) == []


# -- lists -----------------------------------------------------------------------------------


async def test_documents_and_deliveries_are_found_by_order_and_by_message(scene: Scene) -> None:
    await scene.order("m1", "O-1")
    await scene.order("m2", "O-2")
    await scene.order("m3", "O-1")

    documents = await scene.journal.documents(order_key="O-1")
    deliveries = await scene.journal.deliveries(order_key="O-1")
    of_message = await scene.journal.deliveries(message_id="m2")
    ready_elsewhere = await scene.journal.deliveries(target="other", states=[DeliveryState.READY])

    assert [view.message_id for view in documents] == ["m1", "m3"]
    assert [view.delivery_id for view in deliveries] == ["m1-d", "m3-d"]
    assert [view.delivery_id for view in of_message] == ["m2-d"]
    assert ready_elsewhere == []
    assert len(await scene.journal.deliveries(limit=2)) == 2
