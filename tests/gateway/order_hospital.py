"""A gateway between two systems that keep orders, on a virtual clock, stepped by its tests.

Pipeline, targets, deliveries and mover are the real ones. Both systems are books of `simulators/order_book`,
and the supplier counts what it is sent. Nothing runs beside the test: `settle` takes everything as far as it
goes, letting time pass where something waits, so that a seed plays the same history on any journal.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from adapters.base import DecodeContext, Inbound, NoReply, Origin, Reply, Request, Settlement
from canonical.keys import KeyRules, order_key_of
from canonical.registry import parse_document, to_json
from gateway.app import format_by_name
from gateway.delivering import Means, deliver_once
from gateway.destination import Destination
from gateway.erp.generic_rest import GenericRest
from gateway.erp.generic_rest_settings import GenericRestSettings, OrderSettings
from gateway.erp.limits import TargetHealth
from gateway.erp.settings import LimitSettings
from gateway.journal.base import Journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import Acceptance, LedgerEntry, Side, Transmitter, Want
from gateway.order_mover import OrderMover
from gateway.outcome import RetryPolicy
from gateway.pipeline import Pipeline
from gateway.program import OneRevision, Program, Programs, UnknownOrder, Writing
from gateway.proven_times import ProvenTimes
from gateway.stage import RouteRule
from gateway.workers import InlineExecutor
from simulators.order_book.book import Book
from tests.gateway.support import FakeClock, SeededRng

RULES = KeyRules(organisation="HB")
CONTEXT = DecodeContext("hospital", "test")
RULE = RouteRule(
    route="po",
    legacy_target="mms",
    cloud_target="erp",
    supplier_target="supplier",
    select={"facility": frozenset({"04"})},
    pin_legacy={"line_class": frozenset({"implant", "blood", "pharmacy"})},
    salt="po",
    legacy_form="canonical",
    writes_supplier=True,
    suppresses=frozenset(Side),
)
FOLLOWERS = ("acks", "changes", "receipts", "invoices")
ROUNDS_MAX = 10_000


def key_of(number: str) -> str:
    """Give the order key of a number."""
    return order_key_of(number, RULES)


@dataclass
class Sent:
    """What the supplier got, by (order key, what of it): more than one is ordered twice."""

    counted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __call__(self, order_key: str, what: str) -> None:
        self.counted[order_key, what] += 1


@dataclass
class BookSink:
    """The wire to a book: requests are lost before it, or their replies after it, as often as it is told."""

    book: Book
    chance: Random
    lost: float = 0.0
    is_down: bool = False

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if self.is_down:
            return NoReply("none", "no connection")
        fate = self.chance.random()
        if fate < self.lost / 3:
            return NoReply("none", "no connection")
        if fate < 2 * self.lost / 3:
            return NoReply("maybe", "no reply in time")
        status, body = self.book.handle(request.method, request.address, request.body)
        if fate < self.lost:
            return NoReply("maybe", "no reply: connection reset")
        return Reply(status, json.dumps(body).encode(), (("Content-Type", "application/json"),))

    async def close(self) -> None:
        pass


class Supplier:
    """What the gateway itself sends to the supplier, as a book that creates whatever it gets."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self.book = Book("supplier", "S")

    def handle(self, method: str, address: str, body: bytes) -> tuple[int, dict[str, Any]]:
        status, answer = self.book.handle(method, address, body)
        if method == "POST" and status == 201:
            fields = json.loads(body)
            self._sent(str(fields["order_key"]), str(fields.get("document_key") or fields["reference"]))
        return status, answer


class Hospital:
    """The whole of it. ``restart`` drops everything but the journal and the other systems."""

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        seed: int = 1,
        stage: str = "legacy",
        share: str = "100",
        rule: RouteRule = RULE,
        lost: float = 0.0,
        closes: bool = True,
    ) -> None:
        self.clock = FakeClock()
        self.times = ProvenTimes(self.clock)
        self.rng = SeededRng(seed)
        self.journal: Journal = journal or MemoryJournal(clock=self.clock)
        self.sent = Sent()
        self.legacy = Book("legacy", "L", self.sent)
        self.erp = Book("erp", "E", self.sent)
        self.supplier = Supplier(self.sent)
        self.rule = rule
        self._declared = {"po": (stage, share)}
        self._closes = closes
        self.sinks = {
            name: BookSink(book, Random(f"{seed} {name}"), lost)  # type: ignore[arg-type]  # it handles alike
            for name, book in (("mms", self.legacy), ("erp", self.erp), ("supplier", self.supplier))
        }
        self.writes: Mapping[str, Writing] = {}
        self.owners: Mapping[str, Mapping[str, str]] = {}
        self.from_side: Side | None = None  # of the route of acknowledgments and events
        self._messages = 0
        self.start()

    def start(self) -> None:
        """Build what a process has."""
        programs = Programs(1, {each.route: each for each in self._programs()})
        source = OneRevision(programs)
        limits = LimitSettings(retry_tokens_max=1e9, breaker_failures=10**6, breaker_errors=10**6)
        self.destinations = {
            name: Destination(
                name, self._target(name), sink, TargetHealth(limits, self.clock.monotonic()),
                RetryPolicy(attempts_max=50, backoff_lowest_s=1, backoff_highest_s=30, jitter="none"),
            )
            for name, sink in self.sinks.items()
        }  # fmt: skip
        self.pipeline = Pipeline(
            self.journal, source, format_by_name, InlineExecutor(format_by_name), self.clock, self.rng
        )
        self.mover = OrderMover(self.journal, source, format_by_name, self.clock, self.rng)

    def _programs(self) -> list[Program]:
        rule = self.rule
        own = Program("po", "canonical", CONTEXT, rule, RULES, unknown=UnknownOrder(Side.LEGACY, 3_600))
        own = replace(own, writes=self.writes)
        follower = replace(rule, supplier_target=rule.supplier_target)
        base = replace(own, owners=self.owners, from_side=self.from_side, follows="po")
        return [
            own,
            *(replace(base, route=name, rule=replace(follower, route=name)) for name in FOLLOWERS),
        ]

    def _target(self, name: str) -> GenericRest:
        orders = OrderSettings(close_path="orders/{number}/close" if self._closes else "")
        settings = GenericRestSettings(
            base="http://erp.example",
            plaintext=True,
            paths={"purchase_order.change": "documents/purchase_order"},
            orders=orders,
            doubts_max=100,
        )
        return GenericRest(name, settings)

    async def open(self) -> None:
        """Begin: the journal's environment, configuration and stages."""
        now = self.clock.now()
        await self.journal.bind_environment("test")
        await self.journal.recover(now)
        await self.journal.load_configuration("hospital", "sha", "test", now)
        await self.journal.declare_stages(self._declared, now)

    async def restart(self) -> None:
        """Drop the process, and start another one on what it left."""
        self.start()
        await self.journal.recover(self.clock.now())

    # -- what comes in ---------------------------------------------------------------------

    async def take(
        self, document: Mapping[str, Any], route: str = "po", key: str | None = None
    ) -> Acceptance:
        """Take one document."""
        body = to_json(parse_document({"schema_version": "1.0", **document})) + b"\n"

        async def pieces() -> AsyncIterator[bytes]:
            yield body

        async def settle(settlement: Settlement) -> None:
            """Nobody waits."""

        self._messages += 1
        origin = Origin("folder", self.clock.now(), name=f"in-{self._messages}.json")
        taken = await self.pipeline.take(Inbound(route, key, origin, pieces(), settle))
        assert taken is not None
        return taken

    # -- what happens then -----------------------------------------------------------------

    async def settle(self) -> None:
        """Take everything as far as it goes, letting time pass where something waits for it."""
        for _ in range(ROUNDS_MAX):
            if not await self.step() and not await self._wait():
                return
        raise AssertionError("it never comes to rest")

    async def step(self) -> int:
        """Do what can be done now; give how much that was."""
        done = await self.translate()
        done += await self.pipeline.decide_awaiting()
        wants = [Want(name, 50) for name in self.destinations]
        now, monotonic = self.clock.now(), self.clock.monotonic()
        for claimed in await self.journal.claim("w", wants, 60.0, now, monotonic):
            destination = self.destinations[claimed.target]
            means = Means(self.journal, self.clock, self.rng, 60.0, self.times)
            await deliver_once(claimed, destination, means)
            done += 1
        return done + await self.mover.work()

    async def translate(self) -> int:
        """Plan what has arrived, and send nothing; give how many messages that were."""
        done = 0
        for route, is_urgent in await self.journal.routes_to_translate():
            for message in await self.journal.next_to_translate(route, urgent=is_urgent, limit=50):
                await self.pipeline.translate(message.message_id)
                done += 1
        return done

    async def _wait(self) -> bool:
        """Let time pass to what is due next, where something waits; documents wait for nothing but orders."""
        due = await self.journal.next_due(list(self.destinations))
        if due is None:
            return False
        self.clock.elapsed_s += max((due - self.clock.now()).total_seconds(), 0.001)
        return True

    def later(self, duration: timedelta) -> None:
        """Let time pass."""
        self.clock.elapsed_s += duration.total_seconds()

    # -- what it came to -------------------------------------------------------------------

    async def entry(self, number: str) -> LedgerEntry:
        """Give an order's ledger entry."""
        key = key_of(number)
        return (await self.journal.facts([key], (), ())).ledger[key]

    async def move(self, *numbers: str, to: Side, batch: str = "b") -> None:
        """Move orders, asked by ann and agreed to by bob; what follows is up to ``settle``."""
        await ask(self, numbers, to, batch)
        ids = [each.move_id for each in await self.journal.moves(batch=batch, limit=10**6)]
        await self.journal.agree_moves(ids, "bob", "checked", self.clock.now())

    async def codes(self) -> list[str]:
        """Give the codes of all that a person must look at."""
        items = await self.journal.exceptions()
        return [finding.code for item in items for finding in item.findings]


async def ask(hospital: Hospital, numbers: Sequence[str], to: Side, batch: str) -> None:
    """Ask for moves, as operations do."""
    from gateway.journal.moves import Move

    was = Side.LEGACY if to is Side.CLOUD else Side.CLOUD
    now = hospital.clock.now()
    moves = [
        Move(f"v{hospital.rng.token()}", key_of(each), "po", was, to, "ann", now, "wave", batch)
        for each in numbers
    ]
    await hospital.journal.ask_moves(moves, "ann", "wave", now)


# -- documents ---------------------------------------------------------------------------------


def order(number: str, *quantities: int, facility: str = "04", **fields: Any) -> dict[str, Any]:
    """Give an order; each quantity is a line of its own, priced at 2.50 per EA."""
    return {
        "document_type": "purchase_order",
        "number": number,
        "facility": facility,
        "lines": [
            {"sequence": at, "line_id": str(at), "quantity": _ea(quantity), "price": {"amount": "2.50"}}
            for at, quantity in enumerate(quantities or (10,), start=1)
        ],
        **fields,
    }


def acknowledgment(number: str, **fields: Any) -> dict[str, Any]:
    """Give the supplier's answer."""
    return {"document_type": "acknowledgment", "response": "accepted", "order": {"number": number}, **fields}


def change(number: str, name: str, line: int, quantity: int) -> dict[str, Any]:
    """Give a change of one line's quantity."""
    changed = {"sequence": 1, "line_id": str(line), "action": "change", "quantity": _ea(quantity)}
    return {
        "document_type": "order_change",
        "number": name,
        "order": {"number": number},
        "lines": [changed],
    }


def receipt(number: str, name: str, line: int, quantity: int, **fields: Any) -> dict[str, Any]:
    """Give a receipt of one line."""
    received = {"sequence": 1, "order_line_id": str(line), "quantity": _ea(quantity)}
    return {
        "document_type": "goods_receipt",
        "number": name,
        "orders": [{"number": number}],
        "lines": [received],
        **fields,
    }


def invoice(number: str, name: str, line: int, quantity: int, **fields: Any) -> dict[str, Any]:
    """Give an invoice of one line."""
    invoiced = {"sequence": 1, "order_line_id": str(line), "quantity": _ea(quantity)}
    return {
        "document_type": "invoice",
        "number": name,
        "orders": [{"number": number}],
        "lines": [invoiced],
        **fields,
    }


def _ea(quantity: int) -> dict[str, str]:
    return {"value": str(quantity), "unit": "EA"}


ERP, LEGACY = Transmitter.ERP, Transmitter.LEGACY
