"""One ERP, its connector, the real sink and a journal, taken through deliveries as the worker would.

Time is elastic: what the gateway waits for passes at once, and the simulator's clock goes with it. Only
what hangs on a socket costs real time.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.base import Clock, NoReply, Reply, Request, Role, Sink
from canonical.document import CanonicalDocument
from canonical.registry import parse_document, to_json
from gateway.delivering import Means, deliver_once
from gateway.delivery_plans import reference_of
from gateway.destination import Destination
from gateway.erp.connector.settings import ErpSettings
from gateway.erp.http import HttpSink
from gateway.erp.limits import TargetHealth
from gateway.journal.base import Journal
from gateway.journal.types import ClaimedDelivery, DeliveryState, DeliveryView, LedgerEntry, Transmitter, Want
from gateway.outcome import RetryPolicy
from gateway.proven_times import ProvenTimes
from gateway.security.secrets import SecretStore
from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.faults import Fault, FaultScript
from simulators.serving import Tls
from tests.gateway.erp.erps import ErpUnderTest
from tests.gateway.journal.builders import Scene, arrival, document, entry
from tests.gateway.journal.builders import delivery as delivery_plan
from tests.gateway.support import SeededRng

ROUNDS_MAX = 60  # goes of one delivery; more would be a loop
CONCURRENT = 2
TIMEOUT_S = 0.6  # of what hangs


class ElasticClock(Clock):
    """Real time, plus what was waited for."""

    def __init__(self, at: datetime | None = None) -> None:
        self.ahead_s = 0.0
        self._at = at or datetime.now(UTC)
        self._begun = time.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return time.monotonic() - self._begun + self.ahead_s

    async def sleep(self, duration_s: float) -> None:
        self.ahead_s += max(0.0, duration_s)


class KilledError(BaseException):
    """The process died here."""


class Killing(Sink):
    """A sink whose process dies before or after its n-th request (from 0) is sent."""

    def __init__(self, sink: Sink, at: int, *, is_sent: bool) -> None:
        self._sink, self._at, self._is_sent = sink, at, is_sent
        self.count = 0

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        number, self.count = self.count, self.count + 1
        if number == self._at and not self._is_sent:
            raise KilledError
        reply = await self._sink.send(request, still_mine=still_mine)
        if number == self._at:
            raise KilledError
        return reply

    async def close(self) -> None:
        await self._sink.close()


class Blind(Sink):
    """A sink whose look-ups find nothing, whatever is there: the negative control."""

    def __init__(self, sink: Sink, erp: ErpUnderTest) -> None:
        self._sink, self._erp = sink, erp

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        nothing = self._erp.nothing(request)
        return nothing if nothing is not None else await self._sink.send(request, still_mine=still_mine)

    async def close(self) -> None:
        await self._sink.close()


class Bench:
    """`async with Bench(erp, journal, clock) as bench: view = await bench.deliver(order())`."""

    def __init__(
        self,
        erp: ErpUnderTest,
        journal: Journal,
        clock: ElasticClock,
        *faults: Fault,
        access: AccessRules | None = None,
        lag_s: float = 0.0,
        server_tls: Tls | None = None,
        requests_per_s: int | None = None,
        **settings: Any,
    ) -> None:
        self.erp, self.journal, self.clock = erp, journal, clock
        self.times = ProvenTimes(clock)
        self.script = FaultScript(tuple(faults))
        behaviour = Behaviour(None, lag_s, access or AccessRules(), requests_per_s, token_path=erp.token_path)
        self.simulator: SimulatedErp = erp.simulator(behaviour, self.script, server_tls, clock.monotonic)
        self._values = settings
        self._scene = Scene(journal)
        self._count = 0

    async def __aenter__(self) -> Bench:
        await self.simulator.start()
        self.settings = self._made_settings()
        self.target = self.erp.target(self.settings)
        self.sink: Sink = self.new_sink()
        self.health = TargetHealth(self.settings.limits, self.clock.monotonic())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sink.close()
        await self.simulator.stop()

    def new_sink(self) -> HttpSink:
        return HttpSink(
            "erp",
            self.settings,
            clock=self.clock,
            rng=SeededRng(),
            secret=SecretStore(Path(), {"ERP_SECRET": "s3cret"}),
        )

    async def reload(self, **values: Any) -> None:
        """Take other settings, as a reload of the configuration does: sink and target are built anew."""
        await self.sink.close()
        self._values |= values
        self.settings = self._made_settings()
        self.target, self.sink = self.erp.target(self.settings), self.new_sink()

    def _made_settings(self) -> ErpSettings:
        url = self.simulator.url
        values = {name: value(url) if callable(value) else value for name, value in self._values.items()}
        plain = {"base": url, "plaintext": url.startswith("http:"), "timeout_s": TIMEOUT_S}
        limits = {"throttle_wait_s": 1.0, "breaker_wait_s": 1.0, "concurrent": CONCURRENT}
        return self.erp.settings(**{**plain, "limits": limits, **values})

    # -- deliveries --------------------------------------------------------------------------------

    async def plan(
        self,
        made: CanonicalDocument,
        *,
        order: str = "PO-1",
        document_key: str | None = None,
        transmitter: Transmitter = Transmitter.GATEWAY,
        opens: bool = True,
        role: Role = "live",
    ) -> str:
        """Accept and plan one document; give the delivery's id. `order`: whose lane and aliases it has."""
        self._count += 1
        message_id, key = f"m{self._count}", f"order:1|HB|{order}"
        document_key = document_key or f"{made.document_type}|{order}|{self._count}"
        scene = self._scene
        scene.now = self.clock.now()
        made_arrival = replace(arrival(message_id), accepted_at=scene.now)
        await self.journal.accept(made_arrival, message_id.encode())
        body = to_json(parse_document(to_json(made)))
        planned = document(
            0, key, canonical=body, document_type=made.document_type, document_key=document_key
        )
        delivery = delivery_plan(
            f"{message_id}-d", 0, key, reference=reference_of("erp", "live", document_key), role=role
        )
        opened: tuple[LedgerEntry, ...] = ()
        if opens and self._count == 1:
            opened = (entry(key, transmitter=transmitter, message_id=message_id, opened_at=scene.now),)
        await scene.plan(message_id, [planned], [delivery], opens=opened)
        return f"{message_id}-d"

    async def deliver(self, made: CanonicalDocument, **plan: Any) -> DeliveryView:
        """Plan one document and take it to its end."""
        return await self.finish(await self.plan(made, **plan))

    async def finish(self, delivery_id: str, sink: Sink | None = None) -> DeliveryView:
        """Take a delivery to its end: done, or parked."""
        view = await self.view(delivery_id)
        for _ in range(ROUNDS_MAX):
            if await self.go(sink):
                continue
            view = await self.view(delivery_id)
            if view.state in (DeliveryState.DONE, DeliveryState.PARKED):
                return view
            await self._wait(view)
        raise AssertionError(f"no end: {view.state} {view.reason} {[each.step for each in view.steps]}")

    async def go(self, sink: Sink | None = None) -> bool:
        """Claim what can be claimed now, and go on with it; False where there is nothing."""
        if not sum(self.health.slots(self.clock.monotonic())):
            change = self.health.next_change(self.clock.monotonic())
            self.clock.ahead_s += max(0.0, (change or 0.0) - self.clock.monotonic()) + 0.001
        claimed = await self._claim()
        for each in claimed:
            destination = Destination("erp", self.target, sink or self.sink, self.health, POLICY)
            work = self.health.started(self.clock.monotonic())
            try:
                means = Means(self.journal, self.clock, SeededRng(), 60.0, self.times)
                await deliver_once(each, destination, means, work)
            finally:
                self.health.ended(work)
        return bool(claimed)

    async def pass_time(self, delivery_id: str) -> None:
        """Go on once; where there is nothing to do yet, wait for it."""
        if not await self.go():
            await self._wait(await self.view(delivery_id))

    async def killed(self, sink: Sink) -> bool:
        """Go on until the process dies in this sink and is started again; False where it ended before."""
        for _ in range(ROUNDS_MAX):
            try:
                if not await self.go(sink):
                    return False
            except KilledError:
                await self.restart()
                return True
        raise AssertionError("neither killed nor ended")

    async def restart(self) -> None:
        """Be another process from now on."""
        await self.journal.recover(self.clock.now())
        self.times = ProvenTimes(self.clock)

    async def retry(self, delivery_id: str, after_s: float = 600) -> None:
        """Let a person retry what is parked."""
        self.clock.ahead_s += after_s
        await self.journal.retry(delivery_id, "op", "put right", self.clock.now())

    async def view(self, delivery_id: str) -> DeliveryView:
        return next(each for each in await self.journal.deliveries() if each.delivery_id == delivery_id)

    async def aliases(self, order: str = "PO-1") -> tuple[tuple[str, str, str, str], ...]:
        return await self.journal.aliases(f"order:1|HB|{order}")

    async def _claim(self) -> list[ClaimedDelivery]:
        now, monotonic = self.clock.now(), self.clock.monotonic()
        slots = self.health.slots(monotonic).normal
        return await self.journal.claim("w", [Want("erp", slots, 0)], 60.0, now, monotonic) if slots else []

    async def _wait(self, view: DeliveryView) -> None:
        due = view.not_before or self.clock.now()
        self.clock.ahead_s += max(0.0, (due - self.clock.now()).total_seconds()) + 0.001


POLICY = RetryPolicy(attempts_max=6, backoff_lowest_s=1, backoff_highest_s=60, jitter="none", budget_s=86_400)
