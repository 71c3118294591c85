"""Counters, stages, configurations and code tables of the memory journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.journal.base import JournalError, StaleStageError, UnknownError
from gateway.journal.memory.audit import append
from gateway.journal.memory.records import Tables
from gateway.journal.types import CrosswalkRow, StageState

DECLARED_BY = "routes.yaml"


def bind_environment(tables: Tables, environment: str) -> None:
    """Tie the store to an environment, for good."""
    if tables.environment not in (None, environment):
        raise JournalError(
            f"this journal belongs to the {tables.environment} environment; expected {environment}: "
            "give each environment a journal of its own"
        )
    tables.environment = environment


def next_control_number(tables: Tables, emitter: str, kind: str, lowest: int, highest: int) -> int:
    """Give the next number of a range; a range that was changed goes on inside its new bounds."""
    number = tables.control_numbers.get((emitter, kind), lowest - 1) + 1
    number = number if lowest <= number <= highest else lowest
    tables.control_numbers[emitter, kind] = number
    return number


def load_configuration(tables: Tables, text: str, sha256: str, who: str, now: datetime) -> int:
    """Make a configuration current, as a new revision unless its text is known. A change is audited."""
    known = [kept for kept, _ in tables.configurations]
    revision = known.index(sha256) + 1 if sha256 in known else len(known) + 1
    if revision > len(known):
        tables.configurations.append((sha256, text))
    if revision != tables.config_revision:
        tables.config_revision = revision
        append(tables, now, who, "config.load", str(revision), {"sha256": sha256}, "")
    return revision


def configuration(tables: Tables, revision: int) -> str:
    """Give the text of a revision."""
    if not 1 <= revision <= len(tables.configurations):
        raise UnknownError(f"there is no configuration revision {revision}")
    return tables.configurations[revision - 1][1]


def declare_stages(tables: Tables, declared: Mapping[str, tuple[str, str]], now: datetime) -> None:
    """Set the stage of routes that have none."""
    for route, (stage, share_percent) in declared.items():
        if route not in tables.stages:
            tables.stages[route] = StageState(route, stage, share_percent, 1, now, DECLARED_BY, "declared")


def set_stage(
    tables: Tables,
    now: datetime,
    who: str,
    why: str,
    route: str,
    expected: str,
    stage: str,
    share_percent: str,
) -> StageState:
    """Move a route. Errors: UnknownError, StaleStageError."""
    state = tables.stages.get(route)
    if state is None:
        raise UnknownError(f"there is no route {route} with a stage")
    if state.stage != expected:
        raise StaleStageError(f"route {route} is in stage {state.stage}; expected {expected}")
    moved = replace(
        state,
        stage=stage,
        share_percent=share_percent,
        revision=state.revision + 1,
        changed_at=now,
        changed_by=who,
        why=why,
    )
    tables.stages[route] = moved
    detail = {"from": state.stage, "to": stage, "share_percent": share_percent}
    append(tables, now, who, "routes.set", route, detail, why)
    return moved


def load_crosswalk(
    tables: Tables, table: str, rows: Sequence[CrosswalkRow], who: str, why: str, now: datetime
) -> int:
    """Replace a code table by a new version."""
    version = tables.crosswalks.get(table, (0, ()))[0] + 1
    tables.crosswalks[table] = (version, tuple(rows))
    append(tables, now, who, "crosswalk.load", table, {"version": str(version), "rows": str(len(rows))}, why)
    return version
