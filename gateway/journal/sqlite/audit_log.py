"""The audit log in the file: appended inside the transaction that changes something, chained by hash.

Its head is anchored in a file of its own beside the store (``anchor.py``), after the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from gateway.journal.audit import GENESIS, chain_fault, next_entry
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.instants import from_micros, to_micros
from gateway.journal.sqlite.json_columns import dump_mapping, load_mapping
from gateway.journal.types import AuditEntry


def append(
    db: Database, now: datetime, who: str, action: str, subject: str, detail: Mapping[str, str], why: str
) -> AuditEntry:
    """Write an entry; the writer anchors it after the commit."""
    row = db.row("audit.last")
    entry = next_entry(_entry(row) if row else None, now, who, action, subject, detail, why)
    db.run(
        "audit.insert",
        (entry.number, to_micros(now), who, action, subject, dump_mapping(detail), why, entry.hash),
    )
    db.audit_head = (entry.number, entry.hash)
    return entry


def newest(db: Database, limit: int) -> list[AuditEntry]:
    """Give the newest entries, oldest first."""
    return [_entry(row) for row in reversed(db.rows("audit.newest", (limit,)))]


def head(db: Database) -> tuple[int, str]:
    """Give number and hash of the newest entry, (0, "") where there is none."""
    row = db.row("audit.last")
    return (row[0], row[-1]) if row else (0, GENESIS)


def fault(db: Database, anchors: Iterable[tuple[int, str]]) -> str | None:
    """Say what is wrong with the log, or None. Every head that was ever anchored must be in it."""
    kept = list(anchors)
    found = chain_fault(_all(db), kept[-1] if kept else (0, GENESIS))
    if found is not None:
        return found
    for number, anchored in kept:
        if db.value("audit.hash", (number,)) != anchored:
            return (
                f"audit entry {number} is not the one that was anchored ({anchored[:12]}): "
                "the log was written anew"
            )
    return None


def _all(db: Database) -> Iterator[AuditEntry]:
    after = 0
    while rows := db.rows("audit.after", (after,)):
        yield from (_entry(row) for row in rows)
        after = rows[-1][0]


def _entry(row: Row) -> AuditEntry:
    number, at, who, action, subject, detail, why, own_hash = row
    return AuditEntry(number, from_micros(at), who, action, subject, load_mapping(detail), why, own_hash)
