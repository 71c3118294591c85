"""A fingerprint changes with a table's columns, and with nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.driver_schema import live_columns, live_fingerprints
from adapters.db_triggers.fingerprint import Column, ShapeError, captured, differences, fingerprint_of
from tests.adapters.db_triggers.servers import Database

CHAR, NUMBER = Column("po_no", "char(10)"), Column("qty", "decimal(11,3)")


def test_the_order_of_columns_and_their_nullability_do_not_count() -> None:
    assert fingerprint_of([CHAR, NUMBER]) == fingerprint_of([NUMBER, Column("po_no", "CHAR(10)", False)])


@pytest.mark.parametrize(
    "changed", [[CHAR], [CHAR, NUMBER, Column("note", "text")], [CHAR, Column("qty", "integer")]]
)
def test_a_column_more_or_less_or_of_another_type_changes_it(changed: list[Column]) -> None:
    assert fingerprint_of(changed) != fingerprint_of([CHAR, NUMBER])


def test_only_chosen_columns_and_the_key_count_where_the_settings_choose() -> None:
    table = [CHAR, NUMBER, Column("note", "text")]

    assert captured(table, ["qty"], ["po_no"]) == (CHAR, NUMBER)
    with pytest.raises(ShapeError, match="has no column price; it has note, po_no, qty"):
        captured(table, ["price"], ["po_no"])


def test_what_differs_is_said_in_words() -> None:
    assert differences([CHAR, NUMBER], [Column("qty", "integer"), Column("note", "text")]) == (
        "column note is new (text)",
        "column po_no is gone",
        "column qty is integer, it was decimal(11,3)",
    )


async def test_the_live_fingerprint_follows_the_live_table(database: Database) -> None:
    database.script("create table po (po_no char(10) not null primary key, qty decimal(11,3));")
    settings = endpoint(database, {"po": {"key": ["po_no"]}, "gone": {"key": ["x"]}})
    engine = create_async_engine(database.url)
    try:
        async with engine.connect() as connection:
            before = await live_fingerprints(connection, settings)
            columns = await live_columns(connection, settings.dialect, None, ["po"])
        database.script("alter table po add note varchar(20);")
        async with engine.connect() as connection:
            after = await live_fingerprints(connection, settings)
    finally:
        await engine.dispose()

    assert [(each.name, each.is_nullable) for each in columns["po"]] == [("po_no", False), ("qty", True)]
    assert set(before) == set(after) == {"po"}
    assert before != after


def endpoint(database: Database, tables: dict) -> DbEndpoint:
    where = {"file": database.name} if database.server is None else reached(database)
    return DbEndpoint.model_validate({"dialect": database.kind, "tables": tables, **where})


def reached(database: Database) -> dict:
    assert database.server is not None
    return {
        "host": "127.0.0.1",
        "port": database.server.port,
        "database": database.name,
        "user": "dba",
        "plaintext": True,
    }
