"""What a move may do and when: the same rules in every store. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.four_eyes import is_same_person, name_of
from gateway.journal.base import RefusedError
from gateway.journal.moves import Move, MoveBegin, MoveState, OrderStanding
from gateway.journal.types import MOVED, DeliveryState, LedgerEntry, Transmitter

IS_CHANGED = "something of the order changed meanwhile"  # look at it anew, then begin


def cannot_begin(move: Move, begin: MoveBegin, standing: OrderStanding) -> str | None:
    """Say why a move cannot begin now, or None. The same rule in every store."""
    entry = standing.entry
    if entry is None or entry.closed_at is not None:
        return "the ledger has no open order of this key any more"
    if entry.moving_to is not None:
        return "it is moving already"
    if entry.side is not move.was:
        return f"the order is on {entry.side.value} already"
    if entry.revision != begin.ledger_revision or standing.documents != begin.documents_seen:
        return IS_CHANGED
    return not_at_rest(standing)


def not_at_rest(standing: OrderStanding) -> str | None:
    """Say what of an order is not finished, or None: only an order at rest can move."""
    for delivery_id, state in standing.unfinished:
        if state is DeliveryState.IN_DOUBT or state is DeliveryState.ATTEMPTING:
            return f"delivery {delivery_id} is in doubt: nobody knows yet what the old side has"
        return f"delivery {delivery_id} is {state.value}: let it end, or resolve it"
    if standing.is_parked:
        return "a document of it is parked or waits: resolve it first"
    return None


def agreed(moves: Sequence[Move], who: str, now: datetime) -> list[Move]:
    """Give moves as agreed to by a second person. Errors: RefusedError; then nothing is agreed to."""
    if not name_of(who):
        raise RefusedError(f"'{who}' names nobody, and somebody must agree (four eyes); nothing was changed")
    for move in moves:
        if move.state is not MoveState.ASKED:
            raise RefusedError(
                f"move {move.move_id} is {move.state.value}, and only one that is asked can be agreed to; "
                "nothing was changed"
            )
        if is_same_person(move.asked_by, who):
            raise RefusedError(
                f"move {move.move_id} was asked by {who}, and another person must agree to it (four eyes); "
                "nothing was changed"
            )
    return [replace(each, state=MoveState.AGREED, agreed_by=who, agreed_at=now) for each in moves]


def dropped(moves: Sequence[Move], who: str, now: datetime) -> list[Move]:
    """Give moves that nobody began as ended. Errors: RefusedError; then nothing is."""
    for move in moves:
        if move.state not in (MoveState.ASKED, MoveState.AGREED):
            raise RefusedError(
                f"move {move.move_id} is {move.state.value}; only one that has not begun can be dropped. "
                "Nothing was changed"
            )
    return [replace(each, state=MoveState.ENDED, outcome=f"dropped by {who}", ended_at=now) for each in moves]


def ended(move: Move, outcome: str, entry: LedgerEntry | None, now: datetime) -> Move:
    """Give a move as ended with nothing moved.

    One that never began waits for a person where its order is still to be moved: two people wanted that.
    Of one whose remainder was dismissed, somebody knows.
    """
    is_due = entry is not None and entry.closed_at is None and entry.side is move.was
    parked_at = now if move.state is MoveState.AGREED and is_due else None
    return replace(move, state=MoveState.ENDED, outcome=outcome, ended_at=now, parked_at=parked_at)


def entry_after(entry: LedgerEntry, move: Move) -> LedgerEntry:
    """Give a ledger entry once its order has moved: nobody sends what the supplier has already.

    It was opened there by the move's message: what came before that and is decided now stands behind it.
    ``is_divided``: goods that the old side has received are not invoiced yet, so an invoice may be of both.
    """
    return replace(
        entry,
        side=move.to,
        transmitter=Transmitter.NONE,
        stage=MOVED,
        reason=moved_because(move),
        message_id=move.message_id,
        moving_to=None,
        is_divided=entry.is_divided or any(line.received != line.invoiced for line in move.lines),
        revision=entry.revision + 1,
    )


def moved_because(move: Move) -> str:
    """Say why an order is where a move has brought it: the reason that the ledger keeps."""
    return (
        f"moved from {move.was.value} ({move.why}); asked by {move.asked_by}, agreed to by {move.agreed_by}"
    )


def audited(moves: Sequence[Move]) -> list[tuple[str, dict[str, str]]]:
    """Give what the audit log says of moves that are changed together: one entry a batch."""
    batches: dict[str, list[Move]] = {}
    for move in moves:
        batches.setdefault(move.batch, []).append(move)
    return [
        (batch, {"orders": str(len(own)), "first": own[0].order_key, "to": own[0].to.value})
        for batch, own in batches.items()
    ]


def recallable(orders: Mapping[str, Sequence[str]], takes_back: Mapping[str, bool]) -> set[str]:
    """Give the orders of which nothing was attempted, given their deliveries and which can be taken back.

    ``orders``: order key -> ids of all its deliveries. ``takes_back``: delivery id -> nothing of it was
    attempted, and nobody has it in hand. A delivery that carries several orders goes back with all of them
    or with none, so one that must stay keeps the others of its envelope.
    """
    carried: dict[str, set[str]] = {}
    for order_key, deliveries in orders.items():
        for delivery_id in deliveries:
            carried.setdefault(delivery_id, set()).add(order_key)
    stays = {key for key, own in orders.items() if not all(takes_back[each] for each in own)}
    while more := {
        key for key, own in orders.items() if key not in stays and any(carried[each] & stays for each in own)
    }:
        stays |= more
    return set(orders) - stays


def is_untouched(state: DeliveryState, steps: int, role: str) -> bool:
    """Tell whether a delivery can be taken back: never attempted, in nobody's hand, no caller's own."""
    if role == "pass_through" or steps:
        return False
    return state in (
        DeliveryState.HELD,
        DeliveryState.READY,
        DeliveryState.WAITING,
        DeliveryState.SUPERSEDED,
        DeliveryState.VOID,
    )
