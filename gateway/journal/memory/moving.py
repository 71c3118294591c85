"""Moves in the memory journal: asked for, agreed to, begun, ended; and orders that are taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.base import Alias
from gateway.journal import move_rules
from gateway.journal.base import RefusedError, UnknownError
from gateway.journal.memory import orders
from gateway.journal.memory.audit import append
from gateway.journal.memory.delivering import finish
from gateway.journal.memory.messages import add_planned, begin_generation
from gateway.journal.memory.planning import write_move
from gateway.journal.memory.records import DeliveryRecord, MessageRecord, Tables
from gateway.journal.memory.units import is_followed
from gateway.journal.moves import (
    OPEN_MOVES,
    UNDER_WAY,
    Move,
    MoveBegin,
    MoveState,
    OrderStanding,
    Recalled,
)
from gateway.journal.types import DeliveryPlan, DeliveryState, MessageState


def ask_moves(tables: Tables, moves: Sequence[Move], who: str, why: str, now: datetime) -> int:
    """Write down moves that were asked for. Errors: RefusedError; then nothing is written."""
    under_way = {each.order_key for each in tables.moves.values() if each.state in OPEN_MOVES}
    for move in moves:
        if move.order_key in under_way:
            raise RefusedError(f"order {move.order_key} is being moved already; nothing was changed")
    asked_for = {move.order_key for move in moves}
    for parked in [each for each in tables.moves.values() if each.parked_at and each.order_key in asked_for]:
        # Whoever asks anew has seen why it never began.
        tables.moves[parked.move_id] = replace(parked, parked_at=None)
    for move in moves:
        asked = replace(move, state=MoveState.ASKED, asked_by=who, asked_at=now, why=why)
        tables.moves[move.move_id] = asked
    for batch, detail in move_rules.audited(moves):
        append(tables, now, who, "orders.move.ask", batch, detail, why)
    return len(moves)


def agree_moves(tables: Tables, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
    """Agree to moves. Errors: UnknownError, RefusedError; then none is agreed to."""
    agreed = move_rules.agreed([_one(tables, move_id) for move_id in move_ids], who, now)
    return _put_together(tables, agreed, "orders.move.agree", who, why, now)


def drop_moves(tables: Tables, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
    """End moves that have not begun. Errors: UnknownError, RefusedError; then none is."""
    ended = move_rules.dropped([_one(tables, move_id) for move_id in move_ids], who, now)
    return _put_together(tables, ended, "orders.move.drop", who, why, now)


def moves(
    tables: Tables, states: Sequence[MoveState], batch: str | None, order_key: str | None, limit: int
) -> list[Move]:
    """List moves, oldest first."""
    found = (
        each
        for each in tables.moves.values()
        if (not states or each.state in states)
        and batch in (None, each.batch)
        and order_key in (None, each.order_key)
    )
    return [each for each, _ in zip(found, range(limit), strict=False)]


def moves_due(tables: Tables, limit: int) -> list[Move]:
    """Give moves under way of which nothing is unfinished, oldest first."""
    found = (
        each
        for each in tables.moves.values()
        if each.state in UNDER_WAY and all(made.is_finished for made in _deliveries(tables, each))
    )
    return [each for each, _ in zip(found, range(limit), strict=False)]


def begin_move(tables: Tables, begin: MoveBegin, now: datetime) -> str | None:
    """Begin a move, or say why it cannot begin now."""
    move = _one(tables, begin.move_id)
    if move.state is not MoveState.AGREED:
        return f"it is {move.state.value}"
    problem = move_rules.cannot_begin(move, begin, _standing(tables, move.order_key))
    if problem is not None:
        return problem
    entry = tables.ledger[move.order_key]
    orders.put(tables, replace(entry, moving_to=move.to, revision=entry.revision + 1))
    record = add_planned(tables, begin.arrival, hashlib.sha256(begin.body).hexdigest(), begin.body)
    record.opened_first[move.order_key] = 0  # there, by its remainder
    write_move(tables, record, begin.documents, [begin.delivery], now)
    message_id = begin.arrival.message_id
    tables.moves[move.move_id] = replace(
        move, state=MoveState.CREATING, message_id=message_id, lines=begin.lines
    )
    detail = {"move": move.move_id, "from": move.was.value, "to": move.to.value, "batch": move.batch}
    append(
        tables, now, move.agreed_by or move.asked_by, "orders.move.begin", move.order_key, detail, move.why
    )
    return None


def close_moved(tables: Tables, move_id: str, delivery: DeliveryPlan, now: datetime) -> bool:
    """Go on to closing the old order."""
    move = _one(tables, move_id)
    if move.state is not MoveState.CREATING or move.message_id is None:
        return False
    write_move(tables, tables.messages[move.message_id], [], [delivery], now)
    tables.moves[move_id] = replace(move, state=MoveState.CLOSING)
    return True


def finish_move(
    tables: Tables, move_id: str, aliases: Sequence[Alias], now: datetime, left: str | None = None
) -> bool:
    """Let the ledger say the new side."""
    move = _one(tables, move_id)
    entry = tables.ledger.get(move.order_key)
    if move.state is not MoveState.CLOSING or entry is None:
        return False
    orders.put(tables, move_rules.entry_after(entry, move))
    if left is not None:
        orders.leave_names(tables, move.order_key, left)
    orders.add_aliases(tables, move.order_key, aliases)
    tables.moves[move_id] = replace(move, state=MoveState.DONE, ended_at=now)
    detail = {"move": move_id, "from": move.was.value, "to": move.to.value, "batch": move.batch}
    append(tables, now, move.agreed_by or move.asked_by, "orders.move.done", move.order_key, detail, move.why)
    return True


def end_move(tables: Tables, move_id: str, outcome: str, now: datetime) -> bool:
    """Leave an order where it is."""
    move = _one(tables, move_id)
    if move.state not in (MoveState.AGREED, MoveState.CREATING):
        return False
    if not all(made.is_finished for made in _deliveries(tables, move)):
        return False
    if move.state in UNDER_WAY:
        entry = tables.ledger[move.order_key]
        orders.put(tables, replace(entry, moving_to=None, revision=entry.revision + 1))
    tables.moves[move_id] = move_rules.ended(move, outcome, tables.ledger.get(move.order_key), now)
    detail = {"move": move_id, "batch": move.batch}
    append(tables, now, move.agreed_by or move.asked_by, "orders.move.end", move.order_key, detail, outcome)
    return True


def recall(tables: Tables, route: str, side: str, who: str, why: str, now: datetime) -> Recalled:
    """Take back the orders of a route of which nothing was attempted."""
    openers = {
        key: record
        for key, entry in tables.ledger.items()
        if (entry.route, entry.side.value) == (route, side)
        and (record := _still_answering(tables, key)) is not None
    }
    own: dict[str, list[DeliveryRecord]] = {}
    for made in tables.deliveries.values():
        for key in (
            {*made.order_keys, *made.plan.lanes} & openers.keys() if made.plan.role != "shadow" else ()
        ):
            own.setdefault(key, []).append(made)
    takes_back = {
        made.delivery_id: move_rules.is_untouched(made.state, len(made.steps), made.plan.role)
        and {*made.order_keys, *made.plan.lanes} <= own.keys()
        for deliveries in own.values()
        for made in deliveries
    }
    keys = move_rules.recallable(
        {key: [made.delivery_id for made in deliveries] for key, deliveries in own.items()}, takes_back
    )
    for key in sorted(keys):
        for made in own[key]:
            if not made.is_finished:
                finish(tables, made, DeliveryState.SUPERSEDED, now)
        orders.take_back(tables, key)
    records = sorted({id(openers[key]): openers[key] for key in keys}.values(), key=lambda r: r.view.sequence)
    for record in records:
        begin_generation(tables, record, resend=False)
    ids = tuple(record.view.message_id for record in records)
    detail = {"orders": str(len(keys)), "messages": str(len(ids)), "side": side}
    append(tables, now, who, "routes.recall", route, detail, why)
    return Recalled(tuple(sorted(keys)), ids)


def _still_answering(tables: Tables, order_key: str) -> MessageRecord | None:
    """Give the message that opened an order, where nothing has changed or followed the order since."""
    entry = tables.ledger[order_key]
    record = tables.messages.get(entry.message_id or "")
    if record is None or record.opened.get(order_key) != entry.revision or entry.moving_to is not None:
        return None
    is_at_rest = record.view.state is MessageState.PLANNED and record.body is not None
    return record if is_at_rest and not is_followed(tables, record, order_key) else None


def _standing(tables: Tables, order_key: str) -> OrderStanding:
    documents = [
        document
        for record in tables.messages.values()
        for document in record.all_documents()
        if order_key in document.plan.order_keys
    ]
    holding = tuple(
        (made.delivery_id, made.state)
        for made in tables.unfinished.values()
        if order_key in {*made.order_keys, *made.plan.lanes} and made.plan.role != "shadow"
    )
    is_parked = any(
        each.is_open_exception or (each.plan.awaits is not None and each.is_current) for each in documents
    )
    return OrderStanding(tables.ledger.get(order_key), len(documents), holding, is_parked)


def _deliveries(tables: Tables, move: Move) -> list[DeliveryRecord]:
    return tables.messages[move.message_id].deliveries if move.message_id is not None else []


def _one(tables: Tables, move_id: str) -> Move:
    move = tables.moves.get(move_id)
    if move is None:
        raise UnknownError(f"there is no move {move_id}")
    return move


def _put_together(
    tables: Tables, changed: Sequence[Move], action: str, who: str, why: str, now: datetime
) -> int:
    tables.moves.update({each.move_id: each for each in changed})
    for batch, detail in move_rules.audited(changed):
        append(tables, now, who, action, batch, detail, why)
    return len(changed)
