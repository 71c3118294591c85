"""Stage changes and reloads in mid-flight under load: no order is split, none lost, and soon is soon."""

from __future__ import annotations

import asyncio
import itertools
import signal
from datetime import UTC, datetime

import pytest

from gateway.journal.types import Side
from tests.faults.hospital import Hospital, Running
from tests.faults.traffic import CLOUD, LEGACY, x12_orders
from tests.scale import scaled

SENDERS = 8
CHANGES = scaled(4, most=60)
EFFECTIVE_S = 5.0  # promised is one second; a shared machine may stand still for a while


class Senders:
    """Orders and their replacements, in a stream that goes on whatever people change."""

    def __init__(self, house: Hospital, running: Running) -> None:
        self._house = house
        self._running = running
        self._is_over = False

    async def __aenter__(self) -> Senders:
        self._tasks = [asyncio.create_task(self._send(number)) for number in range(SENDERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let each finish what it is at."""
        self._is_over = True
        await asyncio.gather(*self._tasks)

    async def _send(self, sender: int) -> None:
        for number in itertools.count():
            if self._is_over:
                return
            control = 100_000 * (sender + 1) + 2 * number
            orders = [(10 * control + each, CLOUD if each % 2 else LEGACY) for each in range(4)]
            first = x12_orders("po.http", control, orders)
            for sending in (first, x12_orders("po.http", control + 1, orders[:2], purpose="05")):
                if (await self._house.post(self._running, sending)).told != "ok":
                    return  # nothing here may cost a sender its answer; the test says so
                await asyncio.sleep(0.02)


async def test_stage_changes_under_load_split_no_order(house: Hospital) -> None:
    running = await house.started(sets_per_chunk=200)
    async with Senders(house, running):
        took_s = []
        for stage in itertools.islice(itertools.cycle(("cloud", "canary", "legacy", "canary")), CHANGES):
            await asyncio.sleep(0.2)
            before = datetime.now(UTC)
            answer = await house.command(
                "routes.set", route="po.http", stage=stage, who="test", why="to and fro"
            )
            assert answer["ok"], answer
            took_s.append((datetime.now(UTC) - before).total_seconds())
    await house.rest()

    assert await house.violations() == []
    assert all(sent.told == "ok" for sent in house.history)
    slowest_s = max(took_s)
    print(f"{CHANGES} changes, {len(house.history)} interchanges; slowest {slowest_s:.3f} s")
    assert slowest_s < EFFECTIVE_S
    async with house.journal() as journal:
        sides = {entry.side for entry in await journal.orders(limit=1_000_000)}
    assert sides == {Side.LEGACY, Side.CLOUD}


@pytest.mark.parametrize("stage", ["cloud", "legacy"])
async def test_a_stage_change_is_effective_at_once_for_new_orders_alone(stage: str, house: Hospital) -> None:
    running = await house.started(sets_per_chunk=200)
    async with Senders(house, running):
        await asyncio.sleep(0.3)
        asked_at = datetime.now(UTC)
        await house.command("routes.set", route="po.http", stage=stage, who="test", why="measure")
        await asyncio.sleep(0.5)
    await house.rest()

    old_side = Side.LEGACY if stage == "cloud" else Side.CLOUD
    async with house.journal() as journal:
        entries = await journal.orders(limit=1_000_000)
    late = [entry.opened_at for entry in entries if entry.side is old_side and entry.opened_at > asked_at]
    effective_s = max(((at - asked_at).total_seconds() for at in late), default=0.0)
    print(f"to {stage}: the last order by the old stage was opened {effective_s:.3f} s after the command")
    assert effective_s < EFFECTIVE_S
    assert any(entry.opened_at > asked_at and entry.side is not old_side for entry in entries)
    assert await house.violations() == []


async def test_reloads_under_load_lose_and_split_nothing(house: Hospital) -> None:
    running = await house.started(sets_per_chunk=2)
    async with Senders(house, running):
        path, text = house.folder / "routes.yaml", house.folder.joinpath("routes.yaml").read_text()
        for number in range(CHANGES):
            facility = ("04", "01")[number % 2]
            concurrent = (8, 3)[number % 2]
            changed = text.replace('facility: ["04"]', f'facility: ["{facility}"]')
            path.write_text(
                changed.replace("concurrent: 8", f"concurrent: {concurrent}") + f"# change {number}\n"
            )
            running.signal(signal.SIGHUP)
            async with asyncio.timeout(EFFECTIVE_S):
                while house.log.count("configuration.reloaded") <= number:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
        path.write_text("this: is no configuration\n")
        running.signal(signal.SIGHUP)
        async with asyncio.timeout(EFFECTIVE_S):
            while "configuration.refused" not in house.log:
                await asyncio.sleep(0.01)
    await house.rest()

    assert await house.violations() == []
    assert all(sent.told == "ok" for sent in house.history)
    assert await running.stop() == 0


async def test_a_reload_that_takes_an_endpoint_away_harms_no_other(house: Hospital) -> None:
    """What is open there waits until it is declared again."""
    running = await house.started()
    path, text = house.folder / "routes.yaml", house.folder.joinpath("routes.yaml").read_text()
    other = text.replace("to: acks}", "to: acks-b}")
    without = "".join(line for line in other.splitlines(True) if not line.startswith("  acks:"))
    async with Senders(house, running):
        for number in range(4 * CHANGES):
            path.write_text((without, text)[number % 2] + f"# change {number}\n")
            running.signal(signal.SIGHUP)
            await asyncio.sleep(0.1)
        path.write_text(other)
        running.signal(signal.SIGHUP)
    await house.rest()

    assert without != other
    assert any((house.folder / "acks-b").iterdir())
    assert await house.violations() == []
    assert all(sent.told == "ok" for sent in house.history)
    assert await running.stop() == 0


async def test_a_hangup_while_it_starts_does_not_kill_it(house: Hospital) -> None:
    running = await house.started(signal_at_start=int(signal.SIGHUP))
    async with asyncio.timeout(EFFECTIVE_S):
        while "configuration.reloaded" not in house.log:
            await asyncio.sleep(0.01)

    assert await running.stop() == 0
