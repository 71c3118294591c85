"""The 29 fault cases of picking up and delivering files: each has a test, and the tests can fail.

A test that covers a case says so by its number in a comment behind its signature. The negative controls
below switch one mechanism off and see the promise broken that it keeps.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from adapters.sftp_files import driver_sftp, source
from adapters.sftp_files.driver_session import Session
from adapters.sftp_files.port import Entry, PortError
from gateway.journal.memory import MemoryJournal
from simulators.sftp_partner.proxy import FaultProxy
from tests.adapters.sftp_files.double import Double
from tests.adapters.sftp_files.partner import Partner
from tests.adapters.sftp_files.rig import RacingPort, Rig
from tests.adapters.sftp_files.test_faults import LARGE, MIB, port_to

CASES = {
    1: "grows between polls", 2: "grows while it is read", 3: "is cut while it is read",
    4: "is replaced by one of the same size", 5: "same name, same content", 6: "same name, new content",
    7: "other name, same content", 8: "done file before its data", 9: "done file without data",
    10: "two nodes claim", 11: "a node dies after the claim", 12: "before the commit", 13: "before the move",
    14: "the move's target exists", 15: "no right to rename or delete", 16: "cut while getting, resumed",
    17: "cut while putting, left over part", 18: "the server's disk is full", 19: "the local disk is full",
    20: "the peer hangs", 21: "the host key changed", 22: "clocks apart, old or future times",
    23: "zero bytes", 24: "hostile names", 25: "links and folders", 26: "5,000 entries and more",
    27: "a poison file", 28: "no posix-rename", 29: "the lease runs out under a slow owner",
}  # fmt: skip


def test_every_fault_case_has_a_test() -> None:
    covered: set[int] = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for signature in re.findall(r"def test_\w+\([^#]*?\)\s*->\s*None:[ ]*#([^\n]*)", file.read_text()):
            covered |= {int(number) for number in re.findall(r"\b(\d{1,2})\b", signature)}

    assert sorted(set(CASES) - covered) == []


# -- negative controls -----------------------------------------------------------------------------


async def test_without_looking_again_after_reading_half_a_file_is_taken(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Entry, "is_version_of", lambda self, other: True)
    monkeypatch.setattr(source.FileSource, "_fill", _fill_once)
    rig = Rig(partner.folder, partner=partner)
    rig.put("po.850", b"half")

    def grow(path: str) -> None:
        with (rig.folder / path).open("ab") as file:
            file.write(b" and the other half")

    await rig.run(3, port=RacingPort(rig.port(), reading=grow))

    assert rig.taken == [("po.850", b"half")]


async def _fill_once(self: Any, offered: Any) -> bool:
    async for piece in self._port.open_read(offered.path):
        await offered.spool.write(piece)
    return True


async def test_without_leases_two_pickers_of_one_journal_read_a_file_twice(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = MemoryJournal.lease

    async def granted(self: MemoryJournal, scope: str, key: str, owner: str, duration_s: float) -> Any:
        return await lease(self, scope, f"{key}{owner}", owner, duration_s)

    async def read_twice(rig: Rig) -> list[str]:
        second = Rig(partner.folder, partner=partner, identity=rig.identity)
        second.journal = rig.journal

        async def while_the_other_looks(inbound: Any) -> None:
            await second.run(1)
            await rig.take(inbound)

        await rig.run(1, take=while_the_other_looks)
        return rig.repeats + second.repeats  # the journal knows it again; nothing else kept them apart

    rig = Rig(partner.folder, partner=partner, identity="path_size_mtime_hash")
    rig.put("po.850")
    assert await read_twice(rig) == []

    monkeypatch.setattr(MemoryJournal, "lease", granted)
    rig.put("po2.850")
    assert await read_twice(rig) == ["po2.850"]


async def test_without_looking_at_replies_and_size_a_full_disk_publishes_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = Double(tmp_path / "double")
    double.room_bytes, double.is_lying = 50_000, True
    finish = driver_sftp._finish

    def believing(session: Session, handle: bytes, place: bytes) -> int:
        finish(session, handle, place)
        return 200_000

    monkeypatch.setattr(driver_sftp, "_finish", believing)
    port = port_to(double)
    await port.write_atomic("a", b"x" * 200_000)
    await port.close()
    double.close()

    assert (double.folder / "a").stat().st_size == 50_000


async def test_without_resuming_a_cut_ends_the_download(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_sftp, "RESUMES_MAX", 0)
    partner.put("large", LARGE)
    with FaultProxy(partner.server.port) as proxy:
        port = partner.port(port=str(proxy.port))
        await port.stat("large")
        proxy.cut_after(5 * MIB, from_server=True)
        with pytest.raises(PortError):
            assert await _whole(port)
        await port.close()


async def _whole(port: Any) -> bytes:
    return b"".join([piece async for piece in port.open_read("large")])


async def test_without_comparing_before_it_is_put_away_what_was_added_is_archived_unread(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(partner.folder, partner=partner)
    rig.put("po.850", b"first")
    monkeypatch.setattr(Entry, "is_version_of", lambda self, other: True)

    async def add(inbound: Any) -> None:
        (work,) = rig.names(".work")
        with (rig.folder / ".work" / work).open("ab") as file:
            file.write(b" and more")
        await rig.take(inbound)

    await rig.run(4, take=add)

    assert rig.taken == [("po.850", b"first")]
    assert (rig.folder / ".done" / "po.850").read_bytes() == b"first and more"
