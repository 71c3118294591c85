"""Which change is only what the gateway wrote, made once more by a legacy job. Pure.

The origin mark keeps the gateway's own statement out of the outbox. A nightly job that carries the same
values on, in its own session, has no mark. What was written is therefore remembered for each row, as a hash
a column, for some days. An update is an echo only where every column that it changed holds exactly what was
written; the first change that says otherwise ends the memory of those columns, so that a user who changes a
value and then changes it back is heard both times.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.db_triggers.binding import normal

HASH_CHARS = 16


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was written to one row. ``contents``: column -> hash; ``beside``: may change along with it."""

    after_id: int
    contents: Mapping[str, str]
    beside: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Give the text that is stored, without ``after_id``."""
        return json.dumps({"contents": dict(self.contents), "beside": list(self.beside)}, sort_keys=True)

    @classmethod
    def from_json(cls, after_id: int, text: str) -> Remembered:
        """Read a stored text."""
        made = json.loads(text)
        return cls(after_id, made["contents"], tuple(made["beside"]))


@dataclass(frozen=True, slots=True)
class RowImages:
    """One change as far as it matters here: images as column -> text, None where there is none."""

    id: int
    operation: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Judgment:
    """Whether a change is an echo, and what is remembered of the row from then on; None: nothing."""

    is_echo: bool
    remembered: Remembered | None


def judge(change: RowImages, remembered: Remembered) -> Judgment:
    """Judge one change of a row about which something is remembered."""
    if change.id <= remembered.after_id:
        return Judgment(False, remembered)  # made before we wrote: a user's, whatever it says
    if change.operation == "R":
        return Judgment(False, remembered)
    if change.operation == "D" or change.after is None:
        return Judgment(False, None)
    after = {name: content_hash(value) for name, value in change.after.items()}
    changed = _changed(change, remembered)
    same = {name for name in changed if remembered.contents.get(name) == after.get(name)}
    other = changed - same - set(remembered.beside)
    if not other:
        return Judgment(True, remembered)
    left = {name: text for name, text in remembered.contents.items() if name not in other}
    return Judgment(False, Remembered(remembered.after_id, left, remembered.beside) if left else None)


def _changed(change: RowImages, remembered: Remembered) -> set[str]:
    after = change.after or {}
    if change.operation == "I" or change.before is None:
        # Of a row that a job inserts, what we expected must be there; the rest is the job's own affair.
        expected = set(remembered.contents)
        return expected if change.operation == "I" else {*expected, *after}
    before = change.before
    return {name for name in {*before, *after} if normal(before.get(name)) != normal(after.get(name))}


def content_hash(value: object) -> str:
    """Give a short hash of a value's normal form."""
    found = normal(value)
    text = "null" if found is None else f"={found}"
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_CHARS]


def row_hash(table: str, key: Sequence[object]) -> str:
    """Name a row whatever its key is padded with: 64 hexadecimal characters."""
    text = json.dumps([table, *(normal(value) for value in key)], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
