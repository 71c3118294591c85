"""The feed: takes changes from a legacy database, gives them to the gateway, and lets go of what it has.

Nothing leaves the database before the journal has it. Whatever breaks in between, the same rows come again,
under the same names, and the journal knows them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from adapters.base import DecodeError, Finding, Inbound, Origin, Position, Settlement
from adapters.base.ending import ended
from adapters.base.registry import SourceSetup
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.documents import Draft, arrival_key
from adapters.db_triggers.driver_feed_session import SecondDrainerError, Session
from adapters.db_triggers.driver_logins import NoLogInError, where
from adapters.db_triggers.driver_windows import Echoes, FeedPort, SchemaError, Window, Windows
from adapters.db_triggers.faults import FaultKind, fault_of
from adapters.db_triggers.lanes import Lanes

log = logging.getLogger("legacy_bridge.db_triggers")

WINDOWS_MAX = 4  # batches that are held at once while the journal writes
OUTAGE_TOLD_S = 60.0  # an outage shorter than this leaves a log line only
PAUSES_S = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
RETRY_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)
DENIED_PAUSE_S = 300.0  # a log-in that was refused, tried again and again, locks the account
DENIED_LOOK_S = 5.0  # how often it is looked meanwhile whether there is another password
NAME_CHARS = 200
T = TypeVar("T")


@dataclass(slots=True)
class _Turn:
    """The windows that are held at once, by one transaction; ``is_cut``: it holds more than stands here."""

    windows: list[Window] = field(default_factory=list)
    is_cut: bool = False

    @property
    def is_whole(self) -> bool:
        """Tell whether the journal has all that is held."""
        return not self.is_cut and all(window.is_whole for window in self.windows)


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
        self._windows = Windows(settings, session, port, echoes=echoes, triggers=triggers)
        self._ahead: asyncio.Task[Window] | None = None
        self._is_ordered = is_ordered
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
                turn = _Turn()
                window, trouble = await self._attempt(self._windows.take)
                while window is not None:
                    turn.windows.append(window)
                    self._look_ahead(turn)
                    lanes = Lanes(window.drafts, is_ordered=self._is_ordered)
                    received_at = self._clock.now()
                    while places := lanes.following():
                        yield [self._inbound(window, lanes, at, received_at) for at in places]
                    window = await self._further(turn)
                if turn.windows:
                    _, trouble = await self._attempt(partial(self._settle, turn))
                    if not self._is_failing:
                        self._recovered()
                if trouble is not None:
                    yield [self._refusal(trouble)]
                await self._rest(turn)
        finally:
            await self._forget_ahead()
            await self._session.close()

    # -- looking ahead -------------------------------------------------------------------------

    def _look_ahead(self, turn: _Turn) -> None:
        """Take the next window while the journal writes this one, up to WINDOWS_MAX under one hold."""
        may = self._port.takes_further and turn.windows[-1].has_more and len(turn.windows) < WINDOWS_MAX
        self._ahead = asyncio.create_task(self._windows.take()) if may else None

    async def _further(self, turn: _Turn) -> Window | None:
        """Give what was taken meanwhile; None where there is none, or where something before it was given up.

        A row must not be told of before an older change of it. What went wrong here is not told: this turn
        ends, and the next one meets it.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return None
        try:
            window = await ahead
        except Exception as error:  # noqa: BLE001  whatever a driver raises
            log.debug("feed.not_ahead endpoint=%s reason=%s", self._name, error)
            turn.is_cut = True
            return None
        turn.is_cut = not turn.windows[-1].is_whole
        return None if turn.is_cut else window

    async def _forget_ahead(self) -> None:
        if self._ahead is not None:
            await ended(self._ahead)

    # -- giving --------------------------------------------------------------------------------

    def _inbound(self, window: Window, lanes: Lanes, at: int, received_at: datetime) -> Inbound:
        draft, body = window.drafts[at], window.bodies[at]

        async def settle(settlement: Settlement) -> None:
            if at not in window.settled:  # refused ones, too: the journal has the finding
                window.settled.add(at)
                lanes.taken(at)

        return Inbound(
            route=self._setup.route,
            arrival_key=arrival_key(self._session.feed, draft, body),
            origin=self._origin(draft, received_at),
            body=_whole(body),
            settle=settle,
            partner=self._setup.partner,
        )

    def _origin(self, draft: Draft, received_at: datetime) -> Origin:
        last = draft.last
        key = "/".join([each or "" for each in draft.key])
        facts = {"operation": last.operation, "row_id": str(last.id)}
        if len(draft.changes) > 1:
            facts["merged"] = str(len(draft.changes))
        return Origin(
            transport="db_triggers",
            received_at=received_at,
            name=f"{draft.table}[{key}]"[:NAME_CHARS],
            peer=self._name,
            facts=facts,
        )

    async def _settle(self, turn: _Turn) -> None:
        taken = [change for window in turn.windows for change in window.done]
        await self._port.settle(taken, is_whole=turn.is_whole)
        if dropped := sum(len(window.dropped) for window in turn.windows):
            log.info("feed.dropped endpoint=%s rows=%d", self._name, dropped)

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
        log.warning(
            "feed.failed route=%s endpoint=%s code=%s reason=%s",
            self._setup.route,
            self._name,
            finding.code,
            finding.text,
        )
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
        place = "" if isinstance(error, NoLogInError) else f"{where(self._settings)}: "
        return fault.kind, Finding(fault.code, at, f"{place}{fault.told}; {fault.advice}")

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

    async def _rest(self, turn: _Turn) -> None:
        """Wait: not at all while there is more, shortly after rows, then longer; NOTIFY wakes it."""
        settings = self._settings
        if self._is_failing:
            if self._is_denied:
                await self._rest_denied()
            else:
                await self._clock.sleep(self._pause_s)
            self._pause_s = 0.0
            return
        last = turn.windows[-1]  # a turn without one has failed
        if last.has_more and last.done:
            return
        shortest, longest = settings.poll.total_seconds(), settings.poll_max.total_seconds()
        had_rows = any(window.changes for window in turn.windows)
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


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _refused(finding: Finding) -> AsyncIterator[bytes]:
    for refusal in (finding,):
        raise DecodeError(refusal)
    yield b""
