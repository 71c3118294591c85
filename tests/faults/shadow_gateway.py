"""A gateway in a process of its own, for kills among its shadows: ``python -m tests.faults.shadow_gateway``.

It serves the routes.yaml of the folder that it runs in and prints its address. With the word ``forgetful``
its journal says that it has a comparison before it has it: the negative control.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.journal.comparisons import Comparison
from gateway.journal.sqlite import SqliteJournal
from gateway.parts import Parts
from gateway.serving import Served, serve

LATER_S = 30.0


class ForgetfulJournal(SqliteJournal):
    """Answers first and writes later: what a kill in between takes, nobody misses."""

    async def note_comparisons(self, comparisons: Sequence[Comparison]) -> None:
        loop = asyncio.get_running_loop()
        noted, write = tuple(comparisons), super().note_comparisons
        loop.call_later(LATER_S, lambda: loop.create_task(write(noted)))


def up(served: Served) -> None:
    """Tell where it listens."""
    print(served.addresses[0], flush=True)


if __name__ == "__main__":
    journal = ForgetfulJournal if "forgetful" in sys.argv[1:] else SqliteJournal
    asyncio.run(serve(Path("routes.yaml"), up=up, parts=Parts(journal=journal.open)))
