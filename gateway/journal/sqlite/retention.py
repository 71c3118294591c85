"""Retention: settled messages lose their bodies, then their keys, closed orders their ledger entry.

Open work is never touched. One call forgets a bounded number of things; the journal calls it again and
again, so that no transaction of retention holds up an acceptance for long.
"""

from __future__ import annotations

from datetime import datetime

from gateway.journal.sqlite.bodies import delete_body
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.instants import to_micros

BATCH = 200  # bodies or keys of one transaction

# Where a message's bodies hang: statement that lists (row, body id) of the message, and one that lets go.
OWNERS = (
    ("retention.message_body", "retention.forget_message_body"),
    ("retention.document_bodies", "retention.forget_document_body"),
    ("retention.delivery_bodies", "retention.forget_delivery_body"),
    ("retention.request_bodies", "retention.forget_request_body"),
    ("retention.reply_bodies", "retention.forget_reply_body"),
)


def prune_bodies(db: Database, before: datetime, limit: int) -> int:
    """Forget at most ``limit`` bodies of the oldest settled messages; give how many."""
    forgotten = 0
    for (sequence,) in db.rows("retention.settled_with_content", (to_micros(before), limit)):
        forgotten += _prune_message(db, sequence, limit - forgotten)
        if forgotten >= limit:
            break
    return forgotten


def _prune_message(db: Database, sequence: int, limit: int) -> int:
    forgotten = 0
    for listing, letting_go in OWNERS:
        for *row, body_id in db.rows(listing, (sequence, limit - forgotten)):
            delete_body(db, body_id)
            db.run(letting_go, row)
            forgotten += 1
    if forgotten < limit:
        db.run("retention.no_content", (sequence,))
    return forgotten


def prune_keys(db: Database, before: datetime, limit: int) -> int:
    """Forget at most ``limit`` keys and control numbers of settled messages; give how many."""
    at = to_micros(before)
    forgotten = db.changed("retention.forget_arrival_keys", (at, limit))
    if forgotten < limit:
        forgotten += db.changed("retention.forget_document_keys", (at, limit - forgotten))
    if forgotten < limit:
        forgotten += db.changed("retention.forget_control_numbers", (at, limit - forgotten))
    return forgotten


def prune_orders(db: Database, before: datetime, limit: int) -> int:
    """Forget at most ``limit`` ledger entries of orders closed long ago, and their names; give how many."""
    keys = db.rows("retention.orders_closed", (to_micros(before), limit))
    for key in keys:
        db.run("retention.forget_aliases", key)
        db.run("order.take_back", key)
        db.run("retention.forget_taken_back", key)
    return len(keys)


def prune_seen(db: Database, now: datetime, limit: int) -> None:
    """Forget what sources need not remember any longer."""
    db.run("source.forget_expired", (to_micros(now), limit))
