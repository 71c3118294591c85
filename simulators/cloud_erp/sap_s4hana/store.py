"""The documents of a tenant, and the ledger on disk from which they come back after a kill.

Every commit is one synced line: what was created, changed, cancelled or confirmed, when, with which
reference. A test counts those lines; nothing else proves that an order is there exactly once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from simulators.ledger import LineFile

FIRST_NUMBERS = {
    "purchase_order": 4_500_000_001,
    "requisition": 10_000_001,
    "supplier_invoice": 5_105_600_001,
    "material_document": 5_000_000_001,
    "confirmation": 1,
}


@dataclass(slots=True)
class Document:
    """One document as it stands. `version` grows with each change and makes its ETag."""

    kind: str
    number: str
    values: dict[str, Any]
    version: int = 1
    visible_from: float = 0.0

    @property
    def etag(self) -> str:
        """Give the entity tag; it is weak, as SAP's are."""
        return f'W/"SADL-{self.number}-{self.version}"'


@dataclass(frozen=True, slots=True)
class Committed:
    """One commit as the ledger holds it. `event`: create, change, cancel or confirm."""

    sequence: int
    event: str
    kind: str
    number: str
    reference: str
    at: float
    values: dict[str, Any]


class Store:
    """All documents of one tenant."""

    def __init__(self, ledger: Path | None, lag_s: float) -> None:
        self._ledger = LineFile(ledger)
        self._lag_s = lag_s
        self._documents: dict[tuple[str, str], Document] = {}
        for entry in self._ledger.entries:
            self._take(_revived(entry), 0.0)

    @property
    def committed(self) -> list[Committed]:
        """Give every commit, oldest first."""
        return [_revived(entry) for entry in self._ledger.entries]

    def next_number(self, kind: str) -> str:
        """Give the next number of a kind's range."""
        used = sum(1 for each in self._ledger.entries if each["kind"] == kind and each["event"] == "create")
        return str(FIRST_NUMBERS[kind] + used)

    def get(self, kind: str, number: str) -> Document | None:
        """Give one document by its number, zeros in front ignored."""
        return self._documents.get((kind, number.lstrip("0")))

    def visible(self, kind: str) -> Iterator[Document]:
        """Give the documents of a kind that a query finds by now."""
        now = time.monotonic()
        for (each, _), document in self._documents.items():
            if each == kind and document.visible_from <= now:
                yield document

    def commit(self, event: str, kind: str, number: str, reference: str, values: dict[str, Any]) -> Document:
        """Write a commit and sync it, then let it take effect. `values` is the whole document."""
        committed = Committed(
            len(self._ledger.entries) + 1, event, kind, number, reference, time.time(), values
        )
        self._ledger.append(_line(committed))
        self._take(committed, time.monotonic() + self._lag_s)
        return self._documents[(kind, number.lstrip("0"))]

    def close(self) -> None:
        """Let go of the ledger."""
        self._ledger.close()

    def _take(self, committed: Committed, visible_from: float) -> None:
        key = (committed.kind, committed.number.lstrip("0"))
        known = self._documents.get(key)
        if known is None:
            self._documents[key] = Document(
                committed.kind, committed.number, committed.values, 1, visible_from
            )
        else:
            known.values, known.version = committed.values, known.version + 1


def _line(committed: Committed) -> dict[str, Any]:
    return {
        "sequence": committed.sequence,
        "event": committed.event,
        "kind": committed.kind,
        "number": committed.number,
        "reference": committed.reference,
        "at": committed.at,
        "values": json.loads(json.dumps(committed.values, default=_plain)),
    }


def _plain(value: object) -> dict[str, str]:
    match value:
        case Decimal():
            return {"$decimal": format(value, "f")}
        case date():
            return {"$date": value.isoformat()}
    raise TypeError(type(value).__name__)


def _revived(entry: dict[str, Any]) -> Committed:
    return Committed(**{**entry, "values": _values(entry["values"])})


def _values(value: Any) -> Any:
    match value:
        case {"$decimal": str(text)}:
            return Decimal(text)
        case {"$date": str(text)}:
            return date.fromisoformat(text)
        case dict():
            return {name: _values(each) for name, each in value.items()}
        case list():
            return [_values(each) for each in value]
        case _:
            return value


class Unit:
    """A unit of work: what it commits takes effect together, or not at all (SAP's LUW)."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._pending: list[tuple[str, str, str, str, dict[str, Any]]] = []

    def get(self, kind: str, number: str) -> Document | None:
        """Give a document as this unit sees it; its ETag is the one from before the unit began."""
        known = self.store.get(kind, number)
        wanted = number.lstrip("0")
        for _, each, name, _, values in reversed(self._pending):
            if each == kind and name.lstrip("0") == wanted:
                version = known.version if known is not None else 1
                return Document(kind, name, values, version)
        return known

    def next_number(self, kind: str) -> str:
        """Give the next free number of a kind."""
        pending = sum(1 for event, each, *_ in self._pending if each == kind and event == "create")
        return str(int(self.store.next_number(kind)) + pending)

    def commit(self, event: str, kind: str, number: str, reference: str, values: dict[str, Any]) -> None:
        """Keep a change until the unit ends."""
        self._pending.append((event, kind, number, reference, values))

    def flush(self) -> None:
        """Let everything take effect."""
        for event, kind, number, reference, values in self._pending:
            self.store.commit(event, kind, number, reference, values)
        self._pending.clear()
