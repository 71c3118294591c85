"""Deliveries and documents of the memory journal as lists show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from gateway.journal.memory.records import DeliveryRecord, DocumentRecord, MessageRecord, Tables
from gateway.journal.types import DeliveryState, DeliveryView, DocumentView


def deliveries(
    tables: Tables,
    message_id: str | None,
    order_key: str | None,
    target: str | None,
    states: Sequence[str],
    limit: int,
) -> list[DeliveryView]:
    """List deliveries, oldest first."""
    record = tables.messages.get(message_id) if message_id is not None else None
    every: Iterable[DeliveryRecord] = tables.deliveries.values()
    if message_id is not None:
        every = record.deliveries if record else ()
    found = (
        delivery_view(delivery)
        for delivery in every
        if target in (None, delivery.plan.target)
        and (not states or delivery.state in states)
        and (order_key is None or order_key in delivery.order_keys or order_key in delivery.plan.lanes)
    )
    return list(islice(found, limit))


def documents(
    tables: Tables, message_id: str | None, order_key: str | None, limit: int
) -> list[DocumentView]:
    """List documents, oldest first."""
    records: Iterable[MessageRecord] = tables.messages.values()
    if message_id is not None:
        records = [tables.messages[message_id]] if message_id in tables.messages else []
    found = (
        document_view(document)
        for record in records
        for document in record.all_documents()
        if order_key is None or order_key in document.plan.order_keys
    )
    return list(islice(found, limit))


def unsent_calls(tables: Tables, limit: int) -> list[tuple[str, str]]:
    """Give (message id, delivery id) of passed-through calls that nobody has attempted, oldest first."""
    found = (
        (delivery.message.view.message_id, delivery.delivery_id)
        for delivery in tables.unfinished.values()
        if delivery.plan.role == "pass_through"
        and delivery.state is not DeliveryState.PARKED
        and not delivery.is_attempted
    )
    return list(islice(found, limit))


def document_view(document: DocumentRecord) -> DocumentView:
    """Show a document."""
    return DocumentView(document.message.view.message_id, document.generation, document.plan)


def delivery_view(delivery: DeliveryRecord) -> DeliveryView:
    """Show a delivery."""
    plan = delivery.plan
    return DeliveryView(
        delivery_id=plan.delivery_id,
        message_id=delivery.message.view.message_id,
        generation=delivery.generation,
        document_index=plan.document_index,
        target=plan.target,
        role=plan.role,
        state=delivery.state,
        reference=plan.reference,
        lanes=plan.lanes,
        is_urgent=plan.is_urgent,
        attempts=delivery.attempts,
        reason=delivery.reason,
        not_before=delivery.not_before,
        deadline_at=plan.deadline_at,
        target_reference=delivery.target_reference,
        findings=delivery.findings,
        steps=tuple(delivery.steps),
        planned_at=delivery.planned_at,
        ended_at=delivery.ended_at,
        sequence=delivery.message.view.sequence,
        resolution=delivery.resolution,
    )
