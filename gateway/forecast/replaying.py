"""Replays recorded messages through the real pipeline under one configuration, on a journal in memory.

Accepting, translating, deciding, writing and claiming are the gateway's own code, so a plan and what then
happens cannot differ by rules of a plan's own. Only sending is not done: targets are asked for their
requests, and each delivery is settled as taken. Time is that of each message's acceptance.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

from adapters.base import Accepted, Format, Inbound, Reply, Settlement, StepResult, Target
from gateway.claimed_delivery import delivery_of
from gateway.compiling import compile_programs, feeding_route
from gateway.config import Configuration
from gateway.forecast.journal import ReplayJournal
from gateway.forecast.model import MessageForecast, RequestForecast
from gateway.forecast.observing import message_forecast
from gateway.forecast.requests import Rendered, rendered, shadow_rendered
from gateway.forecast.stages import Stages
from gateway.forecast.targets import targets_of
from gateway.journal.base import Journal, UnknownError
from gateway.journal.types import ClaimedDelivery, DeliveryState, Message, Settled, Want
from gateway.pipeline import Pipeline
from gateway.program import OneRevision
from gateway.shadowing import without_free_text
from gateway.workers import InlineExecutor

LEASE_S = 3600.0
ROUNDS_MAX = 100_000
CLAIMED_MAX = 10_000
READ_TOGETHER = 50  # bodies: one by one each would wait for the journal's reading thread


async def replayed(
    configuration: Configuration,
    stages: Stages,
    messages: Sequence[Message],
    past: Journal,
    formats: Callable[[str], Format],
) -> list[MessageForecast]:
    """Give what would become of each message, in their order.

    ``past``: the journal that they are recorded in; it is only read. Errors: JournalError, EndpointError.
    """
    run = _Run(configuration, stages, messages, past, formats)
    await run.begin()
    for position, message in enumerate(messages):
        if position % READ_TOGETHER == 0:
            await run.read_ahead(messages[position : position + READ_TOGETHER])
        await run.give(position, message)
    await run.end()
    return [await run.forecast(message) for message in messages]


class RecordedClock:
    """A clock that stands where it is put."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """Give the time that it was put to."""
        return self.at

    def monotonic(self) -> float:
        """Give nothing: no lease and no wait of a plan ends by itself."""
        return 0.0

    async def sleep(self, duration_s: float) -> None:
        """Pass the time at once."""
        self.at += timedelta(seconds=duration_s)


class RecordedNames:
    """A source of tokens that gives a recorded message the id that it has."""

    def __init__(self) -> None:
        self.next: str | None = None
        self._count = 0

    def random(self) -> float:
        """Give the middle."""
        return 0.5

    def token(self) -> str:
        """Give the recorded token once, then counted ones."""
        recorded, self.next = self.next, None
        self._count += 1
        return recorded or f"plan{self._count:012}"


class _Run:
    """One configuration's run."""

    def __init__(
        self,
        configuration: Configuration,
        stages: Stages,
        messages: Sequence[Message],
        past: Journal,
        formats: Callable[[str], Format],
    ) -> None:
        start = messages[0].accepted_at if messages else datetime(2000, 1, 1, tzinfo=UTC)
        self._configuration, self._stages, self._past = configuration, stages, past
        self._clock, self._names = RecordedClock(start), RecordedNames()
        window = frozenset(message.message_id for message in messages)
        self._journal = ReplayJournal(past, window, clock=self._clock)
        self._programs = compile_programs(configuration, 1)
        self._pipeline = Pipeline(
            self._journal, OneRevision(self._programs), formats, InlineExecutor(formats),
            self._clock, self._names,
        )  # fmt: skip
        self._targets = targets_of(configuration, self._clock, self._names)
        self._shadows = configuration.shadow_endpoints()
        self._bodies: dict[str, list[bytes] | None] = {}  # of the next messages; None: retention took them
        self._ids: dict[str, str] = {}  # recorded message -> the one that it is in this run
        self._refusals: dict[str, tuple[str, str]] = {}  # recorded message -> state, code
        self._requests: dict[str, tuple[RequestForecast, ...]] = {}  # by delivery
        self._waits: list[datetime] = []

    async def begin(self) -> None:
        """Load the configuration and set the stages."""
        now, text = self._clock.now(), self._configuration
        await self._journal.bind_environment(self._configuration.gateway.environment)
        await self._journal.load_configuration(text.text, text.sha256, "plan", now)
        await self._journal.declare_stages(self._stages, now)

    async def read_ahead(self, messages: Sequence[Message]) -> None:
        """Read the bytes of the next messages."""
        bodies = await asyncio.gather(*(self._read(message.message_id) for message in messages))
        self._bodies = dict(zip((message.message_id for message in messages), bodies, strict=True))

    async def _read(self, message_id: str) -> list[bytes] | None:
        try:
            return [piece async for piece in self._past.body(message_id)]
        except UnknownError:
            return None

    async def give(self, position: int, message: Message) -> None:
        """Let one message arrive when it did, and everything follow that does."""
        await self._pass_time(message.accepted_at)
        route = self._configuration.routes.get(message.route)
        if route is None:
            self._refusals[message.message_id] = ("not_received", "ROUTE-GONE")
            return
        feeding = feeding_route(self._configuration.routes, route)
        if self._bodies[message.message_id] is None:
            self._refusals[message.message_id] = ("not_received", "BODY-GONE")
            return
        self._journal.numbering(position)
        self._names.next = message.message_id.removeprefix(f"m{message.accepted_at:%y%m%d}")
        try:
            acceptance = await self._pipeline.take(self._inbound(message, feeding))
        finally:
            self._names.next = None
        if acceptance is None:
            return
        self._ids[message.message_id] = acceptance.message_id
        await self._translate(acceptance.message_id)
        for view in await self._journal.documents(message_id=acceptance.message_id, limit=1_000_000):
            if view.plan.awaits is not None:
                heapq.heappush(self._waits, view.plan.awaits.until)
        await self._settle_down()

    async def _translate(self, message_id: str) -> None:
        try:
            await self._pipeline.translate(message_id)
        except Exception as error:  # noqa: BLE001  the translator's loop parks what breaks it, too
            await self._pipeline.park_broken(message_id, error)

    async def end(self) -> None:
        """Let the last waits pass."""
        await self._pass_time(max(self._waits, default=self._clock.now()))

    async def forecast(self, message: Message) -> MessageForecast:
        """Give what became of one message in this run."""
        own = self._ids.get(message.message_id)
        if own is None:
            state, code = self._refusals.get(message.message_id, ("refused", ""))
            return message_forecast(message, state, (code,) if code else ())
        found = await self._journal.message(own)
        return message_forecast(
            message,
            found.state.value,
            found.findings,
            await self._journal.documents(message_id=own, limit=1_000_000),
            await self._journal.deliveries(message_id=own, limit=1_000_000),
            self._requests,
        )

    async def _pass_time(self, at: datetime) -> None:
        """Go on to a time; documents whose wait is over on the way are decided when it is."""
        while self._waits and self._waits[0] <= at:
            self._clock.at = max(self._clock.at, heapq.heappop(self._waits))
            await self._settle_down()
        self._clock.at = max(self._clock.at, at)

    async def _settle_down(self) -> None:
        for _ in range(ROUNDS_MAX):
            await self._deliver()
            if not await self._pipeline.decide_awaiting():
                return

    async def _deliver(self) -> None:
        while claimed := await self._claim():
            for each in claimed:
                await self._settle(each)

    async def _claim(self) -> list[ClaimedDelivery]:
        now = self._clock.now()
        claimed = await self._journal.claim("plan", self._wants(), LEASE_S, now, 0.0)
        for _, delivery_id in await self._journal.unsent_calls(CLAIMED_MAX):
            own = await self._journal.claim_one(delivery_id, "plan", LEASE_S, now, 0.0)
            claimed += [own] if own is not None else []
        return claimed

    def _wants(self) -> list[Want]:
        return [Want(name, CLAIMED_MAX) for name in self._configuration.endpoints]

    async def _settle(self, claimed: ClaimedDelivery) -> None:
        """Take down what would be sent, and settle the delivery as the other side would by taking it."""
        now, target = self._clock.now(), self._targets.get(claimed.target)
        found = self._rendered(target, claimed, now) if target is not None else None
        requests = found.requests if found is not None else ()
        self._requests[claimed.claim.delivery_id] = tuple(
            RequestForecast.of(each.step, each.method, each.address, each.body) for each in requests
        )
        if found is not None and found.findings and claimed.role == "shadow":
            settled = Settled(DeliveryState.DONE, findings=found.findings)
        elif found is not None and found.findings:
            settled = Settled(DeliveryState.PARKED, findings=found.findings, reason=found.findings[0].text)
        elif not requests:
            settled = Settled(DeliveryState.DONE)
        else:
            if claimed.role != "shadow":
                await self._journal.attempt_started(claimed.claim, requests[-1], now)
            result = StepResult(requests[-1], Reply(200), Accepted(), now, now)
            settled = Settled(DeliveryState.DONE, result)
        await self._journal.settle(claimed.claim, settled, now)

    def _rendered(self, target: Target, claimed: ClaimedDelivery, now: datetime) -> Rendered:
        delivery, shadow = delivery_of(claimed), self._shadows.get(claimed.target)
        if claimed.role != "shadow":
            return rendered(target, delivery, now)
        mode = shadow.mode if shadow is not None else "render"
        if mode != "render" and shadow is not None and shadow.free_text != "send":
            delivery = without_free_text(delivery)
        return shadow_rendered(target, delivery, mode, now)

    def _inbound(self, message: Message, route: str) -> Inbound:
        async def settle(settlement: Settlement) -> None:
            finding = getattr(settlement, "finding", None)
            if finding is not None:
                self._refusals[message.message_id] = ("refused", finding.code)

        return Inbound(
            route, message.arrival_key, message.origin, self._body(message.message_id), settle,
            message.partner, message.correlation_id,
        )  # fmt: skip

    async def _body(self, message_id: str) -> AsyncIterator[bytes]:
        for piece in self._bodies.pop(message_id) or ():
            yield piece
