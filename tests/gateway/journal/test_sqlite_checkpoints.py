"""The log is moved into the file beside the writer; what goes wrong there ends the store all the same."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import apsw
import pytest

from gateway.journal.base import JournalError
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.checkpoints import Checkpointer
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.opening import open_beside
from tests.gateway.journal.builders import arrival
from tests.gateway.journal.conftest import SetClock

BODY = bytes(6_000)
SENDERS = 32


async def send(journal: SqliteJournal, first: int, count: int) -> list[str]:
    """Accept messages from many senders at once; give the ids of those that were acknowledged."""
    told: list[str] = []

    async def sender(number: int) -> None:
        for turn in range(number, first + count, SENDERS):
            await journal.accept(arrival(f"m{turn}"), BODY)
            told.append(f"m{turn}")

    await asyncio.gather(*(sender(first + number) for number in range(SENDERS)), return_exceptions=True)
    return told


async def open_store(path: Path) -> SqliteJournal:
    return await SqliteJournal.open(path, clock=SetClock())


async def test_the_log_begins_anew_while_senders_go_on(tmp_path: Path) -> None:
    journal = await open_store(tmp_path / "journal.db")

    told = await send(journal, 0, 3_000)

    assert len(told) == 3_000
    log = (tmp_path / "journal.db-wal").stat().st_size
    assert log < len(told) * len(BODY)  # all of them were in it at some time
    assert await journal.damage() == []
    await journal.close()


async def test_a_checkpoint_that_fails_beside_the_writer_ends_the_store(tmp_path: Path) -> None:
    journal = await open_store(tmp_path / "journal.db")
    told = await send(journal, 0, 64)
    beside(journal)._connection.close()  # whatever it is asked for fails now

    told += await send(journal, 64, 3_000)

    assert "connection" in str(await journal.failed).lower()
    assert not await journal.is_healthy()
    with pytest.raises(JournalError):
        await journal.accept(arrival("late"), BODY)
    await journal.close()
    assert 64 <= len(told) < 3_064
    await find_all(tmp_path / "journal.db", told)


def beside(journal: SqliteJournal) -> Checkpointer:
    writer = journal._writer
    assert writer is not None
    assert writer._checkpointer is not None
    return writer._checkpointer


async def find_all(path: Path, told: list[str]) -> None:
    """Open a store as the next process would, and find what was acknowledged."""
    journal = await open_store(path)
    kept = {message.message_id for message in await journal.messages(limit=100_000)}
    assert set(told) <= kept
    assert await journal.damage() == []
    await journal.close()


def test_a_flush_that_fails_is_told_once_and_nothing_is_moved_any_more(tmp_path: Path) -> None:
    made = apsw.Connection(str(tmp_path / "a.db"))
    made.execute("PRAGMA journal_mode = WAL")
    made.close()
    told: list[BaseException] = []
    failed = threading.Event()

    def flush() -> None:
        raise OSError(5, "Input/output error")

    def note(error: BaseException) -> None:
        told.append(error)
        failed.set()

    checkpointer = Checkpointer(open_beside(tmp_path / "a.db"), flush)
    checkpointer.begin(note)
    assert failed.wait(10)
    checkpointer.begin(note)

    assert checkpointer.is_moving
    assert [str(error) for error in told] == ["[Errno 5] Input/output error"]
    checkpointer.close()


async def test_a_failure_beside_a_batch_breaks_no_call_of_it_in_two(tmp_path: Path) -> None:
    journal = await open_store(tmp_path / "journal.db")

    def write_twice(db: Database) -> None:
        db.run("meta.set", ("first", "half"))
        failing = threading.Thread(target=fail, args=(OSError("beside"),))
        failing.start()
        failing.join()
        db.run("meta.set", ("second", "half"))

    assert journal._writer is not None
    fail = journal._writer.fail
    await journal._write(write_twice)
    with pytest.raises(JournalError, match="beside"):
        await journal.accept(arrival("late"), BODY)
    await journal.close()

    with apsw.Connection(str(tmp_path / "journal.db")) as left:
        assert left.execute("SELECT count(*) FROM meta WHERE name IN ('first', 'second')").get == 2
