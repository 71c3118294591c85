"""A snapshot beside the live feed: every row, none in the wrong order, and on from where it stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from adapters.base import Inbound
from adapters.db_triggers import snapshot
from adapters.db_triggers.binding import normal
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.driver_signals import SnapshottingSource
from adapters.db_triggers.driver_snapshot import Snapshots
from adapters.db_triggers.snapshot import Progress, SnapshotError, key_from
from gateway.system import SystemClock
from simulators.legacy_db import items
from tests.adapters.db_triggers.hospital import connected, outbox, prepared, run, secret, settings_for
from tests.adapters.db_triggers.servers import Database
from tests.scale import scaled

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROWS_ALL = 200_000
COLUMNS = ("item_no", "descr", "uom", "vend_no", "std_price", "item_sts", "chg_user")


async def test_every_row_arrives_once_in_the_order_of_its_key(database: Database) -> None:
    settings = await stocked(database, 95)
    told: list[Progress] = []

    put = await taken(settings, tell=told.append, rows=20)

    rows = await outbox(database)
    assert put == 95
    assert [row[:2] for row in rows] == [("item", "R")] * 95
    assert [row[2] for row in rows] == sorted({row[2] for row in rows})
    assert [(each.rows_done, each.rows_total) for each in told][-1] == (95, 95)


async def test_a_snapshot_that_died_goes_on_after_its_last_range(database: Database) -> None:
    settings = await stocked(database, 50)

    def dies(progress: Progress) -> None:
        if progress.rows_done == 30:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await taken(settings, tell=dies, rows=10)
    put = await taken(settings, tables=(), rows=10)

    assert put == 20
    assert len({row[2] for row in await outbox(database)}) == len(await outbox(database)) == 50


async def test_only_the_range_that_was_asked_for_is_read(database: Database) -> None:
    settings = await stocked(database, 30)
    first, last = (f"I{number:07d}".ljust(12) for number in (11, 20))

    put = await taken(settings, first=(first,), last=(last,), rows=4)

    assert put == 10


async def test_a_row_in_the_database_is_the_signal(database: Database) -> None:
    settings = await stocked(database, 5)
    database.script(
        "insert into legacy_bridge_snapshot (source_table, state, from_key, rows_done) "
        "values ('item', 'wanted', '[\"I0000004    \"]', 0);"
    )

    assert await taken(settings, tables=()) == 2
    assert database.script("select state from legacy_bridge_snapshot;").split() == ["done"]


async def test_a_signal_that_cannot_be_followed_is_marked_and_holds_up_no_other(database: Database) -> None:
    settings = await stocked(database, 5)
    signal = "insert into legacy_bridge_snapshot (source_table, state, from_key, rows_done) values "
    database.script(f"{signal} ('vendor', 'wanted', null, 0), ('item', 'wanted', 'I1', 0);")
    database.script(f"{signal} ('item', 'wanted', null, 0);")

    with pytest.raises(SnapshotError, match="vendor is not fed; the key 'I1' is no JSON array"):
        await taken(settings, tables=())

    assert len(await outbox(database)) == 5
    states = database.script("select state from legacy_bridge_snapshot order by id;").split()
    assert states == ["refused", "refused", "done"]


async def test_a_running_feed_makes_the_snapshot_that_the_database_asks_for(sqlite: Database) -> None:
    settings = await stocked(sqlite, 3)
    made: list[Progress] = []

    class Feed:
        """A feed that gives nothing; it stands for the real one, which has tests of its own."""

        async def receive_batches(self) -> AsyncGenerator[Sequence[Inbound]]:
            await asyncio.sleep(3600)
            yield ()

    def snapshots(tell: Callable[[Progress], None]) -> Snapshots:
        return Snapshots(settings, secret, now=lambda: AT, tell=made.append)

    source = SnapshottingSource(
        Feed(), snapshots, clock=SystemClock(), name="mms-db", dialect="sqlite", every_s=0.05
    )
    arrivals = source.receive()
    waiting = asyncio.ensure_future(anext(arrivals))
    try:
        await asyncio.sleep(0.1)
        assert await outbox(sqlite) == []
        signal = "(source_table, state, rows_done) values ('item', 'wanted', 0)"
        sqlite.script(f"insert into legacy_bridge_snapshot {signal};")
        while not made or made[-1].rows_done < 3:
            await asyncio.sleep(0.02)
        assert len(await outbox(sqlite)) == 3
    finally:
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting


async def test_whatever_breaks_a_snapshot_is_told_and_the_next_look_tries_again(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = await stocked(sqlite, 3)
    sqlite.script(
        "insert into legacy_bridge_snapshot (source_table, state, rows_done) values ('item', 'wanted', 0);"
    )

    async def broken(self: Snapshots) -> int:
        raise KeyError("nobody thought of this")

    source = SnapshottingSource(
        None,  # type: ignore[arg-type]
        lambda tell: Snapshots(settings, secret, now=lambda: AT, tell=tell),
        clock=SystemClock(), name="mms-db", dialect="sqlite", every_s=1,
    )  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(Snapshots, "run", broken)
        await source._look()
    assert "nobody thought of this" in (source.trouble or "")

    await source._look()
    assert source.trouble is None
    assert len(await outbox(sqlite)) == 3


async def test_a_cancelled_snapshot_stops_after_its_range(database: Database) -> None:
    settings = await stocked(database, 50)

    def cancel(progress: Progress) -> None:
        database.script("update legacy_bridge_snapshot set state = 'cancelled';")

    assert await taken(settings, tell=cancel, rows=10) == 10


async def test_keys_of_several_columns_are_paged_without_gap(database: Database) -> None:
    settings = settings_for(database, tables={"po_line": {"key": ["po_no", "line_no"]}})
    await prepared(database, settings)
    async with connected(database) as user:
        line = (
            "insert into po_line (po_no, line_no, item_no, qty_ord, uom) values ('P-{0}', {1}, 'I', 1, 'EA')"
        )
        await run(user, *(line.format(order, number) for order in range(7) for number in range(1, 8)))
        await run(user, "delete from legacy_bridge_outbox")

    assert await taken(settings, tables=("po_line",), rows=5) == 49
    assert len({row[2] for row in await outbox(database)}) == 49


async def test_it_waits_while_the_feed_has_not_taken_what_is_there(sqlite: Database) -> None:
    settings = await stocked(sqlite, 40)
    waits: list[str] = []

    def tell(progress: Progress) -> None:
        if progress.waits_for:
            waits.append(progress.waits_for)
            sqlite.script("delete from legacy_bridge_outbox;")

    await taken(settings, tell=tell, rows=10, outbox_max=15)

    assert waits
    assert all("the feed" in each for each in waits)


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)  # SQLite has one writer
async def test_a_row_under_change_is_read_after_its_change(database: Database) -> None:
    settings = await stocked(database, 30)

    assert await values_after_a_change_in_between(database, settings) == ["new", "new"]


async def test_without_the_lock_the_older_row_would_come_last(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(snapshot, "SKIPPING", {})
    settings = await stocked(postgresql, 30)

    assert await values_after_a_change_in_between(postgresql, settings) == ["new", "old"]


@pytest.mark.timeout(300)
async def test_what_was_fed_equals_the_table_while_users_change_it(database: Database) -> None:
    count = scaled(1_500, most=ROWS_ALL)
    settings = await stocked(database, count)
    ledger: dict[str, dict[str, Any]] = {}
    over = asyncio.Event()

    async def everything() -> None:
        await taken(settings, rows=max(count // 12, 100), outbox_max=count)
        await asyncio.sleep(0.1)
        over.set()

    changes = [users(database, count, seed, over) for seed in range(2)]
    done = await asyncio.gather(everything(), *changes, drain(database, ledger, over))

    await drained(database, ledger)
    assert sum(made for made in done[1:3] if made) > 0
    assert ledger == await table(database)


async def test_a_table_that_is_not_fed_and_a_key_that_is_none_are_refused(sqlite: Database) -> None:
    settings = await stocked(sqlite, 1)

    with pytest.raises(SnapshotError, match="vendor is not fed"):
        await taken(settings, tables=("vendor",))
    with pytest.raises(SnapshotError, match="no JSON array"):
        key_from("P-1")
    with pytest.raises(SnapshotError, match="has 2 parts, 1 were expected"):
        await taken(settings, first=("a", "b"))


def test_the_bar_says_how_far_it_is_and_what_it_waits_for() -> None:
    drawn = snapshot.bar(Progress("item", 50_000, 200_000, "the feed"), 10.0, 100)

    assert drawn == "item [#####...............]  25% of 200,000 rows, 5,000 rows/s; waits for the feed"
    assert len(snapshot.bar(Progress("item", 0, 0), 0.0, 20)) <= 20


async def test_a_key_longer_than_its_declared_type_is_taken_like_any_other(sqlite: Database) -> None:
    settings = await stocked(sqlite, 3)
    long = "I0000002-longer-than-char-12"
    sqlite.script(f"insert into item (item_no, uom, vend_no) values ('{long}', 'EA', 'V');")
    sqlite.script("delete from legacy_bridge_outbox;")

    assert await taken(settings, rows=1) == 4
    assert await taken(settings, rows=1) == 4  # later ones, too
    assert f'["{long}"]' in {row[2] for row in await outbox(sqlite)}


async def test_the_first_and_last_key_are_inclusive_without_the_blanks_of_padded_keys(
    database: Database,
) -> None:
    settings = await stocked(database, 5)

    assert await taken(settings, first=("I0000002",), last=("I0000004",), rows=2) == 3
    assert await taken(settings, first=("I0000003",), last=("I0000003",)) == 1


async def test_keys_of_two_columns_are_inclusive_without_the_blanks_of_padded_keys(sqlite: Database) -> None:
    settings = settings_for(sqlite, tables={"po_line": {"key": ["po_no", "line_no"]}})
    await prepared(sqlite, settings)
    rows = ", ".join(
        f"('{po}', {line}, 'A', 1, 'EA', 1)" for po in ("7     ", "8     ") for line in (1, 2, 10)
    )
    sqlite.script(f"insert into po_line (po_no, line_no, item_no, qty_ord, uom, price) values {rows};")

    assert await taken(settings, tables=("po_line",), first=("7", "2"), last=("8", "2"), rows=1) == 4


async def test_a_key_that_its_column_cannot_hold_is_refused_by_name_and_holds_up_nothing(
    postgresql: Database,
) -> None:
    settings = settings_for(postgresql, tables={"po_line": {"key": ["po_no", "line_no"]}})
    await prepared(postgresql, settings)

    with pytest.raises(SnapshotError, match=r"po_line\[x\] line_no: takes a number, and the value is none"):
        await taken(settings, tables=("po_line",), first=("7", "x"))
    assert await taken(settings, tables=("po_line",)) == 0


async def stocked(database: Database, count: int) -> DbEndpoint:
    """Give a database whose item master was there before the triggers fed anything."""
    settings = settings_for(database, tables={"item": {"key": ["item_no"]}})
    await prepared(database, settings)
    async with connected(database) as user:
        rows = [dict(row, std_price=row["std_price"] and str(row["std_price"])) for row in items(count)]
        if database.kind == "postgresql":
            rows = list(items(count))
        columns = ", ".join(rows[0])
        places = ", ".join(f":{name}" for name in rows[0])
        await user.execute(text(f"insert into item ({columns}) values ({places})"), rows)
        await user.execute(text("delete from legacy_bridge_outbox"))
        await user.commit()
    return settings


async def taken(
    settings: DbEndpoint,
    *,
    tables: tuple[str, ...] = ("item",),
    first: tuple[str, ...] | None = None,
    last: tuple[str, ...] | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
    **more: int,
) -> int:
    """Order a snapshot, unless it was ordered before, and make it."""
    snapshots = Snapshots(settings, secret, now=lambda: AT, tell=tell, **more)  # type: ignore[arg-type]
    try:
        if tables:
            await snapshots.order(tables, first=first, last=last)
        return await snapshots.run()
    finally:
        await snapshots.close()


async def values_after_a_change_in_between(database: Database, settings: DbEndpoint) -> list[str]:
    """Change a row, let the snapshot come to it, commit; give that row's values as they are fed."""
    async with connected(database) as user:
        await user.execute(text("update item set descr = 'old'"))
        await user.execute(text("delete from legacy_bridge_outbox"))
        await user.commit()
        await user.execute(text("update item set descr = 'new' where item_no like 'I0000015%'"))
        running = asyncio.create_task(taken(settings, rows=10))
        await asyncio.sleep(0.6)
        await user.commit()
        await running
    rows = await outbox(database, ("row_key", "after_image"))
    return [json.loads(image)["descr"] for key, image in rows if "I0000015" in key]


async def users(database: Database, count: int, seed: int, over: asyncio.Event) -> int:
    """Insert, change and delete about 25 rows a second until the snapshot is over."""
    chance, made = random.Random(seed), 0
    async with connected(database) as connection:
        while not over.is_set():
            number = f"I{chance.randrange(1, count + 50):07d}".ljust(12)
            change = chance.choice(
                (
                    "update item set descr = :word where item_no = :number",
                    "delete from item where item_no = :number",
                    "insert into item (item_no, descr, uom) values (:number, :word, 'EA')",
                )
            )
            values = {"number": number, "word": f"{seed}-{made}"}
            if "delete" in change:
                del values["word"]
            try:
                await connection.execute(text(change), values)
                await asyncio.sleep(chance.random() * 0.02)
                await (connection.commit() if chance.random() < 0.9 else connection.rollback())
                made += 1
            except DBAPIError:  # it is there already, or SQLite busy
                await connection.rollback()
            await asyncio.sleep(0.02)
    return made


async def drain(database: Database, ledger: dict[str, dict[str, Any]], over: asyncio.Event) -> None:
    """Apply what the outbox holds, oldest first, as the feed hands it on."""
    while not over.is_set():
        await drained(database, ledger)
        await asyncio.sleep(0.02)


async def drained(database: Database, ledger: dict[str, dict[str, Any]]) -> None:
    async with connected(database) as connection:
        query = "select id, operation, row_key, after_image from legacy_bridge_outbox order by id limit 2000"
        while True:
            rows = (await connection.execute(text(query))).all()
            for _, operation, key, image in rows:
                (name,) = json.loads(key)
                if operation == "D":
                    ledger.pop(name.strip(), None)
                else:
                    ledger[name.strip()] = comparable(json.loads(image))
            ids = [{"id": row[0]} for row in rows]
            if not ids:
                return
            try:
                await connection.execute(text("delete from legacy_bridge_outbox where id = :id"), ids)
                await connection.commit()
            except DBAPIError:  # SQLite busy: the same rows again, which changes nothing
                await connection.rollback()


async def table(database: Database) -> dict[str, dict[str, Any]]:
    async with connected(database) as connection:
        rows = (await connection.execute(text(f"select {', '.join(COLUMNS)} from item"))).mappings().all()
    return {row["item_no"].strip(): comparable(dict(row)) for row in rows}


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    return {name: normal(value) for name, value in row.items()}
