"""Claims and translation among very many rows: how many of them SQLite touches, counted, never timed."""

from __future__ import annotations

import apsw
import pytest

from gateway.journal.sqlite import claims, documents, messages, overdue
from gateway.journal.sqlite.cipher import cipher_for
from gateway.journal.sqlite.database import SQL, SQL_UNSEALED, Database
from gateway.journal.sqlite.opening import open_writer
from gateway.journal.types import Want
from tests.gateway.journal.builders import ERP, T0, after

DELIVERIES = 50_000
MESSAGES = 20_000  # that wait for their translation, and as many documents that wait for nothing
HEADS = 40  # of them can be claimed; the others wait behind, for their time, or are leased

MESSAGE = """
INSERT INTO message (sequence, message_id, route, state, sha256, sha256_head, size_bytes, origin,
    correlation_id, accepted_at, is_urgent, config_revision)
VALUES (1, 'm1', 'orders_in', 'planned', '', 0, 0, '["folder", 0, "", "", "", "", {}]', '', 0, 0, 1)
"""
DELIVERY = """
INSERT INTO delivery (number, delivery_id, message, generation, position, target, role, reference, lanes,
    order_keys, content_type, planned_at, deadline_at, is_urgent, state, wakes_at, waits_for, lease_until)
VALUES (?1, 'd' || ?1, 1, 1, ?1, ?2, 'live', 'R' || ?1, '[]', '[]', '', 0, 0, ?3, ?4, ?5, ?6, ?7)
"""
OPEN_MESSAGE = """
INSERT INTO message (sequence, message_id, route, state, sha256, sha256_head, size_bytes, origin,
    correlation_id, accepted_at, is_urgent, config_revision)
VALUES (?1, 'm' || ?1, ?2, 'accepted', '', 0, 0, '["folder", 0, "", "", "", "", {}]', '', 0, ?3, 1)
"""
DOCUMENT = """
INSERT INTO document (document_id, message, generation, document_index, set_type, units, verdict, findings,
    order_keys, is_urgent, decision, awaits, awaits_until, is_parked, passes_to)
VALUES (?1, ?1, 1, 0, '850', '[]', 'accepted', '[]', '[]', 0, '', ?2, ?3, 0, '[]')
"""


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A store that a snapshot filled faster than it is translated: 20,000 messages wait, two are urgent.

    Three documents wait for their orders, among 20,000 that wait for nothing.
    """
    path = tmp_path_factory.mktemp("behind") / "journal.db"
    db = open_writer(path, cipher_for(None), vfs=None, synchronous=False, dedupes=True)
    numbers = range(1, MESSAGES + 1)
    rows = ((number, "receipts" if number == 7 else "orders", number in (7, 9_000)) for number in numbers)
    waits = ('[["PO-1"], []]', 1 << 52)
    with db.connection:
        db.connection.executemany(OPEN_MESSAGE, rows)
        db.connection.executemany(
            DOCUMENT, ((number, *(waits if number % 7_000 == 0 else (None, None))) for number in numbers)
        )
    return db


def test_routes_to_translate_are_found_without_reading_what_waits_there(behind: Database) -> None:
    found: list[tuple[str, bool]] = []

    steps = steps_of(behind, lambda: found.extend(messages.routes_to_translate(behind)))

    assert found == [("orders", False), ("orders", True), ("receipts", True)]
    assert steps < 500  # one look at every message that waits would be a hundred times as many


def test_documents_that_wait_for_orders_are_found_without_reading_the_others(behind: Database) -> None:
    assert [row[0] for row in behind.rows("document.awaiting")] != []

    assert steps_of(behind, lambda: documents.awaiting(behind, T0, 100)) < 1_000


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A store with one message, 50,000 open deliveries of it, and few that can be claimed."""
    path = tmp_path_factory.mktemp("crowded") / "journal.db"
    db = open_writer(path, cipher_for(None), vfs=None, synchronous=False, dedupes=True)
    with db.connection:
        db.connection.execute(MESSAGE)
        db.connection.executemany(DELIVERY, (row_of(number) for number in range(1, DELIVERIES + 1)))
    return db


def row_of(number: int) -> tuple[object, ...]:
    """Spread deliveries over every reason not to be claimed; each 1,250th is a head that is due."""
    if number % (DELIVERIES // HEADS) == 0:
        return (number, ERP, number % 2 == 0, "ready", None, 0, None)
    if number % 5 == 0:
        return (number, ERP, False, "waiting", 1 << 52, 0, None)  # an outage, not yet over
    if number % 5 == 1:
        return (number, ERP, False, "parked", None, 0, None)
    if number % 5 == 2:
        return (number, ERP, False, "claimed", None, 0, 1e9)
    return (number, ERP, number % 7 == 0, "ready", None, 1, None)  # behind another


def steps_of(db: Database, work: object) -> int:
    """Count the steps of SQLite's machine while something is done."""
    counted = [0]

    def count() -> bool:
        counted[0] += 1
        return False

    db.connection.set_progress_handler(count, 10)
    try:
        work()  # type: ignore[operator]
    finally:
        db.connection.set_progress_handler(None)
    return counted[0] * 10


def test_a_claim_among_50_000_open_deliveries_touches_few_rows(crowded: Database) -> None:
    claimed: list[str] = []

    def claim() -> None:
        found = claims.claim(crowded, "w1", [Want(ERP, 8, 2), Want("other", 8)], 60.0, T0, 1_000.0)
        claimed.extend(delivery.claim.delivery_id for delivery in found)

    steps = steps_of(crowded, claim)

    assert len(claimed) == 10  # all heads here are urgent: eight, and the reserve of two
    assert claimed == [f"d{number * DELIVERIES // HEADS}" for number in range(1, 11)]
    assert steps < 5_000  # one look at every delivery would be ten times as many


def test_the_next_due_time_among_50_000_is_one_look_in_an_index(crowded: Database) -> None:
    assert steps_of(crowded, lambda: claims.next_due(crowded, [ERP, "other"])) < 500


def test_overdue_work_is_found_by_its_deadline(crowded: Database) -> None:
    assert steps_of(crowded, lambda: overdue.overdue(crowded, after(0), T0, 10)) < 5_000


@pytest.mark.parametrize(
    "name",
    [
        "delivery.claimable",
        "delivery.claimable_urgent",
        "delivery.wake",
        "delivery.wake_urgent",
        "delivery.next_due",
        "delivery.end_expired",
        "delivery.end_leases",
        "delivery.open_pass_through",
        "message.to_translate",
        "message.routes_to_translate",
        "message.same_bytes",
        "message.by_arrival_key",
        "lane.place",
        "overdue.deliveries",
        "overdue.documents",
        "retention.settled_with_content",
        "retention.forget_arrival_keys",
        "retention.forget_document_keys",
        "exception.delivery",
    ],
)
def test_what_runs_all_the_time_goes_by_an_index(crowded: Database, name: str) -> None:
    tables = ("delivery", "message", "document", "arrival_key", "document_key", "delivery_lane", "step")

    plan = [str(row[3]) for row in explained(crowded.connection, SQL[name])]

    whole = [
        line for line in plan for table in tables if line in (f"SCAN {table}", f"SCAN {table} LEFT-JOIN")
    ]
    assert plan
    assert not whole, "\n".join(plan)
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan


def explained(
    connection: apsw.Connection, statement: str, how: str = "EXPLAIN QUERY PLAN"
) -> list[tuple[object, ...]]:
    bindings = dict.fromkeys(range(1, 10), None)
    query = f"{how} {statement}"
    cursor = connection.cursor()
    count = (
        statement.count("?") if "?1" not in statement else max(n for n in bindings if f"?{n}" in statement)
    )
    return cursor.execute(query, (None,) * count).fetchall()


@pytest.mark.parametrize(
    "name",
    [
        *("delivery.insert", "delivery.lease", "delivery.attempting", "delivery.step_done"),
        *("delivery.settle", "delivery.finish_unsent", "lane.block", "lane.unblock"),
        *("delivery.claimable", "delivery.any_expired", "delivery.next_due", "delivery.contents"),
        *("delivery.leased", "lane.place", "message.insert", "message.begin", "message.with_piece"),
        *("message.for_plan", "message.planned", "plan.stands_on", "document.insert", "step.end"),
    ],
)
def test_no_step_of_a_message_s_way_makes_a_temporary_table(crowded: Database, name: str) -> None:
    """Each costs as much as ten rows; partial indexes made four of them for every change of a state."""
    program = explained(crowded.connection, SQL[name], "EXPLAIN")

    assert "OpenEphemeral" not in [opcode for _, opcode, *_ in program]


def test_statements_of_a_file_without_a_key_call_no_function_of_ours(crowded: Database) -> None:
    called = [name for name, text in SQL_UNSEALED.items() if "sealed(" in text or "opened(" in text]

    assert called == []
    assert SQL_UNSEALED.keys() == SQL.keys()
