"""How SQLite carries out each named statement: nothing that runs by itself goes through a table that grows.

A plan says SCAN where it goes through a whole table or index. A partial index holds what is open, so going
through one is no harm; an index of which only ``route`` is known holds all that a route ever had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import apsw
import pytest

from gateway.journal.sqlite.cipher import cipher_for
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.named_sql import load_migrations, load_statements
from gateway.journal.sqlite.opening import keep_plans

SMALL = {
    "control_number": "one a partner",
    "planned_stage": "one a route",
    "stage": "one a route",
    "staged_body": "those being received at this moment",
}
BY_ROWID = "backwards by number, and LIMIT ends it"
PERSON = "a person asks, for all of it"
ALLOWED = {
    "audit.last": BY_ROWID,
    "audit.newest": BY_ROWID,
    "order.newest": f"{BY_ROWID}; whoever asks for a side or a route is a person",
    "comparison.newest": f"backwards by time, and LIMIT ends it; {PERSON}",
    "document.oldest": "what checks a whole journal in tests",
    "view.oldest": PERSON,
    "move.listed": PERSON,
}

STATEMENTS = load_statements()


@pytest.fixture(scope="module")
def connection() -> Iterator[apsw.Connection]:
    made = apsw.Connection(":memory:")
    keep_plans(made)
    Database(made, cipher_for(None))  # which brings the functions that statements call
    for _, script in load_migrations():
        made.execute(script)
    yield made
    made.close()


def plan(connection: apsw.Connection, statement: str) -> list[str]:
    """Give the steps in which SQLite carries out a statement."""
    places = {int(each or 0) for each in re.findall(r"\?(\d*)", statement)}
    count = max(max(places, default=0), len(re.findall(r"\?(?!\d)", statement)))
    explained = connection.execute(f"EXPLAIN QUERY PLAN {statement}", (None,) * count)
    return [str(detail) for *_, detail in explained]


def scans(connection: apsw.Connection, statement: str) -> list[str]:
    """Give the steps that go through all of a table that grows."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    partial = {
        name
        for name, text in connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index'")
        if text is not None and " WHERE " in text
    }
    found = []
    for step in plan(connection, statement):
        scanned = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        is_whole = scanned is not None and scanned[1] in tables - SMALL.keys() and scanned[2] not in partial
        if is_whole or re.search(r" INDEX \w+_of_route \(route=\?\)$", step):
            found.append(step)
    return found


def test_no_statement_goes_through_a_table_that_grows(connection: apsw.Connection) -> None:
    found = {name: scans(connection, text) for name, text in STATEMENTS.items() if name not in ALLOWED}

    assert {name: steps for name, steps in found.items() if steps} == {}


def test_what_is_allowed_to_is_still_there_and_still_does(connection: apsw.Connection) -> None:
    assert [name for name in ALLOWED if not scans(connection, STATEMENTS[name])] == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT order_key FROM order_document WHERE document_id = ?",
        "SELECT number FROM comparison WHERE (?1 IS NULL OR order_key = ?1) ORDER BY accepted_at LIMIT ?2",
        "SELECT 1 FROM message JOIN document ON document.message = message.sequence "
        "WHERE document.document_id > ? AND route IN (SELECT value FROM json_each(?))",
        "UPDATE delivery SET resolution = ? WHERE target_reference = ?",
    ],
)
def test_a_statement_that_goes_through_everything_is_seen(
    connection: apsw.Connection, statement: str
) -> None:
    assert scans(connection, statement) != []
