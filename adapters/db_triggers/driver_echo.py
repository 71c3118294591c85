"""Remembers what was written to a row, and finds the changes that only say it again. I/O; see ``echo.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db_triggers.bookkeeping import echo_table
from adapters.db_triggers.config import DbEndpoint, OutboxFeed
from adapters.db_triggers.echo import Remembered, RowImages, content_hash, judge, row_hash
from adapters.db_triggers.images import key_values, record_of
from adapters.db_triggers.outbox import Change, outbox_table
from adapters.db_triggers.write_plan import RowChange
from adapters.db_triggers.write_statements import RowStatements


class EchoBook:
    """The writer's half: called in the writing transaction, after the row was changed."""

    def __init__(self, settings: DbEndpoint) -> None:
        self._settings = settings
        self._table = echo_table(settings.db_schema)

    async def remember(
        self, connection: AsyncConnection, change: RowChange, prepared: RowStatements, now: datetime
    ) -> None:
        """Remember one row's new values where changes of that table are fed; a deleted row is forgotten."""
        write_back, feed = self._settings.write_back, self._settings.feed
        if (
            write_back is None
            or not isinstance(feed, OutboxFeed)
            or change.table not in self._settings.tables
        ):
            return
        name = row_hash(change.table, list(change.key.values()))
        known = (await _remembered(connection, self._settings, [name])).get(name)
        await connection.execute(delete(self._table).where(self._table.c.row_hash == name))
        oldest = f"{now - write_back.echoes:%Y-%m-%dT%H:%M:%S}Z"
        await connection.execute(delete(self._table).where(self._table.c.written_at < oldest))
        if change.on == "delete":
            return
        contents = dict(known.contents) if known is not None else {}
        contents.update(await self._contents(connection, change, prepared))
        beside = {*(known.beside if known is not None else ()), *change.beside}
        outbox = outbox_table(feed.name, self._settings.db_schema)
        after_id = (await connection.execute(select(func.coalesce(func.max(outbox.c.id), 0)))).scalar_one()
        row = {
            "row_hash": name,
            "after_id": after_id,
            "contents": Remembered(after_id, contents, tuple(sorted(beside))).to_json(),
            "written_at": f"{now:%Y-%m-%dT%H:%M:%S}Z",
        }
        await connection.execute(insert(self._table), row)

    async def _contents(
        self, connection: AsyncConnection, change: RowChange, prepared: RowStatements
    ) -> Mapping[str, str]:
        if change.on == "expect":
            return {name: content_hash(value) for name, value in change.values.items()}
        if not change.values:
            return {}
        # Read back: the database pads, rounds and adds, and an echo will show what it made of our value.
        statement = prepared.read()
        row = (await connection.execute(text(statement.sql), dict(statement.parameters))).one()
        return {name: content_hash(value) for name, value in zip(change.values, row, strict=True)}


class EchoGuard:
    """The feed's half."""

    def __init__(self, settings: DbEndpoint) -> None:
        self._settings = settings

    async def is_echo(self, connection: AsyncConnection, changes: Sequence[Change]) -> frozenset[int]:
        """Give the ids of changes that are echoes; ``changes`` in the order of their ids for each row.

        Call it in the transaction that deletes the outbox rows: what is forgotten here is forgotten with it.
        """
        if self._settings.write_back is None or not changes:
            return frozenset()
        rows = {change.id: row_hash(change.table, key_values(change.key)) for change in changes}
        remembered = await _remembered(connection, self._settings, set(rows.values()))
        if not remembered:
            return frozenset()
        after = dict[str, Remembered | None](remembered)
        echoes = set()
        for change in changes:
            known = after.get(rows[change.id])
            if known is None:
                continue
            judgment = judge(_images(change), known)
            after[rows[change.id]] = judgment.remembered
            if judgment.is_echo:
                echoes.add(change.id)
        await self._keep(connection, remembered, after)
        return frozenset(echoes)

    async def _keep(
        self,
        connection: AsyncConnection,
        before: Mapping[str, Remembered],
        after: Mapping[str, Remembered | None],
    ) -> None:
        table = echo_table(self._settings.db_schema)
        for name, known in before.items():
            left = after[name]
            if left is None:
                await connection.execute(delete(table).where(table.c.row_hash == name))
            elif left != known:
                change = table.update().where(table.c.row_hash == name).values(contents=left.to_json())
                await connection.execute(change)


async def _remembered(
    connection: AsyncConnection, settings: DbEndpoint, names: Iterable[str]
) -> dict[str, Remembered]:
    table = echo_table(settings.db_schema)
    query = select(table.c.row_hash, table.c.after_id, table.c.contents).where(
        table.c.row_hash.in_(sorted(names))
    )
    rows = await connection.execute(query)
    return {name: Remembered.from_json(after_id, contents) for name, after_id, contents in rows}


def _images(change: Change) -> RowImages:
    before = record_of(change.before) if change.before is not None else None
    after = record_of(change.after) if change.after is not None else None
    return RowImages(change.id, change.operation, before, after)
