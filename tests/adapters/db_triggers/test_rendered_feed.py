"""The feed behind rendered triggers: documents of several tables, and tables that change."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.ddl import objects, script
from adapters.db_triggers.outbox import DEFAULT_NAME
from tests.adapters.db_triggers.hospital import prepared, rendered, settings_for
from tests.adapters.db_triggers.rig import Journal, feeding, left, run, source_for, until, until_drained
from tests.adapters.db_triggers.servers import Database

ORDERS: dict[str, Any] = {
    "po_hdr": {
        "key": ["po_no"],
        "children": {"LINES": {"table": "po_line", "by": "po_no", "order": "line_no"}},
    },
    "po_line": {"key": ["po_no", "line_no"], "part_of": "po_hdr"},
    "item": {"key": ["item_no"]},
}
HEADER = "insert into po_hdr (po_no, vend_no, po_dt, ship_to) values ('{po}', 'V1', '20261102', 'MAIN');"
LINE = (
    "insert into po_line (po_no, line_no, item_no, qty_ord, uom, price) values"
    " ('{po}', {line}, 'I1', 5, 'EA', 1.5);"
)


def quick(database: Database, **more: Any) -> DbEndpoint:
    return settings_for(database, **{"tables": ORDERS, "poll": "20ms", "poll_max": "100ms", **more})


def order(po: str, lines: int) -> str:
    inserts = HEADER.format(po=po) + "".join(LINE.format(po=po, line=n + 1) for n in range(lines))
    return f"begin; {inserts} commit;"


async def triggers_again(database: Database, settings: DbEndpoint) -> str:
    """Give the rendered script without the tables that are there already, as its head says."""
    setup, _ = await rendered(database, settings)
    made = [each for each in objects(setup) if each.kind not in ("table", "index", "grant")]
    return script(setup, made, title="mms-db")


def key_of(row: dict[str, Any]) -> str:
    return str(row["key"][0]).strip()


async def test_an_order_and_its_lines_are_one_message_however_the_batch_parts_them(
    database: Database,
) -> None:
    settings = quick(database, batch=3)
    await prepared(database, settings)
    database.script(order("PO1", 5) + order("PO2", 1))
    journal = Journal()
    async with feeding(source_for(settings), journal):
        await until_drained(database)
        await run(database, "update po_line set qty_ord = 7 where po_no = 'PO1' and line_no = 2;")
        await until(lambda: len(journal.rows) == 3)

    first, second, third = journal.rows
    assert [key_of(row) for row in journal.rows] == ["PO1", "PO2", "PO1"]
    assert [row["operation"] for row in journal.rows] == ["I", "I", "U"]
    assert len(first["children"]["LINES"]) == 5
    assert len(first["merged"]) == 6
    assert len(second["children"]["LINES"]) == 1
    assert float(third["children"]["LINES"][1]["qty_ord"]) == 7
    assert third["merged"][0].startswith("po_line U")


async def test_an_altered_table_stops_the_feed_until_its_trigger_is_rendered_anew(database: Database) -> None:
    settings = quick(database)
    await prepared(database, settings)
    journal = Journal()
    insert = "insert into item (item_no, uom) values ('{no}', 'EA');"
    async with feeding(source_for(settings), journal):
        await run(database, insert.format(no="before"))
        await until(lambda: len(journal.rows) == 1)
        await run(database, "alter table item add column new_col varchar(5);")
        await run(database, insert.format(no="while"))
        await until(lambda: [finding.code for finding in journal.findings] == ["DB-SCHEMA"])
        await asyncio.sleep(0.5)
        assert await left(database) == 1
        await run(database, await triggers_again(database, settings))
        await run(database, "update item set new_col = 'x' where item_no = 'while';")
        await until_drained(database)

    assert [key_of(row) for row in journal.rows] == ["before", "while", "while"]
    assert journal.rows[1]["after"].get("new_col") is None
    assert journal.rows[2]["after"]["new_col"] == "x"
    assert len(journal.findings) == 1
    assert "item" in str(journal.findings[0].at)


async def test_a_dropped_table_stops_the_feed_too(database: Database) -> None:
    settings = quick(database)
    await prepared(database, settings)
    database.script("insert into item (item_no, uom) values ('a', 'EA'); drop table item;")
    journal = Journal()
    async with feeding(source_for(settings), journal):
        await until(lambda: [finding.code for finding in journal.findings] == ["DB-SCHEMA"])

    assert await left(database) == 1


async def test_a_truncated_table_is_told_by_name(postgresql: Database) -> None:
    settings = quick(postgresql)
    await prepared(postgresql, settings)
    journal = Journal()
    async with feeding(source_for(settings), journal):
        await run(postgresql, "insert into item (item_no, uom) values ('a', 'EA'); truncate item;")
        await until_drained(postgresql)

    assert [(row["table"], row["operation"]) for row in journal.rows] == [("item", "I"), ("item", "T")]


@pytest.mark.parametrize("trigger", ["row", "statement"])
async def test_row_and_statement_triggers_feed_the_same(postgresql: Database, trigger: str) -> None:
    tables = {"item": {"key": ["item_no"], "trigger": trigger}}
    settings = quick(postgresql, tables=tables)
    await prepared(postgresql, settings)
    journal = Journal()
    async with feeding(source_for(settings), journal):
        await run(
            postgresql,
            "insert into item (item_no, uom) select 'i' || n, 'EA' from generate_series(1, 3) n;"
            "update item set uom = 'BX'; delete from item where item_no = 'i2';",
        )
        await until_drained(postgresql)

    came = sorted((key_of(row), row["operation"]) for row in journal.rows)
    assert came == sorted([*((f"i{n}", op) for n in (1, 2, 3) for op in ("I", "U")), ("i2", "D")])
    assert json.dumps(journal.rows).count('"BX"') == 4
    assert await left(postgresql, DEFAULT_NAME) == 0
