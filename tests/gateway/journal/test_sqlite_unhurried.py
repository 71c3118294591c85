"""Unhurried calls of the SQLite journal: they let live ones go first and are kept as durably."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.journal.hurry import unhurried
from gateway.journal.sqlite import SqliteJournal, batches
from gateway.journal.sqlite.batches import LATE_MAX_S
from gateway.journal.sqlite.database import Database
from tests.gateway.journal.builders import arrival
from tests.gateway.journal.conftest import SetClock
from tests.gateway.journal.test_sqlite_commit import count_commits

OFTEN_S = 0.001  # between two live calls
LONG_S = 0.5  # for a busy machine, on which two live calls in a row may be milliseconds apart


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = await SqliteJournal.open(tmp_path / "journal.db", clock=SetClock())
    yield journal
    await journal.close()


class Order:
    """What ran on the journal's thread, in its order; a call may be held while it runs."""

    def __init__(self, journal: SqliteJournal) -> None:
        self.ran: list[str] = []
        self._journal = journal

    async def write(self, name: str) -> None:
        await self._journal._write(partial(self._note, name))

    async def held(self, name: str, began: asyncio.Event, released: threading.Event) -> None:
        def run(db: Database) -> None:
            self._note(name, db)
            loop.call_soon_threadsafe(began.set)
            released.wait(10.0)

        loop = asyncio.get_running_loop()
        await self._journal._write(run)

    def _note(self, name: str, db: Database) -> None:
        self.ran.append(name)


async def live(journal: SqliteJournal, until: Callable[[], bool]) -> int:
    """Keep asking for live things, one after the other; give how many."""
    count = 0
    while not until():
        await journal.knows_arrival("po", "none")
        count += 1
        await asyncio.sleep(OFTEN_S)
    return count


async def test_an_unhurried_write_runs_at_once_where_nothing_is_live(store: SqliteJournal) -> None:
    began = time.monotonic()
    await unhurried(store.accept(arrival("m1"), b"x"))

    assert time.monotonic() - began < LATE_MAX_S
    assert [message.message_id for message in await store.messages()] == ["m1"]


async def test_an_unhurried_write_waits_while_live_calls_keep_coming_but_not_for_ever(
    store: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "QUIET_S", LONG_S)
    await store.knows_arrival("po", "none")
    began = time.monotonic()
    late = asyncio.create_task(unhurried(store.accept(arrival("m1"), b"x")))
    count = await live(store, late.done)
    took_s = time.monotonic() - began

    assert took_s >= LATE_MAX_S, f"after {count} live calls"
    assert took_s < 5 * LATE_MAX_S
    assert len(await store.messages()) == 1


async def test_a_late_unhurried_write_rides_in_the_commit_of_a_live_one(
    store: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "QUIET_S", LONG_S)
    await store.knows_arrival("po", "none")
    late = asyncio.create_task(unhurried(store.accept(arrival("late"), b"x")))
    commits = count_commits(store)
    accepted = 0
    while not late.done():
        await store.accept(arrival(f"m{accepted}"), b"x")
        accepted += 1

    assert len(commits) <= accepted  # a commit of its own would make one more


async def test_what_is_live_goes_into_the_commit_that_is_under_way_and_ends_it(store: SqliteJournal) -> None:
    order, began, released = Order(store), asyncio.Event(), threading.Event()
    held = asyncio.create_task(unhurried(order.held("held", began, released)))
    await began.wait()
    others = [asyncio.create_task(unhurried(order.write(f"later {n}"))) for n in range(3)]
    await asyncio.sleep(0)
    mine = asyncio.create_task(order.write("live"))
    await asyncio.sleep(0.01)
    released.set()
    await asyncio.gather(held, mine, *others)

    assert order.ran == ["held", "live", "later 0", "later 1", "later 2"]


async def test_among_hurried_calls_the_first_to_ask_goes_first(store: SqliteJournal) -> None:
    # The negative control of the test above: without ``unhurried`` what is live stands behind.
    order, began, released = Order(store), asyncio.Event(), threading.Event()
    held = asyncio.create_task(order.held("held", began, released))
    await began.wait()
    others = [asyncio.create_task(order.write(f"later {n}")) for n in range(3)]
    await asyncio.sleep(0)
    mine = asyncio.create_task(order.write("live"))
    await asyncio.sleep(0.01)
    released.set()
    await asyncio.gather(held, mine, *others)

    assert order.ran == ["held", "later 0", "later 1", "later 2", "live"]


async def test_unhurried_writes_share_a_commit(store: SqliteJournal) -> None:
    commits = count_commits(store)
    await asyncio.gather(*(unhurried(store.accept(arrival(f"m{n}"), b"x")) for n in range(10)))

    assert len(commits) <= 2
    assert len(await store.messages()) == 10


async def test_an_unhurried_look_sees_what_was_written_before_it(store: SqliteJournal) -> None:
    for number in range(20):
        await store.accept(arrival(f"m{number}"), b"x")
        seen = await unhurried(store.messages(limit=100))
        assert len(seen) == number + 1


async def test_results_of_unhurried_calls_take_a_turn_of_the_event_loop_each(store: SqliteJournal) -> None:
    turn, seen = 0, []

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async def ask(number: int) -> None:
        await unhurried(store.accept(arrival(f"m{number}"), b"x"))
        seen.append(turn)

    counting = asyncio.create_task(count_turns())
    await asyncio.gather(*(ask(number) for number in range(8)))
    counting.cancel()

    assert len(set(seen)) == 8, seen


async def test_one_unhurried_call_s_error_costs_no_neighbour_anything(store: SqliteJournal) -> None:
    await store.accept(arrival("taken"), b"x")
    asked = [unhurried(store.accept(arrival(name), b"y")) for name in ("m1", "taken", "m2")]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert [isinstance(each, ValueError) for each in outcomes] == [False, True, False]
    assert {message.message_id for message in await store.messages()} == {"taken", "m1", "m2"}


async def test_a_closed_journal_finishes_unhurried_calls_and_tells_of_them(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db", clock=SetClock())
    asked = [asyncio.create_task(unhurried(journal.accept(arrival(f"m{n}"), b"x"))) for n in range(20)]
    await asyncio.sleep(0)
    await journal.close()
    await asyncio.gather(*asked)

    looked = await SqliteJournal.open_readonly(tmp_path / "journal.db", clock=SetClock())
    assert len(await looked.messages(limit=100)) == 20
    await looked.close()
