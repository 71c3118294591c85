"""Time that stands still until a test lets it pass; then everybody who sleeps wakes in turn."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from heapq import heappop, heappush

from tests.gateway.journal.builders import T0

TURNS = 60  # of the event loop, in which whoever was woken does what it does


class Timeline:
    """A Clock for loops under test."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return T0 + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return 1_000.0 + self.elapsed_s

    async def sleep(self, duration_s: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heappush(self._sleepers, (self.elapsed_s + max(duration_s, 0.0), self._count, woken))
        await woken

    async def idle(self) -> None:
        """Let everything run that needs no time."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def pass_(self, duration_s: float) -> int:
        """Let time pass, from one sleeper's time to the next; give how often somebody woke."""
        await self.idle()
        ends, wakes = self.elapsed_s + duration_s, 0
        while self._sleepers and self._sleepers[0][0] <= ends:
            at, _, woken = heappop(self._sleepers)
            if woken.done():
                continue
            self.elapsed_s = max(self.elapsed_s, at)
            woken.set_result(None)
            wakes += 1
            await self.idle()
        self.elapsed_s = ends
        await self.idle()
        return wakes
