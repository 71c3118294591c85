"""Moves that were agreed to and never began, as exceptions: the same rules and words in every store. Pure.

Such a move is looked at until it is begun again, until somebody leaves the order where it is, or until the
order is asked for anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapters.base import Finding, Position
from gateway.journal.base import RefusedError
from gateway.journal.moves import Move, MoveState
from gateway.journal.sent import DISMISSED
from gateway.journal.types import ExceptionItem

KIND = "move"
MOVE_NOT_BEGUN = "MOVE-NOT-BEGUN"


def exception_of(move: Move, parked_at: datetime) -> ExceptionItem:
    """Give what a person must look at. It belongs to no message: none was made."""
    return ExceptionItem(
        exception_id=move.move_id,
        kind=KIND,
        message_id="",
        route=move.route,
        partner=None,
        opened_at=parked_at,
        findings=(_not_begun(move),),
        order_keys=(move.order_key,),
    )


def taken_up(move: Move) -> Move:
    """Give a move as one that is to be begun: two people agreed to it, and all is looked at anew then."""
    return replace(move, state=MoveState.AGREED, outcome="", ended_at=None, parked_at=None)


def left_there(move: Move, resolution: str) -> Move:
    """Give a move whose order stays where it is. Errors: RefusedError for any other way to close it."""
    if resolution != DISMISSED:
        raise RefusedError(
            f"{move.move_id} is a move that never began, and the order is on {move.was.value} still: begin "
            "it again with exceptions retry, or leave the order there with exceptions resolve --dismiss"
        )
    return replace(move, parked_at=None)


def _not_begun(move: Move) -> Finding:
    return Finding(
        code=MOVE_NOT_BEGUN,
        at=Position(move.order_key),
        text=(
            f"{move.asked_by} and {move.agreed_by} want this order on {move.to.value}, and it stays on "
            f"{move.was.value}: {move.outcome}. Mend that and retry, which begins the move again; or dismiss "
            "it, which leaves the order where it is"
        ),
    )
