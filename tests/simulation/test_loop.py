"""The virtual loop: time jumps, nothing real happens, and what stands still is said so."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.simulation.loop import OWNER, RealIoError, StalledError, VirtualLoop


def test_hours_pass_in_no_time_and_in_order() -> None:
    loop = VirtualLoop()
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, duration_s: float) -> None:
        await asyncio.sleep(duration_s)
        seen.append((name, loop.time()))

    async def both() -> None:
        await asyncio.gather(sleeper("late", 7_200.0), sleeper("early", 0.5))

    started = time.perf_counter()
    loop.run_until_complete(both())
    loop.close()

    assert seen == [("early", 0.5), ("late", 7_200.0)]
    assert time.perf_counter() - started < 5


def test_threads_are_refused() -> None:
    loop = VirtualLoop()

    async def blocking() -> None:
        await asyncio.to_thread(time.sleep, 0)

    with pytest.raises(RealIoError):
        loop.run_until_complete(blocking())
    loop.close()


def test_sockets_are_refused() -> None:
    loop = VirtualLoop()

    async def connecting() -> None:
        await asyncio.open_connection("127.0.0.1", 9)

    with pytest.raises((RealIoError, NotImplementedError)):
        loop.run_until_complete(connecting())
    loop.close()


def test_a_world_that_stands_still_is_an_error() -> None:
    loop = VirtualLoop()

    async def waiting() -> None:
        await loop.create_future()

    task = loop.create_task(waiting())
    with pytest.raises(StalledError):
        loop.run_until_complete(task)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()


def test_tasks_belong_to_whoever_made_the_first_of_them() -> None:
    loop = VirtualLoop()
    owned: list[asyncio.Task[None]] = []

    class Owner:
        def owns(self, task: asyncio.Task[None]) -> None:
            owned.append(task)

    async def child() -> None:
        assert OWNER.get() is owner

    async def parent() -> None:
        await asyncio.create_task(child())

    async def main() -> None:
        await loop.spawn(parent(), owner)
        await loop.spawn(asyncio.sleep(1), None)

    owner = Owner()
    loop.run_until_complete(main())
    loop.close()

    assert len(owned) == 2
