"""Nobody finds out too late: what is past its deadline, the alarms about it, and who stopped them."""

from __future__ import annotations

import pytest

from gateway.journal.base import UnknownError
from gateway.journal.types import ROLL_BACK, DeliveryState, Overdue
from tests.gateway.journal.builders import (
    ROUTE,
    T0,
    Scene,
    after,
    awaited,
    delivery,
    document,
    finding,
    origin,
)

PATIENCE_S = 300


async def overdue(scene: Scene) -> list[Overdue]:
    return await scene.journal.overdue(scene.now, after((scene.now - T0).total_seconds() - PATIENCE_S))


async def late(scene: Scene) -> list[tuple[str, int | None, str | None]]:
    return [(item.message_id, item.document_index, item.delivery_id) for item in await overdue(scene)]


async def test_a_delivery_past_its_deadline_is_overdue(scene: Scene) -> None:
    await scene.order("m1", deadline_at=after(900), is_urgent=True)
    scene.later(899)
    assert await overdue(scene) == []

    scene.later(1)

    (item,) = await overdue(scene)
    assert (item.message_id, item.document_index, item.delivery_id) == ("m1", 0, "m1-d")
    assert (item.route, item.order_keys, item.deadline_at) == (ROUTE, ("O-1",), after(900))
    assert (item.state, item.is_urgent, item.last_alarm_at) == ("ready", True, None)


@pytest.mark.parametrize("state", [DeliveryState.WAITING, DeliveryState.IN_DOUBT, DeliveryState.PARKED])
async def test_a_stuck_delivery_is_overdue_and_says_why(scene: Scene, state: DeliveryState) -> None:
    await scene.order("m1", deadline_at=after(900))
    await scene.settle((await scene.claim_only()).claim, state, reason="outage")
    scene.later(900)

    (item,) = await overdue(scene)

    assert (item.delivery_id, item.state, item.reason) == ("m1-d", state, "outage")


async def test_what_is_done_or_resolved_is_not_overdue(scene: Scene) -> None:
    await scene.order("m1", "O-1", deadline_at=after(900))
    await scene.order("m2", "O-2", deadline_at=after(900))
    first, second = await scene.claim()
    await scene.deliver(first.claim)
    await scene.park(second.claim)
    await scene.journal.resolve("m2-d", "dismissed", "ann", "ordered twice", T0)
    scene.later(900)

    assert await overdue(scene) == []


async def test_a_parked_set_is_overdue_until_it_is_resolved(scene: Scene) -> None:
    await scene.accept("m1")
    told = document(2, is_parked=True, findings=(finding(),), deadline_at=after(900))
    await scene.plan("m1", [told])
    scene.later(900)

    (item,) = await overdue(scene)
    assert (item.message_id, item.document_index, item.delivery_id) == ("m1", 2, None)
    assert (item.state, item.order_keys) == ("parked", ("O-1",))

    await scene.journal.resolve("m1/2", "dismissed", "ann", "ordered by phone", scene.now)
    assert await overdue(scene) == []


async def test_a_follow_on_that_waits_for_its_order_is_overdue(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0, awaits=awaited(), deadline_at=after(900))])
    scene.later(900)

    assert await late(scene) == [("m1", 0, None)]


async def test_a_message_that_is_not_translated_in_time_is_overdue(scene: Scene) -> None:
    await scene.accept("m1")
    scene.later(PATIENCE_S)
    assert await overdue(scene) == []

    scene.later(1)

    (item,) = await overdue(scene)
    assert (item.message_id, item.document_index, item.delivery_id) == ("m1", None, None)
    assert (item.route, item.state) == (ROUTE, "accepted")


async def test_a_parked_message_is_overdue_until_it_is_resolved(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", parks=True, findings=(finding(),))
    scene.later(PATIENCE_S + 1)

    assert await late(scene) == [("m1", None, None)]

    await scene.journal.resolve("m1", "dismissed", "ann", "test data", scene.now)
    assert await overdue(scene) == []


async def test_refused_and_planned_messages_are_not_overdue(scene: Scene) -> None:
    await scene.journal.refuse(ROUTE, origin(), finding(), T0)
    await scene.order("m1")
    scene.later(PATIENCE_S + 1)

    assert await overdue(scene) == []


async def test_the_earliest_deadline_comes_first(scene: Scene) -> None:
    await scene.order("m1", "O-1", deadline_at=after(900))
    await scene.order("m2", "O-2", deadline_at=after(800))
    scene.later(900)

    assert [item.message_id for item in await overdue(scene)] == ["m2", "m1"]
    assert len(await scene.journal.overdue(scene.now, T0, limit=1)) == 1


async def test_an_alarm_that_went_out_is_remembered(scene: Scene) -> None:
    await scene.order("m1", deadline_at=after(900))
    scene.later(900)

    await scene.journal.alarm_sent(await overdue(scene), scene.now)

    (item,) = await overdue(scene)
    assert item.last_alarm_at == scene.now


async def test_acknowledging_stops_the_alarms_about_a_message_audited(scene: Scene) -> None:
    await scene.accept("m1")
    sets = [document(0, "O-1"), document(1, "O-2", is_parked=True, deadline_at=after(900))]
    await scene.plan("m1", sets, [delivery("d0", 0, "O-1", deadline_at=after(900))])
    await scene.order("m2", "O-3", deadline_at=after(900))
    scene.later(900)
    await scene.journal.alarm_sent(await overdue(scene), scene.now)

    assert await scene.journal.acknowledge_alarm("m1", "ann", "called the supplier", scene.now) == 2

    assert await late(scene) == [("m2", 0, "m2-d")]
    (told,) = await scene.journal.audit()
    assert (told.subject, told.who, told.why) == ("m1", "ann", "called the supplier")


async def test_what_becomes_late_after_an_acknowledgment_alarms_anew(scene: Scene) -> None:
    await scene.accept("m1")
    sets = [document(0, "O-1"), document(1, "O-2")]
    planned = [
        delivery("d0", 0, "O-1", deadline_at=after(900)),
        delivery("d1", 1, "O-2", deadline_at=after(7200)),
    ]
    await scene.plan("m1", sets, planned)
    scene.later(900)
    await scene.journal.acknowledge_alarm("m1", "ann", "called the supplier", scene.now)

    scene.later(6300)

    assert await late(scene) == [("m1", 1, "d1")]


async def test_acknowledging_a_message_that_is_not_translated_stops_its_alarm(scene: Scene) -> None:
    await scene.accept("m1")
    scene.later(PATIENCE_S + 1)

    assert await scene.journal.acknowledge_alarm("m1", "ann", "restarting", scene.now) == 1

    assert await overdue(scene) == []


async def test_an_unknown_message_cannot_be_acknowledged(scene: Scene) -> None:
    with pytest.raises(UnknownError):
        await scene.journal.acknowledge_alarm("m9", "ann", "why not", T0)


async def test_deliveries_of_a_replaced_plan_are_not_overdue(scene: Scene) -> None:
    await scene.order("m1", deadline_at=after(900))
    await scene.journal.replay("m1", resend=False, who="ann", why="mapping", now=T0)
    await scene.plan("m1", [document()], [delivery("d2", deadline_at=after(900))])
    scene.later(900)

    assert await late(scene) == [("m1", 0, "d2")]


async def went_back(scene: Scene, who: str = ROLL_BACK) -> None:
    await scene.journal.declare_stages({ROUTE: ("canary", "5")}, T0)
    await scene.journal.set_stage(ROUTE, "canary", "shadow", "5", who, "5% failed", after(60))


async def test_a_route_that_went_back_by_itself_is_told_until_somebody_says_that_they_know(
    scene: Scene,
) -> None:
    await went_back(scene)
    (told,) = await scene.journal.rolled_back()
    await scene.journal.alarm_sent([told], after(70))
    (again,) = await scene.journal.rolled_back()
    stopped = await scene.journal.acknowledge_alarm(ROUTE, "ann", "on it", after(80))

    assert (told.route, told.stage, told.at, told.why) == (ROUTE, "shadow", after(60), "5% failed")
    assert (told.last_alarm_at, again.last_alarm_at) == (None, after(70))
    assert stopped == 1
    assert await scene.journal.rolled_back() == []
    assert (await scene.journal.audit())[-1].subject == ROUTE


async def test_the_next_roll_back_is_told_though_the_first_was_acknowledged(scene: Scene) -> None:
    await went_back(scene)
    await scene.journal.acknowledge_alarm(ROUTE, "ann", "on it", after(80))
    await scene.journal.set_stage(ROUTE, "shadow", "canary", "5", "ann", "mended", after(90))
    assert await scene.journal.rolled_back() == []
    await scene.journal.set_stage(ROUTE, "canary", "shadow", "5", ROLL_BACK, "again", after(99))

    assert [each.why for each in await scene.journal.rolled_back()] == ["again"]


async def test_a_route_that_a_person_moved_back_is_not_told(scene: Scene) -> None:
    await went_back(scene, who="ann")

    assert await scene.journal.rolled_back() == []
    assert await scene.journal.acknowledge_alarm(ROUTE, "ann", "on it", after(80)) == 0
