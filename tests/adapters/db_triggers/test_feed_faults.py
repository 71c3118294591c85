"""What breaks around a feed: it says so once, goes on by itself, and loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from adapters.db_triggers import source as source_module
from adapters.db_triggers.outbox import DEFAULT_NAME
from gateway.system import SystemClock
from tests.adapters.db_triggers.rig import (
    OUTBOX,
    Journal,
    engine_for,
    feeding,
    lay_out,
    left,
    run,
    settings_of,
    source_for,
    until,
    until_drained,
)
from tests.adapters.db_triggers.servers import PASSWORD, Database

LIMITED, LIMITED_PASSWORD = "feeder", "made-up-too"


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


def codes(journal: Journal) -> list[str]:
    return [finding.code for finding in journal.findings]


def filled(database: Database, rows: int, first: int = 0) -> str:
    return "".join(f"insert into stock values ('k{n}', {n}, null);" for n in range(first, first + rows))


def numbers(journal: Journal) -> list[int]:
    return [quantity for _, _, quantity in journal.seen]


async def test_a_database_killed_in_the_middle_of_a_batch_gives_the_batch_again(
    server: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "OUTAGE_TOLD_S", 0.2)
    assert server.server is not None
    lay_out(server)
    server.script(filled(server, 20))
    journal, held = Journal(), asyncio.Event()
    journal.waits_for, journal.waits_after = held, 7
    async with feeding(source_for(settings_of(server)), journal):
        await until(lambda: len(journal.rows) == 7)
        await asyncio.to_thread(server.server.kill)
        held.set()
        await until(lambda: codes(journal) == ["DB-OUTAGE"])
        server.server.start()  # not in a thread: it dies with the one that started it
        await until_drained(server)

    assert sorted(numbers(journal)) == list(range(20))
    assert journal.repeats == 20  # the whole batch, under the names of before
    assert codes(journal) == ["DB-OUTAGE"]
    assert "It is tried again by itself" in journal.findings[0].text


async def test_a_dropped_connection_costs_nothing_but_a_repeat(server: Database) -> None:
    lay_out(server)
    server.script(filled(server, 5))
    journal, held = Journal(), asyncio.Event()
    journal.waits_for, journal.waits_after = held, 3
    async with feeding(source_for(settings_of(server)), journal):
        await until(lambda: len(journal.rows) == 3)
        await end_sessions(server)
        held.set()
        await until_drained(server)

    assert sorted(numbers(journal)) == list(range(5))
    assert journal.repeats == 5
    assert codes(journal) == []  # too short to wake a person


async def end_sessions(database: Database) -> None:
    """Cut every connection but our own, as a DBA does."""
    if database.kind == "postgresql":
        await run(
            database,
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'legacy-bridge';",
        )
        return
    found = await run(
        database,
        f"select id from information_schema.processlist where db = '{database.name}' and info is null;",
    )
    await run(database, "".join(f"kill {number};" for number in found.split()))


async def test_the_victim_of_a_deadlock_tries_again_and_the_rows_are_all_there(
    mariadb: Database, caplog: pytest.LogCaptureFixture
) -> None:
    lay_out(mariadb)
    mariadb.script("create table busy (n integer);")
    mariadb.script("insert into stock values ('a', 1, null); update stock set qty = 2 where no = 'a';")
    journal, held = Journal(), asyncio.Event()
    journal.waits_for, journal.waits_after = held, 1
    engine = engine_for(mariadb)
    async with engine.connect() as other, feeding(source_for(settings_of(mariadb)), journal):
        await until(lambda: len(journal.rows) == 1)
        for n in range(50):  # the one with less to undo is the victim
            await other.execute(text("insert into busy values (:n)"), {"n": n})
        locks = text(f"select id from {DEFAULT_NAME} where id = :id for update")
        await other.execute(locks, {"id": 2})  # a follower: the feed holds the lane by its first row
        waiting = asyncio.create_task(other.execute(locks, {"id": 1}))
        await asyncio.sleep(0.1)
        held.set()
        await waiting
        await other.rollback()
        await until_drained(mariadb)
    await engine.dispose()

    assert journal.seen == [("I", "a", 1), ("U", "a", 2)]
    assert "code=DB-LOCKED" in caplog.text
    assert "Deadlock found when trying to get lock; try restarting transaction (1213)" in caplog.text
    assert codes(journal) == []


async def test_a_long_running_writer_holds_up_its_own_rows_only(server: Database) -> None:
    lay_out(server)
    engine = engine_for(server)
    journal = Journal()
    async with engine.connect() as slow, feeding(source_for(settings_of(server)), journal):
        await slow.execute(text("insert into stock values ('slow', 1, null)"))
        await run(server, "insert into stock values ('quick', 2, null);")
        await until(lambda: len(journal.rows) == 1)
        assert journal.seen == [("I", "quick", 2)]
        await slow.commit()
        await until(lambda: len(journal.rows) == 2)
    await engine.dispose()

    assert journal.seen[1] == ("I", "slow", 1)


async def test_two_feeds_of_one_postgresql_outbox_share_it_and_keep_each_rows_order(
    postgresql: Database,
) -> None:
    lay_out(postgresql)
    changes = "".join(f"update stock set qty = {n} where no = 'k{n % 7}';" for n in range(7, 400))
    postgresql.script(filled(postgresql, 7) + changes)
    settings = settings_of(postgresql, batch=20)
    first = Journal()
    async with feeding(source_for(settings), first), feeding(source_for(settings), first):
        await until_drained(postgresql)

    assert first.repeats == 0
    for key in range(7):
        own = [quantity for _, name, quantity in first.seen if name == f"k{key}"]
        assert own == list(range(key, 400, 7))


@pytest.mark.parametrize("kind", ["mariadb", "sqlite"])
async def test_where_an_outbox_cannot_be_shared_the_second_feed_waits_and_takes_over(
    kind: str, request: pytest.FixtureRequest
) -> None:
    database: Database = request.getfixturevalue(kind)
    lay_out(database)
    first, second = Journal(), Journal()
    async with contextlib.AsyncExitStack() as stack:
        task = await stack.enter_async_context(feeding(source_for(settings_of(database)), first))
        await run(database, filled(database, 1))
        await until(lambda: len(first.rows) == 1)
        await stack.enter_async_context(feeding(source_for(settings_of(database)), second))
        await until(lambda: codes(second) == ["DB-SECOND"])
        await run(database, filled(database, 2, first=1))
        await until(lambda: len(first.rows) == 3)
        assert second.rows == []
        await until_drained(database)  # what the first has taken and not let go of would come again
        task.cancel()
        await run(database, filled(database, 1, first=3))
        await until(lambda: len(second.rows) == 1)

    assert numbers(first) + numbers(second) == [0, 1, 2, 3]


async def test_an_outbox_that_is_missing_is_told_once_and_taken_up_when_it_is_made(
    database: Database,
) -> None:
    journal = Journal()
    async with feeding(source_for(settings_of(database)), journal):
        await until(lambda: codes(journal) == ["DB-MISSING"])
        await asyncio.sleep(0.5)
        await run(database, OUTBOX[database.kind].replace("{outbox}", DEFAULT_NAME))
        await run(
            database,
            f"insert into {DEFAULT_NAME} (source_table, operation, row_key, lane, after_image)"
            " values ('stock', 'I', '[\"a\"]', 'stock:[\"a\"]', '{\"no\": \"a\", \"qty\": 1}');",
        )
        await until(lambda: len(journal.rows) == 1)

    assert codes(journal) == ["DB-MISSING"]
    assert "order a snapshot" in journal.findings[0].text


GRANTS = {
    "postgresql": (
        f"create role {LIMITED} login password '{LIMITED_PASSWORD}';"
        f"grant usage on schema public to {LIMITED};",
        f"grant select, update, delete on {DEFAULT_NAME} to {LIMITED};",
        f"revoke delete on {DEFAULT_NAME} from {LIMITED};",
        f"revoke all on {DEFAULT_NAME} from {LIMITED}; revoke all on schema public from {LIMITED};"
        f" drop role {LIMITED};",
    ),
    "mariadb": (
        f"create user {LIMITED}@'%' identified by '{LIMITED_PASSWORD}';",
        f"grant select, update, delete on {DEFAULT_NAME} to {LIMITED}@'%';",
        f"revoke delete on {DEFAULT_NAME} from {LIMITED}@'%';",
        f"drop user {LIMITED}@'%';",
    ),
}


async def test_a_withdrawn_privilege_is_told_once_and_its_rows_wait_for_it(server: Database) -> None:
    create, grant, revoke, drop = GRANTS[server.kind]
    lay_out(server)
    server.script(create + grant)
    journal = Journal()
    source = source_for(settings_of(server, user=LIMITED), password=LIMITED_PASSWORD)
    async with feeding(source, journal):
        await run(server, filled(server, 1))
        await until_drained(server)
        await run(server, revoke)
        await run(server, filled(server, 2, first=1))
        await until(lambda: codes(journal) == ["DB-DENIED"])
        await asyncio.sleep(0.5)
        assert await left(server) == 2
        await run(server, grant)
        await until_drained(server)
    server.script(drop)

    assert numbers(journal) == [0, 1, 2]
    assert codes(journal) == ["DB-DENIED"]


async def test_a_refused_log_in_is_told_at_once(server: Database) -> None:
    lay_out(server)
    journal = Journal()
    async with feeding(source_for(settings_of(server), password="wrong"), journal):
        await until(lambda: codes(journal) == ["DB-CREDENTIAL"])

    assert "wrong" not in journal.findings[0].text


async def test_a_refused_log_in_is_not_tried_again_until_the_password_is_another_one(
    server: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(source_module, "DENIED_LOOK_S", 0.05)
    lay_out(server)
    server.script(filled(server, 1))
    password = ["wrong"]
    journal = Journal()
    async with feeding(source_for(settings_of(server), secret=lambda reference: password[0]), journal):
        await until(lambda: codes(journal) == ["DB-CREDENTIAL"])
        await asyncio.sleep(1.0)  # the other pauses begin at a quarter of a second
        assert caplog.text.count("feed.failed") == 1
        password[0] = PASSWORD
        await until(lambda: numbers(journal) == [0])

    assert codes(journal) == ["DB-CREDENTIAL"]


async def test_ids_that_begin_anew_after_a_truncated_outbox_name_no_old_message(postgresql: Database) -> None:
    lay_out(postgresql)
    journal = Journal()
    async with feeding(source_for(settings_of(postgresql)), journal):
        await run(postgresql, filled(postgresql, 2))
        await until_drained(postgresql)
        await run(postgresql, f"truncate {DEFAULT_NAME} restart identity;")
        await run(postgresql, "update stock set qty = 50; update stock set qty = 60;")
        await until(lambda: len(journal.rows) == 6)

    assert sorted(numbers(journal)[2:]) == [50, 50, 60, 60]
    assert journal.repeats == 0


async def test_a_full_database_refuses_the_users_change_whole_and_the_feed_makes_room(
    sqlite: Database,
) -> None:
    lay_out(sqlite)
    connection = sqlite3.connect(sqlite.name, isolation_level=None, check_same_thread=False)
    pages = connection.execute("pragma page_count").fetchone()[0]
    connection.execute(f"pragma max_page_count = {pages + 8}")
    count = 0

    def fill() -> None:
        nonlocal count
        while True:
            connection.execute("insert into stock values (?, 1, ?)", (f"k{count}", "x" * 40))
            count += 1

    with pytest.raises(sqlite3.OperationalError, match="full"):
        fill()
    assert int(sqlite.script("select count(*) from stock;")) == await left(sqlite) == count

    journal = Journal()
    async with feeding(source_for(settings_of(sqlite)), journal):
        await until_drained(sqlite)
        await asyncio.to_thread(connection.execute, "insert into stock values ('again', 1, null)")
        await until(lambda: len(journal.rows) == count + 1)
    connection.close()


class JumpingClock(SystemClock):
    """A wall clock that somebody sets: back a day, forward a year, at every look."""

    looks = 0

    def now(self) -> datetime:
        self.looks += 1
        return datetime.now(UTC) + timedelta(days=365 if self.looks % 2 else -1)


async def test_a_clock_that_jumps_moves_nothing(database: Database) -> None:
    lay_out(database)
    journal = Journal()
    async with feeding(source_for(settings_of(database), clock=JumpingClock()), journal):
        for n in range(5):
            await run(database, filled(database, 1, first=n))
        await until_drained(database)

    assert numbers(journal) == [0, 1, 2, 3, 4]


async def test_notify_wakes_the_feed_and_the_poll_goes_on_where_nobody_listens(postgresql: Database) -> None:
    lay_out(postgresql)
    postgresql.script(
        "create function wakes() returns trigger language plpgsql as $$ begin "
        f"perform pg_notify('{DEFAULT_NAME}', ''); return null; end $$; "
        f"create trigger wakes after insert on {DEFAULT_NAME} for each statement execute function wakes();"
    )
    journal = Journal()
    slow: dict[str, Any] = {"poll": "30s", "poll_max": "30s", "feed": {"kind": "outbox", "notify": True}}
    async with feeding(source_for(settings_of(postgresql, **slow)), journal):
        await run(postgresql, filled(postgresql, 1))
        await until(lambda: len(journal.rows) == 1)
        await run(postgresql, filled(postgresql, 1, first=1))
        await until(lambda: len(journal.rows) == 2)  # by NOTIFY: the poll would take half a minute
        await end_sessions(postgresql)
        await run(postgresql, filled(postgresql, 1, first=2))
        await until(lambda: len(journal.rows) == 3)  # a broken connection wakes it, too
    polled = Journal()
    quick: dict[str, Any] = {"feed": {"kind": "outbox", "notify": True}, "poll": "50ms", "poll_max": "50ms"}
    postgresql.script(f"drop trigger wakes on {DEFAULT_NAME};")  # as if each notification were lost
    async with feeding(source_for(settings_of(postgresql, **quick)), polled):
        await run(postgresql, filled(postgresql, 1, first=3))
        await until(lambda: len(polled.rows) == 1)
