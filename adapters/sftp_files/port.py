"""What files are reached through: the one port behind which a local folder and SFTP look alike.

Paths are names relative to the endpoint's folder: ``name``, or ``folder/name`` for one of the
endpoint's own folders. A name is text as the server gave it; bytes that are no UTF-8 stand in it as
surrogate escapes (PEP 383), so that every file can be named. A driver decides nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol


class EntryKind(StrEnum):
    """What stands behind a name; links are never followed."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"  # a pipe, socket or device


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a listing."""

    name: str
    kind: EntryKind
    size_bytes: int
    modified_ns: int  # since 1970, by the server; SFTP version 3 gives whole seconds
    identity: str = ""  # tells a file from another under the same name; "" where the server cannot

    def is_version_of(self, other: Entry) -> bool:
        """Tell whether both are the same unchanged file, perhaps under another name."""
        return (self.kind, self.size_bytes, self.modified_ns, self.identity) == (
            other.kind,
            other.size_bytes,
            other.modified_ns,
            other.identity,
        )


LINKING = ".linking"  # behind the name of a staged file while it is published in two steps


class PortErrorKind(StrEnum):
    """Why something could not be done."""

    MISSING = "missing"
    TAKEN = "taken"  # the new name exists already
    DENIED = "denied"
    FULL = "full"
    NAME = "name"  # the server cannot hold such a name
    CREDENTIAL = "credential"  # the server refused our log-in, or is not the one that it should be
    OUTAGE = "outage"  # no connection, or the share is not there
    OTHER = "other"


STATUS: Mapping[PortErrorKind, int] = MappingProxyType(
    {
        PortErrorKind.MISSING: 404,
        PortErrorKind.TAKEN: 409,
        PortErrorKind.DENIED: 403,
        PortErrorKind.FULL: 507,
        PortErrorKind.NAME: 400,
        PortErrorKind.CREDENTIAL: 401,
        PortErrorKind.OUTAGE: 503,
        PortErrorKind.OTHER: 500,
    }
)  # how sinks word it: the nearest of HTTP's


class PortError(Exception):
    """A file operation failed. ``may_have_happened``: the answer was lost, not refused."""

    def __init__(self, kind: PortErrorKind, text: str, *, may_have_happened: bool = False) -> None:
        super().__init__(text)
        self.kind = kind
        self.may_have_happened = may_have_happened


class FilePort(Protocol):
    """One folder on this machine or on a server. Everything raises PortError and nothing else."""

    async def prepare(self, folders: Sequence[str]) -> None:
        """Make the endpoint's own folders where they are missing; a link in their place is refused."""
        ...

    async def list(self, folder: str, limit: int) -> Sequence[Entry]:
        """Give at most ``limit`` entries of a folder ("" the endpoint's own), without following links."""
        ...

    async def stat(self, path: str) -> Entry | None:
        """Give one entry, a link itself rather than what it points to; None where there is none."""
        ...

    def open_read(self, path: str) -> AsyncGenerator[bytes]:
        """Give a regular file's bytes in bounded pieces."""
        ...

    async def write_atomic(self, path: str, body: bytes) -> None:
        """Write a whole file, durably, replacing one of that name: readers see all of it or nothing."""
        ...

    async def claim(self, path: str, claimed: str) -> bool:
        """Rename a file to a name only we can know; False where it is gone: exactly one claimant wins."""
        ...

    async def move(self, path: str, to: str, *, durably: bool = False) -> None:
        """Rename in one step. Never replaces a file: then the error is TAKEN; or MISSING."""
        ...

    async def remove(self, path: str) -> bool:
        """Delete a file; False where there was none."""
        ...

    async def server_time_ns(self) -> int:
        """Give the time by the clock that also stamps the files; 0 where nothing may be written to see it."""
        ...

    async def close(self) -> None:
        """Let go of connections and threads."""
        ...
