"""Power cuts, full disks and I/O errors under a serving gateway: what it acknowledged is there afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal

import aiohttp
import pytest

from tests.faults.hospital import Hospital, Running
from tests.faults.traffic import CLOUD, LEGACY, json_order, x12_orders
from tests.scale import scaled

SENDERS = 8
FAIL_AT = [*range(1, 6), *(10 + 7 * at for at in range(scaled(3, most=60)))]
PARTS = scaled(1, most=3)  # tests that share these, so that processes share them


async def send_until_it_is_gone(house: Hospital, running: Running, sender: int) -> None:
    for number in range(10_000):
        if sender % 2:
            sending = json_order("po.json", f"{sender}-{number}", lines=1)
        else:
            first = 1_000_000 * (sender + 1) + 2 * number
            sending = x12_orders("po.http", first, [(first, CLOUD), (first + 1, LEGACY)])
        if (await house.post(running, sending)).told == "unknown":
            return


# -- power -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [None, *range(scaled(3, most=60))])
async def test_a_power_cut_under_load_loses_nothing_that_was_acknowledged(
    seed: int | None, house: Hospital
) -> None:
    """``seed``: which of the writes that were not flushed reach the disk all the same; None: none does."""
    await cut_power_under_load(house, seed)
    running = await house.started()
    await house.resend(running)
    await house.rest()

    assert await house.violations() == []
    assert sum(1 for sent in house.history if sent.told == "ok") > SENDERS


async def test_without_flushes_a_power_cut_shows(house: Hospital) -> None:
    """The negative control: acknowledged messages are gone."""
    await cut_power_under_load(house, None, no_sync=True)
    running = await house.started()
    await house.resend(running)
    await house.rest()

    assert "I6" in {each.invariant for each in await house.violations()}


async def cut_power_under_load(house: Hospital, seed: int | None, *, no_sync: bool = False) -> None:
    after = house.folder / "after"
    running = await house.started(cut_power_into=str(after), seed=seed, no_sync=no_sync)
    sending = [asyncio.create_task(send_until_it_is_gone(house, running, each)) for each in range(SENDERS)]
    await asyncio.sleep(0.4 + random.Random(seed).uniform(0, 0.6))
    running.signal(signal.SIGUSR1)
    assert await running.ended() == -signal.SIGKILL
    await asyncio.gather(*sending)
    shutil.rmtree(house.folder / "journal")
    after.rename(house.folder / "journal")


# -- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
async def test_an_error_of_the_disk_ends_the_gateway_with_a_clear_word_and_the_next_start_recovers(
    error: str, part: int, house: Hospital
) -> None:
    for fail_at in FAIL_AT[part::PARTS]:
        running = await house.started(disk_error=error, fail_at=fail_at)
        watching = asyncio.create_task(readiness(running))
        sending = [
            asyncio.create_task(send_until_it_is_gone(house, running, each)) for each in range(SENDERS)
        ]
        await asyncio.sleep(0.1)
        running.signal(signal.SIGUSR1)
        assert await running.ended() == 2, house.log
        await asyncio.gather(*sending)
        assert "the journal could not be written and stops for good" in house.log.splitlines()[-1]
        await watching
    running = await house.started()
    await house.resend(running)
    await house.rest()

    assert await house.violations() == []
    assert await running.stop() == 0


async def test_readiness_goes_down_with_the_journal_and_senders_are_told_no(house: Hospital) -> None:
    running = await house.started(disk_error="ENOSPC", fail_at=1)
    seen = asyncio.create_task(readiness(running))
    await asyncio.sleep(0.2)
    running.signal(signal.SIGUSR1)
    answer = await house.post(running, json_order("po.json", "R1"))
    assert await running.ended() == 2

    assert answer.told == "unknown"
    told = await seen
    assert told[0] is True
    assert sorted(told, reverse=True) == told, "it called itself ready again after it was not"


async def readiness(running: Running) -> list[bool]:
    """Ask until nobody answers; give what was told."""
    told = []
    async with aiohttp.ClientSession() as session:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            while True:
                async with session.get(f"{running.address}/readyz") as response:
                    told.append(response.status == 200)
                await asyncio.sleep(0.005)
    return told
