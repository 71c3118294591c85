"""DRAIN and AUDIT: at rest nothing is half done, and what people did is on record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gateway.journal.types import DeliveryState, DeliveryView, MessageState
from tests.verify.evidence import Violation
from tests.verify.records import ENDED, Records


def violations(records: Records) -> Iterator[Violation]:
    """Check that all work came to an end that people can see."""
    for message in records.messages.values():
        if message.state in (MessageState.ACCEPTED, MessageState.TRANSLATING):
            yield Violation("DRAIN", message.message_id, f"is still {message.state.value}")
        for view in records.current_documents(message.message_id):
            if view.plan.awaits is not None:
                subject = f"{message.message_id}/{view.plan.index}"
                yield Violation("DRAIN", subject, "still waits for its order")
    yield from _unfinished(records)
    if records.audit_fault is not None:
        yield Violation("AUDIT", "chain", records.audit_fault)


def _unfinished(records: Records) -> Iterator[Violation]:
    """Only what stands behind a parked delivery of the same order may still be open."""
    lanes: dict[tuple[str, str], list[DeliveryView]] = defaultdict(list)
    for delivery in records.deliveries:
        if delivery.state not in ENDED:
            for order_key in delivery.lanes:
                lanes[delivery.target, order_key].append(delivery)
    for delivery in records.deliveries:
        if delivery.state in ENDED or delivery.state is DeliveryState.PARKED:
            continue
        ahead = [
            other
            for order_key in delivery.lanes
            for other in lanes[delivery.target, order_key]
            if other is not delivery and records.own_place(other) <= records.place(delivery)
        ]
        may_wait = delivery.state in (DeliveryState.READY, DeliveryState.WAITING, DeliveryState.IN_DOUBT)
        if not (may_wait and ahead):
            why = delivery.reason or "no reason"
            text = f"is still {delivery.state.value} at {delivery.target} ({delivery.role}; {why})"
            yield Violation("DRAIN", delivery.delivery_id, text)
