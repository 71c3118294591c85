"""A question's two answers side by side, and on the readiness card."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

from adapters.base import Finding, Position, Reply, StepResult
from adapters.base.facade import Facade
from gateway.journal.comparisons import Comparison, ComparisonState
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import DeliveryState, Settled
from gateway.query_comparing import PATIENCE, Comparing
from tests.gateway.journal.builders import Scene, delivery, document, request, result
from tests.gateway.support import FakeClock


class Reading:
    """A facade that finds one field to differ where the bodies do."""

    def compare(self, route: str, legacy: Reply, cloud: Reply) -> tuple[Finding, ...]:
        if legacy.body == cloud.body:
            return ()
        return (Finding("SHADOW-DIFFERS", Position("CheckBudget", path="Available"), "says something else"),)


class Desk:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.journal = MemoryJournal(clock=self.clock)
        self.scene = Scene(self.journal, now=self.clock.now())
        self.comparing = Comparing(self.journal, self.clock, lambda route: cast(Facade, Reading()))

    async def asked(self, legacy: Reply | None, cloud: bytes) -> Settled:
        """Let a question be asked on both sides; give how the shadow is settled."""
        await self.scene.accept("m1")
        live, shadow = replace(delivery("d1", 0), target="mms", lanes=()), delivery("d2", 0, "x")
        await self.scene.plan("m1", [document()], [live, replace(shadow, role="shadow", lanes=())])
        if legacy is not None:
            (claimed,) = await self.scene.claim(target="mms")
            await self.scene.start(claimed.claim, "query")
            made = StepResult(
                request("query"), legacy, None, self.clock.now(), self.clock.now() + timedelta(seconds=1)
            )
            await self.journal.settle(claimed.claim, Settled(DeliveryState.DONE, made), self.clock.now())
        (claimed,) = await self.scene.claim()
        answered = replace(result("query"), reply=Reply(200, cloud))
        return await self.comparing(claimed, Settled(DeliveryState.DONE, answered))

    async def only(self) -> Comparison:
        (found,) = await self.journal.comparisons()
        return found


async def test_two_answers_that_say_the_same_are_compared_without_a_difference() -> None:
    desk = Desk()
    settled = await desk.asked(Reply(200, b"50"), b"50")
    found = await desk.only()

    assert settled.reason == "the two answers say the same"
    assert (found.state, found.differences, found.legacy_s, found.cloud_s) == (
        ComparisonState.COMPARED,
        (),
        1.0,
        1.0,
    )


async def test_a_field_that_differs_is_a_difference_of_the_answer() -> None:
    desk = Desk()
    settled = await desk.asked(Reply(200, b"50"), b"51")
    (difference,) = (await desk.only()).differences

    assert [each.code for each in settled.findings] == ["SHADOW-DIFFERS"]
    assert (difference.surface, difference.pattern) == ("answer", "Available")
    assert difference.group_id


async def test_the_clouds_answer_waits_for_legacys_and_not_for_ever() -> None:
    desk = Desk()
    waiting = await desk.asked(None, b"51")
    assert (waiting.state, await desk.journal.comparisons()) == (DeliveryState.WAITING, [])

    desk = Desk()
    desk.clock.elapsed_s = 0
    desk.scene.now = desk.clock.now() - PATIENCE
    alone = await desk.asked(None, b"51")

    assert [each.code for each in alone.findings] == ["SHADOW-ALONE"]
    assert (await desk.only()).state is ComparisonState.ALONE
