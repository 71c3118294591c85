"""Comparisons, noise, approvals and planned stages: the same on every journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from adapters.base import Accepted, NoReply, Transient
from gateway.journal.base import Journal
from gateway.journal.comparisons import (
    Approval,
    Comparison,
    ComparisonState,
    Difference,
    NoiseReading,
    PlannedStage,
)
from gateway.journal.types import DeliveryState, Settled
from tests.gateway.journal.builders import ROUTE, T0, Scene, after, delivery, document, request, result

UNIT = Difference("document", "unit", "lines[].quantity.unit", "lines[1].quantity.unit", "CA", "CS", "g-unit")
PRICE = Difference("request", "value", "Lines[].Price", "Lines[1].Price", "12.50", "12.5001", "g-price")


def comparison(message_id: str = "m1", *differences: Difference, **changes: object) -> Comparison:
    made = Comparison(
        message_id=message_id,
        document_index=0,
        generation=1,
        route=ROUTE,
        order_key=f"O-{message_id}",
        document_type="purchase_order",
        state=ComparisonState.COMPARED,
        accepted_at=T0,
        due_at=after(3600),
        compared_at=after(60),
        evidence="legacy.orders m9 set 1",
        reason="2 readings",
        shadow="rendered",
        legacy_s=0.25,
        cloud_s=0.5,
        facets=(("supplier", "4711"), ("unit", "CA")),
        differences=differences,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def test_a_comparison_is_read_as_it_was_written(journal: Journal) -> None:
    made = comparison("m1", UNIT, PRICE, left_out=3)
    await journal.note_comparisons([made, comparison("m2")])

    assert await journal.comparisons(message_id="m1") == [made]
    assert [each.message_id for each in await journal.comparisons(group_id="g-price")] == ["m1"]
    assert [each.message_id for each in await journal.comparisons(order_key="O-m2")] == ["m2"]
    assert await journal.comparisons(route="other") == []


async def test_a_later_generation_takes_the_place_of_an_earlier_one_and_never_the_other_way_round(
    journal: Journal,
) -> None:
    await journal.note_comparisons([comparison("m1", UNIT)])
    await journal.note_comparisons([comparison("m1", generation=2)])
    await journal.note_comparisons([comparison("m1", PRICE)])

    (kept,) = await journal.comparisons()
    assert (kept.generation, kept.differences) == (2, ())
    assert await journal.difference_groups(ROUTE, T0) == []


async def test_the_newest_accepted_comes_first_and_what_is_due_first_waits_in_front(journal: Journal) -> None:
    waiting = ComparisonState.WAITING
    await journal.note_comparisons(
        [
            comparison("m1", state=waiting, due_at=after(900)),
            comparison("m2", state=waiting, due_at=after(300), accepted_at=after(5)),
            comparison("m3", accepted_at=after(3)),
        ]
    )

    assert [each.message_id for each in await journal.comparisons()] == ["m2", "m3", "m1"]
    assert [each.message_id for each in await journal.comparisons(limit=1)] == ["m2"]
    assert [each.message_id for each in await journal.comparisons(state=waiting)] == ["m2", "m1"]
    assert [each.message_id for each in await journal.waiting_comparisons()] == ["m2", "m1"]
    assert [each.message_id for each in await journal.waiting_comparisons(1)] == ["m2"]


async def test_alike_differences_are_one_group_that_counts_its_documents(journal: Journal) -> None:
    twice = replace(UNIT, path="lines[2].quantity.unit")
    newest = replace(PRICE, legacy="9", cloud="8")
    await journal.note_comparisons(
        [
            comparison("m1", UNIT, twice),
            comparison("m2", UNIT, PRICE),
            comparison("m3", newest, accepted_at=after(9)),
            comparison("m4", UNIT, accepted_at=after(-5)),
            comparison("m5", UNIT, route="other"),
        ]
    )

    groups = await journal.difference_groups(ROUTE, T0)
    assert [(each.group_id, each.documents) for each in groups] == [("g-price", 2), ("g-unit", 2)]
    assert (groups[0].legacy, groups[0].message_id, groups[0].last_at) == ("9", "m3", after(9))
    assert (groups[1].surface, groups[1].kind, groups[1].pattern) == (UNIT.surface, UNIT.kind, UNIT.pattern)
    assert {each.documents for each in await journal.difference_groups(None, T0)} == {2, 3}


async def test_what_is_excused_makes_no_mismatch(journal: Journal) -> None:
    await journal.note_comparisons(
        [
            comparison("m1", PRICE),
            comparison("m2", UNIT, facets=(("supplier", "4711"),)),
            comparison("m3"),
            comparison("m4", state=ComparisonState.ALONE, shadow="", facets=(("unit", "BX"),)),
            comparison("m5", state=ComparisonState.WAITING),
            comparison("m6", PRICE, accepted_at=after(-1)),
        ]
    )

    strict = await journal.count_comparisons(ROUTE, T0, ())
    mild = await journal.count_comparisons(ROUTE, T0, {"g-unit"})

    assert (strict.compared, strict.mismatches, strict.alone, strict.waiting) == (3, 2, 1, 1)
    assert (mild.mismatches, strict.clean_in_a_row, mild.clean_in_a_row) == (1, 1, 2)
    assert mild.facets == {("supplier", "4711"): (3, 1), ("unit", "CA"): (2, 1), ("unit", "BX"): (0, 0)}
    assert strict.facets["supplier", "4711"] == (3, 2)
    assert dict(strict.shadow) == {"rendered": 4}


async def test_a_route_without_comparisons_counts_nothing(journal: Journal) -> None:
    counts = await journal.count_comparisons(ROUTE, T0, ())

    assert (counts.compared, counts.mismatches, counts.clean_in_a_row, dict(counts.facets)) == (0, 0, 0, {})


async def test_documents_are_given_once_in_the_order_of_planning(scene: Scene) -> None:
    journal = scene.journal
    await scene.accept("m1")
    await scene.accept("m2", route="other")
    await scene.accept("m3")
    for message_id in ("m3", "m2", "m1"):
        await scene.plan(message_id, [document(0, f"O-{message_id}")])

    first, position = await journal.documents_after([ROUTE], 0, limit=1)
    rest, end = await journal.documents_after([ROUTE], position)

    assert [each.view.message_id for each in (*first, *rest)] == ["m3", "m1"]
    assert [(each.message_route, each.transport) for each in rest] == [(ROUTE, "folder")]
    assert rest[0].view.plan.order_keys == ("O-m1",)
    assert await journal.documents_after([ROUTE], end) == ([], end)
    await journal.replay("m1", resend=False, who="ann", why="mapping fixed", now=scene.now)
    await scene.plan("m1", [document(0, "O-m1")])
    again, _ = await journal.documents_after([ROUTE], end)
    assert [(each.view.message_id, each.view.generation) for each in again] == [("m1", 2)]


async def test_a_record_that_was_read_twice_teaches_once(journal: Journal) -> None:
    reading = NoiseReading(ROUTE, "m1", 0, frozenset({"dates[].at", "notes[].text"}))
    for _ in range(2):
        await journal.note_reading(reading)
    await journal.note_reading(NoiseReading(ROUTE, "m2", 0, frozenset()))

    assert await journal.readings(ROUTE) == [NoiseReading(ROUTE, "m2", 0, frozenset()), reading]
    assert await journal.readings("other") == []


async def test_an_approval_is_audited_and_given_again_it_is_renewed(journal: Journal) -> None:
    first = Approval(ROUTE, "canary", "supply-chain", "ann", "clean week", T0)
    other = Approval(ROUTE, "canary", "integration", "ann", "load test", after(1))
    renewed = replace(first, why="two clean weeks", given_at=after(2))
    for each in (first, other, renewed):
        await journal.approve(each)

    assert await journal.approvals(ROUTE) == [other, renewed]
    assert [(each.action, each.who, each.why) for each in await journal.audit()][-1] == (
        "routes.approve",
        "ann",
        "two clean weeks",
    )


async def test_one_stage_change_is_planned_for_a_route_and_can_be_held_and_taken_back(
    journal: Journal,
) -> None:
    first = PlannedStage(ROUTE, "canary", "10", after(60), "ann", "after the freeze", "shadow")
    second = replace(first, at=after(120), share_percent=None, stage="cloud")
    await journal.plan_stage(first, T0)
    await journal.plan_stage(second, T0)
    await journal.plan_stage(replace(first, route="other", at=after(90)), T0)

    assert [(each.route, each.at) for each in await journal.planned_stages()] == [
        ("other", after(90)),
        (ROUTE, after(120)),
    ]
    assert await journal.hold_stage(ROUTE, "frozen until Monday", after(120)) is True
    assert (await journal.planned_stages())[1] == replace(second, held="frozen until Monday")
    assert await journal.unplan_stage(ROUTE, "ann", "not yet", after(130)) is True
    assert await journal.unplan_stage(ROUTE, "ann", "not yet", after(130)) is False
    assert await journal.hold_stage(ROUTE, "x", after(130)) is False
    assert [each.action for each in await journal.audit()] == [
        *["routes.schedule"] * 3,
        "routes.schedule_held",
        "routes.unschedule",
    ]


async def test_attempts_are_counted_by_role_from_a_time_on(scene: Scene) -> None:
    for message_id, role in (("m1", "live"), ("m2", "live"), ("m3", "shadow")):
        await scene.order(message_id, f"O-{message_id}", role=role)
        claimed = await scene.claim_only()
        await scene.journal.attempt_started(claimed.claim, request(), scene.now)
        outcome = Transient("slow") if message_id == "m2" else None
        step = result(outcome=outcome, at=scene.now)
        await scene.journal.settle(claimed.claim, Settled(DeliveryState.DONE, step), scene.now)

    counts = {each.role: each for each in await scene.journal.attempt_counts("erp", after(-60))}

    assert (counts["live"].accepted, counts["live"].failed, counts["shadow"].accepted) == (1, 1, 1)
    assert counts["live"].durations_s == (1.0, 1.0)
    assert await scene.journal.attempt_counts("erp", after(3600)) == []
    assert await scene.journal.attempt_counts("other", T0) == []


async def test_attempts_are_told_apart_by_route_and_by_the_sets_that_they_were_about(scene: Scene) -> None:
    sets = [document(0), document(1, set_type="855")]
    await scene.accept("m1")
    await scene.plan("m1", sets, [delivery("one", 0, "O-1"), delivery("two", 1, "O-2")])
    await scene.accept("m2", route="slow")
    await scene.plan("m2", sets, [delivery("whole", None, "O-3")])
    for claimed in await scene.claim():
        await scene.journal.settle(
            claimed.claim, Settled(DeliveryState.DONE, result(at=scene.now)), scene.now
        )

    counts = await scene.journal.attempt_counts("erp", after(-60))

    assert [(each.route, each.set_types, each.accepted) for each in counts] == [
        (ROUTE, ("850",), 1),
        (ROUTE, ("855",), 1),
        ("slow", ("850", "855"), 1),
    ]


async def test_what_a_shadow_only_rendered_is_no_attempt_and_what_it_asked_in_vain_is_a_failed_one(
    scene: Scene,
) -> None:
    for message_id, outcome in (("m1", Accepted()), ("m2", Transient("no connection"))):
        await scene.order(message_id, f"O-{message_id}", role="shadow")
        claimed = await scene.claim_only()
        await scene.journal.attempt_started(claimed.claim, request(), scene.now)
        step = replace(result(outcome=outcome, at=scene.now), reply=NoReply("none", "nothing was sent"))
        await scene.journal.settle(claimed.claim, Settled(DeliveryState.DONE, step), scene.now)

    (shadow,) = await scene.journal.attempt_counts("erp", after(-60))

    assert (shadow.role, shadow.accepted, shadow.failed) == ("shadow", 0, 1)


async def test_old_comparisons_are_forgotten_and_those_that_wait_stay(journal: Journal) -> None:
    old = T0 - timedelta(days=100)
    await journal.note_comparisons(
        [
            comparison("m1", UNIT, accepted_at=old),
            comparison("m2", accepted_at=old, state=ComparisonState.WAITING),
            comparison("m3"),
        ]
    )

    await journal.prune(T0, T0 - timedelta(days=365), T0 - timedelta(days=90), T0 - timedelta(days=365), 100)

    assert {each.message_id for each in await journal.comparisons()} == {"m2", "m3"}
    assert await journal.difference_groups(None, old) == []


async def test_one_document_is_given_with_its_own_deliveries_and_those_of_the_whole_message(
    scene: Scene,
) -> None:
    journal = scene.journal
    await scene.accept("m1")
    shadow = replace(delivery("d2", 1, "O-2"), role="shadow", lanes=())
    whole = replace(delivery("d3", None), target="legacy", lanes=("O-1", "O-2"), body=b"whole")
    await scene.plan(
        "m1", [document(0, "O-1"), document(1, "O-2")], [delivery("d1", 0, "O-1"), shadow, whole]
    )

    found = await journal.one_document("m1", 1)

    assert found is not None
    assert found[0].plan.order_keys == ("O-2",)
    assert {each.delivery_id for each in found[1]} == {"d2", "d3"}
    assert await journal.one_document("m1", 7) is None
    assert await journal.one_document("m9", 0) is None


async def test_comparisons_of_one_document_are_found_by_its_place(journal: Journal) -> None:
    await journal.note_comparisons([comparison("m1"), comparison("m1", document_index=1)])

    assert [each.document_index for each in await journal.comparisons(message_id="m1", document_index=1)] == [
        1
    ]
