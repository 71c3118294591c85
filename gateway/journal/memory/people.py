"""What people do in the memory journal: exceptions, retries, resolutions, replays. All of it audited."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import datetime

from adapters.base import Accepted
from gateway.journal import parked_moves as parked_move_rules
from gateway.journal.base import UnknownError
from gateway.journal.findings import answer_not_retried, being_sent, call_not_retried
from gateway.journal.memory import controls, orders, parked_moves
from gateway.journal.memory.audit import append
from gateway.journal.memory.delivering import finish
from gateway.journal.memory.keys_back import give_keys_back, hold_key
from gateway.journal.memory.messages import begin_generation, message_record
from gateway.journal.memory.records import DeliveryRecord, DocumentRecord, MessageRecord, Tables
from gateway.journal.parked_moves import left_there, taken_up
from gateway.journal.sent import DISMISSED, PLACED_BY_PHONE, closes, side_of_stage
from gateway.journal.types import BEING_SENT, DeliveryState, ExceptionItem, Side

Parked = MessageRecord | DocumentRecord | DeliveryRecord


def exceptions(tables: Tables, route: str | None, limit: int) -> list[ExceptionItem]:
    """List what is parked and unresolved, oldest first."""
    found = [
        _item(parked)
        for record in tables.messages.values()
        if route in (None, record.view.route)
        for parked in _parked_of(record)
    ]
    found += controls.exceptions(tables, route)
    found += parked_moves.exceptions(tables, route)
    return sorted(found, key=lambda item: item.opened_at)[:limit]


def exception_counts(tables: Tables, route: str) -> dict[tuple[str, ...], int]:
    """Count a route's exceptions by the types of the sets that they are about."""
    return dict(Counter(_sets_about(tables, item) for item in exceptions(tables, route, sys.maxsize)))


def _sets_about(tables: Tables, item: ExceptionItem) -> tuple[str, ...]:
    if item.kind == parked_move_rules.KIND:
        return (parked_move_rules.KIND,)
    name = controls.delivery_of(tables, item.exception_id) or item.exception_id
    delivery = tables.deliveries.get(name)
    parked = delivery if delivery is not None else _parked(tables, item.exception_id)
    if isinstance(parked, DeliveryRecord) and parked.document is None:
        every = parked.message.all_documents()
        about = [each for each in every if each.generation == parked.generation]
    else:
        about = _documents_of(parked)
    return tuple(sorted({each.plan.set_type for each in about}))


def retry(tables: Tables, exception_id: str, who: str, why: str, now: datetime) -> str:
    """Take a parked thing up again; give what was done."""
    if controls.delivery_of(tables, exception_id) is not None:
        raise answer_not_retried(exception_id)
    move = parked_moves.parked_move(tables, exception_id)
    if move is not None:
        tables.moves[exception_id] = taken_up(move)
        append(tables, now, who, "exceptions.retry", exception_id, {"done": "move"}, why)
        return "move"
    parked = _parked(tables, exception_id)
    if isinstance(parked, DeliveryRecord):
        done = _deliver_again(tables, parked)
    else:
        record = parked.message if isinstance(parked, DocumentRecord) else parked
        begin_generation(tables, record, resend=False)
        done = "translate"
    append(tables, now, who, "exceptions.retry", exception_id, {"done": done}, why)
    return done


def resolve(tables: Tables, exception_id: str, resolution: str, who: str, why: str, now: datetime) -> None:
    """Close a parked thing or an unfinished delivery without sending it."""
    if _resolve_without_message(tables, exception_id, resolution):
        detail = {"resolution": resolution, "deliveries": "0"}
        append(tables, now, who, "exceptions.resolve", exception_id, detail, why)
        return
    open_thing = _unfinished(tables, exception_id) or _parked(tables, exception_id)
    by_phone = resolution.startswith(PLACED_BY_PHONE)
    placed = _orders_of(open_thing) if by_phone else {}
    ended = _others_about(open_thing, placed.keys())
    if by_phone:
        _place_by_phone(tables, open_thing, placed, resolution.removeprefix(PLACED_BY_PHONE), now)
    if isinstance(open_thing, DeliveryRecord):
        ended.append(open_thing)
    elif isinstance(open_thing, DocumentRecord):
        open_thing.plan = replace(open_thing.plan, resolution=resolution)
        if closes(resolution) and resolution != DISMISSED:
            # It is somewhere, by hand: what comes under its key again is a repeat of it.
            hold_key(tables, open_thing, now)
    else:
        open_thing.is_resolved = True
        ended += [each for each in open_thing.deliveries if each.state is DeliveryState.HELD]
    for delivery in ended:
        finish(tables, delivery, DeliveryState.VOID, now)
        delivery.resolution = resolution
    if resolution == DISMISSED and ended:
        give_keys_back(tables, ended[0].message)
    detail = {"resolution": resolution, "deliveries": str(len(ended))}
    append(tables, now, who, "exceptions.resolve", exception_id, detail, why)


def _resolve_without_message(tables: Tables, exception_id: str, resolution: str) -> bool:
    """Close what is no part of a message's plan, and tell whether it was that. Errors: RefusedError."""
    unanswered = controls.delivery_of(tables, exception_id)
    if unanswered is not None:
        controls.resolve(tables, unanswered)
        return True
    move = parked_moves.parked_move(tables, exception_id)
    if move is not None:
        tables.moves[exception_id] = left_there(move, resolution)
    return move is not None


def replay(tables: Tables, message_id: str, resend: bool, who: str, why: str, now: datetime) -> int:
    """Begin a new plan generation of a message."""
    generation = begin_generation(tables, message_record(tables, message_id), resend=resend)
    detail = {"generation": str(generation), "resend": "yes" if resend else "no"}
    append(tables, now, who, "messages.replay", message_id, detail, why)
    return generation


def _unfinished(tables: Tables, delivery_id: str) -> DeliveryRecord | None:
    """Give a delivery that is not finished, if it is one. Errors: RefusedError while it is being sent."""
    delivery = tables.unfinished.get(delivery_id)
    if delivery is not None and delivery.state in BEING_SENT:
        raise being_sent(delivery_id)
    return delivery


def _others_about(open_thing: Parked, order_keys: Set[str]) -> list[DeliveryRecord]:
    """Give the other unfinished live deliveries of a message that are about nothing but these orders.

    Errors: RefusedError while one of them is being sent.
    """
    record = open_thing if isinstance(open_thing, MessageRecord) else open_thing.message
    found = [
        delivery
        for delivery in record.deliveries
        if delivery is not open_thing
        and not delivery.is_finished
        and delivery.plan.role in ("live", "pass_through")
        and delivery.order_keys
        and order_keys >= set(delivery.order_keys)
    ]
    for delivery in found:
        if delivery.state in BEING_SENT:
            raise being_sent(delivery.delivery_id)
    return found


def _parked(tables: Tables, exception_id: str) -> Parked:
    delivery = tables.deliveries.get(exception_id)
    if delivery is not None and delivery.state is DeliveryState.PARKED:
        return delivery
    record = tables.messages.get(exception_id)
    if record is not None and record.is_open_exception:
        return record
    message_id, _, index = exception_id.rpartition("/")
    owner = tables.messages.get(message_id)
    document = owner.documents.get(int(index)) if owner and index.isdecimal() else None
    if document is not None and document.is_open_exception:
        return document
    raise UnknownError(f"nothing is parked under {exception_id}")


def _parked_of(record: MessageRecord) -> list[Parked]:
    parked: list[Parked] = [record] if record.is_open_exception else []
    parked.extend(document for document in record.documents.values() if document.is_open_exception)
    parked.extend(delivery for delivery in record.deliveries if delivery.state is DeliveryState.PARKED)
    return parked


def _item(parked: Parked) -> ExceptionItem:
    if isinstance(parked, MessageRecord):
        view = parked.view
        opened_at = parked.parked_at or view.accepted_at
        return ExceptionItem(
            view.message_id, "message", view.message_id, view.route, view.partner, opened_at, view.findings
        )
    view = parked.message.view
    if isinstance(parked, DocumentRecord):
        told = parked.plan
        return ExceptionItem(
            exception_id=f"{view.message_id}/{told.index}",
            kind="document",
            message_id=view.message_id,
            route=view.route,
            partner=view.partner,
            opened_at=parked.planned_at,
            findings=told.findings,
            document_key=told.document_key,
            order_keys=told.order_keys,
        )
    return ExceptionItem(
        exception_id=parked.delivery_id,
        kind="delivery",
        message_id=view.message_id,
        route=view.route,
        partner=view.partner,
        opened_at=parked.parked_at or parked.planned_at,
        findings=parked.findings,
        target=parked.plan.target,
        document_key=parked.document.plan.document_key if parked.document else None,
        order_keys=parked.order_keys,
    )


def _deliver_again(tables: Tables, delivery: DeliveryRecord) -> str:
    """Give a parked delivery back to the workers; one still in doubt is looked up first."""
    if delivery.plan.role == "pass_through":
        raise call_not_retried(delivery.delivery_id)
    delivery.is_in_doubt = _has_open_doubt(delivery)
    delivery.attempts, delivery.first_attempt_at = 0, None
    delivery.parked_at, delivery.not_before = None, None
    delivery.reason, delivery.findings = "", ()
    if delivery.is_in_doubt:
        delivery.state = DeliveryState.IN_DOUBT
    else:
        delivery.state = DeliveryState.HELD if delivery.is_held else DeliveryState.READY
    tables.lanes.offer(delivery)
    return "look up" if delivery.is_in_doubt else "deliver"


def _has_open_doubt(delivery: DeliveryRecord) -> bool:
    """Tell whether a step may have happened, and no later step was answered well."""
    is_open = False
    for step in delivery.steps:
        is_open = step.is_in_doubt or (is_open and not isinstance(step.outcome, Accepted))
    return is_open


def _orders_of(parked: Parked) -> dict[str, Side | None]:
    """Give the orders that a thing is about, with the side that was decided for them."""
    documents = _documents_of(parked)
    sides = {key: document.plan.side for document in documents for key in document.plan.order_keys}
    if isinstance(parked, DeliveryRecord):
        sides = {key: sides.get(key) for key in parked.order_keys}
    return sides


def _place_by_phone(
    tables: Tables, parked: Parked, placed: Mapping[str, Side | None], reference: str, now: datetime
) -> None:
    view = (parked if isinstance(parked, MessageRecord) else parked.message).view
    stage = tables.stages.get(view.route)
    otherwise = side_of_stage(stage.stage if stage else None)
    for order_key, side in placed.items():
        orders.place_by_phone(
            tables, order_key, side or otherwise, view.route, view.message_id, reference, now
        )


def _documents_of(parked: Parked) -> list[DocumentRecord]:
    if isinstance(parked, MessageRecord):
        return list(parked.documents.values())
    if isinstance(parked, DocumentRecord):
        return [parked]
    return [parked.document] if parked.document else list(parked.message.documents.values())
