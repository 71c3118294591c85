"""Benches of Dynamics 365: the suite's own, with a tenant to set up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.journal.memory import MemoryJournal
from simulators.cloud_erp.dynamics365 import Dynamics365
from simulators.faults import Fault
from tests.gateway.erp.bench import Bench, ElasticClock
from tests.gateway.erp.erps import Dynamics, DynamicsByOurNumber

ITEMS = [{"scheme": "buyer", "value": "TG1"}]


@asynccontextmanager
async def bench(*faults: Fault, numbering: str = "ours", **settings: Any) -> AsyncIterator[Bench]:
    """Give a bench whose orders keep our number, or are numbered by the ERP."""
    clock = ElasticClock()
    journal = MemoryJournal(clock=clock)
    erp = DynamicsByOurNumber() if numbering == "ours" else Dynamics()
    try:
        async with Bench(erp, journal, clock, *faults, **settings) as made:
            yield made
    finally:
        await journal.close()


def tenant_of(made: Bench) -> Dynamics365:
    """Give the simulator as what it is."""
    assert isinstance(made.simulator, Dynamics365)
    return made.simulator


def held(made: Bench, entity_set: str) -> list[dict[str, Any]]:
    """Give everything of an entity set, oldest first."""
    documents = made.simulator.documents
    found = (documents.get(entity_set, key) for key in documents.keys(entity_set))
    return [each for each in found if each is not None]
