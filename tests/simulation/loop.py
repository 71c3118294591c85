"""An event loop in which no time passes: where nothing is to be done, the clock jumps to the next timer.

No selector, no threads, no sockets: what would do real I/O is refused, since its timing could not be
repeated. A history of hours takes as long as its callbacks; so what asyncio's own loop does around each of
them (debug mode, a selector, comparisons of timers in Python) is left out here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
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
RESOLUTION_S = 1e-9

Callback = Callable[..., object]


class _Soon(asyncio.Handle):
    """A callback that is called next."""

    __slots__ = ()

    def __init__(self, callback: Callback, args: Any, loop: VirtualLoop, context: Context | None) -> None:
        _fill(self, callback, args, loop, context)


class _Later(asyncio.TimerHandle):
    """A callback that is called at a time."""

    __slots__ = ()

    def __init__(
        self, when: float, callback: Callback, args: Any, loop: VirtualLoop, context: Context | None
    ) -> None:
        _fill(self, callback, args, loop, context)
        self._when = when
        self._scheduled = False  # by asyncio's own loop, which would count it


class _Due(float):
    """When a timer is due. A number, since a heap compares these without Python's help."""

    __slots__ = ("timer",)
    timer: _Later


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop. Tasks know in whose context they were made (OWNER)."""

    _ready: deque[asyncio.Handle]
    _stopping: bool

    def __init__(self) -> None:
        super().__init__()
        self._time_s = 0.0
        self._timers: list[_Due] = []  # a heap

    def time(self) -> float:
        """Give virtual seconds."""
        return self._time_s

    def call_soon(  # type: ignore[override]
        self, callback: Callback, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Call something next."""
        handle = _Soon(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callback, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call something after a while."""
        return self.call_at(self._time_s + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callback, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call something at a time."""
        timer = _Later(when, callback, args, self, context)
        due = _Due(when)
        due.timer = timer
        heappush(self._timers, due)
        return timer

    def _run_once(self) -> None:
        """Call what is ready; where nothing is, arrive at the next timer first."""
        ready, timers = self._ready, self._timers
        while timers and timers[0].timer._cancelled:
            heappop(timers)
        if not (ready or self._stopping):
            if not timers:
                raise StalledError(f"nothing is ready and no timer is set at {self._time_s:.3f} s")
            self._time_s += max(0.0, timers[0] - self._time_s)
        due = self._time_s + RESOLUTION_S
        while timers and timers[0] < due:
            ready.append(heappop(timers).timer)
        for _ in range(len(ready)):  # what these make ready comes next time
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Result], *, name: object = None, context: Context | None = None
    ) -> asyncio.Task[Result]:
        """Start work of whoever owns what starts it."""
        task = asyncio.Task(coro, loop=self, name=None if name is None else str(name), context=context)
        owner = OWNER.get() if context is None else context.get(OWNER, None)
        if owner is not None:
            owner.owns(task)
        return task

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


def _fill(handle: Any, callback: Callback, args: Any, loop: VirtualLoop, context: Context | None) -> None:
    """Fill in what a handle of asyncio has, which looks for debug mode each time."""
    handle._callback = callback
    handle._args = args
    handle._loop = loop
    handle._context = copy_context() if context is None else context
    handle._cancelled = False
    handle._repr = None
    handle._source_traceback = None
