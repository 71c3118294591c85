"""The loop that takes orders to the other side, step by step, from what the journal says of each move.

Each step is one transaction, and the next one is found by looking at the journal: a gateway that dies between
two of them goes on with the next one. What is sent and read is the delivery worker's affair.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from adapters.base import Clock, Format, Rng
from adapters.base.waking import woken_within
from gateway.journal.base import Journal, JournalBusyError
from gateway.journal.move_rules import IS_CHANGED
from gateway.journal.moves import Move, MoveState
from gateway.journal.types import (
    DeliveryState,
    DeliveryView,
    LedgerEntry,
)
from gateway.move_beginnings import CLOSING, TRANSPORT, MoveBeginnings, delivery_of_move, target_of
from gateway.moving import carried_aliases
from gateway.order_looks import look_at, placed_at
from gateway.program import Program, ProgramSource

__all__ = ["TRANSPORT", "OrderMover"]  # who asks for moves' messages asks here

log = logging.getLogger("legacy_bridge.mover")

LOOK_AGAIN_S = 5.0
IN_FLIGHT_MAX = 64  # moves whose remainder is on its way; a new side that refuses all of them stops a batch
TOGETHER = 100
EVERY = 1_000_000


class OrderMover:
    """Begins, goes on with and ends moves until cancelled. ``moved``: called when an order has arrived."""

    def __init__(
        self,
        journal: Journal,
        programs: ProgramSource,
        formats: Callable[[str], Format],
        clock: Clock,
        rng: Rng,
        *,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._programs = programs
        self._clock = clock
        self._moved = moved
        self._beginnings = MoveBeginnings(journal, programs, formats, rng)
        self._wake = asyncio.Event()
        self._stuck: set[str] = set()  # moves whose route is gone: at most those under way

    def wake(self) -> None:
        """Say that a move was agreed to, or that a delivery has ended."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled. Errors: JournalError, which must end the process."""
        while True:
            self._wake.clear()
            try:
                done = await self.work()
            except JournalBusyError:
                done = 0
            if not done:
                await self._pause()

    async def work(self) -> int:
        """Take every move as far as it goes now; give how many steps were made."""
        done = 0
        for move in await self._journal.moves_due(TOGETHER):
            done += await self._go_on(move)
        under_way = await self._journal.moves(states=[MoveState.CREATING], limit=IN_FLIGHT_MAX)
        if len(under_way) < IN_FLIGHT_MAX:
            free = IN_FLIGHT_MAX - len(under_way)
            for move in await self._journal.moves(states=[MoveState.AGREED], limit=free):
                done += await self._begin(move)
        if done:
            self._moved()
        return done

    async def _pause(self) -> None:
        await woken_within(self._clock, self._wake, LOOK_AGAIN_S)

    # -- beginning -------------------------------------------------------------------------

    async def _begin(self, move: Move) -> bool:
        now = self._clock.now()
        begin = await self._beginnings.of(move, now)
        problem = begin if isinstance(begin, str) else await self._journal.begin_move(begin, now)
        if problem is None:
            log.info("move.begun move=%s order=%s to=%s", move.move_id, move.order_key, move.to.value)
            return True
        if problem == IS_CHANGED:
            return True  # looked at again at once, with what is there now
        log.warning("move.ended move=%s order=%s why=%s", move.move_id, move.order_key, problem)
        return await self._journal.end_move(move.move_id, problem, now)

    # -- going on --------------------------------------------------------------------------

    async def _go_on(self, move: Move) -> bool:
        """Make the next step of a move of which nothing is unfinished."""
        now = self._clock.now()
        views = await self._journal.deliveries(message_id=move.message_id, limit=EVERY)
        if move.state is MoveState.CREATING:
            created = next((each for each in views if each.role == "live"), None)
            if created is None or not _has_happened(created):
                why = created.resolution or created.reason if created is not None else "nothing was planned"
                log.warning("move.ended move=%s order=%s why=%s", move.move_id, move.order_key, why)
                return await self._journal.end_move(
                    move.move_id, f"its remainder was not created: {why}", now
                )
            known = await self._known(move)
            if known is None:
                return False
            _, program = known
            closing = delivery_of_move(
                move.message_id or "", move, CLOSING, target_of(program, move.was), program, now
            )
            return await self._journal.close_moved(move.move_id, closing, now)
        closed = next((each for each in views if each.role == "close"), None)
        if closed is None or not _has_happened(closed):
            return False  # dismissed: somebody must still say that it is closed there
        known = await self._known(move)
        if known is None:
            return False
        entry, program = known
        look = await look_at(self._journal, move.order_key, program.key_rules)
        placed = await placed_at(self._journal, look, target_of(program, move.was))
        names = carried_aliases(entry, [each.target_reference for each in placed])
        log.info("move.done move=%s order=%s side=%s", move.move_id, move.order_key, move.to.value)
        return await self._journal.finish_move(
            move.move_id, names, now, left=target_of(program, move.was) or None
        )

    async def _known(self, move: Move) -> tuple[LedgerEntry, Program] | None:
        """Give a move's order and its route; None while the route is not configured, which is told once.

        The order is between two sides then, and goes on once the route is declared again.
        """
        entry = (await self._journal.facts([move.order_key], (), ())).ledger[move.order_key]
        program = self._programs(None).routes.get(entry.route)
        if program is None:
            if move.move_id not in self._stuck:
                log.error("move.stuck move=%s order=%s route=%s", move.move_id, move.order_key, entry.route)
            self._stuck.add(move.move_id)
            return None
        self._stuck.discard(move.move_id)
        return entry, program


def _has_happened(view: DeliveryView) -> bool:
    """Tell whether a step was done: by its target, or by a person who says so with a reference."""
    return view.state is DeliveryState.DONE or view.resolution.startswith("done_elsewhere:")
