"""What people closed, what went out meanwhile, what a broken translation holds: alike in every journal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.base import NoReply, Outcome, Rejected, Role, Transient, TransientKind
from gateway.journal.types import DeliveryState, Expected, Moved, Planned, Side
from tests.gateway.journal.builders import (
    Scene,
    after,
    awaited,
    delivery,
    document,
    entry,
    finding,
    group,
    in_doubt,
    result,
)

KEY = "purchase_order:1|HB|7||"


async def holder(scene: Scene) -> str | None:
    """Tell which message holds the document key."""
    known = (await scene.journal.facts([], [KEY], [])).documents
    return known[KEY].message_id if KEY in known else None


async def keyed_order(scene: Scene, message_id: str = "m1") -> None:
    await scene.accept(message_id)
    told = document(document_key=KEY, content_hash="a")
    await scene.plan(message_id, [told], [delivery(f"{message_id}-d")])


async def close(scene: Scene, subject: str, resolution: str) -> None:
    await scene.journal.resolve(subject, resolution, "ann", "asked", scene.now)


async def replay(scene: Scene, *, resend: bool = False) -> None:
    await scene.journal.replay("m1", resend=resend, who="ann", why="look", now=scene.now)


async def test_a_dismissed_document_that_was_never_sent_gives_its_key_back(scene: Scene) -> None:
    await keyed_order(scene)
    assert await holder(scene) == "m1"

    await close(scene, "m1-d", "dismissed")

    assert await holder(scene) is None


@pytest.mark.parametrize("outcome", [Rejected((finding(),)), Transient("down", TransientKind.OUTAGE)])
async def test_so_does_one_that_its_target_surely_did_not_take(scene: Scene, outcome: Outcome) -> None:
    await keyed_order(scene)
    await scene.park((await scene.claim_only()).claim, result(outcome=outcome))
    await close(scene, "m1-d", "dismissed")

    assert await holder(scene) is None


async def test_one_that_may_have_arrived_keeps_it(scene: Scene) -> None:
    await keyed_order(scene)
    await scene.park((await scene.claim_only()).claim, in_doubt())
    await close(scene, "m1-d", "dismissed")

    assert await holder(scene) == "m1"


async def test_a_lost_answer_is_no_refusal_though_it_is_tried_again(scene: Scene) -> None:
    lost = replace(
        result(outcome=Transient("no reply in time", TransientKind.OUTAGE)),
        reply=NoReply("maybe", "no reply in time"),
    )
    await keyed_order(scene)
    await scene.park((await scene.claim_only()).claim, lost)
    await close(scene, "m1-d", "dismissed")

    assert await holder(scene) == "m1"


async def test_what_was_done_elsewhere_keeps_its_key(scene: Scene) -> None:
    await keyed_order(scene)
    await close(scene, "m1-d", "done_elsewhere:PO-9")

    assert await holder(scene) == "m1"
    assert (await scene.view("m1-d")).resolution == "done_elsewhere:PO-9"


async def test_a_document_with_another_live_delivery_keeps_its_key(scene: Scene) -> None:
    await scene.accept("m1")
    both = [delivery("erp-d"), delivery("hub-d", target="hub")]
    await scene.plan("m1", [document(document_key=KEY, content_hash="a")], both)
    await close(scene, "erp-d", "dismissed")
    assert await holder(scene) == "m1"

    await close(scene, "hub-d", "dismissed")
    assert await holder(scene) is None


async def test_dismissed_bytes_give_the_keys_of_the_sets_in_them_back(scene: Scene) -> None:
    await scene.accept("m1")
    passed = [
        document(
            0, "O-1", document_key=KEY, content_hash="a", side=Side.LEGACY, passes_to=(("mms", "live"),)
        ),
        document(1, "O-2", document_key="other", content_hash="b"),
    ]
    await scene.plan("m1", passed, [delivery("d1", None, "O-1", target="mms"), delivery("d2", 1, "O-2")])
    await close(scene, "d1", "dismissed")

    assert await holder(scene) is None
    assert "other" in (await scene.journal.facts([], ["other"], [])).documents


# The supplier gets the order as bytes, the ERP the order itself.
BOUND: tuple[tuple[str, Role], ...] = (("hub", "live"),)


async def ordered_at_both(scene: Scene, erp: str, *, passes_to: tuple[tuple[str, Role], ...] = BOUND) -> None:
    """Plan the order for the ERP and, as bytes, for the supplier."""
    told = document(document_key=KEY, content_hash="a", passes_to=passes_to)
    await scene.plan("m1", [told], [delivery(erp), delivery("hub-d", None, target="hub")])


async def sent_to_the_supplier(scene: Scene) -> None:
    await scene.accept("m1")
    await ordered_at_both(scene, "erp-1")
    await scene.deliver((await scene.claim_only(target="hub")).claim)


@pytest.mark.parametrize("passes_to", [BOUND, ()])
async def test_what_an_earlier_generation_sent_as_bytes_keeps_its_key(
    scene: Scene, passes_to: tuple[tuple[str, Role], ...]
) -> None:
    await sent_to_the_supplier(scene)
    await replay(scene)
    await ordered_at_both(scene, "erp-2", passes_to=passes_to)
    assert await scene.state("erp-1") is DeliveryState.SUPERSEDED

    await close(scene, "erp-2", "dismissed")

    assert await holder(scene) == "m1"


async def test_what_a_later_generation_sent_as_bytes_keeps_its_key(scene: Scene) -> None:
    await scene.accept("m1")
    await ordered_at_both(scene, "erp-1")
    await close(scene, "hub-d", "dismissed")
    await replay(scene, resend=True)
    again = [delivery("erp-2"), delivery("hub-2", None, target="hub")]
    await scene.plan("m1", [document(document_key=KEY, content_hash="a", passes_to=BOUND)], again)
    await scene.deliver((await scene.claim_only(target="hub")).claim)

    await close(scene, "erp-2", "dismissed")

    assert await holder(scene) == "m1"


async def test_bytes_of_an_earlier_generation_that_were_never_sent_keep_no_key(scene: Scene) -> None:
    await scene.accept("m1")
    await ordered_at_both(scene, "erp-1")
    await replay(scene)
    again = [delivery("erp-2"), delivery("hub-2", None, target="hub")]
    await scene.plan("m1", [document(document_key=KEY, content_hash="a", passes_to=BOUND)], again)
    assert await scene.state("hub-d") is DeliveryState.SUPERSEDED

    await close(scene, "erp-2", "dismissed")
    assert await holder(scene) == "m1"  # the supplier's may still go

    await close(scene, "hub-2", "dismissed")
    assert await holder(scene) is None


async def test_one_that_is_parked_after_it_waited_gives_its_key_back(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(document_key=KEY, content_hash="a", awaits=awaited(until=after(1)))])
    assert await holder(scene) == "m1"

    parked = document(document_key=KEY, content_hash="a", is_parked=True, findings=(finding(),))
    await scene.journal.plan_awaited("m1", parked, [], Expected(1), scene.now)

    assert await holder(scene) is None


async def test_a_closed_delivery_is_not_written_again_unless_told_to_resend(scene: Scene) -> None:
    await keyed_order(scene)
    await close(scene, "m1-d", "dismissed")
    for resend in (False, True):
        await replay(scene, resend=resend)
        again = delivery(f"again-{resend}", reference="REF-m1-d")
        await scene.plan("m1", [document()], [again])

    assert [view.delivery_id for view in await scene.journal.deliveries()] == ["m1-d", "again-True"]


async def test_an_order_placed_by_phone_is_written_again_to_be_created(scene: Scene) -> None:
    await keyed_order(scene)
    await close(scene, "m1-d", "placed_by_phone:REF")
    await replay(scene)
    await scene.plan("m1", [document()], [delivery("again", reference="REF-m1-d")])

    assert await scene.state("again") is DeliveryState.READY


async def test_a_closed_document_says_so_and_a_carried_one_takes_no_key(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(is_parked=True, findings=(finding(),))])
    await close(scene, "m1/0", "dismissed")
    (view,) = await scene.journal.documents(message_id="m1")
    assert view.plan.resolution == "dismissed"

    await replay(scene)
    await scene.plan("m1", [document(document_key=KEY, content_hash="a", resolution="dismissed")])
    assert await holder(scene) is None
    assert await scene.journal.exceptions() == []


async def test_a_plan_that_does_not_know_what_went_out_meanwhile_is_decided_again(scene: Scene) -> None:
    await keyed_order(scene)
    await replay(scene)
    claimed = await scene.claim_only()
    await scene.start(claimed.claim)

    unknowing = Expected(1, settled=frozenset())
    assert await scene.plan("m1", [document()], expected=unknowing) == Moved("settled")
    assert await scene.state("m1-d") is DeliveryState.ATTEMPTING

    knowing = Expected(1, settled=frozenset({"m1-d"}))
    assert isinstance(await scene.plan("m1", [document()], expected=knowing), Planned)


async def test_a_plan_that_does_not_know_what_was_closed_meanwhile_is_decided_again(scene: Scene) -> None:
    await keyed_order(scene)
    await replay(scene)
    await close(scene, "m1-d", "dismissed")

    assert await scene.plan("m1", [document()], expected=Expected(1, settled=frozenset())) == Moved("settled")


async def test_a_later_chunk_need_not_look_again(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0)], [delivery("d0", 0)])
    await replay(scene)
    unsent = Expected(1, settled=frozenset())
    first = await scene.plan("m1", [document(0)], expected=unsent, is_last=False)
    assert isinstance(first, Planned)

    assert await scene.state("d0") is DeliveryState.SUPERSEDED
    assert isinstance(await scene.plan("m1", [document(1)], expected=unsent), Planned)


async def test_a_broken_translation_holds_what_it_held(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("d1", unit=group())], is_last=False)
    await scene.plan("m1", parks=True, is_broken=True, findings=(finding("TRANSLATE-FAILED"),))
    assert await scene.state("d1") is DeliveryState.HELD
    assert await scene.claim() == []

    await close(scene, "m1", "dismissed")
    assert await scene.state("d1") is DeliveryState.VOID


async def test_what_a_broken_translation_held_is_planned_anew_by_a_retry(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("d1", unit=group())], is_last=False)
    await scene.plan("m1", parks=True, is_broken=True, findings=(finding("TRANSLATE-FAILED"),))
    await scene.journal.retry("m1", "ann", "mended", scene.now)
    await scene.plan("m1", [document()], [delivery("d2", unit=group())])

    assert await scene.state("d1") is DeliveryState.SUPERSEDED
    assert await scene.claim_ids() == ["d2"]


@pytest.mark.parametrize("is_followed", [True, False])
async def test_an_order_that_another_message_follows_is_not_taken_back(
    scene: Scene, is_followed: bool
) -> None:
    await scene.accept("m1")
    held = delivery("d1", unit=group())
    await scene.plan("m1", [document()], [held], opens=(entry("O-1"),), is_last=False)
    if is_followed:
        await scene.accept("m2")
        await scene.plan("m2", [document(document_type="acknowledgment")], [delivery("d2")])
    await scene.plan("m1", rejected_units=frozenset({group()}))

    assert [each.order_key for each in await scene.journal.orders()] == (["O-1"] if is_followed else [])


@pytest.mark.parametrize(
    "stage, side",
    [("cloud", Side.CLOUD), ("retired", Side.CLOUD), ("legacy", Side.LEGACY), ("canary", Side.LEGACY)],
)
async def test_an_undecided_order_placed_by_phone_is_on_the_side_of_its_stage(
    scene: Scene, stage: str, side: Side
) -> None:
    accepted = await scene.accept("m1")
    route = (await scene.journal.message(accepted.message_id)).route
    await scene.journal.declare_stages({route: (stage, "0")}, scene.now)
    await scene.plan("m1", [document(side=None, is_parked=True, findings=(finding(),))])
    await close(scene, "m1/0", "placed_by_phone:REF")

    assert [each.side for each in await scene.journal.orders()] == [side]
