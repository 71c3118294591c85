"""The SQLite journal on disks that fail, fill up and lose power: what it acknowledged is there afterwards."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest
import pytest_asyncio

from gateway.journal.base import JournalError
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.types import DeliveryState, MessageState
from tests.gateway.journal.builders import T0, Scene, arrival, delivery, document, result
from tests.gateway.journal.conftest import SetClock
from tests.gateway.journal.faults import FailingDisk, VolatileDisk, registered
from tests.scale import scaled

# Every call of the first transactions, then some of many more: checkpoints begin at about the 2,000th.
CALLS = [*range(1, scaled(60, most=200) + 1), *range(300, 3_000, max(5, 540 // scaled(1)))]
PARTS = scaled(1, most=6)  # tests that share these calls, so that processes share them
SENDERS = 8


@dataclass
class Acknowledged:
    """What the journal said is durable."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    planned: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)


@pytest_asyncio.fixture
async def empty_store(tmp_path: Path) -> Path:
    """A new store; every round of a test starts from a copy."""
    folder = tmp_path / "empty"
    folder.mkdir()
    journal = await SqliteJournal.open(folder / "journal.db", clock=SetClock())
    await journal.bind_environment("test")
    await journal.close()
    return folder


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("error", [apsw.IOError, apsw.FullError], ids=["I/O error", "disk full"])
async def test_a_failing_write_or_flush_at_any_call_loses_nothing_that_was_acknowledged(
    error: type[apsw.Error], part: int, empty_store: Path, tmp_path: Path
) -> None:
    for fail_at in CALLS[part::PARTS]:
        folder = tmp_path / f"{fail_at}"
        shutil.copytree(empty_store, folder)
        with registered(FailingDisk(error)) as disk:
            told = await work_until_it_fails(folder, disk, fail_at)
        assert disk.has_failed, f"only {disk.calls} calls were made"
        await verify(folder, told)


async def work_until_it_fails(folder: Path, disk: FailingDisk, fail_at: int) -> Acknowledged:
    told = Acknowledged()
    journal = await SqliteJournal.open(folder / "journal.db", clock=SetClock(), vfs=disk.name)
    disk.arm(fail_at)
    with pytest.raises(JournalError):
        await carry_many_through(journal, fail_at, told)
    assert not await journal.is_healthy()
    assert isinstance(await journal.failed, JournalError)
    for _ in range(2):  # the disk works again; the journal must not
        with pytest.raises(JournalError):
            await journal.accept(arrival("late"), b"late")
    await journal.close()
    return told


async def carry_many_through(journal: SqliteJournal, count: int, told: Acknowledged) -> None:
    for number in range(count):
        await carry_through(journal, f"m{number}", told)


async def carry_through(journal: SqliteJournal, message_id: str, told: Acknowledged) -> None:
    """Take one message from acceptance to delivery, noting what was acknowledged on the way."""
    scene, body = Scene(journal), message_id.encode() * 2_000
    await journal.accept(arrival(message_id), body)
    told.bodies[message_id] = body
    await scene.plan(
        message_id, [document(0, f"O-{message_id}")], [delivery(f"{message_id}-d", 0, f"O-{message_id}")]
    )
    told.planned.add(message_id)
    claim = (await scene.claim_only()).claim
    await scene.start(claim)
    await scene.settle(claim, DeliveryState.DONE, result=result())
    told.done.add(f"{message_id}-d")


async def verify(folder: Path, told: Acknowledged) -> None:
    """Open a store as the next process would, and find all that was acknowledged."""
    journal = await SqliteJournal.open(folder / "journal.db", clock=SetClock())
    assert await journal.damage() == []
    await journal.recover(T0)
    for message_id, body in told.bodies.items():
        assert b"".join([piece async for piece in journal.body(message_id)]) == body
    for message_id in told.planned:
        assert (await journal.message(message_id)).state is MessageState.PLANNED
    views = await journal.deliveries(limit=100_000)
    assert {view.delivery_id for view in views if view.state is DeliveryState.DONE} >= told.done
    assert all(view.steps[0].outcome is not None for view in views if view.state is DeliveryState.DONE)
    await journal.close()


# --- power ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [None, *range(scaled(5, most=100))])
async def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int | None) -> None:
    told = await accept_and_cut_power(tmp_path, seed)

    await verify(tmp_path / "after", told)


async def test_without_flushes_a_power_cut_loses_what_was_acknowledged(tmp_path: Path) -> None:
    """The negative control: this disk shows a missing flush."""
    told = await accept_and_cut_power(tmp_path, None, unsafe_no_sync=True)

    journal = await SqliteJournal.open(tmp_path / "after" / "journal.db", clock=SetClock())
    kept = {message.message_id for message in await journal.messages(limit=100_000)}
    await journal.close()

    assert set(told.bodies) - kept


async def accept_and_cut_power(
    tmp_path: Path, seed: int | None, *, unsafe_no_sync: bool = False
) -> Acknowledged:
    """Let senders send, and copy what a power cut in the middle of it would leave to ``after``."""
    told = Acknowledged()
    (tmp_path / "before").mkdir()
    path = tmp_path / "before" / "journal.db"
    with registered(VolatileDisk()) as disk:
        journal = await SqliteJournal.open(
            path, clock=SetClock(), vfs=disk.name, unsafe_no_sync=unsafe_no_sync
        )
        senders = [asyncio.create_task(send(journal, number, told)) for number in range(SENDERS)]
        while len(told.bodies) < 40 + 40 * (seed or 0) % 200:
            await asyncio.sleep(0.001)
        at_the_cut = Acknowledged(dict(told.bodies))
        await asyncio.to_thread(disk.cut_power, path.parent, tmp_path / "after", seed)
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        await journal.close()
    return at_the_cut


async def send(journal: SqliteJournal, sender: int, told: Acknowledged) -> None:
    for number in range(10_000):
        message_id = f"s{sender}-{number}"
        body = message_id.encode() * 500
        await journal.accept(arrival(message_id, key=message_id), body)
        told.bodies[message_id] = body
