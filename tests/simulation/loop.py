"""An event loop in which no time passes: where nothing is to be done, the clock jumps to the next timer.

No selector, no threads, no sockets: what would do real I/O is refused, since its timing could not be
repeated. A history of hours takes as long as its callbacks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, NoReturn, Protocol, TypeVar

Result = TypeVar("Result")


class RealIoError(RuntimeError):
    """Something wanted a thread, a socket or a process inside the simulation."""


class StalledError(RuntimeError):
    """Nothing is ready and no timer is set: the simulated world would stand still for ever."""


class Owner(Protocol):
    """Whoever tasks belong to: they are dropped together."""

    def owns(self, task: asyncio.Task[Any]) -> None:
        """Take note of a task."""
        ...


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)


class _Jump:
    """Stands where a selector would: waiting for a timer is arriving at it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[object]:
        if timeout is None:
            raise StalledError(f"nothing is ready and no timer is set at {self._loop.time():.3f} s")
        self._loop.jump(timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop. Tasks know in whose context they were made (OWNER)."""

    def __init__(self) -> None:
        super().__init__()
        self._time_s = 0.0
        self._selector = _Jump(self)
        self._clock_resolution = 1e-9
        self.set_task_factory(_owned)  # type: ignore[arg-type]

    def time(self) -> float:
        """Give virtual seconds."""
        return self._time_s

    def jump(self, duration_s: float) -> None:
        """Let time pass."""
        self._time_s += duration_s

    def spawn(self, work: Coroutine[Any, Any, Result], owner: Owner | None) -> asyncio.Task[Result]:
        """Start work of an owner, or of the world around them all (None)."""
        context = copy_context()
        context.run(OWNER.set, owner)
        return self.create_task(work, context=context)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> NoReturn:  # type: ignore[override]
        """Refuse: threads finish when they like."""
        raise RealIoError(f"a thread was asked for: {func}")

    def _process_events(self, event_list: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector who would have to be woken."""

    def _asyncgen_finalizer_hook(self, agen: AsyncGenerator[Any, Any]) -> None:
        """Drop it: a generator left behind by a crash must not run its clean-up at the collector's whim."""
        self._asyncgens.discard(agen)  # type: ignore[attr-defined]


def _owned(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], context: Context | None = None
) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, context=context)
    owner = OWNER.get() if context is None else context.get(OWNER, None)
    if owner is not None:
        owner.owns(task)
    return task
