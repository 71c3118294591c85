"""The statements that drain an outbox, for each dialect. Pure: SQLAlchemy Core, nothing is sent here.

Order for each lane needs no more than this: rows are taken oldest first, and who takes a row of a lane holds
the lane's oldest row locked. Another drainer skips that one, and with it the lane. The index is (lane, id).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnClause,
    ColumnElement,
    Delete,
    Select,
    Table,
    any_,
    delete,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.dml import ReturningDelete

from adapters.db_triggers.outbox import Change

# SQLAlchemy drops SKIP LOCKED on SQL Server without a word; this hint is what SQL Server has for it.
READPAST = "WITH (UPDLOCK, READPAST, ROWLOCK)"
PARAMETERS_MAX = {"oracle": 1_000, "mssql": 2_000}  # in one IN list; one statement
TAKES_AND_DELETES = frozenset({"postgresql"})  # in one statement
LOCKS_ROWS = frozenset({"postgresql", "mariadb", "mysql", "mssql", "oracle"})


def batch_of(dialect: str, wanted: int) -> int:
    """Give how many rows one batch can have."""
    return min(wanted, PARAMETERS_MAX.get(dialect, wanted))


def take_ordered(outbox: Table, limit: int) -> ReturningDelete[Any]:
    """Take the oldest rows of lanes that nobody else holds, and delete them (PostgreSQL).

    Of the ``limit`` oldest rows, each lane's first one is locked or skipped; the rows of lanes locked so
    are deleted and given. They are back if the transaction does not commit.
    """
    window = select(outbox.c.id, outbox.c.lane).order_by(outbox.c.id).limit(limit).cte("oldest")
    heads = (
        select(outbox.c.lane)
        .where(_among(outbox, select(func.min(window.c.id)).group_by(window.c.lane)))
        .with_for_update(skip_locked=True)
        .cte("heads")
    )
    held = select(window.c.id).join(heads, heads.c.lane == window.c.lane)
    return delete(outbox).where(_among(outbox, held)).returning(*outbox.c)


def take_unordered(outbox: Table, limit: int) -> ReturningDelete[Any]:
    """Take the oldest rows that nobody else holds, and delete them (PostgreSQL): in no order."""
    rows = select(outbox.c.id).order_by(outbox.c.id).limit(limit).with_for_update(skip_locked=True)
    return delete(outbox).where(_among(outbox, rows)).returning(*outbox.c)


def _among(outbox: Table, ids: Select[Any]) -> ColumnElement[bool]:
    """Compare with an array made first: a join would read the whole outbox for each batch (measured)."""
    return outbox.c.id == any_(func.array(ids.scalar_subquery(), type_=ARRAY(BigInteger)))


def window(outbox: Table, limit: int) -> Select[tuple[Change]]:
    """Read the oldest rows, without a lock."""
    return select(*outbox.c).order_by(outbox.c.id).limit(limit)


def followers(outbox: Table, lanes: Sequence[str], after: int, limit: int) -> Select[tuple[Change]]:
    """Read further rows of lanes that are held, oldest first."""
    return (
        select(*outbox.c)
        .where(outbox.c.lane.in_(lanes), outbox.c.id > after)
        .order_by(outbox.c.id)
        .limit(limit)
    )


def lock(outbox: Table, ids: Sequence[int]) -> Select[Any]:
    """Lock rows by their ids and give those that are there and that nobody else holds.

    There is no limit in it: Oracle refuses FETCH FIRST together with FOR UPDATE (ORA-02014).
    """
    return (
        select(outbox.c.id)
        .where(outbox.c.id.in_(ids))
        .with_for_update(skip_locked=True)
        .with_hint(outbox, READPAST, "mssql")
    )


def lock_unordered(outbox: Table, limit: int, dialect: str) -> Select[tuple[Change]]:
    """Lock and read the oldest rows that nobody else holds: in no order.

    Oracle: the limit stands in a subselect of rowids, for the reason given at ``lock``.
    """
    if dialect == "oracle":
        inner = outbox.alias("oldest")
        rowids: Select[Any] = (
            select(literal_column("oldest.ROWID")).select_from(inner).order_by(inner.c.id).limit(limit)
        )
        rowid: ColumnClause[Any] = literal_column(f"{outbox.name}.ROWID")
        return select(*outbox.c).where(rowid.in_(rowids)).with_for_update(skip_locked=True)
    return (
        select(*outbox.c)
        .order_by(outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .with_hint(outbox, READPAST, "mssql")
    )


def remove(outbox: Table, ids: Sequence[int]) -> Delete:
    """Delete rows that the journal has."""
    return delete(outbox).where(outbox.c.id.in_(ids))


def heads_of(rows: Sequence[Change]) -> list[int]:
    """Give the oldest id of each lane."""
    found: dict[str, int] = {}
    for row in rows:
        found.setdefault(row.lane, row.id)
    return list(found.values())


def held(rows: Sequence[Change], locked: frozenset[int]) -> list[Change]:
    """Give the rows of the lanes whose oldest row is locked by us."""
    heads: dict[str, int] = {}
    for row in rows:
        heads.setdefault(row.lane, row.id)
    return [row for row in rows if heads[row.lane] in locked]
