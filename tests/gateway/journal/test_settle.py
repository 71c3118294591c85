"""Attempts, steps, and what a step comes to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.base import (
    Accepted,
    Effect,
    InDoubt,
    NoReply,
    Outcome,
    Rejected,
    Reply,
    Request,
    StepResult,
    Transient,
    TransientKind,
)
from gateway.journal.base import Journal
from gateway.journal.types import DeliveryState
from tests.gateway.journal.builders import (
    LEASE_S,
    T0,
    Scene,
    after,
    alias,
    delivery,
    document,
    entry,
    finding,
    in_doubt,
    request,
    result,
)

OUTCOMES: list[Outcome] = [
    Accepted("ERP-7", (alias("4500001", line="1", line_number="10"),)),
    Accepted(),
    Transient("503", TransientKind.OUTAGE, 12.5),
    Transient("500"),
    Rejected((finding("ERP-422"), finding("ERP-PRICE"))),
    InDoubt("no reply after 30 s"),
]


async def test_the_request_is_written_down_before_it_is_sent(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    frozen = Request("create", Effect.WRITE, "POST", "/po?a=1", b"\x00\xff\n", (("A", "b"), ("A", "c")), 12.5)

    await scene.journal.attempt_started(claim, frozen, after(3))

    view = await scene.view("m1-d")
    assert view.state is DeliveryState.ATTEMPTING
    assert view.steps == (StepResult(frozen, None, None, after(3)),)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: repr(outcome)[:30])
@pytest.mark.parametrize(
    "reply",
    [
        None,
        Reply(207, b"\x00<r/>\n", (("X", "1"),)),
        NoReply("maybe", "reset"),
        NoReply("none", "x", "credential"),
    ],
    ids=["none", "reply", "no reply", "credential"],
)
async def test_a_step_is_kept_as_it_was(
    scene: Scene, outcome: Outcome, reply: Reply | NoReply | None
) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim)
    step = StepResult(request(), reply, outcome, T0, after(1))

    await scene.settle(claim, DeliveryState.WAITING, result=step)

    assert (await scene.view("m1-d")).steps == (step,)
    assert (await scene.claim_only()).steps == (step,)


async def test_done_is_written_with_the_target_s_number_and_ends_the_delivery(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim)
    scene.later(2)

    await scene.settle(claim, DeliveryState.DONE, result=result(), reference="4500001", reason="created")

    view = await scene.view("m1-d")
    assert (view.state, view.target_reference, view.reason) == (DeliveryState.DONE, "4500001", "created")
    assert view.ended_at == scene.now
    assert await scene.claim_ids() == []


async def test_aliases_are_written_with_done_under_every_order_of_the_delivery(scene: Scene) -> None:
    await scene.order("m1", "O-1", "O-2", opens=[entry("O-1"), entry("O-2")])
    named = (alias("4500001"), alias("4500001", line="1", line_number="10"))

    await scene.deliver((await scene.claim_only()).claim, aliases=named)

    for order_key in ("O-1", "O-2"):
        assert set(await scene.journal.aliases(order_key)) == {
            ("erp", "4500001", "", ""),
            ("erp", "4500001", "1", "10"),
        }
    facts = await scene.journal.facts([], [], ["4500001", "PO-9"])
    assert set(facts.resolved["4500001"]) == {"O-1", "O-2"}
    assert "PO-9" not in facts.resolved


async def test_later_deliveries_of_an_order_are_given_its_aliases(scene: Scene) -> None:
    await scene.order("m1")
    await scene.order("m2")
    await scene.deliver((await scene.claim_only()).claim, aliases=(alias("4500001"),))

    assert (await scene.claim_only()).aliases == (replace(alias("4500001"), target="erp"),)


@pytest.mark.parametrize("state", [DeliveryState.WAITING, DeliveryState.PARKED])
async def test_aliases_are_not_written_without_done(scene: Scene, state: DeliveryState) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim)

    await scene.settle(claim, state, result=result(), aliases=(alias("4500001"),))

    assert await scene.journal.aliases("O-1") == ()


async def test_parked_keeps_its_findings_for_a_person(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim)
    found = (finding("ERP-422"), replace(finding("ERP-PRICE"), value=None, facts={"line": "3"}))

    await scene.settle(claim, DeliveryState.PARKED, result=result(), findings=found, reason="refused")

    view = await scene.view("m1-d")
    assert (view.state, view.findings, view.reason) == (DeliveryState.PARKED, found, "refused")
    assert await scene.claim_ids() == []


async def test_a_wait_begins_no_step(scene: Scene) -> None:
    await scene.order("m1")

    await scene.settle(
        (await scene.claim_only()).claim, DeliveryState.WAITING, not_before=after(5), reason="breaker open"
    )

    view = await scene.view("m1-d")
    assert (view.state, view.not_before, view.reason) == (DeliveryState.WAITING, after(5), "breaker open")
    assert (view.steps, view.attempts) == ((), 0)


async def test_an_attempt_counts_only_where_it_was_spent(scene: Scene) -> None:
    await scene.order("m1")
    counted = []
    for is_spent in (True, False, True):
        claimed = await scene.claim_only()
        counted.append(claimed.attempts)
        await scene.start(claimed.claim)
        await scene.settle(claimed.claim, DeliveryState.WAITING, result=result(), spends_attempt=is_spent)

    assert counted == [0, 1, 1]
    assert (await scene.view("m1-d")).attempts == 2


async def test_the_first_attempt_s_time_stays(scene: Scene) -> None:
    await scene.order("m1")
    for _ in range(2):
        claim = (await scene.claim_only()).claim
        await scene.start(claim)
        await scene.settle(claim, DeliveryState.WAITING, result=result())
        scene.later(5)

    assert (await scene.claim_only()).first_attempt_at == T0


async def test_ready_can_be_claimed_again_at_once_with_the_step_that_was_done(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim, "look_up")

    await scene.settle(claim, DeliveryState.READY, result=result("look_up"))

    claimed = await scene.claim_only(worker="w2")
    assert [step.step for step in claimed.steps] == ["look_up"]
    assert not claimed.is_in_doubt


async def test_a_series_of_steps_keeps_its_claim(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    for step in ("look_up", "create"):
        await scene.start(claim, step)
        await scene.journal.step_done(claim, result(step), scene.now)
        assert await scene.journal.still_mine(claim, scene.monotonic)
        assert await scene.claim_ids(worker="w2") == []

    await scene.start(claim, "submit")
    await scene.settle(claim, DeliveryState.DONE, result=result("submit"), reference="1")

    view = await scene.view("m1-d")
    assert [step.step for step in view.steps] == ["look_up", "create", "submit"]
    assert all(isinstance(step.outcome, Accepted) for step in view.steps)


async def test_a_finished_series_is_settled_without_a_further_step(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim, "look_up")
    await scene.journal.step_done(claim, result(), scene.now)

    await scene.settle(claim, DeliveryState.DONE, reference="1")

    assert len((await scene.view("m1-d")).steps) == 1


async def test_a_step_that_was_never_heard_of_stays_beside_its_look_up(scene: Scene) -> None:
    await scene.order("m1")
    await scene.start((await scene.claim_only()).claim)
    scene.later(LEASE_S)
    claim = (await scene.claim_only()).claim
    await scene.start(claim, "look_up")

    await scene.settle(claim, DeliveryState.READY, result=result("look_up"))

    steps = (await scene.claim_only()).steps
    assert [(step.step, step.is_in_doubt) for step in steps] == [("create", True), ("look_up", False)]


async def test_a_result_without_a_written_beginning_is_a_step_of_its_own(scene: Scene) -> None:
    await scene.order("m1", role="shadow")
    rendered = StepResult(request(), NoReply("none", "shadow: not sent"), Accepted(), T0, T0)

    await scene.settle((await scene.claim_only()).claim, DeliveryState.DONE, result=rendered)

    assert (await scene.view("m1-d")).steps == (rendered,)


async def test_in_doubt_is_looked_up_at_its_time(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim)

    await scene.settle(claim, DeliveryState.IN_DOUBT, result=in_doubt(), not_before=after(20))

    assert await scene.state("m1-d") is DeliveryState.IN_DOUBT
    assert await scene.claim_ids() == []
    scene.later(20)
    claimed = await scene.claim_only()
    assert claimed.is_in_doubt
    assert claimed.steps == (in_doubt(),)


async def test_what_was_said_of_an_earlier_wait_is_forgotten_with_the_next_settlement(scene: Scene) -> None:
    await scene.order("m1")
    await scene.settle((await scene.claim_only()).claim, DeliveryState.WAITING, reason="outage")

    await scene.settle((await scene.claim_only()).claim, DeliveryState.DONE, reference="1")

    view = await scene.view("m1-d")
    assert (view.reason, view.not_before, view.findings) == ("", None, ())


@pytest.mark.parametrize(
    "state",
    sorted(set(DeliveryState) - {"ready", "waiting", "in_doubt", "parked", "done"}),
)
async def test_nothing_is_settled_into_a_state_that_is_not_a_worker_s_to_give(
    scene: Scene, state: DeliveryState
) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim

    with pytest.raises(ValueError, match=state):
        await scene.settle(claim, state)

    assert await scene.state("m1-d") is DeliveryState.CLAIMED


async def test_a_delivery_of_no_document_writes_aliases_under_its_lanes(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("raw", None, "O-1", body=b"ISA")])

    await scene.deliver((await scene.claim_only()).claim, aliases=(alias("4500001"),))

    assert await scene.journal.aliases("O-1") == (("erp", "4500001", "", ""),)


async def test_a_passed_through_call_that_was_never_sent_is_void_and_frees_its_lanes(scene: Scene) -> None:
    await scene.order("m1", role="pass_through")
    await scene.order("m2")
    own = await scene.journal.claim_one("m1-d", "connection", LEASE_S, scene.now, scene.monotonic)
    assert own is not None
    await scene.start(own.claim)

    await scene.settle(own.claim, DeliveryState.VOID, result=result(), reason="never sent")

    view = await scene.view("m1-d")
    assert (view.state, view.reason, view.ended_at) == (DeliveryState.VOID, "never sent", scene.now)
    assert await scene.claim_ids() == ["m2-d"]


async def test_names_that_a_reply_told_are_kept_with_the_step_though_the_order_is_only_half_done(
    journal: Journal,
) -> None:
    scene = Scene(journal)
    await scene.order("m1", opens=(entry(),))
    claim = (await scene.claim_only()).claim
    names = (alias("4500001"), alias("4500001", line="2", line_number="20"))
    await scene.start(claim)
    await journal.step_done(claim, result(outcome=Accepted("4500001", names)), scene.now)
    await scene.start(claim, "submit")
    await scene.park(claim, result("submit", Rejected((finding("ERP-422"),))))

    assert set(await journal.aliases("O-1")) == {("erp", "4500001", "", ""), ("erp", "4500001", "2", "20")}
