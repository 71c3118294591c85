"""Decoding one change: its image becomes a record, and a mapping makes a document of it. Pure.

A change that does not map is refused by table, key and column; the feed does not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from adapters.base import (
    DecodeContext,
    Decoded,
    Finding,
    Interchange,
    Level,
    Position,
    SourceText,
    Summary,
    Unit,
    UnitKind,
)
from adapters.base.whole_body import WholeBody, unreadable
from adapters.base.yaml import YamlError
from adapters.db_triggers.config import DbPartner, DbSettings
from adapters.db_triggers.images import exactly, text_of
from adapters.db_triggers.outbox import Operation
from adapters.mapping import Mapping as FieldMapping
from adapters.mapping import MappingContext, MappingError
from canonical.document import CanonicalDocument

TRUNCATED = "T"
CHANGE = "_change"  # what a mapping may read beside the columns: `_change.operation`, `_change.before.QTY`
ORDERS = frozenset({"purchase_order", "requisition"})
UNITS = (Unit(UnitKind.SET, "0"), Unit(UnitKind.FILE, "0"))
INTERCHANGE = Interchange(None, None, "", is_acknowledgment=False, facts={})


@dataclass(frozen=True, slots=True)
class Read:
    """A change as its bytes say it."""

    table: str
    operation: str
    key: tuple[str | None, ...]
    record: dict[str, Any]
    merged: tuple[str, ...]
    has_image: bool

    @property
    def source(self) -> str:
        """Name the row in positions: MM_ORDERS[0012/3]."""
        return f"{self.table}[{'/'.join(each or '' for each in self.key)}]"


NO_LINES = (
    "an order without lines, and its mapping reads some: its row was committed before them. Nothing was "
    "sent. Once they are committed, they arrive as an update: without `updates` that is read as the whole "
    "order, and nothing more is to do; with it, order a snapshot of this row (`db snapshot`). Then dismiss "
    "this"
)


class RowDecoder(WholeBody):
    """Decodes one change; it is kept whole."""

    def __init__(self, context: DecodeContext, resume: bytes | None) -> None:
        super().__init__(context.bounds.set_bytes_max, resume)
        self._context = context

    def finish(self) -> tuple[list[Decoded], Summary]:
        """Give the document, or why there is none."""
        body, context = self.content, self._context
        if self.is_too_large:
            text = f"more than {context.bounds.set_bytes_max} bytes in one row; leave large columns out"
            return unreadable(Finding("DB-SIZE", Position(context.source), text))
        try:
            change = read_change(body)
        except ValueError as error:
            return unreadable(Finding("DB-IMAGE", Position(context.source), str(error)))
        document, findings = _translated(change, context)
        decoded = Decoded(0, change.table, document, findings, body, UNITS)
        return [decoded], Summary(1, (), frozenset(), (INTERCHANGE,))


def read_change(body: bytes) -> Read:
    """Read what the feed wrote. Errors: ValueError, naming the part that is not as expected."""
    try:
        made = exactly(body.decode())
    except ValueError as error:
        raise ValueError(f"the change is no JSON ({error}); expected what the feed writes") from error
    if not isinstance(made, dict) or not isinstance(made.get("table"), str):
        raise ValueError("expected a JSON object with the name of a table")
    key = made.get("key")
    where = f"{made['table']} {json.dumps(key, ensure_ascii=False)}"
    if not isinstance(key, list):
        raise ValueError(f"{where}: the key is no JSON array; the trigger must write row_key as one")
    before, after = (_image(made, part, where) for part in ("before", "after"))
    operation = str(made.get("operation"))
    shown = after if after is not None else before
    children = made.get("children") if isinstance(made.get("children"), dict) else {}
    record = {name: text_of(value) for name, value in (shown or {}).items()} | _texts(children or {})
    record[CHANGE] = {
        "operation": operation,
        "before": _texts(before or {}),
        "transaction": made.get("transaction"),
        "origin": made.get("origin"),
        "changed_at": made.get("changed_at"),
        "id": made.get("id"),
    }
    merged = made.get("merged")
    names = tuple(text_of(each) or "" for each in key)
    return Read(
        made["table"],
        operation,
        names,
        record,
        tuple(merged) if isinstance(merged, list) else (),
        shown is not None,
    )


def _image(made: Mapping[str, Any], part: str, where: str) -> dict[str, Any] | None:
    image = made.get(part)
    if image is not None and not isinstance(image, dict):
        raise ValueError(f"{where}: the {part} image is no JSON object; the trigger must write one")
    return image


def _texts(value: Any) -> Any:
    """Make every value of a tree a text, as records want it."""
    if isinstance(value, dict):
        return {name: _texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return text_of(value)


def _translated(change: Read, context: DecodeContext) -> tuple[CanonicalDocument | None, tuple[Finding, ...]]:
    refusal = _refusal(change, context)
    if refusal is not None:
        return None, (refusal,)
    mapping = _mapping_of(change, context)
    if not isinstance(mapping, FieldMapping):
        return None, mapping
    mapped = MappingContext(
        source=change.source,
        zone=context.zone,
        at=context.library.at,
        crosswalk=context.library.crosswalk,
        findings_max=context.bounds.findings_max,
    )
    document, found = mapping.read_document(change.record, mapped)
    if document is not None and _lacks_lines(change, mapping, document):
        found = (*found, Finding("DB-NO-LINES", Position(change.source), NO_LINES))
    if any(each.level is Level.REJECTED for each in found):
        document = None
    return document, (*_notes(change, document), *found)


def _lacks_lines(change: Read, mapping: FieldMapping, document: CanonicalDocument) -> bool:
    """Tell whether this is a new order that should have lines and has none."""
    is_new = change.operation != Operation.DELETE and getattr(document, "opens_order", False)
    return is_new and "lines" in mapping.groups and not getattr(document, "lines", ())


def _refusal(change: Read, context: DecodeContext) -> Finding | None:
    at = Position(change.source)
    if change.operation == TRUNCATED:
        text = (
            "the table was truncated: no trigger saw which rows went. What the other systems have of them "
            "stays; settle by hand what must go, then order a snapshot"
        )
        return Finding("DB-TRUNCATED", Position(change.table), text)
    if change.operation not in list(Operation):
        text = f"the operation '{change.operation}' is unknown; expected I, U, D or R"
        return Finding("DB-OPERATION", at, text)
    if change.operation == Operation.DELETE and _deletes(context) == "park":
        text = (
            "the row was deleted, and a deletion says not what is meant: cancel the document by hand where "
            "that is meant, or say `deletes: map` in the route's settings"
        )
        return Finding("DB-DELETED", at, text)
    if not change.has_image:
        text = (
            "the change has neither a before nor an after image, and its table is not among the endpoint's "
            "`tables`, where its row could be read"
        )
        return Finding("DB-IMAGE", at, text)
    return None


def _notes(change: Read, document: CanonicalDocument | None) -> Iterator[Finding]:
    if len(change.merged) > 1:
        shown = ", ".join(change.merged[:10]) + (" ..." if len(change.merged) > 10 else "")
        text = f"{len(change.merged)} changes were picked up together and read as one state: {shown}"
        yield Finding("DB-MERGED", Position(change.source), text, Level.NOTE)
    if change.operation == Operation.UPDATE and getattr(document, "opens_order", False):
        yield Finding("DB-UPDATE", Position(change.source), _sent_again(change.table), Level.NOTE)


def _mapping_of(change: Read, context: DecodeContext) -> FieldMapping | tuple[Finding, ...]:
    """Give the mapping that reads a change, compiled; or why it cannot be used."""
    every = _settings(context.settings), _settings(context.partner_settings)
    name = None
    if change.operation == Operation.UPDATE:
        name = next((each.updates[change.table] for each in every if change.table in each.updates), None)
    if name is None:
        name = next((each.mappings[change.table] for each in every if change.table in each.mappings), None)
    if name is None:
        text = (
            f"changes of {change.table} arrive, and no mapping reads them; add {change.table} to `mappings` "
            "in the settings of the endpoint's first route, or drop its trigger"
        )
        return (Finding("DB-TABLE", Position(change.table), text),)
    source = context.library.mappings.get(name)
    if source is None:
        return (
            Finding("DB-TABLE", Position(change.table), f"there is no mapping '{name}' under `mappings`"),
        )
    return _compiled(source)


def judged(settings: BaseModel, library: Any) -> list[Finding]:
    """Give what is wrong with the mappings that settings name, and which tables' updates they do not tell."""
    told = _settings(settings)
    found: list[Finding] = []
    for name in (*told.mappings.values(), *told.updates.values()):
        source = library.mappings.get(name)
        made = _compiled(source) if source is not None else ()
        found += (
            made if isinstance(made, tuple) else [each for each in made.notes if each.level is not Level.NOTE]
        )
    for table, name in told.mappings.items():
        source = library.mappings.get(name)
        made = _compiled(source) if source is not None else ()
        if table not in told.updates and isinstance(made, FieldMapping) and _only_opens(made):
            found.append(
                Finding("DB-UPDATE", Position("", path=f"mappings.{table}"), _sent_again(table), Level.NOTE)
            )
    return found


def _only_opens(mapping: FieldMapping) -> bool:
    """Tell whether every document of a mapping is a new order: none says its purpose."""
    return mapping.document_type in ORDERS and "purpose" not in mapping.fields


def _sent_again(table: str) -> str:
    return (
        f"an update of {table} is read as the same order sent again, which never updates it: with other "
        "content it is parked (DOCUMENT-CHANGED). Name a mapping to an order_change under "
        f"`updates: {{{table}: ...}}`, or leave updates out "
        f"at the endpoint's table (`tables: {{{table}: {{operations: [insert]}}}}`)"
    )


@lru_cache(maxsize=256)
def _compiled(source: SourceText) -> FieldMapping | tuple[Finding, ...]:
    try:
        return FieldMapping.load(source.text, source.file)
    except MappingError as error:
        return error.findings
    except YamlError as error:
        return (Finding("MAP-FORM", Position(source.file), str(error)),)


def _settings(settings: BaseModel | None) -> DbSettings | DbPartner:
    return settings if isinstance(settings, (DbSettings, DbPartner)) else DbSettings()


def _deletes(context: DecodeContext) -> str:
    every = _settings(context.settings).deletes, _settings(context.partner_settings).deletes
    return next((each for each in every if each is not None), "park")
