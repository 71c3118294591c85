"""The world of one seeded history: time, chance, what is written down of it, and whether faults happen.

Every chance is drawn from the seed, each part of the world from a stream of its own, so that a change
in one part leaves the others' draws alone.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tests.simulation.loop import VirtualLoop

START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)

Result = TypeVar("Result")


class Chance:
    """A stream of chances. It is an Rng of the contract, and what the simulation itself draws from."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def random(self) -> float:
        """Give a number from 0 to below 1."""
        return self._random.random()

    def token(self) -> str:
        """Give 16 characters, a-z 2-7."""
        return base64.b32encode(self._random.randbytes(10)).decode().lower()

    def happens(self, share: float) -> bool:
        """Tell whether something of that likelihood happens now."""
        return self._random.random() < share

    def between(self, lowest: float, highest: float) -> float:
        """Give a number in a range."""
        return lowest + (highest - lowest) * self._random.random()

    def count(self, lowest: int, highest: int) -> int:
        """Give a whole number in a range, both ends in it."""
        return self._random.randint(lowest, highest)

    def one_of(self, choices: Sequence[Result]) -> Result:
        """Choose."""
        return choices[self._random.randrange(len(choices))]


class World:
    """Time, chance and trace of one history."""

    def __init__(self, seed: int, loop: VirtualLoop) -> None:
        self.seed = seed
        self.loop = loop
        self.is_calm = False  # the faults have ended
        self.wall_offset_s = 0.0
        self.trace: list[str] = []
        self.problems: list[str] = []  # what no invariant has a name for: a loop that died, a broken target

    def chance(self, part: str) -> Chance:
        """Give the stream of one part of the world."""
        return Chance(f"{self.seed}/{part}")

    def say(self, event: str, *facts: object) -> None:
        """Write down what happened."""
        self.trace.append(f"{self.loop.time():10.3f} {event} {' '.join(map(str, facts))}")

    def object_to(self, problem: str) -> None:
        """Write down a problem, once."""
        if problem not in self.problems:
            self.problems.append(problem)
            self.say("PROBLEM", problem)

    def now(self) -> datetime:
        """Give what the wall clock shows."""
        return START + timedelta(seconds=self.loop.time() + self.wall_offset_s)

    def spawn(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Start something that no crash of a gateway ends."""
        return self.loop.spawn(work, None)

    @property
    def trace_hash(self) -> str:
        """Give what two runs of one seed must agree in."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()
