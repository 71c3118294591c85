"""Connections that nothing but write-back uses: kept between writes, thrown away after any error. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.driver_engine import engine_of
from adapters.db_triggers.origin import MARKS

CLOSE_S = 2.0


class NotConnectedError(OSError):
    """There was no connection, so nothing was sent. ``orig``: the driver's own error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.orig = getattr(error, "orig", None) or error


@dataclass(slots=True)
class _Session:
    engine: AsyncEngine
    connection: AsyncConnection

    async def discard(self) -> None:
        """Close it for good, however broken it is: what the session still holds must not be used again."""
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_S):
                await self.connection.invalidate()
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_S):
                await self.connection.close()
                await self.engine.dispose()


class Sessions:
    """At most ``connections`` of them at once; a further user waits."""

    def __init__(self, settings: DbEndpoint, secret: Callable[[str], str], connections: int) -> None:
        self._settings = settings
        self._secret = secret
        self._free: list[_Session] = []
        self._room = asyncio.Semaphore(connections)
        self._mark = MARKS[settings.dialect]

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection that carries no mark; afterwards it carries none either, or is gone.

        MariaDB keeps a mark on the session. One that is left would hide the next user's change for ever,
        so after an error, a cancellation too, the connection is not asked what state it is in.
        Errors: NotConnectedError.
        """
        async with self._room:
            session = self._free.pop() if self._free else await self._opened()
            try:
                yield session.connection
                await self._take_off(session.connection)
            except BaseException:
                await session.discard()
                raise
            self._free.append(session)

    async def close(self) -> None:
        """Close all that are free; those in use close themselves with an error."""
        while self._free:
            await self._free.pop().discard()

    async def _opened(self) -> _Session:
        engine = engine_of(self._settings, self._secret)
        try:
            return _Session(engine, await engine.connect())
        except (SQLAlchemyError, OSError, EOFError) as error:
            await engine.dispose()
            raise NotConnectedError(error) from error
        except BaseException:
            await engine.dispose()
            raise

    async def _take_off(self, connection: AsyncConnection) -> None:
        await connection.rollback()  # whatever was not committed is not wanted
        if self._mark.off_after is not None:
            await connection.execute(text(self._mark.off_after))
            await connection.commit()
