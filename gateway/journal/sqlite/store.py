"""An open store: its file, its owner, the thread that writes and the thread that reads.

A failure of the disk ends it for good; ``failed`` tells whoever must end the process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from adapters.base import Clock
from gateway.journal.base import JournalError
from gateway.journal.sqlite.anchor import Anchor
from gateway.journal.sqlite.batches import Pulse
from gateway.journal.sqlite.checkpoints import Checkpointer
from gateway.journal.sqlite.cipher import cipher_for
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.opening import Ownership, as_ours, open_beside, open_reader, open_writer
from gateway.journal.sqlite.threads import QueuedThread
from gateway.journal.sqlite.writer import Reader, Writer
from gateway.journal.types import StageState

QUEUE_MAX = 4_096
QUEUE_WAIT_S = 5.0
UNHURRIED_MAX = 16  # of a commit that nothing live waits for; a look at the file has one, it costs no flush
READ_ONLY = "this journal was opened for reading alone"

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """One open file with its threads. Made by ``open`` or ``open_readonly``.

    ``failed`` is done, with the error, once the store has failed: the process must end then.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._path = path = path.resolve()  # companions stand beside the file, whatever name leads to it
        self._anchor = Anchor(path.with_name(path.name + ".audit-head"))
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse()
        self.failed: asyncio.Future[JournalError] = self._loop.create_future()
        self._ownership: Ownership | None = None
        self._writer: Writer | None = None
        self._writing: QueuedThread | None = None
        self._reader: Reader | None = None
        self._reading: QueuedThread
        self._database: Database
        self._reading_database: Database
        self._stages: Mapping[str, StageState] | None = None  # as last read, None where they may have changed
        self._stage_changes = 0

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock: Clock,
        key: bytes | None = None,
        queue_max: int = QUEUE_MAX,
        queue_wait_s: float = QUEUE_WAIT_S,
        vfs: str | None = None,
        unsafe_no_sync: bool = False,
        unsafe_no_dedupe: bool = False,
    ) -> Self:
        """Open or make a store and own it. Errors: JournalError, a sentence for whoever starts the process.

        ``key``: 32 bytes, encrypts every body. ``vfs`` and what begins with ``unsafe`` is for tests
        alone: faults are injected below SQLite, flushes and the recognition of repeats are left out.
        """
        self = cls(path, clock)
        path = self._path
        cipher = cipher_for(key)
        dedupes = not unsafe_no_dedupe
        self._ownership = await asyncio.to_thread(Ownership, path)
        try:
            opening = partial(
                open_writer, path, cipher, vfs=vfs, synchronous=not unsafe_no_sync, dedupes=dedupes
            )
            self._database = await asyncio.to_thread(opening)
            beside = None
            if vfs is None and not unsafe_no_sync:  # without flushes there is nothing to wait for
                connection = await asyncio.to_thread(open_beside, path)
                beside = Checkpointer(connection, self._ownership.flush)
            self._writer = Writer(self._database, self._anchor, self._tell_failure, beside)
            self._writing = QueuedThread(
                "journal-writer",
                self._writer.run_batch,
                pulse=self._pulse,
                queue_max=queue_max,
                wait_s=queue_wait_s,
                unhurried_max=UNHURRIED_MAX,
                takes_in=True,
                after_batch=self._writer.checkpoint,
            )
            if vfs is None:
                database = await asyncio.to_thread(open_reader, path, cipher, dedupes=dedupes)
                self._read_with(database, self._writer.fail, queue_max, queue_wait_s)
            else:  # the file is locked for this one connection
                self._reading, self._reading_database = self._writing, self._database
        except BaseException as error:
            self._ownership.release()
            raise as_ours(error, path) from error
        return self

    @classmethod
    async def open_readonly(cls, path: Path, *, clock: Clock, key: bytes | None = None) -> Self:
        """Open a store to look at it, whether or not a gateway owns it. Errors: JournalError."""
        self = cls(path, clock)
        path = self._path
        try:
            database = await asyncio.to_thread(open_reader, path, cipher_for(key))
        except Exception as error:
            raise as_ours(error, path) from error
        self._read_with(database, _failed_reading, QUEUE_MAX, QUEUE_WAIT_S)
        return self

    def _read_with(
        self,
        database: Database,
        on_failure: Callable[[BaseException], JournalError],
        queue_max: int,
        wait_s: float,
    ) -> None:
        self._reading_database = database
        self._reader = Reader(database, on_failure)
        self._reading = QueuedThread(
            "journal-reader",
            self._reader.run_batch,
            pulse=self._pulse,
            queue_max=queue_max,
            wait_s=wait_s,
            unhurried_max=1,
        )

    def _tell_failure(self, failure: JournalError) -> None:
        """Let whoever watches ``failed`` know; called on a thread of the journal."""
        with contextlib.suppress(RuntimeError):  # the event loop is gone
            self._loop.call_soon_threadsafe(self._set_failed, failure)

    def _set_failed(self, failure: JournalError) -> None:
        if not self.failed.done():
            self.failed.set_result(failure)

    async def _write(
        self, operation: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._writing is None:
            raise JournalError(READ_ONLY)
        return await self._writing.submit(partial(operation, self._database, *args, **kwargs))

    async def _read(
        self, operation: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._writer is not None and self._writer.failure is not None:
            raise self._writer.failure
        return await self._reading.submit(partial(operation, self._reading_database, *args, **kwargs))

    async def is_healthy(self) -> bool:
        return self._writer is not None and self._writer.failure is None

    async def damage(self) -> list[str]:
        """Check the whole file, row by row and index by index; say what is wrong with it, if anything."""
        return await self._read(lambda db: [text for (text,) in db.rows("meta.damage") if text != "ok"])

    async def close(self) -> None:
        for thread in (self._reading, self._writing):
            if thread is not None:
                await thread.close()
        for end in (self._reader, self._writer):
            if end is not None:
                await asyncio.to_thread(end.close)
        if self._ownership is not None:
            self._ownership.release()


def _failed_reading(error: BaseException) -> JournalError:
    return JournalError(f"the journal cannot be read: {error}")
