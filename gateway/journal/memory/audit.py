"""The audit log of the memory journal. Its anchor stands for the head that others keep outside the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.journal.audit import chain_fault, next_entry
from gateway.journal.memory.records import Tables
from gateway.journal.types import AuditEntry


def append(
    tables: Tables,
    now: datetime,
    who: str,
    action: str,
    subject: str,
    detail: Mapping[str, str],
    why: str,
) -> AuditEntry:
    """Write an entry."""
    last = tables.audit[-1] if tables.audit else None
    entry = next_entry(last, now, who, action, subject, detail, why)
    tables.audit.append(entry)
    tables.audit_anchor = (entry.number, entry.hash)
    return entry


def newest(tables: Tables, limit: int) -> list[AuditEntry]:
    """Give the newest entries, oldest first."""
    return tables.audit[max(0, len(tables.audit) - limit) :]


def fault(tables: Tables) -> str | None:
    """Say what is wrong with the log, or None."""
    return chain_fault(tables.audit, tables.audit_anchor)
