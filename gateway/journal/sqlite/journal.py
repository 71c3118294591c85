"""The durable journal: SQLite in WAL mode, flushed on every commit, one writer thread, one reader thread.

The methods here only choose the thread; what they write stands in the modules beside this one, as
functions of a ``Database``. Reads never wait for the disk and never delay an acceptance.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from adapters.base import Clock, Finding, Origin, Request, StepResult
from gateway.journal.base import JournalError
from gateway.journal.sqlite import (
    attempts,
    bodies,
    claims,
    documents,
    ledger,
    messages,
    planning,
    settings,
    views,
)
from gateway.journal.sqlite.anchor import Anchor
from gateway.journal.sqlite.cipher import cipher_for
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.keeping import Keeping
from gateway.journal.sqlite.opening import Ownership, open_reader, open_writer
from gateway.journal.sqlite.receiving import Receipt, check_announced, pieces_of
from gateway.journal.sqlite.threads import QueuedThread
from gateway.journal.sqlite.writer import Reader, Writer
from gateway.journal.types import (
    Acceptance,
    Arrival,
    Claim,
    ClaimedDelivery,
    DeliveryPlan,
    DeliveryView,
    DocumentPlan,
    DocumentView,
    Expected,
    Facts,
    Message,
    MessageState,
    Moved,
    Plan,
    Planned,
    Settled,
    Want,
)

QUEUE_MAX = 4_096
QUEUE_WAIT_S = 5.0
READ_ONLY = "this journal was opened for reading alone"

P = ParamSpec("P")
T = TypeVar("T")


class SqliteJournal(Keeping):
    """The contract of ``gateway.journal.base.Journal`` in one file. Made by ``open`` or ``open_readonly``.

    ``failed`` is done, with the error, once the store has failed: the process must end then.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._anchor = Anchor(path.with_name(path.name + ".audit-head"))
        self._loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[JournalError] = self._loop.create_future()
        self._ownership: Ownership | None = None
        self._writer: Writer | None = None
        self._writing: QueuedThread | None = None
        self._reader: Reader | None = None
        self._reading: QueuedThread
        self._database: Database
        self._reading_database: Database

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
    ) -> SqliteJournal:
        """Open or make a store and own it. Errors: JournalError, a sentence for whoever starts the process.

        ``key``: 32 bytes, encrypts every body. ``vfs`` and what begins with ``unsafe`` is for tests
        alone: faults are injected below SQLite, flushes and the recognition of repeats are left out.
        """
        self = cls(path, clock)
        cipher = cipher_for(key)
        dedupes = not unsafe_no_dedupe
        self._ownership = await asyncio.to_thread(Ownership, path)
        try:
            opening = partial(
                open_writer, path, cipher, vfs=vfs, synchronous=not unsafe_no_sync, dedupes=dedupes
            )
            self._database = await asyncio.to_thread(opening)
            self._writer = Writer(self._database, self._anchor, self._tell_failure)
            self._writing = QueuedThread(
                "journal-writer",
                self._writer.run_batch,
                queue_max=queue_max,
                wait_s=queue_wait_s,
                after_batch=self._writer.checkpoint,
            )
            if vfs is None:
                database = await asyncio.to_thread(open_reader, path, cipher, dedupes=dedupes)
                self._read_with(database, self._writer.fail, queue_max, queue_wait_s)
            else:  # the file is locked for this one connection
                self._reading, self._reading_database = self._writing, self._database
        except BaseException as error:
            self._ownership.release()
            raise _told(error, path) from error
        return self

    @classmethod
    async def open_readonly(cls, path: Path, *, clock: Clock, key: bytes | None = None) -> SqliteJournal:
        """Open a store to look at it, whether or not a gateway owns it. Errors: JournalError."""
        self = cls(path, clock)
        try:
            database = await asyncio.to_thread(open_reader, path, cipher_for(key))
        except Exception as error:
            raise _told(error, path) from error
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
            "journal-reader", self._reader.run_batch, queue_max=queue_max, wait_s=wait_s
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

    # -- life ------------------------------------------------------------------------------

    async def bind_environment(self, environment: str) -> None:
        await self._write(settings.bind_environment, environment)

    async def recover(self, now: datetime) -> int:
        return await self._write(attempts.recover, now)

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

    # -- messages --------------------------------------------------------------------------

    async def accept(self, arrival: Arrival, body: bytes | AsyncIterator[bytes]) -> Acceptance:
        if not isinstance(body, bytes):
            return await self._receive(arrival, body)
        sha256 = hashlib.sha256(body).hexdigest()
        check_announced(arrival, sha256, len(body))
        return await self._write(messages.accept, arrival, sha256, len(body), body)

    async def _receive(self, arrival: Arrival, stream: AsyncIterator[bytes]) -> Acceptance:
        """Write a stream piece by piece, staged, then the message; a short one in one transaction."""
        if self._writing is None:
            raise JournalError(READ_ONLY)
        owner, receipt, last = messages.body_owner(arrival.message_id), Receipt(), b""
        body_id = next(self._database.body_ids)
        try:
            async for piece in pieces_of(stream):
                if receipt.size_bytes:
                    await self._write(bodies.stage_piece, owner, body_id, receipt.pieces - 1, last)
                receipt.add(piece)
                last = piece
            check_announced(arrival, receipt.sha256, receipt.size_bytes)
            if receipt.pieces <= 1:
                return await self._write(messages.accept, arrival, receipt.sha256, receipt.size_bytes, last)
            await self._write(bodies.stage_piece, owner, body_id, receipt.pieces - 1, last)
            return await self._write(messages.accept, arrival, receipt.sha256, receipt.size_bytes, body_id)
        except BaseException:
            if receipt.pieces:
                self._writing.post(partial(bodies.drop_staged, self._database, body_id))
            raise

    async def refuse(self, route: str, origin: Origin, finding: Finding, at: datetime) -> str:
        return await self._write(messages.refuse, route, origin, finding, at)

    async def message(self, message_id: str) -> Message:
        return await self._read(messages.message, message_id)

    async def body(self, message_id: str) -> AsyncIterator[bytes]:
        body_id = await self._read(messages.body_of, message_id)
        owner, number = messages.body_owner(message_id), 0
        while (piece := await self._read(bodies.read_piece, owner, body_id, number)) is not None:
            yield piece
            number += 1

    async def messages(
        self,
        *,
        route: str | None = None,
        states: Sequence[MessageState] = (),
        before_sequence: int | None = None,
        limit: int = 100,
    ) -> list[Message]:
        return await self._read(messages.messages, route, states, before_sequence, limit)

    async def next_to_translate(self, route: str, *, urgent: bool, limit: int = 1) -> list[Message]:
        return await self._read(messages.next_to_translate, route, urgent, limit)

    async def routes_to_translate(self) -> list[tuple[str, bool]]:
        return await self._read(messages.routes_to_translate)

    # -- planning --------------------------------------------------------------------------

    async def begin_translation(self, message_id: str, config_revision: int) -> Message:
        return await self._write(messages.begin_translation, message_id, config_revision)

    async def facts(
        self, order_keys: Sequence[str], document_keys: Sequence[str], order_numbers: Sequence[str]
    ) -> Facts:
        return await self._read(ledger.facts, order_keys, document_keys, order_numbers)

    async def plan(self, plan: Plan, now: datetime) -> Planned | Moved:
        return await self._write(planning.plan, plan, now)

    async def awaiting(self, now: datetime, limit: int = 100) -> list[DocumentView]:
        return await self._read(documents.awaiting, now, limit)

    async def plan_awaited(
        self,
        message_id: str,
        document: DocumentPlan,
        deliveries: Sequence[DeliveryPlan],
        expected: Expected,
        now: datetime,
    ) -> bool:
        return await self._write(planning.plan_awaited, message_id, document, deliveries, expected, now)

    # -- delivery --------------------------------------------------------------------------

    async def claim(
        self, worker: str, wants: Sequence[Want], lease_s: float, now: datetime, monotonic: float
    ) -> list[ClaimedDelivery]:
        return await self._write(claims.claim, worker, wants, lease_s, now, monotonic)

    async def claim_one(
        self, delivery_id: str, worker: str, lease_s: float, now: datetime, monotonic: float
    ) -> ClaimedDelivery | None:
        return await self._write(claims.claim_one, delivery_id, worker, lease_s, now, monotonic)

    async def attempt_started(self, claim: Claim, request: Request, now: datetime) -> None:
        await self._write(attempts.attempt_started, claim, request, now)

    async def still_mine(self, claim: Claim, monotonic: float) -> bool:
        return await self._read(claims.still_mine, claim, monotonic)

    async def renew(self, claim: Claim, lease_s: float, monotonic: float) -> Claim:
        return await self._write(claims.renew, claim, lease_s, monotonic)

    async def settle(self, claim: Claim, settled: Settled, now: datetime) -> None:
        await self._write(attempts.settle, claim, settled, now)

    async def step_done(self, claim: Claim, result: StepResult, now: datetime) -> None:
        await self._write(attempts.step_done, claim, result)

    async def next_due(self, targets: Sequence[str]) -> datetime | None:
        return await self._read(claims.next_due, targets)

    async def deliveries(
        self,
        *,
        message_id: str | None = None,
        order_key: str | None = None,
        target: str | None = None,
        states: Sequence[str] = (),
        limit: int = 1_000,
    ) -> list[DeliveryView]:
        return await self._read(views.deliveries, message_id, order_key, target, states, limit)

    async def documents(
        self, *, message_id: str | None = None, order_key: str | None = None, limit: int = 1_000
    ) -> list[DocumentView]:
        return await self._read(documents.documents, message_id, order_key, limit)


def _told(error: BaseException, path: Path) -> BaseException:
    """Give an error of opening as ours, naming the file."""
    if isinstance(error, (apsw.Error, OSError)):
        return JournalError(f"{path}: the journal cannot be opened: {error}")
    return error


def _failed_reading(error: BaseException) -> JournalError:
    return JournalError(f"the journal cannot be read: {error}")
