"""Step boundaries of the running gateway, and dying at the n-th passing of one.

A boundary is a word: ``before accept``, ``after accept`` and so on for each call that changes the journal,
for each side of a send, and for the settling of a source. The production code knows nothing of them:
the journal, the targets, the sinks and the source's settle are wrapped from outside.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.base import (
    Delivery,
    Finished,
    Inbound,
    NoReply,
    Outcome,
    Reply,
    Request,
    Settlement,
    Sink,
    StepResult,
    Stuck,
    Target,
    Wait,
)
from gateway.app import Gateway
from gateway.destination import Destination

# Every call that writes, in the order of a message's way.
JOURNAL_CALLS = frozenset(
    {
        "bind_environment", "recover", "load_configuration", "declare_stages",
        "lease", "set_cursor", "accept", "accept_together", "release",
        "begin_translation", "begin_together", "plan", "next_control_number",
        "claim", "claim_one", "attempt_started", "step_done", "renew", "settle",
        "set_stage", "replay",
    }
)  # fmt: skip


class Boundaries:
    """Counts how often each boundary is passed; at the one asked for, the process is no more."""

    def __init__(self, crash_at: str = "") -> None:
        self._boundary, _, number = crash_at.partition(":")
        self._number = int(number or 0)
        self._passed: Counter[str] = Counter()

    def passing(self, boundary: str) -> None:
        """Pass a boundary, or die there by SIGKILL: no handler, no flush, no goodbye."""
        self._passed[boundary] += 1
        if boundary == self._boundary and self._passed[boundary] == self._number:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # the signal is delivered to the process; not one more line may run


class CrashingJournal:
    """A journal with a boundary on both sides of each call that matters."""

    def __init__(self, journal: Any, boundaries: Boundaries) -> None:
        self._journal = journal
        self._boundaries = boundaries

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._journal, name)
        return self._between(name, found) if name in JOURNAL_CALLS else found

    def _between(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def called(*args: Any, **kwargs: Any) -> Any:
            self._boundaries.passing(f"before {name}")
            result = await call(*args, **kwargs)
            self._boundaries.passing(f"after {name}")
            return result

        return called


class CrashingTarget:
    """A target with a boundary before each of its two questions."""

    def __init__(self, target: Target, boundaries: Boundaries) -> None:
        self._target = target
        self._boundaries = boundaries

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Say what to send next."""
        self._boundaries.passing("before next_request")
        return self._target.next_request(delivery, done, now)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means."""
        self._boundaries.passing("before interpret")
        return self._target.interpret(request, reply)


class CrashingSink:
    """A sink with a boundary on both sides of a send, reads and writes apart."""

    def __init__(self, sink: Sink, boundaries: Boundaries) -> None:
        self._sink = sink
        self._boundaries = boundaries

    async def send(
        self, request: Request, *, still_mine: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply | NoReply:
        """Write one request and wait for its reply."""

        async def last_look() -> bool:
            self._boundaries.passing("before still_mine")
            is_mine = still_mine is None or await still_mine()
            self._boundaries.passing("after still_mine")
            return is_mine

        self._boundaries.passing(f"before send {request.step}")
        reply = await self._sink.send(request, still_mine=last_look)
        self._boundaries.passing(f"after send {request.step}")
        return reply

    async def close(self) -> None:
        """Let go of all connections."""
        await self._sink.close()


class CrashingGateway(Gateway):
    """A gateway whose destinations and settlements have boundaries."""

    def __init__(
        self,
        *args: Any,
        boundaries: Boundaries,
        outfit: Callable[[Destination], Destination],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.boundaries = boundaries
        self._outfit = outfit

    async def start(self, who: str = "start") -> None:
        """Start; nothing has been delivered yet when the destinations are fitted out."""
        await super().start(who)
        self._fit_out()

    async def reload(self, configuration: Any, who: str) -> int:
        """Reload, and fit out what is new."""
        revision = await super().reload(configuration, who)
        self._fit_out()
        return revision

    async def take(self, inbound: Inbound) -> None:
        """Take one input, from sources and from HTTP, with boundaries around its settling."""
        await super().take(self._watched(inbound))

    async def take_together(self, inbounds: Sequence[Inbound]) -> None:
        """Take inputs of one source, with boundaries around the settling of each."""
        await super().take_together([self._watched(each) for each in inbounds])

    def _watched(self, inbound: Inbound) -> Inbound:
        async def settle(settlement: Settlement) -> None:
            self.boundaries.passing("before source settle")
            await inbound.settle(settlement)
            self.boundaries.passing("after source settle")

        self.boundaries.passing("source read")
        return replace(inbound, settle=settle)

    def _fit_out(self) -> None:
        built = self.destinations._built
        for name, destination in built.items():
            if not isinstance(destination.sink, CrashingSink):
                fitted = self._outfit(destination)
                built[name] = replace(
                    fitted,
                    target=CrashingTarget(fitted.target, self.boundaries),
                    sink=CrashingSink(fitted.sink, self.boundaries),
                )
