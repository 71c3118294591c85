"""Draining an outbox: rows are taken, given to the journal, and deleted in that order. I/O.

Where the database can, rows are deleted first and the transaction stays open until the journal has them: a
kill rolls it back, and the rows are there again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.db_triggers import statements
from adapters.db_triggers.config import OutboxFeed
from adapters.db_triggers.driver_feed_session import Session
from adapters.db_triggers.outbox import Change, outbox_table


class OutboxPort:
    """The outbox of one database, through one session."""

    def __init__(self, session: Session, feed: OutboxFeed) -> None:
        settings = session.settings
        self.listens = feed.notify and settings.dialect == "postgresql"
        self.takes_further = settings.dialect in statements.TAKES_AND_DELETES
        self._session = session
        self._dialect = settings.dialect
        self._outbox = outbox_table(feed.name, settings.db_schema)
        self._limit = statements.batch_of(settings.dialect, settings.batch)
        self._is_ordered = feed.order == "row"
        self._is_deleted = False
        taking = statements.take_ordered if self._is_ordered else statements.take_unordered
        self._taking = taking(self._outbox, self._limit)

    async def take(self) -> tuple[list[Change], bool]:
        """Give changes that are ours until ``settle``, oldest first, and whether there may be more now."""
        self._is_deleted = self._dialect in statements.TAKES_AND_DELETES
        if self._is_deleted:
            found = await self._rows(self._taking)
            found.sort(key=lambda change: change.id)
            return found, len(found) == self._limit
        if self._dialect not in statements.LOCKS_ROWS:
            found = await self._rows(statements.window(self._outbox, self._limit))
            await (
                self._session.connection.commit()
            )  # a reader that stays would keep a WAL from its checkpoint
            return found, len(found) == self._limit
        if not self._is_ordered:
            found = await self._rows(statements.lock_unordered(self._outbox, self._limit, self._dialect))
            return sorted(found, key=lambda change: change.id), len(found) == self._limit
        found = await self._rows(statements.window(self._outbox, self._limit))
        if not found:
            return [], False
        heads = statements.heads_of(found)
        locked = await self._session.connection.execute(statements.lock(self._outbox, heads))
        return statements.held(found, frozenset(row[0] for row in locked)), len(found) == self._limit

    async def complete(self, lanes: Sequence[str], after: int) -> list[Change]:
        """Give further rows of lanes that are ours: changes of one transaction that a batch would part."""
        found = await self._rows(
            statements.followers(self._outbox, lanes, after, statements.batch_of(self._dialect, 5_000))
        )
        if found and self._is_deleted:
            await self._remove([change.id for change in found])
        return found

    async def settle(self, taken: Sequence[Change], *, is_whole: bool) -> None:
        """Delete what the journal has; ``is_whole`` says that this is all that was taken."""
        connection = self._session.connection
        if self._is_deleted and is_whole:
            await connection.commit()
            return
        if self._is_deleted:
            await connection.rollback()
        await self._remove([change.id for change in taken])
        await connection.commit()

    async def _remove(self, ids: Sequence[int]) -> None:
        for start in range(0, len(ids), statements.batch_of(self._dialect, 1_000)):
            part = ids[start : start + statements.batch_of(self._dialect, 1_000)]
            await self._session.connection.execute(statements.remove(self._outbox, part))

    async def _rows(self, statement: Any) -> list[Change]:
        rows = await self._session.connection.execute(statement)
        return [change_of(row) for row in rows.all()]


def change_of(row: Sequence[Any]) -> Change:
    """Give a row of the outbox, its columns in their order, as a change."""
    values = list(row)
    values[-1] = instant(values[-1])
    return Change(*values)


def instant(value: object) -> str | None:
    """Give a database's time as ISO 8601 in UTC; one without a zone is UTC as the outbox says."""
    if isinstance(value, datetime):
        if value.tzinfo is UTC:
            return value.isoformat()
        return (value.astimezone(UTC) if value.tzinfo is not None else value.replace(tzinfo=UTC)).isoformat()
    return None if value is None else str(value)
