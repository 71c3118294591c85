"""Deliveries as a plan writes them down, and as a later plan takes them back before they were sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.journal.findings import order_overtaken
from gateway.journal.sent import was_sent
from gateway.journal.sqlite.bodies import write_body
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.exchanges import read_steps
from gateway.journal.sqlite.ground import Standing, standing
from gateway.journal.sqlite.instants import to_micros_or_none
from gateway.journal.sqlite.json_columns import EMPTY, dump_findings, dump_strings, load_strings
from gateway.journal.sqlite.lanes import enter, leave, position_of
from gateway.journal.types import DeliveryPlan, DeliveryState

if TYPE_CHECKING:
    from gateway.journal.sqlite.planning import PlannedMessage

NOT_LOOKED_UP: Mapping[str, Standing | None] = MappingProxyType({})
PlannedDocuments = Mapping[int, tuple[int, tuple[str, ...]]]  # index -> document id, order keys


def insert_deliveries(
    db: Database,
    message: PlannedMessage,
    documents: PlannedDocuments,
    deliveries: Iterable[DeliveryPlan],
    now: int,
    *,
    holds: bool,
    has_waited: bool = False,
    orders: Mapping[str, Standing | None] = NOT_LOOKED_UP,
) -> tuple[str, ...]:
    """Write deliveries into their lanes; give the ids of those that were overtaken and parked.

    ``holds``: those of an acceptance unit wait until it is decided. ``has_waited``: they are about an
    order that came after them, and stand directly behind the document that opened it. ``orders``: how some
    orders stood before this plan; what it opens itself came by no move.
    """
    sent = set[tuple[str, str, str]]()
    if message.generation > 1 and not message.resend:
        sent = _sent_before(db, message)
    overtaken = []
    for delivery in deliveries:
        if (delivery.reference, delivery.target, delivery.role) in sent or _is_known(
            db, message, documents, delivery
        ):
            continue
        position = position_of(message.sequence, delivery.document_index)
        if has_waited or message.generation > 1 or _is_moved(db, delivery.lanes, orders):
            position = max(position, _behind_order(db, delivery.lanes, message.sequence))
        if _insert(db, message, documents, delivery, now, holds, position) is DeliveryState.PARKED:
            overtaken.append(delivery.delivery_id)
    return tuple(overtaken)


def _sent_before(db: Database, message: PlannedMessage) -> set[tuple[str, str, str]]:
    """Give (reference, target, role) of what earlier generations sent."""
    sent = set()
    for *identity, state, number, delivery_id, resolution in db.rows(
        "delivery.sent_before", (message.sequence, message.generation)
    ):
        reference, target, role = identity
        is_void = state == DeliveryState.VOID
        steps = read_steps(db, number, delivery_id) if is_void else ()
        if not is_void or was_sent(role, DeliveryState.VOID, steps, resolution or ""):
            sent.add((reference, target, role))
    return sent


def _is_known(
    db: Database, message: PlannedMessage, documents: PlannedDocuments, delivery: DeliveryPlan
) -> bool:
    """Tell whether a delivery of no new document was written by the chunk that is being repeated."""
    if delivery.document_index in documents:
        return False
    identity = (delivery.reference, delivery.target, delivery.role, delivery.document_index)
    return db.row("delivery.same_of_message", (message.sequence, message.generation, *identity)) is not None


def _is_moved(db: Database, lanes: Iterable[str], orders: Mapping[str, Standing | None]) -> bool:
    """Tell whether one of these orders came to its side by a move, which what is older must stand behind."""
    entries = (orders[key] if key in orders else standing(db, key) for key in lanes)
    return any(entry is not None and entry.is_moved for entry in entries)


def _behind_order(db: Database, lanes: Iterable[str], sequence: int) -> int:
    """Give the place of the last document after this message that opened one of these orders; 0 for none."""
    opened = (db.row("order.opened_at", (order_key,)) for order_key in lanes)
    return max((position_of(*row) for row in opened if row is not None and row[0] > sequence), default=0)


def _insert(
    db: Database,
    message: PlannedMessage,
    documents: PlannedDocuments,
    delivery: DeliveryPlan,
    now: int,
    holds: bool,
    position: int,
) -> DeliveryState:
    document_id, order_keys = _document(db, message, documents, delivery)
    number = next(db.delivery_numbers)
    waits_for, overtaken = enter(db, number, delivery.target, delivery.lanes, position)
    state, findings = DeliveryState.READY, EMPTY
    if overtaken is not None:
        state = DeliveryState.PARKED
        findings = dump_findings((order_overtaken(delivery, overtaken),))
    elif delivery.unit is not None and holds:
        state = DeliveryState.HELD
    body_id = None
    if delivery.body is not None:
        body_id = write_body(db, f"delivery:{delivery.delivery_id}", delivery.body)
    not_before = to_micros_or_none(delivery.not_before)
    unit = delivery.unit
    db.run(
        "delivery.insert",
        (
            number,
            delivery.delivery_id,
            message.sequence,
            message.generation,
            delivery.document_index,
            document_id,
            position,
            delivery.target,
            delivery.role,
            delivery.reference,
            dump_strings(delivery.lanes),
            dump_strings(order_keys),
            delivery.is_urgent,
            state,
            body_id,
            delivery.content_type,
            unit.kind if unit else None,
            unit.key if unit else None,
            now,
            to_micros_or_none(delivery.deadline_at),
            not_before,
            not_before,
            waits_for,
            findings,
            now if state is DeliveryState.PARKED else None,
            delivery.transmitter,
        ),
    )
    for order_key in {*order_keys, *delivery.lanes}:
        db.run("order.link_delivery", (order_key, number))
    return state


def _document(
    db: Database, message: PlannedMessage, documents: PlannedDocuments, delivery: DeliveryPlan
) -> tuple[int | None, tuple[str, ...]]:
    index = delivery.document_index
    if index is None:
        return None, delivery.lanes
    if index in documents:
        return documents[index]
    row = db.row("document.find", (message.sequence, message.generation, index))
    if row is None:
        raise ValueError(
            f"delivery {delivery.delivery_id}: message {message.message_id} has no document {index}"
        )
    return row[0], load_strings(row[1])


def supersede_earlier(db: Database, sequence: int, generation: int, now: int) -> None:
    """End what earlier generations planned and nobody attempted."""
    for (number,) in db.rows("delivery.unsent_before", (sequence, generation)):
        finish_unsent(db, number, DeliveryState.SUPERSEDED, now)


def settled_before(db: Database, message: PlannedMessage) -> frozenset[str]:
    """Give the deliveries of earlier generations that were attempted, or closed by a person."""
    rows = db.rows("delivery.settled_before", (message.sequence, message.generation))
    return frozenset(delivery_id for (delivery_id,) in rows)


def finish_unsent(db: Database, number: int, state: DeliveryState, now: int) -> None:
    """End a delivery that will not be sent (any more); its lease ends and its lanes go on."""
    row = db.row("delivery.lanes", (number,))
    if row is None:
        return
    target, lanes, position = row
    db.run("delivery.finish_unsent", (state.value, now, number))
    leave(db, number, target, load_strings(lanes), position)
