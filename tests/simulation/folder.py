"""A shared folder in memory, behind the same port as the real one; and the system that empties it.

An operation may fail before it was done or after, or hang and be done late. A file is committed when it
appears under a name that the receiver looks at.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from adapters.sftp_files.port import Entry, EntryKind, PortError, PortErrorKind
from canonical.keys import KeyRules
from tests.simulation.http_peers import Weather
from tests.simulation.node import Node
from tests.simulation.world import Chance, World
from tests.verify.evidence import Committed, keys_in

REFERENCE = re.compile(r"[A-Z2-7]{26}")  # in the temporary name
FAULTS = ("outage", "lost_answer", "late", "denied", "slow")

Result = TypeVar("Result")


@dataclass(slots=True)
class Folder:
    """The folder, its weather, and what appeared in it."""

    name: str
    world: World
    weather: Weather
    chance: Chance
    rules: KeyRules
    files: dict[str, bytes] = field(default_factory=dict)
    committed: list[Committed] = field(default_factory=list)

    async def empty_it(self) -> None:
        """Be the receiver: take files away now and then, for ever."""
        while True:
            await asyncio.sleep(self.chance.between(0.5, 20.0))
            for name in [name for name in self.files if not name.startswith(".")]:
                if self.chance.happens(0.7):
                    del self.files[name]

    def write(self, path: str, body: bytes) -> None:
        """Put a file, replacing one of that name."""
        self.files[path] = body
        if not path.startswith("."):
            self._commit(path, body, "")

    def move(self, path: str, to: str) -> None:
        """Rename. Errors: PortError."""
        if path not in self.files:
            raise PortError(PortErrorKind.MISSING, f"{path} is missing")
        if to in self.files:
            raise PortError(PortErrorKind.TAKEN, f"{to} is there")
        body = self.files.pop(path)
        self.files[to] = body
        reference = REFERENCE.search(path)
        self._commit(to, body, reference[0] if reference else "")

    def _commit(self, path: str, body: bytes, reference: str) -> None:
        if path.endswith(".done"):
            return
        documents, orders = keys_in(body, self.rules)
        digest = hashlib.sha256(body).hexdigest()
        self.committed.append(Committed(len(self.committed) + 1, digest, reference, documents, orders))
        self.world.say(f"{self.name}.commit", path, *documents)


class Port:
    """A FilePort onto the folder, for one process."""

    def __init__(self, folder: Folder, node: Node) -> None:
        self._folder = folder
        self._node = node

    async def prepare(self, folders: Sequence[str]) -> None:
        """There is one folder, and it is there."""

    async def list(self, folder: str, limit: int) -> Sequence[Entry]:
        """Give what is there."""
        return [_entry(name, body) for name, body in list(self._folder.files.items())[:limit]]

    async def stat(self, path: str) -> Entry | None:
        """Give one file."""
        files = self._folder.files
        return await self._do(lambda: _entry(path, files[path]) if path in files else None)

    async def open_read(self, path: str) -> AsyncGenerator[bytes]:
        """Give a file's bytes."""
        if path not in self._folder.files:
            raise PortError(PortErrorKind.MISSING, f"{path} is missing")
        yield self._folder.files[path]

    async def write_atomic(self, path: str, body: bytes) -> None:
        """Write."""
        await self._do(lambda: self._folder.write(path, body))

    async def claim(self, path: str, claimed: str) -> bool:
        """Rename for oneself."""
        if path not in self._folder.files:
            return False
        self._folder.files[claimed] = self._folder.files.pop(path)
        return True

    async def move(self, path: str, to: str, *, durably: bool = False) -> None:
        """Rename."""
        self._folder.world.say(f"{self._folder.name}.move", self._node.name, path, to)
        await self._do(lambda: self._folder.move(path, to))

    async def remove(self, path: str) -> bool:
        """Delete."""
        return self._folder.files.pop(path, None) is not None

    async def server_time_ns(self) -> int:
        """Give the world's time."""
        return int(self._folder.world.loop.time() * 1e9)

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def _do(self, operation: Callable[[], Result]) -> Result:
        """Do one operation in this folder's weather."""
        folder = self._folder
        await self._node.standing()
        fault = folder.weather.fault(folder.world, folder.chance)
        await asyncio.sleep(folder.chance.between(0.001, 0.01))
        match fault:
            case "":
                return operation()
            case "lost_answer":
                operation()
                raise PortError(PortErrorKind.OUTAGE, "the connection was lost", may_have_happened=True)
            case "late":
                folder.world.spawn(self._later(operation))
                return await asyncio.get_running_loop().create_future()
            case "denied":
                raise PortError(PortErrorKind.DENIED, "permission denied")
            case "slow":
                await asyncio.sleep(folder.chance.between(0.5, 4.0))
                return operation()
        raise PortError(PortErrorKind.OUTAGE, "the share is not there")

    async def _later(self, operation: Callable[[], object]) -> None:
        """Finish what hung, whoever still waits for it."""
        await asyncio.sleep(self._folder.chance.between(2.0, 20.0))
        try:
            operation()
        except PortError as error:
            self._folder.world.say(f"{self._folder.name}.late", error)


def _entry(name: str, body: bytes) -> Entry:
    return Entry(name, EntryKind.FILE, len(body), 0)
