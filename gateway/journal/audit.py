"""The audit log's hash chain: every entry's hash covers the entry and the hash of the one before.

Pure, and the same for every journal, so that a log can be checked by another program than the one
that wrote it. It keeps nothing: journals store the entries and anchor the head elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from gateway.journal.types import AuditEntry

GENESIS = ""  # what the first entry has for "the hash before"


def chain_hash(
    previous: str,
    number: int,
    at: datetime,
    who: str,
    action: str,
    subject: str,
    detail: Mapping[str, str],
    why: str,
) -> str:
    """Give the hash of an audit entry, SHA-256 in hex, over its parts and the previous entry's hash.

    The parts are written as one JSON array, the time in UTC with microseconds, so that no two
    different entries give the same text, and one instant is one text whatever its zone.
    """
    instant = at.astimezone(UTC).isoformat(timespec="microseconds")
    parts = [previous, number, instant, who, action, subject, dict(detail), why]
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def next_entry(
    last: AuditEntry | None,
    at: datetime,
    who: str,
    action: str,
    subject: str,
    detail: Mapping[str, str],
    why: str,
) -> AuditEntry:
    """Give the entry that follows ``last``, or the first one."""
    number = last.number + 1 if last else 1
    previous = last.hash if last else GENESIS
    chained = chain_hash(previous, number, at, who, action, subject, detail, why)
    return AuditEntry(number, at, who, action, subject, dict(detail), why, chained)


def chain_fault(entries: Iterable[AuditEntry], anchor: tuple[int, str]) -> str | None:
    """Say what is wrong with a whole log, oldest first, or None.

    ``anchor`` is (number, hash) of a head as kept outside the store, (0, GENESIS) for none yet. The
    log may be longer: a crash between commit and anchoring leaves the anchor one step behind.
    """
    number, previous = 0, GENESIS
    is_anchored = anchor == (number, previous)
    for entry in entries:
        number += 1
        if entry.number != number:
            return f"audit entry {number} is missing; entry {entry.number} stands in its place"
        if entry.hash != _hash_after(previous, entry):
            return f"audit entry {number} was changed: its hash is not the one of its content"
        previous = entry.hash
        is_anchored = is_anchored or anchor == (number, previous)
    if not is_anchored:
        return (
            f"the anchored head, entry {anchor[0]} ({anchor[1][:12]}), is not in the log, which ends with "
            f"entry {number} ({previous[:12] or 'none'}): it was cut short or written anew"
        )
    return None


def _hash_after(previous: str, entry: AuditEntry) -> str:
    return chain_hash(
        previous, entry.number, entry.at, entry.who, entry.action, entry.subject, entry.detail, entry.why
    )
