"""Retention in the memory journal: bytes, keys and closed orders go in their turn. Open work stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from adapters.base import Reply, StepResult
from gateway.journal.memory import comparing, orders
from gateway.journal.memory.records import DeliveryRecord, MessageRecord, Tables


def prune(
    tables: Tables,
    now: datetime,
    bodies_before: datetime,
    keys_before: datetime,
    orders_before: datetime,
    limit: int,
) -> int:
    """Forget at most ``limit`` bodies, keys and closed orders, oldest first; give how many.

    What sources were to remember until now goes too, uncounted.
    """
    for place in [place for place, (_, expires_at) in tables.remembered.items() if expires_at <= now]:
        del tables.remembered[place]
    forgotten = 0
    for record in tables.messages.values():
        accepted_at = record.view.accepted_at
        if accepted_at >= max(bodies_before, keys_before) or forgotten >= limit:
            break
        if not _is_settled(record):
            continue
        if accepted_at < bodies_before:
            forgotten += _forget_bodies(record, limit - forgotten)
        if accepted_at < keys_before:
            forgotten += _forget_keys(tables, record, limit - forgotten)
    forgotten += _forget_orders(tables, orders_before, limit - forgotten)
    return forgotten + comparing.prune(tables, keys_before, limit - forgotten)


def _forget_orders(tables: Tables, before: datetime, limit: int) -> int:
    closed = [
        (entry.closed_at, key)
        for key, entry in tables.ledger.items()
        if entry.closed_at and entry.closed_at < before
    ]
    busy = _busy_orders(tables) if closed else frozenset()
    forgotten = sorted((at, key) for at, key in closed if key not in busy)[:limit]
    for _, key in forgotten:
        orders.forget(tables, key)
    return len(forgotten)


def _busy_orders(tables: Tables) -> frozenset[str]:
    """Give the orders that something unfinished is about."""
    delivering = (key for each in tables.unfinished.values() for key in each.order_keys)
    open_documents = (
        key
        for record in tables.messages.values()
        for document in record.all_documents()
        if document.is_open_exception or document.plan.awaits
        for key in document.plan.order_keys
    )
    return frozenset((*delivering, *open_documents))


def _is_settled(record: MessageRecord) -> bool:
    """Tell whether nothing of a message is still to be translated, delivered or judged by a person."""
    documents = record.documents.values()
    return not (
        record.is_to_translate
        or record.is_open_exception
        or any(document.is_open_exception or document.plan.awaits for document in documents)
        or any(not delivery.is_finished for delivery in record.deliveries)
    )


def _forget_bodies(record: MessageRecord, limit: int) -> int:
    forgotten = 0
    if record.body is not None and forgotten < limit:
        record.body = None
        forgotten += 1
    for document in record.all_documents():
        if document.plan.canonical is not None and forgotten < limit:
            document.plan = replace(document.plan, canonical=None)
            forgotten += 1
    for delivery in record.deliveries:
        forgotten += _forget_exchanges(delivery, limit - forgotten)
    return forgotten


def _forget_exchanges(delivery: DeliveryRecord, limit: int) -> int:
    forgotten = 0
    if delivery.plan.body is not None and forgotten < limit:
        delivery.plan = replace(delivery.plan, body=None)
        forgotten += 1
    for place, step in enumerate(delivery.steps):
        for lighter in _lightened(step):
            if forgotten < limit:
                delivery.steps[place] = lighter
                forgotten += 1
    return forgotten


def _lightened(step: StepResult) -> Iterator[StepResult]:
    """Give the step without its request's bytes, then without its reply's, where there are any."""
    if step.request.body:
        step = replace(step, request=replace(step.request, body=b""))
        yield step
    if isinstance(step.reply, Reply) and step.reply.body:
        yield replace(step, reply=replace(step.reply, body=b""))


def _forget_keys(tables: Tables, record: MessageRecord, limit: int) -> int:
    view, forgotten = record.view, 0
    place = (view.route, view.arrival_key or "")
    ids = tables.arrivals.get(place, [])
    if view.message_id in ids and forgotten < limit:
        ids.remove(view.message_id)
        if not ids:
            del tables.arrivals[place]
        forgotten += 1
    for key in {document.plan.document_key for document in record.all_documents()}:
        holder = tables.document_keys.get(key) if key is not None else None
        if key is not None and holder and holder.message_id == view.message_id and forgotten < limit:
            del tables.document_keys[key]
            forgotten += 1
    own = [key for key, held in tables.controls.items() if held.message is record and held.overdue_at is None]
    for control_key in own[: max(limit - forgotten, 0)]:
        del tables.controls[control_key]
        forgotten += 1
    return forgotten
