"""What is late and not done, and the alarms about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from gateway.journal.base import UnknownError
from gateway.journal.sqlite.audit_log import append
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.instants import from_micros, from_micros_or_none, to_micros
from gateway.journal.sqlite.json_columns import load_findings, load_strings
from gateway.journal.types import ROLL_BACK, Overdue, RolledBack

EVERYTHING = 1 << 62


def overdue(db: Database, now: datetime, untranslated_before: datetime, limit: int) -> list[Overdue]:
    """Give what is late and not acknowledged, the earliest deadline first."""
    late = [
        *_late_deliveries(db, now, None, limit),
        *_late_documents(db, now, None, limit),
        *_late_messages(db, now, untranslated_before, None, limit),
    ]
    return sorted(late, key=lambda item: item.deadline_at)[:limit]


def rolled_back(db: Database) -> list[RolledBack]:
    """Give the routes that went back by themselves last and of which nobody said that they know."""
    return [
        RolledBack(route, stage, revision, from_micros(at), why, from_micros_or_none(alarm))
        for route, stage, revision, at, why, alarm in db.rows("overdue.rolled_back", (ROLL_BACK,))
    ]


def alarm_sent(db: Database, about: Sequence[Overdue | RolledBack], now: datetime) -> None:
    """Remember that an alarm went out."""
    at = to_micros(now)
    db.run_many("overdue.alarm_sent", ((_subject(item), at) for item in about))


def acknowledge(db: Database, subject: str, who: str, why: str, now: datetime) -> int:
    """Stop the alarms about a message or a route as they are now; what comes after this alarms anew."""
    late: list[Overdue | RolledBack] = [each for each in rolled_back(db) if each.route == subject]
    sequence = db.value("message.sequence", (subject,))
    if sequence is not None:
        late += [
            *_late_deliveries(db, now, sequence, EVERYTHING),
            *_late_documents(db, now, sequence, EVERYTHING),
            *_late_messages(db, now, None, sequence, EVERYTHING),
        ]
    elif db.value("stage.revision", (subject,)) is None:
        raise UnknownError(f"there is no message and no route {subject}")
    at = to_micros(now)
    db.run_many("overdue.acknowledge", ((_subject(item), at) for item in late))
    append(db, now, who, "alarms.acknowledge", subject, {"alarms": str(len(late))}, why)
    return len(late)


def _subject(item: Overdue | RolledBack) -> str:
    if isinstance(item, RolledBack):
        return item.subject
    if item.delivery_id is not None:
        return item.delivery_id
    return item.message_id if item.document_index is None else f"{item.message_id}/{item.document_index}"


def _late_deliveries(db: Database, now: datetime, message: int | None, limit: int) -> Iterator[Overdue]:
    for row in db.rows("overdue.deliveries", (to_micros(now), message, limit)):
        message_id, index, delivery_id, route, order_keys, deadline_at, state, reason, is_urgent, alarm = row
        yield Overdue(
            message_id,
            index,
            delivery_id,
            route,
            load_strings(order_keys),
            from_micros(deadline_at),
            state,
            reason,
            bool(is_urgent),
            from_micros_or_none(alarm),
        )


def _late_documents(db: Database, now: datetime, message: int | None, limit: int) -> Iterator[Overdue]:
    """Give sets that are parked or wait for their order: those that have no delivery to be late."""
    for row in db.rows("overdue.documents", (to_micros(now), message, limit)):
        message_id, index, route, order_keys, deadline_at, is_parked, findings, decision, is_urgent, alarm = (
            row
        )
        yield Overdue(
            message_id,
            index,
            None,
            route,
            load_strings(order_keys),
            from_micros(deadline_at),
            "parked" if is_parked else "waiting",
            _first_text(findings) or decision if is_parked else decision,
            bool(is_urgent),
            from_micros_or_none(alarm),
        )


def _late_messages(
    db: Database, now: datetime, untranslated_before: datetime | None, message: int | None, limit: int
) -> Iterator[Overdue]:
    before = EVERYTHING if untranslated_before is None else to_micros(untranslated_before)
    patience = now - (untranslated_before or now)
    for row in db.rows("overdue.messages", (before, message, limit)):
        yield _late_message(row, from_micros(row[2]) + patience)


def _late_message(row: Row, deadline_at: datetime) -> Overdue:
    message_id, route, _, state, findings, is_urgent, alarm = row
    reason = _first_text(findings)
    is_late_since = from_micros_or_none(alarm)
    return Overdue(
        message_id, None, None, route, (), deadline_at, state, reason, bool(is_urgent), is_late_since
    )


def _first_text(findings: str) -> str:
    found = load_findings(findings)
    return found[0].text if found else ""
