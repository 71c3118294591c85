"""How the inputs of a source are taken: one after the other, or in parts that share the journal's commits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from adapters.base import Inbound

PART_MAX = 128  # inputs of one commit; the journal writes a part while the next one is made ready


async def take_in_parts(
    batch: Sequence[Inbound], take: Callable[[Sequence[Inbound]], Awaitable[None]]
) -> None:
    """Take a batch in parts, side by side. Errors: the first one of them, once all parts have ended.

    A source must not go on while inputs of it are still being taken.
    """
    if len(batch) <= PART_MAX:
        await take(batch)
        return
    taking: list[asyncio.Future[None]] = []
    try:
        for start in range(0, len(batch), PART_MAX):
            taking.append(asyncio.ensure_future(take(batch[start : start + PART_MAX])))
            await asyncio.sleep(0)  # or all parts were made ready before the journal heard of the first
        ended = await asyncio.gather(*taking, return_exceptions=True)
    finally:
        for task in taking:
            task.cancel()
    for error in ended:
        if error is not None:
            raise error
