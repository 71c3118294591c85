"""The feed: takes changes from a legacy database, gives them to the gateway, and lets go of what it has.

Nothing leaves the database before the journal has it. Whatever breaks in between, the same rows come again,
under the same names, and the journal knows them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base import DecodeError, Finding, Inbound, Origin, Position, Settlement
from adapters.base.registry import SourceSetup
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.documents import Draft, Reading, arrival_key, body_of, drafts_of
from adapters.db_triggers.driver_feed_session import SecondDrainerError, Session
from adapters.db_triggers.driver_reading import RowReader
from adapters.db_triggers.driver_schema import live_fingerprints
from adapters.db_triggers.faults import FaultKind, fault_of
from adapters.db_triggers.images import key_values, record_of
from adapters.db_triggers.lanes import Lanes
from adapters.db_triggers.outbox import Change

log = logging.getLogger("legacy_bridge.db_triggers")

OUTAGE_TOLD_S = 60.0  # an outage shorter than this leaves a log line only
PAUSES_S = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
RETRY_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)
DENIED_PAUSE_S = 300.0  # a log-in that was refused, tried again and again, locks the account
DENIED_LOOK_S = 5.0  # how often it is looked meanwhile whether there is another password
NAME_CHARS = 200
T = TypeVar("T")
_WORDS = {"I": "insert", "U": "update", "D": "delete"}


class FeedPort(Protocol):
    """How one kind of feed finds changes and lets go of them."""

    listens: bool

    async def take(self) -> tuple[list[Change], bool]:
        """Give changes that are ours until ``settle``, in order, and whether there may be more now."""
        ...

    async def complete(self, lanes: Sequence[str], after: int) -> list[Change]:
        """Give further changes of lanes that are ours."""
        ...

    async def settle(self, taken: Sequence[Change], *, is_whole: bool) -> None:
        """Let go of what the journal has, and give the rest back."""
        ...


class Echoes(Protocol):
    """Tells which changes the gateway itself has caused."""

    async def is_echo(self, connection: AsyncConnection, changes: Sequence[Change]) -> frozenset[int]:
        """Give the ids of those changes, in the transaction that lets go of them."""
        ...


@dataclass(slots=True)
class _Work:
    """One batch: what was taken, which messages it makes, and what became of them."""

    changes: list[Change] = field(default_factory=list)
    dropped: list[Change] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)  # places of drafts
    has_more: bool = False


class SchemaError(Exception):
    """A table is not as its trigger captures it."""

    def __init__(self, table: str, text: str) -> None:
        super().__init__(text)
        self.table = table


class DbSource:
    """The feed of one endpoint, for the routes that share it."""

    def __init__(
        self,
        setup: SourceSetup,
        settings: DbEndpoint,
        session: Session,
        port: FeedPort,
        *,
        is_ordered: bool = True,
        echoes: Echoes | None = None,
        triggers: Callable[[], Awaitable[Mapping[str, str]]] | None = None,
    ) -> None:
        self._setup = setup
        self._settings = settings
        self._session = session
        self._port = port
        self._reader = RowReader(settings)
        self._is_ordered = is_ordered
        self._echoes = echoes
        self._triggers = triggers
        self._clock = setup.endpoint.clock
        self._name = setup.endpoint.name
        self._failures = 0  # in a row
        self._is_failing = False  # in this turn
        self._is_denied = False  # the last failure was a refused log-in
        self._failed_since: float | None = None
        self._told: str | None = None  # the code of the incident that the journal was told of
        self._pause_s = 0.0
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Say what the last try failed with, from the first failure until a whole turn goes well."""
        return self._trouble

    async def receive(self) -> AsyncIterator[Inbound]:
        """Give changes one by one, each after the one before was settled."""
        async for batch in self.receive_batches():
            for inbound in batch:
                yield inbound

    async def receive_batches(self) -> AsyncGenerator[Sequence[Inbound]]:
        """Give changes that may be taken at the same time: at most one of each row.

        Asking for the next batch says that each of these was settled, or given up: then it comes again.
        """
        try:
            while True:
                self._is_failing = False
                work, trouble = await self._attempt(self._take)
                if work is not None and work.drafts:
                    lanes = Lanes(work.drafts, is_ordered=self._is_ordered)
                    while places := lanes.following():
                        yield [self._inbound(work, lanes, at) for at in places]
                if work is not None and trouble is None:
                    _, trouble = await self._attempt(lambda work=work: self._settle(work))  # type: ignore[misc]
                if work is not None and not self._is_failing:
                    self._recovered()
                if trouble is not None:
                    yield [self._refusal(trouble)]
                await self._rest(work)
        finally:
            await self._session.close()

    # -- taking --------------------------------------------------------------------------------

    async def _take(self) -> _Work:
        if not self._session.is_open:
            self._reader.forget()
            await self._session.open(listens=self._port.listens)
        changes, has_more = await self._port.take()
        work = _Work(changes, has_more=has_more)
        if not changes:
            await self._port.settle([], is_whole=True)
            return work
        await self._check_schema(changes)
        kept = await self._kept(work, changes)
        work.drafts = drafts_of(kept, self._settings.tables)
        if has_more and any(draft.reads_row for draft in work.drafts):
            lanes = list(dict.fromkeys(change.lane for change in kept))
            further = await self._port.complete(lanes, changes[-1].id)
            work.changes += further
            kept += await self._kept(work, further)
            work.drafts = drafts_of(kept, self._settings.tables)
        readings = await self._read(work.drafts)
        work.bodies = [body_of(draft, reading) for draft, reading in zip(work.drafts, readings, strict=True)]
        return work

    async def _kept(self, work: _Work, changes: Sequence[Change]) -> list[Change]:
        """Leave out what the gateway wrote itself, and what the settings do not want."""
        echoes = await self._echoed(changes)
        own, kept = self._settings.origin, list[Change]()
        for change in changes:
            is_ours = change.origin == own or change.id in echoes
            (work.dropped if is_ours or not self._wants(change) else kept).append(change)
        return kept

    async def _echoed(self, changes: Sequence[Change]) -> frozenset[int]:
        if self._echoes is None:
            return frozenset()
        readable = [change for change in changes if _is_readable(change)]
        found = await self._echoes.is_echo(self._session.connection, readable)
        if self._settings.dialect == "sqlite":  # its one write lock is not kept while the journal writes
            echoes = [change for change in changes if change.id in found]
            await self._port.settle(echoes, is_whole=False)
        return found

    def _wants(self, change: Change) -> bool:
        table = self._settings.tables.get(change.table)
        word = _WORDS.get(change.operation)
        return table is None or word is None or word in table.operations

    async def _read(self, drafts: Sequence[Draft]) -> list[Reading | None]:
        places = [at for at, draft in enumerate(drafts) if draft.reads]
        found: list[Reading | None] = [None] * len(drafts)
        if places:
            made = await self._reader.read(self._session.connection, [drafts[at] for at in places])
            for at, reading in zip(places, made, strict=True):
                found[at] = reading
            if self._settings.dialect == "sqlite":  # a reader's lock would keep writers from committing
                await self._session.connection.commit()
        return found

    async def _check_schema(self, changes: Sequence[Change]) -> None:
        """Stop where a trigger no longer captures its table. Errors: SchemaError."""
        captured = {change.table: change.fingerprint for change in changes if change.fingerprint}
        if not captured:
            return
        live = await live_fingerprints(self._session.connection, self._settings)
        changed = [
            name
            for name, mark in captured.items()
            if name in self._settings.tables and live.get(name) != mark
        ]
        if not changed:
            return
        triggers = await self._triggers() if self._triggers is not None else {}
        for name in changed:
            if name in live and triggers.get(name) == live[name]:
                continue  # an older row: the trigger has been rendered anew since
            was, found = captured[name], live.get(name, "no such table")
            raise SchemaError(
                name,
                f"the columns of {name} are not those of its trigger ({was}, now {found}); "
                "so what is new in it is not captured. Nothing is taken until they agree: `legacy-bridge db "
                "verify` says what differs, `db render` prints the trigger",
            )

    # -- giving --------------------------------------------------------------------------------

    def _inbound(self, work: _Work, lanes: Lanes, at: int) -> Inbound:
        draft, body = work.drafts[at], work.bodies[at]

        async def settle(settlement: Settlement) -> None:
            if at not in work.settled:  # refused ones, too: the journal has the finding
                work.settled.add(at)
                lanes.taken(at)

        return Inbound(
            route=self._setup.route,
            arrival_key=arrival_key(self._session.feed, draft, body),
            origin=self._origin(draft),
            body=_whole(body),
            settle=settle,
            partner=self._setup.partner,
        )

    def _origin(self, draft: Draft) -> Origin:
        last = draft.last
        key = "/".join([each or "" for each in draft.key])
        facts = {"operation": last.operation, "row_id": str(last.id)}
        if len(draft.changes) > 1:
            facts["merged"] = str(len(draft.changes))
        return Origin(
            transport="db_triggers",
            received_at=self._clock.now(),
            name=f"{draft.table}[{key}]"[:NAME_CHARS],
            peer=self._name,
            facts=facts,
        )

    async def _settle(self, work: _Work) -> None:
        if not work.changes:
            return
        is_whole = len(work.settled) == len(work.drafts)
        taken = [change for at in work.settled for change in work.drafts[at].changes] + work.dropped
        await self._port.settle(taken, is_whole=is_whole)
        if work.dropped:
            log.info("feed.dropped endpoint=%s rows=%d", self._name, len(work.dropped))

    # -- faults --------------------------------------------------------------------------------

    async def _attempt(self, step: Callable[[], Awaitable[T]]) -> tuple[T | None, Finding | None]:
        """Run a step; after an error give the finding that the journal is to be told now, if any."""
        try:
            done = await step()
        except Exception as error:  # noqa: BLE001  whatever a driver raises, the feed goes on
            _end_if_cancelled(error)
            return None, await self._failed(error)
        _end_if_cancelled(None)
        return done, None

    def _recovered(self) -> None:
        """End an incident: a whole turn went well, taking and letting go."""
        if self._failures:
            log.info("feed.recovered endpoint=%s failures=%d", self._name, self._failures)
        self._failures, self._failed_since, self._told, self._trouble = 0, None, None, None

    async def _failed(self, error: Exception) -> Finding | None:
        """Let go of the connection; say how long to wait, and what a person must know."""
        await self._session.close()
        now = self._clock.monotonic()
        self._is_failing = True
        self._failures += 1
        self._failed_since = now if self._failed_since is None else self._failed_since
        kind, finding = self._finding(error)
        self._trouble = f"{finding.text} [{finding.code}]"
        pauses = RETRY_PAUSES_S if kind is FaultKind.RETRY else PAUSES_S
        self._pause_s = pauses[min(self._failures, len(pauses)) - 1]
        self._is_denied = kind is FaultKind.CREDENTIAL
        if isinstance(error, SecondDrainerError):  # it may take over as soon as the first one ends
            self._pause_s = self._settings.poll_max.total_seconds()
        log.warning("feed.failed endpoint=%s code=%s reason=%s", self._name, finding.code, finding.text)
        passes = kind in (FaultKind.RETRY, FaultKind.OUTAGE)
        if self._told == finding.code or (passes and now - self._failed_since < OUTAGE_TOLD_S):
            return None
        self._told = finding.code
        return finding

    def _finding(self, error: Exception) -> tuple[FaultKind, Finding]:
        at = Position(self._name, path=self._session.feed)
        if isinstance(error, SchemaError):
            return FaultKind.MISSING, Finding("DB-SCHEMA", Position(self._name, path=error.table), str(error))
        if isinstance(error, SecondDrainerError):
            text = f"{error}; this one waits and takes over when the other ends. Run one gateway for a feed"
            return FaultKind.OTHER, Finding("DB-SECOND", at, text)
        fault = fault_of(self._settings.dialect, error)
        return fault.kind, Finding(fault.code, at, f"{fault.told}; {fault.advice}")

    def _refusal(self, finding: Finding) -> Inbound:
        """Give the journal a finding: an input whose body says why it is none."""

        async def settle(settlement: Settlement) -> None:
            return None

        return Inbound(
            route=self._setup.route,
            arrival_key=None,
            origin=Origin("db_triggers", self._clock.now(), name=str(finding.at), peer=self._name),
            body=_refused(finding),
            settle=settle,
            partner=self._setup.partner,
        )

    async def _rest(self, work: _Work | None) -> None:
        """Wait: not at all while there is more, shortly after rows, then longer; NOTIFY wakes it."""
        settings = self._settings
        if self._is_failing:
            if self._is_denied:
                await self._rest_denied()
            else:
                await self._clock.sleep(self._pause_s)
            self._pause_s = 0.0
            return
        if work is not None and work.has_more and (work.settled or work.dropped):
            return
        shortest, longest = settings.poll.total_seconds(), settings.poll_max.total_seconds()
        had_rows = work is not None and bool(work.changes)
        self._pause_s = shortest if had_rows else min(max(self._pause_s * 2, shortest), longest)
        await self._session.wait(self._clock, self._pause_s)

    async def _rest_denied(self) -> None:
        """Wait for long, or until the password is another one."""
        refused, waited_s = self._password(), 0.0
        while waited_s < DENIED_PAUSE_S and self._password() == refused:
            await self._clock.sleep(DENIED_LOOK_S)
            waited_s += DENIED_LOOK_S

    def _password(self) -> str | None:
        reference = self._settings.password
        try:
            return self._setup.endpoint.secret(reference) if reference is not None else None
        except Exception:  # noqa: BLE001  a secret that cannot be had is told by the next try
            return None


def _end_if_cancelled(error: Exception | None) -> None:
    """End where the task was told to, and a driver kept it to itself.

    asyncmy waits by ``asyncio.wait_for``, which before Python 3.12 drops a cancellation that comes together
    with the result, and it may answer one with an error of its own.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error


def _is_readable(change: Change) -> bool:
    """Tell whether a change can be asked about; what its trigger wrote wrongly is parked by name later."""
    try:
        key_values(change.key)
        return record_of(change.before) is not None and record_of(change.after) is not None
    except ValueError:
        return False


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _refused(finding: Finding) -> AsyncIterator[bytes]:
    for refusal in (finding,):
        raise DecodeError(refusal)
    yield b""
