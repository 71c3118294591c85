"""What tests of the gateway's outlets share: a real clock, seeded chance, deliveries, certificates."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.base import (
    Clock,
    Delivery,
    NoReply,
    Origin,
    Outcome,
    Reply,
    Request,
    Rng,
    Sink,
    StepResult,
    Target,
)
from canonical.registry import parse_document, to_json
from gateway.security.certificates import Issued, Validity, issue_client, issue_server, make_ca, write_issued

REFERENCE = "ABCDEFGHIJKLMNOPQRSTUVWX23"


class RealClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


class FakeClock(Clock):
    """Time that moves only when told to, or when slept."""

    def __init__(self, at: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> None:
        self.at = at
        self.elapsed_s = 0.0
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return self.elapsed_s

    async def sleep(self, duration_s: float) -> None:
        self.sleeps.append(duration_s)
        self.elapsed_s += duration_s
        await asyncio.sleep(0)


class SeededRng(Rng):
    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def random(self) -> float:
        return self._random.random()

    def token(self) -> str:
        return "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz234567", k=16))


def order(number: str = "PO-0001", lines: int = 2, price: str = "12.3400") -> dict:
    return {
        "document_type": "purchase_order",
        "number": number,
        "lines": [
            {
                "sequence": each,
                "line_id": f"00{each}",
                "quantity": {"value": "10.5", "unit": "EA"},
                "price": {"amount": price},
            }
            for each in range(1, lines + 1)
        ],
    }


def delivery(number: str = "PO-0001", reference: str = REFERENCE, **changes) -> Delivery:
    made = Delivery(
        delivery_id="d-1",
        message_id="m-1",
        target="erp",
        role="live",
        reference=reference,
        canonical=to_json(parse_document(order(number))),
        body=b"",
        origin=Origin("http", datetime(2026, 1, 2, tzinfo=UTC)),
        document_key=f"order:1|hospital|{number}",
        order_key=f"order:1|hospital|{number}",
        correlation_id="c-1",
        accepted_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    return replace(made, **changes)


class Course:
    """One delivery taken through a target and a sink, step by step, as the worker would."""

    def __init__(self, target: Target, sink: Sink, the_delivery: Delivery, clock: Clock) -> None:
        self.target = target
        self.sink = sink
        self.delivery = the_delivery
        self.clock = clock
        self.done: list[StepResult] = []

    def next(self):
        return self.target.next_request(self.delivery, self.done, self.clock.now())

    async def step(self) -> Outcome:
        """Send the next request and give what it came to."""
        request = self.next()
        assert isinstance(request, Request), request
        started_at = self.clock.now()
        reply = await self.sink.send(request)
        return self.record(request, reply, started_at)

    def record(self, request: Request, reply: Reply | NoReply, started_at: datetime) -> Outcome:
        outcome = self.target.interpret(request, reply)
        self.done.append(StepResult(request, reply, outcome, started_at, self.clock.now()))
        return outcome

    def crash(self) -> None:
        """Begin the next request and never hear of it again."""
        request = self.next()
        assert isinstance(request, Request), request
        self.done.append(StepResult(request, None, None, self.clock.now()))


class Certificates:
    """A folder of PEM files: `ca`, `other_ca`, `server`, `client`, and clients that must not get in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        now = datetime.now(UTC)
        self.now = now
        good = Validity.of(now)
        past = Validity(now - timedelta(days=2), now - timedelta(days=1))
        self.ca = make_ca("test CA", good)
        other = make_ca("other CA", good)
        names = ("localhost", "127.0.0.1")
        for name, issued in {
            "ca": self.ca,
            "other_ca": other,
            "server": issue_server(self.ca, names, good),
            "expired_server": issue_server(self.ca, names, past),
            "misnamed_server": issue_server(self.ca, ("elsewhere.example",), good),
            "client": issue_client(self.ca, "acme", good),
            "stranger": issue_client(other, "acme", good),
            "expired": issue_client(self.ca, "acme", past),
        }.items():
            self.write(name, issued)

    def write(self, name: str, issued: Issued) -> None:
        write_issued(self.folder, name, issued)

    def pem(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def settings(self, client: str | None = "client", ca: str = "ca") -> dict:
        """Give `tls:` of an endpoint that is used from here."""
        own = {"certificate": f"file:{self.pem(client)}", "key": f"file:{self.key(client)}"} if client else {}
        return {"ca": f"file:{self.pem(ca)}", **own}
