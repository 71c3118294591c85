"""From a canonical document to the row changes that write it, as one frozen request. Pure.

The request's body is JSON, so that the journal keeps what was to be written in words that a person reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from adapters.base import Finding, Level, Position
from adapters.db_triggers.write_settings import DocumentWritten, ProcedureCalled, RowsWritten
from adapters.mapping import Mapping as DocumentMapping
from adapters.mapping import MappingContext, Record
from adapters.mapping.records import Pick, source_path
from canonical.document import CanonicalDocument


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row: column -> text, None for null. ``add`` names columns of ``values`` to add to."""

    table: str
    on: str
    key: Mapping[str, str | None]
    values: Mapping[str, str | None]
    add: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a procedure: parameter -> text, in order."""

    procedure: str
    arguments: Mapping[str, str | None]
    kinds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WritePlan:
    """All that one document changes, in one transaction. ``reference`` is the same in every repeat."""

    reference: str
    changes: tuple[RowChange | Call, ...]

    @property
    def content_hash(self) -> str:
        """Give the SHA-256 of what is written, so that a reference can be held to its content."""
        text = json.dumps([asdict(each) for each in self.changes], sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> bytes:
        """Give the request's body."""
        entries = [asdict(each) for each in self.changes]
        return json.dumps({"reference": self.reference, "changes": entries}, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, body: bytes) -> WritePlan:
        """Read what ``to_json`` wrote."""
        made = json.loads(body)
        return cls(made["reference"], tuple(_change(entry) for entry in made["changes"]))


class UnwritableError(Exception):
    """A document cannot be written; all reasons at once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


def plan_of(
    document: CanonicalDocument,
    reference: str,
    written: DocumentWritten,
    mapping: DocumentMapping,
    source: str,
) -> WritePlan:
    """Give the plan of a document. Errors: UnwritableError."""
    record, findings = mapping.write(document, MappingContext(source))
    refused = [each for each in findings if each.level is Level.REJECTED]
    if refused:
        raise UnwritableError(refused)
    changes: list[RowChange | Call] = []
    missing: list[Finding] = []
    for settings in written.changes:
        for entry in _entries(record, settings.each):
            made = _made(settings, entry, record)
            missing += _without_key(made, source)
            changes.append(made)
    if missing:
        raise UnwritableError(missing)
    if not changes:
        text = "nothing of this document is written: none of the lists that `each` names has an entry"
        raise UnwritableError([Finding("DB-NOTHING", Position(source), text)])
    return WritePlan(reference, tuple(changes))


def _change(entry: Mapping[str, Any]) -> RowChange | Call:
    if "procedure" in entry:
        return Call(entry["procedure"], entry["arguments"], entry["kinds"])
    lists = {name: tuple(entry[name]) for name in ("add", "beside")}
    return RowChange(entry["table"], entry["on"], entry["key"], entry["values"], **lists)


def _entries(record: Record, path: str | None) -> Iterator[Record]:
    if path is None:
        yield record
        return
    found = _at(record, path)
    for entry in found if isinstance(found, list) else [found]:
        if isinstance(entry, dict):
            yield entry


def _made(settings: RowsWritten | ProcedureCalled, entry: Record, record: Record) -> RowChange | Call:
    if isinstance(settings, ProcedureCalled):
        arguments = {name: _text(entry, record, path) for name, path in settings.arguments.items()}
        return Call(settings.procedure, arguments, dict(settings.kinds))
    filled = {name: _text(entry, record, path) for name, path in settings.columns.items()}
    texts: dict[str, str | None] = {**filled, **settings.fixed}
    key = {name: texts[name] for name in settings.key}
    # A field without a value says nothing about its column: what stands there stays.
    values = {name: text for name, text in texts.items() if name not in key and text is not None}
    return RowChange(settings.table, settings.on, key, values, settings.add, settings.beside)


def _without_key(made: RowChange | Call, source: str) -> list[Finding]:
    if isinstance(made, Call):
        return []
    return [
        Finding(
            "DB-KEY",
            Position(source, path=f"{made.table}.{name}"),
            f"the document has no value for key column {name} of {made.table}; without it no row is named. "
            "Map a field that every such document has",
        )
        for name, text in made.key.items()
        if text is None
    ]


def _text(entry: Record, record: Record, path: str) -> str | None:
    found = _at(entry, path)
    if found is None and entry is not record:
        found = _at(record, path)
    return found if isinstance(found, str) else None


def _at(record: Record, path: str) -> Any:
    found: Any = record
    for step in source_path(path):
        name = step.name if isinstance(step, Pick) else step
        found = found.get(name) if isinstance(found, dict) else None
        if isinstance(step, Pick):
            entries = found if isinstance(found, list) else []
            found = next((entry for entry in entries if step.matches(entry)), None)
    return found
