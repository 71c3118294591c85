"""Every document of a route that says ``compare`` beside legacy's version of it, off the live path.

One loop reads what was planned, in order, and waits for legacy's version of each document: a document of
an evidence route, or legacy's answer to the call. Nothing live waits for this loop, and it never keeps the
event loop for longer than one line's comparison. All that it knows is in the journal, so it goes on after
a kill where it was; a comparison written twice is the same one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from adapters.base import Clock
from adapters.base.waking import woken_within
from gateway.destination import Destination
from gateway.facets import facets_of
from gateway.journal.base import Journal, JournalBusyError, JournalError
from gateway.journal.comparisons import Comparison, ComparisonState, DocumentInOrder
from gateway.journal.hurry import unhurried
from gateway.journal.types import ClaimedDelivery
from gateway.order_mover import TRANSPORT as MOVE
from gateway.program import CompareProgram, Program, Programs, ProgramSource
from gateway.shadowing import PATIENCE, is_behind
from gateway.two_sides import TwoSides, document_of
from gateway.waiting_comparisons import FIRST_AGAIN_S, LAST_AGAIN_S, Key, WaitingComparisons

log = logging.getLogger("legacy_bridge.comparing")

CURSOR = "comparing"
BATCH = 50
LOOK_S = 1.0  # between two looks: by then most shadows have ended, and what came is one batch
GATHER_S = 0.1  # news that come together are looked at together
PAUSE_S = 0.002  # after each document: what is live goes first


class Comparisons:
    """The loop. ``hear`` may be called for every delivery that got somewhere."""

    def __init__(
        self,
        journal: Journal,
        programs: ProgramSource,
        destinations: Callable[[], Mapping[str, Destination]],
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._programs = programs
        self._clock = clock
        self._wake = asyncio.Event()
        self._sides = TwoSides(journal, destinations, clock)
        self._waiting = WaitingComparisons()

    def hear(self, claimed: ClaimedDelivery) -> None:
        """Hear that a delivery got somewhere: what waits for it is looked at soon."""
        key = (claimed.message_id, claimed.document_index or 0)
        if key in self._waiting:
            self._look_at(key, 0.0)
            self._wake.set()

    async def run(self) -> None:
        """Compare until cancelled, after what is live. Errors: JournalError, which must end the process."""
        await self._patiently_begin()
        while True:
            self._wake.clear()
            try:
                is_more = await unhurried(self.step())
            except JournalBusyError:
                log.warning("comparing.journal_busy looked at again later")
                is_more = False
            await self._clock.sleep(PAUSE_S if is_more else GATHER_S)
            if not is_more:
                await self._pause()

    async def _patiently_begin(self) -> None:
        while True:
            try:
                for each in await self._journal.waiting_comparisons(100_000):
                    self._look_at((each.message_id, each.document_index), FIRST_AGAIN_S)
            except JournalBusyError:
                await self._clock.sleep(LOOK_S)
            else:
                return

    async def step(self) -> bool:
        """Do what there is to do now, a batch of it; tell whether there is more at once."""
        programs = self._programs(None)
        is_more = await self._take_up(programs)
        due = self._waiting.due(self._clock.monotonic(), BATCH)
        try:
            done: list[Comparison] = []
            for each in due:
                is_late = self._clock.monotonic() - each.since >= PATIENCE.total_seconds()
                done += await unhurried(self._look(programs, each.key, each.wait_s), unless=is_late)
                await self._clock.sleep(PAUSE_S)
            await self._note(done)
        except JournalBusyError:
            for each in due:
                self._look_at(each.key, each.wait_s)
            raise
        return is_more or len(due) == BATCH

    async def _pause(self) -> None:
        next_at = self._waiting.next_at()
        due_s = next_at - self._clock.monotonic() if next_at is not None else LOOK_S
        await woken_within(self._clock, self._wake, min(max(due_s, PAUSE_S), LOOK_S))

    # -- new documents ---------------------------------------------------------------------

    async def _take_up(self, programs: Programs) -> bool:
        """Take up what was planned since the last look; a batch only, in the order of planning."""
        routes = _message_routes(programs)
        if not routes:
            return False
        known = await self._journal.cursor(CURSOR)
        position = int(known or 0)
        found, reached = await self._journal.documents_after(routes, position, BATCH)
        begun: list[Comparison] = []
        for each in found:
            is_late = is_behind(each.accepted_at, self._clock.now())
            await unhurried(self._take_up_one(programs, each, begun), unless=is_late)
            await self._clock.sleep(PAUSE_S)
        await self._note(begun)
        if reached != position:
            await self._journal.set_cursor(CURSOR, str(reached), known)
        return len(found) == BATCH

    async def _take_up_one(self, programs: Programs, each: DocumentInOrder, begun: list[Comparison]) -> None:
        program = programs.of_set(each.message_route, each.view.plan.set_type)
        if program is None or each.transport == MOVE:
            return  # legacy never had what moved: that is proven by orders proof
        if program.is_evidence:
            await self._note(begun)
            await self._evidence_came(programs, program, each)
        elif program.compare is not None and program.reply != "query":
            begun += await self._begun(programs, program, program.compare, each)

    async def _note(self, noted: list[Comparison]) -> None:
        """Write comparisons in one go: each commit is one that what is live may have to wait for."""
        if not noted:
            return
        await self._journal.note_comparisons(noted)
        for each in noted:
            key = (each.message_id, each.document_index)
            if each.state is ComparisonState.WAITING:
                self._look_at(key, FIRST_AGAIN_S)
            else:
                self._waiting.forget(key)
        noted.clear()

    async def _begun(
        self, programs: Programs, program: Program, compare: CompareProgram, each: DocumentInOrder
    ) -> list[Comparison]:
        """Give the comparison of a document, done where both sides are there; none where there is no need."""
        plan = each.view.plan
        if (
            plan.repeats is not None
            or (plan.canonical is not None and plan.is_parked)
            or (plan.canonical is None and plan.side is None)
        ):
            return []  # nothing of it went to legacy by itself
        document = document_of(plan.canonical)
        comparison = Comparison(
            message_id=each.view.message_id,
            document_index=plan.index,
            generation=each.view.generation,
            route=program.route,
            order_key=plan.order_keys[0] if plan.order_keys else None,
            document_type=plan.document_type or plan.set_type,
            state=ComparisonState.WAITING,
            accepted_at=each.accepted_at,
            due_at=each.accepted_at + compare.within,
            facets=facets_of(document) if document is not None else (),
        )
        return [await self._safely(programs, program, comparison) or comparison]

    async def _evidence_came(self, programs: Programs, program: Program, each: DocumentInOrder) -> None:
        """Look at what waits for this order; a second reading of what was compared already teaches noise."""
        plan = each.view.plan
        for order_key in plan.order_keys if plan.canonical is not None else ():
            for comparison in await self._journal.comparisons(order_key=order_key, route=program.follows):
                key = (comparison.message_id, comparison.document_index)
                if comparison.state is ComparisonState.COMPARED:
                    await self._learn(programs, comparison, each)
                elif comparison.state is ComparisonState.ALONE:
                    await self._note(await self._look(programs, key, LAST_AGAIN_S, comparison))
                else:
                    self._look_at(key, 0.0)

    async def _learn(self, programs: Programs, comparison: Comparison, each: DocumentInOrder) -> None:
        try:
            await self._read_twice(programs, comparison, each)
        except (JournalError, JournalBusyError):
            raise
        except Exception:
            log.exception("comparing.unlearned message=%s", each.view.message_id)

    async def _read_twice(self, programs: Programs, comparison: Comparison, each: DocumentInOrder) -> None:
        program = programs.routes.get(comparison.route)
        if program is None:
            return
        reading = await self._sides.noise(programs, program, comparison, each.view.message_id)
        if reading is not None:
            await self._journal.note_reading(reading)

    # -- one comparison --------------------------------------------------------------------

    def _look_at(self, key: Key, within_s: float) -> None:
        self._waiting.look_at(key, self._clock.monotonic() + within_s, within_s)

    async def _look(
        self, programs: Programs, key: Key, wait_s: float, known: Comparison | None = None
    ) -> list[Comparison]:
        """Give what is to be written of a document; nothing yet: look again later, and not for ever."""
        found = await self._journal.comparisons(message_id=key[0], document_index=key[1], limit=1)
        comparison = known or next(iter(found), None)
        if comparison is None or (known is None and comparison.state is not ComparisonState.WAITING):
            self._waiting.forget(key)
            return []
        program = programs.routes.get(comparison.route)
        settled = await self._safely(programs, program, comparison) if program is not None else None
        if settled is None and known is None:
            self._look_at(key, min(2 * wait_s, LAST_AGAIN_S))
        return [settled] if settled is not None else []

    async def _safely(
        self, programs: Programs, program: Program, comparison: Comparison
    ) -> Comparison | None:
        """Compare; what breaks costs this comparison, never the gateway. Errors: those of the journal."""
        try:
            return await self._sides.settled(programs, program, comparison)
        except (JournalError, JournalBusyError):
            raise
        except Exception as error:
            log.exception("comparing.failed message=%s", comparison.message_id)
            why = f"it could not be compared ({type(error).__name__}): the log says more"
            now = self._clock.now()
            return replace(comparison, state=ComparisonState.ALONE, compared_at=now, reason=why)


def _message_routes(programs: Programs) -> list[str]:
    """Give the routes to which messages of compared routes and of evidence belong: the feeding ones."""
    wanted = {
        name
        for name, program in programs.routes.items()
        if program.is_evidence or (program.compare is not None and program.reply != "query")
    }
    feeding = {first for first, sets in programs.shared.items() if wanted & set(sets.values())}
    return sorted(wanted | feeding)
