"""A feed that stands still is seen where a person looks first."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from adapters.db_triggers.outbox import DEFAULT_NAME
from gateway.serving import serving
from tests.adapters.db_triggers.rig import OUTBOX, Journal, feeding, run, settings_of, source_for, until
from tests.adapters.db_triggers.servers import Database
from tests.adapters.db_triggers.test_commands import ITEM, ROUTES

SERVED = ROUTES.replace("organisation: mercy}", 'organisation: mercy, workers: 0, journal: "memory:"}')


async def test_the_feed_says_what_it_stands_still_for_until_it_goes_on(sqlite: Database) -> None:
    source = source_for(settings_of(sqlite))
    assert source.trouble is None
    async with feeding(source, Journal()):
        await until(lambda: source.trouble is not None)
        assert "[DB-MISSING]" in str(source.trouble)
        await run(sqlite, OUTBOX["sqlite"].replace("{outbox}", DEFAULT_NAME))
        await until(lambda: source.trouble is None)


async def test_a_running_gateway_shows_the_feed_that_stands_still_among_the_facts_of_its_process(
    tmp_path: Path,
) -> None:
    (tmp_path / "routes.yaml").write_text(SERVED)
    (tmp_path / "item.yaml").write_text(ITEM)
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as database:
        database.execute("create table item (item_no text, descr text)")
    async with serving(tmp_path / "routes.yaml") as served:
        async with asyncio.timeout(10):
            while not (still := served.gateway.process_facts()["sources_standing_still"]):
                await asyncio.sleep(0.02)

    assert "no such table: legacy_bridge_outbox" in still["items"]
    assert still["items"].endswith("[DB-MISSING]")
