"""A route test of routes.yaml, run: the real pipeline on a journal in memory, with targets that record.

Time stands still at one instant and chance is a counter, so that what comes of a test is the same
every time, acknowledgments to the last byte. Nothing outside is contacted and nothing is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.base import (
    Accepted,
    DecodeContext,
    Delivery,
    Effect,
    Finding,
    Finished,
    Format,
    Inbound,
    NoReply,
    Origin,
    Outcome,
    Refused,
    Reply,
    Request,
    Settlement,
    StepResult,
)
from canonical.registry import to_json
from gateway.compiling import compile_programs, feeding_route
from gateway.config import Configuration, Route, RouteTest
from gateway.delivering import Means, deliver_once
from gateway.destination import Destination
from gateway.erp.limits import TargetHealth
from gateway.erp.settings import LimitSettings
from gateway.journal.base import Journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import ClaimedDelivery, DeliveryView, DocumentView, Want
from gateway.pipeline import Pipeline
from gateway.program import OneRevision, Programs
from gateway.proven_times import ProvenTimes
from gateway.stage import Stage
from gateway.workers import InlineExecutor

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)  # of every test: acknowledgments carry it
ROUNDS_MAX = 10_000
LEASE_S = 60.0


@dataclass(slots=True)
class Observed:
    """What came of a test."""

    documents: list[DocumentView] = field(default_factory=list)
    deliveries: list[DeliveryView] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    acknowledgments: list[bytes] = field(default_factory=list)

    @property
    def live(self) -> list[DeliveryView]:
        """Give the deliveries that count: one for each document and target that gets it for real."""
        return [each for each in self.deliveries if each.role in ("live", "pass_through")]


async def observe(
    configuration: Configuration, route: Route, test: RouteTest, formats: Callable[[str], Format]
) -> Observed:
    """Run one test. Errors: OSError where a file that it names cannot be read."""
    clock, rng = _StoppedClock(), _CountingRng()
    journal = MemoryJournal(clock=clock)
    await journal.bind_environment(configuration.gateway.environment)
    revision = await journal.load_configuration(configuration.text, configuration.sha256, "test", NOW)
    await journal.declare_stages(_stages(configuration, route, test), NOW)
    programs = compile_programs(configuration, revision)
    pipeline = Pipeline(journal, OneRevision(programs), formats, InlineExecutor(formats), clock, rng)
    run = _Run(configuration, journal, pipeline, programs, clock, rng)
    for name in test.given:
        await run.give(Path(name), _route_of(configuration, route, Path(name), programs, formats))
    await run.wait_for_orders()
    return await run.observed()


class _Run:
    """One test under way."""

    def __init__(
        self,
        configuration: Configuration,
        journal: Journal,
        pipeline: Pipeline,
        programs: Programs,
        clock: _StoppedClock,
        rng: _CountingRng,
    ) -> None:
        self._configuration = configuration
        self._journal = journal
        self._pipeline = pipeline
        self._programs = programs
        self._clock = clock
        self._rng = rng
        self._recorder = _Recorder()
        self._refusals: list[Finding] = []
        self._message_ids: dict[str, None] = {}

    async def give(self, path: Path, route: Route) -> None:
        """Let one file arrive, and everything follow that does."""
        acceptance = await self._pipeline.take(self._inbound(path, route))
        if acceptance is None:
            return
        self._message_ids[acceptance.message_id] = None
        await self._pipeline.translate(acceptance.message_id)
        await self._deliver()

    async def wait_for_orders(self) -> None:
        """Let the time pass that follow-ons wait for their orders."""
        await self._pipeline.decide_awaiting()
        self._clock.pass_by(max(each.unknown.after_s for each in self._programs.routes.values()) + 1)
        await self._pipeline.decide_awaiting()
        await self._deliver()

    async def observed(self) -> Observed:
        """Give what came of it."""
        seen = Observed(findings=list(self._refusals), acknowledgments=list(self._recorder.acknowledgments))
        for message_id in self._message_ids:
            message = await self._journal.message(message_id)
            documents = await self._journal.documents(message_id=message_id)
            deliveries = await self._journal.deliveries(message_id=message_id)
            seen.documents += documents
            seen.deliveries += deliveries
            seen.findings += message.findings
            seen.findings += [finding for each in documents for finding in each.plan.findings]
            seen.findings += [finding for each in deliveries for finding in each.findings]
        return seen

    async def _deliver(self) -> None:
        """Deliver to recording targets until nothing is due."""
        means = Means(self._journal, self._clock, self._rng, LEASE_S, ProvenTimes(self._clock))
        for _ in range(ROUNDS_MAX):
            claimed = await self._claim()
            if not claimed:
                return
            for each in claimed:
                self._recorder.note(each)
                await deliver_once(each, self._recorder.destination(each.target), means)

    async def _claim(self) -> list[ClaimedDelivery]:
        now = self._clock.now()
        views = await self._journal.deliveries(states=("ready",), limit=ROUNDS_MAX)
        wants = [Want(name, ROUNDS_MAX) for name in dict.fromkeys(each.target for each in views)]
        claimed = await self._journal.claim("test", wants, LEASE_S, now, 0.0) if wants else []
        for each in views:
            if each.role == "pass_through":
                own = await self._journal.claim_one(each.delivery_id, "test", LEASE_S, now, 0.0)
                claimed += [own] if own is not None else []
        return claimed

    def _inbound(self, path: Path, route: Route) -> Inbound:
        async def settle(settlement: Settlement) -> None:
            if isinstance(settlement, Refused):
                self._refusals.append(settlement.finding)

        by_control_numbers = route.source.identity == "control_numbers"
        origin = Origin(
            transport="http" if route.source.http else "folder",
            received_at=self._clock.now(),
            name=path.name,
            facts={"identity": "control_numbers"} if by_control_numbers else {},
        )
        feeding = feeding_route(self._configuration.routes, route)
        return Inbound(feeding, None, origin, _pieces(path.read_bytes()), settle, route.source.partner)


class _Recorder:
    """Targets that take everything, and what they were given."""

    def __init__(self) -> None:
        self.acknowledgments: list[bytes] = []

    def destination(self, name: str) -> Destination:
        """Give a target that takes everything."""
        return Destination(name, _TakesAll(), _Silent(), TargetHealth(LimitSettings(), 0.0))

    def note(self, claimed: ClaimedDelivery) -> None:
        """Keep what an acknowledgment says."""
        if claimed.role == "acknowledgment":
            self.acknowledgments.append(claimed.body)


class _TakesAll:
    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Finished:
        if done:
            return Finished(delivery.reference)
        body = to_json(delivery.document) if delivery.document is not None else delivery.body
        return Request("take", Effect.REPEATABLE, "PUT", delivery.reference, body)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        return Accepted(request.address)


class _Silent:
    async def send(
        self, request: Request, *, still_mine: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply | NoReply:
        return Reply(200)

    async def close(self) -> None:
        return


class _StoppedClock:
    def __init__(self) -> None:
        self._at = NOW

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, duration_s: float) -> None:
        self.pass_by(duration_s)

    def pass_by(self, duration_s: float) -> None:
        self._at += timedelta(seconds=duration_s)


class _CountingRng:
    def __init__(self) -> None:
        self._count = 0

    def random(self) -> float:
        return 0.5

    def token(self) -> str:
        self._count += 1
        return f"test{self._count:012}"


def _stages(configuration: Configuration, route: Route, test: RouteTest) -> dict[str, tuple[str, str]]:
    """Give the stages that hold: the declared ones, and for the route under test what the test says."""
    deciding = route.follows or route.id
    stages = {}
    for name, each in configuration.routes.items():
        if each.stage is not None:
            stage = test.stage if name == deciding and test.stage is not None else each.stage
            stages[name] = (Stage(stage).value, str(configuration.share_percent(each)))
    return stages


def _route_of(
    configuration: Configuration,
    route: Route,
    path: Path,
    programs: Programs,
    formats: Callable[[str], Format],
) -> Route:
    """Give the route by which a file arrives: the order itself, given to a route that follows, by its own."""
    followed = configuration.routes.get(route.follows or "")
    if followed is None or followed.source.set is None or route.source.set is None:
        return route
    program = programs.routes[followed.id]
    context: DecodeContext = program.context
    decoder = formats(program.format_name).decoder(context)
    sets = [*decoder.feed(path.read_bytes()), *decoder.finish()[0]]
    kinds = {each.set_type for each in sets}
    return followed if followed.source.set in kinds and route.source.set not in kinds else route


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body
