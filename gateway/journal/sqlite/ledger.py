"""The decision ledger and the alias table: which side owns an order, and what it is called elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from adapters.base import Alias, AliasKind
from gateway.journal.sqlite import controls
from gateway.journal.sqlite.audit_log import append
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.instants import from_micros, from_micros_or_none, to_micros, to_micros_or_none
from gateway.journal.types import (
    PHONED,
    Facts,
    KnownDocument,
    LedgerEntry,
    Naming,
    Side,
    Transmitter,
    phoned_because,
)


def facts(
    db: Database,
    order_keys: Sequence[str],
    document_keys: Sequence[str],
    order_numbers: Sequence[str],
    control_keys: Sequence[str],
) -> Facts:
    """Look up what decisions depend on; one read transaction holds it all."""
    ledger = {key: entry_of(row) for key in order_keys if (row := db.row("order.entry", (key,)))}
    known = (db.row("document.known_key", (key,)) for key in document_keys) if db.dedupes else ()
    documents = {
        row[0]: KnownDocument(row[0], row[1], row[2], row[3], from_micros(row[4])) for row in known if row
    }
    named = {number: db.rows("order.named", (number,)) for number in order_numbers}
    resolved = {number: _numberings(rows) for number, rows in named.items() if rows}
    seen = {key: found for key in control_keys if (found := controls.known(db, key)) is not None}
    return Facts(ledger, documents, resolved, seen)


def _numberings(rows: Iterable[Row]) -> dict[str, frozenset[Naming]]:
    found: dict[str, set[Naming]] = {}
    for order_key, kind, target in rows:
        found.setdefault(order_key, set()).add(Naming(AliasKind(kind), target))
    return {order_key: frozenset(kinds) for order_key, kinds in found.items()}


def open_entry(
    db: Database, entry: LedgerEntry, opened_by: int | None = None, generation: int | None = None
) -> bool:
    """Open an entry where there is none; tell whether it was opened.

    One that was taken back and is opened again goes on counting its revisions: a plan that saw the
    first must not take the second for it.
    """
    row = (
        entry.order_key,
        entry.side,
        entry.transmitter,
        entry.route,
        entry.stage,
        entry.reason,
        to_micros(entry.opened_at),
        entry.message_id,
        opened_by,
        generation,
        to_micros_or_none(entry.closed_at),
        entry.order_key,
    )
    return db.changed("order.open", row) > 0


def take_back(db: Database, order_key: str, opened_by: int, generation: int) -> None:
    """Remove the entry of an order that nobody accepted, where nothing changed or followed it since."""
    revision = db.value("order.opened_by", (order_key, opened_by, generation))
    if revision is not None and db.row("order.followed_by_another", (order_key, opened_by)) is None:
        db.run("order.remember_taken_back", (order_key, revision))
        db.run("order.take_back", (order_key,))


def place_by_phone(
    db: Database, order_key: str, side: Side, route: str, message_id: str, reference: str, now: datetime
) -> None:
    """Make an order's transmitter NONE: a person has told the supplier."""
    reason = phoned_because(reference)
    none = Transmitter.NONE
    entry = LedgerEntry(order_key, side, none, route, PHONED, reason, now, message_id)
    if not open_entry(db, entry):
        db.run("order.set_transmitter", (none.value, reason, order_key))


def import_orders(
    db: Database,
    entries: Sequence[LedgerEntry],
    further_numbers: Mapping[str, Sequence[str]],
    who: str,
    why: str,
    now: datetime,
) -> int:
    """Seed the ledger; entries that exist stay. Audited."""
    opened = sum(open_entry(db, entry) for entry in entries)
    for order_key, numbers in further_numbers.items():
        add_aliases(db, order_key, [Alias(AliasKind.IMPORTED, number) for number in numbers])
    append(db, now, who, "orders.import", "", {"entries": str(len(entries)), "opened": str(opened)}, why)
    return opened


def orders(db: Database, side: str | None, route: str | None, limit: int) -> list[LedgerEntry]:
    """List entries, newest first."""
    return [entry_of(row) for row in db.rows("order.newest", (side, side, route, route, limit))]


def open_entries(db: Database, route: str | None, after: str, limit: int) -> list[LedgerEntry]:
    """List entries that are not closed, in the order of their keys."""
    return [entry_of(row) for row in db.rows("order.open_after", (after, route, limit))]


def open_orders(db: Database, route: str) -> dict[str, int]:
    """Count a route's open orders by side."""
    return dict(db.rows("order.count_open", (route,)))


def close_orders(db: Database, order_keys: Sequence[str], who: str, why: str, now: datetime) -> int:
    """Mark orders closed, each once; give how many were open. Audited."""
    closed = [key for key in order_keys if db.changed("order.close", (to_micros(now), key))]
    for key in closed:
        append(db, now, who, "orders.close", key, {}, why)
    return len(closed)


def add_aliases(db: Database, order_key: str, aliases: Iterable[Alias], target: str = "") -> None:
    """Write further names of an order; a name that is known is not written twice.

    ``target``: who told those that do not say so themselves.
    """
    for alias in aliases:
        name = (alias.kind, alias.number, alias.line or "", alias.line_number or "")
        db.run("order.add_alias", (order_key, *name, alias.target or target))


def alias_rows(
    db: Database, order_key: str, target: str | None = None
) -> tuple[tuple[str, str, str, str], ...]:
    """Give an order's names as (kind, number, line, line number), "" for what a name has not."""
    rows = db.rows("order.aliases", (order_key,))
    told = (row for row in rows if target is None or row[4] in ("", target))
    return tuple(dict.fromkeys((row[0], row[1], row[2], row[3]) for row in told))


def aliases_of(db: Database, order_keys: Iterable[str]) -> tuple[Alias, ...]:
    """Give all names of some orders."""
    rows = (row for key in order_keys for row in db.rows("order.aliases", (key,)))
    return tuple(
        Alias(AliasKind(kind), number, line or None, line_number or None, target or None)
        for kind, number, line, line_number, target in dict.fromkeys(tuple(row) for row in rows)
    )


def entry_of(row: Row) -> LedgerEntry:
    """Give the entry of a row of ``$order_columns``."""
    (
        key, side, transmitter, route, stage, reason, opened_at, message_id, closed_at, revision, moving_to,
        is_divided,
    ) = row  # fmt: skip
    return LedgerEntry(
        order_key=key,
        side=Side(side),
        transmitter=Transmitter(transmitter),
        route=route,
        stage=stage,
        reason=reason,
        opened_at=from_micros(opened_at),
        message_id=message_id,
        closed_at=from_micros_or_none(closed_at),
        revision=revision,
        moving_to=Side(moving_to) if moving_to else None,
        is_divided=bool(is_divided),
    )
