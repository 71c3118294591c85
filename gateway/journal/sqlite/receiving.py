"""Receiving a body as a stream: pieces of one size, counted and hashed on their way."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from gateway.journal.sqlite.bodies import PIECE_BYTES
from gateway.journal.types import Arrival


class Receipt:
    """How much has come so far, and its hash."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.size_bytes = 0
        self.pieces = 0

    def add(self, piece: bytes) -> None:
        """Count a piece."""
        self._digest.update(piece)
        self.size_bytes += len(piece)
        self.pieces += 1

    @property
    def sha256(self) -> str:
        """Give the hash so far, hex."""
        return self._digest.hexdigest()


async def pieces_of(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give the same bytes in pieces of ``PIECE_BYTES``, the last one shorter."""
    gathered = bytearray()
    async for chunk in stream:
        gathered += chunk
        while len(gathered) >= PIECE_BYTES:
            yield bytes(gathered[:PIECE_BYTES])
            del gathered[:PIECE_BYTES]
    if gathered:
        yield bytes(gathered)


def check_announced(arrival: Arrival, sha256: str, size_bytes: int) -> None:
    """Refuse bytes that are not the announced ones. Errors: ValueError."""
    if arrival.sha256 and (arrival.sha256, arrival.size_bytes) != (sha256, size_bytes):
        raise ValueError(
            f"message {arrival.message_id}: {size_bytes} bytes with SHA-256 {sha256} arrived; "
            f"{arrival.size_bytes} bytes with {arrival.sha256} were announced"
        )
