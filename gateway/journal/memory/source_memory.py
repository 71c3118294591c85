"""What sources remember in the memory journal. Its times are the clock's, since sources give none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from adapters.base import Lease
from gateway.journal.memory.records import Tables


def remember_once(
    tables: Tables, scope: str, key: str, content_hash: str, expires_at: datetime, now: datetime
) -> Literal["new", "same", "different"]:
    """Remember a key until it expires; what is known stays as it is."""
    known = tables.remembered.get((scope, key))
    if known is not None and known[1] > now:
        return "same" if known[0] == content_hash else "different"
    tables.remembered[scope, key] = (content_hash, expires_at)
    return "new"


def lease(tables: Tables, scope: str, key: str, owner: str, duration_s: float, now: datetime) -> Lease | None:
    """Take or renew a lease; every take-over has a higher fence."""
    held = tables.leases.get((scope, key))
    fence = held.fence if isinstance(held, Lease) else held or 0
    is_running = isinstance(held, Lease) and held.expires_at > now
    is_ours = isinstance(held, Lease) and held.owner == owner
    if is_running and not is_ours:
        return None
    expires_at = now + timedelta(seconds=duration_s)
    taken = Lease(scope, key, owner, fence if is_running else fence + 1, expires_at)
    tables.leases[scope, key] = taken
    return taken


def release(tables: Tables, lease: Lease, now: datetime) -> bool:
    """Give a lease back; its fence is kept, so that the next one is higher."""
    held = tables.leases.get((lease.scope, lease.key))
    if not isinstance(held, Lease) or (held.owner, held.fence) != (lease.owner, lease.fence):
        return False
    tables.leases[lease.scope, lease.key] = held.fence
    return held.expires_at > now


def set_cursor(tables: Tables, scope: str, value: str, expected: str | None) -> bool:
    """Move a cursor that still is what the caller read."""
    if tables.cursors.get(scope) != expected:
        return False
    tables.cursors[scope] = value
    return True
