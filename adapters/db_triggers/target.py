"""Writing documents into a legacy database: one request a document, which may be repeated. Pure.

The reference is written in the same transaction as the rows. So a request without an answer is sent again as
it was: where it had been done, the database says so and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finding,
    Finished,
    InDoubt,
    Library,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    StepResult,
    Stuck,
    Transient,
    TransientKind,
    Wait,
)
from adapters.base.registry import EndpointError, EndpointSetup
from adapters.base.yaml import YamlError
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.write_plan import UnwritableError, plan_of
from adapters.db_triggers.write_settings import RowsWritten, WriteBack
from adapters.mapping import Mapping as DocumentMapping
from adapters.mapping import MappingError, crosswalk_words
from canonical.registry import DOCUMENT_TYPES

WRITE = "write"
DONE, REPEATED = 200, 208
"""Statuses of the sink: 200 written; 208 written before, nothing changed; 401, 403 log-in or privilege; 404 a
table of ours is missing; 409, 422 refused with findings; 423 locked, 503 outage, 507 no room."""


class DbTarget:
    """The pure half of a database that documents are written into. ``name`` is the endpoint's."""

    def __init__(self, name: str, settings: WriteBack, mappings: Mapping[str, DocumentMapping]) -> None:
        self.name = name
        self._settings = settings
        self._mappings = mappings
        self._timeout_s = settings.timeout.total_seconds()

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Write the document, until the database says that it is written."""
        accepted = next((step.outcome for step in done if isinstance(step.outcome, Accepted)), None)
        if accepted is not None:
            return Finished(accepted.reference)
        if delivery.role == "copy" and self._settings.copies == "refuse":
            return self._stuck(
                "DB-COPY",
                f"{self.name} would take this copy for its own; declare losing_side: nothing, or "
                "write_back.copies: write",
            )
        written = self._settings.documents.get(delivery.document_type or "")
        if delivery.canonical is None or written is None:
            return self._stuck("DB-NO-DOCUMENT", _not_written(self.name, delivery, self._settings))
        document = delivery.document
        if document is None:
            raise AssertionError("it has canonical bytes")
        source = delivery.origin.name or delivery.message_id
        try:
            plan = plan_of(document, delivery.reference, written, self._mappings[written.mapping], source)
        except UnwritableError as error:
            return Stuck(error.findings)
        return Request(WRITE, Effect.REPEATABLE, WRITE, "", plan.to_json(), (), self._timeout_s)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means."""
        if isinstance(reply, NoReply):
            if reply.written == "maybe":
                return InDoubt(reply.reason)
            kind = TransientKind.CREDENTIAL if reply.kind == "credential" else TransientKind.OUTAGE
            return Transient(reply.reason, kind)
        told = reply.body.decode("utf-8", "replace")
        match reply.status:
            case 200 | 208:
                return Accepted(told)
            case 409 | 422:
                return Rejected(_findings(reply.body, self.name))
            case 401 | 403:
                return Transient(told, TransientKind.CREDENTIAL)
            case 404 | 503 | 507:
                return Transient(told, TransientKind.OUTAGE)
        return Transient(told)

    def _stuck(self, code: str, text: str) -> Stuck:
        return Stuck((Finding(code, Position(self.name), text),))


def db_target(setup: EndpointSetup) -> DbTarget | None:
    """Give the target of an endpoint; None where nothing is written back. Errors: EndpointError."""
    settings = cast(DbEndpoint, setup.settings).write_back
    if settings is None:
        return None
    mappings, findings = _compiled(setup.name, settings, setup.library)
    if findings:
        raise EndpointError(tuple(findings))
    return DbTarget(setup.name, settings, mappings)


def judge_write(name: str, settings: DbEndpoint, library: Library) -> list[Finding]:
    """Give what does not fit together of an endpoint's ``write_back``: its documents and mappings."""
    if settings.write_back is None:
        return []
    _, findings = _compiled(name, settings.write_back, library)
    return [*findings, *_unmarked(name, settings, settings.write_back)]


def _compiled(
    name: str, settings: WriteBack, library: Library
) -> tuple[dict[str, DocumentMapping], list[Finding]]:
    made: dict[str, DocumentMapping] = {}
    findings: list[Finding] = []
    for document_type, written in settings.documents.items():
        place = Position(f"{name}.write_back.documents.{document_type}")
        if document_type not in DOCUMENT_TYPES:
            known = ", ".join(sorted(DOCUMENT_TYPES))
            text = f"there is no document type '{document_type}'; there are: {known}"
            findings.append(Finding("DB-WRITE", place, text))
            continue
        text_ = library.mappings.get(written.mapping)
        if text_ is None:
            findings.append(Finding("DB-WRITE", place, f"there is no mapping '{written.mapping}'"))
            continue
        try:
            mapping = DocumentMapping.load(text_.text, text_.file)
            words = crosswalk_words(text_.text, text_.file)
        except (MappingError, YamlError) as error:
            findings.extend(error.findings)
            continue
        made[written.mapping] = mapping
        findings.extend(_unfit(place, document_type, mapping, words))
    return made, findings


def _unfit(
    place: Position, document_type: str, mapping: DocumentMapping, words: Sequence[str] | frozenset[str]
) -> list[Finding]:
    findings = []
    if mapping.document_type != document_type or mapping.direction == "read":
        text = f"mapping '{mapping.name}' does not write documents of type {document_type}"
        findings.append(Finding("DB-WRITE", place, text))
    if words:
        text = (
            f"mapping '{mapping.name}' asks code tables ({', '.join(sorted(words))}), which are not there "
            "when a document is written; translate the codes where the document is read"
        )
        findings.append(Finding("DB-WRITE", place, text))
    return findings


def _unmarked(name: str, settings: DbEndpoint, write_back: WriteBack) -> list[Finding]:
    """Tell of rows that are written and fed by another name of their key: their echoes would not be known."""
    found = []
    for document_type, written in write_back.documents.items():
        for change in written.changes:
            table = settings.tables.get(change.table) if isinstance(change, RowsWritten) else None
            if isinstance(change, RowsWritten) and table is not None and table.key != change.key:
                place = Position(f"{name}.write_back.documents.{document_type}", path=change.table)
                text = (
                    f"{change.table} is fed by the key {', '.join(table.key)} and written by "
                    f"{', '.join(change.key)}; write it by the same columns, in the same order"
                )
                found.append(Finding("DB-WRITE", place, text))
    return found


def _not_written(name: str, delivery: Delivery, settings: WriteBack) -> str:
    if delivery.canonical is None:
        return f"{name} takes documents, and this delivery is bytes as they came; route it elsewhere"
    known = ", ".join(sorted(settings.documents))
    return (
        f"documents of type {delivery.document_type} are not written to {name}; it takes: {known}. Add the "
        "type to write_back.documents, then retry"
    )


def _findings(body: bytes, name: str) -> tuple[Finding, ...]:
    try:
        return tuple(Finding.from_json(entry) for entry in json.loads(body))
    except (ValueError, KeyError, TypeError):
        return (Finding("DB-REFUSED", Position(name), body.decode("utf-8", "replace")),)
