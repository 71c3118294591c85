"""The end of a plan in the memory journal: what its acceptance units condemn goes, the rest is released."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapters.base import Verdict
from gateway.journal.memory import orders
from gateway.journal.memory.delivering import finish
from gateway.journal.memory.messages import set_view
from gateway.journal.memory.records import DeliveryRecord, MessageRecord, Tables
from gateway.journal.types import DeliveryState, MessageState, Plan


def end_plan(tables: Tables, record: MessageRecord, chunk: Plan, now: datetime) -> None:
    """Release or void what the message held, and settle the message."""
    condemned = _reject_documents(tables, record, chunk)
    _free_document_keys(tables, record, condemned)
    _take_orders_back(tables, record, condemned)
    for delivery in record.deliveries:
        if chunk.is_broken:
            delivery.is_held = delivery.state is DeliveryState.HELD
        elif delivery.is_held and not delivery.is_finished:
            _decide(tables, delivery, delivery.plan.unit in chunk.rejected_units, condemned, now)
    record.parked_at = now if chunk.parks else None
    state = MessageState.PARKED if chunk.parks else MessageState.PLANNED
    set_view(tables, record, replace(record.view, state=state))


def _reject_documents(tables: Tables, record: MessageRecord, chunk: Plan) -> set[int]:
    condemned = {
        index
        for index, document in record.documents.items()
        if chunk.rejected_units.intersection(document.plan.units)
    }
    for index in condemned:
        document = record.documents[index]
        document.plan = replace(document.plan, verdict=Verdict.REJECTED, awaits=None)
        tables.awaiting.pop((record.view.message_id, index), None)
    return condemned


def _free_document_keys(tables: Tables, record: MessageRecord, condemned: set[int]) -> None:
    """Give back the keys that only condemned documents hold; what an earlier generation took stays."""
    kept = {
        document.plan.document_key for index, document in record.documents.items() if index not in condemned
    }
    for index in condemned:
        key = record.documents[index].plan.document_key
        holder = tables.document_keys.get(key) if key is not None else None
        if key is None or key in kept or holder is None:
            continue
        if (holder.message_id, holder.generation) == (record.view.message_id, record.view.generation):
            del tables.document_keys[key]


def _take_orders_back(tables: Tables, record: MessageRecord, condemned: set[int]) -> None:
    """Take back the entries that only condemned documents opened and that nothing has changed since."""
    for order_key, revision in record.opened.items():
        entry = tables.ledger.get(order_key)
        openers = record.openers[order_key]
        if entry is None or entry.revision != revision or not openers or not openers <= condemned:
            continue
        if not is_followed(tables, record, order_key):
            orders.take_back(tables, order_key)


def is_followed(tables: Tables, record: MessageRecord, order_key: str) -> bool:
    """Tell whether a document of another message was decided by this order's entry."""
    return any(
        order_key in document.plan.order_keys and document.plan.side is not None
        for other in tables.messages.values()
        if other is not record
        for document in other.all_documents()
    )


def _decide(
    tables: Tables, delivery: DeliveryRecord, is_rejected: bool, condemned: set[int], now: datetime
) -> None:
    if is_rejected or delivery.plan.document_index in condemned:
        finish(tables, delivery, DeliveryState.VOID, now)
        return
    delivery.is_held = False
    if delivery.state is DeliveryState.HELD:  # one that was overtaken stays parked
        delivery.state = DeliveryState.READY
        tables.lanes.offer(delivery)
