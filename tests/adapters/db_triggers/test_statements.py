"""The statements of each dialect, as text: SQL Server and Oracle are compiled here and run nowhere."""

from __future__ import annotations

import pytest
from sqlalchemy import ClauseElement
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql, sqlite

from adapters.db_triggers import statements
from adapters.db_triggers.outbox import Change, outbox_table

DIALECTS = {
    "postgresql": postgresql.dialect(),
    "mariadb": mysql.dialect(),
    "sqlite": sqlite.dialect(),
    "mssql": mssql.dialect(),
    "oracle": oracle.dialect(),
}
OUTBOX = outbox_table("outbox", "mms")


def sql(statement: ClauseElement, dialect: str) -> str:
    return " ".join(str(statement.compile(dialect=DIALECTS[dialect])).split())


def change(number: int, lane: str) -> Change:
    return Change(number, "t", "U", "[]", lane)


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb", "oracle"])
def test_heads_are_locked_or_skipped(dialect: str) -> None:
    found = sql(statements.lock(OUTBOX, [1, 2]), dialect)

    assert found.endswith("FOR UPDATE SKIP LOCKED")
    assert "LIMIT" not in found
    assert "FETCH FIRST" not in found


def test_sql_server_skips_by_a_hint_since_it_has_no_skip_locked() -> None:
    for statement in (statements.lock(OUTBOX, [1]), statements.lock_unordered(OUTBOX, 5, "mssql")):
        found = sql(statement, "mssql")
        assert "WITH (UPDLOCK, READPAST, ROWLOCK)" in found
        assert "SKIP LOCKED" not in found


def test_oracle_limits_in_a_subselect_of_rowids() -> None:
    found = sql(statements.lock_unordered(OUTBOX, 5, "oracle"), "oracle")

    inner, _, outer = found.partition("IN (SELECT")[2].rpartition(")")
    assert "ROWID" in inner
    assert "FETCH FIRST" in inner
    assert outer.strip() == "FOR UPDATE SKIP LOCKED"  # ORA-02014 where both stand in one query


def test_postgresql_takes_whole_lanes_in_one_statement() -> None:
    found = sql(statements.take_ordered(OUTBOX, 500), "postgresql")

    assert found.startswith("WITH oldest AS (SELECT")
    assert found.count("FOR UPDATE SKIP LOCKED") == 1
    assert "DELETE FROM mms.outbox" in found
    assert "RETURNING" in found


def test_no_statement_has_more_parameters_than_its_database_takes() -> None:
    assert statements.batch_of("oracle", 5_000) == 1_000
    assert statements.batch_of("mssql", 5_000) == 2_000
    assert statements.batch_of("postgresql", 5_000) == 5_000


def test_only_lanes_whose_oldest_row_is_ours_are_held() -> None:
    rows = [change(1, "a"), change(2, "b"), change(3, "a"), change(4, "b")]

    assert statements.heads_of(rows) == [1, 2]
    assert [row.id for row in statements.held(rows, frozenset({2}))] == [2, 4]
    assert statements.held(rows, frozenset({3})) == []  # a follower says nothing about its lane
