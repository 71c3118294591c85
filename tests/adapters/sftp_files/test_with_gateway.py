"""The folder source with the real pipeline: refusals are kept, and kill -9 loses and doubles nothing."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter
from pathlib import Path

from gateway.journal.sqlite import SqliteJournal
from gateway.journal.types import MessageState
from gateway.system import SystemClock
from tests.adapters.sftp_files import rig as folders
from tests.gateway.rig import Rig, program
from tests.scale import scaled

PROJECT = Path(__file__).resolve().parents[3]
PICKER = Path(__file__).with_name("picker_process.py")


async def test_a_file_that_is_refused_leaves_its_finding_in_the_journal(tmp_path: Path) -> None:
    inbox = folders.Rig(tmp_path / "inbox", size_bytes_max=10)
    gateway = Rig(program("orders"))
    inbox.put("large.850", b"x" * 11)
    inbox.put("small.850", b"x" * 10)

    async def take(inbound: object) -> None:
        await gateway.pipeline.take(inbound)  # type: ignore[arg-type]

    await inbox.run(take=take)
    messages = {each.origin.name: each for each in await gateway.journal.messages()}

    assert messages["large.850"].state is MessageState.REFUSED
    assert messages["large.850"].findings[0].code == "FILE-TOO-LARGE"
    assert messages["small.850"].state is MessageState.ACCEPTED
    assert inbox.refused == []
    assert inbox.names(".error") == ["large.850", "large.850.reason.txt"]


async def test_killed_pickers_leave_every_file_in_the_journal_exactly_once(tmp_path: Path) -> None:
    folder, journal_path = tmp_path / "inbox", tmp_path / "journal.db"
    folder.mkdir()
    names = [f"{number:04}.850" for number in range(scaled(250, most=5_000))]
    for name in names:
        (folder / name).write_bytes(name.encode())
    chance = random.Random(20261122)
    kills = 0
    for _ in range(scaled(4, most=40)):
        picker = await start(folder, journal_path)
        await asyncio.sleep(chance.uniform(0.01, 0.2))
        if picker.returncode is None:
            picker.kill()
            kills += 1
        await picker.wait()
    picker = await start(folder, journal_path)
    async with asyncio.timeout(50):
        assert await picker.wait() == 0

    journal = await SqliteJournal.open_readonly(journal_path, clock=SystemClock())
    messages = await journal.messages(limit=len(names) * 2)
    await journal.close()
    assert Counter(each.origin.name for each in messages) == Counter(names)
    assert sorted(each.name for each in (folder / ".done").iterdir()) == names
    assert list((folder / ".work").iterdir()) == []
    assert kills > 0


async def start(folder: Path, journal_path: Path) -> asyncio.subprocess.Process:
    """Start a picker and wait until it works."""
    picker = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PICKER),
        str(folder),
        str(journal_path),
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=asyncio.subprocess.PIPE,
    )
    if picker.stdout is None:
        raise AssertionError("it has an output")
    assert await picker.stdout.readline() == b"up\n"
    return picker
