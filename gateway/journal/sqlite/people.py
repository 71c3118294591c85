"""What people do: exceptions, retries, resolutions, replays. All of it audited in its transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from typing import NamedTuple

from adapters.base import Accepted, InDoubt
from gateway.journal.base import UnknownError
from gateway.journal.findings import answer_not_retried, being_sent, call_not_retried
from gateway.journal.parked_moves import left_there, taken_up
from gateway.journal.sent import DISMISSED, PLACED_BY_PHONE, closes, side_of_stage
from gateway.journal.sqlite import controls, parked_moves
from gateway.journal.sqlite.audit_log import append
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.instants import from_micros, to_micros
from gateway.journal.sqlite.json_columns import load_findings, load_outcome, load_strings
from gateway.journal.sqlite.keys_back import give_keys_back
from gateway.journal.sqlite.ledger import place_by_phone
from gateway.journal.sqlite.move_rows import put_move
from gateway.journal.sqlite.planned_deliveries import finish_unsent
from gateway.journal.types import BEING_SENT, DeliveryState, ExceptionItem, Side


class Parked(NamedTuple):
    """A thing that a person closes or takes up: its kind, its row's number, and the message it belongs to."""

    kind: str
    number: int
    message: int


def exceptions(db: Database, route: str | None, limit: int) -> list[ExceptionItem]:
    """List what is parked and unresolved, oldest first."""
    found = [_item(row) for row in db.rows("exception.all", (route, limit))]
    found += controls.exceptions(db, route, limit)
    found += parked_moves.exceptions(db, route, limit)
    return sorted(found, key=lambda item: item.opened_at)[:limit]


def exception_counts(db: Database, route: str) -> dict[tuple[str, ...], int]:
    """Count a route's exceptions by the types of the sets that they are about."""
    found = Counter[tuple[str, ...]]()
    for sets, count in db.rows("exception.counts", (route,)):
        found[tuple(sorted(load_strings(sets)))] += count
    return dict(found)


def retry(db: Database, exception_id: str, who: str, why: str, now: datetime) -> str:
    """Take a parked thing up again; give what was done."""
    if controls.delivery_of(db, exception_id) is not None:
        raise answer_not_retried(exception_id)
    move = parked_moves.parked_move(db, exception_id)
    if move is not None:
        put_move(db, taken_up(move))
        append(db, now, who, "exceptions.retry", exception_id, {"done": "move"}, why)
        return "move"
    parked = _parked(db, exception_id)
    if parked.kind == "delivery":
        done = _deliver_again(db, exception_id, parked.number)
    else:
        begin_generation(db, parked.message, resend=False)
        done = "translate"
    append(db, now, who, "exceptions.retry", exception_id, {"done": done}, why)
    return done


def resolve(db: Database, exception_id: str, resolution: str, who: str, why: str, now: datetime) -> None:
    """Close a parked thing or an unfinished delivery without sending it."""
    if _resolve_without_message(db, exception_id, resolution):
        detail = {"resolution": resolution, "deliveries": "0"}
        append(db, now, who, "exceptions.resolve", exception_id, detail, why)
        return
    open_thing = _unfinished(db, exception_id) or _parked(db, exception_id)
    by_phone = resolution.startswith(PLACED_BY_PHONE)
    placed = _orders_of(db, open_thing) if by_phone else {}
    ended = _others_about(db, open_thing, placed.keys())
    if by_phone:
        _place_by_phone(db, open_thing.message, placed, resolution.removeprefix(PLACED_BY_PHONE), now)
    match open_thing.kind:
        case "delivery":
            ended.append(open_thing.number)
        case "document":
            db.run("document.resolve", (resolution, open_thing.number))
            if closes(resolution) and resolution != DISMISSED:
                # It is somewhere, by hand: what comes under its key again is a repeat of it.
                db.run("document.hold_key_of", (to_micros(now), open_thing.number))
        case _:
            db.run("message.resolve", (resolution, open_thing.number))
            ended += [number for (number,) in db.rows("delivery.held", (open_thing.message,))]
    for number in ended:
        finish_unsent(db, number, DeliveryState.VOID, to_micros(now))
        db.run("delivery.resolve", (resolution, number))
    if resolution == DISMISSED and ended:
        give_keys_back(db, open_thing.message)
    detail = {"resolution": resolution, "deliveries": str(len(ended))}
    append(db, now, who, "exceptions.resolve", exception_id, detail, why)


def _resolve_without_message(db: Database, exception_id: str, resolution: str) -> bool:
    """Close what is no part of a message's plan, and tell whether it was that. Errors: RefusedError."""
    unanswered = controls.delivery_of(db, exception_id)
    if unanswered is not None:
        controls.resolve(db, unanswered)
        return True
    move = parked_moves.parked_move(db, exception_id)
    if move is not None:
        put_move(db, left_there(move, resolution))
    return move is not None


def replay(db: Database, message_id: str, resend: bool, who: str, why: str, now: datetime) -> int:
    """Begin a new plan generation of a message; give its number. Errors: UnknownError."""
    sequence = db.value("message.sequence", (message_id,))
    if sequence is None:
        raise UnknownError(f"there is no message {message_id}")
    generation = begin_generation(db, sequence, resend=resend)
    detail = {"generation": str(generation), "resend": "yes" if resend else "no"}
    append(db, now, who, "messages.replay", message_id, detail, why)
    return generation


def begin_generation(db: Database, sequence: int, *, resend: bool) -> int:
    """Have a message translated anew. Errors: UnknownError where its bytes are gone."""
    generation = db.value("message.replay", (resend, sequence))
    if generation is None:
        raise UnknownError("the bytes of the message are not kept (any more)")
    db.run("document.withdraw", (sequence,))
    return int(generation)


def _parked(db: Database, exception_id: str) -> Parked:
    row = db.row("exception.delivery", (exception_id,)) or db.row("exception.message", (exception_id,))
    if row is None:
        message_id, _, index = exception_id.rpartition("/")
        row = db.row("exception.document", (message_id, int(index))) if index.isdecimal() else None
    if row is None:
        raise UnknownError(f"nothing is parked under {exception_id}")
    return Parked(*row)


def _unfinished(db: Database, delivery_id: str) -> Parked | None:
    """Give a delivery that is not finished, if it is one. Errors: RefusedError while it is being sent."""
    row = db.row("exception.unfinished", (delivery_id,))
    if row is None:
        return None
    number, message, state = row
    if DeliveryState(state) in BEING_SENT:
        raise being_sent(delivery_id)
    return Parked("delivery", number, message)


def _others_about(db: Database, open_thing: Parked, order_keys: Set[str]) -> list[int]:
    """Give the other unfinished live deliveries of a message that are about nothing but these orders.

    Errors: RefusedError while one of them is being sent.
    """
    if not order_keys:
        return []
    found = []
    own = open_thing.number if open_thing.kind == "delivery" else None
    for number, delivery_id, state, keys in db.rows("exception.unfinished_live", (open_thing.message, own)):
        about = set(load_strings(keys))
        if not about or not about <= order_keys:
            continue
        if DeliveryState(state) in BEING_SENT:
            raise being_sent(delivery_id)
        found.append(number)
    return found


def _deliver_again(db: Database, delivery_id: str, number: int) -> str:
    """Give a parked delivery back to the workers; one still in doubt is looked up first."""
    if db.value("exception.role", (number,)) == "pass_through":
        raise call_not_retried(delivery_id)
    is_in_doubt = _has_open_doubt(db, number)
    db.run("exception.deliver_again", (is_in_doubt, is_in_doubt, number))
    return "look up" if is_in_doubt else "deliver"


def _has_open_doubt(db: Database, number: int) -> bool:
    """Tell whether a step may have happened, and no later step was answered well."""
    is_open = False
    for (text,) in db.rows("step.outcomes", (number,)):
        outcome = load_outcome(text)
        is_in_doubt = outcome is None or isinstance(outcome, InDoubt)
        is_open = is_in_doubt or (is_open and not isinstance(outcome, Accepted))
    return is_open


def _place_by_phone(
    db: Database, message: int, orders: Mapping[str, Side | None], reference: str, now: datetime
) -> None:
    route, message_id = db.row("message.route_and_id", (message,)) or ("", "")
    otherwise = side_of_stage(db.value("stage.of_route", (route,)))
    for order_key, side in orders.items():
        place_by_phone(db, order_key, side or otherwise, route, message_id, reference, now)


def _orders_of(db: Database, parked: Parked) -> dict[str, Side | None]:
    """Give the orders that a parked thing is about, with the side that was decided for them."""
    if parked.kind == "document":
        return _sides(db.rows("exception.orders_of_document", (parked.number,)))
    if parked.kind == "message":
        return _sides(db.rows("exception.orders_of_message", (parked.message,)))
    own, document_id = db.row("exception.orders_of_delivery", (parked.number,)) or ("[]", None)
    if document_id is not None:
        sides = _sides(db.rows("exception.orders_of_document", (document_id,)))
    else:
        sides = _sides(db.rows("exception.orders_of_message", (parked.message,)))
    return {order_key: sides.get(order_key) for order_key in load_strings(own)}


def _sides(rows: Iterable[Row]) -> dict[str, Side | None]:
    return {
        key: Side(side) if side else None for order_keys, side in rows for key in load_strings(order_keys)
    }


def _item(row: Row) -> ExceptionItem:
    (
        opened_at, kind, exception_id, message_id, route, partner, findings, target, document_key, order_keys
    ) = row  # fmt: skip
    return ExceptionItem(
        exception_id=exception_id,
        kind=kind,
        message_id=message_id,
        route=route,
        partner=partner,
        opened_at=from_micros(opened_at),
        findings=load_findings(findings),
        target=target,
        document_key=document_key,
        order_keys=load_strings(order_keys),
    )
