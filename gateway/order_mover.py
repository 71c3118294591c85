"""The loop that takes orders to the other side, step by step, from what the journal says of each move.

Each step is one transaction, and the next one is found by looking at the journal: a gateway that dies between
two of them goes on with the next one. What is sent and read is the delivery worker's affair.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.base import Clock, Format, Origin, Rng, Verdict
from adapters.base.waking import woken_within
from canonical.document import CanonicalDocument
from canonical.registry import content_hash, to_json
from gateway.crosswalk import CodeTableCache
from gateway.delivery_plans import reference_of
from gateway.journal.base import Journal, JournalBusyError
from gateway.journal.move_rules import IS_CHANGED
from gateway.journal.moves import Move, MoveBegin, MoveState
from gateway.journal.types import (
    Arrival,
    DeliveryPlan,
    DeliveryState,
    DeliveryView,
    DocumentPlan,
    LedgerEntry,
    Side,
    Transmitter,
)
from gateway.moving import Remainder, cannot_take, carried_aliases, pinned, remainder
from gateway.order_lines import differs
from gateway.order_looks import OrderLook, look_at, placed_at
from gateway.program import Program, ProgramSource
from gateway.writing import unwritten, written

log = logging.getLogger("legacy_bridge.mover")

LOOK_AGAIN_S = 5.0
IN_FLIGHT_MAX = 64  # moves whose remainder is on its way; a new side that refuses all of them stops a batch
TOGETHER = 100
EVERY = 1_000_000
TRANSPORT = "move"  # of the messages that moves make: nobody sent them

REMAINDER, CLOSING = 0, 1  # documents of a move's message


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
        self._formats = formats
        self._clock = clock
        self._rng = rng
        self._moved = moved
        self._tables = CodeTableCache(journal)
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
        begin = await self._prepared(move, now)
        problem = begin if isinstance(begin, str) else await self._journal.begin_move(begin, now)
        if problem is None:
            log.info("move.begun move=%s order=%s to=%s", move.move_id, move.order_key, move.to.value)
            return True
        if problem == IS_CHANGED:
            return True  # looked at again at once, with what is there now
        log.warning("move.ended move=%s order=%s why=%s", move.move_id, move.order_key, problem)
        return await self._journal.end_move(move.move_id, problem, now)

    async def _prepared(self, move: Move, now: datetime) -> MoveBegin | str:
        """Work out what is to be moved, from one look at the journal; or say why it cannot be."""
        entry = (await self._journal.facts([move.order_key], (), ())).ledger.get(move.order_key)
        programs = self._programs(None)
        program = programs.routes.get(entry.route) if entry is not None else None
        if entry is None:
            return "the ledger has no order of this key any more"
        if program is None:
            return f"its route '{entry.route}' is not configured any more"
        problem = cannot_take(program.rule, move.to, program.writes.keys())
        if problem is not None:
            return problem
        look = await look_at(self._journal, move.order_key, program.key_rules, move)
        made = remainder(look.state, move, look.last)
        if isinstance(made, str):
            return made
        state = (await self._journal.stages()).get(program.stage_route)
        if pin := pinned(program.rule, state.stage if state is not None else "", move, made.order):
            return pin
        if move.lines and not look.is_told and (problem := differs(move.lines, look.state.lines)):
            return problem
        return await self._begin_of(move, entry, program, programs.revision, made, look, now)

    async def _begin_of(
        self,
        move: Move,
        entry: LedgerEntry,
        program: Program,
        revision: int,
        made: Remainder,
        look: OrderLook,
        now: datetime,
    ) -> MoveBegin | str:
        placed = await placed_at(self._journal, look, _target(program, move.was))
        closing = made.closing
        if placed:
            named = closing.order.model_copy(update={"erp_number": placed[-1].target_reference})
            closing = closing.model_copy(update={"order": named})
        message_id = f"m{now:%y%m%d}{self._rng.token()}"
        documents = (
            _document(REMAINDER, made.order, move, move.to, f"what is left of it moves to {move.to.value}"),
            _document(CLOSING, closing, move, move.was, f"closes it on {move.was.value}"),
        )
        target = _target(program, move.to)
        body = await self._body(program, target, documents[REMAINDER].canonical or b"", now)
        if isinstance(body, str):
            return body
        delivery = _delivery(message_id, move, REMAINDER, target, program, now)
        if body:
            delivery = replace(delivery, body=body, content_type=program.writes[target].content_type)
        origin = Origin(TRANSPORT, now, name=move.move_id, identity=move.asked_by)
        arrival = Arrival(
            message_id=message_id,
            route=entry.route,
            arrival_key=None,
            partner=program.partner,
            sha256="",
            size_bytes=0,
            origin=origin,
            correlation_id=f"c{self._rng.token()}",
            accepted_at=now,
            is_urgent=False,
            config_revision=revision,
        )
        remaining = documents[REMAINDER].canonical or b""
        return MoveBegin(
            move.move_id,
            entry.revision,
            len(look.documents),
            arrival,
            remaining,
            documents,
            delivery,
            made.lines,
        )

    async def _body(self, program: Program, target: str, canonical: bytes, now: datetime) -> bytes | str:
        """Give what an endpoint gets that takes bytes; b"" for one that takes documents."""
        writing = program.writes.get(target)
        if writing is None:
            return b""
        numbers = writing.control_numbers
        number = await self._journal.next_control_number(
            writing.emitter, "interchange", numbers.lowest, numbers.highest
        )
        tables = await self._tables(program.crosswalks)
        environment = program.context.environment
        body = written(writing, self._formats, canonical, number, environment, tables, now, now)
        return body if isinstance(body, bytes) else unwritten(target, body)

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
            closing = _delivery(
                move.message_id or "", move, CLOSING, _target(program, move.was), program, now
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
        placed = await placed_at(self._journal, look, _target(program, move.was))
        names = carried_aliases(entry, [each.target_reference for each in placed])
        log.info("move.done move=%s order=%s side=%s", move.move_id, move.order_key, move.to.value)
        return await self._journal.finish_move(
            move.move_id, names, now, left=_target(program, move.was) or None
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


def _target(program: Program, side: Side) -> str:
    rule = program.rule
    return (rule.legacy_target if side is Side.LEGACY else rule.cloud_target) or ""


def _document(index: int, document: CanonicalDocument, move: Move, side: Side, decision: str) -> DocumentPlan:
    return DocumentPlan(
        index=index,
        set_type="move",
        units=(),
        verdict=Verdict.ACCEPTED,
        findings=(),
        document_type=document.document_type,
        content_hash=content_hash(document),
        order_keys=(move.order_key,),
        canonical=to_json(document),
        side=side,
        decision=f"move {move.move_id}: {decision}",
    )


def _delivery(
    message_id: str, move: Move, index: int, target: str, program: Program, now: datetime
) -> DeliveryPlan:
    """Give the delivery of one of a move's documents; nobody sends what the supplier has already."""
    role = "live" if index == REMAINDER else "close"
    return DeliveryPlan(
        delivery_id=f"{message_id}.1.{index}.{target}.{role}",
        document_index=index,
        target=target,
        role="live" if index == REMAINDER else "close",
        reference=reference_of(target, "live", "move", move.move_id, str(index)),
        lanes=(move.order_key,),
        is_urgent=False,
        deadline_at=now + timedelta(seconds=program.deadlines.other_s),
        transmitter=Transmitter.NONE.value,
    )
