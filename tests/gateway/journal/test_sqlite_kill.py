"""The SQLite journal in a process that is killed: what it acknowledged is there, whole, for the next one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.journal.sqlite import JournalInUseError, SqliteJournal
from tests.gateway.journal import sender_process
from tests.gateway.journal.conftest import SetClock
from tests.scale import scaled

PROJECT = Path(__file__).resolve().parents[3]
ROUNDS = scaled(3, most=33)


async def test_kill_9_under_32_senders_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    store, acknowledged = tmp_path / "journal.db", set[str]()
    for number in range(ROUNDS):
        newest = send_until_killed(store, number, after=150 + 90 * number)
        acknowledged |= newest

        # Whole bodies of the newest alone: what a later kill does to an older one nothing mends again.
        await verify(store, acknowledged, with_bodies_of=newest)

    await verify(store, acknowledged, with_bodies_of=acknowledged)


def send_until_killed(store: Path, number: int, after: int) -> set[str]:
    """Let a process send, kill it after so many acknowledgments, and give them and those on their way."""
    with start(store, number) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(after)]
        process.kill()
        lines += process.stdout.readlines()
    assert process.returncode == -9, "the process ended by itself"
    return {line.split()[1] for line in lines if line.startswith("ok ") and line.endswith("\n")}


def start(store: Path, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, sender_process.__file__, str(store), str(number)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=PROJECT)


async def verify(store: Path, acknowledged: set[str], *, with_bodies_of: set[str]) -> None:
    journal = await SqliteJournal.open(store, clock=SetClock())
    assert await journal.damage() == []
    for message_id in with_bodies_of:
        body = b"".join([piece async for piece in journal.body(message_id)])
        assert body == sender_process.body_of(message_id)
    kept = [message.message_id for message in await journal.messages(limit=1_000_000)]
    assert len(kept) == len(set(kept))
    assert acknowledged <= set(kept)
    await journal.close()


async def test_a_second_process_is_refused_with_the_first_one_s_number(tmp_path: Path) -> None:
    store = tmp_path / "journal.db"
    with start(store, 0) as process:
        assert process.stdout
        process.stdout.readline()

        with pytest.raises(JournalInUseError, match=f"process {process.pid} owns this journal"):
            await SqliteJournal.open(store, clock=SetClock())

        process.kill()
        process.stdout.read()
    await (await SqliteJournal.open(store, clock=SetClock())).close()


async def test_a_store_can_be_looked_at_while_its_owner_is_gone_or_at_work(tmp_path: Path) -> None:
    store = tmp_path / "journal.db"
    with start(store, 0) as process:
        assert process.stdout
        acknowledged = process.stdout.readline().split()[1]
        assert await is_found(store, acknowledged)

        process.kill()
        process.stdout.read()

    assert await is_found(store, acknowledged)


async def is_found(store: Path, message_id: str) -> bool:
    looking = await SqliteJournal.open_readonly(store, clock=SetClock())
    found = await looking.message(message_id)
    await looking.close()
    return found.message_id == message_id
