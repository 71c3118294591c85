"""Orders in the memory journal: the ledger, the aliases, and what decisions depend on."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.base import Alias, AliasKind
from gateway.journal.memory import controls
from gateway.journal.memory.audit import append
from gateway.journal.memory.records import Tables
from gateway.journal.moves import MOVING
from gateway.journal.types import (
    PHONED,
    AwaitedOrder,
    Expected,
    Facts,
    KnownDocument,
    LedgerEntry,
    Naming,
    Side,
    Transmitter,
    naming_counts,
    phoned_because,
)


def facts(
    tables: Tables,
    order_keys: Sequence[str],
    document_keys: Sequence[str],
    order_numbers: Sequence[str],
    control_keys: Sequence[str],
    *,
    dedupes: bool,
) -> Facts:
    """Look up what decisions depend on."""
    known = {key: tables.document_keys[key] for key in document_keys if key in tables.document_keys}
    return Facts(
        ledger={key: tables.ledger[key] for key in order_keys if key in tables.ledger},
        documents={
            key: KnownDocument(key, holder.message_id, holder.index, holder.content_hash, holder.since)
            for key, holder in (known.items() if dedupes else ())
        },
        resolved={
            number: {key: _numberings(tables, key, number) for key in sorted(tables.order_numbers[number])}
            for number in order_numbers
            if number in tables.order_numbers
        },
        controls={key: found for key in control_keys if (found := controls.known(tables, key))},
    )


def _numberings(tables: Tables, order_key: str, number: str) -> frozenset[Naming]:
    named = (alias for alias in tables.aliases[order_key] if alias.number == number)
    return frozenset(Naming(alias.kind, alias.target or "") for alias in named)


def moved(tables: Tables, expected: Expected, *, dedupes: bool) -> str | None:
    """Say what a plan was decided upon and is no longer so, or None.

    The configuration is the current one, whichever the message was decoded with; where none was
    ever loaded, none can have moved.
    """
    if tables.config_revision not in (None, expected.config_revision):
        return "config"
    for route, revision in expected.stage_revisions.items():
        stage = tables.stages.get(route)
        if revision != (stage.revision if stage else 0):
            return "stage"
    for order_key, seen in expected.ledger.items():
        entry = tables.ledger.get(order_key)
        if seen != (entry.revision if entry else None):
            return "ledger"
    for document_key, message_id in expected.document_keys.items() if dedupes else ():
        holder = tables.document_keys.get(document_key)
        if message_id != (holder.message_id if holder else None):
            return "document key"
    for control_key, message_id in expected.controls.items() if dedupes else ():
        if controls.holder(tables, control_key) != message_id:
            return "control number"
    return None


def splits(tables: Tables, opens: Iterable[LedgerEntry]) -> bool:
    """Tell whether opening these entries would give an order a second side."""
    return any(
        entry.order_key in tables.ledger and tables.ledger[entry.order_key].side is not entry.side
        for entry in opens
    )


def open_entry(tables: Tables, entry: LedgerEntry) -> bool:
    """Open a ledger entry where there is none; tell whether it was opened.

    An entry that was taken back and is opened again goes on counting its revisions: a plan that saw
    the first one must not take the second one for it.
    """
    if entry.order_key in tables.ledger:
        return False
    revision = tables.ledger_revisions.get(entry.order_key, 0) + 1
    put(tables, replace(entry, revision=revision))
    return True


def take_back(tables: Tables, order_key: str) -> None:
    """Remove the entry of an order that nobody accepted."""
    tables.ledger.pop(order_key, None)


def close_orders(tables: Tables, order_keys: Sequence[str], who: str, why: str, now: datetime) -> int:
    """Mark orders closed, each once; give how many were open. Audited."""
    closed = 0
    for order_key in order_keys:
        entry = tables.ledger.get(order_key)
        if entry is not None and entry.closed_at is None:
            put(tables, replace(entry, closed_at=now, revision=entry.revision + 1))
            append(tables, now, who, "orders.close", order_key, {}, why)
            closed += 1
    return closed


def forget(tables: Tables, order_key: str) -> None:
    """Remove an order's entry and all its names."""
    tables.ledger.pop(order_key, None)
    tables.ledger_revisions.pop(order_key, None)
    for alias in tables.aliases.pop(order_key, ()):
        keys = tables.order_numbers.get(alias.number, {})
        keys.pop(order_key, None)
        if not keys:
            tables.order_numbers.pop(alias.number, None)


def place_by_phone(
    tables: Tables, order_key: str, side: Side, route: str, message_id: str, reference: str, now: datetime
) -> None:
    """Make an order's transmitter NONE: a person has told the supplier."""
    reason = phoned_because(reference)
    entry = tables.ledger.get(order_key)
    if entry is None:
        none = Transmitter.NONE
        opened = LedgerEntry(order_key, side, none, route, PHONED, reason, now, message_id)
        open_entry(tables, opened)
    else:
        changed = replace(entry, transmitter=Transmitter.NONE, reason=reason, revision=entry.revision + 1)
        put(tables, changed)


def import_orders(
    tables: Tables,
    entries: Sequence[LedgerEntry],
    further_numbers: Mapping[str, Sequence[str]],
    who: str,
    why: str,
    now: datetime,
) -> int:
    """Seed the ledger; entries that exist stay. Audited."""
    opened = sum(open_entry(tables, entry) for entry in entries)
    for order_key, numbers in further_numbers.items():
        add_aliases(tables, order_key, [Alias(AliasKind.IMPORTED, number) for number in numbers])
    detail = {"entries": str(len(entries)), "opened": str(opened)}
    append(tables, now, who, "orders.import", "", detail, why)
    return opened


def listed(tables: Tables, side: str | None, route: str | None, limit: int) -> list[LedgerEntry]:
    """List ledger entries, newest first."""
    newest_first = reversed(tables.ledger.values())
    found = (e for e in newest_first if side in (None, e.side) and route in (None, e.route))
    return [entry for entry, _ in zip(found, range(limit), strict=False)]


def open_entries(tables: Tables, route: str | None, after: str, limit: int) -> list[LedgerEntry]:
    """List entries that are not closed, in the order of their keys."""
    found = (
        entry
        for key, entry in tables.ledger.items()
        if key > after and entry.closed_at is None and route in (None, entry.route)
    )
    return heapq.nsmallest(limit, found, key=lambda entry: entry.order_key)


def open_orders(tables: Tables, route: str) -> dict[str, int]:
    """Count a route's open orders by side."""
    entries = (e for e in tables.ledger.values() if e.route == route and e.closed_at is None)
    return dict(Counter(entry.side.value if entry.moving_to is None else MOVING for entry in entries))


def add_aliases(tables: Tables, order_key: str, aliases: Iterable[Alias], target: str = "") -> None:
    """Write further names of an order; a name that is known is not written twice.

    ``target``: who told those that do not say so themselves.
    """
    for alias in aliases:
        told = replace(alias, target=alias.target or target or None)
        tables.aliases.setdefault(order_key, {})[told] = None
        tables.order_numbers.setdefault(alias.number, {})[order_key] = None


def leave_names(tables: Tables, order_key: str, target: str) -> None:
    """Make an ERP's names of an order those of one that it has no longer."""
    named = tables.aliases.get(order_key, {})
    left = (
        replace(each, kind=AliasKind.LEFT) if (each.kind, each.target) == (AliasKind.ERP, target) else each
        for each in named
    )
    tables.aliases[order_key] = dict.fromkeys(left)


def alias_rows(
    tables: Tables, order_key: str, target: str | None = None
) -> tuple[tuple[str, str, str, str], ...]:
    """Give an order's names as (kind, number, line, line number), "" for what a name has not."""
    rows = (
        (alias.kind.value, alias.number, alias.line or "", alias.line_number or "")
        for alias in tables.aliases.get(order_key, ())
        if target is None or alias.target in (None, target)
    )
    return tuple(dict.fromkeys(rows))


def is_known(tables: Tables, awaited: AwaitedOrder) -> bool:
    """Tell whether one of the orders that are waited for has a ledger entry now."""
    named = (
        key
        for number in awaited.order_numbers
        for key in tables.order_numbers.get(number, ())
        if any(naming_counts(each.target, awaited.tellers) for each in _numberings(tables, key, number))
    )
    return any(_is_there(tables, key) for keys in (awaited.order_keys, named) for key in keys)


def _is_there(tables: Tables, order_key: str) -> bool:
    """Tell whether an order is known and on one side; one that is moving is waited for."""
    entry = tables.ledger.get(order_key)
    return entry is not None and entry.moving_to is None


def put(tables: Tables, entry: LedgerEntry) -> None:
    """Keep an entry, and how far it has counted."""
    tables.ledger[entry.order_key] = entry
    tables.ledger_revisions[entry.order_key] = entry.revision
