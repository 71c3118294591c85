"""The loop that translates what was accepted: in order of acceptance, urgent messages beside it.

Each route has two lanes, one for urgent messages and one for the others; a lane translates one
message at a time in order of acceptance, so that one order's documents are planned in order. Lanes
run side by side up to a bound, of which a part is kept for urgent ones.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import takewhile

from adapters.base import Clock
from adapters.base.ending import ended
from adapters.base.waking import woken_within
from gateway.journal.base import Journal, JournalBusyError, JournalError
from gateway.journal.types import Message
from gateway.pipeline import FAILURES_MAX, Pipeline, is_passing
from gateway.preparing import Ready
from gateway.turns import Turn
from gateway.upcoming import Batch, Upcoming

log = logging.getLogger("legacy_bridge.translator")

LANES_MAX = 4
URGENT_LANES_MAX = 2  # on top: the reserve that keeps an urgent message from waiting behind batches
IDLE_S = 2.0


class Translator:
    """Translates accepted messages until cancelled."""

    def __init__(
        self,
        journal: Journal,
        pipeline: Pipeline,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._pipeline = pipeline
        self._clock = clock
        self._wake = asyncio.Event()
        self._lanes: dict[tuple[str, bool], asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}

    def wake(self) -> None:
        """Say that there may be something to translate or to decide."""
        self._wake.set()

    async def run(self) -> None:
        """Translate until cancelled. Errors: JournalError, which must end the process."""
        try:
            while True:
                self._wake.clear()
                await self._open_lanes()
                await self._pause()
                self._raise_failures()
        finally:
            await self._end()

    async def _open_lanes(self) -> None:
        try:
            await self._pipeline.decide_awaiting()
            for lane in await self._journal.routes_to_translate():
                self._open(lane)
        except JournalBusyError:
            log.warning("translator.journal_busy what there is to do is looked for later")

    def _open(self, lane: tuple[str, bool]) -> None:
        is_urgent = lane[1]
        running = sum(1 for (_, urgent) in self._lanes if urgent == is_urgent)
        if lane in self._lanes or running >= (URGENT_LANES_MAX if is_urgent else LANES_MAX):
            return
        task = asyncio.get_running_loop().create_task(self._translate_lane(*lane))
        self._lanes[lane] = task
        task.add_done_callback(lambda done: self._wake.set())

    async def _translate_lane(self, route: str, is_urgent: bool) -> None:
        try:
            await self._translate_all(route, is_urgent=is_urgent)
        except JournalBusyError:
            log.warning("translator.journal_busy route=%s tried again later", route)

    async def _translate_all(self, route: str, *, is_urgent: bool) -> None:
        upcoming = Upcoming(self._journal, self._pipeline, route, is_urgent=is_urgent)
        try:
            while (batch := await upcoming.next()).messages:
                if not await self._translate_together(batch):
                    return  # tried again later; what comes after it on this lane waits
                upcoming.over(batch)
        finally:
            await upcoming.close()

    async def _translate_together(self, batch: Batch) -> bool:
        ready = await self._pipeline.looked_up(batch.ready)
        # Behind one of which nothing is known yet, all wait: it may name what they name.
        first = takewhile(lambda each: each.message_id in ready, batch.messages)
        apart = [ready[each.message_id] for each in first if ready[each.message_id].facts is not None]
        planned = await self._pipeline.translate_together(apart) if apart else set()
        for each in apart:
            del ready[each.message.message_id]  # where a fact moved, its message is read anew
        others = [each for each in batch.messages if each.message_id not in planned]
        turns = _line(len(others))
        done = await asyncio.gather(
            *(
                self._translate(message, turn, ready.get(message.message_id))
                for message, turn in zip(others, turns, strict=True)
            )
        )
        return all(done)

    async def _translate(self, message: Message, turn: Turn, ready: Ready | None) -> bool:
        try:
            await self._pipeline.translate(message.message_id, turn, ready)
        except (JournalError, JournalBusyError):
            raise
        except Exception as error:  # noqa: BLE001  a message that breaks it must not stop the next one
            return await self._failed(message, error)
        self._failures.pop(message.message_id, None)
        return True

    async def _failed(self, message: Message, error: Exception) -> bool:
        """Try a message again a few times, then park it; False while it is to be tried again."""
        log.error(
            "message.translation_failed message=%s route=%s",
            message.message_id,
            message.route,
            exc_info=error,
        )
        count = self._failures.get(message.message_id, 0) + 1
        self._failures[message.message_id] = count
        if is_passing(error) and count < FAILURES_MAX:
            return False
        await self._pipeline.park_broken(message.message_id, error)
        self._failures.pop(message.message_id, None)
        return True

    async def _pause(self) -> None:
        await woken_within(self._clock, self._wake, IDLE_S)

    async def _end(self) -> None:
        """Cancel what is under way, and wait until it let go of its workers and of the journal."""
        await ended(*self._lanes.values())

    def _raise_failures(self) -> None:
        for lane, task in list(self._lanes.items()):
            if not task.done():
                continue
            del self._lanes[lane]
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error


def _line(length: int) -> list[Turn]:
    turns: list[Turn] = []
    while len(turns) < length:
        turns.append(Turn(turns[-1] if turns else None))
    return turns
