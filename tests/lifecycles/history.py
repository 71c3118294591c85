"""One history of lifecycles through the real pipeline, targets and mover, and the count of what went wrong.

Requests are lost before and after they did their work, the process dies while one is under way and another is
started, messages are replayed, orders are moved. Then people close what they must, everything comes to rest,
and what the two systems and the supplier have is counted: they know nothing of the gateway.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

from adapters.base import NoReply, Reply, Request
from canonical.keys import document_key
from canonical.registry import parse_document
from gateway.journal.base import Journal
from gateway.journal.types import (
    NO_ALIASES,
    DeliveryPlan,
    DocumentPlan,
    Expected,
    Facts,
    Moved,
    Plan,
    Planned,
    Side,
    Transmitter,
)
from gateway.stage import OrderFacts, RouteRule, Stage, decide
from tests.gateway.order_hospital import RULE, RULES, BookSink, Hospital, key_of
from tests.lifecycles.course import Event, course_of

PERSON_ENTERS = frozenset({"INVOICE-DIVIDED", "INVOICE-BOTH-SIDES"})
"""What is never split goes to accounts payable: a person enters it, and says so."""


class DiedError(BaseException):
    """The process dies here, whatever it was doing."""


@dataclass
class Count:
    """What went wrong, by kind, and how much there was."""

    split: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    sent_wrongly: list[str] = field(default_factory=list)  # not exactly once to the supplier
    guarded_in_cloud: list[str] = field(default_factory=list)
    left_open: list[str] = field(default_factory=list)  # a person must still look, or a move has not ended
    facts: Counter[str] = field(default_factory=Counter)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing went wrong."""
        return not (
            self.split or self.lost or self.duplicated or self.sent_wrongly or self.guarded_in_cloud
            or self.left_open
        )  # fmt: skip


class DeadlySink(BookSink):
    """A wire on which the process dies while it waits for a reply, when it is told to."""

    dies = ""

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if self.dies == "before":
            raise DiedError
        reply = await super().send(request)
        if self.dies == "after":
            raise DiedError
        return reply


class WithoutLedger:
    """A journal whose ledger is ignored: each document is decided by the stage of now, as a re-hash."""

    def __init__(self, journal: Journal, rule: RouteRule) -> None:
        self._journal = journal
        self._rule = rule

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def facts(self, order_keys: Any, document_keys: Any, numbers: Any, controls: Any = ()) -> Facts:
        facts = await self._journal.facts(order_keys, document_keys, numbers, controls)
        state = (await self._journal.stages())["po"]
        share = Decimal(state.share_percent)
        hashed = {}
        for key, entry in facts.ledger.items():
            words = OrderFacts(key, {"facility": frozenset({"04"})})
            decision = decide(self._rule, Stage(state.stage), share, words, None)
            side = decision.side or entry.side
            hashed[key] = replace(entry, side=side, transmitter=decision.transmitter)
        return replace(facts, ledger=hashed)

    async def plan(self, plan: Plan, now: Any) -> Planned | Moved:
        known = set((await self._journal.facts([e.order_key for e in plan.opens], (), ())).ledger)
        opens = tuple(each for each in plan.opens if each.order_key not in known)
        return await self._journal.plan(replace(plan, opens=opens), now)

    async def plan_awaited(
        self,
        message_id: str,
        document: DocumentPlan,
        deliveries: list[DeliveryPlan],
        expected: Expected,
        now: Any,
        aliases: Any = NO_ALIASES,
    ) -> bool:
        return await self._journal.plan_awaited(message_id, document, deliveries, expected, now, aliases)


class History:
    """One history, from its seed."""

    def __init__(
        self,
        seed: int,
        orders: int,
        *,
        transmitter: Transmitter = Transmitter.ERP,
        has_ledger: bool = True,
        moves: bool = True,
    ) -> None:
        rule = replace(RULE, cloud_transmitter=transmitter)
        self.hospital = Hospital(seed=seed, rule=rule, lost=0.03)
        for name, sink in list(self.hospital.sinks.items()):
            self.hospital.sinks[name] = DeadlySink(sink.book, sink.chance, sink.lost)
        if not has_ledger:
            self.hospital.journal = WithoutLedger(self.hospital.journal, rule)  # type: ignore[assignment]
        self.hospital.start()
        self.chance = Random(f"history {seed}")
        self.events = course_of(seed, orders)
        self.moves = moves
        self.expected: dict[str, dict[str, str]] = {}  # order key -> document key -> type
        self.guarded: set[str] = set()
        self.moved = 0
        self.counted = Count()
        self.entered: set[str] = set()
        self.is_dying = False

    async def run(self) -> Count:
        """Live through it, and count."""
        await self.hospital.open()
        begin_s = self.hospital.clock.elapsed_s
        for event, following in pairwise((*self.events, self.events[-1])):
            passed = self.hospital.clock.elapsed_s - begin_s
            if event.at_s > passed:
                self.hospital.later(timedelta(seconds=event.at_s - passed))
            await self._happen(event)
            if following.what in ("stage", "recall"):
                await self.hospital.translate()  # planned, and not sent yet
                continue
            for _ in range(self.chance.choice((0, 1, 1, 3))):
                await self._step()
            if self.chance.random() < 0.1:
                await self._rest()
        await self._come_to_rest()
        return await self._count()

    async def _happen(self, event: Event) -> None:
        hospital = self.hospital
        self.counted.facts[event.what] += 1
        match event.what:
            case "document" | "again":
                assert event.document is not None
                self._remember(event)
                await hospital.take(event.document, event.route)
                if self.is_dying:
                    await self._crash()
            case "stage":
                state = (await hospital.journal.stages())["po"]
                now = hospital.clock.now()
                share = str(event.share or 100)
                await hospital.journal.set_stage("po", state.stage, event.stage, share, "ann", "ramp", now)
            case "recall":
                now = hospital.clock.now()
                recalled = await hospital.journal.recall("po", "cloud", "ann", "rolled back", now)
                self.counted.facts["recalled"] += len(recalled.orders)
            case "restart":
                await hospital.restart()
            case "crash":
                self.is_dying = True  # with the next document: there is something under way then
            case "replay":
                await self._replay()
            case "move" if self.moves:
                await self._move()
            case "pause":
                await self._rest()

    def _remember(self, event: Event) -> None:
        assert event.document is not None
        document = parse_document({"schema_version": "1.0", **event.document})
        key = document_key(document, RULES)
        self.expected.setdefault(key_of(event.number), {})[key] = document.document_type
        lines = event.document.get("lines", [])
        if any(line.get("line_class") for line in lines):
            self.guarded.add(key_of(event.number))

    async def _step(self) -> None:
        await self.hospital.step()

    async def _rest(self) -> None:
        await self.hospital.settle()

    async def _crash(self) -> None:
        """Let the process die while a request is under way, if there is any; another is started."""
        self.is_dying = False
        sink = self.hospital.sinks[self.chance.choice(("mms", "erp", "supplier"))]
        sink.dies = self.chance.choice(("before", "after"))  # type: ignore[attr-defined]
        try:
            for _ in range(3):
                await self.hospital.step()
        except DiedError:
            self.counted.facts["died"] += 1
        finally:
            sink.dies = ""  # type: ignore[attr-defined]
        await self.hospital.restart()

    async def _replay(self) -> None:
        messages = await self.hospital.journal.messages(limit=200)
        theirs = [each for each in messages if each.origin.transport != "move"]
        if theirs:
            chosen = self.chance.choice(theirs)
            now = self.hospital.clock.now()
            await self.hospital.journal.replay(
                chosen.message_id, resend=False, who="ann", why="again", now=now
            )

    async def _move(self) -> None:
        """Move an order that is at rest or not; what cannot move stays where it is."""
        entries = await self.hospital.journal.orders(limit=8)  # the newest: most are not received yet
        if not entries:
            return
        entry = self.chance.choice(entries)
        under_way = await self.hospital.journal.moves(order_key=entry.order_key)
        if any(each.ended_at is None for each in under_way):
            return
        self.moved += 1
        to = Side.CLOUD if entry.side is Side.LEGACY else Side.LEGACY
        number = entry.order_key.rpartition("|")[2]
        await self.hospital.move(number, to=to, batch=f"b{self.moved}")

    # -- the end ---------------------------------------------------------------------------

    async def _come_to_rest(self) -> None:
        """Let people do what they must, until nothing is left to be done."""
        for sink in self.hospital.sinks.values():
            sink.lost = 0.0
        for _ in range(50):
            await self._rest()
            if not await self._people():
                return
        raise AssertionError("people never finish")

    async def _people(self) -> int:
        """Enter by hand what is never split; give how much that was."""
        done = 0
        journal, now = self.hospital.journal, self.hospital.clock.now()
        for item in await journal.exceptions(limit=10_000):
            codes = {finding.code for finding in item.findings}
            if item.kind == "document" and codes & PERSON_ENTERS:
                views = await journal.documents(message_id=item.message_id)
                self.entered.update(
                    document_key(parse_document(view.plan.canonical), RULES)
                    for view in views
                    if view.plan.canonical
                )
                await journal.resolve(item.exception_id, "done_elsewhere:AP", "ap", "entered", now)
                done += 1
            elif item.kind == "move":
                await journal.resolve(item.exception_id, "dismissed", "ann", "it may stay", now)
                done += 1
        return done

    async def _count(self) -> Count:
        counted, hospital = self.counted, self.hospital
        places, copies = self._places()
        moves = await hospital.journal.moves(limit=10**6)
        moved = {each.order_key for each in moves if each.message_id is not None}
        states = Counter(each.state.value for each in moves)
        counted.facts += Counter({"moved": states["done"], "not moved": states["ended"]})
        counted.left_open += [each.move_id for each in moves if each.ended_at is None]
        for order_key, expected in self.expected.items():
            if len(places.get(order_key, ())) > 1 and order_key not in moved:
                counted.split.append(order_key)
            for key in expected:
                times = copies[order_key, key] + (key in self.entered)
                if times != 1:
                    (counted.lost if times == 0 else counted.duplicated).append(key)
            self._count_open(order_key)
            self._count_sent(order_key, expected)
            await self._count_guarded(order_key, places.get(order_key, set()))
        for item in await hospital.journal.exceptions(limit=10_000):
            codes = [finding.code for finding in item.findings]
            counted.left_open.append(f"{item.exception_id} {codes}")
        counted.facts["orders"] = len(self.expected)
        counted.facts["documents"] = sum(map(len, self.expected.values()))
        return counted

    def _places(self) -> tuple[dict[str, set[str]], Counter[tuple[str, str]]]:
        """Give which systems have something of each order, and how often each document is in one."""
        places: dict[str, set[str]] = {}
        copies: Counter[tuple[str, str]] = Counter()
        for name, book in (("legacy", self.hospital.legacy), ("erp", self.hospital.erp)):
            for document_type, order_key, _, key in book.documents:
                places.setdefault(order_key, set()).add(name)
                self.counted.facts[f"{name} {document_type}"] += 1
                if key:
                    copies[order_key, key] += 1
        return places, copies

    def _count_open(self, order_key: str) -> None:
        orders = (*self.hospital.legacy.of(order_key), *self.hospital.erp.of(order_key))
        is_open = [each for each in orders if each.state == "open"]
        if len(is_open) > 1:
            self.counted.duplicated.append(f"{order_key} open {len(is_open)} times")

    async def _count_guarded(self, order_key: str, places: set[str]) -> None:
        """A pinned order is never in the cloud before its route is there as a whole."""
        if order_key not in self.guarded or "erp" not in places:
            return
        entry = (await self.hospital.journal.facts([order_key], (), ())).ledger.get(order_key)
        if entry is not None and entry.stage not in ("cloud", "moved"):
            self.counted.guarded_in_cloud.append(order_key)

    def _count_sent(self, order_key: str, expected: dict[str, str]) -> None:
        """Compare what the supplier got of an order with its revisions: each once, and nothing else."""
        revisions = {key for key, kind in expected.items() if kind in ("purchase_order", "order_change")}
        got = {what: count for (key, what), count in self.hospital.sent.counted.items() if key == order_key}
        for what in revisions | got.keys():
            if got.get(what, 0) != (1 if what in revisions else 0):
                self.counted.sent_wrongly.append(f"{what}: sent {got.get(what, 0)} times")
