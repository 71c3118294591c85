"""The audit log's anchor: a file beside the store to which the newest entry's number and hash are added.

Whoever rewrites the store's log must rewrite this file too, and it may lie on another disk or be
copied away at any time. It only grows: one line "number hash" per commit that audited something.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO

OWNER_ONLY = 0o600
_HEAD = re.compile(r"([0-9]+) ([0-9a-f]{64})")


class Anchor:
    """The anchor file of one store."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, number: int, entry_hash: str) -> None:
        """Add a head, durably."""
        is_new = not self._path.exists()
        with open(self._path, "a+b", opener=owner_only) as file:
            file.write(f"{_line_end_of(file)}{number} {entry_hash}\n".encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(self._path.parent)

    def heads(self) -> list[tuple[int, str]]:
        """Give every head, oldest first; a line that a crash tore is left out."""
        if not self._path.exists():
            return []
        lines = self._path.read_text("ascii", errors="replace").split("\n")[:-1]
        whole = (_HEAD.fullmatch(line) for line in lines)
        return [(int(head[1]), head[2]) for head in whole if head is not None]


def _line_end_of(file: IO[bytes]) -> str:
    """Give what ends the last line, where a crash tore it."""
    if file.seek(0, os.SEEK_END) == 0:
        return ""
    file.seek(-1, os.SEEK_END)
    return "" if file.read(1) == b"\n" else "\n"


def owner_only(path: str, flags: int) -> int:
    """Open a file that, where it is new, nobody but its owner may read: for ``open(opener=...)``."""
    return os.open(path, flags | os.O_CLOEXEC, OWNER_ONLY)


def sync_folder(folder: Path) -> None:
    """Make a new file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
