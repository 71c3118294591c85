"""The bench of the SAP connector's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest_asyncio

from gateway.journal.memory import MemoryJournal
from simulators.cloud_erp.sap_s4hana import Tenant
from tests.gateway.erp.bench import ElasticClock
from tests.gateway.erp.sap_s4hana.sap_bench import Make, SapBench, SapWith


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def made(tenant: Tenant | None = None, **settings: Any) -> SapBench:
            clock = ElasticClock()
            journal = MemoryJournal(clock=clock)
            stack.push_async_callback(journal.close)
            bench = SapBench(SapWith(tenant or Tenant()), journal, clock, **settings)
            await stack.enter_async_context(bench)
            return bench

        yield made
