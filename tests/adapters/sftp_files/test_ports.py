"""One suite for every driver: a folder of this machine, OpenSSH, and an SFTP server that offers less."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.sftp_files.driver_folder import FolderPort
from adapters.sftp_files.port import EntryKind, FilePort, PortError, PortErrorKind
from gateway.system import SystemRng
from simulators.sftp_partner.server import PartnerServer
from tests.adapters.sftp_files.partner import Partner
from tests.scale import scaled

BIG = bytes(range(256)) * 8192  # 2 MiB


@dataclass
class Place:
    """A port, and the same folder seen from behind."""

    port: FilePort
    folder: Path
    partner: Partner | None = None

    def put(self, name: str, body: bytes = b"ISA*1~") -> Path:
        place = self.folder / name
        place.write_bytes(body)
        if self.partner is not None:
            self.partner.server.give(place)
        return place


@pytest.fixture(params=["folder", "openssh", "plain"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, partner: Partner, plain_server: PartnerServer
) -> AsyncIterator[Place]:
    if request.param == "folder":
        (tmp_path / "f").mkdir()
        found = Place(FolderPort(tmp_path / "f", SystemRng().token), tmp_path / "f")
    else:
        chosen = partner if request.param == "openssh" else Partner(plain_server, partner.name)
        found = Place(chosen.port(), chosen.folder, chosen)
    yield found
    await found.port.close()


async def read(port: FilePort, path: str) -> bytes:
    return b"".join([piece async for piece in port.open_read(path)])


async def test_a_listing_tells_kind_size_and_time(place: Place) -> None:
    stamped = place.put("a.850", b"12345")
    os.utime(stamped, (1_700_000_000, 1_700_000_000))
    (place.folder / "sub").mkdir()
    (place.folder / "link").symlink_to("a.850")

    found = {entry.name: entry for entry in await place.port.list("", 100)}

    assert {name: entry.kind for name, entry in found.items()} == {
        "a.850": EntryKind.FILE,
        "sub": EntryKind.FOLDER,
        "link": EntryKind.LINK,
    }
    assert (found["a.850"].size_bytes, found["a.850"].modified_ns) == (5, 1_700_000_000 * 10**9)


async def test_a_listing_ends_at_its_limit(place: Place) -> None:
    for number in range(300):
        place.put(f"{number:03}")

    assert len(await place.port.list("", 1_000)) == 300
    assert len(await place.port.list("", 7)) == 7
    assert len(await place.port.list("", 1_000)) == 300  # the replies to what was asked ahead are dropped


@pytest.mark.parametrize("raw", [b"caf\xe9.850", b"\xff\xfe", b"a b\tc\nd", "ünï.850".encode(), b"-rf"])
async def test_a_name_of_any_bytes_is_listed_read_moved_and_removed(place: Place, raw: bytes) -> None:
    hostile = Path(os.fsdecode(os.fsencode(place.folder) + b"/" + raw))
    place.put(hostile.name, b"x")
    (entry,) = await place.port.list("", 10)

    assert os.fsencode(entry.name) == raw
    assert await read(place.port, entry.name) == b"x"
    await place.port.move(entry.name, "plain")
    assert await place.port.remove("plain")
    assert await place.port.list("", 10) == ()


@pytest.mark.parametrize("size", [0, 1, 32_767, 32_768, 32_769, 262_144, len(BIG)])
async def test_a_file_is_written_and_read_whole_at_any_size(place: Place, size: int) -> None:
    body = BIG[:size]

    await place.port.write_atomic("a", body)

    assert (place.folder / "a").read_bytes() == body
    assert await read(place.port, "a") == body
    assert [entry.name for entry in await place.port.list("", 10)] == ["a"]


async def test_writing_replaces_a_file(place: Place) -> None:
    place.put("a", b"old and longer")

    await place.port.write_atomic("a", b"new")

    assert (place.folder / "a").read_bytes() == b"new"
    assert [each.name for each in place.folder.iterdir()] == ["a"]


async def test_a_move_never_replaces_and_says_what_was_wrong(place: Place) -> None:
    place.put("a", b"1")
    place.put("b", b"2")

    with pytest.raises(PortError) as taken:
        await place.port.move("a", "b")
    with pytest.raises(PortError) as missing:
        await place.port.move("nobody", "c")

    assert (taken.value.kind, missing.value.kind) == (PortErrorKind.TAKEN, PortErrorKind.MISSING)
    assert (place.folder / "b").read_bytes() == b"2"


async def test_of_many_claimants_exactly_one_wins(place: Place) -> None:
    await place.port.prepare([".work"])
    names = [f"{number:02}" for number in range(scaled(20, most=200))]
    for name in names:
        place.put(name)

    async def claim(name: str, claimant: int) -> bool:
        return await place.port.claim(name, f".work/{claimant}~{name}")

    won = await asyncio.gather(*(claim(name, claimant) for name in names for claimant in range(4)))

    assert sum(won) == len(names)
    assert len(list((place.folder / ".work").iterdir())) == len(names)


async def test_a_claim_without_a_work_folder_is_an_error_and_no_lost_race(place: Place) -> None:
    place.put("a")

    with pytest.raises(PortError):
        await place.port.claim("a", ".work/a")
    assert not await place.port.claim("nobody", "b")


async def test_folders_are_made_once_and_a_link_in_their_place_is_refused(place: Place) -> None:
    await place.port.prepare([".work", ".done"])
    await place.port.prepare([".work", ".done"])
    (place.folder / ".error").symlink_to(".done")

    with pytest.raises(PortError, match="link"):
        await place.port.prepare([".error"])


async def test_what_is_not_there_is_none_or_false(place: Place) -> None:
    assert await place.port.stat("a") is None
    assert not await place.port.remove("a")
    with pytest.raises(PortError) as missing:
        await read(place.port, "a")
    assert missing.value.kind is PortErrorKind.MISSING


@pytest.mark.parametrize("path", ["", "..", "../a", "a/../b", "/etc/passwd", "a/b/c", "a\0b", "a/"])
async def test_a_path_that_leads_elsewhere_is_refused(place: Place, path: str) -> None:
    with pytest.raises(PortError) as refused:
        await place.port.stat(path)
    assert refused.value.kind is PortErrorKind.NAME


async def test_the_servers_clock_is_told_and_nothing_is_left_of_asking(place: Place) -> None:
    told = await place.port.server_time_ns()
    place.put("now")
    (entry,) = await place.port.list("", 10)

    assert 0 <= entry.modified_ns - told < 5 * 10**9
    assert [each.name for each in place.folder.iterdir()] == ["now"]


async def test_many_at_once_get_each_their_own(place: Place) -> None:
    names = [f"{number:02}" for number in range(24)]
    await asyncio.gather(*(place.port.write_atomic(name, name.encode() * 9_000) for name in names))

    found = await asyncio.gather(*(read(place.port, name) for name in names))

    assert found == [name.encode() * 9_000 for name in names]
