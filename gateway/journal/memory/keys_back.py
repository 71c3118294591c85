"""Document keys that are free again: of documents that came nowhere, and will not."""

from __future__ import annotations

from datetime import datetime

from gateway.journal.memory.records import DeliveryRecord, DocumentKey, DocumentRecord, MessageRecord, Tables
from gateway.journal.sent import Carrier, Carriers, DocumentPlace, is_spent
from gateway.journal.types import DeliveryState


def give_keys_back(tables: Tables, record: MessageRecord) -> None:
    """Free the keys of documents that came nowhere: what is sent in their place is no repeat."""
    carriers = Carriers(
        Carrier(each.plan.document_index, each.plan.target, each.plan.lanes, _is_spent(each))
        for each in record.deliveries
        if each.plan.role in ("live", "pass_through") and each.state is not DeliveryState.SUPERSEDED
    )
    for key, places in _places(record).items():
        holder = tables.document_keys.get(key)
        is_ours = holder is not None and holder.message_id == record.view.message_id
        if is_ours and carriers.are_spent(places):
            del tables.document_keys[key]


def _places(record: MessageRecord) -> dict[str, list[DocumentPlace]]:
    """Give where each document key stands in a message, in every generation."""
    places: dict[str, list[DocumentPlace]] = {}
    for told in (each.plan for each in record.all_documents()):
        if told.document_key is not None:
            place = DocumentPlace(told.index, told.order_keys, told.passes_to)
            places.setdefault(told.document_key, []).append(place)
    return places


def _is_spent(delivery: DeliveryRecord) -> bool:
    return is_spent(delivery.state, delivery.steps, delivery.resolution)


def hold_key(tables: Tables, document: DocumentRecord, now: datetime) -> None:
    """Let a document hold its key, where nobody has it."""
    told, message_id = document.plan, document.message.view.message_id
    if told.document_key is not None and told.document_key not in tables.document_keys:
        tables.document_keys[told.document_key] = DocumentKey(
            message_id, told.index, told.content_hash or "", document.generation, now
        )
