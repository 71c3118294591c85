"""Moves in the file that were agreed to and never began, as exceptions."""

from __future__ import annotations

from gateway.journal.moves import Move
from gateway.journal.parked_moves import exception_of
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.move_rows import move_of
from gateway.journal.types import ExceptionItem


def exceptions(db: Database, route: str | None, limit: int) -> list[ExceptionItem]:
    """List them, oldest first."""
    found = (move_of(row) for row in db.rows("move.parked", (route, limit)))
    return [exception_of(move, move.parked_at) for move in found if move.parked_at is not None]


def parked_move(db: Database, exception_id: str) -> Move | None:
    """Give the move that an exception is about; None for any other exception."""
    row = db.row("move.parked_one", (exception_id,))
    return move_of(row) if row is not None else None
