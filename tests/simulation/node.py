"""One gateway process of the simulation: the real parts, wired as `gateway/app.py` wires them.

It can be dropped at any moment (a crash: nothing of it runs any further) and paused (it stands still at
its next commit, sleep or send, and goes on later as if nothing had been).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from adapters.base import Inbound, Origin, Refused, Settlement, Sink, Target
from gateway.app import format_by_name
from gateway.calls import Calls
from gateway.delivery import DeliveryWorker
from gateway.destination import Destination
from gateway.erp.limits import TargetHealth
from gateway.erp.settings import LimitSettings
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import ClaimedDelivery, Settled
from gateway.pipeline import Pipeline
from gateway.program import Programs
from gateway.revisions import Revisions
from gateway.translator import Translator
from tests.gateway.beside import Beside
from tests.simulation.world import World

Compile = Callable[[str, int], Programs]
Endpoints = Mapping[str, tuple[Target, Callable[["Node"], Sink]]]


class NodeClock:
    """The clock that one process sees; its monotonic seconds count from that machine's boot."""

    def __init__(self, node: Node, booted_s: float) -> None:
        self._node = node
        self._booted_s = booted_s

    def now(self) -> datetime:
        """Give the wall clock's time."""
        return self._node.world.now()

    def monotonic(self) -> float:
        """Give seconds that never jump."""
        return self._node.world.loop.time() + self._booted_s

    async def sleep(self, duration_s: float) -> None:
        """Wait; a paused process wakes up late."""
        await asyncio.sleep(duration_s)
        await self._node.standing()


class Node:
    """One incarnation of the gateway on the journal that outlives it."""

    def __init__(
        self,
        name: str,
        world: World,
        journal: MemoryJournal,
        endpoints: Endpoints,
        compile_text: Compile,
        booted_s: float,
        failed: Callable[[Node, BaseException], None],
    ) -> None:
        self.name = name
        self.world = world
        self.journal = journal
        self.clock = NodeClock(self, booted_s)
        self.is_dead = False
        self.is_ready = False
        self.paused_until = 0.0
        self._endpoints = endpoints
        self._compile = compile_text
        self._failed = failed
        self._chance = world.chance(f"node {name}")
        beside = world.chance(f"beside {name}")
        self._executor = Beside(format_by_name, lambda: beside.random() < 0.5, lambda: beside.random() < 0.9)
        self._tasks: dict[asyncio.Task[Any], None] = {}

    # -- life ------------------------------------------------------------------------------

    def owns(self, task: asyncio.Task[Any]) -> None:
        """Take note of a task made in this process."""
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    async def start(self, text: str) -> None:
        """Recover, load the configuration, begin to work; as ``Gateway.start``."""
        journal = self.journal
        await journal.recover(self.clock.now())
        revision = await journal.load_configuration(text, text, "start", self.clock.now())
        self.programs = Revisions(self._compile(text, revision), journal, self._compile)
        limits = LimitSettings()
        destinations = {
            name: Destination(
                name, target, sink(self), TargetHealth(limits, self.clock.monotonic()),
                self.programs(None).retries[name],
            )
            for name, (target, sink) in self._endpoints.items()
        }  # fmt: skip
        lease_s = self.programs(None).lease_s
        self.worker = DeliveryWorker(
            journal, lambda: destinations, self.clock, self._chance, name=self.name, lease_s=lease_s,
            settled=self._settled,
        )  # fmt: skip
        self.pipeline = Pipeline(
            journal, self.programs, format_by_name, self._executor, self.clock, self._chance,
            accepted=self._arrived, planned=self._planned,
        )  # fmt: skip
        self.translator = Translator(journal, self.pipeline, self.clock)
        self.calls = Calls(
            journal, self.pipeline, lambda: destinations, self.clock, self._chance,
            worker=self.name, lease_s=lease_s, ended=self._planned,
        )  # fmt: skip
        for loop in (self.worker.run, self.translator.run, self.calls.run):
            asyncio.get_running_loop().create_task(self._guarded(loop))
        self.is_ready = True

    def kill(self) -> None:
        """Drop everything at once."""
        self.is_dead, self.is_ready = True, False
        for task in list(self._tasks):
            task.cancel()

    async def standing(self) -> None:
        """Stand still while this process is paused; a dead one never comes back."""
        while self.world.loop.time() < self.paused_until:
            await asyncio.sleep(self.paused_until - self.world.loop.time())
        if self.is_dead:
            await asyncio.get_running_loop().create_future()

    async def reload(self, text: str) -> None:
        """Take over another configuration in mid-flight; as ``Gateway.reload``."""
        revision = await self.journal.load_configuration(text, text, "reload", self.clock.now())
        self.programs.make_current(self._compile(text, revision))
        self._planned()

    # -- inputs ----------------------------------------------------------------------------

    async def take(
        self, route: str, key: str | None, body: bytes, transport: Literal["folder", "http"]
    ) -> Settlement | None:
        """Accept one input as a source or the HTTP application does; give what the sender is told."""
        told: list[Settlement] = []

        async def settle(settlement: Settlement) -> None:
            told.append(settlement)

        origin = Origin(transport, self.clock.now(), name=f"{key or 'in'}.json")
        acceptance = await self.pipeline.take(Inbound(route, key, origin, _pieces(body), settle))
        reply = self.programs(None).routes[route].reply
        if acceptance is not None and transport == "http" and not isinstance(told[0], Refused):
            within_s = self.programs(None).routes[route].reply_within_s
            if reply == "wait":
                await self.calls.result(acceptance.message_id, within_s)
            elif (
                reply == "pass_through" and await self.calls.pass_on(acceptance.message_id, within_s) is None
            ):
                return None  # 504: the caller comes back with the same key
        return told[0]

    # -- inside ----------------------------------------------------------------------------

    def _arrived(self) -> None:
        self.translator.wake()

    def _planned(self) -> None:
        self.worker.wake()
        self.translator.wake()

    def _settled(self, claimed: ClaimedDelivery, settled: Settled) -> None:
        self.calls.settled(claimed, settled)
        if settled.aliases:
            self.translator.wake()

    async def _guarded(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop whose end ends the process."""
        try:
            await loop()
        except Exception as error:  # noqa: BLE001  whatever ends a loop is what this simulation looks for
            self._failed(self, error)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body
