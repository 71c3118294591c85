"""The file source: looks into a folder, takes what is complete, and moves it away once it is journaled.

It does the I/O in the order that ``pickup.py`` explains and decides nothing else. A kill at any point
leaves the file in the folder or in the work folder; either way it is offered up again, and the journal
recognises it by its arrival key.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from adapters.base import DecodeError, Finding, Inbound, Lease, Origin, Refused, Settlement, Taken
from adapters.base.registry import SourceSetup
from adapters.sftp_files import pickup
from adapters.sftp_files.config import FilesEndpoint, FilesSource
from adapters.sftp_files.driver_filing import Filing
from adapters.sftp_files.driver_spool import Spool
from adapters.sftp_files.port import Entry, EntryKind, FilePort, PortError

log = logging.getLogger("legacy_bridge.sftp_files")

ENTRIES_MAX = 100_000  # of one listing
BATCH = 1_000  # files offered before the folder is listed again, so that what is older comes first
OUTAGES_COUNTED = 10
PAUSE_MAX_S = 300.0
WARNINGS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A complete file to take: where it stands, and, in the work folder, the claim it has."""

    path: str
    entry: Entry
    claim: str | None = None
    name: str = ""


@dataclass(slots=True)
class _Offered:
    """A file that was offered to the gateway, until it is settled and put away."""

    path: str
    name: str
    claim: str | None
    entry: Entry
    lease: Lease
    spool: Spool
    refusal: Finding | None = None  # why it is not offered; told to whoever reads the body
    is_refused: bool = False  # it was told
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class _Failure:
    count: int
    until_s: float


class FileSource:
    """Picks up files for one route."""

    def __init__(self, setup: SourceSetup, port: FilePort) -> None:
        self._setup = setup
        self._settings = cast(FilesEndpoint, setup.endpoint.settings)
        route = setup.settings if isinstance(setup.settings, FilesSource) else FilesSource()
        self._rules = pickup.rules_of(self._settings, route.pattern, setup.size_bytes_max)
        self._port = port
        self._clock = setup.endpoint.clock
        self._filing = Filing(port, self._settings, self._rules, setup.endpoint.rng.token)
        self._scope = f"sftp_files/{setup.endpoint.name}"
        self._instance = setup.endpoint.rng.token()
        self._lease_s = self._settings.lease.total_seconds()
        self._seen: dict[str, pickup.Seen] = {}
        self._open: dict[str, _Offered] = {}  # by path: not settled, or settled and still to be put away
        self._failures: dict[str, _Failure] = {}  # by path
        self._warned: set[str] = set()
        self._runs = 0

    async def receive(self) -> AsyncIterator[Inbound]:
        """Give files, the oldest first, one at a time.

        Asking for the next one says that the one before was settled, or given up: that one is offered
        again later, after the others.
        """
        self._runs += 1
        run = self._runs
        outages = 0
        owner: str | None = None
        try:
            while True:
                candidates: list[_Candidate] = []
                try:
                    await self._settle_again()
                    owner = owner or await self._begin()
                    candidates = await self._candidates(owner)
                    outages = 0
                except PortError as error:
                    owner = None  # our own folders may be gone too
                    outages = min(outages + 1, OUTAGES_COUNTED)
                    log.warning("folder.unreachable endpoint=%s reason=%s", self._setup.endpoint.name, error)
                for candidate in candidates[:BATCH]:
                    inbound = await self._pick_up(candidate, owner or "")
                    if inbound is not None:
                        yield inbound
                        await self._settle_unsettled()
                if len(candidates) <= BATCH:
                    await self._clock.sleep(min(self._poll_s * 2**outages, max(PAUSE_MAX_S, self._poll_s)))
        finally:
            if run == self._runs:  # else another receive() works with the same port by now
                await self._port.close()

    # -- looking -------------------------------------------------------------------------------

    @property
    def _poll_s(self) -> float:
        return self._settings.poll.total_seconds()

    async def _begin(self) -> str:
        """Make our folders; give the name under which this journal claims files, drawn once for ever.

        Two gateways with two journals on one folder so never take up each other's claimed files.
        """
        settings = self._settings
        own = [settings.work, settings.error]
        await self._port.prepare(own if settings.after == "delete" else [*own, settings.done])
        scope = f"{self._scope}/owner"
        memory = self._setup.memory
        while (owner := await memory.cursor(scope)) is None:
            await memory.set_cursor(scope, self._setup.endpoint.rng.token(), None)
        return owner

    async def _candidates(self, owner: str) -> list[_Candidate]:
        claimed = await self._claimed(owner) if self._settings.claim == "rename" else []
        fresh = await self._fresh()
        now_s = self._clock.monotonic()
        known = {candidate.path for candidate in (*claimed, *fresh)} | self._open.keys()
        self._failures = {path: failure for path, failure in self._failures.items() if path in known}
        waiting = {path for path, failure in self._failures.items() if failure.until_s > now_s}
        return [
            found for found in (*claimed, *fresh) if found.path not in waiting and not self._is_open(found)
        ]

    async def _claimed(self, owner: str) -> list[_Candidate]:
        """Give our files in the work folder: what a dead process left, and what failed before."""
        entries = await self._port.list(self._settings.work, ENTRIES_MAX)
        for name in pickup.orphan_markers((entry.name for entry in entries), owner):
            await self._port.remove(f"{self._settings.work}/{name}")
        found = []
        for entry in sorted(entries, key=_by_age):
            work = pickup.read_work_name(entry.name)
            if work and work.owner == owner and pickup.is_ours(work.name, self._rules):
                found.append(_Candidate(f"{self._settings.work}/{entry.name}", entry, work.claim, work.name))
        return found

    async def _fresh(self) -> list[_Candidate]:
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
        server_ns = 0 if self._rules.ready.rename else await self._port.server_time_ns()
        ready = [
            seen.entry
            for seen in self._seen.values()
            if pickup.is_ready(seen, self._rules, markers, server_ns=server_ns, now_s=now_s)
        ]
        return [_Candidate(entry.name, entry) for entry in sorted(ready, key=_by_age)]

    def _is_open(self, candidate: _Candidate) -> bool:
        offered = self._open.get(candidate.path)
        return offered is not None and offered.entry.is_version_of(candidate.entry)

    # -- taking --------------------------------------------------------------------------------

    async def _pick_up(self, candidate: _Candidate, owner: str) -> Inbound | None:
        """Take one file; whatever is wrong with it concerns no other file."""
        try:
            return await self._offer(candidate, owner)
        except (PortError, OSError) as error:
            self._failed(candidate.path, candidate.name or candidate.entry.name, str(error))
            return None

    async def _offer(self, candidate: _Candidate, owner: str) -> Inbound | None:
        path, claim, name = candidate.path, candidate.claim, candidate.name
        if not name:
            name = pickup.fitted(candidate.entry.name)
            if self._settings.claim == "rename":
                claim = self._setup.endpoint.rng.token()
                path = f"{self._settings.work}/{pickup.work_name(owner, claim, name)}"
        # The lease comes before the claim: whoever sees the claimed file must see that it is being read.
        lease = await self._lease(path)
        if lease is None:
            return None
        inbound = None
        try:
            if path != candidate.path and not await self._claim(candidate.path, path, owner, claim or ""):
                return None
            offered = await self._read(path, name, claim, lease)
            inbound = None if offered is None else self._inbound(offered)
            return inbound
        finally:
            if inbound is None:
                await self._setup.memory.release(lease)

    async def _claim(self, path: str, claimed: str, owner: str, claim: str) -> bool:
        if not await self._port.claim(path, claimed):
            return False  # another gateway was quicker
        template = self._rules.ready.done_file
        if template is not None:
            marker = f"{self._settings.work}/{pickup.work_marker(owner, claim)}"
            await self._port.claim(pickup.marker_name(template, path), marker)
        return True

    async def _read(self, path: str, name: str, claim: str | None, lease: Lease) -> _Offered | None:
        """Read a file into a spool; None where it is gone, changed meanwhile, or no longer ours."""
        before = await self._port.stat(path)
        if before is None:
            return None
        offered = _Offered(path, name, claim, before, lease, Spool())
        if before.size_bytes == 0 and before.kind is EntryKind.FILE and self._rules.empty == "archive":
            log.info("file.empty file=%s", pickup.shown(name))
            await self._filing.put_away(path, name, claim, before, Taken(""), self._clock.now())
            return None
        offered.refusal = pickup.refusal(before, name, self._rules)
        if offered.refusal is None and not await self._fill(offered):
            offered.spool.close()
            return None
        return offered

    async def _fill(self, offered: _Offered) -> bool:
        """Fill the spool; give whether what it holds is the whole, unchanged file."""
        size = 0
        renewed_s = self._clock.monotonic()
        async for piece in self._port.open_read(offered.path):
            size += len(piece)
            if size > offered.entry.size_bytes:
                break
            await offered.spool.write(piece)
            if self._clock.monotonic() - renewed_s > self._lease_s / 3:
                if await self._lease(offered.path) is None:
                    return False
                renewed_s = self._clock.monotonic()
        after = await self._port.stat(offered.path)
        if after is not None and after.is_version_of(offered.entry) and size == after.size_bytes:
            return True
        log.info("file.changed_while_read file=%s", pickup.shown(offered.name))
        self._failures[offered.path] = _Failure(0, self._clock.monotonic() + self._poll_s)
        return False

    def _inbound(self, offered: _Offered) -> Inbound:
        identity = self._setup.identity
        sha256 = offered.spool.sha256
        self._open[offered.path] = offered
        return Inbound(
            route=self._setup.route,
            arrival_key=pickup.arrival_key(identity, offered.name, offered.entry, sha256, offered.claim),
            origin=Origin(
                transport="sftp_files",
                received_at=self._clock.now(),
                name=pickup.shown(offered.name),
                peer=self._setup.endpoint.name,
                facts=pickup.origin_facts(identity, offered.entry, sha256, offered.claim),
            ),
            body=_body(offered),
            settle=self._settler(offered),
            partner=self._setup.partner,
        )

    async def _lease(self, path: str) -> Lease | None:
        return await self._setup.memory.lease(self._scope, pickup.shown(path), self._instance, self._lease_s)

    # -- settling ------------------------------------------------------------------------------

    def _settler(self, offered: _Offered) -> Callable[[Settlement], Awaitable[None]]:
        async def settle(settlement: Settlement) -> None:
            offered.settlement = settlement
            offered.spool.close()
            await self._settle(offered, settlement)

        return settle

    async def _settle(self, offered: _Offered, settlement: Settlement) -> None:
        """Put a settled file away. Where that fails it is tried again, without reading the file."""
        lease = await self._lease(offered.path)
        if lease is None:  # our lease ran out and another picker has it: the journal tells it what we know
            self._open.pop(offered.path, None)
            return
        try:
            now = self._clock.now()
            await self._filing.put_away(
                offered.path, offered.name, offered.claim, offered.entry, settlement, now
            )
            self._open.pop(offered.path, None)
        except PortError as error:
            self._open[offered.path] = offered
            self._failed(offered.path, offered.name, str(error))
        finally:
            await self._setup.memory.release(lease)

    async def _settle_again(self) -> None:
        """Put away what could not be put away before."""
        await self._settle_unsettled()
        now_s = self._clock.monotonic()
        for path, offered in list(self._open.items()):
            failure = self._failures.get(path)
            if offered.settlement is not None and (failure is None or failure.until_s <= now_s):
                await self._settle(offered, offered.settlement)

    async def _settle_unsettled(self) -> None:
        """Refuse a given-up file whose body said why it cannot be taken; offer any other one again later."""
        for path, offered in [each for each in self._open.items() if each[1].settlement is None]:
            if offered.is_refused and offered.refusal is not None:
                offered.settlement = Refused(offered.refusal)
                await self._settle(offered, offered.settlement)
                continue
            del self._open[path]
            offered.spool.close()
            self._failed(path, offered.name, "the gateway did not take it; it is offered again")
            await self._setup.memory.release(offered.lease)

    def _failed(self, path: str, name: str, reason: str) -> None:
        """Leave a file alone for a while, longer each time; the others go on."""
        count = self._failures[path].count + 1 if path in self._failures else 1
        pause_s = min(self._poll_s * 2 ** min(count, 20), max(PAUSE_MAX_S, self._poll_s))
        self._failures[path] = _Failure(count, self._clock.monotonic() + pause_s)
        log.warning("file.failed file=%s times=%d reason=%s", pickup.shown(name), count, reason)

    def _warn(self, name: str, reason: str) -> None:
        if name not in self._warned and len(self._warned) < WARNINGS_MAX:
            self._warned.add(name)
            log.warning("file.ignored file=%s reason=%s", pickup.shown(name), reason)


async def _body(offered: _Offered) -> AsyncIterator[bytes]:
    if offered.refusal is not None:
        offered.is_refused = True
        raise DecodeError(offered.refusal)
    async for piece in offered.spool.pieces():
        yield piece


def _by_age(entry: Entry) -> tuple[int, str]:
    return entry.modified_ns, entry.name
