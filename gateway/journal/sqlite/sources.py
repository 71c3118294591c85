"""What sources remember: things seen once, leases on things to read, and where they stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from adapters.base import Lease
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.instants import to_micros


def remember_once(
    db: Database, scope: str, key: str, content_hash: str, expires_at: datetime, now: datetime
) -> Literal["new", "same", "different"]:
    """Remember a key; tell whether it was known (and had not expired), and with the same content."""
    known = db.value("source.seen", (scope, key, to_micros(now)))
    if known is None:
        db.run("source.see", (scope, key, content_hash, to_micros(expires_at)))
        return "new"
    return "same" if known == content_hash else "different"


def lease(db: Database, scope: str, key: str, owner: str, duration_s: float, now: datetime) -> Lease | None:
    """Take a lease, or None while another owner holds it; the same owner renews."""
    row = db.row("source.lease", (scope, key))
    held_by, fence, expires_at = row or (None, 0, None)
    is_held = expires_at is not None and expires_at > to_micros(now)
    if is_held and held_by != owner:
        return None
    if not is_held:
        fence += 1
    until = now + timedelta(seconds=duration_s)
    db.run("source.set_lease", (scope, key, owner, fence, to_micros(until)))
    return Lease(scope, key, owner, fence, until)


def release(db: Database, lease: Lease, now: datetime) -> bool:
    """Give a lease back, its fence stays; False where it was no longer ours."""
    holder = (lease.scope, lease.key, lease.owner, lease.fence)
    expires_at = db.value("source.held_until", holder)
    if expires_at is None:
        return False
    db.run("source.release", holder)
    return bool(expires_at > to_micros(now))


def cursor(db: Database, scope: str) -> str | None:
    """Give the stored cursor."""
    value: str | None = db.value("source.cursor", (scope,))
    return value


def set_cursor(db: Database, scope: str, value: str, expected: str | None) -> bool:
    """Move a cursor if it still is what was read."""
    if cursor(db, scope) != expected:
        return False
    db.run("source.set_cursor", (scope, value))
    return True
