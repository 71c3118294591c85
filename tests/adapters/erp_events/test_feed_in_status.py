"""A feed that gets no answer is seen where a person looks first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import cast

import pytest

from adapters.base import Inbound, NoReply, Reply, Request
from adapters.base.ending import ended
from adapters.base.registry import EndpointSetup, SourceSetup
from adapters.erp_events.config import ErpEventsEndpoint
from adapters.erp_events.source import FeedSource
from gateway.journal.memory import MemoryJournal
from tests.gateway.support import FakeClock, SeededRng

SETTINGS = ErpEventsEndpoint.model_validate(
    {
        "erp": "oracle_fusion",
        "path": "/events",
        "verify": {"certificate": True},
        "events": {"feed": "created"},
        "feed": {"endpoint": "oracle"},
    }
)


class Outlet:
    """The ERP's sink, with the answers of a test; the last one stays."""

    def __init__(self, *answers: Reply | NoReply) -> None:
        self._answers = list(answers)

    async def send(
        self, request: Request, *, still_mine: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply | NoReply:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def close(self) -> None:
        return


def feed(outlet: Outlet) -> FeedSource:
    clock = FakeClock()
    endpoint = EndpointSetup(
        "events", "test", SETTINGS, clock, SeededRng(), lambda name: name, outlet_of=lambda name: outlet
    )
    source = FeedSource.of(SourceSetup(endpoint, "po", None, None, None, MemoryJournal(clock=clock), 1_000))
    assert source is not None
    return source


@pytest.mark.parametrize(
    "answer, told",
    [
        (NoReply("none", "connection refused"), "it says: connection refused"),
        (Reply(503), "it says: status 503"),
        (Reply(200, b'{"items": 1}'), "cannot be read: the feed's answer holds no list"),
    ],
)
async def test_a_feed_says_what_its_question_failed_with_until_one_is_answered(
    answer: Reply | NoReply, told: str
) -> None:
    failing, mended = feed(Outlet(answer)), feed(Outlet(answer, Reply(200, b'{"items": []}')))
    assert failing.trouble is None

    received = [each.receive() for each in (failing, mended)]
    receiving = [asyncio.ensure_future(anext(each)) for each in received]
    for _ in range(50):
        await asyncio.sleep(0)
    await ended(*receiving)
    for each in received:
        await cast(AsyncGenerator[Inbound], each).aclose()

    assert "endpoint 'oracle'" in str(failing.trouble)
    assert told in str(failing.trouble)
    assert "asked again every 60 s" in str(failing.trouble)
    assert mended.trouble is None
