"""Watching a folder: what lies in it, what of that is complete, and when to look again.

It does the I/O of looking and keeps what earlier looks found; ``pickup`` and ``schedule`` decide.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from adapters.base.registry import SourceSetup
from adapters.sftp_files import pickup, schedule
from adapters.sftp_files.config import FilesEndpoint
from adapters.sftp_files.pickup import Rules
from adapters.sftp_files.port import Entry, EntryKind, FilePort

log = logging.getLogger("legacy_bridge.sftp_files")

ENTRIES_MAX = 100_000  # of one listing
PAUSE_MAX_S = 300.0
NAP_S = 60.0  # a long wait is slept in pieces: the wall clock may be set meanwhile
WARNINGS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A complete file to take: where it stands, and, in the work folder, the claim it has."""

    path: str
    entry: Entry
    claim: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Failure:
    count: int
    until_s: float


class Watch:
    """One folder being watched for one route. Errors: PortError."""

    def __init__(self, setup: SourceSetup, settings: FilesEndpoint, rules: Rules, port: FilePort) -> None:
        self._setup = setup
        self._settings = settings
        self._rules = rules
        self._port = port
        self._clock = setup.endpoint.clock
        self._seen: dict[str, pickup.Seen] = {}
        self._seen_claimed: dict[str, pickup.Seen] = {}
        self._failures: dict[str, _Failure] = {}  # by path
        self._kept: dict[str, Entry] = {}  # taken, and left where they are
        self._warned: set[str] = set()
        self._waits_for_files = False
        self._began_at: datetime | None = None  # the look by cron that is going on

    async def begin(self) -> str:
        """Make our folders; give the name under which this journal claims files, drawn once for ever.

        Two gateways with two journals on one folder so never take up each other's claimed files.
        """
        settings = self._settings
        await self._port.prepare(
            [
                *([settings.work] if settings.claim == "rename" else []),
                *([settings.error] if settings.after != "keep" else []),
                *([settings.done] if settings.after == "archive" else []),
            ]
        )
        scope = f"sftp_files/{self._setup.endpoint.name}/owner"
        memory = self._setup.memory
        while (owner := await memory.cursor(scope)) is None:
            await memory.set_cursor(scope, self._setup.endpoint.rng.token(), None)
        return owner

    async def candidates(self, owner: str, opened: Iterable[str]) -> list[Candidate]:
        """Give the files to take, what was claimed before first; without those left alone for a while."""
        claimed = await self._claimed(owner) if self._settings.claim == "rename" else []
        fresh = await self._fresh()
        now_s = self._clock.monotonic()
        known = {candidate.path for candidate in (*claimed, *fresh)} | set(opened)
        self._failures = {path: failure for path, failure in self._failures.items() if path in known}
        waiting = {path for path, failure in self._failures.items() if failure.until_s > now_s}
        self._waits_for_files = bool(self._failures) or len(fresh) + len(claimed) < len(self._seen) + len(
            self._seen_claimed
        )
        self._kept = {path: entry for path, entry in self._kept.items() if path in self._seen}
        return [
            found
            for found in (*claimed, *fresh)
            if found.path not in waiting and self._kept.get(found.path) != found.entry
        ]

    def keep(self, path: str, entry: Entry) -> None:
        """Remember a file that was taken and stays where it is. A restart reads it once more; it is known."""
        self._kept[path] = entry

    # -- leaving alone -------------------------------------------------------------------------

    def failed(self, path: str, name: str, reason: str) -> None:
        """Leave a file alone for a while, longer each time; the others go on."""
        count = self._failures[path].count + 1 if path in self._failures else 1
        pause_s = min(self._poll_s * 2 ** min(count, 20), max(PAUSE_MAX_S, self._poll_s))
        self._failures[path] = _Failure(count, self._clock.monotonic() + pause_s)
        log.warning("file.failed file=%s times=%d reason=%s", pickup.shown(name), count, reason)

    def leave_until_next_look(self, path: str) -> None:
        """Leave a file alone until it is looked at again, without counting a failure."""
        self._failures[path] = _Failure(0, self._clock.monotonic() + self._poll_s)

    @property
    def leaves_files(self) -> bool:
        """Tell whether the newest look found files that failed before."""
        return bool(self._failures)

    def is_left_alone(self, path: str) -> bool:
        """Tell whether a file is left alone for now."""
        failure = self._failures.get(path)
        return failure is not None and failure.until_s > self._clock.monotonic()

    # -- when ----------------------------------------------------------------------------------

    @property
    def _poll_s(self) -> float:
        return self._settings.poll.total_seconds()

    async def opened(self) -> None:
        """Wait until looking is allowed at all."""
        if self._settings.windows:
            await self._sleep_until(
                schedule.opened(self._clock.now(), self._settings.windows, self._settings.zone)
            )

    async def pause(self, outages: int) -> None:
        """Wait until the next look; longer after each outage in a row."""
        settings = self._settings
        pause_s = min(self._poll_s * 2**outages, max(PAUSE_MAX_S, self._poll_s))
        if settings.cron is None and not settings.windows:
            await self._clock.sleep(pause_s)
            return
        now = self._clock.now()
        self._began_at = self._began_at or now
        goes_on = (self._waits_for_files or outages > 0) and now - self._began_at < settings.cron_for
        due = schedule.next_look(
            now,
            poll_s=pause_s,
            cron=settings.cron,
            windows=settings.windows,
            zone=settings.zone,
            goes_on=goes_on,
        )
        await self._sleep_until(due)
        if not goes_on:
            self._began_at = None

    async def _sleep_until(self, due: datetime) -> None:
        while (left_s := (due - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(min(left_s, NAP_S))

    # -- looking -------------------------------------------------------------------------------

    async def _claimed(self, owner: str) -> list[Candidate]:
        """Give our files in the work folder: what is left of before, and what changed."""
        entries = await self._port.list(self._settings.work, ENTRIES_MAX)
        for name in pickup.orphan_markers((entry.name for entry in entries), owner):
            await self._port.remove(f"{self._settings.work}/{name}")
        found: dict[str, Candidate] = {}
        for entry in sorted(entries, key=by_age):
            work = pickup.read_work_name(entry.name)
            if work and work.owner == owner and pickup.is_ours(work.name, self._rules):
                path = f"{self._settings.work}/{entry.name}"
                found[entry.name] = Candidate(path, entry, work.claim, work.name)
        now_s = self._clock.monotonic()
        ours = (each.entry for each in found.values())
        self._seen_claimed = pickup.observed(self._seen_claimed, ours, now_s)
        server_ns = await self._port.server_time_ns() if found and self._rules.ready.stable else 0
        return [
            each
            for name, each in found.items()
            if pickup.is_ready_again(self._seen_claimed[name], self._rules, server_ns=server_ns, now_s=now_s)
        ]

    async def _fresh(self) -> list[Candidate]:
        """Give the complete files of the folder itself."""
        entries = await self._port.list("", ENTRIES_MAX)
        if len(entries) == ENTRIES_MAX:
            self._warn("", f"only the first {ENTRIES_MAX} entries are looked at")
        ours = []
        for entry in entries:
            if odd := pickup.odd_entry(entry):
                self._warn(entry.name, odd)
            elif entry.kind is EntryKind.FILE and pickup.is_ours(entry.name, self._rules):
                ours.append(entry)
        now_s = self._clock.monotonic()
        self._seen = pickup.observed(self._seen, ours, now_s)
        if not ours:
            return []
        markers = {entry.name: entry for entry in entries if pickup.is_marker(entry.name, self._rules)}
        needs_clock = self._rules.is_blurred or not self._rules.ready.rename
        server_ns = await self._port.server_time_ns() if needs_clock else 0
        ready = [
            seen.entry
            for seen in self._seen.values()
            if pickup.is_ready(seen, self._rules, markers, server_ns=server_ns, now_s=now_s)
        ]
        return [Candidate(entry.name, entry) for entry in sorted(ready, key=by_age)]

    def _warn(self, name: str, reason: str) -> None:
        if name not in self._warned and len(self._warned) < WARNINGS_MAX:
            self._warned.add(name)
            log.warning("file.ignored file=%s reason=%s", pickup.shown(name), reason)


def by_age(entry: Entry) -> tuple[int, str]:
    """Order entries by age, the oldest first."""
    return entry.modified_ns, entry.name
