"""Group commit of the SQLite journal: who shares a transaction, who fails alone, who has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
import pytest_asyncio

from gateway.journal.base import JournalBusyError, JournalError, StaleClaimError
from gateway.journal.sqlite import SqliteJournal, audit_log
from gateway.journal.sqlite.database import Database
from gateway.journal.types import Claim, DeliveryState, Settled
from tests.gateway.journal.builders import T0, Scene, arrival, pieces, request
from tests.gateway.journal.conftest import SetClock


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = await SqliteJournal.open(tmp_path / "journal.db", clock=SetClock())
    yield journal
    await journal.close()


def count_commits(journal: SqliteJournal) -> list[int]:
    """Count the commits of a journal from here on."""
    commits: list[int] = []

    def note() -> bool:
        commits.append(1)
        return False  # let it commit

    journal._database.connection.set_commit_hook(note)
    return commits


async def test_senders_of_one_turn_of_the_loop_share_one_commit(store: SqliteJournal) -> None:
    commits = count_commits(store)

    await asyncio.gather(*(store.accept(arrival(f"m{n}"), b"x") for n in range(100)))

    assert len(commits) == 1
    assert len(await store.messages(limit=1_000)) == 100


async def test_what_arrives_during_a_commit_is_the_next_one(store: SqliteJournal) -> None:
    commits = count_commits(store)

    async def sender(number: int) -> None:
        for turn in range(10):
            await store.accept(arrival(f"m{number}-{turn}"), b"x")

    await asyncio.gather(*(sender(number) for number in range(20)))

    assert 10 <= len(commits) <= 40  # 200 acceptances; one after the other would be 200


async def test_what_comes_while_a_batch_runs_shares_its_commit(store: SqliteJournal) -> None:
    loop, running, released = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    commits = count_commits(store)

    def run(_: Database) -> None:
        loop.call_soon_threadsafe(running.set)
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result()

    first = asyncio.create_task(store._write(run))
    await running.wait()
    others = [asyncio.create_task(store.accept(arrival(f"m{n}"), b"x")) for n in range(3)]
    await asyncio.sleep(0.01)  # they are in the queue
    released.set()
    await asyncio.gather(first, *others)

    assert len(commits) == 1


async def test_a_look_shows_what_was_acknowledged_before_it_was_asked_for(store: SqliteJournal) -> None:
    loop, looking, released = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def look(db: Database) -> None:
        db.value("message.last")  # the look at the file begins here
        loop.call_soon_threadsafe(looking.set)
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result()

    slow = asyncio.create_task(store._read(look))
    await looking.wait()
    await store.accept(arrival("m1"), b"x")
    asked = asyncio.create_task(store.messages())
    await asyncio.sleep(0.01)  # it is in the queue
    released.set()

    assert [message.message_id for message in await asked] == ["m1"]
    await slow


async def test_a_lone_sender_gets_a_commit_at_once_for_each_message(store: SqliteJournal) -> None:
    commits = count_commits(store)

    for number in range(5):
        await store.accept(arrival(f"m{number}"), b"x")

    assert len(commits) == 5


async def test_one_call_s_error_costs_no_neighbour_anything(store: SqliteJournal) -> None:
    await store.accept(arrival("taken"), b"x")
    stale = Claim("no-such-delivery", "w", 1, 0.0)

    outcomes = await asyncio.gather(
        store.accept(arrival("m1"), b"one"),
        store.accept(arrival("taken"), b"written before it fails: the id is in use"),
        store.attempt_started(stale, request(), T0),
        store.append_audit("ops", "test", "", {}, "", T0),
        store.accept(arrival("m2"), b"two"),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], ValueError)
    assert isinstance(outcomes[2], StaleClaimError)
    assert {message.message_id for message in await store.messages()} == {"taken", "m1", "m2"}
    assert [piece async for piece in store.body("m2")] == [b"two"]
    assert len(await store.audit()) == 1
    assert await store.verify_audit() is None
    assert await bodies(store) == 3
    assert await store.is_healthy()


async def bodies(journal: SqliteJournal) -> int:
    def count(db: Database) -> int:
        return int(db.connection.execute("SELECT count(*) FROM body_piece").get)

    return await journal._read(count)


async def test_an_audit_entry_that_was_rolled_back_is_not_anchored(
    store: SqliteJournal, tmp_path: Path
) -> None:
    def audit_and_fail(db: Database) -> None:
        audit_log.append(db, T0, "ops", "test", "", {}, "")
        raise ValueError("after writing")

    outcomes = await asyncio.gather(
        store.append_audit("ops", "first", "", {}, "", T0),
        store._write(audit_and_fail),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], ValueError)
    assert [entry.action for entry in await store.audit()] == ["first"]
    assert len((tmp_path / "journal.db.audit-head").read_text().splitlines()) == 1
    assert await store.verify_audit() is None


async def test_a_full_queue_makes_senders_wait_and_refuses_them_after_a_while(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(
        tmp_path / "journal.db", clock=SetClock(), queue_max=4, queue_wait_s=0.05
    )
    blocked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def block(_: Database) -> None:
        loop.call_soon_threadsafe(blocked.set)
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result()

    released = asyncio.Event()
    slow = asyncio.create_task(journal._write(block))
    await blocked.wait()
    queued = [asyncio.create_task(journal.accept(arrival(f"m{n}"), b"x")) for n in range(3)]
    await asyncio.sleep(0)

    with pytest.raises(JournalBusyError, match="nothing was written"):
        await journal.accept(arrival("too-many"), b"x")
    waits = asyncio.create_task(journal.accept(arrival("patient"), b"x"))
    await asyncio.sleep(0)
    released.set()

    await asyncio.gather(slow, *queued, waits)
    assert {message.message_id for message in await journal.messages()} == {"m0", "m1", "m2", "patient"}
    await journal.close()


async def test_lists_are_given_while_a_write_is_under_way(store: SqliteJournal) -> None:
    await store.accept(arrival("m1"), b"x")
    loop, blocked, released = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def block(_: Database) -> None:
        loop.call_soon_threadsafe(blocked.set)
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result()

    writing = asyncio.create_task(store._write(block))
    await blocked.wait()

    assert [message.message_id for message in await store.messages()] == ["m1"]
    assert not writing.done()
    released.set()
    await writing


async def test_a_sender_that_is_cancelled_leaves_no_half_of_a_stream(store: SqliteJournal) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(256 * 1024)

    sending = asyncio.create_task(store.accept(arrival("m1"), endless()))
    while await bodies(store) < 3:
        await asyncio.sleep(0.001)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    assert await bodies_after(store, 0)
    assert await store.messages() == []


async def bodies_after(journal: SqliteJournal, wanted: int) -> bool:
    for _ in range(100):
        if await bodies(journal) == wanted:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_staged_pieces_of_a_dead_process_go_with_recovery(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db", clock=SetClock())
    await journal.accept(arrival("m1"), pieces(bytes(300 * 1024), b"end"))
    await journal.accept(arrival("m2"), b"short")
    with apsw.Connection(str(tmp_path / "journal.db")) as dead:
        dead.execute("INSERT INTO staged_body VALUES (77)")
        dead.execute("INSERT INTO body_piece VALUES (77 * 65536, x'00'), (77 * 65536 + 1, x'00')")

    await journal.recover(T0)

    assert await bodies(journal) == 3
    assert b"".join([piece async for piece in journal.body("m1")]) == bytes(300 * 1024) + b"end"
    await journal.close()


async def test_a_closed_journal_finishes_what_was_queued_and_takes_no_more(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db", clock=SetClock())
    sending = [asyncio.create_task(journal.accept(arrival(f"m{n}"), b"x")) for n in range(50)]
    await asyncio.sleep(0)

    await journal.close()

    assert len(await asyncio.gather(*sending)) == 50
    with pytest.raises(JournalError, match="closed"):
        await journal.accept(arrival("late"), b"x")


async def test_without_dedupe_keys_are_not_recognised(tmp_path: Path) -> None:
    """The switch of later negative controls does switch it off."""
    journal = await SqliteJournal.open(tmp_path / "journal.db", clock=SetClock(), unsafe_no_dedupe=True)

    first = await journal.accept(arrival("m1", key="K"), b"same")
    second = await journal.accept(arrival("m2", key="K"), b"same")

    assert (first.message_id, second.message_id) == ("m1", "m2")
    await journal.close()


async def test_settling_twice_in_one_batch_settles_once(store: SqliteJournal) -> None:
    scene = Scene(store)
    await scene.order("m1")
    claim = (await scene.claim_only()).claim
    done = Settled(DeliveryState.DONE, reference="ERP-1")

    outcomes = await asyncio.gather(
        store.settle(claim, done, T0), store.settle(claim, done, T0), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), StaleClaimError]
