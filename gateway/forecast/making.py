"""Makes a plan: reads the window, runs both configurations, compares. Two processes where there are two runs.

A run is one long computation, so it never stands beside a gateway's event loop: each is a process of its
own that opens the journal's file for reading. Only tests and journals in memory run it in place.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from adapters.base import Finding, Format
from gateway.config import Configuration, load_text
from gateway.forecast.model import MessageForecast
from gateway.forecast.observing import message_forecast
from gateway.forecast.replaying import READ_TOGETHER, replayed
from gateway.forecast.result import Plan, planned
from gateway.forecast.stages import Stages, present_stages, proposed_stages
from gateway.forecast.traffic import Traffic, recorded_traffic
from gateway.journal.base import Journal, UnknownError
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.types import Message
from gateway.system import SystemClock

AUDIT_MAX = 100_000
EVERYTHING = 1_000_000


class PlanError(Exception):
    """No plan can be made; the text is a sentence, ``findings`` say more."""

    def __init__(self, text: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(text)
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``before`` None: the revision that the journal says is in force."""

    after: Configuration
    days: float = 7.0
    limit: int = 2_000
    route: str | None = None
    before: Configuration | None = None
    stages: Stages | None = None  # asked for by name; None: none


@dataclass(frozen=True, slots=True)
class Store:
    """Where the journal's file is, for processes that open it themselves. ``path`` None: run in place."""

    path: Path | None
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One run, as it goes to a process."""

    text: str
    folder: Path | None
    stages: Stages
    messages: tuple[Message, ...]
    store: Store
    is_checked: bool = False  # against what the journal recorded


@dataclass(frozen=True, slots=True)
class Run:
    """What a job gives. ``unlike``: how many messages do not come to what was recorded."""

    forecasts: list[MessageForecast]
    unlike: int | None = None


async def make_plan(
    question: Question, journal: Journal, store: Store, formats: Callable[[str], Format], now: datetime
) -> Plan:
    """Make a plan. ``journal`` is only read. Errors: PlanError, JournalError."""
    after = question.after
    name, before = await _in_force(question, journal)
    traffic = await recorded_traffic(
        journal, now - timedelta(days=question.days), question.limit, question.route
    )
    present = present_stages(before, (await journal.stages()).values())
    stages, notes = proposed_stages(present, before, after, question.stages or {})
    jobs = [
        Job(each.text, after.folder, at, traffic.messages, store, is_checked)
        for each, at, is_checked in ((before, present, True), (after, stages, False))
    ]
    if store.path is None:
        runs = [await _run_here(job, journal, formats) for job in jobs]
    else:
        runs = await asyncio.to_thread(_run_apart, jobs)
    return planned(
        runs[0].forecasts,
        runs[1].forecasts,
        since=traffic.since,
        until=now,
        names=(name, "the changed configuration"),
        notes=[*notes, *_notes(traffic, runs[0])],
    )


async def _in_force(question: Question, journal: Journal) -> tuple[str, Configuration]:
    if question.before is not None:
        return "the configuration given", question.before
    entries = await journal.audit(limit=AUDIT_MAX)
    loads = [each for each in entries if each.action == "config.load"]
    try:
        number = int(loads[-1].subject) if loads else 1
        text = await journal.configuration(number)
    except UnknownError as error:
        raise PlanError("the journal holds no configuration yet; start the gateway once") from error
    name = f"configuration revision {number}"
    found = load_text(text, name, folder=question.after.folder)
    if isinstance(found, list):
        raise PlanError(
            f"{name}, which the journal says is in force, cannot be read by this version; compare with a "
            "file instead: --against FILE",
            found,
        )
    return name, found


def _notes(traffic: Traffic, before: Run) -> list[str]:
    notes = []
    if before.unlike:
        notes.append(
            f"run again as configured now, {before.unlike} of {len(traffic.messages)} messages do not come "
            "to what was recorded: a stage, the configuration or a code table was another one then, or "
            "people acted; the comparison is with now"
        )
    if traffic.is_cut:
        notes.append(
            f"there was more traffic than the limit; the newest {len(traffic.messages)} messages are here"
        )
    if traffic.refused:
        notes.append(
            f"{traffic.refused} {'input was' if traffic.refused == 1 else 'inputs were'} refused before "
            "acceptance; no bytes of that are kept, so it is not replayed"
        )
    gone = sum(1 for each in before.forecasts if "BODY-GONE" in each.codes)
    if gone:
        notes.append(f"of {gone} messages retention has taken the bytes; they are not replayed")
    return notes


async def _run_here(job: Job, journal: Journal, formats: Callable[[str], Format]) -> Run:
    configuration = _configuration(job)
    forecasts = await replayed(configuration, job.stages, job.messages, journal, formats)
    return Run(forecasts, await _unlike(job, forecasts, journal) if job.is_checked else None)


async def _unlike(job: Job, forecasts: Sequence[MessageForecast], journal: Journal) -> int:
    """Count the messages of which a run says something else than the journal recorded."""
    count = 0
    for start in range(0, len(forecasts), READ_TOGETHER):
        part = job.messages[start : start + READ_TOGETHER]
        found = await asyncio.gather(*(_recorded(message, journal) for message in part))
        pairs = zip(found, forecasts[start : start + READ_TOGETHER], strict=True)
        count += sum(one.essence != other.essence for one, other in pairs)
    return count


async def _recorded(message: Message, journal: Journal) -> MessageForecast:
    documents, deliveries = await asyncio.gather(
        journal.documents(message_id=message.message_id, limit=EVERYTHING),
        journal.deliveries(message_id=message.message_id, limit=EVERYTHING),
    )
    return message_forecast(message, message.state.value, message.findings, documents, deliveries)


def _run_apart(jobs: Sequence[Job]) -> list[Run]:
    """Run jobs in processes of their own. Spawned: a fork would copy a gateway's locks and threads."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(jobs), mp_context=context) as pool:
        return list(pool.map(run_job, jobs))


def run_job(job: Job) -> Run:
    """Run one job in this process; importable by name, for worker processes."""
    return asyncio.run(_run_on_file(job))


async def _run_on_file(job: Job) -> Run:
    from gateway.app import format_by_name

    if job.store.path is None:
        raise ValueError("a run in a process needs the journal's file")
    journal = await SqliteJournal.open_readonly(job.store.path, clock=SystemClock(), key=job.store.key)
    try:
        return await _run_here(job, journal, format_by_name)
    finally:
        await journal.close()


def _configuration(job: Job) -> Configuration:
    found = load_text(job.text, "the configuration", folder=job.folder)
    if isinstance(found, list):
        raise PlanError("the configuration cannot be read", found)
    return found
