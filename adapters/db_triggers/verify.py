"""Compares what a database has with what would be rendered now. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.base import Finding, Level, Position
from adapters.db_triggers.bookkeeping import echo_table, shape_table, snapshot_table, written_table
from adapters.db_triggers.ddl import DdlSetup, Made, objects
from adapters.db_triggers.ddl.model import FedTable, Kind
from adapters.db_triggers.fingerprint import Column, differences
from adapters.db_triggers.outbox import COLUMNS

MISSING, DIFFERS, RIGHT, UNSEEN, SHAPE = "DB-MISSING", "DB-DIFFERS", "DB-DENIED", "DB-UNSEEN", "DB-SCHEMA"


Named = tuple[Kind, str]
_IN_TRIGGERS = re.compile(r"""\b(?:new|old)\.["`]([^"`]+)["`]""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Live:
    """What a database has: objects with their bodies, and which of the needed rights are missing."""

    objects: Mapping[Named, str]
    setup: DdlSetup  # what would be rendered now, for the columns of now
    rendered_for: Mapping[str, str]  # table -> fingerprint for which its triggers were rendered
    missing_rights: tuple[str, ...] = ()
    sees_triggers: bool = True
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of the gateway's own tables


def compared(name: str, live: Live) -> list[Finding]:
    """Give every difference, in the order of the script; none where the database is as it should be."""
    findings: list[Finding] = []
    made = objects(live.setup)
    if not live.sees_triggers:
        text = (
            "this user may not see triggers, so they were not compared; run this with --user and a user that "
            "has the right TRIGGER"
        )
        findings.append(_finding(UNSEEN, name, "", text, Level.ERROR))
    for each in made:
        if each.kind == "trigger" and not live.sees_triggers:
            continue
        findings += _object(name, each, live.objects)
        if each.kind == "table" and (each.kind, each.name) in live.objects:
            findings += _table(name, live.setup, each, live.columns.get(each.name, ()))
    findings += _extra(name, made, live.objects)
    findings += _shapes(name, live, made)
    findings += [
        _finding(
            RIGHT, name, live.setup.user or "", f"the right {right} is missing; grant it as db render shows"
        )
        for right in live.missing_rights
    ]
    return findings


def _object(name: str, made: Made, found: Mapping[Named, str]) -> Iterable[Finding]:
    if made.kind == "grant":
        return
    body = found.get((made.kind, made.name))
    on = f" of {made.table}" if made.table and made.table != made.name else ""
    if body is None:
        text = f"the {made.kind} {made.name}{on} is not there; apply its part of db render"
        yield _finding(MISSING, name, made.name, text)
    elif made.body is not None and _words(body) != _words(made.body):
        text = (
            f"the {made.kind} {made.name}{on} is another one than would be rendered now, or is disabled; "
            "apply its part of db render again"
        )
        yield _finding(DIFFERS, name, made.name, text)


def _table(name: str, setup: DdlSetup, made: Made, live: Sequence[str]) -> Iterable[Finding]:
    wanted = COLUMNS if made.name == setup.outbox else _own_columns(made.name)
    missing = [column for column in wanted if column not in {each.lower() for each in live}]
    if missing:
        text = f"the table {made.name} has no column {', '.join(missing)}; compare it with db render"
        yield _finding(DIFFERS, name, made.name, text)


def _own_columns(table: str) -> tuple[str, ...]:
    for known in (echo_table(), shape_table(), snapshot_table(), written_table()):
        if known.name == table:
            return tuple(column.name for column in known.columns)
    return ()


def _extra(name: str, made: Sequence[Made], found: Mapping[Named, str]) -> Iterable[Finding]:
    """Tell of triggers of ours that nothing asks for any more: they go on filling the outbox."""
    wanted = {(each.kind, each.name) for each in made}
    for kind, other in found:
        if kind == "trigger" and other.startswith("legacy_bridge_") and (kind, other) not in wanted:
            text = f"the trigger {other} is none that would be rendered now; drop it, or its rows pile up"
            yield _finding(DIFFERS, name, other, text)


def _shapes(name: str, live: Live, made: Sequence[Made]) -> Iterable[Finding]:
    for table in live.setup.tables:
        then = live.rendered_for.get(table.name)
        if then is not None and then != table.fingerprint:
            bodies = [
                live.objects.get((each.kind, each.name), "") for each in made if each.table == table.name
            ]
            changed = _changed(live.setup.dialect, table, bodies)
            text = (
                f"the table {table.name} has other columns than its triggers were rendered for "
                f"({changed}); apply the triggers of db render again, then "
                "order a snapshot of it"
            )
            yield _finding(SHAPE, name, table.name, text)


def _changed(dialect: str, table: FedTable, bodies: Sequence[str]) -> str:
    """Say which columns differ from those in the triggers, where these name them."""
    then = {column for body in bodies for column in _IN_TRIGGERS.findall(body)}
    if dialect not in ("sqlite", "mariadb", "mysql") or not then:  # elsewhere they take the row as a whole
        return f"now: {', '.join(f'{column.name} {column.type}' for column in table.columns)}"
    now = {column.name: column for column in table.columns}
    known = [now.get(column, Column(column, "")) for column in sorted(then)]
    return ", ".join(differences(known, table.columns)) or "the type of one"


def _finding(code: str, name: str, path: str, text: str, level: Level = Level.REJECTED) -> Finding:
    return Finding(code, Position(name, path=path), text, level)


def _words(text: str) -> str:
    """Give a text without what a catalog may have changed: blanks, and how the statement began."""
    words = " ".join(text.split()).lower().rstrip(";")
    return words.replace("create or alter trigger", "create trigger")
