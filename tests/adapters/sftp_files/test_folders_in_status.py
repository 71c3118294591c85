"""A folder that is gone or out of reach is seen where a person looks first, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from adapters.base import Inbound
from adapters.base.ending import ended
from adapters.base.registry import EndpointSetup, SourceSetup
from adapters.base.settings import LocalPath
from adapters.sftp_files.config import FilesEndpoint
from adapters.sftp_files.driver_pickers import PickedFiles
from adapters.sftp_files.looks import HANGS_S, Looks
from adapters.sftp_files.port import FilePort, PortError, PortErrorKind
from adapters.sftp_files.source import FileSource
from gateway.journal.memory import MemoryJournal
from gateway.serving import serving
from tests.adapters.sftp_files.rig import RENAME, Counter, RacingPort, Rig
from tests.gateway.support import RealClock

ROUTES = """
version: 1
gateway: {environment: test, organisation: mercy, journal: "memory:", workers: 0}
endpoints:
  inbox: {kind: sftp_files, environment: test, folder: in, ready: rename, poll: 20ms}
  other: {kind: sftp_files, environment: test, folder: other}
partners: {mms: {environment: test}}
routes:
  - id: po
    from: {endpoint: inbox, format: edi_x12, partner: mms, set: "850", identity: control_numbers}
    targets: {legacy: other}
    stage: legacy
    acknowledge: {type: none}
"""


@asynccontextmanager
async def looking(source: FileSource | PickedFiles) -> AsyncIterator[None]:
    received = source.receive()
    receiving = asyncio.ensure_future(anext(received))
    try:
        yield
    finally:
        await ended(receiving)
        await cast(AsyncGenerator[Inbound], received).aclose()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_a_folder_that_is_gone_is_told_with_what_to_do_until_it_is_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "in")
    source = rig.source()
    rig.folder.rmdir()

    async with looking(source):
        await until(lambda: source.trouble is not None)
        told = str(source.trouble)
        rig.folder.mkdir()
        await until(lambda: source.trouble is None)

    assert told == (
        f"endpoint 'inbox': there is no such folder (is the share mounted?): {rig.folder}; make the folder, "
        "or mount its share; then it goes on by itself"
    )


async def test_pickers_in_processes_of_their_own_tell_of_it_too(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    settings = FilesEndpoint.model_validate(
        {"folder": LocalPath(folder), "ready": RENAME, "poll": "20ms", "pickers": 2}
    )
    clock = RealClock()
    endpoint = EndpointSetup("inbox", "test", settings, clock, Counter(), lambda name: name)
    source = PickedFiles(
        SourceSetup(endpoint, "po", None, "content", None, MemoryJournal(clock=clock), 1_000), 2
    )
    assert source.trouble is None

    async with looking(source):
        await until(lambda: source.trouble is not None)
        assert "there is no such folder" in str(source.trouble)
        folder.mkdir()
        await until(lambda: source.trouble is None)


async def test_a_running_gateway_shows_the_folder_by_its_route_among_the_facts_of_its_process(
    tmp_path: Path,
) -> None:
    (tmp_path / "routes.yaml").write_text(ROUTES)
    (tmp_path / "in").mkdir()
    (tmp_path / "other").mkdir()
    async with serving(tmp_path / "routes.yaml") as served:

        def standing_still() -> dict[str, str]:
            return dict(served.gateway.process_facts()["sources_standing_still"])

        await until((tmp_path / "in" / ".done").is_dir)
        assert standing_still() == {}
        (tmp_path / "in").rename(tmp_path / "away")
        await until(lambda: bool(standing_still()))
        assert f"{tmp_path / 'in'}" in standing_still()["po"]
        (tmp_path / "away").rename(tmp_path / "in")
        await until(lambda: not standing_still())


async def test_a_folder_in_which_no_file_can_be_claimed_is_told_until_one_can(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "in")
    rig.put("a.850")
    is_closed = True

    def refuse(path: str) -> None:
        if is_closed:
            raise PortError(PortErrorKind.DENIED, f"Permission denied: {path}")

    source = rig.source(cast(FilePort, RacingPort(rig.port(), claim=refuse)))

    async with looking(source):
        await until(lambda: source.trouble is not None)
        told = str(source.trouble)
        is_closed = False
        await until(lambda: source.trouble is None)

    assert "no file can be taken, a.850 was the last one tried: Permission denied: a.850" in told
    assert "give the gateway's user the right to list, rename and write there" in told


def test_one_file_that_cannot_be_taken_beside_others_that_can_is_no_trouble_of_the_folder() -> None:
    looks = Looks("inbox")

    looks.file_failed("a.850", PortError(PortErrorKind.DENIED, "Permission denied"))
    looks.file_read()

    assert looks.trouble(0.0) is None


def test_a_file_that_failed_and_is_gone_is_no_trouble_any_more() -> None:
    looks = Looks("inbox")

    looks.file_failed("a.850", PortError(PortErrorKind.DENIED, "Permission denied"))
    looks.succeed(leaves_files=True)
    assert "no file can be taken" in str(looks.trouble(0.0))
    looks.succeed(leaves_files=False)

    assert looks.trouble(0.0) is None


@pytest.mark.parametrize(
    "kind, advice",
    [
        (PortErrorKind.DENIED, "the right to list, rename and write there"),
        (PortErrorKind.CREDENTIAL, "set the log-in or the pinned key right"),
        (PortErrorKind.OUTAGE, "goes on by itself once the other side is back"),
        (PortErrorKind.FULL, "make room there"),
        (PortErrorKind.OTHER, "ask whoever runs that folder"),
    ],
)
def test_what_to_do_about_a_folder_depends_on_what_is_wrong(kind: PortErrorKind, advice: str) -> None:
    looks = Looks("inbox")

    looks.fail(PortError(kind, "the server says no"))

    assert str(looks.trouble(0.0)).startswith("endpoint 'inbox': the server says no; ")
    assert advice in str(looks.trouble(0.0))


def test_a_look_that_never_comes_back_is_told_after_a_minute() -> None:
    looks = Looks("inbox")

    looks.begin(100.0)

    assert looks.trouble(100.0 + HANGS_S - 1) is None
    assert "the look that began 60 s ago is not over yet" in str(looks.trouble(100.0 + HANGS_S))
    looks.end()
    assert looks.trouble(1_000.0) is None
