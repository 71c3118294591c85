"""Makes the snapshots that somebody asks for in the database, beside a running feed. I/O.

A task of its own with a connection of its own: the database does the work, range by range, and the feed goes
on meanwhile. What goes wrong here never ends the feed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from adapters.base import BatchSource, Clock, Inbound, TroubledSource
from adapters.base.ending import ended
from adapters.base.registry import SourceSetup
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.ddl import DdlError
from adapters.db_triggers.driver_snapshot import Snapshots
from adapters.db_triggers.faults import fault_of
from adapters.db_triggers.snapshot import Progress, SnapshotError

log = logging.getLogger("legacy_bridge.db_triggers")


def with_snapshots(feed: BatchSource, setup: SourceSetup, settings: DbEndpoint) -> SnapshottingSource:
    """Give a feed that makes snapshots, too, where its database asks for them."""
    endpoint = setup.endpoint
    return SnapshottingSource(
        feed,
        lambda tell: Snapshots(
            settings, endpoint.secret, now=endpoint.clock.now, sleep=endpoint.clock.sleep, tell=tell
        ),
        clock=endpoint.clock,
        name=endpoint.name,
        dialect=settings.dialect,
        every_s=settings.schema_check.total_seconds(),
    )


class SnapshottingSource:
    """A feed, and the snapshots of its endpoint. ``every_s``: how often it looks for a signal."""

    def __init__(
        self,
        inner: BatchSource,
        snapshots: Callable[[Callable[[Progress], None]], Snapshots],
        *,
        clock: Clock,
        name: str,
        dialect: str,
        every_s: float,
    ) -> None:
        self._inner = inner
        self._make = snapshots
        self._clock = clock
        self._name = name
        self._dialect = dialect
        self._every_s = every_s
        self._told = ""

    @property
    def trouble(self) -> str | None:
        """Say what the feed stands still for, else what the snapshots do."""
        feed = self._inner.trouble if isinstance(self._inner, TroubledSource) else None
        return feed or (f"no snapshot can be made: {self._told}" if self._told else None)

    async def receive(self) -> AsyncIterator[Inbound]:
        """Give what the feed gives."""
        async with contextlib.aclosing(self.receive_batches()) as batches:
            async for batch in batches:
                for inbound in batch:
                    yield inbound

    async def receive_batches(self) -> AsyncGenerator[Sequence[Inbound]]:
        """Give what the feed gives, together what it gives together."""
        watching = asyncio.create_task(self._watch())
        try:
            async with contextlib.aclosing(self._inner.receive_batches()) as batches:
                async for batch in batches:
                    yield batch
        finally:
            await ended(watching)

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(self._every_s)
            if "[DB-CREDENTIAL]" not in (self.trouble or ""):  # the feed tells when the log-in is good again
                await self._look()

    async def _look(self) -> None:
        snapshots = self._make(self._tell)
        try:
            if await snapshots.waiting():
                put = await snapshots.run()
                log.info("snapshot.done endpoint=%s rows=%d", self._name, put)
            self._told = ""
        except (SnapshotError, DdlError) as error:
            self._warn(str(error))
        except (SQLAlchemyError, OSError, EOFError) as error:
            fault = fault_of(self._dialect, error)
            self._warn(f"{fault.told} [{fault.code}]")
        except Exception as error:
            log.exception("snapshot.broken endpoint=%s", self._name)
            self._told = f"{type(error).__name__}: {error}"
        finally:
            await snapshots.close()

    def _warn(self, text: str) -> None:
        """Say a trouble once, not at every look."""
        if text != self._told:
            self._told = text
            log.warning("snapshot.failed endpoint=%s reason=%s", self._name, text)

    def _tell(self, progress: Progress) -> None:
        log.info(
            "snapshot.progress endpoint=%s table=%s rows=%d of=%d waits_for=%s",
            self._name,
            progress.table,
            progress.rows_done,
            progress.rows_total,
            progress.waits_for or "-",
        )
