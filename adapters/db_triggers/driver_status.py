"""An existing change table with a status column: rows are read, and marked once the journal has them. I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Table, select, update

from adapters.db_triggers import statements
from adapters.db_triggers.config import StatusFeed
from adapters.db_triggers.driver_feed_session import Session
from adapters.db_triggers.driver_reading import reflected, typed
from adapters.db_triggers.images import image_of, key_of, text_of
from adapters.db_triggers.outbox import Change, Operation, lane_of


class StatusPort:
    """The change table of one database, through one session."""

    listens = False
    takes_further = False

    def __init__(self, session: Session, feed: StatusFeed) -> None:
        self._session = session
        self._feed = feed
        self._table: Table | None = None
        self._dialect = session.settings.dialect
        self._limit = statements.batch_of(self._dialect, session.settings.batch)

    async def take(self) -> tuple[list[Change], bool]:
        """Give new rows of lanes that nobody else holds, in the order of their ids."""
        if self._table is None:
            self._table = await reflected(
                self._session.connection, self._feed.name, self._session.settings.db_schema
            )
        table, feed = self._table, self._feed
        status, number = table.c[feed.status], table.c[feed.id]
        new = select(table).where(status == typed(status, feed.new)).order_by(number).limit(self._limit)
        rows = (await self._session.connection.execute(new)).mappings().all()
        found = [self._change(dict(row)) for row in rows]
        if self._dialect not in statements.LOCKS_ROWS:
            await self._session.connection.commit()
            return found, len(found) == self._limit
        if not found:
            return [], False
        lock = (
            select(number)
            .where(number.in_(statements.heads_of(found)), status == typed(status, feed.new))
            .with_for_update(skip_locked=True)
            .with_hint(table, statements.READPAST, "mssql")
        )
        locked = frozenset((await self._session.connection.execute(lock)).scalars())
        return statements.held(found, locked), len(found) == self._limit

    async def complete(self, lanes: Sequence[str], after: int) -> list[Change]:
        """Give none: rows of one document that a batch parts make two messages."""
        return []

    async def settle(self, taken: Sequence[Change], *, is_whole: bool) -> None:
        """Mark what the journal has."""
        table, feed = self._table, self._feed
        if taken and table is not None:
            ids = [change.id for change in taken]
            status = table.c[feed.status]
            for start in range(0, len(ids), 1_000):
                mark = (
                    update(table)
                    .where(table.c[feed.id].in_(ids[start : start + 1_000]))
                    .values({status: typed(status, feed.taken)})
                )
                await self._session.connection.execute(mark)
        await self._session.connection.commit()

    def _change(self, row: Mapping[str, object]) -> Change:
        feed = self._feed
        key = key_of([row[name] for name in feed.key])
        named = row[feed.table_column] if feed.table_column is not None else feed.table
        table = str(named).strip() if named is not None else feed.name
        said = (text_of(row[feed.operation]) or "").strip() if feed.operation is not None else "U"
        return Change(
            id=int(str(row[feed.id])),
            table=table,
            operation=feed.operations.get(said, said) if feed.operation is not None else Operation.UPDATE,
            key=key,
            lane=lane_of(table, key),
            after=None if named is not None else image_of(row),
        )
