"""The loops that a gateway runs for as long as it lives: one that ends by itself ends the gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from adapters.base.ending import ended

log = logging.getLogger("legacy_bridge.app")


class Loops:
    """Tasks by name. ``failed`` hears of the first one that ended by itself; ``wait`` then raises why."""

    def __init__(self, failed: Callable[[], None]) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._on_failure = failed
        self._failed: asyncio.Future[None] | None = None

    def open(self) -> None:
        """Begin to watch over what runs, in the event loop of now."""
        self._failed = asyncio.get_running_loop().create_future()

    def run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run something until it is ended by its name."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(self._on_end)

    async def wait(self) -> None:
        """Wait until a loop fails. Errors: its own."""
        if self._failed is None:
            raise RuntimeError("the gateway was not started")
        await asyncio.shield(self._failed)

    async def end(self, is_meant: Callable[[str], bool]) -> None:
        """End the loops whose names are meant, one after the other."""
        for name in [name for name in self._tasks if is_meant(name)]:
            await ended(self._tasks.pop(name))

    def runs(self, name: str) -> bool:
        """Tell whether a loop was begun and not ended."""
        return name in self._tasks

    def _on_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._failed is None or self._failed.done():
            return
        error = task.exception() or RuntimeError(f"the loop '{task.get_name()}' ended")
        log.critical("gateway.failed loop=%s reason=%s", task.get_name(), error)
        self._on_failure()
        self._failed.set_exception(error)
