"""A whole gateway in one object for tests: real pipeline, translator and worker on the memory journal.

Targets record what they are sent. Time is the machine's, since these tests wait for events, not for
durations; what depends on time is tested in the simulation.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    DecodeContext,
    Delivery,
    Effect,
    Executor,
    Finished,
    Format,
    Inbound,
    InDoubt,
    NoReply,
    Origin,
    Outcome,
    Reply,
    Request,
    Settlement,
    StepResult,
)
from canonical.keys import KeyRules
from canonical.registry import parse_document, to_json
from gateway.app import format_by_name
from gateway.calls import Calls
from gateway.delivery import DeliveryWorker
from gateway.destination import Destination
from gateway.erp.limits import TargetHealth
from gateway.erp.settings import LimitSettings
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import Acceptance, DeliveryState, DeliveryView, DocumentView, MessageState
from gateway.outcome import RetryPolicy
from gateway.pipeline import Pipeline
from gateway.program import OneRevision, Program, Programs
from gateway.stage import RouteRule
from gateway.system import SystemClock, SystemRng
from gateway.translator import Translator
from gateway.workers import InlineExecutor

RULE = RouteRule(
    route="po",
    legacy_target="mms",
    cloud_target="erp",
    select={"facility": frozenset({"04"})},
    salt="po",
)
RULES = KeyRules(organisation="HB")
CONTEXT = DecodeContext("rig", "test")


def program(route: str = "po", **changes: Any) -> Program:
    """Give a compiled route with the rig's defaults."""
    rule = replace(RULE, route=route)
    made = Program(route, "canonical", CONTEXT, rule, RULES, partner="acme")
    return replace(made, **changes)


@dataclass
class Recorder:
    """A target and its sink in one: takes everything, in order, and numbers it like an ERP."""

    name: str
    sent: list[Request] = field(default_factory=list)
    replies: list[Reply | NoReply] = field(default_factory=list)  # given first; then 200
    number: Callable[[int], str] = lambda count: f"ERP-{count}"

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Finished:
        if done and isinstance(done[-1].outcome, Accepted):
            return Finished(done[-1].outcome.reference, done[-1].outcome.aliases)
        body = delivery.body  # written in a format of the target's own, or canonical JSON
        if delivery.document is not None and body == delivery.canonical:
            body = to_json(delivery.document)
        return Request("create", Effect.REPEATABLE, "POST", self.name, body)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        if isinstance(reply, NoReply):
            return InDoubt(reply.reason)
        number = reply.body.decode()
        return Accepted(number, (Alias(AliasKind.ERP, number),))

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        await asyncio.sleep(0)
        self.sent.append(request)
        if self.replies:
            return self.replies.pop(0)
        return Reply(200, self.number(len(self.sent)).encode())

    async def close(self) -> None:
        pass

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.sent]

    @property
    def numbers(self) -> list[str]:
        """Give the order numbers of canonical documents received."""
        return [json.loads(line)["number"] for body in self.bodies for line in body.splitlines()]


class Rig:
    """Everything between ``take`` and the recording targets."""

    def __init__(
        self,
        *programs: Program,
        stage: str = "legacy",
        share: str = "100",
        targets: Sequence[str] = ("mms", "erp", "supplier"),
        formats: Callable[[str], Format] = format_by_name,
        shared: Mapping[str, Mapping[str, str]] | None = None,
        executor: Executor | None = None,
    ) -> None:
        self.clock = SystemClock()
        self.rng = SystemRng()
        self.journal = MemoryJournal(clock=self.clock)
        self.targets = {name: Recorder(name) for name in targets}
        self._declared = {each.route: (stage, share) for each in programs if each.follows is None}
        self.programs = Programs(1, {each.route: each for each in programs}, shared or {})
        limits = LimitSettings()
        self.destinations = {
            name: Destination(name, target, target, TargetHealth(limits, 0.0), RetryPolicy())
            for name, target in self.targets.items()
        }
        source = OneRevision(self.programs)
        self.worker = DeliveryWorker(
            self.journal, lambda: self.destinations, self.clock, self.rng, name="rig", settled=self._settled
        )
        self.pipeline = Pipeline(
            self.journal, source, formats, executor or InlineExecutor(formats), self.clock, self.rng,
            accepted=self._arrived, planned=self._planned,
        )  # fmt: skip
        self.translator = Translator(self.journal, self.pipeline, self.clock)
        self.calls = Calls(
            self.journal, self.pipeline, lambda: self.destinations, self.clock, self.rng,
            worker="rig-call", lease_s=60, ended=self._planned,
        )  # fmt: skip
        self.settlements: list[Settlement] = []

    def _arrived(self) -> None:
        self.translator.wake()

    def _planned(self) -> None:
        self.worker.wake()
        self.translator.wake()

    def _settled(self, claimed: Any, settled: Any) -> None:
        self.calls.settled(claimed, settled)
        self.translator.wake()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Rig]:
        await self.journal.load_configuration("rig", "sha", "rig", self.clock.now())
        await self.journal.declare_stages(self._declared, self.clock.now())
        loops = (self.worker.run(), self.translator.run(), self.calls.run())
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            problems = [each for each in results if isinstance(each, Exception)]
            if problems:
                raise problems[0]

    async def take(
        self,
        body: bytes,
        *,
        route: str = "po",
        key: str | None = None,
        transport: str = "folder",
        **facts: str,
    ) -> Acceptance | None:
        return await self.pipeline.take(self.inbound(body, route, key, transport, **facts))

    def inbound(
        self, body: bytes, route: str = "po", key: str | None = None, transport: str = "folder", **facts: str
    ) -> Inbound:
        """Give an input; how it is settled stands in ``settlements``."""

        async def pieces() -> AsyncIterator[bytes]:
            yield body

        async def settle(settlement: Settlement) -> None:
            self.settlements.append(settlement)

        origin = Origin(transport, self.clock.now(), name="in.json", facts=facts)
        return Inbound(route, key, origin, pieces(), settle)

    async def settled(self, *messages: Acceptance | None) -> None:
        """Wait until these messages are planned and nothing of them is on its way any more."""
        for each in messages:
            if each is None:
                raise AssertionError("the message was refused")
            async with asyncio.timeout(10):
                while not await self._is_settled(each.message_id):
                    await asyncio.sleep(0.005)

    async def _is_settled(self, message_id: str) -> bool:
        message = await self.journal.message(message_id)
        if message.state in (MessageState.ACCEPTED, MessageState.TRANSLATING):
            return False
        ended = (DeliveryState.DONE, DeliveryState.VOID, DeliveryState.PARKED, DeliveryState.SUPERSEDED)
        # In this order: what waited for its order gets its deliveries in the same transaction.
        documents = await self.journal.documents(message_id=message_id)
        views = await self.journal.deliveries(message_id=message_id)
        is_awaiting = any(view.plan.awaits is not None for view in documents)
        return all(view.state in ended for view in views) and not is_awaiting

    async def deliveries(self, message: Acceptance | None) -> list[DeliveryView]:
        if message is None:
            raise AssertionError("the message was refused")
        return await self.journal.deliveries(message_id=message.message_id)

    async def documents(self, message: Acceptance | None) -> list[DocumentView]:
        if message is None:
            raise AssertionError("the message was refused")
        return await self.journal.documents(message_id=message.message_id)

    async def codes(self, message: Acceptance | None) -> list[str]:
        """Give the codes of everything a person must look at."""
        if message is None:
            raise AssertionError("the message was refused")
        items = await self.journal.exceptions()
        return [
            each.code for item in items if item.message_id == message.message_id for each in item.findings
        ]


def order(number: str, facility: str = "04", **fields: Any) -> bytes:
    """Give an order as canonical JSON, one line."""
    document = {"document_type": "purchase_order", "schema_version": "1.0", "number": number, **fields}
    return to_json(parse_document({**document, "facility": facility})) + b"\n"


def acknowledgment(number: str | None = None, **reference: str) -> bytes:
    """Give an acknowledgment of an order as canonical JSON, one line."""
    named = {"number": number, **reference} if number else reference
    document = {"document_type": "acknowledgment", "response": "accepted", "order": named}
    return to_json(parse_document(document)) + b"\n"
