"""One seeded history from its first submission to the verdict of `verify`.

Senders, other sides, people and crashes all act at once on one virtual clock; then the faults end, what
is under way comes to rest, and the promises are checked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from adapters.base import Sink, Target
from adapters.sftp_files.config import FilesEndpoint
from adapters.sftp_files.sink import FileSink
from adapters.sftp_files.target import FileTarget
from gateway.erp.generic_rest import GenericRest
from gateway.erp.generic_rest_settings import GenericRestSettings
from gateway.erp.raw_http import RawHttp
from gateway.erp.settings import RawHttpSettings
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import DeliveryState
from gateway.translation import UnsettledError
from tests.faults.blind import BlindTarget
from tests.simulation.folder import Folder, Port
from tests.simulation.http_peers import CloudErp, LegacyEndpoint, Peer, Wire
from tests.simulation.loop import OWNER, VirtualLoop
from tests.simulation.node import Endpoints, Node
from tests.simulation.people import People
from tests.simulation.scenario import LEASE_S, RULES, Change, Scenario, compile_text, scenario_of, text_of
from tests.simulation.senders import Senders
from tests.simulation.world import World
from tests.verify.evidence import TargetLedger, Violation
from tests.verify.program import verify

REST_S_MAX = 6 * 3_600.0
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Unsafe:
    """Parts of the gateway taken out, for negative controls."""

    no_dedupe: bool = False
    no_look_up: bool = False
    no_lanes: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one history."""

    seed: int
    violations: tuple[Violation, ...]
    problems: tuple[str, ...]
    trace: tuple[str, ...]
    trace_hash: str
    virtual_s: float
    counts: dict[str, int]

    @property
    def is_good(self) -> bool:
        """Tell whether every promise was kept."""
        return not (self.violations or self.problems)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {len(self.violations)} violations, {len(self.problems)} problems"]
        lines += [f"  {each}" for each in (*self.violations, *self.problems)]
        lines.append(f"  replay: python -m tests.simulation {self.seed}")
        return "\n".join(lines)


def run_history(seed: int, unsafe: Unsafe = Unsafe()) -> Verdict:
    """Run one history and judge it."""
    loop = VirtualLoop()
    world = World(seed, loop)
    listener = _Listener(world)
    logger = logging.getLogger("legacy_bridge")
    was_propagating, logger.propagate = logger.propagate, False
    logger.addHandler(listener)
    loop.set_exception_handler(
        lambda _, context: world.object_to(f"loop: {context['message']} {context.get('exception')!r}")
    )
    try:
        return loop.run_until_complete(History(world, unsafe).run())
    finally:
        logger.removeHandler(listener)
        logger.propagate = was_propagating
        loop.close()


class History:
    """All that acts in one history."""

    def __init__(self, world: World, unsafe: Unsafe) -> None:
        self.world = world
        self.unsafe = unsafe
        self.scenario: Scenario = scenario_of(world)
        self.journal = MemoryJournal(
            clock=_WorldClock(world), on_commit=self._at_commit, unsafe_no_dedupe=unsafe.no_dedupe
        )
        if unsafe.no_lanes:
            self.journal._tables.lanes.is_head = lambda delivery: True  # type: ignore[method-assign]
        self._chance = world.chance("fate")
        self._knobs = dict(self.scenario.knobs)
        self._commits = 0
        self._writer = asyncio.Lock()
        self._crashes = 0
        self._nodes: list[Node] = []
        self._booted_s = 0.0
        self.erp = CloudErp("erp", world, world.chance("erp"), RULES, self.scenario.lag_s)
        self.supplier = LegacyEndpoint("supplier", world, RULES, is_safe=True)
        self.folder = Folder("mms", world, self.scenario.old, world.chance("mms"), RULES)
        self.legacy = LegacyEndpoint("mms", world, RULES, is_safe=self.scenario.legacy == "http_safe")
        self.senders = Senders(world, world.chance("senders"), self._node, self.erp)
        committed = self.folder.committed if self.scenario.legacy == "folder" else self.legacy.committed
        self.people = People(world, world.chance("people"), self.journal, committed)
        self._mms_ledger = committed

    async def run(self) -> Verdict:
        """Live through it."""
        world = self.world
        await self.journal.bind_environment("test")
        await self.journal.declare_stages(self.scenario.stages, world.now())
        self._start_node()
        background = [world.spawn(self.folder.empty_it()), world.spawn(self._live_through_changes())]
        await self.senders.send_all(self.scenario.submissions)
        await asyncio.sleep(max(0.0, self.scenario.calm_at_s - world.loop.time()))
        await background[1]
        world.is_calm = True
        world.say("calm")
        await self._come_to_rest()
        ledgers = self.ledgers()
        for task in background:
            task.cancel()
        for node in self._nodes:
            node.kill()
        await asyncio.sleep(0)
        OWNER.set(None)
        violations = await verify(self.senders.history, self.journal, ledgers)
        return Verdict(
            world.seed, tuple(violations), tuple(world.problems), tuple(world.trace), world.trace_hash,
            world.loop.time(), self._counts(ledgers),
        )  # fmt: skip

    def ledgers(self) -> list[TargetLedger]:
        """Give what the other sides committed."""
        return [
            TargetLedger("mms", "legacy", tuple(self._mms_ledger)),
            TargetLedger("erp", "cloud", tuple(self.erp.committed)),
            TargetLedger("supplier", None, tuple(self.supplier.committed), is_supplier=True),
        ]

    # -- gateways --------------------------------------------------------------------------

    def _node(self) -> Node | None:
        ready = [
            node for node in self._nodes if node.is_ready and self.world.loop.time() >= node.paused_until
        ]
        return ready[-1] if ready else None

    def _start_node(self) -> None:
        node = Node(
            f"g{len(self._nodes) + 1}", self.world, self.journal, self._endpoints(), compile_text,
            self._booted_s, self._node_failed,
        )  # fmt: skip
        self._nodes.append(node)
        self.world.say("start", node.name)
        self.world.loop.spawn(node.start(text_of(self._knobs)), node)

    def _crash(self, node: Node, why: str) -> None:
        """Drop a gateway; another one starts on the same journal a little later."""
        if node.is_dead:
            return
        self._crashes += 1
        self.world.say("crash", node.name, why)
        node.kill()
        if self._chance.happens(0.3):
            self._booted_s = self._chance.between(0.0, 1e6) - self.world.loop.time()  # the machine too
        if not any(not each.is_dead for each in self._nodes):
            self.world.spawn(self._start_later(self._chance.between(0.1, 15.0)))

    async def _start_later(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        self._start_node()

    def _node_failed(self, node: Node, error: BaseException) -> None:
        self.world.object_to(f"{node.name} ended by itself: {error!r}")
        self._crash(node, "failed")

    async def _at_commit(self, name: str, when: Literal["before", "after"]) -> None:
        node = OWNER.get()
        if not isinstance(node, Node):
            return
        if not node.is_dead and not self.world.is_calm:
            self._commits += when == "before"
            is_chosen = self._commits in self.scenario.crash_commits
            if is_chosen and (when == "after" or self._chance.happens(0.5)):
                self._crash(node, f"{when} {name}")
        if when == "before":
            async with self._writer:  # one writer, as every durable journal has: calls keep their order
                if not self.world.is_calm and self._chance.happens(0.2):
                    await asyncio.sleep(self._chance.between(0.0, 0.02))
                await node.standing()
        await node.standing()

    def _endpoints(self) -> Endpoints:
        cloud = GenericRestSettings(base="http://erp.example", plaintext=True, timeout_s=TIMEOUT_S)
        target: Target = GenericRest("erp", cloud)
        if self.unsafe.no_look_up:
            target = BlindTarget(target)
        return {
            "mms": self._legacy_endpoint(),
            "erp": (target, self._wire("erp", self.scenario.cloud, self.erp)),
            "supplier": (
                _raw("supplier", is_safe=True),
                self._wire("supplier", self.scenario.supplier, self.supplier),
            ),
        }

    def _legacy_endpoint(self) -> tuple[Target, Callable[[Node], Sink]]:
        if self.scenario.legacy == "folder":
            settings = FilesEndpoint.model_validate({"folder": "/sim", "timeout": "5s"})
            return FileTarget(settings), lambda node: FileSink(Port(self.folder, node))
        target = _raw("mms", is_safe=self.scenario.legacy == "http_safe")
        return target, self._wire("mms", self.scenario.old, self.legacy)

    def _wire(self, name: str, weather: Any, work: Any) -> Callable[[Node], Sink]:
        peer = Peer(name, self.world, weather, self.world.chance(f"{name} wire"), work)
        return lambda node: Wire(peer, node)

    # -- what happens ----------------------------------------------------------------------

    async def _live_through_changes(self) -> None:
        for change in self.scenario.changes:
            await asyncio.sleep(max(0.0, change.at_s - self.world.loop.time()))
            await self._happen(change)

    async def _happen(self, change: Change) -> None:
        node = self._node()
        match change.what:
            case "stage":
                await self.people.move(*change.facts)
            case "reload" if node is not None:
                self._knobs |= change.facts[0]
                self.world.say("reload", text_of(self._knobs))
                self.world.loop.spawn(node.reload(text_of(self._knobs)), node)
            case "crash" if node is not None:
                self._crash(node, "at random")
            case "pause" if node is not None:
                self.world.spawn(self._pause(node, change.facts[0]))
            case "wall":
                self.world.wall_offset_s += change.facts[0]
                self.world.say("wall", change.facts[0])
            case "replay":
                await self.people.replay()
            case "tidy":
                await self.people.tidy()

    async def _pause(self, node: Node, pause_s: float) -> None:
        """Stop a gateway past its lease while another starts; it wakes up, goes on, and ends later."""
        self.world.say("pause", node.name, f"{pause_s:.1f}")
        node.paused_until = self.world.loop.time() + pause_s
        await asyncio.sleep(self._chance.between(LEASE_S + 0.1, pause_s))
        if not node.is_dead:
            self._start_node()
        await asyncio.sleep(max(0.0, node.paused_until - self.world.loop.time()))
        self.world.say("wakes", node.name)
        await asyncio.sleep(self._chance.between(0.0, 20.0))
        self._crash(node, "replaced")

    # -- the end ---------------------------------------------------------------------------

    async def _come_to_rest(self) -> None:
        """Wait until nothing moves by itself, people having looked at what is parked."""
        ends = self.world.loop.time() + REST_S_MAX
        while self.world.loop.time() < ends:
            await asyncio.sleep(5.0)
            if self._node() is None or not await self._is_at_rest():
                continue
            if not await self.people.tidy():
                return
            node = self._node()
            if node is not None:
                node.translator.wake()
                node.worker.wake()
        self.world.object_to("something still moves, or waits for what nobody does")

    async def _is_at_rest(self) -> bool:
        """Tell whether nothing moves but by people: whatever holds all its lanes is parked.

        Asked of the journal's own lanes. A place by acceptance would not do: what came before its order
        stands behind the document that opened it, and a replay behind what was opened since.
        """
        tables = self.journal._tables
        if await self.journal.routes_to_translate():
            return False
        if any(
            each.state is not DeliveryState.PARKED and tables.lanes.is_head(each)
            for each in tables.unfinished.values()
        ):
            return False
        # Last, since it costs most: a wait of the whole history asks some five hundred times.
        return all(view.plan.awaits is None for view in await self.journal.documents(limit=10_000))

    def _counts(self, ledgers: list[TargetLedger]) -> dict[str, int]:
        counts = {f"committed {each.target}": len(each.committed) for each in ledgers}
        return counts | {
            "submissions": len(self.senders.history),
            "commits": self._commits,
            "crashes": self._crashes,
            "starts": len(self._nodes),
        }


class _WorldClock:
    """The clock of the journal's own machine."""

    def __init__(self, world: World) -> None:
        self.now = world.now
        self.monotonic = world.loop.time

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


class _Listener(logging.Handler):
    """Hears what the gateway calls an error: a broken target or translation is a bug, not bad luck."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it as a problem of this history."""
        cause = record.exc_info[1] if record.exc_info else None
        if isinstance(cause, UnsettledError):
            return  # a node that another has replaced never sees the configuration in force; it tries later
        self._world.object_to(f"log: {record.getMessage()} {cause!r}")


def _raw(name: str, *, is_safe: bool) -> RawHttp:
    settings = RawHttpSettings(
        base="http://legacy.example",
        plaintext=True,
        timeout_s=TIMEOUT_S,
        resend="safe" if is_safe else "never",
    )
    return RawHttp(name, settings)
