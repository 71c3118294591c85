"""Overlapping writers, roll-backs, and a gateway that is killed while it drains their changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.base.ending import ended
from gateway.journal.sqlite import SqliteJournal
from gateway.system import SystemClock
from simulators.cloud_erp import CloudErp, Committed, Settings
from tests.adapters.db_triggers.rig import lay_out
from tests.adapters.db_triggers.servers import (
    ADMIN,
    HOST,
    PASSWORD,
    Database,
    MariaDB,
    PostgreSQL,
)
from tests.faults.gateway_under_test import Order
from tests.faults.hospital import Running
from tests.faults.overlapping import State, Writers, faults
from tests.scale import scaled

ROWS = scaled(250, full=5_000)
ROWS_OF_CONTROL = scaled(250, most=1_000)
KILLS = scaled(2, full=10)
SHORTEST_S, LONGEST_S = 0.1, 0.8  # a gateway's life

ROUTES = """
version: 1
gateway:
  environment: test
  organisation: mercy
  journal: sqlite:journal/journal.db
  control_socket: control.sock
  workers: 0
  listen: {http: "127.0.0.1:0"}
defaults:
  retry: {attempts: 50, backoff: 50ms..500ms, jitter: full, budget: 1h}
  lease: 10s
mappings: {stock_order: stock.yaml}
endpoints:
  mms-db:
    kind: db_triggers
    environment: test
    {where}
    tables: {stock: {key: no}}
    poll: 20ms
    poll_max: 100ms
  erp:
    kind: generic_rest
    environment: test
    base: "{erp}"
    plaintext: true
    timeout_s: 2
    quiet_period_s: 0.5
    look_up_waits_s: [0.05, 0.2]
    paths: {purchase_order.change: documents/purchase_order}
    limits: {concurrent: 16, breaker_failures: 1000, breaker_errors: 1000, retry_tokens_max: 1000000}
routes:
  - id: po.db
    from: {endpoint: mms-db, format: db_triggers, set: stock, settings: {mappings: {stock: stock_order}}}
    targets: {cloud: erp}
    stage: cloud
    losing_side: nothing
"""
MAPPING = """
mapping: stock_order
document: purchase_order
direction: read
fields:
  number: no
  revision: qty
  purpose: {from: note, codes: {"": original, change: change}}
source: {_change: ignore}
"""


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, PostgreSQL | MariaDB]]:
    with PostgreSQL() as postgresql, MariaDB() as mariadb:
        yield {"postgresql": postgresql, "mariadb": mariadb}


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def database(
    request: pytest.FixtureRequest, servers: dict[str, PostgreSQL | MariaDB], tmp_path: Path
) -> Database:
    if request.param == "sqlite":
        return Database("sqlite", str(tmp_path / "legacy.db"))
    return servers[request.param].create()


class Bridge:
    """A gateway between one database and one ERP, killed and started as a test likes."""

    def __init__(self, folder: Path, nursery: Path, database: Database, erp: CloudErp) -> None:
        self.folder, self.nursery, self.erp = folder, nursery, erp
        where = f"dialect: {database.kind}\n    "
        if database.server is None:
            where += f"file: {database.name}"
        else:
            (folder / "secret").write_text(PASSWORD)
            where += (
                f"host: {HOST}\n    port: {database.server.port}\n    database: {database.name}\n    "
                f"user: {ADMIN}\n    password: file:secret\n    plaintext: true"
            )
        (folder / "journal").mkdir()
        (folder / "stock.yaml").write_text(MAPPING)
        routes = ROUTES.replace("{where}", where).replace("{erp}", erp.url)
        (folder / "routes.yaml").write_text(routes)

    async def started(self) -> Running:
        order = Order(str(self.folder / "routes.yaml"), str(self.folder / "gateway.log"))
        reader, writer = await asyncio.open_unix_connection(self.nursery)
        writer.write(order.line())
        born = (await reader.readline()).decode().split()
        running = Running(reader, writer, int(born[1]))
        assert await running.up(), self.log
        return running

    async def exceptions(self) -> list[str]:
        """Give the beginning of each finding that waits for a person."""
        path = self.folder / "journal" / "journal.db"
        journal = await SqliteJournal.open_readonly(path, clock=SystemClock())
        try:
            items = await journal.exceptions()
        finally:
            await journal.close()
        return [str(finding) for item in items for finding in item.findings]

    @property
    def log(self) -> str:
        return (self.folder / "gateway.log").read_text(errors="replace")[-4_000:]

    @property
    def arrived(self) -> list[State]:
        """Give what the ERP's ledger holds, in the order of its commits."""
        return [state(each) for each in self.erp.committed]


@contextlib.asynccontextmanager
async def bridged(folder: Path, nursery: Path, database: Database) -> AsyncIterator[Bridge]:
    async with CloudErp(Settings()) as erp:
        yield Bridge(folder, nursery, database, erp)


def state(committed: Committed) -> State:
    """Give the row and its revision that a document of the ERP's ledger tells of."""
    parts = committed.document_key.split("|")
    return parts[2], int(parts[4] or 0)


async def test_overlapping_writers_and_kills_lose_double_and_reorder_nothing(
    tmp_path: Path, nursery: Path, database: Database
) -> None:
    lay_out(database)
    chance = random.Random(20261127)
    writers = Writers(database)
    async with bridged(tmp_path, nursery, database) as bridge:
        writing = asyncio.create_task(writers.write(ROWS))
        for _ in range(KILLS):
            running = await bridge.started()
            await asyncio.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
            assert await running.kill() == -signal.SIGKILL
        running = await bridge.started()
        await writing
        ends = time.monotonic() + 30 + len(writers.committed) / 20
        while len(set(bridge.arrived)) < len(writers.committed):
            assert time.monotonic() < ends, f"{len(bridge.arrived)} of {len(writers.committed)}\n{bridge.log}"
            await asyncio.sleep(0.05)
        assert database.script("select count(*) from legacy_bridge_outbox;").strip() == "0"
        assert await running.stop() == 0

        assert faults(writers.committed, bridge.arrived) == {}
        assert writers.rolled_back > 0
        print(
            f"{database.kind}: {len(writers.committed)} changes, {KILLS} kills, "
            f"{writers.rolled_back} roll-backs"
        )


async def test_a_row_that_does_not_map_is_parked_by_table_key_and_column_and_the_feed_goes_on(
    tmp_path: Path, nursery: Path, database: Database
) -> None:
    lay_out(database)
    database.script(
        "insert into stock values ('A', 0, null), ('B', 0, 'nonsense'), ('C', 0, null);"
        "delete from stock where no = 'A';"
    )
    async with bridged(tmp_path, nursery, database) as bridge:
        running = await bridge.started()
        async with asyncio.timeout(20):
            while {key for key, _ in bridge.arrived} != {"A", "C"}:
                await asyncio.sleep(0.05)
            while len(parked := await bridge.exceptions()) < 2:
                await asyncio.sleep(0.05)
        assert await running.stop() == 0

    deleted, unmapped = sorted(parked)
    assert deleted.startswith("stock[A]: the row was deleted")
    assert unmapped.startswith("stock[B] note: ")
    assert unmapped.endswith("[MAP-CODE]")


async def test_a_drainer_that_remembers_the_highest_id_loses_rows(database: Database) -> None:
    """The control: the same writers, judged by the same function, go red without the outbox's protocol."""
    lay_out(database, reuses_ids=True)  # with a single writer, rows are lost where ids come again
    writers = Writers(database)
    arrived: list[State] = []
    writing = asyncio.create_task(writers.write(ROWS_OF_CONTROL))
    draining = asyncio.create_task(_by_highest_id(database, arrived))
    await writing
    await asyncio.sleep(0.2)
    await ended(draining)

    found = faults(writers.committed, arrived)
    print(f"{database.kind}: {len(found.get('lost', []))} of {len(writers.committed)} lost")
    assert "lost" in found


async def _by_highest_id(database: Database, arrived: list[State]) -> None:
    """Read what is above the highest id seen, as so many pollers do."""
    engine = create_async_engine(database.url, pool_size=1)  # a connection a look would use up the ports
    highest = 0
    try:
        while True:
            highest = await _look(engine, database, highest, arrived)
            await asyncio.sleep(0.001)
    finally:
        await engine.dispose()


async def _look(engine: AsyncEngine, database: Database, highest: int, arrived: list[State]) -> int:
    async with engine.begin() as connection:
        found = await connection.execute(
            text("select id, after_image from legacy_bridge_outbox where id > :id order by id"),
            {"id": highest},
        )
        for row_id, image in found.all():
            highest = max(highest, row_id)
            arrived.append(_image(image))
        if database.kind == "sqlite":
            delete = text("delete from legacy_bridge_outbox where id <= :id")
            await connection.execute(delete, {"id": highest})
    return highest


def _image(image: str) -> State:
    row = json.loads(image)
    return row["no"], int(row["qty"])
