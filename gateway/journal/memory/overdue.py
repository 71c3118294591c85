"""What is late in the memory journal, and the alarms about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.journal.base import UnknownError
from gateway.journal.memory.audit import append
from gateway.journal.memory.messages import message_record
from gateway.journal.memory.records import Alarm, DeliveryRecord, DocumentRecord, MessageRecord, Tables
from gateway.journal.types import ROLL_BACK, Overdue, RolledBack


def overdue(tables: Tables, now: datetime, untranslated_before: datetime, limit: int) -> list[Overdue]:
    """Give what is late and not acknowledged, the earliest deadline first."""
    patience = now - untranslated_before
    late = [
        *_late_deliveries(tables.unfinished.values(), now),
        *_late_documents(_open_documents(tables), now),
        *(
            _late_message(record, patience)
            for record in _open_messages(tables)
            if record.view.accepted_at < untranslated_before
        ),
    ]
    unheard = (item for item in late if _alarm(item) not in tables.acknowledged)
    told = [replace(item, last_alarm_at=tables.alarms.get(_alarm(item))) for item in unheard]
    return sorted(told, key=lambda item: item.deadline_at)[:limit]


def rolled_back(tables: Tables) -> list[RolledBack]:
    """Give the routes that went back by themselves last and of which nobody said that they know."""
    found = [
        RolledBack(state.route, state.stage, state.revision, state.changed_at, state.why)
        for state in tables.stages.values()
        if state.changed_by == ROLL_BACK
    ]
    told = [replace(each, last_alarm_at=tables.alarms.get(_alarm(each))) for each in found]
    unheard = (each for each in told if _alarm(each) not in tables.acknowledged)
    return sorted(unheard, key=lambda each: (each.at, each.route))


def alarm_sent(tables: Tables, about: Sequence[Overdue | RolledBack], now: datetime) -> None:
    """Remember that an alarm went out."""
    for item in about:
        tables.alarms[_alarm(item)] = now


def acknowledge(tables: Tables, subject: str, who: str, why: str, now: datetime) -> int:
    """Stop the alarms about a message or a route as they are now; what comes after this alarms anew."""
    late: list[Overdue | RolledBack] = [each for each in rolled_back(tables) if each.route == subject]
    if subject in tables.messages:
        record = message_record(tables, subject)
        late += [*_late_deliveries(record.deliveries, now), *_late_documents(record.documents.values(), now)]
        if record.is_to_translate or record.is_open_exception:
            late.append(_late_message(record, timedelta()))
    elif subject not in tables.stages:
        raise UnknownError(f"there is no message and no route {subject}")
    stopped = {_alarm(item) for item in late} - tables.acknowledged
    tables.acknowledged |= stopped
    append(tables, now, who, "alarms.acknowledge", subject, {"alarms": str(len(stopped))}, why)
    return len(stopped)


def _alarm(item: Overdue | RolledBack) -> Alarm:
    if isinstance(item, RolledBack):
        return item.subject, None, None
    return item.message_id, item.document_index, item.delivery_id


def _open_messages(tables: Tables) -> Iterator[MessageRecord]:
    return (r for r in tables.messages.values() if r.is_to_translate or r.is_open_exception)


def _open_documents(tables: Tables) -> Iterator[DocumentRecord]:
    return (document for record in tables.messages.values() for document in record.documents.values())


def _late_message(record: MessageRecord, patience: timedelta) -> Overdue:
    view = record.view
    reason = view.findings[0].text if view.findings else ""
    return Overdue(
        message_id=view.message_id,
        document_index=None,
        delivery_id=None,
        route=view.route,
        order_keys=(),
        deadline_at=view.accepted_at + patience,
        state=view.state.value,
        reason=reason,
        is_urgent=view.is_urgent,
    )


def _late_deliveries(deliveries: Iterable[DeliveryRecord], now: datetime) -> Iterator[Overdue]:
    for delivery in deliveries:
        deadline_at = delivery.plan.deadline_at
        if deadline_at is None or deadline_at > now or delivery.is_finished:
            continue
        view = delivery.message.view
        yield Overdue(
            message_id=view.message_id,
            document_index=delivery.plan.document_index,
            delivery_id=delivery.delivery_id,
            route=view.route,
            order_keys=delivery.order_keys,
            deadline_at=deadline_at,
            state=delivery.state.value,
            reason=delivery.reason,
            is_urgent=delivery.plan.is_urgent,
        )


def _late_documents(documents: Iterable[DocumentRecord], now: datetime) -> Iterator[Overdue]:
    """Give sets that are parked or wait for their order: those that have no delivery to be late."""
    for document in documents:
        told, view = document.plan, document.message.view
        is_open = document.is_open_exception or (told.awaits is not None and document.is_current)
        if told.deadline_at is None or told.deadline_at > now or not is_open:
            continue
        yield Overdue(
            message_id=view.message_id,
            document_index=told.index,
            delivery_id=None,
            route=view.route,
            order_keys=told.order_keys,
            deadline_at=told.deadline_at,
            state="parked" if told.is_parked else "waiting",
            reason=told.findings[0].text if told.is_parked and told.findings else told.decision,
            is_urgent=told.is_urgent,
        )
