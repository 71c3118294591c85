"""A gateway in a process of its own, for kills among its shadows: ``python -m tests.faults.shadow_gateway``.

It imports everything once, then forks one gateway for each line on its standard input, which saves each of
many kills a second of imports; where the input ends, so do they. A gateway serves the routes.yaml of the
folder that it runs in and prints its process and its address. At the word ``forgetful`` its journal says that
it has a comparison before it has it: the negative control.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from gateway.config.catalogue import installed
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


def main() -> None:
    """Fork a gateway for each word."""
    installed()  # every adapter, once for all of them
    born: list[int] = []
    for word in sys.stdin:
        pid = os.fork()
        if not pid:
            run(word.strip())
        born.append(pid)
    for pid in born:
        os.kill(pid, signal.SIGKILL)  # dead or not: its number is its own until it is waited for
        os.waitpid(pid, 0)


def run(word: str) -> NoReturn:
    """Be a gateway, and end."""
    journal = ForgetfulJournal if word == "forgetful" else SqliteJournal
    try:
        asyncio.run(serve(Path("routes.yaml"), up=up, parts=Parts(journal=journal.open)))
    except BaseException:  # noqa: BLE001  what ended it is told; the process that forked it goes on
        traceback.print_exc()
    finally:
        os._exit(1)


def up(served: Served) -> None:
    """Tell where it listens."""
    print(os.getpid(), served.addresses[0], flush=True)


if __name__ == "__main__":
    main()
