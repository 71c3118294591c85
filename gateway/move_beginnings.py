"""What begins a move: what is left of the order, as documents and as the delivery that creates it.

It looks at the journal and takes a control number where one is written; ``begin_move`` writes the rest, where
all is still as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.base import Format, Origin, Rng, Verdict
from canonical.document import CanonicalDocument
from canonical.registry import content_hash, to_json
from gateway.crosswalk import CodeTableCache
from gateway.delivery_plans import reference_of
from gateway.journal.base import Journal
from gateway.journal.moves import Move, MoveBegin
from gateway.journal.types import Arrival, DeliveryPlan, DocumentPlan, LedgerEntry, Side, Transmitter
from gateway.moving import Remainder, cannot_take, pinned, remainder
from gateway.order_lines import differs
from gateway.order_looks import OrderLook, look_at, placed_at
from gateway.program import Program, ProgramSource
from gateway.writing import unwritten, written

TRANSPORT = "move"  # of the messages that moves make: nobody sent them

REMAINDER, CLOSING = 0, 1  # documents of a move's message


class MoveBeginnings:
    """Works out beginnings, each from one look at the journal."""

    def __init__(
        self, journal: Journal, programs: ProgramSource, formats: Callable[[str], Format], rng: Rng
    ) -> None:
        self._journal = journal
        self._programs = programs
        self._formats = formats
        self._rng = rng
        self._tables = CodeTableCache(journal)

    async def of(self, move: Move, now: datetime) -> MoveBegin | str:
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
        placed = await placed_at(self._journal, look, target_of(program, move.was))
        closing = made.closing
        if placed:
            named = closing.order.model_copy(update={"erp_number": placed[-1].target_reference})
            closing = closing.model_copy(update={"order": named})
        message_id = f"m{now:%y%m%d}{self._rng.token()}"
        documents = (
            _document(REMAINDER, made.order, move, move.to, f"what is left of it moves to {move.to.value}"),
            _document(CLOSING, closing, move, move.was, f"closes it on {move.was.value}"),
        )
        target = target_of(program, move.to)
        remaining = documents[REMAINDER].canonical or b""
        body = await self._body(program, target, remaining, now)
        if isinstance(body, str):
            return body
        delivery = delivery_of_move(message_id, move, REMAINDER, target, program, now)
        if body:
            delivery = replace(delivery, body=body, content_type=program.writes[target].content_type)
        arrival = Arrival(
            message_id=message_id,
            route=entry.route,
            arrival_key=None,
            partner=program.partner,
            sha256="",
            size_bytes=0,
            origin=Origin(TRANSPORT, now, name=move.move_id, identity=move.asked_by),
            correlation_id=f"c{self._rng.token()}",
            accepted_at=now,
            is_urgent=False,
            config_revision=revision,
        )
        standing = len(look.documents)
        return MoveBegin(
            move.move_id, entry.revision, standing, arrival, remaining, documents, delivery, made.lines
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


def target_of(program: Program, side: Side) -> str:
    """Give the endpoint of a side, "" where its route declares none."""
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


def delivery_of_move(
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
