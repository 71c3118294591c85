"""A feed's one connection: opened, told apart from a second drainer's, listened on, closed. I/O.

PostgreSQL, SQL Server and Oracle let several drainers share an outbox, lane by lane. MariaDB and MySQL
deadlock there, and SQLite locks whole files, so on these the second drainer waits (`SecondDrainerError`).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.base import Clock
from adapters.base.waking import woken_within
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.driver_engine import require_file

NAMED_LOCKS = ("mariadb", "mysql")
CLOSE_S = 2.0


class SecondDrainerError(Exception):
    """Somebody else drains this database's feed."""


class Session:
    """One connection, made anew after each fault."""

    def __init__(self, settings: DbEndpoint, engine: AsyncEngine, feed: str) -> None:
        self.settings = settings
        self.feed = feed
        self.woken = asyncio.Event()  # set by NOTIFY; the poll goes on beside it
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._lock_file: int | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether there is a connection."""
        return self._connection is not None

    @property
    def connection(self) -> AsyncConnection:
        """Give the connection. Errors: ConnectionError where there is none."""
        if self._connection is None:
            raise ConnectionError("not connected")
        return self._connection

    async def open(self, *, listens: bool = False) -> None:
        """Connect. Errors: SecondDrainerError; what the driver raises."""
        await self.close()
        self._lock_whole_file()
        try:
            self._connection = await self._engine.connect()
            await self._lock_by_name()
            await self._do_not_wait_for_the_disk()
            if listens:
                await self._listen()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connection, whatever state it is in; an open transaction is rolled back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await self._cut(connection)
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSE_S):
                    await connection.invalidate()
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSE_S):
                    await connection.close()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    async def wait(self, clock: Clock, seconds: float) -> None:
        """Wait so long, or until a commit wakes us."""
        try:
            await woken_within(clock, self.woken, seconds)
        finally:
            self.woken.clear()

    async def _cut(self, connection: AsyncConnection) -> None:
        """End the socket without a good-bye: a statement that was cut short would never let us say one."""
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        if self.settings.dialect == "postgresql":
            driver.terminate()
        elif self.settings.dialect in NAMED_LOCKS:
            driver.close()

    async def _listen(self) -> None:
        """LISTEN on the channel that has the outbox's name; a broken connection ends it, and is made anew."""
        raw = await self.connection.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.add_listener(self.feed, lambda *_: self.woken.set())
        driver.add_termination_listener(lambda *_: self.woken.set())
        self.woken.set()  # what was committed before we listened

    async def _do_not_wait_for_the_disk(self) -> None:
        """Let PostgreSQL flush our commits in its own time: all they do is to let go of what the journal has.

        One that a crash undoes brings rows again, under names that the journal knows.
        """
        if self.settings.dialect == "postgresql":
            await self.connection.execute(text("set synchronous_commit = off"))
            await self.connection.commit()

    async def _lock_by_name(self) -> None:
        if self.settings.dialect not in NAMED_LOCKS:
            return
        # The server frees it with the connection, also after a kill. At most 64 characters.
        whole = f"{self.settings.db_schema or self.settings.database}.{self.feed}"
        name = f"legacy_bridge:{hashlib.sha256(whole.encode()).hexdigest()[:40]}"
        found = await self.connection.execute(text("select get_lock(:name, 0)"), {"name": name})
        if found.scalar() != 1:
            raise SecondDrainerError(f"another session drains {self.feed}")
        await self.connection.commit()

    def _lock_whole_file(self) -> None:
        """Lock a file beside the database; SQLite's own locks would keep its writers waiting."""
        if self.settings.dialect != "sqlite" or self.settings.file is None:
            return
        require_file(self.settings)  # a lock beside a mistyped name is litter
        number = os.open(f"{self.settings.file}.{self.feed}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(number)
            raise SecondDrainerError(f"another process drains {self.feed}") from error
        self._lock_file = number
