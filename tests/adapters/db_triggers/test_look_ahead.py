"""The next batch is taken while the journal writes the one before, and costs no promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.base import Inbound
from tests.adapters.db_triggers.rig import (
    Journal,
    feeding,
    lay_out,
    left,
    run,
    settings_of,
    source_for,
    until,
    until_drained,
)
from tests.adapters.db_triggers.servers import Database

FREE = "select count(*) from (select 1 from legacy_bridge_outbox for update skip locked) free;"


async def test_the_next_batch_is_held_while_the_journal_writes_the_one_before(postgresql: Database) -> None:
    lay_out(postgresql)
    postgresql.script("".join(f"insert into stock values ('{key}', 1, null);" for key in "abcdef"))
    journal = Journal(waits_after=0)
    async with feeding(source_for(settings_of(postgresql, batch=2)), journal):

        async def is_held() -> bool:
            return int(await run(postgresql, FREE)) == 2  # of six: two are written, two are taken ahead

        await until(is_held)
        assert await left(postgresql) == 6  # nothing is let go of before the journal has it
        journal.waits_for.set()
        await until_drained(postgresql)

    assert [key for _, key, _ in journal.seen] == list("abcdef")
    assert journal.repeats == 0


@dataclass
class Forgetful(Journal):
    """Gives up on the first message, as a busy journal does, and takes all others."""

    async def take(self, batch: Sequence[Inbound]) -> None:
        if not self.given_up:
            self.given_up, batch = 1, batch[1:]
        await super().take(batch)


async def test_a_row_that_was_given_up_is_not_told_of_by_the_batch_taken_ahead(postgresql: Database) -> None:
    lay_out(postgresql)
    postgresql.script(
        "insert into stock values ('a', 1, null), ('b', 1, null);"
        "update stock set qty = 2 where no = 'a'; update stock set qty = 2 where no = 'b';"
    )
    journal = Forgetful()
    async with feeding(source_for(settings_of(postgresql, batch=2)), journal):
        await until_drained(postgresql)

    assert journal.given_up == 1
    assert [row for row in journal.seen if row[1] == "a"] == [("I", "a", 1), ("U", "a", 2)]
    assert [row for row in journal.seen if row[1] == "b"] == [("I", "b", 1), ("U", "b", 2)]


async def test_what_cannot_be_taken_ahead_keeps_nothing_that_was_taken_before(postgresql: Database) -> None:
    lay_out(postgresql)
    postgresql.script(
        "insert into stock values ('a', 1, null), ('b', 1, null), ('c', 1, null);"
        "update legacy_bridge_outbox set schema_fingerprint = 'another shape' where row_key = '[\"c\"]';"
    )
    journal = Journal()
    async with feeding(source_for(settings_of(postgresql, batch=2)), journal):
        await until(lambda: len(journal.findings) == 1)  # told by the turn that begins with it
        assert await left(postgresql) == 1

    assert [key for _, key, _ in journal.seen] == ["a", "b"]
    assert journal.repeats == 0
