"""A simulator's own memory on disk: one JSON line per entry, synced before anyone hears of it.

It survives kill -9: at start it is read back, and a last line that was cut off is dropped, since
nobody was ever told about it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class LineFile:
    """An append-only JSON-lines file. `path` None keeps nothing on disk."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.entries: list[dict[str, Any]] = []
        self._descriptor: int | None = None
        if path is not None:
            self._open(path)

    def append(self, entry: dict[str, Any]) -> None:
        """Write one entry and sync it."""
        if self._descriptor is not None:
            line = json.dumps(entry, separators=(",", ":"), sort_keys=True).encode() + b"\n"
            _write_all(self._descriptor, line)
            os.fdatasync(self._descriptor)
        self.entries.append(entry)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.entries, whole = read_lines(path)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.ftruncate(self._descriptor, whole)
        os.fsync(self._descriptor)


def read_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Give the entries of a file, and how many bytes of it are whole lines."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    return [json.loads(line) for line in content[:whole].splitlines()], whole


def _write_all(descriptor: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
