"""A snapshot of a table beside its live feed, through a gateway that is killed: the ERP has the table."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from adapters.db_triggers.driver_snapshot import ROWS as RANGE_ROWS
from adapters.db_triggers.driver_snapshot import Snapshots
from simulators.cloud_erp import CloudErp
from tests.adapters.db_triggers.hospital import connected, rendered, secret, settings_for, without_grants
from tests.adapters.db_triggers.rig import STOCK
from tests.adapters.db_triggers.servers import Database
from tests.faults.hospital import Running
from tests.faults.test_trigger_feeds import Bridge, bridged, database, servers, state
from tests.scale import scaled

__all__ = ["database", "servers"]  # fixtures

# Each state of a row is an order by itself: a change may come before the row that it changed was read.
MAPPING = """
mapping: stock_order
document: purchase_order
direction: read
fields:
  number: no
  revision: qty
source: {_change: ignore, note: ignore}
"""
ROWS = scaled(150, most=200_000)  # all of them from --soak 1334 on
KILLS = scaled(1, most=5)
CHANGES_PER_S = 50
MIB = 1024


@pytest.mark.timeout(180)
async def test_the_erp_ends_with_the_table_of_a_snapshot_beside_live_changes(
    tmp_path: Path, nursery: Path, database: Database
) -> None:
    settings = settings_for(database, tables={"stock": {"key": ["no"]}})
    database.script(STOCK)
    await filled(database)  # before there was a trigger: only the snapshot can tell of these rows
    database.script(without_grants((await rendered(database, settings))[1]))
    over = asyncio.Event()
    async with bridged(tmp_path, nursery, database) as bridge:
        (bridge.folder / "stock.yaml").write_text(MAPPING)
        told, lives = Told(bridge.erp), Lives(bridge)
        await lives.begin()
        began = time.monotonic()
        changing = asyncio.create_task(change(database, over))
        rows = min(max(ROWS // 10, 20), RANGE_ROWS)
        snapshots = Snapshots(settings, secret, now=lambda: datetime.now(UTC), rows=rows)
        await snapshots.order(["stock"])
        snapping = asyncio.create_task(snapshots.run())
        await lives.killed_now_and_then(told)
        put = await snapping
        await asyncio.sleep(1)
        over.set()
        changed, rate = await changing
        await snapshots.close()
        found = await table(database)
        await until_equal(bridge, told, database, found)
        took = time.monotonic() - began
        await lives.end()

    assert put >= ROWS
    assert changed > 0
    assert told.states == found
    print(
        f"{database.kind}: snapshot of {put} rows, {changed} changes beside it ({rate:.1f} a second), "
        f"{KILLS} kills: the ERP has the table, by {told.commits} documents in {took:.0f} s; "
        f"a gateway held {lives.peak_mib} MiB at most"
    )


@dataclass
class Told:
    """The state that the ERP was told last of each row; an older one after a newer would show."""

    erp: CloudErp
    states: dict[str, int] = field(default_factory=dict)
    commits: int = 0

    def look(self) -> Self:
        """Read what the ledger has since the last look: at full scale it is too long to read it all again."""
        new = self.erp.committed_after(self.commits)
        self.commits += len(new)
        self.states |= dict(map(state, new))
        return self


@dataclass
class Lives:
    """One gateway after another, and the most memory that one of them held."""

    bridge: Bridge
    peak_mib: int = 0
    running: Running | None = None

    async def begin(self) -> None:
        self.running = await self.bridge.started()

    async def killed_now_and_then(self, told: Told) -> None:
        """Kill it KILLS times, as soon as the ERP has a further share of the rows, and begin anew."""
        for number in range(1, KILLS + 1):
            while told.look().commits < ROWS * number // (KILLS + 1):
                await asyncio.sleep(0.05)
            assert await self._gone().kill() == -signal.SIGKILL
            await self.begin()

    async def end(self) -> None:
        assert await self._gone().stop() == 0

    def _gone(self) -> Running:
        """Take leave of the one that runs; note what it held at most."""
        running, self.running = self.running, None
        assert running is not None
        status = Path(f"/proc/{running.pid}/status").read_text()
        held = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        self.peak_mib = max(self.peak_mib, int(held.split()[1]) // MIB)
        return running


async def filled(database: Database) -> None:
    rows = [{"no": f"S{number:06}"} for number in range(ROWS)]
    async with connected(database) as connection:
        await connection.execute(text("insert into stock (no, qty) values (:no, 0)"), rows)
        await connection.commit()


async def change(database: Database, over: asyncio.Event) -> tuple[int, float]:
    """Change 50 rows a second, old ones and new ones, and take further ones back.

    Give how many were committed, and how many a second that was.
    """
    chance, made = random.Random(5), 0
    began = following = time.monotonic()
    async with connected(database) as connection:
        while not over.is_set():
            number = f"S{chance.randrange(ROWS + 20):06}"
            try:
                update = "update stock set qty = qty + 1, note = 'change' where no = :no"
                if (await connection.execute(text(update), {"no": number})).rowcount == 0:
                    insert = "insert into stock (no, qty) values (:no, 0)"
                    await connection.execute(text(insert), {"no": number})
                if chance.random() < 0.1:
                    await connection.rollback()
                    continue
                await connection.commit()
                made += 1
            except DBAPIError:  # SQLite busy
                await connection.rollback()
            following += 1 / CHANGES_PER_S  # by the clock: what statements take is not added to the pause
            await asyncio.sleep(max(following - time.monotonic(), 0))
    return made, made / (time.monotonic() - began)


async def table(database: Database) -> dict[str, int]:
    async with connected(database) as connection:
        rows = (await connection.execute(text("select no, qty from stock"))).all()
    return {number: int(quantity) for number, quantity in rows}


async def until_equal(bridge: Bridge, told: Told, database: Database, found: dict[str, int]) -> None:
    ends = time.monotonic() + 30 + ROWS / 20
    while other := different(told.look().states, found):
        assert time.monotonic() < ends, f"{len(other)} of {len(found)} differ: {other[:5]}\n{bridge.log}"
        await asyncio.sleep(0.1 + ROWS / 100_000)
    assert database.script("select count(*) from legacy_bridge_outbox;").strip() == "0"


def different(told: dict[str, int], found: dict[str, int]) -> list[tuple[str, int | None, int | None]]:
    """Give rows of which the ERP was told otherwise: key, told, found."""
    keys = sorted({*told, *found})
    return [(key, told.get(key), found.get(key)) for key in keys if told.get(key) != found.get(key)]
