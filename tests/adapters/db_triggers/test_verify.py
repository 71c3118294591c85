"""`db verify` is silent where the rendered script was applied, and tells each thing that is otherwise."""

from __future__ import annotations

import pytest

from adapters.base import Finding
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.driver_catalog import live
from adapters.db_triggers.verify import compared
from tests.adapters.db_triggers.hospital import USER, connected, prepared, rendered, settings_for
from tests.adapters.db_triggers.servers import PASSWORD, Database
from tests.adapters.db_triggers.test_ddl import BOTH
from tests.adapters.db_triggers.writing import WRITE_BACK


@BOTH
async def test_nothing_differs_once_the_script_was_applied(database: Database, trigger: str) -> None:
    tables = {
        "po_hdr": {"key": ["po_no"], "trigger": trigger},
        "po_line": {"key": ["po_no", "line_no"], "part_of": "po_hdr"},
    }
    settings = settings_for(
        database, tables=tables, write_back=WRITE_BACK, feed={"kind": "outbox", "notify": True}
    )
    await prepared(database, settings)

    assert await differences(database, settings) == []


async def test_everything_is_missing_before_it(database: Database) -> None:
    settings = settings_for(database)
    database.script("create table po_hdr (po_no char(10) not null primary key);")
    settings = settings_for(database, tables={"po_hdr": {"key": ["po_no"]}})

    found = await differences(database, settings)

    assert {finding.code for finding in found} == {"DB-MISSING"}
    assert {"legacy_bridge_outbox", "legacy_bridge_outbox_lane"} <= {finding.at.path for finding in found}


@pytest.mark.parametrize(
    "database, statement, told",
    [
        ("postgresql", "alter table po_hdr disable trigger legacy_bridge_po_hdr", "is another one"),
        (
            "postgresql",
            "drop trigger legacy_bridge_po_hdr_tru on po_hdr",
            "legacy_bridge_po_hdr_tru of po_hdr is not",
        ),
        ("postgresql", "drop index legacy_bridge_outbox_lane", "index legacy_bridge_outbox_lane"),
        (
            "mariadb",
            "drop trigger legacy_bridge_po_hdr_upd",
            "legacy_bridge_po_hdr_upd of po_hdr is not there",
        ),
        (
            "sqlite",
            "drop trigger legacy_bridge_po_hdr_upd",
            "legacy_bridge_po_hdr_upd of po_hdr is not there",
        ),
        ("postgresql", "alter table po_hdr add extra integer", "other columns than its triggers"),
        ("mariadb", "alter table po_hdr add extra integer", "other columns than its triggers"),
        ("sqlite", "alter table po_hdr add extra integer", "other columns than its triggers"),
        ("sqlite", "alter table legacy_bridge_outbox drop column origin", "has no column origin"),
    ],
    indirect=["database"],
)
async def test_each_change_of_the_database_is_told(database: Database, statement: str, told: str) -> None:
    settings = settings_for(database)
    await prepared(database, settings)
    if "drop column" in statement:
        for name in ("ins", "upd", "del"):
            for table in settings.tables:
                database.script(f"drop trigger legacy_bridge_{table}_{name};")
    database.script(f"{statement};")

    found = [str(finding) for finding in await differences(database, settings)]

    assert any(told in text for text in found), found


async def test_an_altered_table_is_told_with_the_columns_that_differ(database: Database) -> None:
    settings = settings_for(database, tables={"item": {"key": ["item_no"]}})
    await prepared(database, settings)
    database.script("alter table item add colour varchar(9);")
    if database.kind != "sqlite":  # which refuses it while a trigger names the column
        database.script("alter table item drop column descr;")

    (told,) = [each.text for each in await differences(database, settings) if each.code == "DB-SCHEMA"]

    if database.kind == "postgresql":  # its triggers take the row as a whole
        assert "colour character varying(9)" in told
        assert "descr" not in told
    else:
        gone = ", column descr is gone" if database.kind == "mariadb" else ""
        assert f"(column colour is new (varchar(9)){gone})" in told


async def test_a_trigger_that_nothing_asks_for_any_more_is_told(database: Database) -> None:
    await prepared(database, settings_for(database))
    fewer = settings_for(database, tables={"po_hdr": {"key": ["po_no"]}})

    found = await differences(database, fewer)

    assert {finding.code for finding in found} == {"DB-DIFFERS"}
    assert all("drop it, or its rows pile up" in finding.text for finding in found)


async def test_the_rights_that_the_script_grants_are_those_that_verify_asks_for(postgresql: Database) -> None:
    dba = settings_for(postgresql, write_back=WRITE_BACK)
    settings = dba.model_copy(update={"user": USER})
    await prepared(postgresql, dba)
    postgresql.script(f"drop role if exists {USER}; create role {USER} login password '{PASSWORD}';")
    before = await differences(postgresql, settings)
    _, ddl = await rendered(postgresql, settings)
    grants = [line for line in ddl.splitlines() if line.startswith("grant ")]
    postgresql.script("\n".join(grants))
    after = await differences(postgresql, settings)
    postgresql.script(f"drop owned by {USER}; drop role {USER};")

    assert {finding.code for finding in before} == {"DB-DENIED"}
    assert any("insert on receipt" in finding.text for finding in before)
    assert after == []


async def differences(database: Database, settings: DbEndpoint) -> list[Finding]:
    async with connected(database) as connection:
        return compared("mms-db", await live(connection, settings))
