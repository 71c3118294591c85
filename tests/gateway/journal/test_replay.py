"""Replays: a message is planned again, what was attempted stays, and nothing is sent twice in silence."""

from __future__ import annotations

import pytest

from adapters.base import Accepted, InDoubt, Outcome, Rejected, Transient, TransientKind
from gateway.journal.base import UnknownError
from gateway.journal.types import DeliveryState, MessageState, Planned
from tests.gateway.journal.builders import (
    ROUTE,
    T0,
    Scene,
    delivery,
    document,
    finding,
    group,
    origin,
    result,
)


async def replay(scene: Scene, message_id: str = "m1", *, resend: bool = False) -> int:
    return await scene.journal.replay(
        message_id, resend=resend, who="ann", why="mapping fixed", now=scene.now
    )


async def test_a_replay_is_a_new_generation_that_is_to_be_translated(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], parks=True, findings=(finding(),))

    assert await replay(scene) == 2

    message = await scene.journal.message("m1")
    assert (message.generation, message.state, message.resend) == (2, MessageState.ACCEPTED, False)
    assert (message.planned_through, message.findings) == (0, ())
    assert await scene.journal.routes_to_translate() == [(ROUTE, False)]
    assert await scene.journal.exceptions() == []


async def test_a_replay_is_audited(scene: Scene) -> None:
    await scene.order("m1")

    await replay(scene, resend=True)

    (told,) = await scene.journal.audit()
    assert (told.action, told.subject, told.who, told.why) == (
        "messages.replay",
        "m1",
        "ann",
        "mapping fixed",
    )


async def test_a_replay_is_translated_with_the_configuration_of_its_own_beginning(scene: Scene) -> None:
    await scene.order("m1")
    await replay(scene)

    message = await scene.journal.begin_translation("m1", 9)

    assert message.config_revision == 9


async def test_a_replayed_message_keeps_its_place_among_the_others(scene: Scene) -> None:
    await scene.order("m1")
    await scene.accept("m2")

    await replay(scene)

    waiting = await scene.journal.next_to_translate(ROUTE, urgent=False, limit=9)
    assert [message.message_id for message in waiting] == ["m1", "m2"]


async def test_unattempted_deliveries_are_superseded_with_the_first_chunk(scene: Scene) -> None:
    await scene.order("m1")
    await replay(scene)
    assert await scene.state("m1-d") is DeliveryState.READY

    await scene.plan("m1", [document()], [delivery("d2")], is_last=False)

    assert await scene.state("m1-d") is DeliveryState.SUPERSEDED
    assert (await scene.view("m1-d")).ended_at == scene.now
    assert await scene.claim_ids() == ["d2"]


async def test_a_second_chunk_supersedes_nothing_of_its_own_generation(scene: Scene) -> None:
    await scene.order("m1")
    await replay(scene)

    await scene.plan("m1", [document(0)], [delivery("d2")], is_last=False)
    await scene.plan("m1", [document(1, "O-2")], [delivery("d3", 1, "O-2")])

    assert await scene.claim_ids() == ["d2", "d3"]


async def test_held_leased_and_parked_deliveries_that_sent_nothing_are_superseded_too(scene: Scene) -> None:
    await scene.accept("m1")
    sets = [document(index, f"O-{index}") for index in range(3)]
    planned = [delivery(f"d{index}", index, f"O-{index}") for index in range(2)]
    held = delivery("d2", 2, "O-2", unit=group())
    await scene.plan("m1", sets, [*planned, held], is_last=False)
    leased, parked = await scene.claim()
    await scene.settle(parked.claim, DeliveryState.PARKED, findings=(finding(),))
    await replay(scene)

    await scene.plan("m1", sets)

    states = {view.delivery_id: view.state for view in await scene.journal.deliveries()}
    assert states == dict.fromkeys(("d0", "d1", "d2"), DeliveryState.SUPERSEDED)
    assert not await scene.journal.still_mine(leased.claim, scene.monotonic)
    assert await scene.journal.exceptions() == []


@pytest.mark.parametrize(
    "state", [DeliveryState.WAITING, DeliveryState.IN_DOUBT, DeliveryState.PARKED, DeliveryState.DONE]
)
async def test_attempted_deliveries_stay_as_they_are(scene: Scene, state: DeliveryState) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim)
    await scene.settle(claim, state)
    await replay(scene)

    await scene.plan("m1", [document()])

    assert await scene.state("m1-d") is state


async def test_what_was_attempted_is_not_planned_again_under_its_reference(scene: Scene) -> None:
    await scene.accept("m1")
    sets = [document(0), document(1, "O-2")]
    planned = [delivery("d0", 0), delivery("d1", 1, "O-2")]
    await scene.plan("m1", sets, planned)
    await scene.deliver((await scene.claim(1))[0].claim)
    await replay(scene)

    again = [delivery("e0", 0, reference="REF-d0"), delivery("e1", 1, "O-2", reference="REF-d1")]
    assert await scene.plan("m1", sets, again) == Planned()

    states = {view.delivery_id: view.state for view in await scene.journal.deliveries()}
    assert states == {
        "d0": DeliveryState.DONE,
        "d1": DeliveryState.SUPERSEDED,
        "e1": DeliveryState.READY,
    }


@pytest.mark.parametrize(
    "other", [{"reference": "REF-other"}, {"target": "sap"}, {"role": "copy"}], ids=lambda other: str(*other)
)
async def test_another_reference_target_or_role_is_another_delivery(
    scene: Scene, other: dict[str, str]
) -> None:
    await scene.order("m1")
    await scene.deliver((await scene.claim_only()).claim)
    await replay(scene)

    changed = {"reference": "REF-m1-d", **other}
    await scene.plan("m1", [document()], [delivery("d2", 0, "O-1", **changed)])

    assert await scene.state("d2") is DeliveryState.READY


async def test_a_resend_sends_again_what_was_attempted(scene: Scene) -> None:
    await scene.order("m1")
    await scene.deliver((await scene.claim_only()).claim)
    await replay(scene, resend=True)
    assert (await scene.journal.message("m1")).resend

    await scene.plan("m1", [document()], [delivery("d2", reference="REF-m1-d")])

    assert await scene.claim_ids() == ["d2"]


async def test_a_resend_is_said_anew_for_every_generation(scene: Scene) -> None:
    await scene.order("m1")
    await scene.deliver((await scene.claim_only()).claim)
    await replay(scene, resend=True)
    await scene.plan("m1", [document()], [delivery("d2", reference="REF-m1-d")])
    await scene.deliver((await scene.claim_only()).claim)

    await replay(scene)
    await scene.plan("m1", [document()], [delivery("d3", reference="REF-m1-d")])

    assert not (await scene.journal.message("m1")).resend
    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["m1-d", "d2"]


async def test_documents_of_every_generation_are_shown(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(decision="first")])
    await replay(scene)
    await scene.plan("m1", [document(decision="second")])

    shown = [(view.generation, view.plan.decision) for view in await scene.journal.documents(message_id="m1")]

    assert shown == [(1, "first"), (2, "second")]


async def test_a_rejection_in_a_replay_frees_no_key_that_an_earlier_generation_took(scene: Scene) -> None:
    await scene.accept("m1")
    told = document(document_key="K", content_hash="h")
    await scene.plan("m1", [told], [delivery("d1")])
    await scene.deliver((await scene.claim_only()).claim)
    await replay(scene)

    await scene.plan("m1", [told], rejected_units=frozenset({group()}))

    assert (await scene.journal.facts([], ["K"], [])).documents["K"].message_id == "m1"


async def test_a_replay_while_the_first_plan_was_still_being_written_supersedes_it(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("d1", unit=group())], is_last=False)

    await replay(scene)
    await scene.plan("m1", [document()], [delivery("d2", unit=group())])

    assert await scene.claim_ids() == ["d2"]


@pytest.mark.parametrize("unknown", ["m9", "refused"])
async def test_what_has_no_bytes_cannot_be_replayed(scene: Scene, unknown: str) -> None:
    if unknown == "refused":
        unknown = await scene.journal.refuse(ROUTE, origin(), finding(), T0)

    with pytest.raises(UnknownError):
        await replay(scene, unknown)

    assert await scene.journal.audit() == []


DOWN = Transient("no connection", TransientKind.OUTAGE)
REFUSED = Rejected((finding("ERP-422"),))


@pytest.mark.parametrize("outcome", [None, DOWN, REFUSED])
async def test_what_a_person_closed_and_no_target_can_have_taken_is_planned_again(
    scene: Scene, outcome: Outcome | None
) -> None:
    await scene.order("m1", reference="R")
    if outcome is not None:
        claim = (await scene.claim_only()).claim
        await scene.start(claim)
        await scene.settle(claim, DeliveryState.WAITING, result=result(outcome=outcome))
    await scene.journal.resolve("m1-d", "placed_by_phone:Kim", "ann", "ERP down", scene.now)
    await replay(scene)

    await scene.plan("m1", [document()], [delivery("d2", reference="R")])

    (claimed,) = await scene.claim()
    assert (claimed.claim.delivery_id, claimed.transmitter) == ("d2", "none")
    assert await scene.state("m1-d") is DeliveryState.VOID


@pytest.mark.parametrize("role", ["live", "pass_through"])
@pytest.mark.parametrize("outcome", [InDoubt("no reply"), Accepted("ERP-1")])
async def test_what_a_person_closed_while_it_may_be_there_is_not_planned_again(
    scene: Scene, role: str, outcome: Outcome
) -> None:
    await scene.order("m1", reference="R", role=role)
    claimed = await scene.journal.claim_one("m1-d", "w1", 60, scene.now, scene.monotonic)
    assert claimed is not None
    await scene.start(claimed.claim)
    await scene.settle(claimed.claim, DeliveryState.PARKED, result=result(outcome=outcome))
    await scene.journal.resolve("m1-d", "dismissed", "ann", "it is there", scene.now)
    await replay(scene)

    await scene.plan("m1", [document()], [delivery("d2", reference="R", role=role)])

    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["m1-d"]


async def test_a_call_that_ended_unsent_is_not_planned_again_since_its_caller_was_told(scene: Scene) -> None:
    await scene.order("m1", reference="R", role="pass_through")
    claimed = await scene.journal.claim_one("m1-d", "w1", 60, scene.now, scene.monotonic)
    assert claimed is not None
    await scene.start(claimed.claim)
    await scene.settle(claimed.claim, DeliveryState.VOID, result=result(outcome=DOWN))
    await replay(scene)

    await scene.plan("m1", [document()], [delivery("d2", reference="R", role="pass_through")])

    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["m1-d"]
