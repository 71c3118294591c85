"""Control numbers of envelopes: repeats are seen, acknowledgments find what they are about."""

from __future__ import annotations

import pytest

from adapters.base import Verdict
from gateway.journal.base import RefusedError, UnknownError
from gateway.journal.types import Acknowledged, ControlNumber, Expected, KnownControl, Moved, Planned
from tests.gateway.journal.builders import Scene, after, delivery, document

RECEIVED = "GS06/PO/MERCY/HUB/101"
OURS = "GS06/PO/MERCY/HUB/700"
OUR_INTERCHANGE = "ISA13/ZZ/MERCY/ZZ/HUB/700"


async def known(scene: Scene, key: str) -> KnownControl | None:
    return (await scene.journal.facts((), (), (), (key,))).controls.get(key)


async def receive(scene: Scene, message_id: str = "m1", *, is_taken: bool = True) -> Planned | Moved:
    await scene.accept(message_id)
    return await scene.plan(message_id, [document()], controls=(ControlNumber(RECEIVED, is_taken),))


async def send(scene: Scene, message_id: str = "m1") -> None:
    """Plan and deliver one envelope of ours that must be acknowledged within a minute."""
    await scene.accept(message_id)
    numbers = (
        ControlNumber(OUR_INTERCHANGE, delivery_id="d1"),
        ControlNumber(OURS, delivery_id="d1", due_at=after(60)),
    )
    await scene.plan(message_id, [document()], [delivery("d1", None, body=b"ISA")], controls=numbers)
    await scene.deliver((await scene.claim_only()).claim)


async def test_a_number_that_came_in_is_known_with_who_brought_it(scene: Scene) -> None:
    assert await known(scene, RECEIVED) is None
    await receive(scene)

    found = await known(scene, RECEIVED)
    assert found is not None
    assert (found.message_id, found.is_taken, found.delivery_id) == ("m1", True, None)
    assert not found.is_answered


async def test_the_first_message_keeps_a_number(scene: Scene) -> None:
    await receive(scene, "m1")
    await receive(scene, "m2")

    found = await known(scene, RECEIVED)
    assert found is not None
    assert found.message_id == "m1"


async def test_a_number_of_which_nothing_was_taken_goes_to_the_next_message(scene: Scene) -> None:
    await receive(scene, "m1", is_taken=False)
    await receive(scene, "m2")
    await receive(scene, "m3")

    found = await known(scene, RECEIVED)
    assert found is not None
    assert (found.message_id, found.is_taken) == ("m2", True)


async def test_a_plan_that_saw_a_number_free_is_refused_once_it_is_taken(scene: Scene) -> None:
    await receive(scene, "m1")
    await scene.accept("m2")
    stale = Expected(1, controls={RECEIVED: None})

    assert await scene.plan("m2", [document()], expected=stale) == Moved("control number")
    fresh = Expected(1, controls={RECEIVED: "m1"})
    assert isinstance(await scene.plan("m2", [document()], expected=fresh), Planned)


async def test_a_message_that_the_gateway_acknowledged_is_known_as_answered(scene: Scene) -> None:
    await scene.accept("m1")
    answer = delivery("a1", None, role="acknowledgment", lanes=(), body=b"ISA 997")
    await scene.plan("m1", [document()], [answer], controls=(ControlNumber(RECEIVED),))

    found = await known(scene, RECEIVED)
    assert found is not None
    assert found.is_answered


async def test_an_acknowledgment_is_written_to_the_number_that_it_names(scene: Scene) -> None:
    await send(scene)
    await scene.accept("m2")
    await scene.plan("m2", acknowledged=(Acknowledged(OURS, Verdict.ACCEPTED_WITH_ERRORS),))

    found = await known(scene, OURS)
    assert found is not None
    assert (found.verdict, found.target) == (Verdict.ACCEPTED_WITH_ERRORS, "erp")


async def test_a_number_that_came_in_takes_no_acknowledgment(scene: Scene) -> None:
    await receive(scene)
    await scene.accept("m2")
    await scene.plan("m2", acknowledged=(Acknowledged(RECEIVED, Verdict.ACCEPTED),))

    found = await known(scene, RECEIVED)
    assert found is not None
    assert found.verdict is None


async def test_what_is_not_acknowledged_in_time_is_an_exception_of_its_route(scene: Scene) -> None:
    await send(scene)

    assert await scene.journal.mark_unacknowledged(after(59)) == 0
    assert await scene.journal.exceptions() == []
    assert await scene.journal.mark_unacknowledged(after(61)) == 1
    assert await scene.journal.mark_unacknowledged(after(62)) == 0
    (item,) = await scene.journal.exceptions(route="orders_in")
    assert (item.exception_id, item.kind, item.message_id) == ("d1.997", "acknowledgment", "m1")
    assert (item.target, item.partner, item.opened_at) == ("erp", "MERCY", after(61))
    assert [finding.code for finding in item.findings] == ["ACK-MISSING"]
    assert await scene.journal.exceptions(route="other") == []
    assert await scene.journal.exception_counts("orders_in") == {("850",): 1}


async def test_what_is_not_delivered_yet_owes_no_acknowledgment(scene: Scene) -> None:
    await scene.accept("m1")
    numbers = (ControlNumber(OURS, delivery_id="d1", due_at=after(60)),)
    await scene.plan("m1", [document()], [delivery("d1", None, body=b"ISA")], controls=numbers)

    assert await scene.journal.mark_unacknowledged(after(61)) == 0
    await scene.deliver((await scene.claim_only()).claim)
    assert await scene.journal.mark_unacknowledged(after(61)) == 1


@pytest.mark.parametrize(
    ("key", "verdict", "closes"),
    [
        (OURS, Verdict.REJECTED, True),
        (OUR_INTERCHANGE, Verdict.REJECTED, True),  # TA1: nothing in it was read
        (OUR_INTERCHANGE, Verdict.ACCEPTED, False),  # the envelope alone: its groups are still owed
    ],
)
async def test_a_late_acknowledgment_closes_the_exception(
    scene: Scene, key: str, verdict: Verdict, closes: bool
) -> None:
    await send(scene)
    await scene.journal.mark_unacknowledged(after(61))
    await scene.accept("m2")
    await scene.plan("m2", acknowledged=(Acknowledged(key, verdict),))

    assert (await scene.journal.exceptions() == []) is closes


async def test_a_missing_acknowledgment_is_resolved_audited_and_not_retried(scene: Scene) -> None:
    await send(scene)
    await scene.journal.mark_unacknowledged(after(61))

    with pytest.raises(RefusedError, match="--resend"):
        await scene.journal.retry("d1.997", "ann", "again", after(70))
    await scene.journal.resolve("d1.997", "dismissed", "ann", "they called", after(70))
    assert await scene.journal.exceptions() == []
    assert (await scene.journal.audit())[-1].subject == "d1.997"
    with pytest.raises(UnknownError):
        await scene.journal.resolve("d1.997", "dismissed", "ann", "twice", after(71))


async def test_numbers_are_forgotten_with_the_other_keys_of_settled_messages(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", controls=(ControlNumber(RECEIVED),))
    await scene.journal.prune(after(100), after(-1), after(50), after(-1), 100)

    assert await known(scene, RECEIVED) is None


async def test_an_open_exception_keeps_its_number(scene: Scene) -> None:
    await send(scene)
    await scene.journal.mark_unacknowledged(after(61))
    await scene.journal.prune(after(100), after(-1), after(90), after(-1), 100)

    assert [each.exception_id for each in await scene.journal.exceptions()] == ["d1.997"]
