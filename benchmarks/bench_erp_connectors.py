"""What a connector adds to an order's writes: deciding, rendering, sending, judging; against bare POSTs.

Both send the same bodies to the same simulated ERP, which is a process of its own, over one kept
connection, one after another, in turns. All requests that make an order count (its draft and its submit,
its header and its lines). A figure is the median of single orders: other work on the machine lengthens
some of them and not the middle one. Journal commits, look-ups and CSRF are left out of the ratio; the
steps that a whole order takes are shown apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp

from adapters.base import Delivery, Effect, Finished, NoReply, Reply, Request, StepResult
from benchmarks.processes import simulator
from benchmarks.table import Row
from canonical.registry import to_json
from gateway.erp.connector.target import Connector
from gateway.erp.http import HttpSink
from gateway.security.secrets import SecretStore
from gateway.system import GARBAGE_YOUNG
from tests.gateway.erp.erps import ERPS, DynamicsByOurNumber, ErpUnderTest
from tests.gateway.erp.paper import order
from tests.gateway.support import RealClock, SeededRng, delivery

# A simulated Dynamics that is started by itself lets callers number their orders.
MEASURED = [DynamicsByOurNumber() if each.kind == "dynamics365" else each for each in ERPS]
PAIRS = 150  # of a bare order and one of ours
LINES = 10
BAR = 0.40


@dataclass
class Course:
    """One order on its way."""

    delivery: Delivery
    done: list[StepResult]


def run() -> list[Row]:
    """Measure every ERP; garbage is collected as seldom as in a serving gateway, for both halves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_YOUNG, 50, 100)
    return [row for erp in MEASURED for row in asyncio.run(_measured(erp))]


async def _measured(erp: ErpUnderTest) -> list[Row]:
    with simulator(f"cloud_erp.{erp.kind}") as url:
        settings = erp.settings(base=url, plaintext=True, timeout_s=20.0, connections=1)
        target = erp.target(settings)
        async with _sink(erp.kind, settings) as sink, _session() as session:
            await _whole(target, sink, PAIRS + 1)  # opens the session, where the ERP asks for one
            bare_s, ours_s = [], []
            for pair in range(PAIRS):
                bare_s.append(await _order(target, sink, Course(_delivery(pair, 0), []), session, url))
                ours_s.append(await _order(target, sink, Course(_delivery(pair, 1), [])))
            whole_ms, steps = await _whole(target, sink)
    bare, ours = statistics.median(bare_s), statistics.median(ours_s)
    ratio = (ours - bare) / bare
    figure = f"{ours * 1e6:.0f} us an order, bare {bare * 1e6:.0f} us"
    name = f"{erp.kind}: added to bare POSTs, {LINES} lines"
    return [
        Row(name, figure, round(ratio, 2), f"<= {BAR}", ratio <= BAR),
        Row(f"{erp.kind}: all steps of an order", f"{whole_ms:.1f} ms: {steps}", None, "shown apart", True),
    ]


async def _order(
    target: Connector,
    sink: HttpSink,
    course: Course,
    session: aiohttp.ClientSession | None = None,
    url: str = "",
) -> float:
    """Take an order to its end; give the seconds that its writes took: all of ours, or only the bare POST."""
    spent = 0.0
    while True:
        begun = time.perf_counter()
        following = target.next_request(course.delivery, course.done, _now())
        decided = time.perf_counter() - begun
        if not isinstance(following, Request):
            if not isinstance(following, Finished):
                raise RuntimeError(f"{following}: the order did not come to its end")
            return spent + (0.0 if session is not None else decided)
        is_counted = following.effect is not Effect.READ
        started_at, begun = _now(), time.perf_counter()
        reply: Reply | NoReply
        if session is not None and is_counted:
            reply = await _posted(session, sink, url, following)
            spent += time.perf_counter() - begun
        else:
            reply = await sink.send(following)
        outcome = target.trace(course.delivery, following, reply, target.interpret(following, reply))
        if session is None and is_counted:
            spent += decided + time.perf_counter() - begun
        course.done.append(StepResult(following, reply, outcome, started_at, _now()))


async def _posted(session: aiohttp.ClientSession, sink: HttpSink, url: str, request: Request) -> Reply:
    """Post a body as it is."""
    headers = {**dict(request.headers), **_session_headers(sink)}
    address = f"{url}/{request.address}"
    async with session.request(request.method, address, data=request.body, headers=headers) as response:
        return Reply(response.status, await response.read(), tuple(response.headers.items()))


def _session_headers(sink: HttpSink) -> dict[str, str]:
    """Give the CSRF token and cookies of the sink's session, where the ERP asks for them."""
    session = getattr(sink._csrf, "_session", None)
    return dict(session.headers) if session is not None else {}


async def _whole(target: Connector, sink: HttpSink, pair: int = PAIRS) -> tuple[float, str]:
    """Take one order through all its steps; give the milliseconds and the steps."""
    course = Course(_delivery(pair, 0), [])
    begun = time.perf_counter()
    await _order(target, sink, course)
    return (time.perf_counter() - begun) * 1e3, ", ".join(each.step for each in course.done)


def _now() -> datetime:
    return RealClock().now()


def _delivery(pair: int, at: int) -> Delivery:
    number = f"PO-{pair}-{at}"
    made = order(number, lines=LINES)
    return delivery(
        number, reference=f"R{pair:04}A{at:04}".translate(_LETTERS).ljust(26, "Q"), canonical=to_json(made)
    )


_LETTERS = str.maketrans("0123456789", "ABCDEFGHIJ")


@contextlib.asynccontextmanager
async def _sink(name: str, settings: object) -> AsyncIterator[HttpSink]:
    sink = HttpSink(name, settings, clock=RealClock(), rng=SeededRng(), secret=SecretStore(Path()))  # type: ignore[arg-type]
    try:
        yield sink
    finally:
        await sink.close()


@contextlib.asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session
