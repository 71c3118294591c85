"""``legacy-bridge plan`` over 2,000 recorded messages: how long it takes, as a command would run it.

The traffic is the made-up corpus of ``tests/gateway/forecast``. Two processes run it, as configured and as
proposed. The ratio is against recording the same messages (accept and translate, no delivery) in this run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from adapters.base import Inbound, Origin, Settlement
from benchmarks.table import Row
from gateway.app import format_by_name
from gateway.compiling import compile_programs, declared_stages
from gateway.config import Configuration, load
from gateway.forecast.making import Question, Store, make_plan
from gateway.forecast.result import Plan
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.types import CrosswalkRow
from gateway.pipeline import Pipeline
from gateway.program import OneRevision
from gateway.system import SystemClock, SystemRng
from gateway.workers import InlineExecutor
from tests.gateway.forecast.corpus import CHANGED, CROSSWALK, IN_FORCE, Sent, corpus, write_site

MESSAGES = 2_000
BAR_S = 30.0


def run() -> list[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> list[Row]:
    in_force = _loaded(write_site(folder, "routes.yaml", "http://127.0.0.1:1", IN_FORCE))
    changed = _loaded(write_site(folder, "changed.yaml", "http://127.0.0.1:1", CHANGED))
    path = folder / "var" / "journal.db"
    began = time.perf_counter()
    await _record(in_force, path, corpus(MESSAGES))
    recording_s = time.perf_counter() - began
    began = time.perf_counter()
    plan = await _plan(changed, path)
    planning_s = time.perf_counter() - began
    return [
        Row(
            f"plan of {plan.messages} messages, {len(plan.changed)} of which change",
            f"{planning_s:.1f} s ({plan.messages / planning_s:.0f} messages a second)",
            planning_s / recording_s,
            f"<= {BAR_S:.0f} s for 2,000",
            planning_s <= BAR_S and plan.messages > 0.95 * MESSAGES,
        )
    ]


def _loaded(path: Path) -> Configuration:
    found = load(path)
    if isinstance(found, list):
        raise RuntimeError(str(found))
    return found


async def _record(configuration: Configuration, path: Path, sent: list[Sent]) -> None:
    clock, rng = SystemClock(), SystemRng()
    journal = await SqliteJournal.open(path, clock=clock)
    try:
        now = clock.now()
        await journal.bind_environment("test")
        revision = await journal.load_configuration(configuration.text, configuration.sha256, "bench", now)
        await journal.declare_stages(declared_stages(configuration), now)
        rows = [CrosswalkRow(legacy, cloud) for legacy, cloud in CROSSWALK]
        await journal.load_crosswalk("supplier", rows, "bench", "bench", now)
        programs = OneRevision(compile_programs(configuration, revision))
        executor = InlineExecutor(format_by_name)
        pipeline = Pipeline(journal, programs, format_by_name, executor, clock, rng)
        for each in sent:
            accepted = await pipeline.take(_inbound(each, clock.now()))
            if accepted is not None:
                await pipeline.translate(accepted.message_id)
    finally:
        await journal.close()


def _inbound(sent: Sent, now: datetime) -> Inbound:
    async def body() -> AsyncIterator[bytes]:
        yield sent.body

    async def settle(settlement: Settlement) -> None:
        return

    origin = Origin("http", now, name=sent.path, content_type=sent.content_type)
    return Inbound(sent.route, sent.key, origin, body(), settle)


async def _plan(changed: Configuration, path: Path) -> Plan:
    journal = await SqliteJournal.open_readonly(path, clock=SystemClock())
    try:
        question = Question(changed, limit=MESSAGES)
        return await make_plan(question, journal, Store(path), format_by_name, datetime.now(UTC))
    finally:
        await journal.close()


if __name__ == "__main__":
    for row in run():
        print(f"{row.name}: {row.figure}, bar {row.bar}, holds: {row.holds}")
