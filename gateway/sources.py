"""The sources of a configuration: what each is built from, and the loop that takes what it gives."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from adapters.base import BatchSource, Clock, Inbound, Rng, Source
from adapters.base.registry import SourceSetup, adapter
from gateway.compiling import feeding_route
from gateway.config import Configuration, Route
from gateway.destinations import Destinations, endpoint_setup
from gateway.journal.base import Journal, JournalBusyError, JournalError
from gateway.judgments import LateJudgments
from gateway.taking import take_in_parts

log = logging.getLogger("legacy_bridge.app")

PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)

Take = Callable[[Inbound], Awaitable[None]]
TakeTogether = Callable[[Sequence[Inbound]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sources:
    """Builds sources, and receives from them."""

    journal: Journal
    destinations: Destinations  # a source may answer by another endpoint's sink
    clock: Clock
    rng: Rng
    secret: Callable[[str], str]
    take: Take
    take_together: TakeTogether

    def of(self, configuration: Configuration) -> dict[str, Source]:
        """Build the sources of a configuration by the route that each feeds; none of them runs yet."""
        found: dict[str, Source] = {}
        for name, route in configuration.routes.items():
            if route.source.endpoint is None or feeding_route(configuration.routes, route) != name:
                continue
            source = self._made(configuration, route)
            if source is not None:
                found[name] = source
        return found

    async def receive(self, name: str, source: Source) -> None:
        """Take what a source gives, one after the other: files of one partner keep their order.

        A source of batches says itself what needs no order; its inputs share the journal's commits.
        """
        failures = 0
        while True:
            try:
                async with contextlib.aclosing(_batches(source)) as batches:
                    async for batch in batches:
                        await take_in_parts(batch, self._take_patiently)
                        failures = 0
            except JournalError:
                raise
            except Exception:  # an inlet that fails must not take the others with it
                log.exception("source.failed route=%s", name)
            await self.clock.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1

    def _made(self, configuration: Configuration, route: Route) -> Source | None:
        endpoint_name = route.source.endpoint or ""
        endpoint = configuration.endpoints[endpoint_name]
        made = adapter(endpoint.kind).source
        if made is None:
            return None
        setup = SourceSetup(
            endpoint=replace(
                endpoint_setup(endpoint_name, endpoint, self.clock, self.rng, self.secret),
                outlet_of=lambda name: self.destinations()[name].sink,
            ),
            route=route.id,
            settings=route.source.source_settings,
            identity=route.source.identity,
            partner=route.source.partner,
            memory=self.journal,
            size_bytes_max=configuration.gateway.limits.body_bytes_max,
            judgments=LateJudgments(
                self.journal,
                route=route.id,
                stage_of=route.follows or route.id,
                endpoint=endpoint_name,
                since=self.clock.now(),
            ),
        )
        return made(setup)

    async def _take_patiently(self, part: Sequence[Inbound]) -> None:
        try:
            await (self.take(part[0]) if len(part) == 1 else self.take_together(part))
        except JournalBusyError:
            # What is not settled is offered again by its source.
            log.warning("source.journal_busy route=%s", part[0].route)
            await self.clock.sleep(1.0)


async def _batches(source: Source) -> AsyncGenerator[Sequence[Inbound]]:
    if isinstance(source, BatchSource):
        async with contextlib.aclosing(source.receive_batches()) as batches:
            async for batch in batches:
                yield batch
        return
    async for inbound in source.receive():
        yield (inbound,)
