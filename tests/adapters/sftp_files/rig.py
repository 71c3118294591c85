"""A folder on disk, a journal in memory, and a gateway reduced to accept-then-settle, with crash points."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.base import Inbound, Taken
from adapters.base.registry import EndpointSetup, SourceSetup
from adapters.base.settings import LocalPath
from adapters.sftp_files.config import FilesEndpoint, FilesSource, Ready
from adapters.sftp_files.driver_folder import FolderPort
from adapters.sftp_files.port import FilePort
from adapters.sftp_files.source import FileSource
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import Arrival, ArrivalKind
from tests.adapters.sftp_files.partner import Partner

RENAME = Ready(rename=True)
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, duration_s: float) -> None:
        self.seconds += duration_s
        await asyncio.sleep(0)


class Counter:
    """Tokens that count, so that a failure repeats exactly."""

    numbers = itertools.count()

    def random(self) -> float:
        return 0.5

    def token(self) -> str:
        number = next(self.numbers)
        return "".join(ALPHABET[number // 32**place % 32] for place in range(15, -1, -1))


class KilledError(BaseException):
    """The process dies here."""


@dataclass
class Points:
    """Counts the steps of a run; from ``dies_at`` on nothing works any more, as in a dead process."""

    dies_at: int | None = None
    passed: int = 0

    def step(self) -> None:
        self.passed += 1
        if self.dies_at is not None and self.passed >= self.dies_at:
            raise KilledError


class CrashingPort:
    """A real folder port that dies before or after its n-th operation."""

    def __init__(self, port: FilePort, points: Points) -> None:
        self._port = port
        self._points = points

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._points.step()
            result = await method(*args, **kwargs)
            self._points.step()
            return result

        return method if name in ("close", "open_read") else call

    async def open_read(self, path: str) -> AsyncGenerator[bytes]:
        self._points.step()
        async for piece in self._port.open_read(path):
            yield piece
            self._points.step()


class CrashingMemory:
    """The journal's source memory, out of reach of a dead process."""

    def __init__(self, journal: MemoryJournal, points: Points) -> None:
        self._journal = journal
        self._points = points

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._journal, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._points.step()
            return await method(*args, **kwargs)

        return call


@dataclass
class Rig:
    """One folder with its journal; ``run`` starts a picker and lets it work until nothing is left."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    settings: dict[str, Any] = field(default_factory=dict)
    identity: str | None = "path_size_mtime_hash"
    size_bytes_max: int = 10_000_000
    patterns: tuple[str, ...] = ()
    taken: list[tuple[str, bytes]] = field(default_factory=list)  # new messages: name, body
    repeats: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)  # name, code
    origins: list[Any] = field(default_factory=list)
    partner: Partner | None = None  # the folder is one on an SFTP server
    ahead: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.journal = MemoryJournal(clock=self.clock)

    def source(self, port: FilePort | None = None, points: Points | None = None) -> FileSource:
        place = (
            {"folder": LocalPath(self.folder)} if self.partner is None else {"sftp": self.partner.settings()}
        )
        settings = FilesEndpoint.model_validate({**place, "ready": RENAME, **self.settings})
        rng = Counter()
        endpoint = EndpointSetup("inbox", "test", settings, self.clock, rng, lambda name: name)
        memory: Any = CrashingMemory(self.journal, points) if points else self.journal
        setup = SourceSetup(
            endpoint,
            "orders",
            FilesSource(pattern=self.patterns),
            self.identity,
            None,
            memory,
            self.size_bytes_max,
        )
        chosen: Any = port or self.port()
        return FileSource(setup, CrashingPort(chosen, points) if points else chosen, ahead=self.ahead)

    def port(self) -> FilePort:
        """Give a port to the folder, as the adapter makes it."""
        if self.partner is not None:
            return self.partner.port(self.clock)
        return FolderPort(self.folder, Counter().token)

    async def take(self, inbound: Inbound, before_settle: Callable[[], None] | None = None) -> None:
        """Do what the pipeline does: journal, then settle."""
        body = b"".join([piece async for piece in inbound.body])
        now = self.clock.now()
        arrival = Arrival(
            f"m{Counter().token()}",
            inbound.route,
            inbound.arrival_key,
            None,
            "",
            0,
            inbound.origin,
            "c",
            now,
            False,
            1,
        )
        acceptance = await self.journal.accept(arrival, body)
        if acceptance.kind is ArrivalKind.NEW:
            self.taken.append((inbound.origin.name, body))
            self.origins.append(inbound.origin)
        else:
            self.repeats.append(inbound.origin.name)
        if before_settle is not None:
            before_settle()
        await inbound.settle(Taken(acceptance.message_id, acceptance.kind is ArrivalKind.SAME))

    async def run(
        self,
        rounds: int = 3,
        *,
        port: FilePort | None = None,
        points: Points | None = None,
        take: Callable[[Inbound], Awaitable[None]] | None = None,
    ) -> None:
        """Let a picker work until its clock shows that it slept ``rounds`` times."""
        clock, slept = self.clock, 0

        async def sleep(duration_s: float) -> None:
            nonlocal slept
            slept += 1
            clock.seconds += duration_s
            if slept >= rounds:
                raise asyncio.CancelledError

        source = self.source(port, points)
        vars(clock)["sleep"] = sleep
        step = points.step if points else None
        received = source.receive()
        try:
            async for inbound in received:
                try:
                    await (take(inbound) if take else self.take(inbound, step))
                except Exception as error:  # noqa: BLE001 - the gateway's loop survives any input
                    self.refused.append(
                        (inbound.origin.name, getattr(getattr(error, "finding", None), "code", ""))
                    )
        except asyncio.CancelledError:
            pass
        finally:
            vars(clock).pop("sleep", None)
            with contextlib.suppress(KilledError):
                await received.aclose()  # type: ignore[attr-defined]

    def put(self, name: str, body: bytes = b"ISA*1~", *, age_s: float = 3600.0) -> Path:
        """Put a file into the folder, complete."""
        place = self.folder / name
        place.write_bytes(body)
        self.age(place, age_s)
        return place

    def age(self, place: Path, age_s: float) -> None:
        stamp = place.stat().st_mtime_ns - int(age_s * 1e9)
        os.utime(place, ns=(stamp, stamp))

    def names(self, folder: str = "") -> list[str]:
        """Give the names of the files in a folder."""
        place = self.folder / folder
        return sorted(each.name for each in place.iterdir() if not each.is_dir()) if place.is_dir() else []


class RacingPort:
    """A folder port in front of which something happens at one operation."""

    def __init__(self, port: FilePort, **before: Callable[[str], None]) -> None:
        self._port = port
        self._before = before

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            if name in self._before:
                self._before[name](args[0] if args else "")
            return await method(*args, **kwargs)

        return call

    async def open_read(self, path: str) -> AsyncGenerator[bytes]:
        async for piece in self._port.open_read(path):
            yield piece
            if "reading" in self._before:
                self._before["reading"](path)
