"""Side by side, yet in order: many messages of one lane are decoded at once and planned in turn.

A turn is handed on when a plan was given to the journal, not when it is durable: the journal writes
in the order in which it is asked, so plans of many messages share a commit and keep their order.
"""

from __future__ import annotations

import asyncio


class Turn:
    """One message's place in the line."""

    def __init__(self, before: Turn | None = None) -> None:
        self._before = before
        self._is_over = asyncio.Event()

    async def mine(self) -> None:
        """Wait until everyone before has given its last plan to the journal, or given up."""
        if self._before is not None:
            await self._before._is_over.wait()
            self._before = None  # a long line must not keep everyone that ever stood in it

    def over(self) -> None:
        """Let the next one plan."""
        self._is_over.set()
