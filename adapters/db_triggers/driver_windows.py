"""Takes changes from a feed a window at a time, and makes messages of them. I/O, through the feed's session.

A window is what one look at the feed gives. What the gateway wrote itself, and what the settings do not want,
is left out; where a trigger no longer captures its table, nothing is taken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.documents import Draft, Reading, body_of, drafts_of
from adapters.db_triggers.driver_feed_session import Session
from adapters.db_triggers.driver_reading import RowReader
from adapters.db_triggers.driver_schema import live_fingerprints
from adapters.db_triggers.images import key_values, record_of
from adapters.db_triggers.outbox import Change

_WORDS = {"I": "insert", "U": "update", "D": "delete"}


class FeedPort(Protocol):
    """How one kind of feed finds changes and lets go of them."""

    listens: bool
    takes_further: bool  # asked again before ``settle``, it gives what follows, under the same hold

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
class Window:
    """What one look took, which messages it makes, and what became of them."""

    changes: list[Change] = field(default_factory=list)
    dropped: list[Change] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)  # places of drafts
    has_more: bool = False

    @property
    def is_whole(self) -> bool:
        """Tell whether the journal has all of it."""
        return len(self.settled) == len(self.drafts)

    @property
    def done(self) -> list[Change]:
        """Give the changes that may go."""
        return [change for at in self.settled for change in self.drafts[at].changes] + self.dropped


class SchemaError(Exception):
    """A table is not as its trigger captures it."""

    def __init__(self, table: str, text: str) -> None:
        super().__init__(text)
        self.table = table


class Windows:
    """Takes window after window, through one session."""

    def __init__(
        self,
        settings: DbEndpoint,
        session: Session,
        port: FeedPort,
        *,
        echoes: Echoes | None = None,
        triggers: Callable[[], Awaitable[Mapping[str, str]]] | None = None,
    ) -> None:
        self._settings = settings
        self._session = session
        self._port = port
        self._reader = RowReader(settings)
        self._echoes = echoes
        self._triggers = triggers

    async def take(self) -> Window:
        """Take what there is now, at most one batch. Errors: SchemaError; what the driver raises."""
        if not self._session.is_open:
            self._reader.forget()
            await self._session.open(listens=self._port.listens)
        changes, has_more = await self._port.take()
        window = Window(changes, has_more=has_more)
        if not changes:
            return window
        await self._check_schema(changes)
        kept = await self._kept(window, changes)
        window.drafts = drafts_of(kept, self._settings.tables)
        if has_more and any(draft.reads_row for draft in window.drafts):
            lanes = list(dict.fromkeys(change.lane for change in kept))
            further = await self._port.complete(lanes, changes[-1].id)
            window.changes += further
            kept += await self._kept(window, further)
            window.drafts = drafts_of(kept, self._settings.tables)
        readings = await self._read(window.drafts)
        window.bodies = [
            body_of(draft, reading) for draft, reading in zip(window.drafts, readings, strict=True)
        ]
        return window

    async def _kept(self, window: Window, changes: Sequence[Change]) -> list[Change]:
        """Leave out what the gateway wrote itself, and what the settings do not want."""
        echoes = await self._echoed(changes)
        own, kept = self._settings.origin, list[Change]()
        for change in changes:
            is_ours = change.origin == own or change.id in echoes
            (window.dropped if is_ours or not self._wants(change) else kept).append(change)
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


def _is_readable(change: Change) -> bool:
    """Tell whether a change can be asked about; what its trigger wrote wrongly is parked by name later."""
    try:
        key_values(change.key)
        return record_of(change.before) is not None and record_of(change.after) is not None
    except ValueError:
        return False
