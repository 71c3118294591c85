"""A picker in a process of its own, to be killed: folder, real pipeline, SQLite journal.

Usage: picker_process.py FOLDER JOURNAL. Ends by itself once the folder has been empty for three looks.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from adapters.base.registry import EndpointSetup, SourceSetup
from adapters.base.settings import LocalPath
from adapters.sftp_files.config import FilesEndpoint, Ready
from adapters.sftp_files.driver_folder import FolderPort
from adapters.sftp_files.source import FileSource
from gateway.app import format_by_name
from gateway.journal.sqlite import SqliteJournal
from gateway.pipeline import Pipeline
from gateway.program import OneRevision, Programs
from gateway.system import SystemClock, SystemRng
from gateway.workers import InlineExecutor
from tests.gateway.rig import program


async def pick_up(folder: Path, journal_path: Path) -> None:
    clock, rng = SystemClock(), SystemRng()
    journal = await SqliteJournal.open(journal_path, clock=clock)
    programs = OneRevision(Programs(1, {"po": program()}))
    executor = InlineExecutor(format_by_name)
    pipeline = Pipeline(
        journal, programs, format_by_name, executor, clock, rng, accepted=lambda: None, planned=lambda: None
    )
    settings = FilesEndpoint.model_validate(
        {"folder": LocalPath(folder), "ready": Ready(rename=True), "poll": "20ms", "lease": "1s"}
    )
    endpoint = EndpointSetup("inbox", "test", settings, clock, rng, lambda name: name)
    setup = SourceSetup(endpoint, "po", None, "path_size_mtime_hash", None, journal, 1_000_000)
    source = FileSource(setup, FolderPort(folder, rng.token))
    print("up", flush=True)
    ending = asyncio.create_task(_until_empty(folder))
    receiving = asyncio.create_task(_receive(source, pipeline))
    await asyncio.wait((ending, receiving), return_when=asyncio.FIRST_COMPLETED)
    if receiving.done():
        receiving.result()
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
    await journal.close()


async def _receive(source: FileSource, pipeline: Pipeline) -> None:
    async for inbound in source.receive():
        await pipeline.take(inbound)


async def _until_empty(folder: Path) -> None:
    empty = 0
    while empty < 3:
        await asyncio.sleep(0.1)
        left = [each for each in folder.iterdir() if each.is_file()]
        work = folder / ".work"
        left += list(work.iterdir()) if work.is_dir() else []
        empty = 0 if left else empty + 1


if __name__ == "__main__":
    asyncio.run(pick_up(Path(sys.argv[1]), Path(sys.argv[2])))
