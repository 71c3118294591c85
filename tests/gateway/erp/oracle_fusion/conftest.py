"""An Oracle pod, its connector and a memory journal, made as a test needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest_asyncio

from gateway.journal.memory import MemoryJournal
from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.cloud_erp.oracle_fusion import OracleFusion, PodSettings
from simulators.faults import Fault, FaultScript
from simulators.serving import Tls
from tests.gateway.erp.bench import Bench, ElasticClock
from tests.gateway.erp.erps import Oracle

Make = Callable[..., Awaitable[Bench]]


class Pod(Oracle):
    """Oracle with a pod that is set up as a test says."""

    def __init__(self, settings: PodSettings) -> None:
        self._pod = settings

    def simulator(
        self, behaviour: Behaviour, faults: FaultScript, tls: Tls | None, clock: Callable[[], float]
    ) -> SimulatedErp:
        return OracleFusion(behaviour, faults, tls, settings=self._pod, clock=clock)


@pytest_asyncio.fixture
async def oracle() -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def made(*faults: Fault, pod: PodSettings | None = None, **settings: Any) -> Bench:
            clock = ElasticClock()
            journal = MemoryJournal(clock=clock)
            bench = Bench(Pod(pod or PodSettings()), journal, clock, *faults, **settings)
            return await stack.enter_async_context(bench)

        yield made
