"""The Sink that hands what was read from an ERP to the gateway's own pipeline; all else goes over HTTP.

It decides nothing: the target says which route, and carries the arrival key that makes a second hand-over
a repeat of the first.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable

from adapters.base import (
    Clock,
    Inbound,
    NoReply,
    Origin,
    Refused,
    Reply,
    Request,
    Settlement,
    Sink,
    Taken,
    TroubledSink,
)
from gateway.erp.reading import ARRIVAL_KEY_HEADER, HAND_OVER
from gateway.journal.base import JournalBusyError

Take = Callable[[Inbound], Awaitable[object]]


class HandingOver:
    """A sink for one ERP endpoint."""

    def __init__(self, name: str, outlet: Sink, take: Take, clock: Clock) -> None:
        self._name = name
        self._outlet = outlet
        self._take = take
        self._clock = clock

    async def send(
        self, request: Request, *, still_mine: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply | NoReply:
        """Send a request over HTTP, or take what it hands over."""
        if request.step != HAND_OVER:
            return await self._outlet.send(request, still_mine=still_mine)
        if still_mine is not None and not await still_mine():
            return NoReply("none", "the claim was lost before anything was handed over", "stale_claim")
        return await self._handed_over(request)

    @property
    def trouble(self) -> str | None:
        """Say what keeps the sink below from sending anything."""
        return self._outlet.trouble if isinstance(self._outlet, TroubledSink) else None

    async def close(self) -> None:
        """Let go of connections."""
        await self._outlet.close()

    async def _handed_over(self, request: Request) -> Reply | NoReply:
        settlements: list[Settlement] = []

        async def settle(settlement: Settlement) -> None:
            settlements.append(settlement)

        headers = dict(request.headers)
        inbound = Inbound(
            route=request.address,
            arrival_key=headers[ARRIVAL_KEY_HEADER],
            origin=Origin(
                "erp_events", self._clock.now(), f"read from {self._name}", content_type="application/json"
            ),
            body=_once(request.body),
            settle=settle,
            correlation_id=headers["X-Correlation-Id"],
        )
        try:
            await self._take(inbound)
        except JournalBusyError:
            return NoReply("none", "the journal has more to write than it can", "outage")
        except KeyError:
            return _problem(f"route '{request.address}' is gone since the event arrived; replay the event")
        match settlements[0]:
            case Taken(message_id):
                return Reply(202, message_id.encode())
            case Refused(finding):
                return _problem(finding.text)
        return _problem("the message was not taken")


def _problem(text: str) -> Reply:
    return Reply(409, json.dumps({"detail": text}).encode(), (("Content-Type", "application/problem+json"),))


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
