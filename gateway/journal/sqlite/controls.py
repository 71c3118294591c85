"""Control numbers: which came in, which went out, and what was acknowledged of those."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from adapters.base import Verdict
from gateway.journal.findings import unacknowledged
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.instants import from_micros, to_micros, to_micros_or_none
from gateway.journal.sqlite.json_columns import load_strings
from gateway.journal.types import Acknowledged, ControlNumber, ExceptionItem, KnownControl

SUFFIX = ".997"  # of the delivery id, in the id of the exception


def known(db: Database, key: str) -> KnownControl | None:
    """Give what is known of a control number."""
    row = db.row("control.known", (key,))
    if row is None:
        return None
    key, message_id, route, is_taken, delivery_id, target, verdict, is_answered = row
    return KnownControl(
        key, message_id, route, bool(is_taken), delivery_id, target,
        Verdict(verdict) if verdict else None, bool(is_answered),
    )  # fmt: skip


def remember(db: Database, sequence: int, controls: Iterable[ControlNumber], now: int) -> None:
    """Keep control numbers; the first message with one keeps it, unless nothing of it was taken."""
    rows = [
        (each.key, sequence, each.is_taken, each.delivery_id, to_micros_or_none(each.due_at), now)
        for each in controls
    ]
    if rows:
        db.run_many("control.remember", rows)


def acknowledge(db: Database, acknowledged: Iterable[Acknowledged]) -> None:
    """Note what an acknowledgment says; a refused interchange answers for all of its groups."""
    for each in acknowledged:
        db.run("control.acknowledge", (each.verdict.value, each.key))


def is_any_due(db: Database, now: datetime) -> bool:
    """Tell whether there is an acknowledgment to wait for that should have come by now."""
    return db.row("control.any_due", (to_micros(now),)) is not None


def mark_unacknowledged(db: Database, now: datetime) -> int:
    """Make exceptions of what was delivered and not acknowledged in time."""
    return db.changed("control.mark", (to_micros(now),))


def exceptions(db: Database, route: str | None, limit: int) -> list[ExceptionItem]:
    """List deliveries whose acknowledgment is missing, oldest first."""
    return [
        ExceptionItem(
            delivery_id + SUFFIX, "acknowledgment", message_id, route_, partner, from_micros(at),
            (unacknowledged(delivery_id, target),), target, None, load_strings(order_keys),
        )
        for at, delivery_id, message_id, route_, partner, target, order_keys in db.rows(
            "control.overdue", (route, limit)
        )
    ]  # fmt: skip


def delivery_of(db: Database, exception_id: str) -> str | None:
    """Give the delivery whose missing acknowledgment an exception is about; None for any other exception."""
    delivery_id = exception_id.removesuffix(SUFFIX)
    is_one = exception_id.endswith(SUFFIX) and db.row("control.is_overdue", (delivery_id,)) is not None
    return delivery_id if is_one else None


def resolve(db: Database, delivery_id: str) -> None:
    """Wait no longer for a delivery's acknowledgment."""
    db.run("control.resolve", (delivery_id,))
