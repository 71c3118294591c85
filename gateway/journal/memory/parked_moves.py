"""Moves in the memory journal that were agreed to and never began, as exceptions."""

from __future__ import annotations

from gateway.journal.memory.records import Tables
from gateway.journal.moves import Move
from gateway.journal.parked_moves import exception_of
from gateway.journal.types import ExceptionItem


def exceptions(tables: Tables, route: str | None) -> list[ExceptionItem]:
    """List them."""
    return [
        exception_of(move, move.parked_at)
        for move in tables.moves.values()
        if move.parked_at is not None and route in (None, move.route)
    ]


def parked_move(tables: Tables, exception_id: str) -> Move | None:
    """Give the move that an exception is about; None for any other exception."""
    move = tables.moves.get(exception_id)
    return move if move is not None and move.parked_at is not None else None
