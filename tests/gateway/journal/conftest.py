"""The journals under test: every test of this folder that asks for ``journal`` runs on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.journal.base import Journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.sqlite import SqliteJournal
from tests.gateway.journal.builders import T0, Scene

IMPLEMENTATIONS = ["memory", "sqlite"]


@dataclass
class SetClock:
    """A clock that tests set."""

    at: datetime = field(default=T0)
    elapsed_s: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed_s

    async def sleep(self, duration_s: float) -> None:
        self.later(duration_s)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)
        self.elapsed_s += seconds


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


async def open_journal(kind: str, clock: SetClock, folder: Path) -> Journal:
    """Open a new journal of a kind."""
    if kind == "sqlite":
        # What a flush is worth is test_sqlite_*.py's affair; here it would cost two thirds of the time.
        return await SqliteJournal.open(folder / "journal.db", clock=clock, unsafe_no_sync=True)
    return MemoryJournal(clock=clock)


@pytest_asyncio.fixture(params=IMPLEMENTATIONS)
async def journal(request: pytest.FixtureRequest, clock: SetClock, tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await open_journal(request.param, clock, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def scene(journal: Journal) -> Scene:
    return Scene(journal)
