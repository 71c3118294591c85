"""The rendered script of each dialect, byte for byte, and what cannot be rendered.

SQL Server and Oracle are compared as text only: no server of theirs is here. Regenerate with
`python -m tests.adapters.db_triggers.test_ddl_texts`, then read the difference as carefully as code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.ddl import DdlError, objects, script, setup_of
from adapters.db_triggers.fingerprint import Column
from adapters.db_triggers.snapshot import Range, SnapshotStatements
from adapters.db_triggers.write_statements import quoted
from tests.adapters.db_triggers.hospital import rendered, settings_for
from tests.adapters.db_triggers.servers import Database
from tests.adapters.db_triggers.writing import WRITE_BACK

PROJECT = Path(__file__).resolve().parents[3]
GOLDEN = PROJECT / "fixtures" / "db_triggers" / "ddl"
DEMO = PROJECT / "fixtures" / "demo" / "db" / "mms_triggers.sqlite.sql"
DIALECTS = ("postgresql", "mariadb", "sqlite", "mssql", "oracle")
TYPES = {
    "postgresql": ("character(10)", "integer", "numeric(11,3)", "timestamp without time zone", "bytea"),
    "mariadb": ("char(10)", "int(11)", "decimal(11,3)", "datetime", "varbinary(40)"),
    "sqlite": ("char(10)", "integer", "decimal(11,3)", "text", "blob"),
    "mssql": ("char(10)", "int", "decimal(11,3)", "datetime2", "varbinary(40)"),
    "oracle": ("CHAR(10)", "NUMBER(9,0)", "NUMBER(11,3)", "DATE", "RAW"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_script_of_each_dialect_is_as_it_was_read(dialect: str) -> None:
    assert text_of(dialect) == (GOLDEN / f"{dialect}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_name_of_ours_fits_and_every_trigger_knows_the_mark(dialect: str) -> None:
    setup = setup_of(settings(dialect, "row"), columns(dialect))
    made = objects(setup)

    assert all(len(each.name) <= 63 for each in made if each.kind != "grant")
    programs = [each.sql for each in made if each.kind in ("trigger", "function") and "begin" in each.sql]
    assert programs
    assert all("legacy_bridge" in sql and "'legacy-bridge'" in sql for sql in programs)


def test_tables_with_very_long_names_get_triggers_with_names_of_their_own() -> None:
    long = "t" * 60
    made = setup_of(settings("postgresql", "statement", long), {long: columns("postgresql")["po_line"]})

    names = [each.name for each in objects(made) if each.kind == "trigger"]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 for name in names)


@pytest.mark.parametrize("dialect", ["mariadb", "sqlite", "oracle"])
def test_statement_triggers_that_a_dialect_does_not_have_are_refused(dialect: str) -> None:
    with pytest.raises(DdlError, match="say trigger: row"):
        setup_of(settings(dialect, "statement"), columns(dialect))


def test_tables_and_columns_that_are_not_there_are_told_all_at_once() -> None:
    tables = {"po_line": {"key": ["po_no", "nowhere"]}, "gone": {"key": ["a"]}}
    wanted = DbEndpoint.model_validate({"dialect": "sqlite", "file": "legacy.db", "tables": tables})

    with pytest.raises(DdlError) as caught:
        setup_of(wanted, columns("sqlite"))

    assert "po_line: has no column nowhere; it has" in str(caught.value)
    assert "gone: there is no such table" in str(caught.value)


@pytest.mark.parametrize(
    "dialect, skips, waits, first",
    [
        ("postgresql", "for share skip locked", "for share", "limit 500"),
        ("mariadb", "lock in share mode skip locked", "lock in share mode", "limit 500"),
        ("sqlite", "", "", "limit 500"),
        ("mssql", "with (updlock, readpast, rowlock)", "with (updlock, rowlock)", "top 500"),
        ("oracle", "for update skip locked", "for update", "fetch first 500 rows only"),
    ],
)
def test_a_snapshot_reads_a_range_with_its_rows_locked(
    dialect: str, skips: str, waits: str, first: str
) -> None:
    setup = setup_of(settings(dialect, "row"), columns(dialect))
    statements = SnapshotStatements(setup, setup.tables[0])
    part = Range(after=("P-1", "3"))

    assert first in statements.keys(part, 500).sql
    assert first not in statements.locked(part, waits=False).sql  # Oracle refuses both together: ORA-02014
    assert skips in statements.locked(part, waits=False).sql
    assert waits in statements.locked(part, waits=True).sql
    assert "skip" not in statements.locked(part, waits=True).sql
    bound = "3" if dialect == "sqlite" else 3  # SQLite converts by the column's affinity
    assert dict(statements.keys(part, 500).parameters)["a1"] == bound
    name = quoted("po_no", statements.dialect)
    assert f"t.{name} >= :a0 and ((t.{name} > :a0) or (t.{name} = :a0 and" in statements.keys(part, 500).sql
    insert = statements.insert(part).sql
    assert insert.startswith("insert into ")
    assert "'R'" in insert


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_endpoint_that_only_takes_documents_gets_no_outbox_and_no_trigger(dialect: str) -> None:
    only = settings(dialect, "row").model_copy(update={"tables": {}})
    made = objects(setup_of(only, {}))

    kinds = {(each.kind, each.name) for each in made if each.kind != "grant"}
    own = {
        ("table", "legacy_bridge_written"),
        ("table", "legacy_bridge_echo"),
        ("index", "legacy_bridge_echo_written"),
    }
    assert kinds == own | ({("table", "legacy_bridge_origin")} if dialect == "sqlite" else set())
    assert not any("outbox" in each.sql for each in made)


async def test_the_demos_triggers_are_what_db_render_prints(sqlite: Database) -> None:
    """The simulator applies a fixture, because it asks nothing of the gateway."""
    from simulators.legacy_db import create_schema
    from tests.adapters.db_triggers.writing import WRITE_BACK

    sqlite.script(create_schema("sqlite"))
    children = {"LINES": {"table": "po_line", "by": ["po_no"], "order": ["line_no"]}}
    demo = settings_for(
        sqlite, tables={"po_hdr": {"key": ["po_no"], "children": children}}, write_back=WRITE_BACK
    )
    _, ddl = await rendered(sqlite, demo)

    assert ddl.strip() == DEMO.read_text(encoding="utf-8").strip()


def settings(dialect: str, trigger: str, table: str = "po_line") -> DbEndpoint:
    tables = {table: {"key": ["po_no", "line_no"], "trigger": trigger}}
    where: dict[str, Any] = {"host": "db.example", "database": "MMS", "user": "bridge"}
    if dialect == "sqlite":
        where = {"file": "legacy.db"}
    return DbEndpoint.model_validate(
        {"dialect": dialect, "tables": tables, "write_back": WRITE_BACK, **where}
    )


def columns(dialect: str) -> dict[str, tuple[Column, ...]]:
    names = ("po_no", "line_no", "qty_rcvd", "chg_ts", "seal")
    return {"po_line": tuple(Column(*each) for each in zip(names, TYPES[dialect], strict=True))}


def text_of(dialect: str) -> str:
    trigger = "statement" if dialect == "mssql" else "row"
    setup = setup_of(settings(dialect, trigger), columns(dialect), "mms" if dialect == "postgresql" else None)
    return script(setup, objects(setup), title="mms-db")


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for each in DIALECTS:
        (GOLDEN / f"{each}.sql").write_text(text_of(each), encoding="utf-8")
