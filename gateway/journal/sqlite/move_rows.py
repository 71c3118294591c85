"""A move as a row of the file, there and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from gateway.journal.base import UnknownError
from gateway.journal.moves import Move, MoveLine, MoveState
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.instants import from_micros, from_micros_or_none, to_micros_or_none
from gateway.journal.sqlite.json_columns import dump
from gateway.journal.types import Side


def one_move(db: Database, move_id: str) -> Move:
    """Give a move. Errors: UnknownError."""
    row = db.row("move.one", (move_id,))
    if row is None:
        raise UnknownError(f"there is no move {move_id}")
    return move_of(row)


def put_move(db: Database, move: Move) -> None:
    """Write where a move stands."""
    agreed_at, ended_at = to_micros_or_none(move.agreed_at), to_micros_or_none(move.ended_at)
    columns = (move.state.value, move.agreed_by, agreed_at, move.outcome, ended_at)
    db.run("move.set_state", (*columns, to_micros_or_none(move.parked_at), move.move_id))


def move_of(row: Row) -> Move:
    """Give the move of a row of ``$move_columns``."""
    (
        move_id, order_key, route, was, to, batch, state, asked_by, asked_at, why, agreed_by, agreed_at,
        message_id, documents, lines, placed, outcome, ended_at, parked_at,
    ) = row  # fmt: skip
    return Move(
        move_id=move_id,
        order_key=order_key,
        route=route,
        was=Side(was),
        to=Side(to),
        asked_by=asked_by,
        asked_at=from_micros(asked_at),
        why=why,
        batch=batch,
        state=MoveState(state),
        agreed_by=agreed_by,
        agreed_at=from_micros_or_none(agreed_at),
        message_id=message_id,
        documents=documents,
        lines=load_lines(lines),
        order=placed.encode() or None,
        outcome=outcome,
        ended_at=from_micros_or_none(ended_at),
        parked_at=from_micros_or_none(parked_at),
    )


def dump_lines(lines: Sequence[MoveLine]) -> str:
    """Give the lines of a move as JSON; decimals are texts."""
    return dump(
        [
            [each.line, str(each.ordered), str(each.received), str(each.invoiced), each.unit,
             None if each.price is None else str(each.price)]
            for each in lines
        ]
    )  # fmt: skip


def load_lines(text: str) -> tuple[MoveLine, ...]:
    """Give the lines of a move back."""
    return tuple(
        MoveLine(
            line, Decimal(ordered), Decimal(received), Decimal(invoiced), unit,
            None if price is None else Decimal(price),
        )
        for line, ordered, received, invoiced, unit, price in json.loads(text)
    )  # fmt: skip
