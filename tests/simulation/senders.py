"""The senders: systems and suppliers that send, send again when nobody answered, and send nonsense.

Each remembers what it was told about every submission; that is the history that `verify` gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from adapters.base import Refused, Taken
from canonical.keys import order_key_of
from canonical.registry import parse_document, to_json
from gateway.translation import UnsettledError
from tests.simulation.http_peers import CloudErp
from tests.simulation.node import Node
from tests.simulation.scenario import ANSWERS, BUSY_S, ORDERS, PORTAL, RULES
from tests.simulation.world import Chance, World
from tests.verify.evidence import Submission, Told, submission

RESENDS_MAX = 30

FindNode = Callable[[], Node | None]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent: bytes under a key on a route."""

    route: str
    key: str | None
    body: bytes
    transport: Literal["folder", "http"]


@dataclass(slots=True)
class Senders:
    """All senders of a history, and what they know."""

    world: World
    chance: Chance
    node: FindNode
    erp: CloudErp
    history: list[Submission] = field(default_factory=list)
    _sent: list[Parcel] = field(default_factory=list)
    _orders: list[str] = field(default_factory=list)
    _counter: int = 0

    async def send_all(self, count: int) -> None:
        """Send so many parcels over the busy time; files one after the other, calls side by side."""
        times = sorted(self.chance.between(0, BUSY_S) for _ in range(count))
        files: asyncio.Queue[Parcel | None] = asyncio.Queue()
        picker = self.world.spawn(self._pick_up(files))
        calls = []
        for at in times:
            await asyncio.sleep(max(0.0, at - self.world.loop.time()))
            parcel = self._parcel()
            self._sent.append(parcel)
            if parcel.transport == "folder":
                files.put_nowait(parcel)
            else:
                calls.append(self.world.spawn(self._deliver(parcel)))
        files.put_nowait(None)
        await asyncio.gather(picker, *calls)

    async def _pick_up(self, files: asyncio.Queue[Parcel | None]) -> None:
        while (parcel := await files.get()) is not None:
            await self._deliver(parcel)

    async def _deliver(self, parcel: Parcel) -> None:
        """Send until somebody answers."""
        for _ in range(RESENDS_MAX):
            told, message_id = await self._once(parcel)
            self.history.append(submission(parcel.route, parcel.key, parcel.body, told, RULES, message_id))
            self.world.say("sender", told, parcel.route, parcel.key, message_id or "")
            if told != "unknown":
                return
            await asyncio.sleep(self.chance.between(0.5, 10.0))

    async def _once(self, parcel: Parcel) -> tuple[Told, str | None]:
        node = self.node()
        while node is None:
            await asyncio.sleep(0.5)
            node = self.node()
        task = self.world.loop.spawn(node.take(parcel.route, parcel.key, parcel.body, parcel.transport), node)
        done, _ = await asyncio.wait({task}, timeout=60.0)
        if not done or task.cancelled():
            return "unknown", None
        if (error := task.exception()) is not None:
            if not isinstance(
                error, UnsettledError
            ):  # a node whose configuration is no longer the current one
                self.world.object_to(f"a caller got {error!r}")
            return "unknown", None
        settlement = task.result()
        if not self.world.is_calm and self.chance.happens(0.05):
            return "unknown", None  # the answer was lost on its way
        match settlement:
            case Taken(message_id):
                return "ok", message_id
            case Refused(finding):
                return "fail", finding.facts.get("message_id")
        return "unknown", None

    # -- what is sent ----------------------------------------------------------------------

    def _parcel(self) -> Parcel:
        """Make the next parcel: mostly new, sometimes one that was sent before."""
        kind = self.chance.random()
        if self._sent and kind < 0.08:
            return self._again(self.chance.one_of(self._sent))
        route = self.chance.one_of((ORDERS, ORDERS, PORTAL, ANSWERS, ANSWERS))
        if kind > 0.96:
            body = self.chance.one_of((b"\x00\xff no text at all", b"{ this is not JSON", b"\n"))
        elif route == ANSWERS:
            body = self._answers()
        else:
            body = b"".join(self._order() for _ in range(self.chance.one_of((1, 1, 1, 2, 5))))
            if self.chance.happens(0.08):
                body += b'{"document_type": "purchase_order", "number": ""}\n'
        return self._addressed(route, body)

    def _addressed(self, route: str, body: bytes) -> Parcel:
        self._counter += 1
        key = f"{route}-{self._counter}" if self.chance.happens(0.85) else None
        return Parcel(route, key, body, "http" if route == PORTAL else "folder")

    def _again(self, parcel: Parcel) -> Parcel:
        """Send something a second time: as it was, under another key, or with other bytes."""
        match self.chance.count(0, 2):
            case 0:
                return parcel
            case 1:
                return self._addressed(parcel.route, parcel.body)
        if parcel.key is None:
            return parcel
        return Parcel(parcel.route, parcel.key, parcel.body + self._order(), parcel.transport)

    def _order(self) -> bytes:
        """Give one order line: new, or about one that was ordered before."""
        facility = self.chance.one_of(("04", "04", "01"))
        urgency = "rush" if self.chance.happens(0.12) else "normal"
        if self._orders and self.chance.happens(0.2):
            number = self.chance.one_of(self._orders)
            match self.chance.count(0, 3):
                case 0:
                    return _line(number=number, facility=facility, purpose="cancellation", urgency=urgency)
                case 1:  # the same order with other content: never an update
                    return _line(number=number, facility=facility, currency="USD")
                case 2:
                    release = str(self.chance.count(1, 5))
                    return _line(number=number, release=release, facility=facility, urgency=urgency)
            return _line(number=number, facility=facility)
        name = "POISON" if self.chance.happens(0.03) else "P"
        number = f"{name}{len(self._orders) + 1}"
        self._orders.append(number)
        return _line(number=number, facility=facility, urgency=urgency)

    def _answers(self) -> bytes:
        return b"".join(self._answer() for _ in range(self.chance.one_of((1, 1, 3))))

    def _answer(self) -> bytes:
        """Give an acknowledgment: of an order that was sent, will be sent, or is older than the gateway."""
        kind = self.chance.random()
        number = f"P{len(self._orders) + 1 + self.chance.count(0, 2)}"
        if self._orders and kind < 0.7:
            number = self.chance.one_of(self._orders)
        elif kind > 0.9:
            number = f"OLD-{self.chance.count(1, 3)}"
        order: dict[str, Any] = {"number": number}
        erp_number = self.erp.number_of(order_key_of(number, RULES))
        if erp_number is not None and self.chance.happens(0.4):
            order = {"erp_number": erp_number}
        response = self.chance.one_of(("accepted", "rejected"))
        number = f"A{self.chance.count(1, 99)}"
        return _line(document_type="acknowledgment", response=response, number=number, order=order)


def _line(**fields: Any) -> bytes:
    document = {"document_type": "purchase_order", "schema_version": "1.0", **fields}
    return to_json(parse_document(document)) + b"\n"
