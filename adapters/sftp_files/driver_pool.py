"""One connection and a few channels on it, shared by all endpoints of one account, each used by one thread.

A channel is leased for one piece of work, and thrown away after any error that is more than the server's
refusal; the connection then takes no new work. Cancelling the asyncio side closes the channel, which wakes
the thread that waits in it: by itself it would wait on. A watchdog cuts a connection whose TCP is stuck.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from adapters.base import Clock
from adapters.sftp_files.driver_session import Session
from adapters.sftp_files.driver_ssh import Connection, Secret, connect, translated
from adapters.sftp_files.port import PortError, PortErrorKind
from adapters.sftp_files.server import SftpServer

log = logging.getLogger("legacy_bridge.sftp_files")

SLOWEST_BYTES_PER_S = 16 * 1024  # a link slower than this is taken for a dead one
SPARE_THREADS = 2  # for connecting, and for one that is just being woken

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Leased:
    """A session that belongs to one caller until it is given back."""

    pool: Pool
    connection: Connection
    session: Session
    is_fresh: bool  # opened for this caller: an error cannot come from its age
    is_broken: bool = False  # out of step, or dead: it is thrown away

    async def call(
        self,
        doing: str,
        work: Callable[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Do blocking work of this session in a thread. Errors: PortError, StatusError."""
        return await self.pool.work(self, doing, partial(work, *args, **kwargs))


class Pool:
    """The connection of one account; ``users`` endpoints share it."""

    def __init__(self, server: SftpServer, secret: Secret, clock: Clock) -> None:
        self._server = server
        self._secret = secret
        self._clock = clock
        self._answer_s = server.answer_timeout.total_seconds()
        self._threads = ThreadPoolExecutor(server.channels + SPARE_THREADS, thread_name_prefix="sftp")
        self._changed = asyncio.Condition()
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None
        self._idle: list[Leased] = []
        self._open = 0
        self._open_max = server.channels
        self._denied: tuple[PortError, float] | None = None  # why, and until when nothing is tried
        self._alive: set[Connection] = set()
        self.users = 0

    @contextlib.asynccontextmanager
    async def lease(self) -> AsyncIterator[Leased]:
        """Lease a channel. Errors: PortError where there is no connection."""
        leased = await self._take()
        try:
            yield leased
        except Exception:
            raise  # what broke it has said so; a refusal leaves it as good as before
        except BaseException:
            leased.is_broken = True  # whoever stops in the middle leaves replies behind
            raise
        finally:
            await self._give_back(leased)

    async def work(self, leased: Leased, doing: str, work: Callable[[], T], bytes_max: int = 4 << 20) -> T:
        """Run blocking work; whoever stops waiting for it frees its thread."""
        bound_s = 2 * self._answer_s + bytes_max / SLOWEST_BYTES_PER_S
        try:
            async with asyncio.timeout(bound_s):
                return await self._in_thread(doing, work)
        except asyncio.CancelledError:
            # Closing sends a word, which may wait in a stuck TCP: never on this thread.
            leased.is_broken = True
            threading.Thread(target=leased.session.close, daemon=True).start()
            raise
        except TimeoutError as error:
            leased.is_broken = True
            leased.connection.cut()
            raise PortError(PortErrorKind.OUTAGE, f"{doing}: stuck for {bound_s:.0f} s") from error
        except PortError as error:
            if error.kind is PortErrorKind.OUTAGE:
                leased.is_broken = leased.connection.is_condemned = True
            raise

    async def close(self) -> None:
        """Let go of the connection and the threads."""
        self._idle.clear()
        for connection in self._alive:
            connection.cut()
        await asyncio.gather(*(self._closed(connection) for connection in list(self._alive)))
        self._threads.shutdown(wait=False, cancel_futures=True)

    # -- leasing -------------------------------------------------------------------------------

    async def _take(self) -> Leased:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._idle or self._open < self._open_max)
                if self._idle:
                    leased = self._idle.pop()
                    if leased.connection.is_usable:
                        leased.is_fresh = False
                        return leased
                    self._open -= 1
                    await self._drop(leased)
                    continue
                self._open += 1
            try:
                return await self._new()
            except BaseException as error:
                async with self._changed:
                    self._open -= 1
                    self._changed.notify_all()
                if isinstance(error, PortError) and self._shrinks():
                    continue
                raise

    def _shrinks(self) -> bool:
        """Tell whether a server that opens no more sessions has opened some: then those must do."""
        if not 0 < self._open < self._open_max or self._connection is None or not self._connection.is_usable:
            return False
        log.warning("sftp.fewer_channels host=%s channels=%d", self._server.host, self._open)
        self._open_max = self._open
        return True

    async def _new(self) -> Leased:
        connection = await self._connected()
        connection.sessions += 1
        try:
            session = await self._in_thread("opening a session", connection.session)
        except BaseException as error:
            connection.sessions -= 1
            if not isinstance(error, PortError):
                connection.is_condemned = True  # the thread may still open one, which nobody owns
            raise
        return Leased(self, connection, session, is_fresh=True)

    async def _give_back(self, leased: Leased) -> None:
        async with self._changed:
            if not leased.is_broken and leased.connection.is_usable:
                self._idle.append(leased)
            else:
                self._open -= 1
                await self._drop(leased)
            self._changed.notify_all()

    async def _drop(self, leased: Leased) -> None:
        """Throw a session away, and its connection with the last one."""
        connection = leased.connection
        connection.sessions -= 1
        if connection.is_usable:
            threading.Thread(target=leased.session.close, daemon=True).start()
        elif connection.sessions <= 0:
            self._let_go(connection)

    def _let_go(self, connection: Connection) -> None:
        connection.cut()
        self._alive.discard(connection)
        threading.Thread(target=connection.close, daemon=True).start()

    # -- connecting ----------------------------------------------------------------------------

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is not None and self._connection.is_usable:
                return self._connection
            if self._denied is not None and self._clock.monotonic() < self._denied[1]:
                raise PortError(self._denied[0].kind, f"{self._denied[0]} (not tried again yet)")
            try:
                made = await self._made()
            except PortError as error:
                if error.kind is PortErrorKind.CREDENTIAL:
                    # Trying on would lock our account, or hand a password to a stranger.
                    pause_s = self._server.denied_pause.total_seconds()
                    self._denied = (error, self._clock.monotonic() + pause_s)
                raise
            self._denied = None
            if self._connection is not None and self._connection.sessions <= 0:
                self._let_go(self._connection)
            self._connection = made
            self._alive.add(made)
            self._open_max = self._server.channels
            return made

    async def _made(self) -> Connection:
        """Connect; only after a first failure the machinery for trying again is entered."""
        try:
            return await self._connect_once()
        except PortError as error:
            patience_s = self._server.reconnect_for.total_seconds()
            if not _is_passing(error) or patience_s <= 0:
                raise
            await self._clock.sleep(0.1)
        again = AsyncRetrying(
            stop=stop_after_delay(patience_s),
            wait=wait_exponential_jitter(multiplier=0.2, max=3.0, jitter=0.2),
            retry=retry_if_exception(_is_passing),
            sleep=self._clock.sleep,
            reraise=True,
        )
        return await again(self._connect_once)

    async def _connect_once(self) -> Connection:
        future = asyncio.get_running_loop().run_in_executor(
            self._threads, connect, self._server, self._secret
        )
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(_close_unwanted)
            raise

    async def _in_thread(self, doing: str, work: Callable[[], T]) -> T:
        def translating() -> T:
            with translated(doing, may_have_happened=True):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, translating)

    async def _closed(self, connection: Connection) -> None:
        self._alive.discard(connection)
        await asyncio.get_running_loop().run_in_executor(self._threads, connection.close)


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, PortError) and error.kind is PortErrorKind.OUTAGE


def _close_unwanted(future: asyncio.Future[Connection]) -> None:
    """Close what was made for somebody who no longer waits."""
    if not future.cancelled() and future.exception() is None:
        threading.Thread(target=future.result().close, daemon=True).start()


# -- sharing -------------------------------------------------------------------------------------------

_Key = tuple[SftpServer, int]
_pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Key, Pool]] = weakref.WeakKeyDictionary()


def joined(server: SftpServer, secret: Secret, clock: Clock) -> Pool:
    """Give the pool of an account, made by the first endpoint that needs it; ``left`` gives it back."""
    mine = _pools.setdefault(asyncio.get_running_loop(), {})
    key = (server.account, id(secret))
    pool = mine.get(key)
    if pool is None:
        pool = mine[key] = Pool(server.account, secret, clock)
    pool.users += 1
    return pool


async def left(pool: Pool) -> None:
    """Give a pool back; the last one closes it."""
    pool.users -= 1
    if pool.users > 0:
        return
    mine = _pools.get(asyncio.get_running_loop(), {})
    for key in [key for key, each in mine.items() if each is pool]:
        del mine[key]
    await pool.close()
