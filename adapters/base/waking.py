"""Waiting until there is something to do, or until it is time to look again."""

from __future__ import annotations

import asyncio

from adapters.base.environment import Clock


async def woken_within(clock: Clock, wake: asyncio.Event, seconds: float) -> None:
    """Wait until ``wake`` is set, at most so many seconds of ``clock``."""
    sleep = asyncio.ensure_future(clock.sleep(seconds))
    woken = asyncio.ensure_future(wake.wait())
    try:
        await asyncio.wait((sleep, woken), return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleep.cancel()
        woken.cancel()
