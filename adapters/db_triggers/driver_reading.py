"""Reading rows again, and the rows below them, when a change is picked up. I/O, in the feed's transaction."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, MetaData, Table, and_, or_, select
from sqlalchemy.exc import SAWarning
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NullType

from adapters.db_triggers.config import ChildSettings, DbEndpoint
from adapters.db_triggers.documents import Draft, Reading
from adapters.db_triggers.images import value_for

KEYS_AT_ONCE = 100
Key = tuple[object, ...]
Row = dict[str, object]


class RowReader:
    """Reads documents of one database. It keeps what the tables look like until it is made anew."""

    def __init__(self, settings: DbEndpoint) -> None:
        self._settings = settings
        self._tables: dict[str, Table] = {}

    def forget(self) -> None:
        """Look at the tables anew; they may have been altered."""
        self._tables.clear()

    async def read(self, connection: AsyncConnection, drafts: Sequence[Draft]) -> list[Reading]:
        """Give what drafts need, in their order: the row as it is now, and the rows below it."""
        found: dict[int, Reading] = {}
        for name in dict.fromkeys(draft.table for draft in drafts):
            places = [at for at, draft in enumerate(drafts) if draft.table == name]
            made = await self._documents(connection, name, [drafts[at].key for at in places])
            found.update(zip(places, made, strict=True))
        return [found[at] for at in range(len(drafts))]

    async def _documents(
        self, connection: AsyncConnection, name: str, keys: Sequence[tuple[str | None, ...]]
    ) -> list[Reading]:
        settings = self._settings.tables[name]
        table = await self._table(connection, name)
        wanted = [_typed(table, settings.key, key) for key in keys]
        rows = _by_key(await _select(connection, table, settings.key, wanted, settings.columns), settings.key)
        below: dict[str, dict[Key, list[Row]]] = {}
        for word, child in settings.children.items():
            below[word] = await self._below(connection, child, list(rows))
        made = []
        for key in wanted:
            own, held = _alike(rows, key)
            children = {word: _alike(lists, held)[0] or [] for word, lists in below.items()} if own else {}
            made.append(Reading(own[0] if own else None, children))
        return made

    async def _below(
        self, connection: AsyncConnection, child: ChildSettings, parents: Sequence[Key]
    ) -> dict[Key, list[Row]]:
        """Give child rows by their parent's key, sorted, each with the rows below itself."""
        table = await self._table(connection, child.table)
        rows = await _select(connection, table, child.by, parents, (), child.order)
        for word, inner in child.children.items():
            keys = list(dict.fromkeys(tuple(row[name] for name in child.key) for row in rows))
            lists = await self._below(connection, inner, keys)
            for row in rows:
                row[word] = _alike(lists, tuple(row[name] for name in child.key))[0] or []
        return _by_key(rows, child.by)

    async def _table(self, connection: AsyncConnection, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = await reflected(connection, name, self._settings.db_schema)
        return self._tables[name]


async def reflected(connection: AsyncConnection, name: str, schema: str | None) -> Table:
    """Give a table or view as the database has it now. Errors: NoSuchTableError."""

    def look(sync: Connection) -> Table:
        with warnings.catch_warnings():  # of types that SQLAlchemy does not know: their text will do
            warnings.simplefilter("ignore", SAWarning)
            return Table(name, MetaData(), schema=schema, autoload_with=sync, resolve_fks=False)

    table = await connection.run_sync(look)
    if connection.dialect.name == "sqlite":
        for column in table.c:  # SQLite keeps what was written, whatever the type says: dates are texts
            column.type = NullType()
    return table


async def _select(
    connection: AsyncConnection,
    table: Table,
    names: Sequence[str],
    keys: Sequence[Key],
    columns: Sequence[str] = (),
    order: Sequence[str] = (),
) -> list[Row]:
    wanted = [table.c[name] for name in dict.fromkeys((*names, *columns))] if columns else list(table.c)
    found: list[Row] = []
    for start in range(0, len(keys), KEYS_AT_ONCE):
        statement = (
            select(*wanted)
            .where(_among(table, names, keys[start : start + KEYS_AT_ONCE]))
            .order_by(*(table.c[name] for name in order or names))
        )
        rows = await connection.execute(statement)
        found += [dict(row) for row in rows.mappings()]
    return found


def _among(table: Table, names: Sequence[str], keys: Sequence[Key]) -> ColumnElement[bool]:
    if len(names) == 1:
        return table.c[names[0]].in_([key[0] for key in keys])
    return or_(
        *(and_(*(table.c[name] == each for name, each in zip(names, key, strict=True))) for key in keys)
    )


def _typed(table: Table, names: Sequence[str], key: Sequence[str | None]) -> Key:
    return tuple(typed(table.c[name], each) for name, each in zip(names, key, strict=True))


def typed(column: ColumnElement[Any], text: str | None) -> object:
    """Give the value by which a column is looked up. Errors: ValueError."""
    try:
        kind = column.type.python_type
    except NotImplementedError:  # a type that SQLAlchemy does not know: compared as text
        kind = str
    return value_for(kind, text)


def _by_key(rows: Iterable[Row], names: Sequence[str]) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def _alike(lists: Mapping[Key, list[Row]], key: Key) -> tuple[list[Row] | None, Key]:
    """Give a key's rows; where none has it exactly, those that the database's collation calls equal."""
    if key in lists:
        return lists[key], key
    wanted = _loose(key)
    other = next((each for each in lists if _loose(each) == wanted), None)
    return (lists[other], other) if other is not None else (None, key)


def _loose(key: Key) -> Key:
    return tuple(each.rstrip(" ").casefold() if isinstance(each, str) else each for each in key)
