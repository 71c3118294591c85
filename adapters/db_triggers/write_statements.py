"""The statements that write one row change, per dialect: SQL text and what is bound to it. Pure.

Names come from the settings, which refuse quotes in them, and are quoted; values are bound, never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.db_triggers.binding import ColumnType, UnfitValueError, column_type, value_of
from adapters.db_triggers.config import Dialect
from adapters.db_triggers.fingerprint import Column
from adapters.db_triggers.write_plan import Call, RowChange

KINDS = {
    "text": ColumnType("text"),
    "integer": ColumnType("integer"),
    "decimal": ColumnType("decimal"),
    "date": ColumnType("date"),
    "timestamp": ColumnType("timestamp"),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with named parameters, and their values."""

    sql: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnfitColumn:
    """A column that a value does not fit, or that is not there."""

    code: str
    table: str
    column: str
    text: str


class UnfitRowError(Exception):
    """A row change does not fit its table; all columns at once."""

    def __init__(self, columns: tuple[UnfitColumn, ...]) -> None:
        super().__init__("; ".join(f"{each.table}.{each.column} {each.text}" for each in columns))
        self.columns = columns


class RowStatements:
    """One row change against the table's live columns. Errors: UnfitRowError, at once for all columns."""

    def __init__(
        self, change: RowChange, columns: tuple[Column, ...], dialect: Dialect, schema: str | None
    ) -> None:
        self._change = change
        self._dialect = dialect
        self._table = quoted(change.table, dialect, schema)
        self._bound = _bound(change, columns, dialect)

    def insert(self) -> Statement:
        """Give the insert; columns without a value get their default."""
        names = [*self._change.key, *self._change.values]
        columns = ", ".join(quoted(name, self._dialect) for name in names)
        places = ", ".join(f":{self._name(name)}" for name in names)
        return self._statement(f"insert into {self._table} ({columns}) values ({places})", names)  # noqa: S608

    def update(self) -> Statement:
        """Give the update of the one row that the key names."""
        settings = ", ".join(self._set(name) for name in self._change.values)
        names = [*self._change.values, *self._change.key]
        return self._statement(f"update {self._table} set {settings} where {self._where()}", names)  # noqa: S608

    def delete(self) -> Statement:
        """Give the delete of the one row that the key names."""
        return self._statement(f"delete from {self._table} where {self._where()}", [*self._change.key])  # noqa: S608

    def read(self) -> Statement:
        """Give the query for what now stands in the written columns, in their order."""
        columns = ", ".join(quoted(name, self._dialect) for name in self._change.values)
        sql = f"select {columns} from {self._table} where {self._where()}"  # noqa: S608
        return self._statement(sql, [*self._change.key])

    def _set(self, name: str) -> str:
        column, place = quoted(name, self._dialect), f":{self._name(name)}"
        if name in self._change.add:
            return f"{column} = coalesce({column}, 0) + {place}"
        return f"{column} = {place}"

    def _where(self) -> str:
        return " and ".join(
            f"{quoted(name, self._dialect)} = :{self._name(name)}" for name in self._change.key
        )

    def _name(self, column: str) -> str:
        return f"p{[*self._change.key, *self._change.values].index(column)}"

    def _statement(self, sql: str, names: list[str]) -> Statement:
        return Statement(sql, {self._name(name): self._bound[name] for name in names})


def call(made: Call, dialect: Dialect) -> Statement:
    """Give the call of a procedure. Errors: UnfitRowError."""
    unfit: list[UnfitColumn] = []
    parameters: dict[str, Any] = {}
    for at, (name, text) in enumerate(made.arguments.items()):
        try:
            parameters[f"p{at}"] = value_of(text, KINDS[made.kinds.get(name, "text")], dialect)
        except UnfitValueError as error:
            unfit.append(UnfitColumn(error.code, made.procedure, name, error.text))
    if unfit:
        raise UnfitRowError(tuple(unfit))
    name = ".".join(quoted(part, dialect) for part in made.procedure.split("."))
    places = ", ".join(f":{each}" for each in parameters)
    match dialect:
        case "mssql":
            return Statement(f"exec {name} {places}", parameters)
        case "oracle":
            return Statement(f"begin {name}({places}); end;", parameters)
    return Statement(f"call {name}({places})", parameters)


def quoted(name: str, dialect: Dialect, schema: str | None = None) -> str:
    """Quote a name; the settings refuse names that hold a quote."""
    if schema is not None:
        return f"{quoted(schema, dialect)}.{quoted(name, dialect)}"
    match dialect:
        case "mariadb" | "mysql":
            return f"`{name}`"
        case "mssql":
            return f"[{name}]"
    return f'"{name}"'


def _bound(change: RowChange, columns: tuple[Column, ...], dialect: Dialect) -> dict[str, Any]:
    types = {column.name: column_type(column.type) for column in columns}
    bound: dict[str, Any] = {}
    unfit: list[UnfitColumn] = []
    for name, text in (*change.key.items(), *change.values.items()):
        declared = types.get(name)
        if declared is None:
            text_ = f"is not there; the table has {', '.join(types)}"
            unfit.append(UnfitColumn("DB-COLUMN", change.table, name, text_))
            continue
        try:
            bound[name] = value_of(text, declared, dialect)
        except UnfitValueError as error:
            unfit.append(UnfitColumn(error.code, change.table, name, error.text))
    if unfit:
        raise UnfitRowError(tuple(unfit))
    return bound
