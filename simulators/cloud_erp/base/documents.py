"""What a simulated ERP holds, and its ledger on disk: every creation, change and removal, in order.

An entry is synced before anyone hears of it, so a test can count what really happened, also after
kill -9. Queries see a commit only after a while, as real ERPs' indexes do (read-after-write lag).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulators.cloud_erp.base import exact_json
from simulators.ledger import LineFile


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. `fields` is the whole document as it was afterwards, as exact JSON."""

    sequence: int
    event: str  # "created", "changed", "removed"
    kind: str  # the resource or entity set
    key: str
    number: str
    reference: str
    fields: str
    at: float

    def document(self) -> Any:
        """Give the document's fields."""
        return exact_json.read(self.fields)


@dataclass(slots=True)
class _Held:
    fields: dict[str, Any]
    number: str
    reference: str
    visible_from: float


class Documents:
    """All documents, by kind and key."""

    def __init__(
        self, ledger: Path | None = None, lag_s: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.lag_s = lag_s
        self._clock = clock
        self._ledger = LineFile(ledger)
        self._held: dict[str, dict[str, _Held]] = {}
        self._created: Counter[str] = Counter()
        for entry in self.entries():
            self._take(entry, visible_from=0.0)

    def create(
        self, kind: str, key: str, fields: dict[str, Any], *, number: str, reference: str = ""
    ) -> None:
        """Commit a new document: from here on it happened."""
        self._write("created", kind, key, number, reference, fields)

    def change(self, kind: str, key: str, fields: dict[str, Any]) -> None:
        """Commit a document's new state (all of it). Errors: KeyError."""
        held = self._held[kind][key]
        self._write("changed", kind, key, held.number, held.reference, fields)

    def remove(self, kind: str, key: str) -> None:
        """Commit that a document is gone. Errors: KeyError."""
        held = self._held[kind][key]
        self._write("removed", kind, key, held.number, held.reference, held.fields)

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """Give a document of now, by its key: such reads have no lag. A copy."""
        held = self._held.get(kind, {}).get(key)
        return deepcopy(held.fields) if held is not None else None

    def visible(self, kind: str, reference: str | None = None) -> list[dict[str, Any]]:
        """Give what a query sees of a kind, oldest first; only those with a reference, where one is given.

        Copies.
        """
        now = self._clock()
        return [
            deepcopy(each.fields)
            for each in self._held.get(kind, {}).values()
            if each.visible_from <= now and reference in (None, each.reference)
        ]

    def shown(self, kind: str) -> Iterator[dict[str, Any]]:
        """Give what a query sees of a kind, to read only: copies of a long ledger cost much."""
        now = self._clock()
        return (each.fields for each in self._held.get(kind, {}).values() if each.visible_from <= now)

    def keys(self, kind: str) -> list[str]:
        """Give the keys of all documents of a kind, seen by queries or not."""
        return list(self._held.get(kind, {}))

    def entries(self, kind: str | None = None, event: str | None = None) -> list[Entry]:
        """Give the ledger, or the part of one kind or event."""
        return [
            Entry(**entry)
            for entry in self._ledger.entries
            if kind in (None, entry["kind"]) and event in (None, entry["event"])
        ]

    def created(self, kind: str) -> int:
        """Give how many documents of a kind were ever created."""
        return self._created[kind]

    def count(self) -> int:
        """Give how many entries the ledger has."""
        return len(self._ledger.entries)

    def close(self) -> None:
        """Let go of the file."""
        self._ledger.close()

    def _write(
        self, event: str, kind: str, key: str, number: str, reference: str, fields: dict[str, Any]
    ) -> None:
        text = exact_json.write(fields)
        entry = Entry(self.count() + 1, event, kind, key, number, reference, text, time.time())
        self._ledger.append(asdict(entry))
        self._take(entry, self._clock() + self.lag_s)

    def _take(self, entry: Entry, visible_from: float) -> None:
        held = self._held.setdefault(entry.kind, {})
        self._created[entry.kind] += entry.event == "created"
        if entry.event == "removed":
            held.pop(entry.key, None)
            return
        known = held.get(entry.key)
        since = known.visible_from if known is not None else visible_from
        held[entry.key] = _Held(entry.document(), entry.number, entry.reference, since)
