"""Disks that fail and lose power, under the journal: VFSes for SQLite that tests put below it.

They carry out every call on the machine's own VFS. A VFS written in Python has no shared memory, so
the journal locks the file for its one connection (``SqliteJournal.open(vfs=...)``); the write-ahead
log, its flushes and its checkpoints are the real ones.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import apsw

_numbers = itertools.count()

Name = str | apsw.URIFilename | None


class FailingDisk(apsw.VFS):
    """Fails one write or flush: the ``fail_at``-th since it was armed, once, as Linux reports a lost page."""

    def __init__(self, error: type[apsw.Error]) -> None:
        self.name = f"failing-{next(_numbers)}"
        self.calls = 0
        self.has_failed = False
        self._error = error
        self._fail_at: int | None = None
        super().__init__(self.name, "")

    def arm(self, fail_at: int) -> None:
        """Count from here, and fail the n-th call."""
        self.calls, self._fail_at = 0, fail_at

    def xOpen(self, name: Name, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return _FailingFile(self, name, flags)

    def count(self) -> None:
        """Count a call, and fail if it is the one."""
        self.calls += 1
        if self.calls == self._fail_at:
            self.has_failed = True
            raise self._error(f"injected at call {self.calls}")


class _FailingFile(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Name, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xWrite(self, content: bytes, offset: int) -> None:  # noqa: N802
        self._disk.count()
        super().xWrite(content, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.count()
        super().xSync(flags)


class VolatileDisk(apsw.VFS):
    """Keeps what was written in memory until it is flushed: what a power cut leaves is on the real disk.

    The loss is per file: all since its last flush, or, with a seed, a part of it drawn at random, as
    a disk writes back what it likes in the order it likes.
    """

    def __init__(self) -> None:
        self.name = f"volatile-{next(_numbers)}"
        self.lock = threading.RLock()
        self.files: list[_VolatileFile] = []
        super().__init__(self.name, "")

    def xOpen(self, name: Name, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        file = _VolatileFile(self, name, flags)
        self.files.append(file)
        return file

    def cut_power(self, folder: Path, into: Path, seed: int | None = None) -> None:
        """Copy what a power cut at this instant would leave of a folder."""
        with self.lock:
            shutil.copytree(folder, into)
            if seed is not None:
                for file in self.files:
                    file.leave_some(into, Random(seed))


class _VolatileFile(apsw.VFSFile):
    def __init__(self, disk: VolatileDisk, name: Name, flags: list[int]) -> None:
        self._disk = disk
        self._name = Path(str(name.filename() if isinstance(name, apsw.URIFilename) else name)).name
        self._pending: list[tuple[int, bytes | None]] = []  # (offset, bytes), or (size, None) for a cut
        super().__init__("", name, flags)
        size = super().xFileSize()
        self._content = bytearray(super().xRead(size, 0)) if size else bytearray()

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._content[offset : offset + amount])

    def xWrite(self, content: bytes, offset: int) -> None:  # noqa: N802
        with self._disk.lock:
            self._pending.append((offset, bytes(content)))
            self._content.extend(bytes(max(0, offset - len(self._content))))
            self._content[offset : offset + len(content)] = content

    def xTruncate(self, size: int) -> None:  # noqa: N802
        with self._disk.lock:
            self._pending.append((size, None))
            del self._content[size:]

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._content)

    def xSync(self, flags: int) -> None:  # noqa: N802
        with self._disk.lock:
            for offset, content in self._pending:
                if content is None:
                    super().xTruncate(offset)
                else:
                    super().xWrite(content, offset)
            self._pending.clear()

    def leave_some(self, folder: Path, rng: Random) -> None:
        """Write a part of what is pending to the copy of this file, drawn at random."""
        if not (folder / self._name).exists():
            return
        with (folder / self._name).open("r+b") as copy:
            for offset, content in self._pending:
                if content is not None and rng.random() < 0.5:
                    copy.seek(offset)
                    copy.write(content)


@contextmanager
def registered(disk: Any) -> Iterator[Any]:
    """Make a disk known to SQLite for a while."""
    try:
        yield disk
    finally:
        disk.unregister()
