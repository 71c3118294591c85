"""What really happens: a whole gateway on loopback, a simulated ERP, and what the journal then holds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from gateway.forecast.model import DeliveryForecast, MessageForecast, RequestForecast
from gateway.forecast.observing import message_forecast
from gateway.journal.base import Journal
from gateway.journal.types import CrosswalkRow, DeliveryState, Message, MessageState
from gateway.serving import Served, serving
from tests.gateway.forecast.corpus import CROSSWALK, Sent

EVERYTHING = 1_000_000
OPEN = (MessageState.ACCEPTED, MessageState.TRANSLATING)
ENDED = (DeliveryState.DONE, DeliveryState.VOID, DeliveryState.PARKED, DeliveryState.SUPERSEDED)


@contextlib.asynccontextmanager
async def started(path: Path) -> AsyncIterator[Served]:
    """Run a gateway in its folder."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        async with serving(path) as served:
            rows = [CrosswalkRow(legacy, cloud) for legacy, cloud in CROSSWALK]
            await served.gateway.journal.load_crosswalk("supplier", rows, "test", "test", datetime.now(UTC))
            yield served
    finally:
        os.chdir(before)


async def happened(path: Path, sent: Sequence[Sent]) -> list[MessageForecast]:
    """Let a corpus arrive, one after the other, and give what became of each message."""
    async with started(path) as served:
        (address,), journal = served.addresses, served.gateway.journal
        async with aiohttp.ClientSession(address) as session:
            for each in sent:
                headers = {"Content-Type": each.content_type, "Idempotency-Key": each.key}
                async with session.post(each.path, data=each.body, headers=headers) as response:
                    assert response.status < 500, await response.text()
                    answer = await response.json()
                await _planned(journal, answer.get("message_id"))
        await _quiet(journal)
        return [await _as_recorded(journal, each) for each in await _messages(journal)]


async def _messages(journal: Journal) -> list[Message]:
    found = await journal.messages(limit=EVERYTHING)
    return [each for each in reversed(found) if each.size_bytes]


async def _as_recorded(journal: Journal, message: Message) -> MessageForecast:
    return message_forecast(
        message,
        message.state.value,
        message.findings,
        await journal.documents(message_id=message.message_id, limit=EVERYTHING),
        await journal.deliveries(message_id=message.message_id, limit=EVERYTHING),
    )


async def _planned(journal: Journal, message_id: str | None) -> None:
    """Wait until a message is planned: two that race by different routes are no two that came in turn."""
    while message_id is not None and (await journal.message(message_id)).state in OPEN:
        await asyncio.sleep(0.001)


async def _quiet(journal: Journal) -> None:
    """Wait until nothing is on its way any more; what stands behind something parked stands still."""
    async with asyncio.timeout(120):
        calm = 0
        while calm < 3:
            await asyncio.sleep(0.2)
            open_work = await journal.messages(states=OPEN, limit=1)
            documents = await journal.documents(limit=EVERYTHING)
            waiting = any(view.plan.awaits is not None for view in documents)
            unfinished = await journal.deliveries(
                states=("claimed", "attempting", "waiting", "in_doubt"), limit=1
            )
            calm = 0 if open_work or waiting or unfinished else calm + 1


# -- made comparable ---------------------------------------------------------------------------


def comparable(forecast: MessageForecast) -> tuple[object, ...]:
    """Give everything of a message that must be the same, whatever the run and its ids."""
    deliveries = tuple(
        (*each.place, each.state, each.codes, *(_request(one, each) for one in _sent(each)))
        for each in forecast.deliveries
        if each.state != "void"
    )
    documents = tuple(replace(each, decision="") for each in forecast.documents)
    return (forecast.route, forecast.state, forecast.codes, documents, deliveries)


def _sent(delivery: DeliveryForecast) -> tuple[RequestForecast, ...]:
    """Give what goes out, and what a shadow keeps."""
    return delivery.requests


def _request(request: RequestForecast, delivery: DeliveryForecast) -> tuple[str, str, str, bytes]:
    """Take out a run's own ids and times: references, control numbers of ours, dates of writing."""
    address = request.address.replace(delivery.reference, "REFERENCE")
    body = (request.body or request.sha256.encode()).replace(delivery.reference.encode(), b"REFERENCE")
    return request.step, request.method, address, _without_envelope(body)


_ENVELOPE = re.compile(
    rb"(?P<isa>ISA\*.{66})\d{6}\*\d{4}(?P<u>\*.\*\d{5}\*)\d{9}|(?P<gs>GS\*[^~*]*\*[^~*]*\*[^~*]*\*)\d+\*\d+\*\d+"
    rb"|(?P<ge>GE\*\d+\*)\d+|(?P<iea>IEA\*\d+\*)\d+"
)


def _without_envelope(body: bytes) -> bytes:
    if not body.startswith(b"ISA"):
        return body
    return _ENVELOPE.sub(lambda found: b"".join(each or b"" for each in found.groups()), body)
