"""What a lane does next: batches in order, two of them ahead where there is more than one to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.journal.base import JournalError
from gateway.journal.types import Message
from gateway.pipeline import Pipeline
from gateway.preparing import Ready
from gateway.upcoming import AHEAD_MAX, READ_MAX, TOGETHER_MAX, Batch, Upcoming
from gateway.workers import INLINE_BYTES_MAX, InlineExecutor
from tests.gateway.rig import Rig, order, program

FULL = TOGETHER_MAX


class Prepares(Pipeline):
    """A pipeline that takes note of what it is to prepare, and does it when it is told."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.may = asyncio.Event()
        self.may.set()

    async def prepared(self, messages: Sequence[Message]) -> dict[str, Ready]:
        self.asked.append(len(messages))
        await self.may.wait()
        return {}


@asynccontextmanager
async def lane(waiting: int, *, large: Sequence[int] = ()) -> AsyncIterator[tuple[Rig, Prepares, Upcoming]]:
    """Give a lane in which messages wait; some by their place are large."""
    rig = Rig(program(), stage="cloud", executor=InlineExecutor(lambda name: None))  # type: ignore[arg-type, return-value]
    for number in range(waiting):
        await rig.take(order(f"N{number}"))
    read = rig.journal.next_to_translate

    async def sized(route: str, *, urgent: bool, limit: int = 1) -> list[Message]:
        found = await read(route, urgent=urgent, limit=limit)
        return [
            replace(each, size_bytes=INLINE_BYTES_MAX + 1) if at in large else each
            for at, each in enumerate(found)
        ]

    rig.journal.next_to_translate = sized  # type: ignore[method-assign]
    pipeline = Prepares()
    upcoming = Upcoming(rig.journal, pipeline, "po", is_urgent=False)
    try:
        yield rig, pipeline, upcoming
    finally:
        await upcoming.close()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def all_of(upcoming: Upcoming) -> list[Batch]:
    batches = []
    while (batch := await upcoming.next()).messages:
        batches.append(batch)
        await turns()
    return batches


def sequences(*batches: Batch) -> list[int]:
    return [each.sequence for batch in batches for each in batch.messages]


async def test_while_a_batch_is_planned_two_more_are_prepared() -> None:
    async with lane(5 * FULL) as (_, pipeline, upcoming):
        first = await upcoming.next()
        await turns()

        assert len(first.messages) == FULL
        assert pipeline.asked == [FULL] * (1 + AHEAD_MAX)

        await upcoming.next()
        await turns()
        assert pipeline.asked == [FULL] * (2 + AHEAD_MAX)


async def test_every_message_comes_once_and_in_order_until_nothing_waits() -> None:
    async with lane(READ_MAX + 2 * FULL + 3) as (_, _, upcoming):
        found = sequences(*await all_of(upcoming))
        assert len(found) == READ_MAX + 2 * FULL + 3
        assert found == sorted(set(found))


async def test_what_is_not_a_whole_batch_is_not_taken_ahead() -> None:
    async with lane(FULL + 3) as (rig, pipeline, upcoming):
        first, second = await upcoming.next(), await upcoming.next()
        await rig.take(order("later"))
        await turns()

        assert [len(first.messages), len(second.messages)] == [FULL, 3]
        assert pipeline.asked == [FULL, 3]
        assert len((await upcoming.next()).messages) == 1


async def test_a_large_message_goes_alone_and_those_behind_it_together() -> None:
    async with lane(8, large=[0, 4]) as (_, _, upcoming):
        sizes = [len((await upcoming.next()).messages) for _ in range(5)]

        assert sizes == [1, 3, 1, 3, 0]


async def test_who_ends_in_the_middle_leaves_the_rest_to_who_comes_next() -> None:
    async with lane(4 * FULL) as (rig, pipeline, upcoming):
        first = await upcoming.next()
        pipeline.may.clear()
        await turns()
        await upcoming.close()

        after = Upcoming(rig.journal, Prepares(), "po", is_urgent=False)
        assert sequences(await after.next()) == sequences(first)  # nothing of it was planned
        await after.close()


async def test_a_journal_that_fails_while_it_is_asked_ahead_is_told() -> None:
    async with lane(READ_MAX + FULL) as (rig, _, upcoming):
        for _ in range(2):
            await upcoming.next()
            await turns()

        async def fails(route: str, *, urgent: bool, limit: int = 1) -> list[Message]:
            raise JournalError("the disk is gone")

        rig.journal.next_to_translate = fails  # type: ignore[method-assign]
        with pytest.raises(JournalError, match="gone"):
            await all_of(upcoming)
