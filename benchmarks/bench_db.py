"""The trigger feed, measured on a PostgreSQL of its own that flushes every commit.

Four figures, each against a baseline of the same run, medians of paired runs: the drain by itself against a
cursor that only reads; the whole feed into a journal against what that journal accepts from 128 senders; how
soon a commit is picked up, by NOTIFY and by polling; what a row trigger costs a writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from adapters.base import Format, Origin
from adapters.base.registry import EndpointSetup, SourceSetup
from adapters.db_triggers.config import DbEndpoint, OutboxFeed
from adapters.db_triggers.driver_engine import engine_of
from adapters.db_triggers.driver_feed import source_of
from adapters.db_triggers.driver_feed_session import Session
from adapters.db_triggers.driver_outbox import OutboxPort, change_of
from adapters.db_triggers.format import RowFormat
from adapters.db_triggers.outbox import DEFAULT_NAME, Change, outbox_table
from adapters.db_triggers.source import DbSource
from benchmarks.table import Row
from gateway.compiling import compile_programs
from gateway.config import load_text
from gateway.config.configuration import Configuration
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.types import Arrival
from gateway.pipeline import Pipeline
from gateway.program import OneRevision
from gateway.system import SystemClock, SystemRng
from gateway.taking import take_in_parts
from gateway.workers import InlineExecutor
from tests.adapters.db_triggers.hospital import prepared, secret, settings_for
from tests.adapters.db_triggers.servers import Database, PostgreSQL

ROWS, SINGLE_ROWS = 40_000, 1_500
FED_ROWS, KEYS = 8_000, 997
PICK_UPS = 25
WRITES = 400
PAIRS = 5
SENDERS = 128
ITEM = {"item": {"key": ["item_no"]}}
ROUTE = """
version: 1
gateway: {environment: test, organisation: mercy}
endpoints:
  mms-db: {kind: db_triggers, environment: test, dialect: sqlite, file: unused.db}
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
routes:
  - {id: items, from: {endpoint: mms-db, format: db_triggers}, targets: {cloud: erp}, stage: cloud,
     losing_side: nothing}
"""


def run() -> list[Row]:
    """Measure everything."""
    gc.collect()
    gc.freeze()  # as `serve` does: what lives as long as the process is not looked at again
    with PostgreSQL(durable=True) as server:
        return asyncio.run(_measure(server))


async def _measure(server: PostgreSQL) -> list[Row]:
    return [
        *await _database_side(server.create()),
        await _journaled(server.create()),
        await _pick_up(server),
        await _writer(server),
    ]


# -- the database's side -------------------------------------------------------------------------


async def _database_side(database: Database) -> list[Row]:
    """Drain without a journal, as the feed does; the cursor makes the same objects of the same rows."""
    settings = settings_for(database, tables=ITEM, feed={"kind": "outbox", "order": "none"})
    await prepared(database, settings)
    ours, reads, singles = [], [], []
    for _ in range(PAIRS):
        _fill(database, ROWS)
        reads.append(await _read(database))
        ours.append(await _drain(settings))
        _fill(database, SINGLE_ROWS)
        singles.append(await _drain(settings.model_copy(update={"batch": 1})))
    read = median(each / base for each, base in zip(ours, reads, strict=True))
    single = median(each / base for each, base in zip(ours, singles, strict=True))
    figure = f"{median(ours):,.0f} rows/s"
    return [
        Row("drain, database alone, batch 500", figure, round(read, 2), ">= 0.5 x cursor", read >= 0.5),
        Row("the same", figure, round(single, 1), ">= 40 x batch 1", single >= 40),
    ]


FILL = """
insert into legacy_bridge_outbox
  (source_table, operation, row_key, lane, after_image, transaction_id, schema_fingerprint)
select 'item', 'U', json_build_array(no)::text, 'item:' || json_build_array(no)::text,
  json_build_object('item_no', no, 'descr', repeat('x', 40), 'uom', 'EA', 'vend_no', 'V1', 'std_price', 12.5,
    'item_sts', 'A', 'chg_user', 'ops')::text, '1',
  (select schema_fingerprint from legacy_bridge_shape where source_table = 'item')
from (select 'I' || (n % {keys}) as no from generate_series(1, {rows}) n) made;
vacuum analyze legacy_bridge_outbox;
checkpoint;
"""


def _fill(database: Database, rows: int, keys: int = KEYS) -> None:
    """Put rows into the outbox as triggers do, and let PostgreSQL tidy up, in no measured time."""
    database.script(FILL.format(rows=rows, keys=keys))


async def _read(database: Database) -> float:
    """Read all rows by a cursor, 500 at a time, and leave them there."""
    outbox = outbox_table(DEFAULT_NAME)
    rows = select(*outbox.c).order_by(outbox.c.id).execution_options(yield_per=500)
    engine = _engine(database)
    async with engine.connect() as connection:
        began, count = time.perf_counter(), 0
        async with connection.stream(rows) as found:
            async for part in found.partitions(500):
                count += len([change_of(row) for row in part])
        took = time.perf_counter() - began
    await engine.dispose()
    return count / took


async def _drain(settings: DbEndpoint) -> float:
    """Take rows in no order and commit each batch, until there are none."""
    assert isinstance(settings.feed, OutboxFeed)
    session = Session(settings, engine_of(settings, secret), settings.feed.name)
    await session.open()
    port = OutboxPort(session, settings.feed)
    began, rows = time.perf_counter(), 0
    while True:
        found, _ = await port.take()
        await port.settle(found, is_whole=True)
        if not found:
            break
        rows += len(found)
    took = time.perf_counter() - began
    await session.close()
    return rows / took


# -- into the journal ----------------------------------------------------------------------------


async def _journaled(database: Database) -> Row:
    settings = settings_for(database, tables=ITEM)
    await prepared(database, settings)
    ours, accepted = [], []
    with tempfile.TemporaryDirectory() as folder:
        _fill(database, SENDERS)
        body = await _a_body(settings, Path(folder) / "first.db")
        for number in range(PAIRS):
            _fill(database, FED_ROWS)
            ours.append(await _feed(settings, Path(folder) / f"{number}.feed"))
            accepted.append(await _accept([body] * FED_ROWS, Path(folder) / f"{number}.accept"))
    ratio = median(each / base for each, base in zip(ours, accepted, strict=True))
    figure = f"{median(ours):,.0f} rows/s"
    return Row("feed, journaled and in order", figure, round(ratio, 2), ">= 0.5 x accept", ratio >= 0.5)


async def _a_body(settings: DbEndpoint, path: Path) -> bytes:
    """Feed what is there, and give one of the bodies."""
    await _feed(settings, path, SENDERS)
    journal = await SqliteJournal.open_readonly(path, clock=SystemClock())
    message = (await journal.messages(limit=1))[0]
    body = b"".join([piece async for piece in journal.body(message.message_id)])
    await journal.close()
    return body


async def _feed(settings: DbEndpoint, path: Path, rows: int = FED_ROWS) -> float:
    """Feed all rows through the gateway's own acceptance, and let go of them; give the rate."""
    journal = await SqliteJournal.open(path, clock=SystemClock())
    pipeline = _pipeline(journal)
    source = _source(settings, journal)
    port, count = source._port, 0
    settle, done = port.settle, asyncio.Event()

    async def counted(taken: Sequence[Change], *, is_whole: bool) -> None:
        nonlocal count
        await settle(taken, is_whole=is_whole)
        count += len(taken)
        if count >= rows:
            done.set()

    port.settle = counted  # type: ignore[method-assign]

    async def feed() -> None:
        async with contextlib.aclosing(source.receive_batches()) as batches:
            async for batch in batches:
                await take_in_parts(batch, pipeline.take_together)

    began = time.perf_counter()
    feeding = asyncio.create_task(feed())
    await done.wait()
    took = time.perf_counter() - began
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)
    await journal.close()
    return count / took


async def _accept(bodies: Sequence[bytes], path: Path) -> float:
    """Accept the same bodies from 128 senders."""
    journal = await SqliteJournal.open(path, clock=SystemClock())
    rng = Random(1)
    inputs = [(_arrival(number, rng), body) for number, body in enumerate(bodies)]

    async def sender(first: int) -> None:
        for number in range(first, len(inputs), SENDERS):
            await journal.accept(*inputs[number])

    began = time.perf_counter()
    await asyncio.gather(*(sender(first) for first in range(SENDERS)))
    took = time.perf_counter() - began
    await journal.close()
    return len(inputs) / took


def _arrival(number: int, rng: Random) -> Arrival:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    facts = {"operation": "U", "row_id": str(number), "transaction": "1"}
    key = hashlib.sha256(str(number).encode()).hexdigest()
    return Arrival(
        message_id=f"{rng.getrandbits(80):020x}", route="items", arrival_key=key, partner=None, sha256="",
        size_bytes=0, origin=Origin("db_triggers", at, "item[I1]", "mms-db", facts=facts),
        correlation_id=f"c-{number:08}", accepted_at=at, is_urgent=False, config_revision=1,
    )  # fmt: skip


def _pipeline(journal: SqliteJournal) -> Pipeline:
    configuration = load_text(ROUTE)
    assert isinstance(configuration, Configuration), configuration
    programs = OneRevision(compile_programs(configuration, 1))

    def formats(name: str) -> Format:
        return RowFormat()

    return Pipeline(journal, programs, formats, InlineExecutor(formats), SystemClock(), SystemRng())


# -- how soon ------------------------------------------------------------------------------------


async def _pick_up(server: PostgreSQL) -> Row:
    """Commit now and then, and measure until the change is offered."""
    by = {}
    for notify in (True, False):
        database = server.create()
        settings = settings_for(database, tables=ITEM, feed={"kind": "outbox", "notify": notify})
        await prepared(database, settings)
        by[notify] = median(await _waits(database, settings))
    ratio = by[True] / by[False]
    figure = f"p50 {by[True] * 1e3:.1f} ms by NOTIFY, {by[False] * 1e3:.0f} ms by polling"
    return Row("commit to pick-up", figure, round(ratio, 3), "<= 0.1 x the poll's p50", ratio <= 0.1)


async def _waits(database: Database, settings: DbEndpoint) -> list[float]:
    chance = Random(7)
    seen: asyncio.Queue[float] = asyncio.Queue()
    with tempfile.TemporaryDirectory() as folder:
        journal = await SqliteJournal.open(Path(folder) / "journal.db", clock=SystemClock())
        pipeline = _pipeline(journal)
        source = _source(settings, journal)

        async def feed() -> None:
            async with contextlib.aclosing(source.receive_batches()) as batches:
                async for batch in batches:
                    seen.put_nowait(time.perf_counter())
                    await take_in_parts(batch, pipeline.take_together)

        feeding = asyncio.create_task(feed())
        engine = _engine(database)
        waits = []
        async with engine.connect() as connection:
            for number in range(PICK_UPS):
                await asyncio.sleep(chance.uniform(0.05, 1.2))
                insert = "insert into item (item_no, uom) values (:no, 'EA')"
                await connection.execute(text(insert), {"no": f"n{number}"})
                await connection.commit()
                committed = time.perf_counter()
                waits.append(max(await seen.get() - committed, 0.0))
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await engine.dispose()
        await journal.close()
    return waits


# -- what it costs -------------------------------------------------------------------------------


async def _writer(server: PostgreSQL) -> Row:
    """Commit rows one by one with and without the trigger, in turns, on two tables alike."""
    database = server.create()
    await prepared(database, settings_for(database, tables=ITEM))
    database.script("create table plain (like item including all);")
    engine = _engine(database)
    ratios, rates = [], []
    async with engine.connect() as connection:
        for number in range(2 * PAIRS + 1):
            plain = await _write(connection, "plain", number)
            fed = await _write(connection, "item", number)
            if number:  # the first pair warms up
                ratios.append(fed / plain)
                rates.append(fed)
    await engine.dispose()
    ratio = median(ratios)
    figure = f"{median(rates):,.0f} commits/s with it"
    return Row("a writer with a row trigger", figure, round(ratio, 2), ">= 0.85 x without", ratio >= 0.85)


async def _write(connection: AsyncConnection, table: str, number: int) -> float:
    insert = text(f"insert into {table} (item_no, descr, uom) values (:no, 'a gauze', 'EA')")  # noqa: S608
    began = time.perf_counter()
    for each in range(WRITES):
        await connection.execute(insert, {"no": f"{number}-{each}"})
        await connection.commit()
    return WRITES / (time.perf_counter() - began)


def _engine(database: Database) -> AsyncEngine:
    return create_async_engine(database.url, poolclass=NullPool, isolation_level="READ COMMITTED")


def _source(settings: DbEndpoint, journal: SqliteJournal) -> DbSource:
    endpoint = EndpointSetup("mms-db", "test", settings, SystemClock(), SystemRng(), secret=secret)
    return source_of(SourceSetup(endpoint, "items", None, None, None, journal, 1_000_000), settings)
