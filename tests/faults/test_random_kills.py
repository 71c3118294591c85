"""kill -9 at any instant under 32 senders and a faulty ERP; and the controls that show what it finds."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from simulators.faults import Action, Fault
from tests.faults.hospital import Hospital, Running, hospital
from tests.faults.traffic import CLOUD, LEGACY, Sending, json_order, x12_file, x12_orders
from tests.scale import scaled

SENDERS = 32
ROUNDS = scaled(4, full=60)
SHORTEST_S, LONGEST_S = 0.1, 1.2  # a gateway's life in a round

BAD_DAYS = (
    Fault(Action.DELAY, share=0.1, seconds=0.1),
    Fault(Action.UNAVAILABLE, share=0.05),
    Fault(Action.COMMIT_THEN_RESET, method="POST", share=0.05),
    Fault(Action.COMMIT_THEN_HANG, method="POST", share=0.02, seconds=5),
    Fault(Action.STATUS, status=500, method="POST", share=0.02, commits=True),
)


class Sender:
    """Sends one thing after the other, revisions of its own orders; each again until it knows of it."""

    def __init__(self, house: Hospital, number: int, chance: random.Random) -> None:
        self._house = house
        self._number = number
        self._chance = chance
        self._sent = 0
        self._unsure: Sending | None = None

    async def send_while(self, running: Running) -> None:
        """Send until the gateway is gone."""
        while running.code is None:
            sending = self._unsure or self._next()
            told = await self._house.post(running, sending)
            self._unsure = sending if told.told == "unknown" else None
            if self._unsure is not None:
                return
            await asyncio.sleep(self._chance.uniform(0, 0.3))

    async def be_sure(self, running: Running) -> None:
        """Send again what is unsure."""
        while self._unsure is not None:
            told = await self._house.post(running, self._unsure)
            if told.told != "unknown":
                self._unsure = None

    def _next(self) -> Sending:
        order, revision = divmod(self._sent, 3)
        self._sent += 1
        if self._number % 4:
            return json_order("po.json", f"S{self._number}-{order}", revision, lines=1)
        control = 1_000 + self._number * 1_000 + self._sent
        first = 10_000 * (self._number + 1) + 10 * order
        orders = [(first, CLOUD), (first + 1, LEGACY)]
        if self._number % 8 and not revision:
            return x12_orders("po.reply", control, orders)
        return x12_orders("po.http", control, orders, purpose="05" if revision else "00")


async def test_kills_at_random_under_32_senders_lose_double_and_reorder_nothing(house: Hospital) -> None:
    chance = random.Random(20261122)
    senders = [Sender(house, number, chance) for number in range(SENDERS)]
    house.erp.faults.replace(BAD_DAYS, seed=7)
    for number in range(ROUNDS):
        running = await house.started()
        sending = [asyncio.create_task(each.send_while(running)) for each in senders]
        for each in range(3):
            control = 900_000 + 10 * number + each
            house.drop(x12_file("po.files", control, [(control, CLOUD), (control + 50_000_000, LEGACY)]))
        await asyncio.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
        assert await running.kill() == -signal.SIGKILL
        await asyncio.gather(*sending)
    house.erp.faults.replace(())
    running = await house.started()
    await asyncio.gather(*(each.be_sure(running) for each in senders))
    await house.rest()

    assert await house.violations() == []
    told = Counter(sent.told for sent in house.history)
    print(f"{ROUNDS} kills: {told}, {len(house.erp.committed)} documents in the ERP")
    assert told["ok"] > SENDERS
    assert told["unknown"] > 0
    assert await running.stop() == 0


# -- controls: what is switched off must show --------------------------------------------------


@pytest_asyncio.fixture
async def strict_house(tmp_path: Path, nursery: Path) -> AsyncIterator[Hospital]:
    """Give a hospital whose ERP takes whatever it is sent, doubles too."""
    async with hospital(tmp_path, nursery, enforce_unique=False) as built:
        yield built


async def test_without_the_recognition_of_repeats_doubles_show(strict_house: Hospital) -> None:
    """At the ERP the look-up still finds the first one; the legacy folder has no such third wall."""
    house = strict_house
    running = await house.started(no_dedupe=True, crash_at="before source settle:1")
    await house.post(running, x12_orders("po.http", 1, [(100, LEGACY)]))
    assert await running.ended() == -signal.SIGKILL
    running = await house.started(no_dedupe=True)
    await house.resend(running)
    await house.rest()

    assert {"I1", "I3"} <= {each.invariant for each in await house.violations()}
    assert len(list((house.folder / "mms-in").glob("*.850"))) == 2


async def test_without_the_look_up_doubles_show(strict_house: Hospital) -> None:
    house = strict_house
    running = await house.started(no_look_up=True, crash_at="after send create:1")
    await house.post(running, json_order("po.json", "L1"))
    assert await running.ended() == -signal.SIGKILL
    running = await house.started(no_look_up=True)
    await house.rest()

    assert "I3" in {each.invariant for each in await house.violations()}
    assert len(house.erp.committed) == 2


async def test_with_both_switched_on_the_same_two_histories_show_nothing(strict_house: Hospital) -> None:
    house = strict_house
    histories = {
        "before source settle:1": x12_orders("po.http", 1, [(100, LEGACY)]),
        "after send create:1": json_order("po.json", "L1"),
    }
    for crash_at, sending in histories.items():
        running = await house.started(crash_at=crash_at)
        await house.post(running, sending)
        assert await running.ended() == -signal.SIGKILL
    running = await house.started()
    await house.resend(running)
    await house.rest()

    assert await house.violations() == []
    assert len(house.erp.committed) == 1
    assert len(list((house.folder / "mms-in").glob("*.850"))) == 1
