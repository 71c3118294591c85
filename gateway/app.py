"""Wiring: the only place that builds objects, and the life of the process around them.

A gateway starts by putting in order what its predecessor left, then runs its loops until it is told
to stop or the journal fails. A journal that fails ends the process at once: what it has not written
was never acknowledged, and the next start recovers from the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.base import (
    Answered,
    BatchSource,
    Clock,
    Executor,
    Finding,
    Format,
    Inbound,
    Origin,
    Rng,
    Source,
    TroubledSink,
    TroubledSource,
)
from adapters.base.facade import CallOutcome, Facade
from adapters.base.registry import SourceSetup, adapter
from gateway.acknowledging import REPLY
from gateway.alarms import AlarmLoop, Send
from gateway.api.facades import Served
from gateway.call_outcomes import CallOutcomes
from gateway.calls import Calls
from gateway.canonical_json import NAME as CANONICAL
from gateway.canonical_json import CanonicalJson
from gateway.comparing import Comparisons
from gateway.compiling import compile_programs, feeding_route
from gateway.config import Configuration, Route
from gateway.config import check as check_presence
from gateway.config.reloading import ReloadError, refused_changes, waiting_for_restart
from gateway.delivery import DeliveryWorker, Destination
from gateway.destinations import Destinations, endpoint_setup
from gateway.expiry import ExpiryLoop
from gateway.facade_routes import served_facades
from gateway.journal.base import Journal, JournalBusyError, JournalError
from gateway.journal.types import ClaimedDelivery, Settled
from gateway.judgments import LateJudgments
from gateway.order_mover import TRANSPORT as MOVE
from gateway.order_mover import OrderMover
from gateway.pipeline import Pipeline
from gateway.program import Programs
from gateway.query_comparing import Comparing
from gateway.revisions import Revisions
from gateway.stage import Stage
from gateway.stage_mover import StageMover
from gateway.taking import take_in_parts
from gateway.translator import Translator

log = logging.getLogger("legacy_bridge.app")

DRAIN_S = 10.0
DELIVERING = ("deliver", "shadow")  # the loops whose work is finished before the end
SHADOWS_GATHER_S = 0.25
PRUNE_EVERY_S = 60.0
PRUNE_BATCH = 500
SOURCE_PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)


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
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running_sources: Mapping[str, Source] = {}
        self._failed: asyncio.Future[None] | None = None
        self._started_with = configuration
        self._started_at: datetime | None = None
        self._reloading: list[Callable[[Configuration], Callable[[], None]]] = []
        self.destinations = Destinations(clock, rng, secret, self.take)
        self.facade_of: Callable[[str], Facade | None] = lambda route: None  # set where facades are served
        self.is_ready = False
        self.name = f"gateway-{rng.token()}"

    async def start(self, who: str = "start") -> None:
        """Recover, load the configuration, and begin to work; listeners come after.

        Errors: JournalError, and those of endpoints that cannot be built; then ``stop`` lets go of the rest.
        """
        journal, configuration = self.journal, self.configuration
        now = self._started_at = self.clock.now()
        self._failed = asyncio.get_running_loop().create_future()
        await journal.bind_environment(configuration.gateway.environment)
        recovered = await journal.recover(now)
        if recovered:
            log.warning("journal.recovered deliveries=%d", recovered)
        await self.destinations.warm_up(configuration)
        destinations, sources = self.destinations.prepared(configuration), self._sources(configuration)
        programs = await self._load(configuration, who)
        self.programs = Revisions(programs, journal, self._compiled)
        self.destinations.take_over(destinations)
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
        self._run("deliver", self.worker.run())
        self._run("shadow", self.shadows.run())
        self._run("move", self.mover.run())
        self._run("translate", self.translator.run())
        self._run("calls", self.calls.run())
        self._run("alarm", self._alarms().run())
        self._run("expiry", self._expiry().run())
        self._run("prune", self._prune())
        self._run("compare", self.comparisons.run())
        self._run("stages", StageMover(journal, lambda: self.configuration, self.clock, self._moved).run())
        self._start_sources(sources)
        self.is_ready = True

    async def wait(self) -> None:
        """Run until something fails for good. Errors: JournalError."""
        if self._failed is None:
            raise RuntimeError("the gateway was not started")
        await asyncio.shield(self._failed)

    async def stop(self, within_s: float = DRAIN_S) -> None:
        """Take nothing more, finish what is under way (bounded), let go of everything but the journal."""
        self.is_ready = False
        for name in [name for name in self._tasks if name not in DELIVERING]:
            await _cancelled(self._tasks.pop(name))
        if delivering := [self._tasks.pop(name) for name in DELIVERING if name in self._tasks]:
            workers = (self.worker, self.shadows)
            for worker in workers:
                worker.stop_claiming()
            try:
                await asyncio.wait_for(asyncio.gather(*(each.drain() for each in workers)), within_s)
            except TimeoutError:
                log.warning("gateway.drain_incomplete the rest is recovered at the next start")
            for task in delivering:
                await _cancelled(task)
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
        destinations, sources = self.destinations.prepared(configuration), self._sources(configuration)
        taking_over = [prepare(configuration) for prepare in self._reloading]
        programs = await self._load(configuration, who)
        self.configuration = configuration
        self.programs.make_current(programs)
        self.destinations.take_over(destinations)
        for take_over in taking_over:
            take_over()
        for name in [
            name for name in self._tasks if name in ("alarm", "expiry") or name.startswith("source ")
        ]:
            await _cancelled(self._tasks.pop(name))
        self._run("alarm", self._alarms().run())
        self._run("expiry", self._expiry().run())
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
        stages = await self.journal.stages()
        untouched = (Stage.LEGACY, Stage.SHADOW)
        found = set()
        for name, program in self.programs(None).routes.items():
            state = stages.get(program.stage_route)
            if program.reply in ("pass_through", "query") and state is not None and state.stage in untouched:
                found.add(name)
        return frozenset(found)

    def facades(self, configuration: Configuration) -> list[Served]:
        """Build the facades of a configuration. Errors: FacadeError."""
        return served_facades(configuration, self.clock, self._rng, self._secret)

    def process_facts(self) -> Mapping[str, Any]:
        """Give what only the running process knows: since when, and what it leaves alone or waits for."""
        monotonic = self.clock.monotonic()
        waiting = {name: each.health.reason(monotonic) for name, each in self.destinations().items()}
        return {
            "pid": os.getpid(),
            "started_at": self._started_at.isoformat() if self._started_at is not None else None,
            "configuration_revision": self.programs(None).revision,
            "targets_left_alone": {name: reason for name, reason in waiting.items() if reason},
            "targets_that_need_a_person": {
                name: each.sink.trouble
                for name, each in self.destinations().items()
                if isinstance(each.sink, TroubledSink) and each.sink.trouble
            },
            "sources_standing_still": {
                name: source.trouble
                for name, source in self._running_sources.items()
                if isinstance(source, TroubledSource) and source.trouble
            },
        }

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

    def _alarms(self) -> AlarmLoop:
        configuration = self.configuration
        alarms = configuration.gateway.alarms
        every = [
            configuration.patience(name, rush) for name in configuration.routes for rush in (True, False)
        ]
        return AlarmLoop(
            self.journal,
            self.clock,
            self._senders,
            repeat=alarms.repeat,
            patience=configuration.patience,
            patience_least=min(every, default=configuration.defaults.deadline.rush),
            tell=self._told,
        )

    def _expiry(self) -> ExpiryLoop:
        configuration = self.configuration
        return ExpiryLoop(
            lambda now: check_presence(configuration, live=False, now=now), self.clock, self._senders
        )

    def _told(self, route: str) -> tuple[str, ...]:
        found = self.configuration.routes.get(route)
        return self.configuration.deadline(found).tell if found is not None else ()

    async def _prune(self) -> None:
        while True:
            now, retention = self.clock.now(), self.configuration.gateway.retention
            try:
                done = await self.journal.prune(
                    now, now - retention.bodies, now - retention.keys, now - retention.orders, PRUNE_BATCH
                )
            except JournalBusyError:
                done = 0
            await self.clock.sleep(PRUNE_EVERY_S if done < PRUNE_BATCH else 0.1)

    def _sources(self, configuration: Configuration) -> dict[str, Source]:
        """Build the sources of a configuration by the route that each feeds; none of them runs yet."""
        found: dict[str, Source] = {}
        for name, route in configuration.routes.items():
            if route.source.endpoint is None or feeding_route(configuration.routes, route) != name:
                continue
            source = self._source(configuration, route)
            if source is not None:
                found[name] = source
        return found

    def _start_sources(self, sources: Mapping[str, Source]) -> None:
        self._running_sources = sources
        for name, source in sources.items():
            self._run(f"source {name}", self._receive(name, source))

    def _source(self, configuration: Configuration, route: Route) -> Source | None:
        endpoint_name = route.source.endpoint or ""
        endpoint = configuration.endpoints[endpoint_name]
        made = adapter(endpoint.kind).source
        if made is None:
            return None
        setup = SourceSetup(
            endpoint=replace(
                endpoint_setup(endpoint_name, endpoint, self.clock, self._rng, self._secret),
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

    async def _receive(self, name: str, source: Source) -> None:
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
            await self.clock.sleep(SOURCE_PAUSES_S[min(failures, len(SOURCE_PAUSES_S) - 1)])
            failures += 1

    async def _take_patiently(self, part: Sequence[Inbound]) -> None:
        try:
            await (self.take(part[0]) if len(part) == 1 else self.take_together(part))
        except JournalBusyError:
            # What is not settled is offered again by its source.
            log.warning("source.journal_busy route=%s", part[0].route)
            await self.clock.sleep(1.0)

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._failed is None or self._failed.done():
            return
        error = task.exception() or RuntimeError(f"the loop '{task.get_name()}' ended")
        log.critical("gateway.failed loop=%s reason=%s", task.get_name(), error)
        self.is_ready = False
        self._failed.set_exception(error)


async def _batches(source: Source) -> AsyncGenerator[Sequence[Inbound]]:
    if isinstance(source, BatchSource):
        async with contextlib.aclosing(source.receive_batches()) as batches:
            async for batch in batches:
                yield batch
        return
    async for inbound in source.receive():
        yield (inbound,)


def declared_stages(configuration: Configuration) -> Mapping[str, tuple[str, str]]:
    """Give what routes.yaml declares for each route that originates orders: stage and share."""
    declared = {}
    for name, route in configuration.routes.items():
        if route.stage is not None:
            share = str(route.canary.share) if route.canary is not None else "0"
            declared[name] = (route.stage.value, share)
    return declared


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
