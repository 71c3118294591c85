"""Feeds that hospitals have already: each keeps its guarantee, and says what it merges."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from gateway.journal.memory import MemoryJournal
from gateway.system import SystemClock
from tests.adapters.db_triggers.rig import (
    STOCK,
    Journal,
    engine_for,
    feeding,
    run,
    settings_of,
    source_for,
    until,
)
from tests.adapters.db_triggers.servers import Database

QUEUE = (
    "create table iface_queue (seq integer not null primary key, sts char(1) not null,"
    " po_no varchar(20) not null, act varchar(6), qty integer);\n"
)


def queued(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "status_column", "name": "iface_queue", "id": "seq", "status": "sts", "new": "N",
        "taken": "D", "key": ["po_no"], **changes,
    }  # fmt: skip


def cursor(**changes: Any) -> dict[str, Any]:
    return {"kind": "cursor", "table": "moves", "column": "id", "holds": "id", **changes}


# -- a change table with a status column --------------------------------------------------------


async def test_rows_of_a_change_table_arrive_once_and_are_marked(database: Database) -> None:
    database.script(
        QUEUE + "insert into iface_queue values (1, 'N', 'a', 'NEW', 5), (2, 'D', 'b', 'NEW', 6),"
        " (3, 'N', 'a', 'CHG', 7);"
    )
    feed = queued(operation="act", operations={"NEW": "I", "CHG": "U", "DEL": "D"})
    journal = Journal()
    async with feeding(source_for(settings_of(database, feed=feed)), journal):
        await until(lambda: len(journal.rows) == 2)
        await run(database, "insert into iface_queue values (4, 'N', 'c', 'DEL', 8);")
        await until(lambda: _new(database, 0))

    came = [(row["table"], row["operation"], row["key"], row["after"]["qty"]) for row in journal.rows]
    assert came == [
        ("iface_queue", "I", ["a"], "5"),
        ("iface_queue", "U", ["a"], "7"),
        ("iface_queue", "D", ["c"], "8"),
    ]
    assert journal.repeats == 0


async def test_a_change_table_of_keys_makes_rows_be_read_again_and_names_what_it_merged(
    database: Database,
) -> None:
    database.script(
        QUEUE + STOCK + "insert into stock values ('a', 3, 'now'), ('b', 1, null);"
        "insert into iface_queue values (1, 'N', 'a', 'NEW', 0), (2, 'N', 'b', 'NEW', 0),"
        " (3, 'N', 'a', 'CHG', 0), (4, 'N', 'gone', 'CHG', 0);"
    )
    feed = queued(table="stock", operation="act", operations={"NEW": "I", "CHG": "U"})
    journal = Journal()
    async with feeding(source_for(settings_of(database, feed=feed)), journal):
        await until(lambda: len(journal.rows) == 3)

    by_key = {row["key"][0]: row for row in journal.rows}
    assert by_key["a"]["after"] == {"no": "a", "qty": "3", "note": "now"}
    assert by_key["a"]["merged"] == ["stock I 1", "stock U 3"]
    assert by_key["a"]["operation"] == "I"
    assert by_key["b"]["merged"] == ["stock I 2"]
    assert by_key["gone"]["operation"] == "D"
    assert by_key["gone"]["before"] == {"no": "gone"}
    assert by_key["gone"]["after"] is None


async def _new(database: Database, count: int) -> bool:
    return int(await run(database, "select count(*) from iface_queue where sts = 'N';")) == count


# -- a cursor -----------------------------------------------------------------------------------

MOVES = {
    "postgresql": "create table moves (id bigserial primary key, item varchar(20), "
    "at timestamp default now(), tx xid8 not null default pg_current_xact_id());\n",
    "mariadb": "create table moves (id bigint auto_increment primary key, item varchar(20), "
    "at datetime(6) default now(6));\n",
    "sqlite": "create table moves (id integer primary key autoincrement, item varchar(20), at timestamp);\n",
}


def items(journal: Journal) -> list[str]:
    return [row["after"]["item"] for row in journal.rows]


@pytest.mark.parametrize("transaction", [None, "tx"])
async def test_a_cursor_does_not_pass_a_row_that_is_not_committed_yet(
    postgresql: Database, transaction: str | None
) -> None:
    postgresql.script(MOVES["postgresql"])
    feed = cursor(transaction=transaction)
    settings = settings_of(postgresql, feed=feed, tables={"moves": {"key": ["id"]}})
    engine = engine_for(postgresql)
    journal = Journal()
    async with feeding(source_for(settings), journal), engine.connect() as slow, engine.connect() as quick:
        await slow.execute(text("insert into moves (item) values ('slow')"))
        await quick.execute(text("insert into moves (item) values ('quick')"))
        await quick.commit()
        await asyncio.sleep(0.4)  # many looks
        assert journal.rows == []
        await slow.commit()
        await until(lambda: len(journal.rows) == 2)
    await engine.dispose()

    assert items(journal) == ["slow", "quick"]


async def test_without_a_horizon_the_same_row_would_be_lost(postgresql: Database) -> None:
    """The control: what reads up to the highest id at once never sees the slow one."""
    postgresql.script(MOVES["postgresql"])
    engine = engine_for(postgresql)
    seen: list[str] = []
    highest = 0
    async with engine.connect() as slow, engine.connect() as quick, engine.connect() as reader:
        await slow.execute(text("insert into moves (item) values ('slow')"))
        await quick.execute(text("insert into moves (item) values ('quick')"))
        await quick.commit()
        for _ in range(2):
            rows = await reader.execute(
                text("select id, item from moves where id > :id order by id"), {"id": highest}
            )
            for number, item in rows.all():
                highest = max(highest, number)
                seen.append(item)
            await reader.commit()
            if slow.in_transaction():
                await slow.commit()
    await engine.dispose()

    assert seen == ["quick"]


async def test_a_cursor_goes_on_where_it_stopped(database: Database) -> None:
    database.script(MOVES[database.kind] + "insert into moves (item) values ('1'), ('2'), ('3');")
    settings = settings_of(database, feed=cursor(settle="50ms"), tables={"moves": {"key": ["id"]}}, batch=2)
    memory = MemoryJournal(clock=SystemClock())
    first, second = Journal(), Journal()
    async with feeding(source_for(settings, journal=memory), first):
        await until(lambda: len(first.rows) == 3)
        await asyncio.sleep(0.1)
    database.script("insert into moves (item) values ('4');")
    async with feeding(source_for(settings, journal=memory), second):
        await until(lambda: len(second.rows) == 1)

    assert items(first) == ["1", "2", "3"]
    assert items(second) == ["4"]


async def test_a_time_of_change_is_read_once_it_has_settled_equal_times_included(database: Database) -> None:
    at = "2026-11-02 08:00:00"
    database.script(
        MOVES[database.kind]
        + f"insert into moves (item, at) values ('1', '{at}'), ('2', '{at}'), ('3', '{at}');"
    )
    feed = cursor(column="at", holds="timestamp", settle="300ms")
    settings = settings_of(database, feed=feed, tables={"moves": {"key": ["id"]}}, batch=2)
    journal = Journal()
    async with feeding(source_for(settings), journal):
        await asyncio.sleep(0.1)
        await run(database, f"insert into moves (item, at) values ('late', '{at}');")
        assert journal.rows == []
        await until(lambda: len(journal.rows) == 4)
        await run(database, "update moves set item = '1b', at = '2026-11-02 08:00:01' where item = '1';")
        await until(lambda: len(journal.rows) == 5)

    assert items(journal) == ["1", "2", "3", "late", "1b"]
    assert journal.repeats == 0
