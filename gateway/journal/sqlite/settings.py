"""Counters, stages, configurations, crosswalks: what the gateway keeps about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.journal.base import JournalError, StaleStageError, UnknownError
from gateway.journal.sqlite.audit_log import append
from gateway.journal.sqlite.database import Database, Row
from gateway.journal.sqlite.instants import from_micros, to_micros
from gateway.journal.sqlite.json_columns import dump_mapping, load_mapping
from gateway.journal.types import CrosswalkRow, StageState


def bind_environment(db: Database, environment: str) -> None:
    """Tie a new store to an environment. Errors: JournalError where it is tied to the other."""
    bound = db.value("meta.get", ("environment",))
    if bound is None:
        db.run("meta.set", ("environment", environment))
    elif bound != environment:
        raise JournalError(
            f"this journal belongs to environment '{bound}' and the configuration says '{environment}'; "
            "test and production never share one: give each its own journal"
        )


def next_control_number(db: Database, emitter: str, kind: str, lowest: int, highest: int) -> int:
    """Give the next number of a range, wrapping after the highest."""
    last = db.value("meta.last_control_number", (emitter, kind))
    number = lowest if last is None or not lowest <= last < highest else last + 1
    db.run("meta.set_control_number", (emitter, kind, number))
    return int(number)


def load_configuration(db: Database, text: str, sha256: str, who: str, now: datetime) -> int:
    """Make a configuration current, as a new revision unless its text is known. A change is audited."""
    revision = db.value("configuration.known", (sha256,))
    if revision is None:
        db.run("configuration.insert", (text, sha256, who, to_micros(now)))
        revision = db.connection.last_insert_rowid()
    if db.value("meta.get", ("configuration",)) != str(revision):
        db.run("meta.set", ("configuration", str(revision)))
        append(db, now, who, "config.load", str(revision), {"sha256": sha256}, "")
    return int(revision)


def configuration(db: Database, revision: int) -> str:
    """Give the text of a revision. Errors: UnknownError."""
    text = db.value("configuration.text", (revision,))
    if text is None:
        raise UnknownError(f"there is no configuration revision {revision}")
    return str(text)


def stages(db: Database) -> dict[str, StageState]:
    """Give the live stage of every route."""
    return {row[0]: _stage(row) for row in db.rows("stage.all")}


def declare_stages(db: Database, declared: Mapping[str, tuple[str, str]], now: datetime) -> None:
    """Set the stage of routes that have none yet."""
    at = to_micros(now)
    for route, (stage, share) in declared.items():
        db.run("stage.declare", (route, stage, share, at))


def set_stage(
    db: Database, route: str, expected: str, stage: str, share_percent: str, who: str, why: str, now: datetime
) -> StageState:
    """Move a route, audited. Errors: StaleStageError, UnknownError."""
    row = db.row("stage.one", (route,))
    if row is None:
        raise UnknownError(f"there is no route {route}")
    before = _stage(row)
    if before.stage != expected:
        raise StaleStageError(f"route {route} is in stage {before.stage}, not {expected} (any more)")
    db.run("stage.move", (stage, share_percent, to_micros(now), who, why, route))
    detail = {"from": before.stage, "to": stage, "share_percent": share_percent}
    append(db, now, who, "routes.set", route, detail, why)
    return StageState(route, stage, share_percent, before.revision + 1, now, who, why)


def load_crosswalk(
    db: Database, table: str, rows: Sequence[CrosswalkRow], who: str, why: str, now: datetime
) -> int:
    """Replace a table by a new version, audited; give the version."""
    version = (db.value("crosswalk.version", (table,)) or 0) + 1
    db.run("crosswalk.set_version", (table, version))
    db.run_many(
        "crosswalk.insert",
        (
            (
                table,
                version,
                number,
                row.legacy,
                row.cloud,
                row.valid_from,
                row.valid_to,
                dump_mapping(row.facts),
            )
            for number, row in enumerate(rows)
        ),
    )
    append(db, now, who, "crosswalk.load", table, {"version": str(version), "rows": str(len(rows))}, why)
    return int(version)


def crosswalk_version(db: Database, table: str) -> int:
    """Give a table's current version, 0 where there is none."""
    return int(db.value("crosswalk.version", (table,)) or 0)


def crosswalk(db: Database, table: str) -> tuple[int, list[CrosswalkRow]]:
    """Give a table's current version and rows."""
    version = db.value("crosswalk.version", (table,))
    if version is None:
        return 0, []
    rows = db.rows("crosswalk.rows", (table, version))
    return version, [
        CrosswalkRow(legacy, cloud, valid_from, valid_to, load_mapping(more))
        for legacy, cloud, valid_from, valid_to, more in rows
    ]


def _stage(row: Row) -> StageState:
    route, stage, share_percent, revision, changed_at, changed_by, why = row
    return StageState(route, stage, share_percent, revision, from_micros(changed_at), changed_by, why)
