"""Frames between the gateway's process and its pickers: one pickled value after the other on a socket pair.

Only a process and the children it started itself speak over it, so what arrives is trusted.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from adapters.base import Finding, Origin, Settlement
from adapters.base.formats import Environment
from adapters.sftp_files.shares import Share

FRAME_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Start:
    """What a picker is told first."""

    endpoint: str
    environment: Environment
    settings: BaseModel
    route: str
    route_settings: BaseModel | None
    identity: str | None
    partner: str | None
    size_bytes_max: int
    share: Share


@dataclass(frozen=True, slots=True)
class Ask:
    """A picker wants something that only the owner of the journal has: its memory, a secret."""

    number: int
    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    number: int
    value: Any = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that a picker has read. ``body``: all of it, or its first piece with more to be asked for."""

    number: int
    arrival_key: str | None
    origin: Origin
    body: bytes
    is_whole: bool
    refusal: Finding | None = None


@dataclass(frozen=True, slots=True)
class More:
    """The owner wants the next piece; the picker answers with one, empty at the end."""

    number: int


@dataclass(frozen=True, slots=True)
class Piece:
    """The next piece of a body."""

    number: int
    body: bytes
    refusal: Finding | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The gateway has spoken about an offer; None: it gave it up, to be offered again."""

    number: int
    settlement: Settlement | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a picker stands: why it takes nothing, None where nothing keeps it."""

    trouble: str | None


class Frames:
    """One end. Errors: EOFError where the other process is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> Frames:
        """Speak over one end of a socket pair."""
        return cls(*await asyncio.open_connection(sock=sock))

    async def send(self, value: object) -> None:
        """Send one value."""
        body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        try:
            self._writer.write(struct.pack(">I", len(body)) + body)
            await self._writer.drain()
        except OSError as error:
            raise EOFError("the other process is gone") from error

    async def receive(self) -> object:
        """Wait for the next value."""
        try:
            (length,) = struct.unpack(">I", await self._reader.readexactly(4))
            if length > FRAME_BYTES_MAX:
                raise EOFError("a frame that is too large")
            return pickle.loads(await self._reader.readexactly(length))  # noqa: S301 - of our own child
        except (asyncio.IncompleteReadError, OSError) as error:
            raise EOFError("the other process is gone") from error

    def close(self) -> None:
        """Let go."""
        self._writer.close()
