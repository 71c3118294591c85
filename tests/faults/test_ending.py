"""How a gateway ends when it is told to, and how the command ends when it must not begin."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from simulators.faults import Action, Fault
from tests.faults.conftest import PROJECT
from tests.faults.hospital import Hospital, Running
from tests.faults.traffic import CLOUD, LEGACY, json_order, x12_orders

DRAIN_S = 10.0  # the promise
SENDERS = 16


async def send_until_it_is_gone(house: Hospital, running: Running, sender: int) -> None:
    for number in range(10_000):
        control = 10_000 * (sender + 1) + number
        sending = (
            json_order("po.json", f"{control}", lines=1)
            if sender % 2
            else x12_orders("po.reply", control, [(2 * control, CLOUD), (2 * control + 1, LEGACY)])
        )
        if (await house.post(running, sending)).told == "unknown":
            return


@pytest.mark.parametrize(
    "bad_day",
    [
        (),
        (Fault(Action.DELAY, seconds=0.3, share=0.5),),
        (Fault(Action.COMMIT_THEN_HANG, method="POST", share=0.5),),
        (Fault(Action.UNAVAILABLE),),
    ],
    ids=["a good day", "a slow ERP", "an ERP that hangs", "an ERP that is down"],
)
async def test_sigterm_under_load_ends_well_in_time_and_loses_nothing(
    bad_day: tuple[Fault, ...], house: Hospital
) -> None:
    house.erp.faults.replace(bad_day)
    running = await house.started()
    sending = [asyncio.create_task(send_until_it_is_gone(house, running, each)) for each in range(SENDERS)]
    await asyncio.sleep(0.7)
    told_at = time.monotonic()
    assert await running.stop() == 0, house.log
    took_s = time.monotonic() - told_at
    await asyncio.gather(*sending)
    house.erp.faults.replace(())
    running = await house.started()
    await house.resend(running)
    await house.rest()

    assert await house.violations() == []
    assert took_s < DRAIN_S
    print(f"SIGTERM to end: {took_s:.2f} s")


async def test_callers_that_wait_for_a_hanging_erp_do_not_hold_up_the_end(house: Hospital) -> None:
    path = house.folder / "routes.yaml"
    path.write_text(path.read_text().replace("timeout_s: 0.5", "timeout_s: 19"))
    house.erp.faults.replace((Fault(Action.COMMIT_THEN_HANG, method="POST"),))
    running = await house.started()
    orders = [x12_orders("po.wait", each, [(each, CLOUD)]) for each in range(1, 4)]
    calls = [asyncio.create_task(house.post(running, each)) for each in orders]
    while len(house.erp.committed) < 3:
        await asyncio.sleep(0.01)
    told_at = time.monotonic()
    assert await running.stop() == 0, house.log
    took_s = time.monotonic() - told_at
    await asyncio.gather(*calls)
    house.erp.faults.replace(())
    path.write_text(path.read_text().replace("timeout_s: 19", "timeout_s: 0.5"))
    running = await house.started()
    await house.resend(running)
    await house.rest()

    assert await house.violations() == []
    assert len(house.erp.committed) == 3
    assert took_s < DRAIN_S + 1


async def test_a_second_gateway_on_the_same_journal_refuses_in_one_sentence(house: Hospital) -> None:
    running = await house.started()
    second = await command(house.folder)
    _, said = await asyncio.wait_for(second.communicate(), 20)

    assert second.returncode == 2
    assert said.decode().count("\n") == 1
    assert f"process {running.pid} owns this journal" in said.decode()
    assert (await house.post(running, json_order("po.json", "S1"))).told == "ok"
    await house.rest()
    assert await house.violations() == []


async def test_the_command_itself_serves_and_ends_well_on_sigterm(house: Hospital) -> None:
    process = await command(house.folder)
    assert process.stderr is not None
    address = ""
    while not address:
        line = (await process.stderr.readline()).decode()
        assert line, "it ended"
        address = line.partition("listening on ")[2].strip()
    running = Running(asyncio.StreamReader(), None, process.pid)  # type: ignore[arg-type] # not from the nursery
    running.address = address
    assert (await house.post(running, json_order("po.json", "C1"))).told == "ok"
    await house.rest()
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), DRAIN_S)

    assert process.returncode == 0
    assert await house.violations() == []


async def test_a_killed_gateway_leaves_no_translation_process_behind(house: Hospital) -> None:
    path = house.folder / "routes.yaml"
    path.write_text(path.read_text().replace("workers: 0", "workers: 1"))
    process = await command(house.folder)
    assert process.stderr is not None
    address = ""
    while not address:
        address = (await process.stderr.readline()).decode().partition("listening on ")[2].strip()
    running = Running(asyncio.StreamReader(), None, process.pid)  # type: ignore[arg-type] # not from the nursery
    running.address = address
    orders = [(1_000_000 + each, LEGACY) for each in range(4_000)]
    told = await house.post(running, x12_orders("po.http", 77, orders))
    async with asyncio.timeout(20):
        while not (workers := children_of(process.pid)):
            await asyncio.sleep(0.02)
    process.kill()
    await process.communicate()
    async with asyncio.timeout(10):
        while any(Path(f"/proc/{each}").exists() for each in workers):
            await asyncio.sleep(0.05)

    assert told.told == "ok"


async def command(folder: Path) -> asyncio.subprocess.Process:
    """Start ``legacy-bridge serve``."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "-c", str(folder / "routes.yaml"),
        cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def children_of(pid: int) -> list[int]:
    """Give the processes that a process started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
