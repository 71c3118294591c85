"""Makes snapshots: range after range, each in a transaction with the note of how far it came. I/O.

A kill at any point loses nothing: what was committed is noted in the same transaction, and a range of which
rows had to be waited for is noted only once they are in, so that at worst it is put in twice, in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, Row, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db_triggers.bookkeeping import snapshot_table
from adapters.db_triggers.config import DbEndpoint, OutboxFeed
from adapters.db_triggers.driver_catalog import setup_live
from adapters.db_triggers.driver_sessions import Sessions
from adapters.db_triggers.faults import FaultKind, fault_of
from adapters.db_triggers.images import text_of
from adapters.db_triggers.outbox import outbox_table
from adapters.db_triggers.snapshot import (
    DONE,
    REFUSED,
    RUNNING,
    WANTED,
    Key,
    Progress,
    Range,
    SnapshotError,
    SnapshotStatements,
    key_from,
    key_text,
)
from adapters.db_triggers.write_statements import Statement

log = logging.getLogger("legacy_bridge.db_triggers")

ROWS = 1_000  # of one range
OUTBOX_MAX = 20_000  # rows that wait there before a snapshot waits, too
PAUSE_S = 0.25
LOCKED_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class _Wanted:
    id: int
    table: str
    state: str
    keys: tuple[str | None, str | None, str | None]  # last, from, to, as they stand there
    rows_done: int
    rows_total: int

    @property
    def part(self) -> Range:
        """Give what is left of it. Errors: SnapshotError where somebody wrote a key that is none."""
        last, first, to = self.keys
        return Range(key_from(last), asked_first=key_from(first), asked_last=key_from(to))


class Snapshots:
    """What was asked for in one database. ``tell`` is called after each range."""

    def __init__(
        self,
        settings: DbEndpoint,
        secret: Callable[[str], str],
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rows: int = ROWS,
        outbox_max: int = OUTBOX_MAX,
        tell: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        if not isinstance(settings.feed, OutboxFeed):
            raise SnapshotError("a snapshot goes through the outbox, and this endpoint has another feed")
        self._settings = settings
        self._sessions = Sessions(settings, secret, 1)
        self._table = snapshot_table(settings.db_schema)
        self._outbox = outbox_table(settings.feed.name, settings.db_schema)
        self._now = now
        self._sleep = sleep
        self._rows = rows
        self._outbox_max = outbox_max
        self._tell = tell

    async def close(self) -> None:
        """Let go of the connection."""
        await self._sessions.close()

    async def order(
        self, tables: Sequence[str], *, first: Key | None = None, last: Key | None = None, why: str = ""
    ) -> None:
        """Ask for snapshots, as a row in the table does. Errors: SnapshotError."""
        unknown = [name for name in tables if name not in self._settings.tables]
        if unknown:
            known = ", ".join(self._settings.tables)
            raise SnapshotError(f"{', '.join(unknown)} is not fed; there are: {known}")
        rows = [
            {
                "source_table": name,
                "state": WANTED,
                "from_key": key_text(first) if first is not None else None,
                "to_key": key_text(last) if last is not None else None,
                "rows_done": 0,
                "why": why[:200] or None,
                "changed_at": self._at(),
            }
            for name in tables
        ]
        async with self._sessions.session() as connection:
            await connection.execute(insert(self._table), rows)
            await connection.commit()

    async def waiting(self) -> int:
        """Count what was asked for and is not done."""
        async with self._sessions.session() as connection:
            return len(await self._open(connection))

    async def run(self) -> int:
        """Do all that was asked for, oldest first; give how many rows were put into the outbox.

        What cannot be done as it was asked for is marked as refused and holds up nothing else.
        Errors: SnapshotError in the end, with all of that; DdlError; SQLAlchemy's where the database fails.
        """
        put = 0
        refused: list[str] = []
        while True:
            async with self._sessions.session() as connection:
                wanted = await self._open(connection)
            if not wanted:
                break
            try:
                put += await self._all_of(wanted[0])
            except SnapshotError as error:
                refused.append(str(error))
                await self._refuse(wanted[0].id, str(error))
        if refused:
            raise SnapshotError("; ".join(refused))
        return put

    async def _all_of(self, wanted: _Wanted) -> int:
        """Do one snapshot to its end."""
        async with self._sessions.session() as connection:
            setup = await setup_live(connection, self._settings)
            await connection.rollback()
        fed = next((table for table in setup.tables if table.name == wanted.table), None)
        if fed is None:
            raise SnapshotError(f"{wanted.table} is not fed")
        statements = SnapshotStatements(setup, fed)
        before = wanted.rows_done
        while True:
            await self._room(wanted)
            try:
                following = await self._range(wanted, statements)
            except DBAPIError as error:
                if fault_of(self._settings.dialect, error).kind is not FaultKind.RETRY:
                    raise
                await self._sleep(LOCKED_PAUSE_S)
                continue
            wanted = following or wanted
            self._tell(Progress(wanted.table, wanted.rows_done, wanted.rows_total))
            if following is None:
                return wanted.rows_done - before

    async def _range(self, wanted: _Wanted, statements: SnapshotStatements) -> _Wanted | None:
        """Put the next range into the outbox; None: there is none, it is done."""
        async with self._sessions.session() as connection:
            current = await self._held(connection, wanted)
            if current is None:
                return None  # somebody else finished or cancelled it
            if current.state == WANTED:
                total = int((await _execute(connection, statements.count(current.part))).scalar_one())
                current = replace(current, state=RUNNING, rows_total=total)
                await self._note(connection, current, rows_total=total)
            keys = await _keys(connection, statements.keys(current.part, self._rows))
            if not keys:
                await self._note(connection, current, state=DONE)
                await connection.commit()
                return None
            if keys[-1] == current.part.after:
                raise SnapshotError(
                    f"{wanted.table}{key_text(keys[-1])}: the database gives this key as larger than itself, "
                    "so nothing after it can be read; correct the row, or order the rows after it by from_key"
                )
            part = Range(current.part.after, last=keys[-1], asked_first=current.part.asked_first)
            held = set(await _keys(connection, statements.locked(part, waits=False)))
            if self._settings.dialect == "oracle":
                for key in sorted(held):
                    await _execute(connection, statements.one(key))
            else:
                await _execute(connection, statements.insert(part))
            skipped = [key for key in keys if key not in held]
            following = _further(current, keys)
            if not skipped:
                await self._note(connection, following)
            await connection.commit()
        if skipped:
            await self._after(following, statements, skipped)
        return following

    async def _after(
        self, following: _Wanted, statements: SnapshotStatements, skipped: Sequence[Key]
    ) -> None:
        """Put in the rows that somebody was changing, one by one, and only then note the range.

        Only one row is waited for at a time, with nothing else held: no user can wait for us meanwhile.
        """
        for key in skipped:
            told = f"a row that somebody is changing ({key_text(key)})"
            while not await self._single(statements, Range(first=key, last=key)):
                self._tell(Progress(following.table, following.rows_done, following.rows_total, told))
                await self._sleep(LOCKED_PAUSE_S)
        async with self._sessions.session() as connection:
            await self._note(connection, following)
            await connection.commit()

    async def _single(self, statements: SnapshotStatements, part: Range) -> bool:
        try:
            async with self._sessions.session() as connection:
                # The lock first, alone: on MariaDB the insert holds the outbox's numbering, which the
                # trigger of whoever changes the row needs, too.
                await _execute(connection, statements.locked(part, waits=True))
                await _execute(connection, statements.insert(part))
                await connection.commit()
                return True
        except DBAPIError as error:
            if fault_of(self._settings.dialect, error).kind is not FaultKind.RETRY:
                raise
            return False

    async def _room(self, wanted: _Wanted) -> None:
        """Wait while the feed has not taken enough of what is there."""
        query = select(self._outbox.c.id).order_by(self._outbox.c.id).offset(self._outbox_max).limit(1)
        while True:
            async with self._sessions.session() as connection:
                is_full = (await connection.execute(query)).first() is not None
            if not is_full:
                return
            told = "the feed, which has not taken the rows before"
            self._tell(Progress(wanted.table, wanted.rows_done, wanted.rows_total, told))
            await self._sleep(PAUSE_S)

    # -- the table of snapshots --------------------------------------------------------------------

    async def _open(self, connection: AsyncConnection) -> list[_Wanted]:
        table = self._table
        query = select(*table.c).where(table.c.state.in_((WANTED, RUNNING))).order_by(table.c.id)
        rows = (await connection.execute(query)).all()
        return [_wanted(row) for row in rows]

    async def _refuse(self, id_: int, why: str) -> None:
        async with self._sessions.session() as connection:
            values = {"state": REFUSED, "why": why[:200], "changed_at": self._at()}
            await connection.execute(update(self._table).where(self._table.c.id == id_).values(values))
            await connection.commit()

    async def _held(self, connection: AsyncConnection, wanted: _Wanted) -> _Wanted | None:
        """Lock the snapshot's row and read it: two workers take turns, range by range."""
        table = self._table
        mine = (table.c.id == wanted.id) & table.c.state.in_((WANTED, RUNNING))
        await connection.execute(update(table).where(mine).values(changed_at=self._at()))
        row = (await connection.execute(select(*table.c).where(mine))).first()
        return _wanted(row) if row is not None else None

    async def _note(self, connection: AsyncConnection, current: _Wanted, **more: object) -> None:
        values = {
            "state": current.state,
            "last_key": current.keys[0],
            "rows_done": current.rows_done,
            "changed_at": self._at(),
            **more,
        }
        await connection.execute(update(self._table).where(self._table.c.id == current.id).values(values))

    def _at(self) -> str:
        return f"{self._now():%Y-%m-%dT%H:%M:%S}Z"


def _wanted(row: Row[Any]) -> _Wanted:
    keys = (row.last_key, row.from_key, row.to_key)
    return _Wanted(row.id, row.source_table, row.state, keys, row.rows_done, row.rows_total or 0)


def _further(current: _Wanted, keys: Sequence[Key]) -> _Wanted:
    done = current.rows_done + len(keys)
    left = (key_text(keys[-1]), *current.keys[1:])
    return replace(current, keys=left, rows_done=done, rows_total=max(current.rows_total, done))


async def _execute(connection: AsyncConnection, statement: Statement) -> CursorResult[Any]:
    return await connection.execute(text(statement.sql), dict(statement.parameters))


async def _keys(connection: AsyncConnection, statement: Statement) -> list[Key]:
    rows = (await _execute(connection, statement)).all()
    return [tuple(text_of(value) or "" for value in row) for row in rows]
