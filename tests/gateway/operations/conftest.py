from __future__ import annotations

import pytest

from gateway.journal.memory import MemoryJournal
from tests.gateway.operations.bench import Bench
from tests.gateway.support import FakeClock


@pytest.fixture
async def bench() -> Bench:
    clock = FakeClock()
    made = Bench(MemoryJournal(clock=clock), clock)
    await made.start()
    return made
