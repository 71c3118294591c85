"""What is injected: time, chance, other processes, and a source's memory.

Because nothing else reads a clock or draws a number, a seeded simulation can run thousands of
histories of the real pipeline. Real ones are built only in ``gateway/app.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, ParamSpec, Protocol, TypeVar

from adapters.base.findings import Finding
from adapters.base.formats import DecodeContext, Decoded, Summary

P = ParamSpec("P")
T = TypeVar("T")


class Clock(Protocol):
    """Time. Leases and backoff count in ``monotonic``; what is written down is ``now``."""

    def now(self) -> datetime:
        """Give the wall clock's time, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds that never jump."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Wait."""
        ...


class Rng(Protocol):
    """Chance."""

    def random(self) -> float:
        """Give a number from 0 to below 1."""
        ...

    def token(self) -> str:
        """Give 16 characters, a-z 2-7, for ids."""
        ...


class Decoding(Protocol):
    """One decoding that runs somewhere, perhaps in another process."""

    async def feed(self, chunk: bytes) -> list[Decoded]:
        """Give the sets that these bytes complete."""
        ...

    async def finish(self) -> tuple[list[Decoded], Summary]:
        """Give the rest."""
        ...

    async def close(self) -> None:
        """Let go of the decoder, finished or not."""
        ...


class Executor(Protocol):
    """Where CPU-bound work runs: beside the event loop for big inputs, in it for small ones."""

    async def decoding(
        self, format_name: str, context: DecodeContext, size_bytes: int, *, is_urgent: bool = False
    ) -> Decoding:
        """Start decoding one input of about that size; an urgent one does not wait behind others."""
        ...

    def is_free(self, inputs: int) -> bool:
        """Tell whether there is a process that would take so many small inputs at once, if that pays."""
        ...

    async def apart(self, work: Callable[P, list[T]], *args: P.args, **kwargs: P.kwargs) -> list[T] | None:
        """Give what a function gives, made in another process; None where that came to nothing.

        The function is importable by name; what it takes and gives is picklable.
        """
        ...

    def renew(self) -> None:
        """Decode what begins from now on with files as they are now; what is under way goes on."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one thing until it expires; a higher fence has taken it over."""

    scope: str
    key: str
    owner: str
    fence: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a message after it was taken: findings for which it, or a part of it, is not used."""

    message_id: str
    name: str  # of its origin
    taken_at: datetime
    findings: tuple[Finding, ...]


class Judgments(Protocol):
    """Asks what translation found later, so that a source can tell its sender."""

    async def __call__(self, after: str | None) -> tuple[Sequence[Judged], str]:
        """Give what was refused after a cursor, oldest first, and the cursor for the next question.

        None: nothing, and where to begin. It stops before the first message that is not judged yet.
        """
        ...


class SourceMemory(Protocol):
    """What sources need of the journal: to see a thing once, alone, and from where they stopped."""

    async def remember_once(
        self, scope: str, key: str, content_hash: str, expires_at: datetime
    ) -> Literal["new", "same", "different"]:
        """Remember a key; tell whether it was known, and with the same content."""
        ...

    async def lease(self, scope: str, key: str, owner: str, duration_s: float) -> Lease | None:
        """Take the lease, or None while another owner holds it. The same owner renews."""
        ...

    async def release(self, lease: Lease) -> bool:
        """Give the lease back; False where it was no longer ours."""
        ...

    async def cursor(self, scope: str) -> str | None:
        """Give the stored cursor."""
        ...

    async def set_cursor(self, scope: str, value: str, expected: str | None) -> bool:
        """Move the cursor if it still is what we read; False where another moved it."""
        ...
