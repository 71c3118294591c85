"""Control numbers in the memory journal: which came in, which went out, what was acknowledged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from adapters.base import Verdict
from gateway.journal.findings import unacknowledged
from gateway.journal.memory.records import ControlRecord, MessageRecord, Tables
from gateway.journal.types import (
    Acknowledged,
    ControlNumber,
    DeliveryState,
    ExceptionItem,
    KnownControl,
)

SUFFIX = ".997"  # of the delivery id, in the id of the exception


def known(tables: Tables, key: str) -> KnownControl | None:
    """Give what is known of a control number."""
    record = tables.controls.get(key)
    if record is None:
        return None
    delivery = tables.deliveries.get(record.delivery_id or "")
    return KnownControl(
        key=key,
        message_id=record.message.view.message_id,
        route=record.message.view.route,
        is_taken=record.is_taken,
        delivery_id=record.delivery_id,
        target=delivery.plan.target if delivery else None,
        verdict=record.verdict,
        is_answered=any(each.plan.role == "acknowledgment" for each in record.message.deliveries),
    )


def holder(tables: Tables, key: str) -> str | None:
    """Give the message that brought a control number and was taken, if one did."""
    record = tables.controls.get(key)
    if record is None or not record.is_taken or record.delivery_id is not None:
        return None
    return record.message.view.message_id


def remember(tables: Tables, message: MessageRecord, controls: Iterable[ControlNumber]) -> None:
    """Keep control numbers; the first message with one keeps it, unless nothing of it was taken."""
    for each in controls:
        held = tables.controls.get(each.key)
        if held is None:
            made = ControlRecord(message, each.is_taken, each.delivery_id, each.due_at)
            tables.controls[each.key] = made
        elif each.is_taken and not held.is_taken:
            held.message, held.is_taken = message, True


def acknowledge(tables: Tables, acknowledged: Iterable[Acknowledged]) -> None:
    """Note what an acknowledgment says; a refused interchange answers for all of its groups."""
    for each in acknowledged:
        record = tables.controls.get(each.key)
        if record is None or record.delivery_id is None:
            continue
        is_whole = each.verdict is Verdict.REJECTED and each.key.startswith("ISA13/")
        about = _of_delivery(tables, record.delivery_id) if is_whole else [record]
        for one in about:
            one.verdict, one.due_at, one.overdue_at = each.verdict, None, None


def mark_unacknowledged(tables: Tables, now: datetime) -> int:
    """Make exceptions of what was delivered and not acknowledged in time."""
    late = [
        record
        for record in tables.controls.values()
        if record.due_at is not None and record.due_at <= now and _is_done(tables, record)
    ]
    for record in late:
        record.overdue_at, record.due_at = now, None
    return len(late)


def exceptions(tables: Tables, route: str | None) -> list[ExceptionItem]:
    """List deliveries whose acknowledgment is missing."""
    found: dict[str, ExceptionItem] = {}
    for record in tables.controls.values():
        view = record.message.view
        if record.overdue_at is None or record.delivery_id is None or route not in (None, view.route):
            continue
        delivery = tables.deliveries[record.delivery_id]
        earlier = found.get(record.delivery_id)
        found[record.delivery_id] = ExceptionItem(
            record.delivery_id + SUFFIX,
            "acknowledgment",
            view.message_id,
            view.route,
            view.partner,
            min(record.overdue_at, earlier.opened_at) if earlier else record.overdue_at,
            (unacknowledged(record.delivery_id, delivery.plan.target),),
            delivery.plan.target,
            None,
            delivery.order_keys,
        )
    return list(found.values())


def delivery_of(tables: Tables, exception_id: str) -> str | None:
    """Give the delivery whose missing acknowledgment an exception is about; None for any other exception."""
    delivery_id = exception_id.removesuffix(SUFFIX)
    is_one = exception_id.endswith(SUFFIX) and any(
        record.overdue_at is not None for record in _of_delivery(tables, delivery_id)
    )
    return delivery_id if is_one else None


def resolve(tables: Tables, delivery_id: str) -> None:
    """Wait no longer for a delivery's acknowledgment."""
    for record in _of_delivery(tables, delivery_id):
        record.overdue_at = None


def _of_delivery(tables: Tables, delivery_id: str) -> list[ControlRecord]:
    return [record for record in tables.controls.values() if record.delivery_id == delivery_id]


def _is_done(tables: Tables, record: ControlRecord) -> bool:
    delivery = tables.deliveries.get(record.delivery_id or "")
    return delivery is not None and delivery.state is DeliveryState.DONE
