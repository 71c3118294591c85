"""The pickup protocol on real folders: the fault cases, and a death between every two steps."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from datetime import timedelta
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Inbound
from adapters.sftp_files.config import Ready
from adapters.sftp_files.port import PortError, PortErrorKind
from tests.adapters.sftp_files.partner import Partner
from tests.adapters.sftp_files.rig import KilledError, Points, RacingPort, Rig
from tests.scale import scaled

AFTER_CLAIM = 16  # the step at which a picker dies with its first file in the work folder


@pytest.fixture(params=["folder", "sftp"])
def rig(request: pytest.FixtureRequest, tmp_path: Path, partner: Partner) -> Rig:
    """Give a folder of this machine, and one on a real OpenSSH server that is also read ahead."""
    if request.param == "folder":
        return Rig(tmp_path / "inbox")
    return Rig(partner.folder, partner=partner, ahead=3)


def port(rig: Rig, **before: Any) -> Any:
    return RacingPort(rig.port(), **before)


async def test_a_file_is_taken_once_and_archived(rig: Rig) -> None:
    rig.put("po1.850", b"ISA*00~")
    await rig.run()

    assert rig.taken == [("po1.850", b"ISA*00~")]
    assert rig.names(".done") == ["po1.850"]
    assert rig.names() == rig.names(".work") == []


async def test_a_file_is_deleted_where_the_endpoint_says_so(rig: Rig) -> None:
    rig.settings = {"after": "delete"}
    rig.put("po1.850")
    await rig.run()

    assert len(rig.taken) == 1
    assert rig.names() == rig.names(".work") == rig.names(".done") == []


async def test_files_come_oldest_first(rig: Rig) -> None:
    for name, age_s in (("c", 30.0), ("a", 20.0), ("b", 40.0)):
        rig.put(name, name.encode(), age_s=age_s)
    await rig.run()

    assert [name for name, _ in rig.taken] == ["b", "c", "a"]


async def test_only_names_that_match_are_taken(rig: Rig) -> None:
    rig.patterns = ("*.850",)
    for name in ("po.850", "po.855", ".po.850", "po.850.tmp", "po.850.filepart"):
        rig.put(name)
    await rig.run()

    assert [name for name, _ in rig.taken] == ["po.850"]
    assert rig.names() == [".po.850", "po.850.filepart", "po.850.tmp", "po.855"]


async def test_a_growing_file_waits_until_it_is_stable(rig: Rig) -> None:  # fault case 1
    rig.settings = {"ready": Ready(stable=timedelta(seconds=10))}
    place = rig.put("po.850", b"half")

    def grow(path: str) -> None:
        if path == "" and rig.clock.seconds < 1_020 and place.exists():
            place.write_bytes(place.read_bytes() + b".")

    await rig.run(12, port=port(rig, list=grow))

    assert rig.taken == [("po.850", b"half....")]


async def test_an_old_file_is_taken_after_two_looks_and_a_young_one_waits(rig: Rig) -> None:
    rig.settings = {"ready": Ready(stable=timedelta(hours=1))}
    rig.put("old", age_s=7_200)
    rig.put("young", age_s=0)
    await rig.run(4)

    assert [name for name, _ in rig.taken] == ["old"]


async def test_a_file_from_the_future_is_taken_once_we_have_watched_it_long_enough(rig: Rig) -> None:  # 22
    rig.settings = {"ready": Ready(stable=timedelta(seconds=10))}
    rig.put("po.850", age_s=-86_400)
    await rig.run(2)
    assert rig.taken == []

    await rig.run(5)
    assert len(rig.taken) == 1


async def test_a_file_that_grows_while_it_is_read_is_read_again_whole(rig: Rig) -> None:  # 2
    rig.put("po.850", b"first half, ")
    left = ["second half"]

    def grow(path: str) -> None:
        if left:
            with (rig.folder / path).open("a") as file:
                file.write(left.pop())

    await rig.run(4, port=port(rig, reading=grow))

    assert rig.taken == [("po.850", b"first half, second half")]
    assert rig.names(".done") == ["po.850"]


async def test_a_file_that_its_sender_begins_anew_after_the_look_waits_until_it_is_stable_again(
    rig: Rig,
) -> None:
    """Up to a thousand files are offered between the look at a folder and the claim of the last one."""
    rig.settings["ready"] = Ready(stable=timedelta(hours=1), polls=2)
    place = rig.put("orders.txt", b"PO1 QTY 120\n")
    rig.age(place, 7200)
    opened: list[FileIO] = []

    def begin_anew(path: str) -> None:
        if path == "orders.txt":
            opened.append(FileIO(place, "wb"))  # the same file, cut to nothing
            opened[0].write(b"PO2 QTY 4")

    await rig.run(6, port=port(rig, claim=begin_anew))
    assert rig.taken == []
    with opened[0] as file:
        file.write(b"50\n")
    await rig.run(6)
    assert rig.taken == []
    rig.age(next((rig.folder / ".work").iterdir()), 7200)
    await rig.run(6)

    assert [body for _, body in rig.taken] == [b"PO2 QTY 450\n"]


async def test_a_claimed_file_that_grew_while_it_was_read_waits_until_it_is_stable_again(
    rig: Rig,
) -> None:
    rig.settings["ready"] = Ready(stable=timedelta(hours=1), polls=2)
    place = rig.put("orders.txt", b"PO1 QTY 1\n")
    with FileIO(place, "ab") as file:
        rig.age(place, 7200)
        written: list[int] = []

        def grow(path: str) -> None:
            if not written:
                written.append(file.write(b"PO2 QTY 4"))

        await rig.run(6, port=port(rig, reading=grow))
        assert rig.taken == []
        file.write(b"50\n")
    rig.age(next((rig.folder / ".work").iterdir()), 7200)
    await rig.run(6)

    assert [body for _, body in rig.taken] == [b"PO1 QTY 1\nPO2 QTY 450\n"]


async def test_a_file_that_is_cut_while_it_is_read_is_not_taken_half(rig: Rig) -> None:  # 3
    rig.put("po.850", b"x" * 600_000)
    left = [1]

    def cut(path: str) -> None:
        if left and left.pop():
            os.truncate(rig.folder / path, 300_000)

    await rig.run(4, port=port(rig, reading=cut))

    assert [(name, len(body)) for name, body in rig.taken] == [("po.850", 300_000)]


async def test_a_file_replaced_by_one_of_the_same_size_while_it_is_read_is_read_again(rig: Rig) -> None:  # 4
    rig.put("po.850", b"old body")
    left = [b"new body"]

    def replace(path: str) -> None:
        if left:
            fresh = rig.folder / ".fresh"
            fresh.write_bytes(left.pop())
            if rig.partner is None:  # version 3 of SFTP tells no inode: there a time must differ
                shutil.copystat(rig.folder / path, fresh)
            fresh.replace(rig.folder / path)

    await rig.run(4, port=port(rig, reading=replace))

    assert rig.taken == [("po.850", b"new body")]


async def test_what_a_sender_writes_after_we_read_is_not_archived_unread(rig: Rig) -> None:
    rig.put("po.850", b"one ")
    wrote: list[int] = []

    async def take(inbound: Inbound) -> None:
        if not wrote:
            wrote.append(1)
            work = next((rig.folder / ".work").iterdir())
            with work.open("a") as file:
                file.write("two")
        await rig.take(inbound)

    await rig.run(4, take=take)

    assert [body for _, body in rig.taken] == [b"one ", b"one two"]
    assert (rig.folder / ".done/po.850").read_bytes() == b"one two"


@pytest.mark.parametrize(
    ("identity", "messages"),
    [("path_size_mtime_hash", 2), ("content", 1), ("none", 2), ("control_numbers", 2)],
)
async def test_the_same_name_and_content_on_another_day_is_judged_by_identity(
    rig: Rig, identity: str, messages: int
) -> None:  # 5
    rig.identity = identity
    rig.put("usage.txt", b"same", age_s=86_400)
    await rig.run()
    rig.put("usage.txt", b"same", age_s=0)
    await rig.run()

    assert len(rig.taken) == messages
    assert len(rig.names(".done")) == 2  # 14: the name was taken, nothing was overwritten


async def test_the_same_name_with_new_content_is_a_new_message(rig: Rig) -> None:  # 6, 14
    stamp = rig.put("po.850", b"first").stat().st_mtime_ns
    await rig.run()
    os.utime(rig.put("po.850", b"other"), ns=(stamp, stamp))
    await rig.run()

    assert [body for _, body in rig.taken] == [b"first", b"other"]
    archived = sorted((rig.folder / ".done" / name).read_bytes() for name in rig.names(".done"))
    assert archived == [b"first", b"other"]


async def test_another_name_with_the_same_content_is_a_message_unless_content_identifies(
    rig: Rig,
) -> None:  # 7
    for name in ("a.850", "b.850"):
        rig.put(name, b"same")
    await rig.run()
    assert len(rig.taken) == 2

    rig.identity = "content"
    for name in ("c.850", "d.850"):
        rig.put(name, b"equal")
    await rig.run()
    assert len(rig.taken) == 3


async def test_a_done_file_releases_its_data_and_is_gone_afterwards(rig: Rig) -> None:
    rig.settings = {"ready": Ready(done_file="{stem}.ok")}
    rig.put("po.850")
    await rig.run()
    assert rig.taken == []

    rig.put("po.ok", b"", age_s=0)
    await rig.run()
    assert [name for name, _ in rig.taken] == ["po.850"]
    assert rig.names() == rig.names(".work") == []


async def test_a_done_file_without_data_waits_for_it(rig: Rig) -> None:  # 9
    rig.settings = {"ready": Ready(done_file="{name}.done")}
    rig.put("po.850.done", b"")
    await rig.run()

    assert rig.taken == []
    assert rig.names() == ["po.850.done"]


async def test_data_written_after_its_done_file_must_also_be_stable(rig: Rig) -> None:  # 8
    rig.settings = {"ready": Ready(done_file="{name}.done")}
    rig.put("po.850.done", b"", age_s=60)
    place = rig.put("po.850", b"ha", age_s=0)

    def grow(path: str) -> None:
        if path == "" and rig.clock.seconds < 1_020 and place.exists():
            place.write_bytes(place.read_bytes() + b"l")

    await rig.run(12, port=port(rig, list=grow))

    assert rig.taken == [("po.850", b"hallll")]
    assert rig.names() == []


async def test_two_gateways_on_one_folder_never_both_take_a_file(tmp_path: Path) -> None:  # 10
    one, two = Rig(tmp_path / "inbox"), Rig(tmp_path / "inbox")
    for number in range(60):
        one.put(f"po{number}.850", str(number).encode())
    await asyncio.gather(one.run(6), two.run(6))

    names = [name for name, _ in one.taken + two.taken]
    assert sorted(names) == sorted(f"po{number}.850" for number in range(60))
    assert len(one.names(".done")) == 60
    assert one.repeats == two.repeats == []


async def test_a_gateway_leaves_the_claimed_files_of_another_alone(tmp_path: Path) -> None:
    one, two = Rig(tmp_path / "inbox"), Rig(tmp_path / "inbox")
    one.put("po.850")
    with pytest.raises(KilledError):
        await one.run(points=Points(AFTER_CLAIM))
    assert len(one.names(".work")) == 1

    await two.run(4)
    assert two.taken == []
    one.clock.seconds += 3_600
    await one.run(4)
    assert len(one.taken) == 1


@pytest.mark.parametrize("identity", ["path_size_mtime_hash", "none", "content"])
@pytest.mark.parametrize("claim", ["rename", "in_place"])
@pytest.mark.parametrize("done_file", [None, "{name}.done"])
async def test_a_death_between_any_two_steps_loses_nothing_and_doubles_nothing(
    tmp_path: Path, identity: str, claim: str, done_file: str | None
) -> None:  # 11, 12, 13
    settings = {"claim": claim, "ready": Ready(done_file=done_file) if done_file else Ready(rename=True)}
    deaths = 0
    for dies_at in range(1, 200):
        rig = Rig(tmp_path / str(dies_at), settings=settings, identity=identity)
        expected = {("a.850", b"alpha"), ("b.850", b"beta")}
        for name, body in expected:
            rig.put(name, body)
            if done_file:
                rig.put(f"{name}.done", b"", age_s=0)
        try:
            await rig.run(2, points=Points(dies_at))
        except KilledError:
            deaths += 1
        else:
            break  # the run ended before its death
        rig.clock.seconds += 120  # the dead process's leases run out
        await rig.run(4)
        assert set(rig.taken) == expected, dies_at
        assert len(rig.taken) == 2, dies_at
        assert rig.names(".done") == ["a.850", "b.850"], dies_at
        assert rig.names(".work") == [], dies_at
        # A death between the two renames leaves the done file behind: it releases nothing that is newer.
        assert set(rig.names()) <= {"a.850.done", "b.850.done"}, dies_at

    assert deaths > 30


async def test_a_dead_pickers_file_is_taken_over_only_when_its_lease_ran_out(rig: Rig) -> None:
    rig.settings = {"lease": timedelta(seconds=60)}
    rig.put("po.850")
    with pytest.raises(KilledError):
        await rig.run(points=Points(AFTER_CLAIM))

    await rig.run(2)
    assert rig.taken == []
    rig.clock.seconds += 60
    await rig.run(2)
    assert len(rig.taken) == 1


async def test_an_owner_that_lost_its_lease_leaves_the_file_to_the_next(rig: Rig) -> None:  # 29
    rig.settings = {"lease": timedelta(seconds=60)}
    rig.put("po.850")

    async def slow(inbound: Inbound) -> None:
        rig.clock.seconds += 61
        work = rig.names(".work")[0]
        assert await rig.journal.lease("sftp_files/inbox", f".work/{work}", "another", 60)
        await rig.take(inbound)

    await rig.run(2, take=slow)
    assert len(rig.taken) == 1
    assert len(rig.names(".work")) == 1  # the slow owner did not touch it

    rig.clock.seconds += 61
    await rig.run(2)
    assert (len(rig.taken), rig.repeats) == (1, ["po.850"])
    assert rig.names(".done") == ["po.850"]


async def test_an_input_nobody_settled_is_offered_again(rig: Rig) -> None:
    rig.put("po.850")
    offered: list[str] = []

    async def forget(inbound: Inbound) -> None:
        offered.append(inbound.origin.name)
        if len(offered) > 1:
            await rig.take(inbound)

    await rig.run(20, take=forget)

    assert offered == ["po.850", "po.850"]
    assert rig.names(".done") == ["po.850"]


async def test_a_full_local_disk_while_reading_leaves_the_file_for_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:  # 19
    rig.put("large.850", b"x" * 2_000_000)
    rig.put("small.850", b"y")
    monkeypatch.setenv("TMPDIR", "/dev/null/none")
    monkeypatch.setattr("tempfile.tempdir", str(rig.folder / "no such folder"))
    await rig.run(3)
    assert [name for name, _ in rig.taken] == ["small.850"]

    monkeypatch.undo()
    await rig.run(10)
    assert [len(body) for _, body in rig.taken] == [1, 2_000_000]


async def test_a_settled_file_that_cannot_be_moved_is_moved_later_and_not_read_again(rig: Rig) -> None:
    rig.put("po.850")
    fails = [1, 1]

    def full(path: str) -> None:
        if fails:
            fails.pop()
            raise PortError(PortErrorKind.FULL, "no space left on device")

    await rig.run(10, port=port(rig, move=full))

    assert (len(rig.taken), rig.repeats) == (1, [])
    assert rig.names(".done") == ["po.850"]


async def test_an_empty_file_is_refused_with_its_reason(rig: Rig) -> None:  # 23
    rig.put("empty.850", b"")
    await rig.run()

    assert rig.refused == [("empty.850", "FILE-EMPTY")]
    assert rig.names(".error") == ["empty.850", "empty.850.reason.txt"]
    assert "zero bytes" in (rig.folder / ".error/empty.850.reason.txt").read_text()


async def test_an_empty_file_may_mean_nothing_today(rig: Rig) -> None:
    rig.settings = {"empty": "archive"}
    rig.put("empty.850", b"")
    await rig.run()

    assert not rig.taken
    assert not rig.refused
    assert rig.names(".done") == ["empty.850"]


async def test_a_file_that_is_too_large_is_refused_unread(rig: Rig) -> None:
    rig.size_bytes_max = 10
    rig.put("large.850", b"x" * 11)
    rig.put("fits.850", b"x" * 10)
    await rig.run()

    assert rig.refused == [("large.850", "FILE-TOO-LARGE")]
    assert [name for name, _ in rig.taken] == ["fits.850"]
    assert rig.names(".error") == ["large.850", "large.850.reason.txt"]


async def test_two_refused_files_of_one_name_are_both_kept(rig: Rig) -> None:
    for _ in range(2):
        rig.put("empty.850", b"")
        await rig.run()

    assert len(rig.names(".error")) == 4


HOSTILE = [
    b"order\nERROR all is lost.850",
    b"\x1b[2Jclear.850",
    b"bestellung_\xe4.850",
    b"$(reboot).850",
    b"a;b|c&d.850",
    "überweisung 医院.850".encode(),
    b"x" * 251 + b".850",
    b"~a~b.850",
    b"%2e%2e%2fpasswd.850",
]


@pytest.mark.parametrize("raw", HOSTILE)
async def test_a_hostile_name_is_taken_under_a_name_that_can_be_shown(rig: Rig, raw: bytes) -> None:  # 24
    rig.folder.mkdir(exist_ok=True)
    Path(os.fsdecode(os.fsencode(rig.folder) + b"/" + raw)).write_bytes(b"body")
    await rig.run(4)

    assert [body for _, body in rig.taken] == [b"body"]
    assert rig.taken[0][0].isprintable()
    rig.taken[0][0].encode("utf-8")
    assert len(rig.names(".done")) == 1
    assert rig.names() == []


async def test_links_folders_and_pipes_are_left_alone(rig: Rig, tmp_path: Path) -> None:  # 25
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    (rig.folder / "link.850").symlink_to(secret)
    (rig.folder / "folder.850").mkdir()
    (rig.folder / "dangling.850").symlink_to("nowhere")
    os.mkfifo(rig.folder / "pipe.850")
    rig.put("po.850")
    await rig.run()

    assert [name for name, _ in rig.taken] == ["po.850"]
    assert {"link.850", "dangling.850", "pipe.850"} == set(rig.names())


async def test_a_file_that_becomes_a_link_before_the_claim_is_refused_unread(
    rig: Rig, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    place = rig.put("po.850")

    def swap(path: str) -> None:
        place.unlink()
        place.symlink_to(secret)

    await rig.run(3, port=port(rig, claim=swap))

    assert rig.taken == []
    assert rig.refused == [("po.850", "FILE-KIND")]


async def test_a_work_folder_that_is_a_link_is_never_used(rig: Rig, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (rig.folder / ".work").symlink_to(elsewhere)
    rig.put("po.850")
    await rig.run()

    assert rig.taken == []
    assert list(elsewhere.iterdir()) == []


async def test_five_thousand_files_are_each_taken_once(rig: Rig) -> None:  # 26
    count = scaled(5_000 if rig.partner is None else 500, most=20_000)
    for number in range(count):
        (rig.folder / f"{number:05}.850").write_bytes(b"%d" % number)
    for number in range(count, 5_000):  # they are listed, too
        (rig.folder / f"{number:05}.tmp").touch()
    await rig.run(12)

    assert len(rig.taken) == count
    assert len({name for name, _ in rig.taken}) == count
    assert len(rig.names(".done")) == count
    assert [name for name in rig.names() if name.endswith(".850")] == []


async def test_one_poison_file_never_blocks_the_rest(rig: Rig) -> None:  # 27
    rig.put("a-poison.850", age_s=9_000)
    rig.put("b.850")

    def poisoned(path: str) -> None:
        if "poison" in path:
            raise PortError(PortErrorKind.OTHER, "input/output error")

    await rig.run(3, port=port(rig, stat=poisoned))
    assert [name for name, _ in rig.taken] == ["b.850"]

    await rig.run(3)
    assert {name for name, _ in rig.taken} == {"a-poison.850", "b.850"}


async def test_an_input_whose_acceptance_fails_never_blocks_the_rest(rig: Rig) -> None:
    rig.put("a-poison.850", age_s=9_000)
    rig.put("b.850")

    async def take(inbound: Inbound) -> None:
        if "poison" in inbound.origin.name:
            raise RuntimeError("the journal is busy")
        await rig.take(inbound)

    await rig.run(5, take=take)

    assert [name for name, _ in rig.taken] == ["b.850"]
    assert len(rig.names(".work")) == 1  # kept, and offered again


async def test_a_loop_that_breaks_off_at_a_poison_input_goes_on_with_the_rest(rig: Rig) -> None:
    rig.put("a-poison.850", age_s=9_000)
    rig.put("b.850")
    source = rig.source()
    taken: list[str] = []
    for _ in range(3):
        with contextlib.suppress(RuntimeError):
            async for inbound in source.receive():
                if "poison" in inbound.origin.name:
                    raise RuntimeError("the loop breaks off")
                await rig.take(inbound)
                taken.append(inbound.origin.name)
                break

    assert taken == ["b.850"]
    assert rig.names(".done") == ["b.850"]


async def test_work_folders_that_somebody_removed_are_made_again(rig: Rig) -> None:
    left = [1]

    def remove(path: str) -> None:
        if path == "" and left and left.pop():
            for folder in (".work", ".done", ".error"):
                (rig.folder / folder).rmdir()
            rig.put("po.850")

    await rig.run(6, port=port(rig, list=remove))

    assert rig.names(".done") == ["po.850"]


async def test_a_folder_that_is_not_mounted_yet_is_waited_for(rig: Rig) -> None:
    rig.folder.rmdir()
    await rig.run(3)
    assert rig.taken == []

    rig.folder.mkdir()
    if rig.partner is not None:
        rig.partner.server.give(rig.folder)
    rig.put("po.850")
    await rig.run(3)
    assert len(rig.taken) == 1


async def test_the_origin_names_the_file_and_keeps_what_identifies_it(rig: Rig) -> None:
    rig.identity = "control_numbers"
    rig.put("po.850", b"abc")
    await rig.run()

    origin = rig.origins[0]
    assert (origin.transport, origin.name, origin.peer) == ("sftp_files", "po.850", "inbox")
    assert origin.facts["identity"] == "control_numbers"
    assert origin.facts["size"] == "3"
    assert origin.facts["sha256"].startswith("ba7816bf")
