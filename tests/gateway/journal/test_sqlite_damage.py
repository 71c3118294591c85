"""Damaged files: a torn log costs its tail at most; a flipped bit is never passed on in silence."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from gateway.journal.base import JournalError
from gateway.journal.sqlite import SqliteJournal
from tests.gateway.journal.builders import arrival
from tests.gateway.journal.conftest import SetClock
from tests.scale import scaled

MESSAGES = 24
TEARS = scaled(12, most=200)
FLIPS = scaled(25, most=400)


def body_of(number: int) -> bytes:
    return Random(number).randbytes(3_000)


async def write_store(folder: Path, *, is_log_kept: bool) -> Path:
    """Make a store, and copy it as it lies there with its log, or as it lies after a clean end."""
    folder.mkdir()
    journal = await SqliteJournal.open(folder / "journal.db", clock=SetClock())
    for number in range(MESSAGES):
        await journal.accept(arrival(f"m{number}"), body_of(number))
    copy = folder.with_name("copy")
    if is_log_kept:
        shutil.copytree(folder, copy)
    await journal.close()
    if not is_log_kept:
        shutil.copytree(folder, copy)
    return copy


async def read_all(store: Path) -> list[tuple[str, bytes]] | str:
    """Give every message and body, or what was reported."""
    try:
        journal = await SqliteJournal.open(store, clock=SetClock())
    except JournalError as error:
        return str(error)
    try:
        if damage := await journal.damage():
            return damage[0]
        messages = await journal.messages(limit=MESSAGES)
        return [
            (message.message_id, b"".join([piece async for piece in journal.body(message.message_id)]))
            for message in reversed(messages)
        ]
    except JournalError as error:
        return str(error)
    finally:
        await journal.close()


WRITTEN = [(f"m{number}", body_of(number)) for number in range(MESSAGES)]


async def test_a_torn_log_keeps_a_prefix_of_what_was_committed(tmp_path: Path) -> None:
    kept_counts = set[int]()
    copy = await write_store(tmp_path / "store", is_log_kept=True)
    size = (copy / "journal.db-wal").stat().st_size
    for round_number in range(TEARS):
        torn = shutil.copytree(copy, tmp_path / f"torn-{round_number}")
        with (torn / "journal.db-wal").open("r+b") as log:
            log.truncate(size * round_number // TEARS)

        found = await read_all(torn / "journal.db")

        assert not isinstance(found, str), found
        assert found == WRITTEN[: len(found)]
        kept_counts.add(len(found))
    assert len(kept_counts) > 2, "the tears all met the same place"


@pytest.mark.parametrize("name", ["journal.db-wal", "journal.db"])
async def test_a_flipped_bit_costs_a_tail_or_is_reported(tmp_path: Path, name: str) -> None:
    outcomes = set[str]()
    copy = await write_store(tmp_path / "store", is_log_kept=name.endswith("-wal"))
    size, rng = (copy / name).stat().st_size, Random(7)
    for round_number in range(FLIPS):
        flipped = shutil.copytree(copy, tmp_path / f"flipped-{round_number}")
        flip_bit(flipped / name, rng.randrange(size), rng.randrange(8))

        found = await read_all(flipped / "journal.db")

        outcomes.add("reported" if isinstance(found, str) else "whole" if found == WRITTEN else "prefix")
        assert isinstance(found, str) or found == WRITTEN[: len(found)]
    assert outcomes - {"whole"}, "no flip met anything"


def flip_bit(file: Path, offset: int, bit: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(offset)
        byte = opened.read(1)[0]
        opened.seek(offset)
        opened.write(bytes([byte ^ (1 << bit)]))
