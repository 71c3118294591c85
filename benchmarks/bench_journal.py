"""Durable acceptance, measured: group commit against one transaction per message, in the same run.

The baseline writes the same rows by the same statements, on its own thread, with a transaction and a
flush for each message. Runs are paired and alternate, so that a busy disk hits both alike; ratios are
medians over the pairs. Read ratios, not absolutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median

from adapters.base import Clock, Origin
from benchmarks.table import Row
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.cipher import cipher_for
from gateway.journal.sqlite.messages import accept as accept_message
from gateway.journal.sqlite.opening import open_writer
from gateway.journal.types import Arrival

BODY_BYTES = 6 * 1024
PAIRS = 5
MESSAGES = {1: 300, 16: 1_600, 128: 5_120}  # by number of senders
BARS = {1: 1.2, 16: 5.0, 128: 5.0}

Accept = Callable[[int], Awaitable[object]]


class Run:
    """One run: how long every acceptance took, and all together."""

    def __init__(self, took_s: list[float], all_s: float) -> None:
        self.rate = len(took_s) / all_s
        self.p50_ms = median(took_s) * 1_000


class RealClock(Clock):
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


def run() -> list[Row]:
    """Measure everything."""
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for senders, messages in MESSAGES.items():
            pairs = [await _pair(Path(folder), senders, messages, number) for number in range(PAIRS)]
            rows.append(_row(senders, pairs))
    return rows


def _row(senders: int, pairs: list[tuple[Run, Run]]) -> Row:
    bar = BARS[senders]
    rate = median(ours.rate for ours, _ in pairs)
    if senders == 1:
        ratio = median(ours.p50_ms / plain.p50_ms for ours, plain in pairs)
        figure = f"p50 {median(ours.p50_ms for ours, _ in pairs):.2f} ms, {rate:,.0f} msg/s"
        return Row(
            "durable accept, 1 sender: p50",
            figure,
            round(ratio, 2),
            f"<= {bar} x one per message",
            ratio <= bar,
        )
    ratio = median(ours.rate / plain.rate for ours, plain in pairs)
    figure = f"{rate:,.0f} msg/s, p50 {median(ours.p50_ms for ours, _ in pairs):.1f} ms"
    name = f"durable accept, {senders} senders"
    return Row(name, figure, round(ratio, 2), f">= {bar:.0f} x one per message", ratio >= bar)


async def _pair(folder: Path, senders: int, messages: int, number: int) -> tuple[Run, Run]:
    ours = await _run_journal(folder / f"ours-{senders}-{number}.db", senders, messages)
    plain = await _run_plain(folder / f"plain-{senders}-{number}.db", senders, messages)
    return ours, plain


async def _run_journal(path: Path, senders: int, messages: int) -> Run:
    journal = await SqliteJournal.open(path, clock=RealClock())
    inputs = _inputs(messages)

    async def accept(number: int) -> None:
        await journal.accept(*inputs[number])

    result = await _send(accept, senders, messages)
    await journal.close()
    return result


async def _run_plain(path: Path, senders: int, messages: int) -> Run:
    database = open_writer(path, cipher_for(None), vfs=None, synchronous=True, dedupes=True)
    database.connection.wal_autocheckpoint(1_000)
    inputs = _inputs(messages)
    loop = asyncio.get_running_loop()

    def accept_alone(number: int) -> None:
        arrival, body = inputs[number]
        sha256 = hashlib.sha256(body).hexdigest()
        with database.connection:
            accept_message(database, arrival, sha256, len(body), body)

    with ThreadPoolExecutor(1) as thread:

        async def accept(number: int) -> None:
            await loop.run_in_executor(thread, accept_alone, number)

        result = await _send(accept, senders, messages)
    database.connection.close()
    return result


async def _send(accept: Accept, senders: int, messages: int) -> Run:
    took_s: list[float] = []

    async def sender(first: int) -> None:
        for number in range(first, messages, senders):
            began = time.perf_counter()
            await accept(number)
            took_s.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(sender(first) for first in range(senders)))
    return Run(took_s, time.perf_counter() - began)


def _inputs(messages: int) -> list[tuple[Arrival, bytes]]:
    rng = Random(1)
    return [(_arrival(number, rng), rng.randbytes(BODY_BYTES)) for number in range(messages)]


def _arrival(number: int, rng: Random) -> Arrival:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    origin = Origin("http", at, "/v1/inbound/orders", "10.0.0.7", "CN=materials", "application/edi-x12")
    return Arrival(
        message_id=f"{rng.getrandbits(80):020x}",
        route="orders_in",
        arrival_key=f"key-{number}",
        partner="MERCY",
        sha256="",
        size_bytes=0,
        origin=origin,
        correlation_id=f"c-{number:08}",
        accepted_at=at,
        is_urgent=False,
        config_revision=1,
    )


if __name__ == "__main__":
    for row in run():
        print(row, file=sys.stdout)
