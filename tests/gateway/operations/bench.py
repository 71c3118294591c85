"""A gateway's parts on a workbench: journal, pipeline and operations, with time and targets in our hands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finding,
    Finished,
    Inbound,
    InDoubt,
    NoReply,
    Origin,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    Settlement,
    StepResult,
    Transient,
    TransientKind,
)
from gateway.app import format_by_name
from gateway.compiling import compile_programs, declared_stages
from gateway.config import Configuration, load_text
from gateway.delivering import Means, deliver_once
from gateway.destination import Destination
from gateway.erp.limits import TargetHealth
from gateway.erp.settings import LimitSettings
from gateway.journal.base import Journal
from gateway.journal.types import DeliveryState, Want
from gateway.operations import Hooks, Operations
from gateway.pipeline import Pipeline
from gateway.program import OneRevision
from gateway.proven_times import ProvenTimes
from gateway.workers import InlineExecutor
from tests.gateway.support import FakeClock, SeededRng

ROUTES = """\
version: 1
gateway: {environment: test, organisation: mercy, journal: "sqlite:var/journal.db"}
endpoints:
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
  legacy: {kind: sftp_files, environment: test, folder: var/legacy}
  drop: {kind: sftp_files, environment: test, folder: var/in, pattern: "*.850", ready: rename}
  answers: {kind: sftp_files, environment: test, folder: var/answers, pattern: "*.855", ready: rename}
partners:
  mms:
    environment: test
    number_rules: {order: {strip_leading_zeros: true}}
    acknowledge: {type: "997", by: auto, to: legacy}
    control_numbers: {lowest: 700, highest: 799}
crosswalks: {suppliers: supplier, units: item_unit}
routes:
  - id: po.one
    from: {endpoint: drop, format: edi_x12, partner: mms, set: "850", identity: control_numbers}
    targets: {legacy: legacy, cloud: erp}
    stage: cloud
    canary: {select: {facility: ["04"]}, share: 100%}
    losing_side: nothing
    ownership: {receiving: {at: owner}, matching: {at: owner}, on_order: none}
  - id: po.two
    from: {http: true, document: purchase_order}
    targets: {legacy: legacy}
    stage: legacy
  - id: ack.one
    follows: po.one
    from: {endpoint: answers, format: edi_x12, partner: mms, set: "855"}
    targets: {legacy: legacy, cloud: erp}
""".replace("gateway: {", 'gateway: {listen: {http: "127.0.0.1:0"}, ')


def configuration() -> Configuration:
    loaded = load_text(ROUTES)
    assert isinstance(loaded, Configuration), [str(each) for each in loaded]
    return loaded


class Bench:
    def __init__(self, journal: Journal, clock: FakeClock) -> None:
        self.configuration = configuration()
        self.journal = journal
        self.clock = clock
        self.times = ProvenTimes(clock)
        self.rng = SeededRng()
        self.woken = 0
        self.staged: list[str] = []
        hooks = Hooks(work_changed=self._wake, stage_changed=self.staged.append)
        self.operations = Operations(journal, lambda: self.configuration, clock, hooks)

    def _wake(self) -> None:
        self.woken += 1

    async def start(self) -> None:
        text, sha256 = self.configuration.text, self.configuration.sha256
        await self.journal.bind_environment("test")
        revision = await self.journal.load_configuration(text, sha256, "test", self.clock.now())
        await self.journal.declare_stages(declared_stages(self.configuration), self.clock.now())
        programs = OneRevision(compile_programs(self.configuration, revision))
        self.pipeline = Pipeline(
            self.journal, programs, format_by_name, InlineExecutor(format_by_name), self.clock, self.rng
        )

    async def ask(self, verb: str, **arguments):
        return await self.operations.perform(verb, arguments)

    async def arrive(
        self, body: bytes, name: str = "a.850", route: str = "po.one", *, translate: bool = True
    ) -> str:
        """Let bytes arrive, translate them, and give the message's id."""

        async def pieces() -> AsyncIterator[bytes]:
            yield body

        async def settle(settlement: Settlement) -> None:
            return

        origin = Origin("folder", self.clock.now(), name, facts={"identity": "control_numbers"})
        inbound = Inbound(route, None, origin, pieces(), settle, "mms")
        acceptance = await self.pipeline.take(inbound)
        assert acceptance is not None
        if translate:
            await self.pipeline.translate(acceptance.message_id)
        return acceptance.message_id

    async def deliver(self, **outcomes: Outcome) -> int:
        """Deliver once what is due to the targets named, with these outcomes; give how many that were."""
        wants = [Want(name, 100, 100) for name in outcomes]
        claimed = await self.journal.claim("w", wants, 60.0, self.clock.now(), self.clock.monotonic())
        for each in claimed:
            answering = Answering(outcomes[each.target])
            destination = Destination(each.target, answering, answering, TargetHealth(LimitSettings(), 0.0))
            means = Means(self.journal, self.clock, self.rng, 60.0, self.times)
            await deliver_once(each, destination, means)
        return len(claimed)

    async def states(self, message_id: str) -> dict[str, list[str]]:
        """Give the states of a message's deliveries, by target."""
        states: dict[str, list[str]] = {}
        for each in await self.journal.deliveries(message_id=message_id):
            states.setdefault(each.target, []).append(each.state.value)
        return states

    async def park(self, message_id: str) -> str:
        """Let the ERP refuse a message's deliveries; give the id of the first exception."""
        await self.deliver(erp=REFUSED)
        parked = await self.journal.deliveries(message_id=message_id, states=[DeliveryState.PARKED])
        return parked[0].delivery_id


class Answering:
    """A target and its wire in one, with one answer to everything."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Finished:
        if done and isinstance(done[-1].outcome, Accepted):
            return Finished(done[-1].outcome.reference, done[-1].outcome.aliases)
        is_look_up = any(each.is_in_doubt for each in done)
        step, effect, method = (
            ("look_up", Effect.READ, "GET") if is_look_up else ("create", Effect.WRITE, "POST")
        )
        return Request(step, effect, method, "orders?token=hunter2", b'{"price": "987.65"}')

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        return self._outcome

    async def send(
        self, request: Request, *, still_mine: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply | NoReply:
        match self._outcome:
            case Accepted():
                return Reply(201, b'{"number": "4711"}')
            case Rejected():
                return Reply(422, b'{"patient": "Jane Doe"}')
            case _:
                return NoReply("maybe" if isinstance(self._outcome, InDoubt) else "none", "no connection")

    async def close(self) -> None:
        return


TAKEN = Accepted("4711")
OUTAGE = Transient("no connection", TransientKind.OUTAGE)
UNCLEAR = InDoubt("the connection broke off")
REFUSED = Rejected((Finding("ERP-422", Position("erp"), "the ERP refuses it: unknown supplier"),))
