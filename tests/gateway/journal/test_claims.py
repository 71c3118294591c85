"""Claims: what can be leased, in which order and how many; leases that expire; claims that are stale."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway.journal.base import Journal, StaleClaimError
from gateway.journal.types import Claim, DeliveryState, Settled, Transmitter, Want
from tests.gateway.journal.builders import (
    ERP,
    LEASE_S,
    ROUTE,
    T0,
    Scene,
    after,
    alias,
    delivery,
    document,
    entry,
    origin,
    request,
    result,
)


async def test_a_claim_gives_all_that_is_needed_to_go_on(scene: Scene) -> None:
    await scene.accept("m1")
    told = document(0, "O-1", "O-2", document_key="K", is_urgent=True)
    planned = delivery("d1", 0, "O-1", is_urgent=True, content_type="application/json")
    await scene.plan("m1", [told], [planned], aliases={"O-2": (alias("PO-2"),)}, opens=(entry(),))

    claimed = await scene.claim_only()

    assert (claimed.message_id, claimed.route, claimed.target, claimed.role) == ("m1", ROUTE, ERP, "live")
    assert (claimed.reference, claimed.document_index, claimed.document) == ("REF-d1", 0, told.canonical)
    assert (claimed.content_type, claimed.origin, claimed.document_key) == ("application/json", origin(), "K")
    assert (claimed.order_keys, claimed.correlation_id, claimed.accepted_at) == (("O-1", "O-2"), "c-m1", T0)
    assert (claimed.is_urgent, claimed.attempts, claimed.first_attempt_at) == (True, 0, None)
    assert (claimed.is_in_doubt, claimed.steps, claimed.aliases) == (False, (), (alias("PO-2"),))
    assert claimed.sequence == (await scene.journal.message("m1")).sequence
    assert (claimed.claim.delivery_id, claimed.claim.worker) == ("d1", "w1")
    assert claimed.claim.expires_at == scene.monotonic + LEASE_S
    assert await scene.state("d1") is DeliveryState.CLAIMED


@pytest.mark.parametrize(
    ("index", "own_body", "sent"),
    [
        (0, b"<order/>", b"<order/>"),
        (0, None, b'{"number":"O-1"}'),
        (None, None, b"ISA m1"),
        (None, b"ISA", b"ISA"),
    ],
)
async def test_the_body_is_the_delivery_s_own_or_the_document_s_or_the_message_s(
    scene: Scene, index: int | None, own_body: bytes | None, sent: bytes
) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document()], [delivery("d1", index, body=own_body)])

    assert (await scene.claim_only()).body == sent


async def test_a_claimed_delivery_is_claimed_by_nobody_else(scene: Scene) -> None:
    await scene.order("m1")
    await scene.claim_only(worker="w1")

    assert await scene.claim_ids(worker="w2") == []


async def test_the_oldest_goes_first_and_no_more_than_there_are_slots(scene: Scene) -> None:
    for number in range(5):
        await scene.order(f"m{number}", f"O-{number}")

    assert await scene.claim_ids(2) == ["m0-d", "m1-d"]
    assert await scene.claim_ids(2) == ["m2-d", "m3-d"]
    assert await scene.claim_ids(0) == []


async def test_urgent_deliveries_go_before_older_ones(scene: Scene) -> None:
    await scene.order("m1", "O-1")
    await scene.order("m2", "O-2", is_urgent=True)
    await scene.order("m3", "O-3", is_urgent=True)

    assert await scene.claim_ids() == ["m2-d", "m3-d", "m1-d"]


async def test_an_urgent_delivery_never_waits_behind_a_batch_of_ten_thousand(scene: Scene) -> None:
    await scene.accept("batch")
    batch = range(10_000)
    await scene.plan(
        "batch",
        [document(index, f"O-{index}", canonical=b"{}") for index in batch],
        [delivery(f"b{index}", index, f"O-{index}") for index in batch],
    )
    assert len(await scene.claim_ids(8)) == 8

    await scene.order("rush", "O-rush", is_urgent=True)

    assert await scene.claim_ids(0, urgent_slots=1) == ["rush-d"]


async def test_the_reserve_on_top_of_the_slots_is_for_urgent_deliveries_only(scene: Scene) -> None:
    for number in range(4):
        await scene.order(f"m{number}", f"O-{number}")
    for number in range(4):
        await scene.order(f"u{number}", f"U-{number}", is_urgent=True)

    assert await scene.claim_ids(1, urgent_slots=2) == ["u0-d", "u1-d", "u2-d"]
    assert await scene.claim_ids(1, urgent_slots=2) == ["u3-d"]
    assert await scene.claim_ids(1, urgent_slots=2) == ["m0-d"]
    assert await scene.claim_ids(0, urgent_slots=2) == []


@pytest.mark.parametrize("transmitter", Transmitter)
async def test_a_claimed_delivery_tells_who_sends_its_order_to_the_supplier(
    scene: Scene, transmitter: Transmitter
) -> None:
    await scene.order("m1", opens=[entry(transmitter=transmitter)])

    assert (await scene.claim_only()).transmitter == transmitter


async def test_a_delivery_whose_order_the_ledger_does_not_know_tells_no_transmitter(scene: Scene) -> None:
    await scene.order("m1", "O-1", "O-2", opens=[entry("O-2")])
    await scene.accept("m2")
    await scene.plan("m2", deliveries=[delivery("ack", None, role="acknowledgment", lanes=())])

    assert [each.transmitter for each in await scene.claim()] == [None, None]


async def test_one_call_claims_for_several_targets(scene: Scene) -> None:
    await scene.order("m1", "O-1", target="sap")
    await scene.order("m2", "O-2", target="oracle")
    await scene.order("m3", "O-3", target="oracle")
    await scene.order("m4", "O-4", target="dynamics")

    wants = [Want("sap", 5), Want("oracle", 1)]
    claimed = await scene.journal.claim("w1", wants, LEASE_S, scene.now, scene.monotonic)

    assert sorted(each.claim.delivery_id for each in claimed) == ["m1-d", "m2-d"]


async def test_nothing_is_claimed_before_its_time(scene: Scene) -> None:
    await scene.order("m1", not_before=after(10))
    scene.later(9)
    assert await scene.claim_ids() == []

    scene.later(1)

    assert await scene.claim_ids() == ["m1-d"]


async def test_a_clock_that_goes_back_loses_no_delivery(scene: Scene) -> None:
    await scene.order("m1", not_before=after(10))
    await scene.order("m2", "O-2")
    scene.later(10)
    assert await scene.claim_ids(1) == ["m1-d"]
    await scene.order("m3", "O-3", not_before=after(10))
    assert await scene.claim_ids(0) == []

    scene.now = T0
    assert await scene.claim_ids() == ["m2-d"]

    scene.now = after(10)
    assert await scene.claim_ids() == ["m3-d"]


@pytest.mark.parametrize("state", [DeliveryState.READY, DeliveryState.WAITING, DeliveryState.IN_DOUBT])
async def test_what_was_put_off_is_claimed_when_it_is_due(scene: Scene, state: DeliveryState) -> None:
    await scene.order("m1")
    await scene.settle((await scene.claim_only()).claim, state, not_before=after(30), reason="throttled")
    assert await scene.claim_ids() == []

    scene.later(30)

    claimed = await scene.claim_only()
    assert claimed.is_in_doubt is (state is DeliveryState.IN_DOUBT)


async def test_the_next_due_time_is_that_of_the_earliest_waiting_delivery_of_these_targets(
    scene: Scene,
) -> None:
    await scene.order("m1", "O-1", not_before=after(50))
    await scene.order("m2", "O-2", not_before=after(40))
    await scene.order("m3", "O-3", target="sap", not_before=after(5))
    assert await scene.journal.next_due([ERP]) == after(40)
    assert await scene.journal.next_due([ERP, "sap"]) == after(5)
    assert await scene.journal.next_due(["oracle"]) is None

    scene.later(45)
    await scene.claim_only()

    assert await scene.journal.next_due([ERP]) == after(50)


@pytest.mark.parametrize("state", [DeliveryState.WAITING, DeliveryState.IN_DOUBT, DeliveryState.READY])
async def test_what_was_put_off_is_due_at_its_time(scene: Scene, state: DeliveryState) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    assert await scene.journal.next_due([ERP]) is None

    await scene.settle(claim, state, not_before=after(30))

    assert await scene.journal.next_due([ERP]) == after(30)


async def test_a_parked_delivery_is_never_due(scene: Scene) -> None:
    await scene.order("m1")

    await scene.settle((await scene.claim_only()).claim, DeliveryState.PARKED, not_before=after(30))

    assert await scene.journal.next_due([ERP]) is None


async def test_a_delivery_that_waits_for_its_lane_is_not_due(scene: Scene) -> None:
    await scene.order("m1", "O-1", not_before=after(50))
    await scene.order("m2", "O-1", not_before=after(5))

    assert await scene.journal.next_due([ERP]) == after(50)


# -- one delivery ----------------------------------------------------------------------------


async def test_one_delivery_is_claimed_by_its_id(scene: Scene) -> None:
    await scene.order("m1", role="pass_through")
    assert await scene.claim_ids() == []

    claimed = await scene.journal.claim_one("m1-d", "connection", LEASE_S, scene.now, scene.monotonic)

    assert claimed is not None
    assert (claimed.claim.delivery_id, claimed.role) == ("m1-d", "pass_through")


@pytest.mark.parametrize("obstacle", ["leased", "behind another", "not yet due", "parked", "done"])
async def test_one_delivery_is_not_claimed_where_it_cannot_be_claimed_now(
    scene: Scene, obstacle: str
) -> None:
    if obstacle == "behind another":
        await scene.order("m0")
    await scene.order("m1", not_before=after(9) if obstacle == "not yet due" else None)
    if obstacle in ("leased", "parked", "done"):
        claim = (await scene.claim_only()).claim
        if obstacle != "leased":
            await scene.settle(claim, DeliveryState(obstacle))

    claimed = await scene.journal.claim_one("m1-d", "w2", LEASE_S, scene.now, scene.monotonic)

    assert claimed is None


# -- leases ----------------------------------------------------------------------------------


async def test_an_expired_lease_without_an_attempt_is_claimed_again(scene: Scene) -> None:
    await scene.order("m1")
    first = await scene.claim_only(worker="w1")
    scene.later(LEASE_S - 1)
    assert await scene.claim_ids(worker="w2") == []

    scene.later(1)

    second = await scene.claim_only(worker="w2")
    assert (second.is_in_doubt, second.steps) == (False, ())
    assert second.claim.fence > first.claim.fence


async def test_an_expired_lease_with_an_attempt_is_in_doubt(scene: Scene) -> None:
    await scene.order("m1")
    first = await scene.claim_only(worker="w1")
    await scene.start(first.claim)

    scene.later(LEASE_S)

    second = await scene.claim_only(worker="w2")
    assert second.is_in_doubt
    (step,) = second.steps
    assert (step.request, step.reply, step.outcome, step.started_at) == (request(), None, None, T0)
    assert (second.attempts, second.first_attempt_at) == (0, T0)


async def test_a_delivery_in_doubt_stays_so_when_the_worker_that_was_to_look_it_up_dies(scene: Scene) -> None:
    await scene.order("m1")
    await scene.start((await scene.claim_only()).claim)
    scene.later(LEASE_S)
    assert (await scene.claim_only()).is_in_doubt

    scene.later(LEASE_S)

    assert (await scene.claim_only()).is_in_doubt


async def test_a_delivery_that_died_between_two_steps_is_not_in_doubt(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim, "stage")
    await scene.journal.step_done(claim, result("stage"), scene.now)

    scene.later(LEASE_S)

    claimed = await scene.claim_only()
    assert not claimed.is_in_doubt
    assert [step.step for step in claimed.steps] == ["stage"]


async def test_a_renewed_lease_lasts_longer(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    scene.later(LEASE_S - 1)

    renewed = await scene.journal.renew(claim, LEASE_S, scene.monotonic)
    scene.later(LEASE_S - 1)

    assert renewed.expires_at == claim.expires_at + LEASE_S - 1
    assert renewed.delivery_id == claim.delivery_id
    assert await scene.claim_ids(worker="w2") == []
    assert await scene.journal.still_mine(renewed, scene.monotonic)
    scene.later(1)
    assert await scene.claim_ids(worker="w2") == ["m1-d"]


async def test_a_claim_is_ours_until_its_lease_expires(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim

    assert await scene.journal.still_mine(claim, scene.monotonic + LEASE_S - 0.001)
    assert not await scene.journal.still_mine(claim, scene.monotonic + LEASE_S)


async def test_fences_grow_with_every_claim_of_a_delivery(scene: Scene) -> None:
    await scene.order("m1")
    fences = []
    for _ in range(4):
        claim = (await scene.claim_only()).claim
        fences.append(claim.fence)
        await scene.settle(claim, DeliveryState.READY)

    assert fences == sorted(set(fences))


async def test_an_expired_lease_that_nobody_took_over_may_still_be_settled(scene: Scene) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    await scene.start(claim)
    scene.later(LEASE_S * 2)

    await scene.settle(claim, DeliveryState.DONE, result=result(), reference="ERP-1")

    assert await scene.state("m1-d") is DeliveryState.DONE


Call = Callable[[Journal, Claim], Awaitable[object]]
CALLS: dict[str, Call] = {
    "attempt_started": lambda journal, claim: journal.attempt_started(claim, request(), T0),
    "renew": lambda journal, claim: journal.renew(claim, LEASE_S, 5_000.0),
    "step_done": lambda journal, claim: journal.step_done(claim, result(), T0),
    "settle": lambda journal, claim: journal.settle(claim, Settled(DeliveryState.DONE, result()), T0),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("how", ["taken over", "settled", "superseded", "recovered", "never given"])
async def test_a_stale_claim_can_change_nothing(scene: Scene, call: str, how: str) -> None:
    await scene.order("m1")
    claim = (await scene.claim_only(worker="w1")).claim
    match how:
        case "taken over":
            scene.later(LEASE_S)
            await scene.claim_only(worker="w1")
        case "settled":
            await scene.settle(claim, DeliveryState.WAITING, not_before=after(9))
        case "superseded":
            await scene.journal.replay("m1", resend=False, who="ann", why="mapping", now=T0)
            await scene.plan("m1", [document()], [delivery("d2")])
        case "recovered":
            await scene.journal.recover(scene.now)
        case "never given":
            claim = Claim("m1-d", "w1", claim.fence + 1, claim.expires_at)
    before = await scene.view("m1-d")

    with pytest.raises(StaleClaimError):
        await CALLS[call](scene.journal, claim)

    assert not await scene.journal.still_mine(claim, scene.monotonic)
    assert await scene.view("m1-d") == before
