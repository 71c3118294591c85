"""Planned changes, growing shares, and the way back that nobody has to be awake for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from adapters.base import Accepted, Outcome, Reply, StepResult, Transient
from gateway.compiling import declared_stages
from gateway.config import Configuration, load_text
from gateway.journal.comparisons import Approval, PlannedStage
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import DeliveryState, Settled, StageState
from gateway.stage_mover import StageMover
from tests.gateway.journal.builders import Scene, request
from tests.gateway.support import FakeClock

ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: mercy
  journal: "memory:"
  calendar: {freezes: [{from: "2026-01-20", to: "2026-01-21", why: year-end count}]}
endpoints:
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
  legacy: {kind: sftp_files, environment: test, folder: var/legacy}
  drop: {kind: sftp_files, environment: test, folder: var/in, pattern: "*.850", ready: rename}
routes:
  - id: orders_in
    from: {endpoint: drop, format: edi_x12, set: "850"}
    targets: {legacy: legacy, cloud: erp}
    stage: canary
    canary: {select: {facility: ["04"]}, share: 10%, ramp: {step: 5%, every: 1d, to: 20%}}
    losing_side: nothing
    ownership: {receiving: {at: owner}, matching: {at: owner}, on_order: none}
    gates:
      to_canary: {open_exceptions: 3, soak: 5bd, approve: [buyers]}
      to_cloud: {four_eyes: true}
      roll_back: {error_rate: 10%, over: 15m, least: 5, open_exceptions: 4, to: legacy}
"""


class Ground:
    def __init__(self) -> None:
        loaded = load_text(ROUTES)
        assert isinstance(loaded, Configuration), [str(each) for each in loaded]
        self.configuration = loaded
        self.clock = FakeClock()
        self.journal = MemoryJournal(clock=self.clock)
        self.moved: list[str] = []
        self.mover = StageMover(self.journal, lambda: self.configuration, self.clock, self.moved.append)
        self.scene = Scene(self.journal)

    async def look(self, days: float = 0) -> StageState:
        self.clock.elapsed_s += days * 86_400
        await self.mover.look()
        return (await self.journal.stages())["orders_in"]

    async def attempts(self, count: int, outcome: Outcome) -> None:
        for number in range(count):
            name = f"m{len(await self.journal.messages(limit=1_000))}-{number}"
            await self.scene.order(name, f"O-{name}")
            claimed = await self.scene.claim_only()
            now = self.clock.now()
            await self.journal.attempt_started(claimed.claim, request(), now)
            result = StepResult(request(), Reply(200), outcome, now, now + timedelta(seconds=1))
            await self.journal.settle(claimed.claim, Settled(DeliveryState.DONE, result), now)

    async def planned(self, stage: str, hours: float, **changes: object) -> None:
        at = self.clock.now() + timedelta(hours=hours)
        made = PlannedStage("orders_in", stage, None, at, "ann", "cut-over", "canary")
        await self.journal.plan_stage(replace(made, **changes), self.clock.now())  # type: ignore[arg-type]

    async def approve(self, who: str, stage: str = "cloud") -> None:
        made = Approval("orders_in", stage, "buyers", who, "fine", self.clock.now())
        await self.journal.approve(made)


@pytest_asyncio.fixture
async def ground() -> AsyncIterator[Ground]:
    made = Ground()
    await made.journal.declare_stages(declared_stages(made.configuration), made.clock.now())
    await made.journal.load_configuration("x", "sha", "ann", made.clock.now())
    yield made


async def test_a_share_grows_a_step_a_day_to_its_end_and_each_step_is_audited(ground: Ground) -> None:
    shares = [(await ground.look(days)).share_percent for days in (0.5, 0.5, 0, 1, 1, 1)]

    assert shares == ["10", "15", "15", "20", "20", "20"]
    told = [
        (each.who, each.detail["share_percent"])
        for each in await ground.journal.audit()
        if each.action == "routes.set"
    ]
    assert told == [("ramp", "15"), ("ramp", "20")]
    assert ground.moved == ["orders_in", "orders_in"]


async def test_a_share_stands_still_while_a_gate_is_shut_or_a_freeze_holds(ground: Ground) -> None:
    for number in range(4):
        await ground.scene.order(f"p{number}", f"O-{number}")
        await ground.scene.park((await ground.scene.claim_only()).claim)
    held = await ground.look(2)
    for each in await ground.journal.exceptions():
        await ground.journal.resolve(each.exception_id, "dismissed", "ann", "x", ground.clock.now())
    grown = await ground.look()
    frozen = await ground.look(16)  # 2026-01-20
    thawed = await ground.look(2)

    assert [each.share_percent for each in (held, grown, frozen, thawed)] == ["10", "15", "15", "20"]


async def test_a_canary_whose_errors_pass_the_limit_goes_back_by_itself_once(ground: Ground) -> None:
    await ground.attempts(9, Accepted("ERP-1"))
    fine = await ground.look()
    await ground.attempts(2, Transient("500"))
    back = await ground.look()
    still = await ground.look(2)

    assert (fine.stage, back.stage, still.stage) == ("canary", "legacy", "legacy")
    assert back.changed_by == "roll_back"
    assert "error_rate: 18.18% of 11 attempts failed over 15m; at most 10% may" in back.why
    assert ground.moved == ["orders_in"]


async def test_errors_of_yesterday_and_too_few_of_today_send_nothing_back(ground: Ground) -> None:
    await ground.attempts(9, Transient("500"))
    ground.clock.elapsed_s += 3_600
    await ground.attempts(4, Transient("500"))

    assert (await ground.look()).stage == "canary"


async def test_a_planned_change_happens_at_its_time_and_not_before(ground: Ground) -> None:
    await ground.planned("cloud", 6)
    await ground.approve("bob")
    before = await ground.look(0.2)
    after = await ground.look(0.1)

    assert (before.stage, after.stage, after.changed_by) == ("canary", "cloud", "schedule")
    assert "planned by ann" in after.why
    assert await ground.journal.planned_stages() == []


async def test_a_planned_change_is_held_where_a_gate_is_shut_and_says_which(ground: Ground) -> None:
    await ground.planned("cloud", 1)
    await ground.approve("ann")  # who planned it: these are the same two eyes

    assert (await ground.look(1)).stage == "canary"
    (held,) = await ground.journal.planned_stages()
    assert held.held == "gate to_cloud.four_eyes: somebody other than ann must approve"
    assert (await ground.look(1)).stage == "canary"


async def test_a_planned_change_is_held_where_somebody_moved_the_route_meanwhile(ground: Ground) -> None:
    await ground.planned("cloud", 1)
    await ground.journal.set_stage(
        "orders_in", "canary", "legacy", "0", "bob", "ERP slow", ground.clock.now()
    )

    assert (await ground.look(1)).stage == "legacy"
    (held,) = await ground.journal.planned_stages()
    assert held.held == "the route is in stage legacy, not canary: bob changed it (ERP slow)"


async def test_a_held_plan_goes_where_its_route_was_retired_meanwhile(ground: Ground) -> None:
    await ground.planned("cloud", 1)
    await ground.journal.set_stage("orders_in", "canary", "legacy", "0", "bob", "slow", ground.clock.now())
    await ground.look(1)
    await ground.journal.set_stage("orders_in", "legacy", "retired", "0", "bob", "over", ground.clock.now())

    await ground.look()

    assert await ground.journal.planned_stages() == []
    last = (await ground.journal.audit())[-1]
    assert (last.action, last.why) == ("routes.unschedule", "the route is retired")


async def test_a_planned_change_into_a_freeze_is_held_and_the_way_back_is_not(ground: Ground) -> None:
    await ground.approve("bob")
    await ground.planned("cloud", 18 * 24)
    assert (await ground.look(18)).stage == "canary"
    (held,) = await ground.journal.planned_stages()
    assert "frozen until the end of 2026-01-21: year-end count" in held.held

    await ground.planned("legacy", 0)

    assert (await ground.look()).stage == "legacy"


async def test_a_change_that_was_made_before_a_crash_is_not_made_again(ground: Ground) -> None:
    await ground.approve("bob")
    await ground.planned("cloud", 0)
    await ground.journal.set_stage("orders_in", "canary", "cloud", "10", "schedule", "x", ground.clock.now())

    assert (await ground.look()).revision == 2
    assert await ground.journal.planned_stages() == []


async def test_what_breaks_for_one_route_keeps_no_other_where_it_is(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(ground.mover, "_rolled_back", breaks)
    await ground.approve("bob")
    await ground.planned("cloud", 0)

    assert (await ground.look()).stage == "cloud"
