"""Lanes: per target and order the oldest unfinished delivery goes first, and no other order waits for it."""

from __future__ import annotations

import pytest

from gateway.journal.base import RefusedError, StaleClaimError
from gateway.journal.types import DeliveryState, Expected, Planned
from tests.gateway.journal.builders import (
    ERP,
    Scene,
    awaited,
    delivery,
    document,
    entry,
    finding,
    group,
    request,
    result,
)


async def test_only_the_head_of_a_lane_can_be_claimed(scene: Scene) -> None:
    await scene.order("m1", "O-1")
    await scene.order("m2", "O-1")

    assert await scene.claim_ids() == ["m1-d"]
    assert await scene.claim_ids() == []


async def test_a_finished_head_hands_its_lane_to_the_next(scene: Scene) -> None:
    for message_id in ("m1", "m2", "m3"):
        await scene.order(message_id, "O-1")

    order_of_delivery = []
    while claimed := await scene.claim():
        order_of_delivery += [each.claim.delivery_id for each in claimed]
        await scene.deliver(claimed[0].claim)

    assert order_of_delivery == ["m1-d", "m2-d", "m3-d"]


async def test_other_orders_never_wait_for_a_lane(scene: Scene) -> None:
    await scene.order("m1", "O-1")
    await scene.order("m2", "O-1")
    await scene.order("m3", "O-2")

    assert await scene.claim_ids() == ["m1-d", "m3-d"]


async def test_a_lane_belongs_to_one_target(scene: Scene) -> None:
    await scene.order("m1", "O-1")
    await scene.order("m2", "O-1", target="legacy")

    assert await scene.claim_ids() == ["m1-d"]
    assert await scene.claim_ids(target="legacy") == ["m2-d"]


async def test_lanes_go_by_acceptance_whatever_the_order_of_planning(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.order("m2", "O-1")

    await scene.plan("m1", [document()], [delivery("m1-d")])

    claimed = await scene.claim_only()
    assert claimed.claim.delivery_id == "m1-d"
    await scene.deliver(claimed.claim)
    assert await scene.claim_ids() == ["m2-d"]


async def test_within_a_message_lanes_go_by_document(scene: Scene) -> None:
    await scene.accept("m1")
    sets = [document(0), document(1), document(2)]
    await scene.plan("m1", sets, [delivery("d2", 2), delivery("d0", 0), delivery("d1", 1)])

    order_of_delivery = []
    while claimed := await scene.claim():
        order_of_delivery.append(claimed[0].claim.delivery_id)
        await scene.deliver(claimed[0].claim)

    assert order_of_delivery == ["d0", "d1", "d2"]


async def test_a_delivery_of_several_orders_waits_for_all_its_lanes_and_holds_all_of_them(
    scene: Scene,
) -> None:
    await scene.order("m1", "O-1")
    await scene.order("m2", "O-1", "O-2")
    await scene.order("m3", "O-2")
    (first,) = await scene.claim()
    assert first.claim.delivery_id == "m1-d"

    await scene.deliver(first.claim)

    (both,) = await scene.claim()
    assert both.claim.delivery_id == "m2-d"
    await scene.deliver(both.claim)
    assert await scene.claim_ids() == ["m3-d"]


async def test_a_delivery_without_lanes_waits_for_nothing(scene: Scene) -> None:
    await scene.order("m1", "O-1")
    await scene.order("m2", "O-1", lanes=())

    assert await scene.claim_ids() == ["m1-d", "m2-d"]


@pytest.mark.parametrize("state", [DeliveryState.WAITING, DeliveryState.IN_DOUBT, DeliveryState.PARKED])
async def test_a_head_that_is_stuck_blocks_its_own_lane_and_no_other(
    scene: Scene, state: DeliveryState
) -> None:
    await scene.order("m1", "O-1")
    await scene.order("m2", "O-1")
    await scene.order("m3", "O-2")
    head = (await scene.claim(1))[0]
    not_before = None if state is DeliveryState.PARKED else scene.now.replace(hour=9)

    await scene.settle(head.claim, state, not_before=not_before, reason="outage", findings=(finding(),))

    assert await scene.claim_ids() == ["m3-d"]


async def test_a_held_delivery_holds_its_lane(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("d1", unit=group())], is_last=False)
    await scene.order("m2", "O-1")

    assert await scene.claim_ids() == []


async def test_a_pass_through_holds_its_lane_and_no_worker_claims_it(scene: Scene) -> None:
    await scene.order("m1", "O-1", role="pass_through")
    await scene.order("m2", "O-1")

    assert await scene.claim_ids() == []

    own = await scene.journal.claim_one("m1-d", "connection-1", 60, scene.now, scene.monotonic)
    assert own is not None
    await scene.deliver(own.claim)
    assert await scene.claim_ids() == ["m2-d"]


async def test_an_older_delivery_takes_the_lease_from_a_younger_one_that_has_sent_nothing(
    scene: Scene,
) -> None:
    await scene.accept("m1")
    await scene.order("m2", "O-1")
    younger = await scene.claim_only()

    await scene.plan("m1", [document()], [delivery("m1-d")])

    assert not await scene.journal.still_mine(younger.claim, scene.monotonic)
    with pytest.raises(StaleClaimError):
        await scene.journal.attempt_started(younger.claim, request(), scene.now)
    older = await scene.claim_only()
    assert older.claim.delivery_id == "m1-d"
    await scene.deliver(older.claim)
    assert await scene.claim_ids() == ["m2-d"]


# -- overtaken -------------------------------------------------------------------------------


@pytest.mark.parametrize("how_far", ["attempting", "waiting", "done", "done without a step", "dismissed"])
async def test_a_delivery_behind_a_later_one_that_was_attempted_is_parked_as_overtaken(
    scene: Scene, how_far: str
) -> None:
    await scene.accept("m1")
    await scene.order("m2", "O-1")
    claim = (await scene.claim_only()).claim
    match how_far:
        case "attempting":
            await scene.start(claim)
        case "waiting":
            await scene.start(claim)
            await scene.settle(claim, DeliveryState.WAITING, result=result(), reason="outage")
        case "done":
            await scene.deliver(claim)
        case "done without a step":
            await scene.settle(claim, DeliveryState.DONE)
        case "dismissed":
            await scene.park(claim)
            await scene.journal.resolve("m2-d", "dismissed", "ann", "sent by hand", scene.now)

    planned = await scene.plan("m1", [document()], [delivery("m1-d")])

    assert planned == Planned(overtaken=("m1-d",))
    view = await scene.view("m1-d")
    assert view.state is DeliveryState.PARKED
    assert [found.code for found in view.findings] == ["ORDER-OVERTAKEN"]
    assert [item.exception_id for item in await scene.journal.exceptions()] == ["m1-d"]


async def test_an_overtaken_call_is_dismissed_and_no_finding_says_otherwise(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.order("m2", "O-1")
    await scene.deliver((await scene.claim_only()).claim)
    told = document(document_key="k", content_hash="a", passes_to=((ERP, "pass_through"),))
    await scene.plan("m1", [told], [delivery("m1-d", None, "O-1", role="pass_through")])

    (item,) = await scene.journal.exceptions()
    assert "retry" not in item.findings[0].text
    assert "dismiss" in item.findings[0].text
    with pytest.raises(RefusedError):
        await scene.journal.retry("m1-d", "ann", "late", scene.now)

    await scene.journal.resolve("m1-d", "dismissed", "ann", "it is there", scene.now)
    assert (await scene.journal.facts([], ["k"], [])).documents == {}  # its caller may send it again


async def test_an_overtaken_follow_on_is_parked_too(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0, "O-1", awaits=awaited())])
    await scene.order("m2", "O-1")
    await scene.deliver((await scene.claim_only()).claim)

    await scene.journal.plan_awaited("m1", document(), [delivery("d1")], Expected(1), scene.now)

    assert await scene.state("d1") is DeliveryState.PARKED


async def awaited_then_opened(scene: Scene) -> None:
    """m1 waits for its order, which m2 opens."""
    await scene.accept("m1")
    await scene.plan("m1", [document(0, "O-1", awaits=awaited())])
    await scene.accept("m2")
    await scene.plan("m2", [document(0, "O-1")], [delivery("m2-d")], opens=(entry("O-1", message_id="m2"),))


async def decided(scene: Scene) -> DeliveryState:
    expected = Expected(1, ledger={"O-1": 1})
    assert await scene.journal.plan_awaited("m1", document(), [delivery("m1-d")], expected, scene.now)
    return await scene.state("m1-d")


async def test_a_follow_on_that_waited_goes_behind_its_order_and_never_before_it(scene: Scene) -> None:
    await awaited_then_opened(scene)
    await scene.order("m3", "O-1")
    await decided(scene)

    went = []
    while claimed := await scene.claim():
        went += [each.claim.delivery_id for each in claimed]
        await scene.deliver(claimed[0].claim)

    assert went == ["m2-d", "m1-d", "m3-d"]


async def test_a_follow_on_that_waited_is_not_late_where_only_its_order_has_gone(scene: Scene) -> None:
    await awaited_then_opened(scene)
    await scene.deliver((await scene.claim_only()).claim)

    assert await decided(scene) is DeliveryState.READY
    assert await scene.claim_ids() == ["m1-d"]


async def test_a_follow_on_that_waited_is_late_where_a_later_one_has_gone(scene: Scene) -> None:
    await awaited_then_opened(scene)
    await scene.order("m3", "O-1")
    for _ in range(2):
        await scene.deliver((await scene.claim_only()).claim)

    assert await decided(scene) is DeliveryState.PARKED


async def test_a_later_document_at_another_target_overtakes_nothing(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.order("m2", "O-1", target="legacy")
    await scene.deliver((await scene.claim_only(target="legacy")).claim)

    assert await scene.plan("m1", [document()], [delivery("m1-d")]) == Planned()
    assert await scene.claim_ids() == ["m1-d"]


async def test_a_later_document_that_was_only_leased_overtakes_nothing(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.order("m2", "O-1")
    await scene.claim_only()

    assert await scene.plan("m1", [document()], [delivery("m1-d")]) == Planned()


async def test_an_overtaken_delivery_goes_late_when_a_person_says_so(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.order("m2", "O-1")
    await scene.deliver((await scene.claim_only()).claim)
    await scene.plan("m1", [document()], [delivery("m1-d")])

    assert await scene.journal.retry("m1-d", "ann", "the ERP has no change yet", scene.now) == "deliver"

    assert await scene.claim_ids() == ["m1-d"]


async def test_an_overtaken_delivery_of_a_rejected_unit_is_void(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.order("m2", "O-1")
    await scene.deliver((await scene.claim_only()).claim)
    await scene.plan("m1", [document()], [delivery("m1-d", unit=group())], is_last=False)

    await scene.plan("m1", rejected_units=frozenset({group()}))

    assert await scene.state("m1-d") is DeliveryState.VOID
    assert await scene.journal.exceptions() == []


async def test_an_overtaken_delivery_that_is_retried_before_its_unit_is_released_is_held(
    scene: Scene,
) -> None:
    await scene.accept("m1")
    await scene.order("m2", "O-1")
    await scene.deliver((await scene.claim_only()).claim)
    await scene.plan("m1", [document()], [delivery("m1-d", unit=group())], is_last=False)

    await scene.journal.retry("m1-d", "ann", "send it late", scene.now)
    assert await scene.claim_ids() == []

    await scene.plan("m1")
    assert await scene.claim_ids() == ["m1-d"]
