"""Documents: the sets of a message as they were planned, the keys they hold, and those that wait."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.base import Verdict
from gateway.journal.sqlite.bodies import read_body, write_body
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.instants import from_micros, from_micros_or_none, to_micros, to_micros_or_none
from gateway.journal.sqlite.json_columns import (
    dump_findings,
    dump_names,
    dump_pairs,
    dump_strings,
    dump_units,
    load_findings,
    load_names,
    load_pairs,
    load_strings,
    load_units,
)
from gateway.journal.types import AwaitedOrder, DocumentPlan, DocumentView, Side, naming_counts

if TYPE_CHECKING:
    from gateway.journal.sqlite.planning import PlannedMessage


def insert_document(
    db: Database,
    message: PlannedMessage,
    document: DocumentPlan,
    opened: Collection[str],
    now: int,
) -> int:
    """Write a document and the key that it holds; give its number. ``opened``: order keys it may open."""
    sequence, message_id, generation = message.sequence, message.message_id, message.generation
    place = (sequence, generation, document.index)
    db.run("document.insert", place + _columns(db, message_id, generation, document, now))
    document_id = db.connection.last_insert_rowid()
    for order_key in document.order_keys:
        db.run("order.link_document", (order_key, document_id, order_key in opened))
    _hold_key(db, message, document, now)
    return document_id


def replace_document(
    db: Database, document_id: int, message: PlannedMessage, document: DocumentPlan, now: int
) -> None:
    """Write a new decision about a document that waited."""
    message_id, generation = message.message_id, message.generation
    columns = _columns(db, message_id, generation, document, now)
    db.run("document.replace", (*columns, document_id))
    for order_key in document.order_keys:
        db.run("order.link_document", (order_key, document_id, False))
    _hold_key(db, message, document, now)


def _hold_key(db: Database, message: PlannedMessage, document: DocumentPlan, now: int) -> None:
    """Let the first document with a key hold it.

    A repeat, a rejected or a parked one never does: nothing of it goes anywhere, and what comes after
    it must not be taken for its repeat. One that is parked after it waited gives the key back. What a
    person closed in an earlier generation keeps the key that it has, and takes none.
    """
    goes_nowhere = (
        document.repeats is not None
        or document.is_parked
        or document.resolution != ""
        or document.verdict is Verdict.REJECTED
    )
    if document.document_key is not None and document.is_parked:
        held = (document.document_key, message.message_id, message.sequence, document.index)
        db.run("document.give_back_unsent", held)
    if document.document_key is not None and not goes_nowhere:
        key = (document.document_key, message.message_id, document.index, document.content_hash or "")
        db.run("document.hold_key", (*key, message.generation, now))


def document_owner(message_id: str, generation: int, index: int) -> str:
    """Give the name under which a canonical document is sealed."""
    return f"document:{message_id}/{generation}/{index}"


def _columns(
    db: Database, message_id: str, generation: int, document: DocumentPlan, now: int
) -> tuple[object, ...]:
    body_id = None
    if document.canonical is not None:
        body_id = write_body(db, document_owner(message_id, generation, document.index), document.canonical)
    awaits = document.awaits
    return (
        document.set_type,
        dump_units(document.units),
        document.verdict,
        dump_findings(document.findings),
        document.document_type,
        document.document_key,
        document.content_hash,
        dump_strings(document.order_keys),
        body_id,
        document.is_urgent,
        to_micros_or_none(document.deadline_at),
        document.side,
        document.decision,
        document.repeats,
        dump_names(awaits.order_numbers, awaits.order_keys, awaits.tellers) if awaits else None,
        to_micros(awaits.until) if awaits else None,
        document.is_parked,
        dump_pairs(document.passes_to),
        document.resolution or None,
        now if document.is_parked else None,
    )


def documents(db: Database, message_id: str | None, order_key: str | None, limit: int) -> list[DocumentView]:
    """List documents, oldest first."""
    if order_key is not None:
        rows = db.rows("document.of_order", (order_key, message_id, message_id, limit))
    elif message_id is not None:
        rows = db.rows("document.of_message", (message_id, limit))
    else:
        rows = db.rows("document.oldest", (limit,))
    return [view_of(db, row) for row in rows]


def awaiting(db: Database, now: datetime, limit: int) -> list[DocumentView]:
    """Give documents that wait for an order which is known now, or have waited long enough."""
    at = to_micros(now)
    ripe: list[DocumentView] = []
    for row in db.rows("document.awaiting"):
        if len(ripe) == limit:
            break
        if row[-1] <= at or is_known(db, _awaited(row[-2], row[-1])):
            ripe.append(view_of(db, row))
    return ripe


def is_known(db: Database, awaited: AwaitedOrder) -> bool:
    """Tell whether one of the orders that are waited for has a ledger entry now."""
    return any(db.row("order.is_entry", (key,)) is not None for key in awaited.order_keys) or any(
        naming_counts(target, awaited.tellers)
        for number in awaited.order_numbers
        for (target,) in db.rows("order.number_known", (number,))
    )


def _awaited(names: str, until: int) -> AwaitedOrder:
    order_numbers, order_keys, tellers = load_names(names)
    return AwaitedOrder(order_numbers, from_micros(until), order_keys, tellers)


def view_of(db: Database, row: Row) -> DocumentView:
    """Give the document of a row of ``$document_columns``."""
    (
        message_id, generation, index, set_type, units, verdict, findings, document_type, document_key,
        content_hash, order_keys, body_id, is_urgent, deadline_at, side, decision, repeats, is_parked,
        passes_to, resolution, awaits, awaits_until,
    ) = row  # fmt: skip
    canonical = None
    if body_id is not None:
        canonical = read_body(db, document_owner(message_id, generation, index), body_id)
    plan = DocumentPlan(
        index=index,
        set_type=set_type,
        units=load_units(units),
        verdict=Verdict(verdict),
        findings=load_findings(findings),
        document_type=document_type,
        document_key=document_key,
        content_hash=content_hash,
        order_keys=load_strings(order_keys),
        canonical=canonical,
        is_urgent=bool(is_urgent),
        deadline_at=from_micros_or_none(deadline_at),
        side=Side(side) if side else None,
        decision=decision,
        repeats=repeats,
        awaits=None if awaits_until is None else _awaited(awaits, awaits_until),
        is_parked=bool(is_parked),
        passes_to=load_pairs(passes_to),
        resolution=resolution or "",
    )
    return DocumentView(message_id, generation, plan)
