"""The sink of a legacy database: writes one plan in one transaction, and says what came of it. I/O.

Order inside the transaction: the mark, the reference, the rows, what may come back later, commit. The mark
comes first because the trigger asks for it at every row; the reference before the rows, so that of two equal
requests at once one waits for the other's commit and then finds that there is nothing left to do.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base import Finding, NoReply, Position, Reply, Request
from adapters.base.registry import EndpointSetup
from adapters.db_triggers.bookkeeping import written_table
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.driver_echo import EchoBook
from adapters.db_triggers.driver_schema import live_columns
from adapters.db_triggers.driver_sessions import NotConnectedError, Sessions
from adapters.db_triggers.faults import Fault, FaultKind, fault_of
from adapters.db_triggers.fingerprint import Column
from adapters.db_triggers.origin import MARKS
from adapters.db_triggers.write_plan import Call, RowChange, WritePlan
from adapters.db_triggers.write_settings import WriteBack
from adapters.db_triggers.write_statements import RowStatements, Statement, UnfitRowError, call

log = logging.getLogger("legacy_bridge.db_triggers")

ATTEMPTS_MAX = 3  # of one request, where the database chose it as a victim
PAUSE_S = 0.05
STATUS = {
    FaultKind.RETRY: 423,
    FaultKind.OUTAGE: 503,
    FaultKind.CREDENTIAL: 401,
    FaultKind.DENIED: 403,
    FaultKind.MISSING: 404,
    FaultKind.FULL: 507,
    FaultKind.OTHER: 500,
}


class _RefusedError(Exception):
    """The transaction must not be committed, and the same request would be refused again."""

    def __init__(self, findings: tuple[Finding, ...], status: int = 422) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = findings
        self.status = status


class DbSink:
    """An outlet into one database. Method: ``write`` (see ``target.py``)."""

    def __init__(self, setup: EndpointSetup) -> None:
        self._name = setup.name
        self._settings = cast(DbEndpoint, setup.settings)
        self._write_back = self._settings.write_back or WriteBack(documents={})
        self._now: Callable[[], datetime] = setup.clock.now
        self._sleep = setup.clock.sleep
        self._sessions = Sessions(self._settings, setup.secret, self._write_back.connections)
        self._book = EchoBook(self._settings)
        self._columns: dict[str, tuple[Column, ...]] = {}

    async def send(
        self, request: Request, *, still_mine: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply | NoReply:
        """Write one plan."""
        if still_mine is not None and not await still_mine():
            return NoReply("none", "the claim on this delivery ran out", "stale_claim")
        plan = WritePlan.from_json(request.body)
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._patiently(plan)
        except TimeoutError:
            return NoReply("maybe", f"no answer from {self._name} within {request.timeout_s:g} s")

    async def close(self) -> None:
        """Let go of connections."""
        await self._sessions.close()

    async def _patiently(self, plan: WritePlan) -> Reply | NoReply:
        """Write, and again at once where the database chose us as a victim, or a kept connection died."""
        loop = asyncio.get_running_loop()
        patience_ends = loop.time() + self._write_back.lock_wait.total_seconds() / 2
        is_doubtful = False
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await self._written(plan)
            except _RefusedError as refusal:
                return _refused(refusal)
            except NotConnectedError as error:
                return self._unreachable(fault_of(self._settings.dialect, error), is_doubtful)
            except (SQLAlchemyError, OSError, EOFError) as error:
                fault = fault_of(self._settings.dialect, error)
                self._columns.clear()  # the table may be another one now
                is_doubtful = is_doubtful or fault.kind is FaultKind.OUTAGE  # perhaps its commit was the last
                log.info("write.failed endpoint=%s code=%s attempt=%d", self._name, fault.code, attempt)
                is_worth_it = (
                    fault.kind in (FaultKind.RETRY, FaultKind.OUTAGE) and loop.time() < patience_ends
                )
                if not is_worth_it or attempt == ATTEMPTS_MAX:
                    return self._failed(fault, error)
                await self._sleep(PAUSE_S * attempt)
        raise AssertionError("the last attempt answers")

    async def _written(self, plan: WritePlan) -> Reply:
        async with self._sessions.session() as connection:
            await self._know_columns(connection, plan)
            statements = self._prepared(plan)
            try:
                await self._begin(connection, plan)
            except IntegrityError:
                await connection.rollback()
                return await self._repeated(connection, plan)
            for change, prepared in zip(plan.changes, statements, strict=True):
                await self._change(connection, change, prepared)
            off = MARKS[self._settings.dialect].off_inside
            if off is not None:
                await connection.execute(text(off))
            await connection.commit()
            return Reply(200, _told(plan).encode())

    async def _begin(self, connection: AsyncConnection, plan: WritePlan) -> None:
        """Mark the transaction and write the reference. Errors: IntegrityError where it is there already."""
        for statement in _lock_wait(self._settings, self._write_back):
            await connection.execute(text(statement))
        await connection.execute(text(MARKS[self._settings.dialect].on), {"origin": self._settings.origin})
        row = {
            "reference": plan.reference,
            "content_hash": plan.content_hash,
            "written_at": f"{self._now():%Y-%m-%dT%H:%M:%S}Z",
        }
        await connection.execute(insert(written_table(self._settings.db_schema)), row)

    async def _repeated(self, connection: AsyncConnection, plan: WritePlan) -> Reply:
        table = written_table(self._settings.db_schema)
        query = select(table.c.content_hash).where(table.c.reference == plan.reference)
        known = (await connection.execute(query)).scalar_one_or_none()
        await connection.rollback()
        if known == plan.content_hash:
            return Reply(208, f"{_told(plan)} (written before)".encode())
        text_ = (
            f"reference {plan.reference} was written with other content, so nothing is changed: the document "
            "or its mapping is another one than then. Compare the rows with this document, then resolve this"
        )
        finding = Finding("DB-REFERENCE", Position(self._name), text_)
        return _refused(_RefusedError((finding,), 409))

    # -- rows --------------------------------------------------------------------------------------

    async def _change(
        self, connection: AsyncConnection, change: RowChange | Call, prepared: RowStatements | Statement
    ) -> None:
        if isinstance(change, Call) or isinstance(prepared, Statement):
            await self._execute(connection, cast(Statement, prepared))
            return
        match change.on:
            case "insert":
                await self._insert(connection, change, prepared)
            case "update":
                self._exactly_one(await self._execute(connection, prepared.update()), change)
            case "upsert":
                if await self._execute(connection, prepared.update()) == 0:
                    await self._insert(connection, change, prepared)
            case "delete":
                self._exactly_one(await self._execute(connection, prepared.delete()), change)
        await self._book.remember(connection, change, prepared, self._now())

    async def _insert(self, connection: AsyncConnection, change: RowChange, prepared: RowStatements) -> None:
        try:
            await self._execute(connection, prepared.insert())
        except IntegrityError as error:
            # Only the first line: the next may show the row, and with it prices and names.
            told = str(error.orig).splitlines()[0][:200]
            text_ = (
                f"the database refuses the new row {_named(change)}: {told}. Look whether somebody entered it"
            )
            raise _RefusedError((self._finding("DB-EXISTS", change, text_),), 409) from error

    async def _execute(self, connection: AsyncConnection, statement: Statement) -> int:
        done = await connection.execute(text(statement.sql), dict(statement.parameters))
        return int(done.rowcount)

    def _exactly_one(self, count: int, change: RowChange) -> None:
        if count == 1:
            return
        if count == 0:
            text_ = f"there is no row {_named(change)}, so nothing was written. Enter it there, then retry"
            raise _RefusedError((self._finding("DB-NO-ROW", change, text_),))
        text_ = f"{count} rows are {_named(change)}, one was expected: the key does not name a row"
        raise _RefusedError((self._finding("DB-MANY", change, text_),))

    # -- shapes ------------------------------------------------------------------------------------

    async def _know_columns(self, connection: AsyncConnection, plan: WritePlan) -> None:
        wanted = {change.table for change in plan.changes if isinstance(change, RowChange)}
        unknown = wanted - set(self._columns)
        if unknown:
            settings = self._settings
            found = await live_columns(connection, settings.dialect, settings.db_schema, unknown)
            await connection.rollback()
            self._columns.update(found)

    def _prepared(self, plan: WritePlan) -> list[RowStatements | Statement]:
        """Bind everything before anything is written. Errors: _RefusedError with all that does not fit."""
        made: list[RowStatements | Statement] = []
        findings: list[Finding] = []
        for change in plan.changes:
            try:
                made.append(self._statements(change))
            except UnfitRowError as error:
                findings += [
                    Finding(
                        each.code, Position(self._name, path=each.table), f"column {each.column} {each.text}"
                    )
                    for each in error.columns
                ]
        if findings:
            self._columns.clear()  # asked anew at a retry: the DBA may have widened a column
            raise _RefusedError(tuple(findings))
        return made

    def _statements(self, change: RowChange | Call) -> RowStatements | Statement:
        if isinstance(change, Call):
            return call(change, self._settings.dialect)
        columns = self._columns.get(change.table)
        if columns is None:
            text_ = f"there is no table {change.table}, or we have no right to see it"
            raise _RefusedError((self._finding("DB-NO-TABLE", change, text_),))
        return RowStatements(change, columns, self._settings.dialect, self._settings.db_schema)

    # -- what is told ------------------------------------------------------------------------------

    def _unreachable(self, fault: Fault, is_doubtful: bool) -> NoReply:
        """Say that there is no connection; ``is_doubtful``: an earlier one broke after it had been used."""
        written: Literal["none", "maybe"] = "maybe" if is_doubtful else "none"
        kind: Literal["outage", "credential"] = "outage"
        if fault.kind in (FaultKind.CREDENTIAL, FaultKind.DENIED):
            kind = "credential"
        remedy = f"; {fault.remedy}" if fault.remedy else ""
        return NoReply(written, f"{self._name}: {fault.told}{remedy}", kind)

    def _failed(self, fault: Fault, error: BaseException) -> Reply | NoReply:
        if fault.kind is FaultKind.OUTAGE:
            return NoReply("maybe", f"{self._name}: {fault.told}")
        if fault.kind is FaultKind.OTHER and isinstance(error, DBAPIError):
            told = fault.told.split("DETAIL")[0]  # PostgreSQL's detail may show the row
            text_ = f"the database refuses it: {told}. Nothing of this document was written"
            return _refused(_RefusedError((Finding("DB-REFUSED", Position(self._name), text_),)))
        return Reply(STATUS[fault.kind], f"{self._name}: {fault.told}; {fault.advice}".encode())

    def _finding(self, code: str, change: RowChange, text_: str) -> Finding:
        return Finding(code, Position(self._name, path=change.table), text_)


def _lock_wait(settings: DbEndpoint, write_back: WriteBack) -> Sequence[str]:
    wait_ms = int(write_back.lock_wait.total_seconds() * 1000)
    match settings.dialect:
        case "postgresql":
            return (f"set local lock_timeout = {wait_ms}",)
        case "mariadb" | "mysql":
            return (f"set session innodb_lock_wait_timeout = {max(wait_ms // 1000, 1)}",)
        case "sqlite":
            return (f"pragma busy_timeout = {wait_ms}",)
        case "mssql":
            return (f"set lock_timeout {wait_ms}",)
    return ()


def _named(change: RowChange) -> str:
    named = ", ".join(f"{name} {(value or '').rstrip()!r}" for name, value in change.key.items())
    return f"{change.table} {named}"


def _told(plan: WritePlan) -> str:
    counts: dict[str, int] = {}
    for change in plan.changes:
        if isinstance(change, Call) or change.on != "expect":
            name = change.procedure if isinstance(change, Call) else change.table
            counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _refused(refusal: _RefusedError) -> Reply:
    return Reply(refusal.status, json.dumps([each.to_json() for each in refusal.findings]).encode())
