"""Wiring: the only place that builds objects, and the life of the process around them.

A gateway starts by putting in order what its predecessor left, then runs its loops until it is told
to stop or the journal fails. A journal that fails ends the process at once: what it has not written
was never acknowledged, and the next start recovers from the file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.base import (
    Answered,
    Clock,
    Executor,
    Finding,
    Format,
    Inbound,
    Origin,
    Rng,
    Source,
)
from adapters.base.facade import CallOutcome, Facade
from adapters.base.registry import adapter
from gateway.acknowledging import REPLY
from gateway.alarms import Send
from gateway.api.facades import Served
from gateway.call_outcomes import CallOutcomes
from gateway.calls import Calls
from gateway.canonical_json import NAME as CANONICAL
from gateway.canonical_json import CanonicalJson
from gateway.comparing import Comparisons
from gateway.compiling import compile_programs, declared_stages
from gateway.config import Configuration
from gateway.config.reloading import ReloadError, refused_changes, waiting_for_restart
from gateway.delivery import DeliveryWorker
from gateway.destination import Destination
from gateway.destinations import Destinations
from gateway.facade_routes import served_facades, untouched_routes
from gateway.journal.base import Journal
from gateway.journal.types import ClaimedDelivery, Settled
from gateway.loops import Loops
from gateway.order_mover import TRANSPORT as MOVE
from gateway.order_mover import OrderMover
from gateway.pipeline import Pipeline
from gateway.process_facts import process_facts
from gateway.program import Programs
from gateway.pruning import PruneLoop
from gateway.query_comparing import Comparing
from gateway.revisions import Revisions
from gateway.sources import Sources
from gateway.stage_mover import StageMover
from gateway.translator import Translator
from gateway.watches import alarm_loop, expiry_loop

log = logging.getLogger("legacy_bridge.app")

DRAIN_S = 10.0
DELIVERING = ("deliver", "shadow")  # the loops whose work is finished before the end
WATCHING = ("alarm", "expiry")  # those that a reload begins anew, as it does sources
SOURCE = "source "  # before a route's name: the loop of its source
SHADOWS_GATHER_S = 0.25


def format_by_name(name: str) -> Format:
    """Give a format: an adapter's, or canonical JSON. Importable by name, for worker processes."""
    if name == CANONICAL:
        return CanonicalJson()
    made = adapter(name).format
    if made is None:
        raise LookupError(f"the adapter '{name}' has no format")
    return made()


class Gateway:
    """One running gateway."""

    def __init__(
        self,
        configuration: Configuration,
        journal: Journal,
        executor: Executor,
        clock: Clock,
        rng: Rng,
        *,
        secret: Callable[[str], str],
        senders: tuple[Send, ...] = (),
        compiled: Callable[[str, int], Programs | None] = lambda text, revision: None,
    ) -> None:
        self.configuration = configuration
        self.journal = journal
        self.clock = clock
        self._executor = executor
        self._rng = rng
        self._secret = secret
        self._senders = senders
        self._compiled = compiled
        self._running_sources: Mapping[str, Source] = {}
        self._loops = Loops(self._not_ready)
        self._started_with = configuration
        self._started_at: datetime | None = None
        self._reloading: list[Callable[[Configuration], Callable[[], None]]] = []
        self.destinations = Destinations(clock, rng, secret, self.take)
        self._sources = Sources(
            journal, self.destinations, clock, rng, secret,
            take=self.take, take_together=self.take_together,
        )  # fmt: skip
        self.facade_of: Callable[[str], Facade | None] = lambda route: None  # set where facades are served
        self.is_ready = False
        self.name = f"gateway-{rng.token()}"

    async def start(self, who: str = "start") -> None:
        """Recover, load the configuration, and begin to work; listeners come after.

        Errors: JournalError, and those of endpoints that cannot be built; then ``stop`` lets go of the rest.
        """
        journal, configuration = self.journal, self.configuration
        now = self._started_at = self.clock.now()
        self._loops.open()
        await journal.bind_environment(configuration.gateway.environment)
        recovered = await journal.recover(now)
        if recovered:
            log.warning("journal.recovered deliveries=%d", recovered)
        await self.destinations.warm_up(configuration)
        destinations, sources = self.destinations.prepared(configuration), self._sources.of(configuration)
        programs = await self._load(configuration, who)
        self.destinations.take_over(destinations)
        self._build(programs)
        self._run_loops()
        self._watch()
        self._start_sources(sources)
        self.is_ready = True

    async def wait(self) -> None:
        """Run until something fails for good. Errors: JournalError."""
        await self._loops.wait()

    async def stop(self, within_s: float = DRAIN_S) -> None:
        """Take nothing more, finish what is under way (bounded), let go of everything but the journal."""
        self.is_ready = False
        await self._loops.end(lambda name: name not in DELIVERING)
        if any(self._loops.runs(name) for name in DELIVERING):
            workers = (self.worker, self.shadows)
            for worker in workers:
                worker.stop_claiming()
            try:
                await asyncio.wait_for(asyncio.gather(*(each.drain() for each in workers)), within_s)
            except TimeoutError:
                log.warning("gateway.drain_incomplete the rest is recovered at the next start")
            await self._loops.end(lambda name: name in DELIVERING)
        await self.destinations.close()

    async def reload(self, configuration: Configuration, who: str) -> int:
        """Take over another configuration in mid-flight; give its revision.

        What is decoded keeps its revision, what is decided from now on is decided by the new one. All that
        can fail comes first: once the journal holds the new revision, plans by the old one are refused.
        Errors: ReloadError where it changes what a running gateway cannot change.
        """
        if refused := refused_changes(self.configuration, configuration):
            raise ReloadError(refused)
        for setting in waiting_for_restart(self._started_with, configuration):
            log.warning("configuration.waits_for_restart setting=%s", setting)
        await self.destinations.warm_up(configuration)
        destinations, sources = self.destinations.prepared(configuration), self._sources.of(configuration)
        taking_over = [prepare(configuration) for prepare in self._reloading]
        programs = await self._load(configuration, who)
        self.configuration = configuration
        self.programs.make_current(programs)
        self.destinations.take_over(destinations)
        for take_over in taking_over:
            take_over()
        await self._loops.end(lambda name: name in WATCHING or name.startswith(SOURCE))
        self._watch()
        self._start_sources(sources)
        self._planned()
        return programs.revision

    def renew_decoding(self) -> None:
        """Let decoding processes begin anew: they have read files as they were."""
        self._executor.renew()

    async def take(self, inbound: Inbound) -> None:
        """Accept one input, for sources and the HTTP application."""
        await self.pipeline.take(inbound)

    async def take_together(self, inbounds: Sequence[Inbound]) -> None:
        """Accept small inputs of one source by one commit."""
        await self.pipeline.take_together(inbounds)

    async def answer(self, message_id: str, within_s: float) -> Answered | None:
        """Give a waiting caller its acknowledgment where its partner wants it here, else the result."""
        message = await self.journal.message(message_id)
        program = self.programs(None).routes.get(message.route)
        if program is not None and program.acknowledge.to == REPLY:
            return await self.calls.acknowledgment(message_id, within_s)
        return await self.calls.result(message_id, within_s)

    async def outcome(self, message_id: str, within_s: float, passes_on: bool) -> CallOutcome:
        """Wait for what becomes of a call that arrived at a facade."""
        outcomes = CallOutcomes(self.journal, self.calls, self.answer)
        return await outcomes.of(message_id, within_s, passes_on=passes_on)

    async def passing_on(self) -> frozenset[str]:
        """Name the routes whose calls go on to legacy unchanged, by the stages of now."""
        return untouched_routes(self.programs(None).routes, await self.journal.stages())

    def facades(self, configuration: Configuration) -> list[Served]:
        """Build the facades of a configuration. Errors: FacadeError."""
        return served_facades(configuration, self.clock, self._rng, self._secret)

    def process_facts(self) -> Mapping[str, Any]:
        """Give what only the running process knows: since when, and what it leaves alone or waits for."""
        return process_facts(
            self._started_at, self.programs(None).revision,
            self.destinations(), self._running_sources, self.clock,
        )  # fmt: skip

    def look_again(self) -> None:
        """Say that a person changed something: there may be work."""
        self._planned()
        self.mover.wake()

    def on_reload(self, prepare: Callable[[Configuration], Callable[[], None]]) -> None:
        """Have something prepare for each new configuration, and take it over once the journal has it.

        What ``prepare`` raises refuses the configuration; nothing has changed then.
        """
        self._reloading.append(prepare)

    def alarm_by(self, senders: tuple[Send, ...]) -> None:
        """Send alarms in other ways from the next start or reload on."""
        self._senders = senders

    async def refuse(self, route: str, origin: Origin, finding: Finding) -> str:
        """Keep the finding of an input that was refused before it came to the pipeline."""
        return await self.journal.refuse(route, origin, finding, self.clock.now())

    async def is_healthy(self) -> bool:
        """Tell whether inputs can be taken."""
        return self.is_ready and await self.journal.is_healthy()

    async def _load(self, configuration: Configuration, who: str) -> Programs:
        now = self.clock.now()
        revision = await self.journal.load_configuration(configuration.text, configuration.sha256, who, now)
        await self.journal.declare_stages(declared_stages(configuration), now)
        return compile_programs(configuration, revision)

    def _build(self, programs: Programs) -> None:
        """Make what works by the configuration that the journal has now."""
        journal = self.journal
        self.programs = Revisions(programs, journal, self._compiled)
        self.worker = self._deliverer(self.name, programs.lease_s, is_tenant=False)
        self.shadows = self._deliverer(f"{self.name}-shadows", programs.lease_s, is_tenant=True)
        self.pipeline = Pipeline(
            journal, self.programs, format_by_name, self._executor, self.clock, self._rng,
            accepted=self._arrived, planned=self._planned,
        )  # fmt: skip
        self.translator = Translator(journal, self.pipeline, self.clock)
        self.calls = Calls(
            journal, self.pipeline, self.destinations, self.clock, self._rng,
            worker=self.name, lease_s=programs.lease_s, ended=self._planned,
        )  # fmt: skip
        self.mover = OrderMover(
            journal, self.programs, format_by_name, self.clock, self._rng, moved=self._planned
        )
        self.comparisons = Comparisons(journal, self.programs, self.destinations, self.clock)

    def _run_loops(self) -> None:
        journal, run = self.journal, self._loops.run
        run("deliver", self.worker.run())
        run("shadow", self.shadows.run())
        run("move", self.mover.run())
        run("translate", self.translator.run())
        run("calls", self.calls.run())
        run("prune", PruneLoop(journal, lambda: self.configuration, self.clock).run())
        run("compare", self.comparisons.run())
        run("stages", StageMover(journal, lambda: self.configuration, self.clock, self._moved).run())

    def _deliverer(self, name: str, lease_s: float, *, is_tenant: bool) -> DeliveryWorker:
        """Make what delivers to shadows' tenants, or to all others, which it lets go first."""

        def destinations() -> Mapping[str, Destination]:
            return {key: each for key, each in self.destinations().items() if each.is_tenant is is_tenant}

        return DeliveryWorker(
            self.journal, destinations, self.clock, self._rng,
            name=name, lease_s=lease_s,
            gather_s=SHADOWS_GATHER_S if is_tenant else 0.0,
            settled=self._settled,
            compared=Comparing(self.journal, self.clock, lambda route: self.facade_of(route)),  # noqa: PLW0108
        )  # fmt: skip

    def _arrived(self) -> None:
        self.translator.wake()

    def _settled(self, claimed: ClaimedDelivery, settled: Settled) -> None:
        self.calls.settled(claimed, settled)
        if claimed.role == "close" or claimed.origin.transport == MOVE:
            self.mover.wake()
        self.comparisons.hear(claimed)
        if settled.aliases:
            self.translator.wake()  # a new alias may be what a follow-on waits for

    def _moved(self, route: str) -> None:
        self.worker.wake()

    def _planned(self) -> None:
        self.worker.wake()
        self.shadows.wake()
        self.translator.wake()  # a planned order may be what a follow-on waits for

    def _watch(self) -> None:
        """Begin to tell of what is late and of what ends, by the configuration of now."""
        configuration, senders = self.configuration, self._senders
        self._loops.run("alarm", alarm_loop(configuration, self.journal, self.clock, senders).run())
        self._loops.run("expiry", expiry_loop(configuration, self.clock, senders).run())

    def _start_sources(self, sources: Mapping[str, Source]) -> None:
        self._running_sources = sources
        for name, source in sources.items():
            self._loops.run(f"{SOURCE}{name}", self._sources.receive(name, source))

    def _not_ready(self) -> None:
        self.is_ready = False
