"""What a connector adds to a create: deciding, rendering, sending and judging, against a bare aiohttp POST.

Both send the same bodies to the same simulated ERP, which is a process of its own, over one kept
connection, one after another, in turns. A figure is the median of single creates: other work on the
machine lengthens some of them and not the middle one. Journal commits, look-ups, CSRF and later steps are
left out of the ratio; the steps that a whole order takes are shown apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import aiohttp

from adapters.base import Delivery, Finished, Reply, Request, StepResult, Wait
from benchmarks.table import Row
from canonical.registry import to_json
from gateway.erp.connector.target import Connector
from gateway.erp.http import HttpSink
from gateway.security.secrets import SecretStore
from tests.gateway.erp.erps import ERPS, DynamicsByOurNumber, ErpUnderTest
from tests.gateway.erp.paper import order
from tests.gateway.support import RealClock, SeededRng, delivery

# A simulated Dynamics that is started by itself lets callers number their orders.
MEASURED = [DynamicsByOurNumber() if each.kind == "dynamics365" else each for each in ERPS]
PAIRS = 300  # of a bare create and one of ours
LINES = 10
BAR = 0.40


@dataclass
class Course:
    """One order on its way, up to its create."""

    delivery: Delivery
    done: list[StepResult]


def run() -> list[Row]:
    """Measure every ERP."""
    return [row for erp in MEASURED for row in asyncio.run(_measured(erp))]


async def _measured(erp: ErpUnderTest) -> list[Row]:
    with _simulator(erp.kind) as url:
        settings = erp.settings(base=url, plaintext=True, timeout_s=20.0, connections=1)
        target = erp.target(settings)
        async with _sink(erp.kind, settings) as sink, _session() as session:
            await _whole(target, sink, PAIRS + 1)  # opens the session, where the ERP asks for one
            bare_s, ours_s = [], []
            for pair in range(PAIRS):
                plain, mine = [await _until_create(target, sink, _delivery(pair, at)) for at in range(2)]
                bare_s.append(await _bare(session, sink, url, _create(target, plain)))
                ours_s.append(await _ours(target, sink, mine))
            whole_ms, steps = await _whole(target, sink)
    bare, ours = statistics.median(bare_s), statistics.median(ours_s)
    ratio = (ours - bare) / bare
    figure = f"{ours * 1e6:.0f} us a create, bare {bare * 1e6:.0f} us"
    return [
        Row(
            f"{erp.kind}: added to a bare POST, {LINES} lines",
            figure,
            round(ratio, 2),
            f"<= {BAR}",
            ratio <= BAR,
        ),
        Row(f"{erp.kind}: all steps of an order", f"{whole_ms:.1f} ms: {steps}", None, "shown apart", True),
    ]


async def _bare(session: aiohttp.ClientSession, sink: HttpSink, url: str, request: Request) -> float:
    """Post a body as it is; give the seconds that it takes."""
    headers = {**dict(request.headers), **_session_headers(sink)}
    begun = time.perf_counter()
    async with session.post(f"{url}/{request.address}", data=request.body, headers=headers) as response:
        await response.read()
    ended = time.perf_counter()
    if response.status >= 300:
        raise RuntimeError(f"status {response.status}: the body is not what the ERP takes")
    return ended - begun


def _session_headers(sink: HttpSink) -> dict[str, str]:
    """Give the CSRF token and cookies of the sink's session, where the ERP asks for them."""
    session = getattr(sink._csrf, "_session", None)
    return dict(session.headers) if session is not None else {}


async def _ours(target: Connector, sink: HttpSink, course: Course) -> float:
    """Take an order through its create; give the seconds that it takes, its parsing included."""
    clock = RealClock()
    course = Course(replace(course.delivery, worked_out={}), course.done)
    begun = time.perf_counter()
    request, started_at = _create(target, course), clock.now()
    reply = await sink.send(request)
    outcome = target.trace(course.delivery, request, reply, target.interpret(request, reply))
    course.done.append(StepResult(request, reply, outcome, started_at, clock.now()))
    following = target.next_request(course.delivery, course.done, clock.now())
    ended = time.perf_counter()
    if not isinstance(reply, Reply) or reply.status >= 300 or isinstance(following, Wait):
        raise RuntimeError(f"{reply}: the create was not taken")
    return ended - begun


async def _until_create(target: Connector, sink: HttpSink, the_delivery: Delivery) -> Course:
    """Do the look-ups that stand before the create."""
    course = Course(the_delivery, [])
    while _next(target, course).step != "create":
        await _step(target, sink, course)
    return course


async def _whole(target: Connector, sink: HttpSink, pair: int = PAIRS) -> tuple[float, str]:
    """Take one order through all its steps; give the milliseconds and the steps."""
    course = Course(_delivery(pair, 0), [])
    begun = time.perf_counter()
    while not isinstance(target.next_request(course.delivery, course.done, _now()), Finished):
        await _step(target, sink, course)
    return (time.perf_counter() - begun) * 1e3, ", ".join(each.step for each in course.done)


async def _step(target: Connector, sink: HttpSink, course: Course) -> None:
    request, started_at = _next(target, course), _now()
    reply = await sink.send(request)
    outcome = target.trace(course.delivery, request, reply, target.interpret(request, reply))
    course.done.append(StepResult(request, reply, outcome, started_at, _now()))


def _create(target: Connector, course: Course) -> Request:
    request = _next(target, course)
    if request.step != "create":
        raise RuntimeError(f"'{request.step}' stands where the create was expected")
    return request


def _next(target: Connector, course: Course) -> Request:
    following = target.next_request(course.delivery, course.done, _now())
    if not isinstance(following, Request):
        raise RuntimeError(f"{following}: a request was expected")
    return following


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


@contextlib.contextmanager
def _simulator(kind: str) -> Iterator[str]:
    """Run a simulated ERP as a process of its own; give its address."""
    command = [sys.executable, "-m", f"simulators.cloud_erp.{kind}"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        yield line.rpartition(" ")[2].strip()
    finally:
        process.terminate()
        process.wait()
