"""Ending tasks so that they have ended, also where one of them did not hear it."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_S = 10.0  # longer than any clean-up of ours takes: the second call would break into it


async def ended(*tasks: asyncio.Future[Any]) -> list[Any]:
    """Cancel tasks and wait until they are over; give each one's result or error, in their order.

    A cancellation can be lost on its way: before Python 3.12 ``asyncio.wait_for`` gives its result instead
    where both come in the same turn of the loop, and drivers connect through it. Whoever cancelled once and
    waits for a loop to end would then wait for ever, so what goes on is cancelled again after ``AGAIN_S``.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_S)
    return await asyncio.gather(*tasks, return_exceptions=True)
