"""Moves in the file: asked for, agreed to, begun, ended; and orders that are taken back to be decided."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.base import Alias
from gateway.journal import move_rules
from gateway.journal.base import RefusedError
from gateway.journal.moves import UNDER_WAY, Move, MoveBegin, MoveState, OrderStanding, Recalled
from gateway.journal.sqlite.audit_log import append
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.documents import insert_document
from gateway.journal.sqlite.instants import to_micros
from gateway.journal.sqlite.ledger import add_aliases, entry_of, take_back
from gateway.journal.sqlite.messages import dump_states, insert_planned
from gateway.journal.sqlite.move_rows import dump_lines, move_of, one_move, put_move
from gateway.journal.sqlite.people import begin_generation
from gateway.journal.sqlite.planned_deliveries import finish_unsent, insert_deliveries
from gateway.journal.sqlite.planning import planned_message
from gateway.journal.types import DeliveryPlan, DeliveryState, LedgerEntry


def ask_moves(db: Database, moves: Sequence[Move], who: str, why: str, now: datetime) -> int:
    """Write down moves that were asked for. Errors: RefusedError; then nothing is written."""
    for move in moves:
        if db.value("move.open_of_order", (move.order_key,)) is not None:
            raise RefusedError(f"order {move.order_key} is being moved already; nothing was changed")
    for move in moves:
        told = (move.move_id, move.order_key, move.route, move.was.value, move.to.value, move.batch)
        texts = (why, dump_lines(move.lines), (move.order or b"").decode())
        db.run("move.take_up", (move.order_key,))  # whoever asks anew has seen why it never began
        db.run("move.ask", (*told, who, to_micros(now), move.documents, *texts))
    for batch, detail in move_rules.audited(moves):
        append(db, now, who, "orders.move.ask", batch, detail, why)
    return len(moves)


def agree_moves(db: Database, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
    """Agree to moves. Errors: UnknownError, RefusedError; then none is agreed to."""
    agreed = move_rules.agreed([one_move(db, move_id) for move_id in move_ids], who, now)
    return _put_together(db, agreed, "orders.move.agree", who, why, now)


def drop_moves(db: Database, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
    """End moves that have not begun. Errors: UnknownError, RefusedError; then none is."""
    ended = move_rules.dropped([one_move(db, move_id) for move_id in move_ids], who, now)
    return _put_together(db, ended, "orders.move.drop", who, why, now)


def moves(
    db: Database, states: Sequence[MoveState], batch: str | None, order_key: str | None, limit: int
) -> list[Move]:
    """List moves, oldest first."""
    wanted = (dump_states(states), batch, order_key, limit)
    if order_key is not None:
        rows = db.rows("move.of_order", wanted)
    elif batch is not None:
        rows = db.rows("move.of_batch", wanted)
    elif len(states) == 1:
        rows = db.rows("move.in_state", (states[0].value, limit))
    else:
        rows = db.rows("move.listed", wanted)
    return [move_of(row) for row in rows]


def moves_due(db: Database, limit: int) -> list[Move]:
    """Give moves under way of which nothing is unfinished, oldest first."""
    return [move_of(row) for row in db.rows("move.due", (limit,))]


def begin_move(db: Database, begin: MoveBegin, now: datetime) -> str | None:
    """Begin a move, or say why it cannot begin now."""
    move = one_move(db, begin.move_id)
    if move.state is not MoveState.AGREED:
        return f"it is {move.state.value}"
    problem = move_rules.cannot_begin(move, begin, _standing(db, move.order_key))
    if problem is not None:
        return problem
    db.run("order.set_moving", (move.to.value, move.order_key))
    arrival = begin.arrival
    digest = hashlib.sha256(begin.body).hexdigest()
    insert_planned(db, arrival, digest, begin.body)
    message, at = planned_message(db, arrival.message_id), to_micros(now)
    documents = {
        each.index: (insert_document(db, message, each, opened, at), each.order_keys)
        for opened, each in zip(([move.order_key], ()), begin.documents, strict=True)
    }
    insert_deliveries(db, message, documents, [begin.delivery], at, holds=False)
    db.run("message.planned_so_far", (len(documents), message.sequence))
    db.run("move.begin", (message.sequence, dump_lines(begin.lines), move.move_id))
    detail = {"move": move.move_id, "from": move.was.value, "to": move.to.value, "batch": move.batch}
    append(db, now, move.agreed_by or move.asked_by, "orders.move.begin", move.order_key, detail, move.why)
    return None


def close_moved(db: Database, move_id: str, delivery: DeliveryPlan, now: datetime) -> bool:
    """Go on to closing the old order."""
    move = one_move(db, move_id)
    if move.state is not MoveState.CREATING or move.message_id is None:
        return False
    message = planned_message(db, move.message_id)
    insert_deliveries(db, message, {}, [delivery], to_micros(now), holds=False)
    put_move(db, replace(move, state=MoveState.CLOSING))
    return True


def finish_move(
    db: Database, move_id: str, aliases: Sequence[Alias], now: datetime, left: str | None = None
) -> bool:
    """Let the ledger say the new side."""
    move = one_move(db, move_id)
    row = db.row("order.entry", (move.order_key,))
    if move.state is not MoveState.CLOSING or row is None:
        return False
    entry = move_rules.entry_after(entry_of(row), move)
    told = (entry.side.value, entry.transmitter.value, entry.stage, entry.reason, entry.message_id)
    columns = (*told, entry.is_divided, entry.revision)
    db.run("order.set_moved", (*columns, move.order_key))
    if left is not None:
        db.run("order.leave_names", (move.order_key, left))
    add_aliases(db, move.order_key, aliases)
    put_move(db, replace(move, state=MoveState.DONE, ended_at=now))
    detail = {"move": move_id, "from": move.was.value, "to": move.to.value, "batch": move.batch}
    append(db, now, move.agreed_by or move.asked_by, "orders.move.done", move.order_key, detail, move.why)
    return True


def end_move(db: Database, move_id: str, outcome: str, now: datetime) -> bool:
    """Leave an order where it is."""
    move = one_move(db, move_id)
    if move.state not in (MoveState.AGREED, MoveState.CREATING):
        return False
    if move.message_id is not None and any(
        ended is None for (ended,) in db.rows("delivery.ends_of_message", (move.message_id,))
    ):
        return False
    if move.state in UNDER_WAY:
        db.run("order.set_moving", (None, move.order_key))
    row = db.row("order.entry", (move.order_key,))
    put_move(db, move_rules.ended(move, outcome, entry_of(row) if row is not None else None, now))
    detail = {"move": move_id, "batch": move.batch}
    append(db, now, move.agreed_by or move.asked_by, "orders.move.end", move.order_key, detail, outcome)
    return True


def recall(db: Database, route: str, side: str, who: str, why: str, now: datetime) -> Recalled:
    """Take back the orders of a route of which nothing was attempted."""
    at = to_micros(now)
    opened = {
        key: (message, generation)
        for key, message, generation in db.rows("order.opened_untouched", (route, side))
        if db.row("order.followed_by_another", (key, message)) is None
        and db.row("message.is_of_generation", (message, generation)) is not None
    }
    own: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    takes_back: dict[str, bool] = {}
    for key in opened:
        for number, delivery_id, state, steps, role in db.rows("order.deliveries_of", (key,)):
            own.setdefault(key, []).append(delivery_id)
            numbers[delivery_id] = number
            takes_back[delivery_id] = move_rules.is_untouched(DeliveryState(state), steps, role)
    for delivery_id, number in numbers.items():  # one that carries an order which must stay stays, too
        takes_back[delivery_id] &= set(_orders_of(db, number)) <= own.keys()
    orders = move_rules.recallable(own, takes_back)
    for key in sorted(orders):
        for delivery_id in own[key]:
            if db.row("delivery.is_unfinished", (numbers[delivery_id],)) is not None:
                finish_unsent(db, numbers[delivery_id], DeliveryState.SUPERSEDED, at)
        take_back(db, key, *opened[key])
    messages = sorted({opened[key][0] for key in orders})
    for message in messages:
        begin_generation(db, message, resend=False)
    ids = tuple(str(db.value("message.id_of", (message,))) for message in messages)
    detail = {"orders": str(len(orders)), "messages": str(len(ids)), "side": side}
    append(db, now, who, "routes.recall", route, detail, why)
    return Recalled(tuple(sorted(orders)), ids)


def _orders_of(db: Database, number: int) -> Iterable[str]:
    """Give the orders that a delivery is about."""
    return (key for (key,) in db.rows("delivery.orders_of", (number,)))


def _standing(db: Database, order_key: str) -> OrderStanding:
    row = db.row("order.entry", (order_key,))
    entry: LedgerEntry | None = entry_of(row) if row is not None else None
    holding = tuple((each, DeliveryState(state)) for each, state in db.rows("order.holding", (order_key,)))
    is_parked = db.row("order.any_parked", (order_key,)) is not None
    return OrderStanding(entry, int(db.value("order.count_documents", (order_key,))), holding, is_parked)


def _put_together(
    db: Database, changed: Sequence[Move], action: str, who: str, why: str, now: datetime
) -> int:
    for move in changed:
        put_move(db, move)
    for batch, detail in move_rules.audited(changed):
        append(db, now, who, action, batch, detail, why)
    return len(changed)
