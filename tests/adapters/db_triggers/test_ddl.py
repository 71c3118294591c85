"""The rendered triggers write what the feed is promised, on every dialect that can be run here."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from tests.adapters.db_triggers.hospital import (
    connected,
    outbox,
    prepared,
    rendered,
    run,
    settings_for,
    without_grants,
)
from tests.adapters.db_triggers.servers import Database

HEADER = "insert into po_hdr (po_no, vend_no, po_dt, ship_to) values ('{0}', 'V-1042', '20261120', 'DOCK-09')"
LINE = "insert into po_line (po_no, line_no, item_no, qty_ord, uom) values ('{0}', {1}, 'I1', 5, 'EA')"


BOTH = pytest.mark.parametrize(
    "database, trigger",
    [("postgresql", "row"), ("postgresql", "statement"), ("mariadb", "row"), ("sqlite", "row")],
    indirect=["database"],
)


@BOTH
async def test_each_change_is_one_row_in_order_with_key_and_lane(database: Database, trigger: str) -> None:
    await prepared(database, with_triggers(database, trigger))
    async with connected(database) as user:
        await run(user, LINE.format("P-1", 1), HEADER.format("P-1"))
        await run(user, "update po_hdr set note_txt = 'x' where po_no = 'P-1'", "delete from po_line")

    found = await outbox(database, ("source_table", "operation", "row_key", "lane"))

    assert [row[:3] for row in found] == [
        ("po_line", "I", '["P-1",1]'),
        ("po_hdr", "I", '["P-1"]'),
        ("po_hdr", "U", '["P-1"]'),
        ("po_line", "D", '["P-1",1]'),
    ]
    assert len({row[3] for row in found}) == 1  # the lines go with their order


@BOTH
async def test_images_hold_all_columns_before_and_after(database: Database, trigger: str) -> None:
    await prepared(database, with_triggers(database, trigger))
    async with connected(database) as user:
        await run(user, LINE.format("P-1", 1), "update po_line set qty_rcvd = 2.5")

    (inserted, updated) = await outbox(database, ("before_image", "after_image"))

    assert inserted[0] is None
    after = json.loads(updated[1])
    assert (json.loads(updated[0])["qty_rcvd"], after["qty_rcvd"]) == (0, 2.5)
    assert after["price"] is None
    assert set(after) >= {"po_no", "line_no", "item_no", "descr", "qty_ord", "uom", "price", "line_sts"}


@BOTH
async def test_a_change_of_the_key_is_a_delete_and_an_insert(database: Database, trigger: str) -> None:
    await prepared(database, with_triggers(database, trigger))
    async with connected(database) as user:
        await run(user, HEADER.format("P-1"), "update po_hdr set po_no = 'P-2'")

    assert [row[1:] for row in await outbox(database)] == [
        ("I", '["P-1"]'),
        ("D", '["P-1"]'),
        ("I", '["P-2"]'),
    ]


@BOTH
async def test_what_is_rolled_back_leaves_no_row(database: Database, trigger: str) -> None:
    await prepared(database, with_triggers(database, trigger))
    async with connected(database) as user:
        await user.execute(text(HEADER.format("P-1")))
        await user.rollback()
        await run(user, HEADER.format("P-2"))

    assert await outbox(database) == [("po_hdr", "I", '["P-2"]')]


@BOTH
async def test_a_statement_about_many_rows_writes_a_row_for_each(database: Database, trigger: str) -> None:
    await prepared(database, with_triggers(database, trigger))
    async with connected(database) as user:
        await run(user, *(LINE.format("P-1", number) for number in range(1, 6)))
        await run(user, "update po_line set line_sts = 'A'")

    assert sorted(row for row in await outbox(database) if row[1] == "U") == [
        ("po_line", "U", f'["P-1",{number}]') for number in range(1, 6)
    ]


async def test_a_key_of_any_length_and_any_characters_never_fails_the_users_write(database: Database) -> None:
    settings = settings_for(database, tables={"wide": {"key": ["word"]}})
    database.script("create table wide (word varchar(600) not null, note varchar(60));")
    await applied(database, settings)
    word = "é'\"\\" * 140
    async with connected(database) as user:
        await user.execute(text("insert into wide (word) values (:word)"), {"word": word})
        await user.commit()

    ((key, lane),) = await outbox(database, ("row_key", "lane"))

    assert json.loads(key) == [word]
    assert len(lane) <= 255


async def test_bytes_and_times_stand_in_images_as_text(database: Database) -> None:
    kinds = {
        "postgresql": ("bytea", "timestamp"),
        "mariadb": ("varbinary(20)", "datetime"),
        "sqlite": ("blob", "text"),
    }
    binary, moment = kinds[database.kind]
    database.script(f"create table odd (n integer not null primary key, raw {binary}, at_ts {moment});")
    await applied(database, settings_for(database, tables={"odd": {"key": ["n"]}}))
    raw = "decode('00ff', 'hex')" if database.kind == "postgresql" else "x'00ff'"
    async with connected(database) as user:
        await run(user, f"insert into odd values (1, {raw}, '2026-11-20T08:30:00')")

    ((image,),) = await outbox(database, ("after_image",))

    assert json.loads(image)["raw"] == "00ff"
    assert json.loads(image)["at_ts"].startswith("2026-11-20T08:30:00")


async def test_a_chosen_subset_of_columns_and_operations_is_all_that_is_captured(database: Database) -> None:
    tables = {"po_hdr": {"key": ["po_no"], "columns": ["po_sts"], "operations": ["update"]}}
    await prepared(database, settings_for(database, tables=tables))
    async with connected(database) as user:
        await run(user, HEADER.format("P-1"), "update po_hdr set po_sts = 'RL'", "delete from po_hdr")

    ((operation, image),) = await outbox(database, ("operation", "after_image"))

    assert operation == "U"
    assert {name: value.strip() for name, value in json.loads(image).items()} == {
        "po_no": "P-1",
        "po_sts": "RL",
    }


async def test_truncating_a_table_is_told_on_postgresql(postgresql: Database) -> None:
    await prepared(postgresql, settings_for(postgresql))
    async with connected(postgresql) as user:
        await run(user, "truncate po_hdr")

    assert await outbox(postgresql) == [("po_hdr", "T", "[]")]


async def applied(database: Database, settings) -> None:
    _, ddl = await rendered(database, settings)
    database.script(without_grants(ddl))


def with_triggers(database: Database, trigger: str):
    tables = {
        "po_hdr": {"key": ["po_no"], "trigger": trigger},
        "po_line": {"key": ["po_no", "line_no"], "part_of": "po_hdr", "trigger": trigger},
    }
    return settings_for(database, tables=tables)
