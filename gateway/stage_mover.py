"""Moves routes without a person at the keyboard: planned stage changes, growing shares, and back at once.

Each look does three things, in this order: a canary whose limits break goes back, what is planned and due
happens or is held with its reason, a share grows where its time has come and all is well. Every one of
them is an ordinary, audited stage change, for new orders only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from adapters.base import Clock, Level
from gateway.config import Configuration, Route, stage_findings_of
from gateway.config.catalogue import installed
from gateway.journal.base import Journal, JournalBusyError, JournalError, StaleStageError, UnknownError
from gateway.journal.comparisons import PlannedStage
from gateway.journal.types import ROLL_BACK, StageState
from gateway.readiness import broken_limits, failing, is_forward, judge, next_share, passed_gates
from gateway.readiness_facts import card_of, limits_card
from gateway.stage import Stage

log = logging.getLogger("legacy_bridge.stage_mover")

LOOK_S = 5.0


class StageMover:
    """The loop. ``changed`` is told of every route that moved."""

    def __init__(
        self,
        journal: Journal,
        configuration: Callable[[], Configuration],
        clock: Clock,
        changed: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._configuration = configuration
        self._clock = clock
        self._changed = changed

    async def run(self) -> None:
        """Look until cancelled. Errors: JournalError, which must end the process."""
        while True:
            try:
                await self.look()
            except JournalBusyError:
                log.warning("stage_mover.journal_busy looked again later")
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Look once. What breaks for one route keeps no other where it is."""
        configuration = self._configuration()
        stages = await self._journal.stages()
        for name, route in configuration.routes.items():
            state = stages.get(name)
            if state is not None and state.stage == Stage.CANARY.value:
                await self._safely(name, self._canary(configuration, route, state))
        for planned in await self._journal.planned_stages():
            if planned.held and _is_over(planned, stages.get(planned.route)):
                why = "the route is retired"
                await self._journal.unplan_stage(planned.route, "schedule", why, self._clock.now())
            elif planned.at <= self._clock.now() and not planned.held:
                await self._safely(planned.route, self._carry_out(configuration, planned))

    async def _safely(self, route: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (JournalError, JournalBusyError):
            raise
        except Exception:
            log.exception("stage_mover.failed route=%s", route)

    async def _canary(self, configuration: Configuration, route: Route, state: StageState) -> None:
        if not await self._rolled_back(configuration, route, state):
            await self._ramped(configuration, route, state)

    async def _rolled_back(self, configuration: Configuration, route: Route, state: StageState) -> bool:
        limits = route.gates.roll_back
        if limits is None:
            return False
        card = await limits_card(self._journal, configuration, route, state, self._clock.now())
        broken = broken_limits(limits, card)
        if not broken:
            return False
        log.error("route.rolled_back route=%s to=%s limits=%d", route.id, limits.to, len(broken))
        return await self._moved(state, limits.to, state.share_percent, ROLL_BACK, "; ".join(broken))

    async def _ramped(self, configuration: Configuration, route: Route, state: StageState) -> None:
        ramp = route.canary.ramp if route.canary is not None else None
        if ramp is None or Decimal(state.share_percent) >= ramp.to:
            return
        card = await card_of(self._journal, configuration, route, state, self._clock.now())
        share = next_share(ramp, card)
        if share is None or card.planned is not None:
            return  # a person's plan goes before
        gates = passed_gates(route.gates, Stage.CANARY, Stage.CANARY, raises_share=True)
        # A share that grows each day cannot wait out a stage's soak each time: the ramp's own time counts.
        judged = [one for name, gate in gates for one in judge(name, gate, card, Stage.CANARY.value, "ramp")]
        shut = [
            each for each in failing(judged) if not each.name.endswith((".soak", ".approve", ".four_eyes"))
        ]
        if shut:
            log.warning("route.ramp_held route=%s gate=%s", route.id, shut[0].name)
            return
        why = f"grows by {ramp.step:f}% every {ramp.every} while all is well"
        await self._moved(state, Stage.CANARY.value, f"{share.normalize():f}", "ramp", why)

    async def _carry_out(self, configuration: Configuration, planned: PlannedStage) -> None:
        now = self._clock.now()
        route = configuration.routes.get(planned.route)
        state = (await self._journal.stages()).get(planned.route)
        if route is None or state is None:
            await self._journal.hold_stage(planned.route, "the route is not declared any more", now)
            return
        share = planned.share_percent or state.share_percent
        if state.stage == planned.stage and Decimal(state.share_percent) == Decimal(share):
            await self._journal.unplan_stage(planned.route, "schedule", "it is so already", now)
            return
        held = await self._held(configuration, route, state, planned)
        if held:
            log.error("route.schedule_held route=%s stage=%s", planned.route, planned.stage)
            await self._journal.hold_stage(planned.route, held, now)
            return
        why = f"planned by {planned.who} for {planned.at:%Y-%m-%d %H:%M}Z: {planned.why}"
        if await self._moved(state, planned.stage, share, "schedule", why):
            await self._journal.unplan_stage(planned.route, "schedule", "done", now)

    async def _held(
        self, configuration: Configuration, route: Route, state: StageState, planned: PlannedStage
    ) -> str:
        """Say why a planned change must not happen; "" where it may."""
        if state.stage != planned.expected:
            return (
                f"the route is in stage {state.stage}, not {planned.expected}: {state.changed_by} changed it "
                f"({state.why})"
            )
        wanted, current = Stage(planned.stage), Stage(state.stage)
        raises = planned.share_percent is not None and Decimal(planned.share_percent) > Decimal(
            state.share_percent
        )
        findings = [
            each
            for each in stage_findings_of(configuration, route.id, wanted, installed())
            if each.level is not Level.NOTE
        ]
        if findings:
            return f"the configuration does not allow it: {findings[0].text}"
        card = await card_of(self._journal, configuration, route, state, self._clock.now())
        if is_forward(current, wanted, raises) and card.frozen is not None:
            return f"frozen until the end of {card.frozen.last}: {card.frozen.why}"
        gates = passed_gates(route.gates, current, wanted, raises)
        shut = failing(
            [one for name, gate in gates for one in judge(name, gate, card, planned.stage, planned.who)]
        )
        return "; ".join(f"gate {each.name}: {each.text}" for each in shut)

    async def _moved(self, state: StageState, stage: str, share: str, who: str, why: str) -> bool:
        try:
            await self._journal.set_stage(state.route, state.stage, stage, share, who, why, self._clock.now())
        except (StaleStageError, UnknownError):
            return False  # a person was faster: what they decided holds
        log.warning("route.moved route=%s from=%s to=%s by=%s", state.route, state.stage, stage, who)
        self._changed(state.route)
        return True


def _is_over(planned: PlannedStage, state: StageState | None) -> bool:
    """Tell whether a plan is about a route that was retired since: nobody waits for it any more."""
    retired = Stage.RETIRED.value
    return state is not None and state.stage == retired and planned.expected != retired
