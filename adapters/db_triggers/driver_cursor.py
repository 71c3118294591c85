"""No change table: rows past the last number or time seen, below the horizon of open transactions. I/O.

Where the cursor stands is kept in the journal's memory of sources; it moves once the journal has the rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    text,
)

from adapters.base import SourceMemory
from adapters.db_triggers.config import CursorFeed
from adapters.db_triggers.driver_feed_session import SecondDrainerError, Session
from adapters.db_triggers.driver_reading import reflected, typed
from adapters.db_triggers.horizon import Horizon, Seen
from adapters.db_triggers.images import image_of, key_of, text_of
from adapters.db_triggers.outbox import Change, Operation, lane_of

XMIN = text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
XMAX = text("pg_snapshot_xmax(pg_current_snapshot())::text::bigint")


class CursorPort:
    """One table of one database, through one session."""

    listens = False
    takes_further = False

    def __init__(
        self,
        session: Session,
        feed: CursorFeed,
        memory: SourceMemory,
        monotonic: Callable[[], float],
        endpoint: str,
    ) -> None:
        settings = session.settings
        self._session = session
        self._feed = feed
        self._memory = memory
        self._monotonic = monotonic
        self._scope = f"db_triggers/{endpoint}/{feed.table}/{feed.column}"
        self._key = settings.tables[feed.table].key
        self._table: Table | None = None
        self._limit = settings.batch
        self._stored: str | None = None
        self._places: dict[int, str] = {}  # of the batch at hand: change -> cursor after it
        is_settled = feed.holds == "id" and settings.dialect in ("postgresql", "sqlite")
        self._horizon = Horizon(
            settle_s=0.0 if is_settled else feed.settle.total_seconds(),
            by_snapshot=settings.dialect == "postgresql",
        )

    async def take(self) -> tuple[list[Change], bool]:
        """Give rows that no open transaction can still be added before, in the order of the cursor."""
        connection = self._session.connection
        if self._table is None:
            self._table = await reflected(connection, self._feed.table, self._session.settings.db_schema)
        self._stored = await self._memory.cursor(self._scope)
        statement = (
            self._by_transaction(self._table)
            if self._feed.transaction is not None
            else await self._by_column(self._table)
        )
        if statement is None:
            await connection.commit()
            return [], False
        rows = (await connection.execute(statement.limit(self._limit))).mappings().all()
        await connection.commit()
        changes = [self._change(row) for row in rows]
        self._places = {change.id: self._place(row) for change, row in zip(changes, rows, strict=True)}
        return changes, len(rows) == self._limit

    async def complete(self, lanes: Sequence[str], after: int) -> list[Change]:
        """Give none: there is one row for each document."""
        return []

    async def settle(self, taken: Sequence[Change], *, is_whole: bool) -> None:
        """Move the cursor past the rows that the journal has, up to the first that it has not."""
        ids = {change.id for change in taken}
        reached = None
        for number, place in self._places.items():
            if number not in ids:
                break
            reached = place
        self._places = {}
        if reached is not None and not await self._memory.set_cursor(self._scope, reached, self._stored):
            raise SecondDrainerError(f"another feed moved the cursor of {self._feed.table}")

    # -- what is read ----------------------------------------------------------------------------

    def _by_transaction(self, table: Table) -> Select[Any]:
        """Read (transaction, column, key) past the cursor, of transactions below the oldest open one."""
        number = cast(cast(table.c[self._feed.transaction or ""], Text), BigInteger)
        columns = [number, table.c[self._feed.column], *(table.c[name] for name in self._key)]
        condition: ColumnElement[bool] = number < XMIN
        if self._stored is not None:
            after = json.loads(self._stored)
            values = [int(after[0]), *self._values(table, after[1:])]
            condition = and_(condition, _past(columns, values))
        return select(table, number.label("_transaction")).where(condition).order_by(*columns)

    async def _by_column(self, table: Table) -> Select[Any] | None:
        """Read (column, key) past the cursor, up to the horizon."""
        column = table.c[self._feed.column]
        snapshot: list[Any] = [literal(None), literal(None)]
        if self._session.settings.dialect == "postgresql":
            snapshot = [XMIN, XMAX]
        found = await self._session.connection.execute(select(func.max(column), *snapshot))
        value, xmin, xmax = found.one()
        bound = self._horizon.note(Seen(value, self._monotonic(), xmin, xmax))
        if bound is None:
            return None
        columns = [column, *(table.c[name] for name in self._key)]
        condition = column <= bound
        if self._stored is not None:
            after = self._values(table, json.loads(self._stored))
            condition = and_(condition, _past(columns, after))
        return select(table).where(condition).order_by(*columns)

    def _values(self, table: Table, texts: Sequence[str | None]) -> list[object]:
        names = (self._feed.column, *self._key)
        return [typed(table.c[name], each) for name, each in zip(names, texts, strict=True)]

    def _place(self, row: Mapping[str, object]) -> str:
        values = [row[self._feed.column], *(row[name] for name in self._key)]
        if self._feed.transaction is not None:
            values.insert(0, row["_transaction"])
        return json.dumps([text_of(value) for value in values])

    def _change(self, row: Mapping[str, object]) -> Change:
        image = {name: value for name, value in row.items() if name != "_transaction"}
        key = key_of([row[name] for name in self._key])
        place = self._place(row)
        number = int.from_bytes(hashlib.sha256(f"{place}{key}".encode()).digest()[:7])
        return Change(
            id=number,  # the same for the same state, whoever reads it
            table=self._feed.table,
            operation=Operation.UPDATE,  # insert or update: a row does not say
            key=key,
            lane=lane_of(self._feed.table, key),
            after=image_of(image),
            transaction=text_of(row.get("_transaction")),
        )


def _past(columns: Sequence[ColumnElement[Any]], values: Sequence[object]) -> ColumnElement[bool]:
    """Compare as tuples do, in a way that every dialect has."""
    cases = []
    for at, (column, value) in enumerate(zip(columns, values, strict=True)):
        equal = [each == known for each, known in zip(columns[:at], values[:at], strict=True)]
        cases.append(and_(*equal, column > value))
    return or_(*cases)
