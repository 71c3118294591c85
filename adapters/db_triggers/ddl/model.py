"""What DDL is rendered from, and what it is rendered to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from adapters.db_triggers.config import Dialect
from adapters.db_triggers.fingerprint import Column
from adapters.db_triggers.outbox import LANE_CHARS

Kind = Literal["table", "index", "function", "trigger", "grant"]

PREFIX = "legacy_bridge"
OPERATIONS = ("insert", "update", "delete")
NAME_CHARS_MAX: Mapping[Dialect, int] = {
    "postgresql": 63,
    "mariadb": 64,
    "mysql": 64,
    "sqlite": 128,
    "mssql": 128,
    "oracle": 128,  # 12.2 and later
}


class DdlError(Exception):
    """No DDL can be rendered from these settings; the text says why and what to change."""


@dataclass(frozen=True, slots=True)
class FedTable:
    """One legacy table, as triggers see it: ``columns`` are those of the images, the key's among them."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    lane_table: str  # the table whose document this row is a part of; else its own name
    lane_key: tuple[str, ...]  # columns here that hold that table's key
    is_statement: bool
    fingerprint: str
    operations: tuple[str, ...] = OPERATIONS
    is_whole: bool = True  # the images hold all columns of the table

    @property
    def identity(self) -> tuple[str, ...]:
        """Give the columns whose change makes it another row, or a part of another document."""
        return tuple(dict.fromkeys((*self.key, *self.lane_key)))


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """What write-back does with one table: rights such as ``insert`` and the columns that are updated."""

    name: str
    rights: frozenset[str]
    updated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DdlSetup:
    """All that the DDL of one endpoint depends on."""

    dialect: Dialect
    schema: str | None
    outbox: str | None  # None: this endpoint is not fed by an outbox
    origin: str
    notify: bool
    user: str | None
    tables: tuple[FedTable, ...]
    read: tuple[str, ...] = ()  # further tables that are only read: children
    written: tuple[WrittenTable, ...] = ()
    procedures: tuple[str, ...] = ()
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """One object: its statement for the script, and what a catalog must say of it (``body``).

    ``body`` None: only that it is there is compared. A grant is compared as a whole.
    """

    kind: Kind
    name: str
    table: str
    sql: str
    body: str | None = None
    why: str = ""  # for the DBA, one paragraph


def object_name(dialect: Dialect, table: str, suffix: str = "") -> str:
    """Name a trigger or function after its table, within the dialect's length."""
    room = NAME_CHARS_MAX[dialect] - len(PREFIX) - len(suffix) - 2
    return f"{PREFIX}_{table[:room]}" + (f"_{suffix}" if suffix else "")


def literal(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def lane(expression: str, table: str, *, concat: str = "||", cut: str = "left") -> str:
    """Write the expression of a lane from that of its key: never longer than the column."""
    head = literal(table + ":")
    joined = f"concat({head}, {expression})" if concat == "concat" else f"{head} {concat} {expression}"
    if cut == "substr":
        return f"substr({joined}, 1, {LANE_CHARS})"
    return f"left({joined}, {LANE_CHARS})"


def values(entries: Sequence[tuple[str, str]], indent: str) -> tuple[str, str]:
    """Give the column list and the value list of an insert, lined up."""
    names = ", ".join(name for name, _ in entries)
    return names, f",\n{indent}".join(expression for _, expression in entries)
