"""The other sides over HTTP, in memory: a cloud ERP and a legacy endpoint, and the wire to them.

They speak the shapes of `simulators/cloud_erp` and misbehave as its fault script does. Neither knows
the gateway; the ERP refuses no double, so that one shows. What reached the other side goes on there
whatever becomes of the gateway that sent it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adapters.base import NoReply, Reply, Request
from canonical.keys import KeyRules
from tests.simulation.node import Node
from tests.simulation.world import Chance, World
from tests.verify.evidence import Committed, keys_in

BROKEN = ("reset_before", "reset_after", "hang_before", "hang_after", "late", "half_reply")
PAGES = ("unavailable", "login_page", "sorry_page", "throttle")
LIES = ("error", "error_after", "garbage", "truncated")
FAULTS = (*BROKEN, *PAGES, *LIES, "refused", "slow")
COMMITS_FIRST = frozenset({"reset_after", "hang_after", "half_reply", "error_after", "garbage", "truncated"})

LATE_S_MAX = 30.0  # a request that is still on its way when its sender has given it up
LAG_S_MAX = 10.0  # together well below the quiet period after which a target creates again

_HTML = (("Content-Type", "text/html"),)
_PAGE_OF = {
    "unavailable": Reply(503, b"<html><body>Service unavailable</body></html>", _HTML),
    "login_page": Reply(200, b"<!DOCTYPE html><html><input type='password'></html>", _HTML),
    "sorry_page": Reply(200, b"<!DOCTYPE html><html>Sorry, down for maintenance</html>", _HTML),
}


@dataclass(slots=True)
class Weather:
    """How badly one other side behaves: a share of faulty requests, and windows with no service at all."""

    share: float
    outages: tuple[tuple[float, float], ...] = ()
    faults: tuple[str, ...] = FAULTS

    def fault(self, world: World, chance: Chance) -> str:
        """Give what befalls the next request; "" nothing."""
        if world.is_calm:
            return ""
        if any(begins <= world.loop.time() < ends for begins, ends in self.outages):
            return chance.one_of(("refused", "unavailable", "hang_before"))
        return chance.one_of(self.faults) if chance.happens(self.share) else ""


@dataclass(slots=True)
class Peer:
    """One other side. ``commit`` and ``look_up`` are its own business; the rest is how it misbehaves."""

    name: str
    world: World
    weather: Weather
    chance: Chance
    work: Callable[[Request], Reply]  # does what is asked and answers

    async def serve(self, request: Request, fault: str, reply: asyncio.Future[Reply | NoReply]) -> None:
        """Deal with one request that arrived."""
        await asyncio.sleep(self.chance.between(0.002, 0.05))
        if fault == "late":
            await asyncio.sleep(self.chance.between(5.0, LATE_S_MAX))
        elif fault == "slow":
            await asyncio.sleep(self.chance.between(1.0, 8.0))
        answer: Reply | NoReply | None
        if fault in _PAGE_OF:
            answer = _PAGE_OF[fault]
        elif fault == "throttle":
            headers = (("Retry-After", str(self.chance.count(1, 20))),) if self.chance.happens(0.7) else ()
            answer = Reply(429, b"{}", headers)
        elif fault == "error":
            answer = Reply(500, b'{"title": "internal error"}')
        elif fault == "reset_before":
            answer = NoReply("maybe", "no reply: connection reset")
        elif fault == "hang_before":
            answer = None
        else:
            answer = _spoilt(self.work(request), fault)
        if answer is not None and not reply.done():
            await asyncio.sleep(self.chance.between(0.0, 0.05))
            if not reply.done():
                reply.set_result(answer)


class Wire:
    """A Sink to one peer: what `gateway/erp/http.py` promises of the real one, without a socket."""

    def __init__(self, peer: Peer, node: Node) -> None:
        self._peer = peer
        self._node = node

    async def send(
        self, request: Request, *, still_mine: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply | NoReply:
        """Write one request and wait for its reply."""
        peer = self._peer
        await self._node.standing()
        fault = peer.weather.fault(peer.world, peer.chance)
        await asyncio.sleep(peer.chance.between(0.001, 0.02))
        if fault == "refused":
            return NoReply("none", "no connection: refused")
        await self._node.standing()
        if still_mine is not None and not await still_mine():
            return NoReply("none", "the claim was lost before anything was written", "stale_claim")
        peer.world.say(f"{peer.name}.request", self._node.name, request.step, _reference(request), fault)
        reply: asyncio.Future[Reply | NoReply] = asyncio.get_running_loop().create_future()
        peer.world.spawn(peer.serve(request, fault, reply))
        try:
            async with asyncio.timeout(request.timeout_s):
                answer = await reply
        except TimeoutError:
            answer = NoReply("maybe", "no reply in time")
        await self._node.standing()
        return answer

    async def close(self) -> None:
        """There is nothing to let go of."""


@dataclass(slots=True)
class CloudErp:
    """The ERP's own part: it numbers and keeps documents, and finds them again after a while."""

    name: str
    world: World
    chance: Chance
    rules: KeyRules
    lag_s: float
    committed: list[Committed] = field(default_factory=list)
    _documents: list[dict[str, Any]] = field(default_factory=list)
    _by_reference: dict[str, list[tuple[float, dict[str, Any]]]] = field(default_factory=dict)

    def __call__(self, request: Request) -> Reply:
        """Create (POST) or look up (GET)."""
        if request.method == "POST":
            return self._create(request)
        query = parse_qs(urlsplit(request.address).query)
        known = self._by_reference.get(query.get("reference", [""])[0], [])
        now = self.world.loop.time()
        lag_s = 0.0 if self.world.is_calm else self.lag_s
        return _json(200, {"items": [shown for at, shown in known if at + lag_s <= now]})

    def number_of(self, order_key: str) -> str | None:
        """Give the ERP's number of an order that it has."""
        entry = next((each for each in self.committed if order_key in each.order_keys), None)
        return entry.number if entry else None

    def _create(self, request: Request) -> Reply:
        body = json.loads(request.body)
        documents, orders = keys_in(json.dumps(body["document"]).encode(), self.rules)
        if "POISON" in documents[0]:
            return _json(422, {"title": "not acceptable", "errors": [{"field": "number", "message": "bad"}]})
        number = f"ERP-{len(self.committed) + 1}"
        shown = {
            "number": number,
            "reference": body["reference"],
            "document_key": body["document_key"],
            "content_hash": body["content_hash"],
            "lines": [],
        }
        self._by_reference.setdefault(body["reference"], []).append((self.world.loop.time(), shown))
        self.committed.append(
            Committed(
                len(self.committed) + 1, hashlib.sha256(request.body).hexdigest(), body["reference"],
                documents, orders, number,
            )
        )  # fmt: skip
        self.world.say(f"{self.name}.commit", number, body["reference"], documents[0])
        return _json(201, shown)


@dataclass(slots=True)
class LegacyEndpoint:
    """A legacy system that takes bytes. ``is_safe``: it takes the same bytes twice as one."""

    name: str
    world: World
    rules: KeyRules
    is_safe: bool
    committed: list[Committed] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        """Take it."""
        reference = _reference(request)
        if self.is_safe and any(each.reference == reference for each in self.committed):
            return Reply(200, b"OK again", (("Content-Type", "text/plain"),))
        documents, orders = keys_in(request.body, self.rules)
        digest = hashlib.sha256(request.body).hexdigest()
        self.committed.append(Committed(len(self.committed) + 1, digest, reference, documents, orders))
        self.world.say(f"{self.name}.commit", len(self.committed), reference, *documents)
        return Reply(200, b"OK", (("Content-Type", "text/plain"),))


def _spoilt(reply: Reply, fault: str) -> Reply | NoReply | None:
    """Give what arrives of a good reply."""
    match fault:
        case "hang_after" | "late":
            return None
        case "reset_after":
            return NoReply("maybe", "no reply: connection reset")
        case "half_reply":
            return NoReply("maybe", f"status {reply.status}, but the reply broke off")
        case "error_after":
            return Reply(500, b'{"title": "internal error"}')
        case "garbage":
            return Reply(200, b"\x00\xfe garbage", (("Content-Type", "application/json"),))
        case "truncated":
            return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)
    return reply


def _reference(request: Request) -> str:
    headers = dict(request.headers)
    return headers.get("Idempotency-Key") or headers.get("X-Bridge-Reference") or ""


def _json(status: int, body: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(body).encode(), (("Content-Type", "application/json"),))
