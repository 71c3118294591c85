"""The people around the gateway: they move routes, look at exceptions, and do what the findings say."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.journal.base import RefusedError, StaleStageError, UnknownError
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import ExceptionItem, MessageState
from tests.simulation.world import Chance, World
from tests.verify.evidence import Committed

WHO = "simulation"
TRIES_MAX = 2


@dataclass(slots=True)
class People:
    """Operators and the migration team."""

    world: World
    chance: Chance
    journal: MemoryJournal
    legacy: list[Committed]
    _tries: dict[str, int] = field(default_factory=dict)

    async def move(self, route: str, stage: str, share: str) -> None:
        """Move a route to a stage."""
        now = self.world.now()
        state = (await self.journal.stages()).get(route)
        if state is None:
            return
        try:
            await self.journal.set_stage(route, state.stage, stage, share, WHO, "a try", now)
            self.world.say("stage", route, state.stage, stage, share)
        except StaleStageError:
            self.world.say("stage.stale", route, stage)

    async def replay(self) -> None:
        """Translate an old message anew; nothing is sent again."""
        messages = [
            each
            for each in await self.journal.messages(limit=100)
            if each.state in (MessageState.PLANNED, MessageState.PARKED) and each.sha256
        ]
        if messages:
            chosen = self.chance.one_of(messages)
            self.world.say("replay", chosen.message_id)
            await self.journal.replay(
                chosen.message_id, resend=False, who=WHO, why="a look", now=self.world.now()
            )

    async def tidy(self) -> bool:
        """Go through the exceptions once: retry some, resolve some; tell whether there was one to touch."""
        touched = False
        for item in await self.journal.exceptions():
            tries = self._tries.get(item.exception_id, 0)
            if tries >= TRIES_MAX or self.chance.happens(0.2):
                continue
            self._tries[item.exception_id] = tries + 1
            touched = True
            try:
                await self._decide(item, is_last=tries + 1 == TRIES_MAX)
            except UnknownError:
                self.world.say("exception.gone", item.exception_id)
        return touched

    async def _decide(self, item: ExceptionItem, *, is_last: bool) -> None:
        now = self.world.now()
        codes = {finding.code for finding in item.findings}
        if is_last or codes & {"LEGACY-IN-DOUBT", "PASS-THROUGH-IN-DOUBT"}:
            # They have asked over there, or sent it by hand: either way it is not sent from here.
            resolution = self.chance.one_of(("dismissed", "done_elsewhere:X1"))
            self.world.say("exception.resolve", item.exception_id, *sorted(codes))
            await self.journal.resolve(item.exception_id, resolution, WHO, "looked", now)
            return
        self.world.say("exception.retry", item.exception_id, *sorted(codes))
        try:
            await self.journal.retry(item.exception_id, WHO, "again", now)
        except RefusedError:  # a call that was overtaken: its caller has gone, so nothing can send it
            self.world.say("exception.refused", item.exception_id)
            await self.journal.resolve(item.exception_id, "dismissed", WHO, "its caller may call again", now)
