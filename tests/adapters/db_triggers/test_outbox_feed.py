"""The outbox feed against real databases: once, in order, and nothing lost whatever breaks."""

from __future__ import annotations

from tests.adapters.db_triggers.rig import (
    Journal,
    feeding,
    lay_out,
    run,
    settings_of,
    source_for,
    until,
    until_drained,
)
from tests.adapters.db_triggers.servers import Database


async def test_each_committed_change_arrives_once_in_order_and_leaves_the_outbox(database: Database) -> None:
    lay_out(database)
    database.script(
        "insert into stock values ('a', 1, null), ('b', 1, 'x');"
        "update stock set qty = 2 where no = 'a';"
        "begin; update stock set qty = 9 where no = 'b'; rollback;"
        "delete from stock where no = 'a';"
    )
    journal = Journal()
    async with feeding(source_for(settings_of(database)), journal):
        await until(lambda: len(journal.rows) == 4)
        await run(database, "update stock set qty = 3 where no = 'b';")
        await until(lambda: len(journal.rows) == 5)
        await until_drained(database)

    assert [row for row in journal.seen if row[1] == "a"] == [("I", "a", 1), ("U", "a", 2), ("D", "a", None)]
    assert [row for row in journal.seen if row[1] == "b"] == [("I", "b", 1), ("U", "b", 3)]
    assert journal.rows[0]["before"] is None
    assert journal.rows[-1]["before"] == {"no": "b", "qty": 1, "note": "x"}


async def test_what_the_journal_did_not_take_comes_again_and_holds_its_row_only(database: Database) -> None:
    lay_out(database)
    database.script("insert into stock values ('a', 1, null); update stock set qty = 2 where no = 'a';")
    journal = Journal(refuses=True)
    async with feeding(source_for(settings_of(database)), journal):
        await run(database, "insert into stock values ('b', 1, null);")
        await until(lambda: journal.given_up > 2)
        assert journal.rows == []
        journal.refuses = False
        await until(lambda: len(journal.rows) == 3)

    assert [row for row in journal.seen if row[1] == "a"] == [("I", "a", 1), ("U", "a", 2)]
