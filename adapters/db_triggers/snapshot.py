"""Snapshots: the statements that put a table's rows into the outbox by ranges of its key. Pure.

A snapshot row and a live change of the same row must get numbers in the order in which they are true. So a
range is read with its rows locked: what somebody is changing at the moment is skipped, and read row by row
once that has ended. What was read before a change has a lower number than the change, because the change
waits for our lock; what was read after it has a higher one. Deletes and inserts in between need nothing: the
live feed has them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.db_triggers.binding import UnfitValueError, column_type, value_of
from adapters.db_triggers.config import Dialect
from adapters.db_triggers.ddl import mssql, mysql, oracle, postgresql, sqlite
from adapters.db_triggers.ddl.model import DdlSetup, FedTable, lane, literal
from adapters.db_triggers.ddl.rights import own_name
from adapters.db_triggers.write_statements import Statement, quoted

ROW = "t"
ASKED = "w"  # begins the names of parameters that a person wrote
WANTED, RUNNING, DONE, CANCELLED, REFUSED = "wanted", "running", "done", "cancelled", "refused"
COLUMNS = "source_table, operation, row_key, lane, after_image, schema_fingerprint"

SKIPPING: Mapping[Dialect, str] = {
    "postgresql": "for share skip locked",
    "mariadb": "lock in share mode skip locked",
    "mysql": "for share skip locked",
    "oracle": "for update skip locked",
}
WAITING: Mapping[Dialect, str] = {
    "postgresql": "for share",
    "mariadb": "lock in share mode",
    "mysql": "for share",
    "oracle": "for update",
}

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Part of a table by its key: beyond ``after``, from ``first`` to ``last`` (both inclusive).

    ``asked_first`` and ``asked_last`` are the same as a person wrote them: without the blanks of padded keys.
    """

    after: Key | None = None
    first: Key | None = None
    last: Key | None = None
    asked_first: Key | None = None
    asked_last: Key | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a snapshot of one table has come."""

    table: str
    rows_done: int
    rows_total: int
    waits_for: str = ""  # what it cannot go on for now


class SnapshotError(Exception):
    """A snapshot cannot be made as it was asked for; the text says why."""


class SnapshotStatements:
    """The statements for one table."""

    def __init__(self, setup: DdlSetup, table: FedTable) -> None:
        self._setup = setup
        self._table = table
        self.dialect = setup.dialect
        types = {column.name: column_type(column.type) for column in table.columns}
        self._types = [types[name] for name in table.key]
        self._key = [f"{ROW}.{quoted(name, setup.dialect)}" for name in table.key]
        self._from = f"{quoted(table.name, setup.dialect, setup.schema)} {ROW}"

    def count(self, part: Range) -> Statement:
        """Count the rows of a part."""
        where, parameters = self._where(part)
        return Statement(f"select count(*) from {self._from}{where}", parameters)  # noqa: S608

    def keys(self, part: Range, limit: int) -> Statement:
        """Give the first keys of a part, in order, without a lock."""
        where, parameters = self._where(part)
        listed, order = ", ".join(self._key), ", ".join(self._key)
        match self.dialect:
            case "mssql":
                sql = f"select top {limit} {listed} from {self._from}{where} order by {order}"  # noqa: S608
            case "oracle":
                sql = (
                    f"select {listed} from {self._from}{where} order by {order} "  # noqa: S608
                    f"fetch first {limit} rows only"
                )
            case _:
                sql = f"select {listed} from {self._from}{where} order by {order} limit {limit}"  # noqa: S608
        return Statement(sql, parameters)

    def locked(self, part: Range, *, waits: bool) -> Statement:
        """Lock the rows of a part and give their keys; ``waits``: else rows that others hold are left out."""
        where, parameters = self._where(part)
        lock = f" {(WAITING if waits else SKIPPING).get(self.dialect, '')}".rstrip()
        hint = ""
        if self.dialect == "mssql":
            hint = " with (updlock, rowlock)" if waits else " with (updlock, readpast, rowlock)"
        sql = f"select {', '.join(self._key)} from {self._from}{hint}{where}{lock}"  # noqa: S608
        return Statement(sql, parameters)

    def one(self, key: Key) -> Statement:
        """Put one row into the outbox, for Oracle, whose INSERT ... SELECT locks nothing."""
        return self.insert(Range(first=key, last=key))

    def insert(self, part: Range) -> Statement:
        """Put the rows of a part into the outbox without those that others hold; Oracle: see ``one``."""
        where, parameters = self._where(part)
        lock = f" {SKIPPING.get(self.dialect, '')}".rstrip()
        hint = " with (updlock, readpast, rowlock)" if self.dialect == "mssql" else ""
        if self.dialect == "oracle":
            lock = ""
        outbox = own_name(self._setup, self._setup.outbox or "")
        order = "" if self.dialect == "mssql" else f" order by {', '.join(self._key)}"
        sql = (
            f"insert into {outbox} ({COLUMNS}) "  # noqa: S608
            f"select {', '.join(self._values())} from {self._from}{hint}{where}{order}{lock}"
        )
        return Statement(sql, parameters)

    def _values(self) -> Sequence[str]:
        table = self._table
        key, parent, image = self._expressions()
        cut = "substr" if self.dialect in ("sqlite", "oracle") else "left"
        concat = "concat" if self.dialect in ("mariadb", "mysql", "mssql") else "||"
        lane_ = lane(parent, table.lane_table, concat=concat, cut=cut)
        return literal(table.name), "'R'", key, lane_, image, literal(table.fingerprint)

    def _expressions(self) -> tuple[str, str, str]:
        table, setup = self._table, self._setup
        match self.dialect:
            case "postgresql":
                return (
                    postgresql.key(table.key, ROW),
                    postgresql.key(table.lane_key, ROW),
                    postgresql.image(table, ROW),
                )
            case "mariadb" | "mysql":
                return (
                    mysql.key(setup, table.key, ROW),
                    mysql.key(setup, table.lane_key, ROW),
                    mysql.image(setup, table.columns, ROW),
                )
            case "sqlite":
                return (
                    sqlite.key(table.key, ROW),
                    sqlite.key(table.lane_key, ROW),
                    sqlite.image(table.columns, ROW),
                )
            case "mssql":
                return (
                    mssql.key(table.key, ROW),
                    mssql.key(table.lane_key, ROW),
                    mssql.image(table.columns, ROW),
                )
        return (
            oracle.key(table.key, ROW),
            oracle.key(table.lane_key, ROW),
            oracle.image(table.columns, ROW),
        )

    def _where(self, part: Range) -> tuple[str, dict[str, Any]]:
        parameters: dict[str, Any] = {}
        conditions = [
            self._beyond(key, operator, name, parameters)
            for key, operator, name in (
                (part.after, ">", "a"),
                (part.first, ">=", "f"),
                (part.last, "<=", "l"),
                (part.asked_first, ">=", ASKED + "f"),
                (part.asked_last, "<=", ASKED + "l"),
            )
            if key is not None
        ]
        return (f" where {' and '.join(conditions)}" if conditions else ""), parameters

    def _beyond(self, key: Key, operator: str, name: str, parameters: dict[str, Any]) -> str:
        """Compare a key of several columns, written out: not every dialect compares rows."""
        if len(key) != len(self._key):
            parts = f"has {len(key)} parts, {len(self._key)} were expected"
            raise SnapshotError(f"{self._table.name}: the key {list(key)} {parts}")
        columns = self._compared(name)
        for at, text in enumerate(key):
            parameters[f"{name}{at}"] = self._value(text, at, name)
        strict, last = operator[0], len(key) - 1
        ways = []
        for at, column in enumerate(columns):
            same = [f"{columns[before]} = :{name}{before}" for before in range(at)]
            compared = f"{column} {operator if at == last else strict} :{name}{at}"
            ways.append(" and ".join([*same, compared]))
        if len(ways) == 1:
            return ways[0]
        # The first condition alone lets the index find where to begin.
        return f"{columns[0]} {strict}= :{name}0 and ({' or '.join(f'({way})' for way in ways)})"

    def _is_padded(self, at: int, name: str) -> bool:
        """Tell whether blanks at the end are to be passed over: elsewhere the database does it for CHAR."""
        is_text = self._types[at].family in ("char", "text")
        return self.dialect == "sqlite" and is_text and name.startswith(ASKED)

    def _compared(self, name: str) -> Sequence[str]:
        return [
            f"rtrim({column}, ' ')" if self._is_padded(at, name) else column
            for at, column in enumerate(self._key)
        ]

    def _value(self, text: str, at: int, name: str) -> Any:
        """Give what is bound. Errors: SnapshotError where the column cannot hold it."""
        if self.dialect == "sqlite":
            # Its columns hold what their types do not allow, and it converts a text by the column's affinity.
            return text.rstrip(" ") if self._is_padded(at, name) else text
        try:
            return value_of(text, self._types[at], self.dialect)
        except UnfitValueError as error:
            raise SnapshotError(f"{self._table.name}[{text}] {self._table.key[at]}: {error.text}") from error


def key_from(text: str | None) -> Key | None:
    """Read a key as the table of snapshots holds it: a JSON array, of texts or numbers.

    Errors: SnapshotError.
    """
    if text is None or not text.strip():
        return None
    try:
        made = json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        made = None
    if not isinstance(made, list) or not all(isinstance(part, str) for part in made):
        raise SnapshotError(f'the key {text!r} is no JSON array of texts, such as ["P-1", "3"]')
    return tuple(made)


def key_text(key: Key) -> str:
    """Write a key for the table of snapshots."""
    return json.dumps(list(key), ensure_ascii=False)


def bar(progress: Progress, elapsed_s: float, width: int) -> str:
    """Draw how far a snapshot has come, in one line no wider than ``width``."""
    share = min(progress.rows_done / progress.rows_total, 1.0) if progress.rows_total else 1.0
    drawn = ("#" * round(share * 20)).ljust(20, ".")
    rate = f", {progress.rows_done / elapsed_s:,.0f} rows/s" if elapsed_s > 0 else ""
    waits = f"; waits for {progress.waits_for}" if progress.waits_for else ""
    return f"{progress.table} [{drawn}] {share:4.0%} of {progress.rows_total:,} rows{rate}{waits}"[:width]
