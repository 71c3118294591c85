"""What was left out as a repeat of a call that was never sent: a person hears of it, in every journal."""

from __future__ import annotations

import pytest

from adapters.base import NoReply, Role, StepResult, Transient, TransientKind, Verdict
from gateway.journal.types import DeliveryState
from tests.gateway.journal.builders import Scene, after, delivery, document, finding, request, result

KEY = "purchase_order:1|HB|7||"
UNSENT = "DOCUMENT-REPEATS-UNSENT"


async def call_and_repeat(scene: Scene, **changes: object) -> None:
    """Take a call, then a file with the same document."""
    await scene.accept("call")
    own = document(document_key=KEY, content_hash="a", passes_to=(("erp", "pass_through"),))
    await scene.plan("call", [own], [delivery("call-d", None, role="pass_through")])
    await scene.accept("file")
    repeat = {"repeats": "call", "document_key": KEY, "content_hash": "a", "side": None, **changes}
    await scene.plan("file", [document(**repeat)])  # type: ignore[arg-type]


async def end_call(scene: Scene, step: StepResult | None = None) -> None:
    claimed = await scene.journal.claim_one("call-d", "w1", 60, scene.now, scene.monotonic)
    assert claimed is not None
    if step is not None:
        await scene.start(claimed.claim)
    await scene.settle(claimed.claim, DeliveryState.VOID, result=step, reason="its caller did not wait")


async def parked(scene: Scene) -> dict[str, list[str]]:
    """Give what waits for a person, with the codes of its findings."""
    found = await scene.journal.exceptions()
    return {each.exception_id: [one.code for one in each.findings] for each in found}


async def told(scene: Scene) -> list[tuple[bool, list[str]]]:
    """Give of each document of the file whether it is parked, and the codes of its findings."""
    views = await scene.journal.documents(message_id="file")
    return [(view.plan.is_parked, [each.code for each in view.plan.findings]) for view in views]


async def test_a_repeat_of_a_call_that_ended_unsent_is_parked(scene: Scene) -> None:
    await call_and_repeat(scene, findings=(finding("DOCUMENT-REPEATED"),))
    assert await parked(scene) == {}
    scene.later(5)

    await end_call(scene)

    assert await parked(scene) == {"file/0": [UNSENT, "DOCUMENT-REPEATED"]}
    (item,) = await scene.journal.exceptions()
    assert (item.kind, item.opened_at) == ("document", after(5))
    (view,) = await scene.journal.documents(message_id="file")
    assert (view.plan.is_parked, view.plan.repeats) == (True, "call")


async def test_so_is_one_of_a_call_that_a_dead_process_never_sent(scene: Scene) -> None:
    await call_and_repeat(scene)

    await scene.journal.recover(after(9))

    assert await parked(scene) == {"file/0": [UNSENT]}
    assert [each.opened_at for each in await scene.journal.exceptions()] == [after(9)]


async def test_so_is_one_of_a_call_whose_target_was_never_reached(scene: Scene) -> None:
    await call_and_repeat(scene)
    refused = Transient("connection refused", TransientKind.OUTAGE)
    unreached = StepResult(request(), NoReply("none", "connection refused"), refused, scene.now, scene.now)

    await end_call(scene, unreached)

    assert await parked(scene) == {"file/0": [UNSENT]}


async def test_one_of_a_call_that_legacy_may_have_taken_is_not(scene: Scene) -> None:
    await call_and_repeat(scene)

    await end_call(scene, result(outcome=Transient("status 500")))

    assert await parked(scene) == {}


async def test_one_that_was_the_same_by_its_control_number_alone_is_parked_too(scene: Scene) -> None:
    await call_and_repeat(scene, document_key=None, content_hash=None)

    await end_call(scene)

    assert await parked(scene) == {"file/0": [UNSENT]}


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": Verdict.REJECTED},
        {"resolution": "dismissed"},
        {"passes_to": (("mms", "live"),)},
        {"repeats": "another"},
    ],
)
async def test_one_that_goes_on_or_is_over_is_left_as_it_is(scene: Scene, changes: dict[str, object]) -> None:
    await call_and_repeat(scene, **changes)

    await end_call(scene)

    assert await told(scene) == [(False, [])]
    assert await parked(scene) == {}


async def test_one_that_is_parked_already_keeps_its_findings(scene: Scene) -> None:
    await call_and_repeat(scene, is_parked=True, findings=(finding("DOCUMENT-REPEATED"),))

    await end_call(scene)

    assert await parked(scene) == {"file/0": ["DOCUMENT-REPEATED"]}


async def test_one_that_another_message_has_brought_is_not_parked(scene: Scene) -> None:
    await scene.accept("other")
    other = document(0, "O-2", document_key="K-2", content_hash="b")
    await scene.plan("other", [other], [delivery("other-d", 0, "O-2")])
    await call_and_repeat(scene, document_key="K-2", content_hash="b")

    await end_call(scene)

    assert await told(scene) == [(False, [])]
    assert await parked(scene) == {}


async def test_a_copy_is_not_the_document_that_was_left_out(scene: Scene) -> None:
    role: Role = "shadow"
    await call_and_repeat(scene, passes_to=(("mms", role),))

    await end_call(scene)

    assert await parked(scene) == {"file/0": [UNSENT]}


async def test_a_set_of_the_call_itself_that_repeats_another_of_it_is_not_parked(scene: Scene) -> None:
    await scene.accept("call")
    own = document(document_key=KEY, content_hash="a", passes_to=(("erp", "pass_through"),))
    again = document(1, document_key=KEY, content_hash="a", repeats="call")
    await scene.plan("call", [own, again], [delivery("call-d", None, role="pass_through")])

    await end_call(scene)

    assert await parked(scene) == {}


async def test_a_generation_that_was_replaced_is_not_parked(scene: Scene) -> None:
    await call_and_repeat(scene)
    await scene.journal.replay("file", resend=False, who="ann", why="look", now=scene.now)

    await end_call(scene)

    assert await told(scene) == [(False, [])]
    assert await parked(scene) == {}


async def test_retried_it_is_planned_anew_and_holds_the_key(scene: Scene) -> None:
    await call_and_repeat(scene)
    await end_call(scene)

    assert await scene.journal.retry("file/0", "ann", "never sent", scene.now) == "translate"
    assert await parked(scene) == {}
    await scene.plan("file", [document(document_key=KEY, content_hash="a")], [delivery("file-d")])

    assert (await scene.journal.facts([], [KEY], [])).documents[KEY].message_id == "file"
    assert await scene.claim_ids() == ["file-d"]
