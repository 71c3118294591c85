"""The server is killed while receipts are written: each is in the tables exactly once in the end."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest

from adapters.base import Accepted, InDoubt, Transient
from tests.adapters.db_triggers.hospital import connected, prepared, run, settings_for
from tests.adapters.db_triggers.servers import Database
from tests.adapters.db_triggers.test_ddl import HEADER, LINE
from tests.adapters.db_triggers.test_write_back import rows
from tests.adapters.db_triggers.writing import WRITE_BACK, Mms, delivery, pair, receipt, write
from tests.scale import scaled

KILLS = scaled(4, most=40)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
async def test_a_server_that_is_killed_again_and_again_has_each_receipt_once(database: Database) -> None:
    settings = settings_for(database, write_back=WRITE_BACK)
    await prepared(database, settings)
    async with connected(database) as user:
        await run(user, HEADER.format("P-1"), LINE.format("P-1", 1), "delete from legacy_bridge_outbox")
    target, sink = pair(settings)
    progress = Progress()
    try:
        await asyncio.gather(kills(database, progress), until_over((target, sink), progress))
    finally:
        await sink.close()

    written = progress.written
    assert written > KILLS
    assert await rows(database, "select count(*), count(distinct rcpt_no) from receipt") == [
        (written, written)
    ]
    assert await rows(database, "select qty_rcvd from po_line") == [(written,)]
    assert await rows(database, "select count(*) from legacy_bridge_outbox") == [(0,)]


@dataclass
class Progress:
    written: int = 0
    is_over: bool = False


async def kills(database: Database, progress: Progress) -> None:
    """Kill the server some milliseconds after it has written another receipt or two."""
    assert database.server is not None
    chance = random.Random(4)
    for _ in range(KILLS):
        wanted = progress.written + chance.randrange(1, 4)
        while progress.written < wanted:
            await asyncio.sleep(0.001)
        await asyncio.sleep(chance.random() * 0.02)
        await asyncio.to_thread(database.server.kill)
        await asyncio.to_thread(database.server.start)
    progress.is_over = True


async def until_over(mms: Mms, progress: Progress) -> None:
    """Write receipts one after the other, each repeated as the delivery worker does until it is in."""
    while not progress.is_over:
        number = progress.written + 1
        sent = delivery(receipt(f"RC-{number}", "P-1", _1="1"), f"R{number}")
        while isinstance(outcome := await write(mms, sent), Transient | InDoubt):
            await asyncio.sleep(0.05)
        assert isinstance(outcome, Accepted), outcome
        progress.written = number
