"""A gateway for commands to talk to: its journal and control socket, in a thread beside the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.control import ControlServer
from gateway.journal.sqlite import SqliteJournal
from gateway.operations import Hooks, Operations
from tests.gateway.operations.bench import ROUTES, Bench
from tests.gateway.support import FakeClock


class Running:
    """What a test may do to it while commands talk to it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bench: Bench) -> None:
        self._loop = loop
        self.bench = bench

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Let a gateway run in a folder, with its routes.yaml and journal there."""
    (folder / "routes.yaml").write_text(ROUTES)
    (folder / "var").mkdir(exist_ok=True)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run_coroutine_threadsafe(work(), loop).result(20)

    async def begin() -> tuple[Bench, ControlServer]:
        clock = FakeClock()
        journal = await SqliteJournal.open(folder / "var" / "journal.db", clock=clock)
        bench = Bench(journal, clock)
        await bench.start()
        facts = {
            "pid": 42,
            "targets_left_alone": {"erp": "breaker open for 6 s"},
            "targets_that_need_a_person": {"s4": "the password of BRIDGE was refused"},
            "sources_standing_still": {"po.mms": "the log-in is refused [DB-CREDENTIAL]"},
        }
        hooks = Hooks(process=lambda: facts)
        operations = Operations(journal, lambda: bench.configuration, clock, hooks)
        server = ControlServer(folder / "var" / "journal.db.sock", operations)
        await server.start()
        return bench, server

    bench, server = do(begin)
    try:
        yield Running(loop, bench)
    finally:

        async def end() -> None:
            await server.stop()
            await bench.journal.close()

        do(end)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
