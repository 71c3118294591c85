"""The audit log's anchor: a file beside the store to which the newest entry's number and hash are added.

Whoever rewrites the store's log must rewrite this file too, and it may lie on another disk or be
copied away at any time. It only grows: one line "number hash" per commit that audited something.
"""

from __future__ import annotations

import os
from pathlib import Path


class Anchor:
    """The anchor file of one store."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, number: int, entry_hash: str) -> None:
        """Add a head, durably."""
        is_new = not self._path.exists()
        with self._path.open("ab") as file:
            file.write(f"{number} {entry_hash}\n".encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(self._path.parent)

    def heads(self) -> list[tuple[int, str]]:
        """Give every head, oldest first; a line torn by a crash at the very end is left out."""
        if not self._path.exists():
            return []
        lines = self._path.read_text("ascii", errors="replace").split("\n")[:-1]
        parts = (line.split(" ") for line in lines)
        return [(int(number), entry_hash) for number, entry_hash in parts]


def sync_folder(folder: Path) -> None:
    """Make a new file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
