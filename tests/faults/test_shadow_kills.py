"""kill -9 among shadows: every order that was acknowledged is compared in the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import select
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.journal.comparisons import Comparison, ComparisonState
from gateway.journal.sqlite import SqliteJournal
from gateway.system import SystemClock
from simulators.cloud_erp import CloudErp
from tests.gateway.http_rig import post
from tests.gateway.test_coexistence_through import ROUTES
from tests.gateway.test_x12_through import interchange
from tests.scale import scaled

ROOT = Path(__file__).parents[2]
PARTS = scaled(1, most=4)  # tests that share the rounds, so that processes share them
ROUNDS = scaled(2) // PARTS
ORDERS = 3  # of a round
COMPARED_WITHIN_S = 40.0


class Site:
    """A folder with a routes.yaml, and the gateways that run there one after the other."""

    def __init__(self, folder: Path, nursery: asyncio.subprocess.Process) -> None:
        self.folder = folder
        self._nursery = nursery
        self._numbers = 0

    @contextlib.asynccontextmanager
    async def running(self, word: str = "") -> AsyncIterator[int]:
        """Run a gateway that is killed at the end of the block; gives its port."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(f"{word}\n".encode())
        async with asyncio.timeout(30):
            pid, address = (await self._nursery.stdout.readline()).decode().split()
        try:
            yield int(address.rpartition(":")[2])
        finally:
            await kill(int(pid))

    async def order(self, port: int) -> None:
        """Send an order and legacy's own version of it; both are acknowledged."""
        self._numbers += 1
        for turn, route in enumerate(("po", "rows")):
            body = interchange(["04"], control=2 * self._numbers + turn)
            body = body.replace(b"*4700*", f"*{50_000 + self._numbers}*".encode())
            answer = await post(
                port, f"/v1/inbound/{route}", body, headers={"Content-Type": "application/edi-x12"}
            )
            assert answer.status == 202, answer.body

    async def compared(self) -> list[Comparison]:
        """Read the comparisons that are done, beside a gateway or without one."""
        journal = await SqliteJournal.open_readonly(self.folder / "journal.db", clock=SystemClock())
        try:
            found = await journal.comparisons(route="po", limit=1_000)
        finally:
            await journal.close()
        return [each for each in found if each.state is ComparisonState.COMPARED]

    async def all_compared(self, within_s: float) -> list[Comparison]:
        """Wait until every order is compared, or until time is up; give what is."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + within_s
        while len(done := await self.compared()) < self._numbers and loop.time() < ends:
            await asyncio.sleep(0.1)
        return done


async def kill(pid: int) -> None:
    """Kill a process that is no child of ours, and wait until it is gone."""
    dying = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(dying, signal.SIGKILL)
        async with asyncio.timeout(30):
            while not select.select([dying], [], [], 0)[0]:
                await asyncio.sleep(0.002)
    finally:
        os.close(dying)


@contextlib.asynccontextmanager
async def nursery(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Give a process that forks gateways, which end with it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.shadow_gateway",
        cwd=folder, env={"PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        await process.wait()


@contextlib.asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    (folder / "mms").mkdir()
    async with CloudErp() as tenant, CloudErp() as live:
        text = ROUTES.format(live=live.url, tenant=tenant.url, mode="sandbox", methods="GET, POST")
        (folder / "routes.yaml").write_text(text)
        async with nursery(folder) as gateways:
            yield Site(folder, gateways)
        assert list(live.requests) == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(8, 8 + PARTS))
async def test_kill_9_among_shadows_loses_no_comparison(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    async with site(tmp_path) as here:
        for _ in range(ROUNDS):
            async with here.running() as port:
                for _ in range(ORDERS):
                    await here.order(port)
                await asyncio.sleep(chance.uniform(0.0, 1.5))  # a shadow begins half a second after its order
        async with here.running():
            done = await here.all_compared(COMPARED_WITHIN_S)

    assert len(done) == ROUNDS * ORDERS
    assert {each.shadow for each in done} <= {"answered", "unanswered"}
    assert all(each.differences == () for each in done)


@pytest.mark.timeout(180)
async def test_a_journal_that_answers_before_it_has_written_loses_comparisons(tmp_path: Path) -> None:
    # The negative control: the cursor stands behind orders whose comparison nobody kept.
    async with site(tmp_path) as here:
        async with here.running("forgetful") as port:
            for _ in range(ORDERS):
                await here.order(port)
            await asyncio.sleep(2.0)
        async with here.running():
            done = await here.all_compared(3.0)

    assert len(done) < ORDERS
