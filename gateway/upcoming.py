"""What comes next on a translator's lane, in batches that are prepared ahead.

A batch of small messages waits for the journal, then for another process, then for the loop. So that
none of the three waits for the others, up to two batches are on their way while one is planned. Only
where there is more than one batch to do: else the next one grows meanwhile, and costs less a message.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from adapters.base.ending import ended
from gateway.journal.base import Journal
from gateway.journal.types import Message
from gateway.pipeline import Pipeline
from gateway.preparing import Ready
from gateway.workers import INLINE_BYTES_MAX

TOGETHER_MAX = 32  # small messages of a lane that are translated at the same time and planned in turn
AHEAD_MAX = 2
READ_MAX = 3 * TOGETHER_MAX  # new messages of one look into the journal


class Batch(NamedTuple):
    """Messages of a lane that are translated at the same time, and those of them that are decoded."""

    messages: Sequence[Message]
    ready: Mapping[str, Ready]


class Upcoming:
    """The batches of one lane, oldest first."""

    def __init__(self, journal: Journal, pipeline: Pipeline, route: str, *, is_urgent: bool) -> None:
        self._journal = journal
        self._pipeline = pipeline
        self._route = route
        self._is_urgent = is_urgent
        self._read: deque[Message] = deque()  # and in no batch yet
        self._under_way: set[str] = set()  # what is in a batch that is not over
        self._ahead: deque[asyncio.Task[Batch]] = deque()
        self._filling: asyncio.Task[None] | None = None

    async def next(self) -> Batch:
        """Give the next batch; one without messages where nothing waits. The one before is over.

        Errors: JournalError, JournalBusyError.
        """
        if self._filling is not None and (self._filling.done() or not self._ahead):
            filling, self._filling = self._filling, None
            await filling
        if not self._ahead:
            await self._begin_one()
        if not self._ahead:
            return Batch((), {})
        batch = await self._ahead.popleft()
        if self._filling is None and len(batch.messages) == TOGETHER_MAX:
            self._filling = asyncio.ensure_future(self._fill())
        return batch

    def over(self, batch: Batch) -> None:
        """Say that a batch's messages are planned: the journal has them no more among what waits."""
        self._under_way.difference_update(each.message_id for each in batch.messages)

    async def close(self) -> None:
        """Leave what is prepared; it is begun again by whoever comes next."""
        await ended(*self._ahead, *([self._filling] if self._filling is not None else []))

    async def _fill(self) -> None:
        while len(self._ahead) < AHEAD_MAX and await self._begin_one() == TOGETHER_MAX:
            pass

    async def _begin_one(self) -> int:
        """Begin to prepare the next batch, if there is one; give of how many messages it is."""
        if len(self._read) < TOGETHER_MAX:
            await self._look()
        messages = self._first()
        if messages:
            self._ahead.append(asyncio.ensure_future(self._prepared(messages)))
        return len(messages)

    async def _look(self) -> None:
        known = self._under_way | {each.message_id for each in self._read}
        limit = len(known) + READ_MAX
        found = await self._journal.next_to_translate(self._route, urgent=self._is_urgent, limit=limit)
        self._read += (each for each in found if each.message_id not in known)

    def _first(self) -> list[Message]:
        """Take the oldest message alone where it is large, else it and the small ones right after it."""
        small = takewhile(lambda message: message.size_bytes <= INLINE_BYTES_MAX, self._read)
        messages = list(islice(small, TOGETHER_MAX)) or list(islice(self._read, 1))
        for each in messages:
            self._read.popleft()
            self._under_way.add(each.message_id)
        return messages

    async def _prepared(self, messages: Sequence[Message]) -> Batch:
        return Batch(messages, await self._pipeline.prepared(messages))
