"""A progress bar on standard error, for long inputs on a terminal; silent everywhere else."""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from typing import BinaryIO

FIRST_S = 1.0  # an input that is read sooner needs none
BETWEEN_S = 0.2
BAR_WIDTH = 20


class Progress:
    """How far one input has been read. ``total_bytes`` None: nobody knows, as on standard input."""

    def __init__(self, name: str, total_bytes: int | None, *, is_shown: bool | None = None) -> None:
        self._name = name
        self._total_bytes = total_bytes
        self._is_shown = sys.stderr.isatty() if is_shown is None else is_shown
        self._began = self._drawn = time.monotonic()
        self._width = 0  # of what stands on the line now
        self._read_bytes = 0

    def advance(self, size_bytes: int) -> None:
        """Count bytes that were read, and draw now and then."""
        self._read_bytes += size_bytes
        now = time.monotonic()
        if self._is_shown and now - self._began >= FIRST_S and now - self._drawn >= BETWEEN_S:
            self._drawn = now
            self._draw(now - self._began)

    def clear(self) -> None:
        """Take the bar away: something else is about to be printed, or it is done."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0

    def _draw(self, elapsed_s: float) -> None:
        columns = shutil.get_terminal_size().columns
        text = line(self._name, self._read_bytes, self._total_bytes, elapsed_s, columns - 1)
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = max(self._width, len(text))


class Watched(io.RawIOBase):
    """A file that tells a progress bar what is read from it."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        """Read, and count."""
        piece = self._file.read(size)
        self._progress.advance(len(piece))
        return piece


def line(name: str, read_bytes: int, total_bytes: int | None, elapsed_s: float, width: int) -> str:
    """Give the bar as text, no wider than asked: the name is what gives way."""
    rate = f"{read_bytes / 1e6 / elapsed_s:.1f} MB/s" if elapsed_s > 0 else ""
    if total_bytes:
        share = min(read_bytes / total_bytes, 1.0)
        bar = ("#" * round(share * BAR_WIDTH)).ljust(BAR_WIDTH, ".")
        rest = f" [{bar}] {share:4.0%} of {total_bytes / 1e6:.1f} MB, {rate}"
    else:
        rest = f" {read_bytes / 1e6:.1f} MB, {rate}"
    room = max(width - len(rest), 0)
    shown = name if len(name) <= room else f"...{name[len(name) - max(room - 3, 0) :]}"[:room]
    return f"{shown}{rest}"[:width]


def size_of(file: BinaryIO) -> int | None:
    """Give a file's size, None for a pipe."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    return status.st_size or None
