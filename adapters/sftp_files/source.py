"""The file source: looks into a folder, takes what is complete, and moves it away once it is journaled.

It does the I/O in the order that ``pickup.py`` explains and decides nothing else. A kill at any point
leaves the file in the folder or in the work folder; either way it is offered up again, and the journal
recognises it by its arrival key.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

from adapters.base import DecodeError, Finding, Inbound, Lease, Origin, Refused, Settlement, Taken
from adapters.base.ending import ended
from adapters.base.registry import SourceSetup
from adapters.sftp_files import pickup
from adapters.sftp_files.config import FilesEndpoint, FilesSource
from adapters.sftp_files.driver_filing import Filing
from adapters.sftp_files.driver_spool import Spool
from adapters.sftp_files.driver_watch import Candidate, Watch
from adapters.sftp_files.looks import Looks
from adapters.sftp_files.port import Entry, EntryKind, FilePort, PortError
from adapters.sftp_files.shares import WHOLE, Share

log = logging.getLogger("legacy_bridge.sftp_files")

BATCH = 1_000  # files offered before the folder is listed again, so that what is older comes first


@dataclass(slots=True)
class _Offered:
    """A file that was read to be offered to the gateway, until it is settled and put away."""

    path: str
    name: str
    claim: str | None
    entry: Entry
    lease: Lease
    spool: Spool
    refusal: Finding | None = None  # why it is not offered; told to whoever reads the body
    is_refused: bool = False  # it was told
    settlement: Settlement | None = None


class FileSource:
    """Picks up files for one route. ``ahead``: how many are read while the gateway takes the one before."""

    def __init__(self, setup: SourceSetup, port: FilePort, *, ahead: int = 0, share: Share = WHOLE) -> None:
        self._setup = setup
        self._settings = cast(FilesEndpoint, setup.endpoint.settings)
        route = setup.settings if isinstance(setup.settings, FilesSource) else FilesSource()
        self._rules = pickup.rules_of(self._settings, route.pattern, setup.size_bytes_max)
        self._port = port
        self._ahead = ahead
        self._share = share
        self._clock = setup.endpoint.clock
        self._filing = Filing(port, self._settings, self._rules, setup.endpoint.rng.token)
        self._watch = Watch(setup, self._settings, self._rules, port)
        self._looks = Looks(setup.endpoint.name)
        self._scope = f"sftp_files/{setup.endpoint.name}"
        self._instance = setup.endpoint.rng.token()
        self._lease_s = self._settings.lease.total_seconds()
        self._open: dict[str, _Offered] = {}  # by path: not settled, or settled and still to be put away
        self._runs = 0

    @property
    def trouble(self) -> str | None:
        """Say why nothing is taken from the folder, from the first look that fails until one goes well."""
        return self._looks.trouble(self._clock.monotonic())

    async def receive(self) -> AsyncIterator[Inbound]:
        """Give files, the oldest first, one at a time.

        Asking for the next one says that the one before was settled, or given up: that one is offered
        again later, after the others.
        """
        self._runs += 1
        run = self._runs
        owner: str | None = None
        try:
            while True:
                candidates: Sequence[Candidate] = ()
                await self._watch.opened()
                self._looks.begin(self._clock.monotonic())
                try:
                    await self._settle_again()
                    owner = owner or await self._watch.begin()
                    await self._tell()
                    candidates = await self._candidates(owner)
                    self._looks.succeed(leaves_files=self._watch.leaves_files)
                except PortError as error:
                    owner = None  # our own folders may be gone too
                    self._looks.fail(error)
                    log.warning("folder.unreachable endpoint=%s reason=%s", self._setup.endpoint.name, error)
                finally:
                    self._looks.end()
                async with contextlib.aclosing(self._picked_up(candidates[:BATCH], owner or "")) as picked:
                    async for offered in picked:
                        yield self._inbound(offered)
                        await self._settle_unsettled()
                if len(candidates) <= BATCH:
                    await self._watch.pause(self._looks.outages)
        finally:
            if run == self._runs:  # else another receive() works with the same port by now
                await self._port.close()

    # -- taking --------------------------------------------------------------------------------

    async def _candidates(self, owner: str) -> list[Candidate]:
        found = await self._watch.candidates(owner, self._open)
        return self._share.order([each for each in found if not self._is_open(each)])

    def _is_open(self, candidate: Candidate) -> bool:
        offered = self._open.get(candidate.path)
        return offered is not None and offered.entry.is_version_of(candidate.entry)

    async def _picked_up(self, candidates: Sequence[Candidate], owner: str) -> AsyncGenerator[_Offered]:
        """Give files in their order; the next ones are read while the gateway takes one."""
        left, tasks = deque(candidates), deque[asyncio.Task[_Offered | None]]()
        try:
            while left or tasks:
                while left and len(tasks) <= self._ahead:
                    tasks.append(asyncio.create_task(self._pick_up(left.popleft(), owner)))
                offered = await tasks.popleft()
                if offered is not None:
                    yield offered
        finally:
            for found in await ended(*tasks):
                if isinstance(found, _Offered):  # read ahead, and nobody asked for it
                    found.spool.close()
                    await self._setup.memory.release(found.lease)

    async def _pick_up(self, candidate: Candidate, owner: str) -> _Offered | None:
        """Take one file; whatever is wrong with it concerns no other file."""
        name = candidate.name or candidate.entry.name
        try:
            offered = await self._claimed_and_read(candidate, owner)
        except (PortError, OSError) as error:
            self._watch.failed(candidate.path, name, str(error))
            self._looks.file_failed(pickup.shown(name), error)
            return None
        if offered is not None:
            self._looks.file_read()
        return offered

    async def _claimed_and_read(self, candidate: Candidate, owner: str) -> _Offered | None:
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
        offered = None
        try:
            if path != candidate.path and not await self._claim(candidate.path, path, owner, claim or ""):
                return None
            offered = await self._read(candidate, path, name, claim, lease)
            return offered
        finally:
            if offered is None:
                await self._setup.memory.release(lease)

    async def _claim(self, path: str, claimed: str, owner: str, claim: str) -> bool:
        if not await self._port.claim(path, claimed):
            return False  # another gateway was quicker
        template = self._rules.ready.done_file
        if template is not None:
            marker = f"{self._settings.work}/{pickup.work_marker(owner, claim)}"
            await self._port.claim(pickup.marker_name(template, path), marker)
        return True

    async def _read(
        self, candidate: Candidate, path: str, name: str, claim: str | None, lease: Lease
    ) -> _Offered | None:
        """Read a file into a spool; None where it is gone, changed since it was seen, or no longer ours."""
        before = await self._port.stat(path)
        if before is None:
            return None
        if not before.is_version_of(candidate.entry):
            # It was complete when it was looked at. A thousand files may have been offered since, and its
            # sender begun to write it anew: it is looked at again, where it lies now.
            log.info("file.changed_before_read file=%s", pickup.shown(name))
            self._watch.leave_until_next_look(path)
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
        async with contextlib.aclosing(self._port.open_read(offered.path)) as pieces:
            async for piece in pieces:
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
        self._watch.leave_until_next_look(offered.path)
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
            if self._settings.after == "keep":
                self._watch.keep(offered.path, offered.entry)
        except PortError as error:
            self._open[offered.path] = offered
            self._watch.failed(offered.path, offered.name, str(error))
        finally:
            await self._setup.memory.release(lease)

    async def _settle_again(self) -> None:
        """Put away what could not be put away before."""
        await self._settle_unsettled()
        for path, offered in list(self._open.items()):
            if offered.settlement is not None and not self._watch.is_left_alone(path):
                await self._settle(offered, offered.settlement)

    async def _tell(self) -> None:
        """Tell the sender what translation found since the last look; of several pickers one does."""
        judgments, memory = self._setup.judgments, self._setup.memory
        if judgments is None or not self._settings.reasons or self._settings.after == "keep":
            return
        if self._share.number != 0:
            return
        scope = f"{self._scope}/{self._setup.route}/judged"
        cursor = await memory.cursor(scope)
        found, following = await judgments(cursor)
        for judged in found:
            await self._filing.tell(judged)
        if following != cursor:
            await memory.set_cursor(scope, following, cursor)

    async def _settle_unsettled(self) -> None:
        """Refuse a given-up file whose body said why it cannot be taken; offer any other one again later."""
        for path, offered in [each for each in self._open.items() if each[1].settlement is None]:
            if offered.is_refused and offered.refusal is not None:
                offered.settlement = Refused(offered.refusal)
                await self._settle(offered, offered.settlement)
                continue
            del self._open[path]
            offered.spool.close()
            self._watch.failed(path, offered.name, "the gateway did not take it; it is offered again")
            await self._setup.memory.release(offered.lease)


async def _body(offered: _Offered) -> AsyncIterator[bytes]:
    if offered.refusal is not None:
        offered.is_refused = True
        raise DecodeError(offered.refusal)
    async for piece in offered.spool.pieces():
        yield piece
