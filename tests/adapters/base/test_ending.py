"""Tasks are over when ``ended`` returns, also where a cancellation was lost on its way."""

from __future__ import annotations

import asyncio

import pytest

from adapters.base import ending


async def test_a_task_that_lost_its_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_S", 0.01)
    lost = 0

    async def loop() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:  # as a driver's connect does when it comes at the same moment
                if lost == 2:
                    raise
                lost += 1

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        (found,) = await ending.ended(task)

    assert isinstance(found, asyncio.CancelledError)
    assert lost == 2
    assert task.cancelled()


async def test_a_clean_up_is_waited_for_and_not_broken_into() -> None:
    begun, cleaned = asyncio.Event(), []

    async def work() -> None:
        try:
            begun.set()
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            cleaned.append(True)

    task = asyncio.create_task(work())
    await begun.wait()
    await ending.ended(task)

    assert cleaned == [True]


async def test_each_task_gives_its_result_or_its_error_in_their_order() -> None:
    async def fail() -> None:
        raise OSError("no such host")

    given = asyncio.create_task(asyncio.sleep(0, "given"))
    failed = asyncio.create_task(fail())
    await asyncio.wait({given, failed})
    running = asyncio.create_task(asyncio.sleep(60))

    found = await ending.ended(running, given, failed)

    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1] == "given"
    assert str(found[2]) == "no such host"


async def test_nothing_to_end_is_over_at_once() -> None:
    assert await ending.ended() == []
