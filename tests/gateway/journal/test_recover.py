"""Recovery: what a dead process left is put in order before any work."""

from __future__ import annotations

import pytest

from gateway.journal.types import DeliveryState
from tests.gateway.journal.builders import LEASE_S, Scene, delivery, document, finding, group, result


async def test_a_lease_without_an_attempt_is_ready_again_at_once(scene: Scene) -> None:
    await scene.order("m1")
    await scene.claim_only()

    assert await scene.journal.recover(scene.now) == 1

    assert await scene.state("m1-d") is DeliveryState.READY
    assert not (await scene.claim_only(worker="w2")).is_in_doubt


async def test_a_lease_with_an_attempt_is_in_doubt(scene: Scene) -> None:
    await scene.order("m1")
    await scene.start((await scene.claim_only()).claim)

    assert await scene.journal.recover(scene.now) == 1

    assert await scene.state("m1-d") is DeliveryState.IN_DOUBT
    claimed = await scene.claim_only(worker="w2")
    assert claimed.is_in_doubt
    assert [step.outcome for step in claimed.steps] == [None]


async def test_a_lease_between_two_steps_is_ready_again(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim, "stage")
    await scene.journal.step_done(claim, result("stage"), scene.now)

    await scene.journal.recover(scene.now)

    assert not (await scene.claim_only()).is_in_doubt


async def test_a_delivery_that_was_leased_for_its_look_up_is_still_in_doubt(scene: Scene) -> None:
    await scene.order("m1")
    await scene.settle((await scene.claim_only()).claim, DeliveryState.IN_DOUBT)
    await scene.claim_only()

    await scene.journal.recover(scene.now)

    assert await scene.state("m1-d") is DeliveryState.IN_DOUBT


async def test_unsent_calls_are_those_that_were_planned_and_never_attempted(scene: Scene) -> None:
    for number in range(1, 5):
        await scene.order(f"m{number}", f"O-{number}", role="pass_through")
    await scene.order("m5", "O-5")
    begun = await scene.journal.claim_one("m1-d", "w", LEASE_S, scene.now, 0.0)
    claimed = await scene.journal.claim_one("m2-d", "w", LEASE_S, scene.now, 0.0)
    ended = await scene.journal.claim_one("m3-d", "w", LEASE_S, scene.now, 0.0)
    assert begun is not None
    assert claimed is not None
    assert ended is not None
    await scene.start(begun.claim)
    await scene.settle(ended.claim, DeliveryState.VOID)

    assert await scene.journal.unsent_calls() == [("m2", "m2-d"), ("m4", "m4-d")]
    assert await scene.journal.unsent_calls(1) == [("m2", "m2-d")]


async def test_recovery_leaves_everything_else_as_it_was(scene: Scene) -> None:
    await scene.accept("m1")
    names = ["ready", "waiting", "in_doubt", "parked", "done"]
    planned = [delivery(f"d{place}", place, f"O-{place}") for place in range(len(names))]
    await scene.plan("m1", [document(place, f"O-{place}") for place in range(len(names))], planned)
    for claimed, name in zip(await scene.claim(), names, strict=True):
        await scene.settle(claimed.claim, DeliveryState(name), not_before=scene.now.replace(hour=9))
    await scene.accept("m2")
    await scene.plan("m2", [document(0, "O-9")], [delivery("held", 0, "O-9", unit=group())], is_last=False)
    before = await scene.journal.deliveries()

    assert await scene.journal.recover(scene.now) == 0

    assert await scene.journal.deliveries() == before


async def test_a_message_in_translation_goes_on_after_recovery(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], is_last=False)

    await scene.journal.recover(scene.now)

    assert (await scene.journal.begin_translation("m1", 2)).planned_through == 1


@pytest.mark.parametrize("how_far", ["ready", "leased"])
async def test_a_passed_through_call_without_an_attempt_is_void(scene: Scene, how_far: str) -> None:
    await scene.order("m1", role="pass_through")
    await scene.order("m2")
    if how_far == "leased":
        assert await scene.journal.claim_one("m1-d", "c1", LEASE_S, scene.now, scene.monotonic)

    assert await scene.journal.recover(scene.now) == 1

    assert await scene.state("m1-d") is DeliveryState.VOID
    assert await scene.claim_ids() == ["m2-d"]


async def test_a_passed_through_call_with_an_attempt_in_doubt_is_parked_and_never_sent_again(
    scene: Scene,
) -> None:
    await scene.order("m1", role="pass_through")
    own = await scene.journal.claim_one("m1-d", "c1", LEASE_S, scene.now, scene.monotonic)
    assert own is not None
    await scene.start(own.claim)

    assert await scene.journal.recover(scene.now) == 1

    view = await scene.view("m1-d")
    assert view.state is DeliveryState.PARKED
    assert [found.code for found in view.findings] == ["PASS-THROUGH-IN-DOUBT"]
    assert await scene.claim_ids() == []
    assert [item.exception_id for item in await scene.journal.exceptions()] == ["m1-d"]


async def test_a_passed_through_call_that_is_parked_already_keeps_its_findings(scene: Scene) -> None:
    await scene.order("m1", role="pass_through")
    own = await scene.journal.claim_one("m1-d", "c1", LEASE_S, scene.now, scene.monotonic)
    assert own is not None
    await scene.start(own.claim)
    await scene.settle(own.claim, DeliveryState.PARKED, findings=(finding("TIME-OUT"),))

    assert await scene.journal.recover(scene.now) == 0

    assert [found.code for found in (await scene.view("m1-d")).findings] == ["TIME-OUT"]


async def test_recovering_twice_is_recovering_once(scene: Scene) -> None:
    await scene.order("m1")
    await scene.start((await scene.claim_only()).claim)

    assert [await scene.journal.recover(scene.now) for _ in range(2)] == [1, 0]
