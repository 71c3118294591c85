"""A file being read, kept until the journal has it: small ones in memory, larger ones on the local disk.

Reading into a spool first lets the source hash a file and look whether it changed meanwhile before the
gateway sees a byte of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from typing import BinaryIO, cast

PIECE_BYTES = 256 * 1024


class Spool:
    """Bytes that are written once and then read. Errors: OSError where the local disk is full."""

    def __init__(self, memory_bytes: int = 1024 * 1024) -> None:
        self._memory_bytes = memory_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None

    @property
    def sha256(self) -> str:
        """Give the hash of what was written, hex."""
        return self._hash.hexdigest()

    async def write(self, piece: bytes) -> None:
        """Add a piece."""
        self._size += len(piece)
        self._hash.update(piece)
        if self._file is None and self._size <= self._memory_bytes:
            self._pieces.append(piece)
            return
        await asyncio.to_thread(self._spill, piece)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give everything written, from the start."""
        file = self._file
        if file is None:
            for piece in self._pieces:
                yield piece
            return
        await asyncio.to_thread(file.seek, 0)
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Forget the bytes."""
        self._pieces = []
        if self._file is not None:
            self._file.close()

    def _spill(self, piece: bytes) -> None:
        if self._file is None:
            self._file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed by close()
            self._file.writelines(self._pieces)
            self._pieces = []
        self._file.write(piece)
