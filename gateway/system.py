"""The real clock, the real chance, how a process that lasts collects garbage.

Only ``app.py``, what stands beside it and commands build these; all else is given them.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

GARBAGE_YOUNG = 100_000  # new containers before the youngest are looked at; Python's own figure is 700
# Five bits of each byte. (base64.b32encode took a twelfth of a message's acceptance.)
_LETTERS = bytes(b"abcdefghijklmnopqrstuvwxyz234567"[byte & 31] for byte in range(256))


class SystemClock:
    """Time from the machine. ``monotonic`` counts leases and pauses, so a corrected wall clock moves none."""

    def now(self) -> datetime:
        """Give the wall clock's time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds that never jump."""
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        """Wait."""
        await asyncio.sleep(duration_s)


class SystemRng:
    """Chance from the machine's own source."""

    def __init__(self) -> None:
        self._random = secrets.SystemRandom()

    def random(self) -> float:
        """Give a number from 0 to below 1."""
        return self._random.random()

    def token(self) -> str:
        """Give 16 characters, a-z 2-7: 80 bits."""
        return secrets.token_bytes(16).translate(_LETTERS).decode()


def package_version() -> str:
    """Give the version of this package, as it was installed."""
    try:
        return version("legacy-bridge")
    except PackageNotFoundError:
        return "(not installed)"


def collect_seldom() -> None:
    """Look for garbage cycles seldom: what the start built is for good, and messages leave next to none.

    Measured: a fifth of the event loop's time under load went into collections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_YOUNG, 50, 100)
