"""Delivery into real folders: staged, published by one rename, marked; unknown outcomes looked up exactly."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finished,
    InDoubt,
    NoReply,
    Origin,
    Rejected,
    Reply,
    Request,
    StepResult,
    Stuck,
    Transient,
    TransientKind,
)
from adapters.base.settings import LocalPath
from adapters.sftp_files import driver_folder
from adapters.sftp_files.config import FilesEndpoint
from adapters.sftp_files.driver_folder import FolderPort
from adapters.sftp_files.port import FilePort, PortError, PortErrorKind
from adapters.sftp_files.sink import FileSink
from adapters.sftp_files.target import FileTarget, final_names
from gateway.outcome import may_send
from simulators.sftp_partner.server import PartnerServer
from tests.adapters.sftp_files.partner import Partner
from tests.adapters.sftp_files.rig import Counter

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REFERENCE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def delivery(name: str = "po.850", body: bytes = b"ISA*00~", reference: str = REFERENCE) -> Delivery:
    return Delivery(
        delivery_id="d1",
        message_id="m1",
        target="outbox",
        role="pass_through",
        reference=reference,
        canonical=None,
        body=body,
        origin=Origin("sftp_files", NOW, name),
        document_key=None,
        order_key=None,
        correlation_id="c1",
        accepted_at=NOW,
    )


class Outbox:
    """A folder, its sink and its target; ``deliver`` goes step by step as the gateway does."""

    def __init__(self, folder: Path, port: FilePort | None = None, **settings: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.target = FileTarget(FilesEndpoint(folder=LocalPath(folder), **settings))
        self.sink = FileSink(port or FolderPort(folder, Counter().token))
        self.sent: list[str] = []

    async def step(
        self, order: Delivery, done: Sequence[StepResult], *, lose_reply: str = "", lose_request: str = ""
    ) -> list[StepResult]:
        """Do the next step; give all steps."""
        request = self.target.next_request(order, done, NOW)
        assert isinstance(request, Request), request
        assert may_send(request, done)
        self.sent.append(request.step)
        reply: Reply | NoReply = NoReply("maybe", "lost")
        if request.step != lose_request:
            answered = await self.sink.send(request)
            reply = reply if request.step == lose_reply else answered
        outcome = self.target.interpret(request, reply)
        return [*done, StepResult(request, reply, outcome, NOW, NOW)]

    async def deliver(self, order: Delivery, done: Sequence[StepResult] = ()) -> str:
        steps = list(done)
        for _ in range(20):
            if isinstance(finished := self.target.next_request(order, steps, NOW), Finished):
                return finished.reference
            steps = await self.step(order, steps)
        raise AssertionError(steps)

    def names(self) -> list[str]:
        return sorted(each.name for each in self.folder.iterdir())


@pytest.fixture(params=["folder", "openssh", "plain"])
async def outbox(
    request: pytest.FixtureRequest, tmp_path: Path, partner: Partner, plain_server: PartnerServer
) -> AsyncIterator[Outbox]:
    """Give a folder here, one on OpenSSH, and one on a server without its extensions (fault case 28)."""
    if request.param == "folder":
        found = Outbox(tmp_path / "outbox")
    else:
        chosen = partner if request.param == "openssh" else Partner(plain_server, partner.name)
        found = Outbox(chosen.folder, chosen.port())
    yield found
    await found.sink.close()


async def test_a_file_is_delivered_whole_under_its_own_name(outbox: Outbox) -> None:
    assert await outbox.deliver(delivery()) == "po.850"

    assert outbox.names() == ["po.850"]
    assert (outbox.folder / "po.850").read_bytes() == b"ISA*00~"
    assert outbox.sent == ["stage", "publish"]


async def test_the_done_marker_comes_last(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox", done_marker="{stem}.ok")
    await outbox.deliver(delivery())

    assert outbox.sent == ["stage", "publish", "mark"]
    assert outbox.names() == ["po.850", "po.ok"]


async def test_only_the_publish_is_a_write(outbox: Outbox) -> None:
    staged = await outbox.step(delivery(), [])
    request = outbox.target.next_request(delivery(), staged, NOW)

    assert staged[0].request.effect is Effect.REPEATABLE
    assert isinstance(request, Request)
    assert (request.step, request.effect) == ("publish", Effect.WRITE)


async def test_a_publish_whose_reply_was_lost_is_found_even_when_the_file_was_taken_away(
    outbox: Outbox,
) -> None:
    steps = await outbox.step(delivery(), [])
    steps = await outbox.step(delivery(), steps, lose_reply="publish")
    assert isinstance(steps[-1].outcome, InDoubt)
    (outbox.folder / "po.850").unlink()  # the receiver was quick

    assert await outbox.deliver(delivery(), steps) == "po.850"
    assert outbox.sent == ["stage", "publish", "probe"]
    assert outbox.names() == []


async def test_a_publish_that_never_happened_is_done_after_the_probe(outbox: Outbox) -> None:
    steps = await outbox.step(delivery(), [])
    steps = await outbox.step(delivery(), steps, lose_request="publish")

    assert await outbox.deliver(delivery(), steps) == "po.850"
    assert outbox.sent == ["stage", "publish", "probe", "publish"]
    assert outbox.names() == ["po.850"]


@pytest.mark.parametrize("lost", ["stage", "publish", "probe", "mark"])
@pytest.mark.parametrize("is_done", [True, False])
async def test_a_death_at_any_step_delivers_exactly_once(tmp_path: Path, lost: str, is_done: bool) -> None:
    outbox = Outbox(tmp_path / "outbox", done_marker="{name}.done")
    consumed: list[bytes] = []
    steps: list[StepResult] = []
    deaths = 0
    while isinstance(request := outbox.target.next_request(delivery(), steps, NOW), Request):
        if deaths == 0 and request.step == ("publish" if lost == "probe" else lost):
            deaths += 1
            if is_done:
                await outbox.sink.send(request)
            steps = [*steps, StepResult(request, None, None, NOW)]  # begun, and never heard of again
        elif deaths == 1 and request.step == lost == "probe":
            deaths += 1
            steps = [*steps, StepResult(request, None, None, NOW)]
        else:
            steps = await outbox.step(delivery(), steps)
        if (place := outbox.folder / "po.850").exists():
            consumed.append(place.read_bytes())
            place.unlink()

    assert consumed == [b"ISA*00~"]
    assert deaths == (2 if lost == "probe" else 1)
    # What a dead process staged may still be written late, so its name is never used again.
    left = [f".po.850.{REFERENCE}.tmp"] if is_done and lost == "stage" else []
    assert outbox.names() == [*left, "po.850.done"]


async def test_a_name_that_another_file_has_gets_the_references_first_characters(outbox: Outbox) -> None:
    (outbox.folder / "po.850").write_bytes(b"of another")

    assert await outbox.deliver(delivery()) == "po-ABCDEFGH.850"
    assert (outbox.folder / "po.850").read_bytes() == b"of another"
    assert (outbox.folder / "po-ABCDEFGH.850").read_bytes() == b"ISA*00~"
    assert len(outbox.names()) == 2


async def test_a_folder_full_of_our_names_asks_a_person(outbox: Outbox) -> None:
    for name in final_names("{stem}{suffix}", delivery()):
        (outbox.folder / name).touch()
    steps: list[StepResult] = []
    for _ in range(5):
        steps = await outbox.step(delivery(), steps)

    stuck = outbox.target.next_request(delivery(), steps, NOW)
    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "FILE-NAME-TAKEN"


async def test_a_staged_file_that_somebody_removed_is_written_again(outbox: Outbox) -> None:
    steps = await outbox.step(delivery(), [])
    for place in outbox.folder.iterdir():
        place.unlink()

    assert await outbox.deliver(delivery(), steps) == "po.850"
    assert outbox.sent == ["stage", "publish", "stage", "publish"]


async def test_a_full_disk_waits_and_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path / "outbox")

    def full(self: FolderPort, descriptor: int, body: bytes) -> None:
        os.write(descriptor, body[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FolderPort, "_fill", full)
    steps = await outbox.step(delivery(), [])
    outcome = steps[-1].outcome

    assert isinstance(outcome, Transient)
    assert outcome.kind is TransientKind.OUTAGE  # it resumes by itself and spends no attempt
    assert outbox.names() == []
    monkeypatch.undo()
    assert await outbox.deliver(delivery(), steps) == "po.850"


async def test_a_folder_that_is_not_there_waits(outbox: Outbox) -> None:
    outbox.folder.rmdir()
    steps = await outbox.step(delivery(), [])
    assert isinstance(steps[-1].outcome, Transient)
    assert steps[-1].outcome.kind is TransientKind.OUTAGE

    outbox.folder.mkdir()
    outbox.folder.chmod(0o777)
    assert await outbox.deliver(delivery(), steps) == "po.850"


async def test_a_claim_that_ran_out_writes_nothing(outbox: Outbox) -> None:
    async def no_longer() -> bool:
        return False

    request = outbox.target.next_request(delivery(), [], NOW)
    assert isinstance(request, Request)
    reply = await outbox.sink.send(request, still_mine=no_longer)

    assert reply == NoReply("none", "the claim on this delivery ran out", "stale_claim")
    assert outbox.names() == []


async def test_a_hanging_share_is_given_up_on_and_is_in_doubt_only_after_the_rename(tmp_path: Path) -> None:
    import threading

    release = threading.Event()

    class Hanging(FolderPort):
        def _move(self, path: str, to: str, durably: bool) -> None:
            release.wait(10)
            super()._move(path, to, durably)

    outbox = Outbox(tmp_path / "outbox", timeout="0.05s")
    outbox.sink = FileSink(Hanging(outbox.folder, Counter().token))
    steps = await outbox.step(delivery(), [])
    steps = await outbox.step(delivery(), steps)
    assert isinstance(steps[-1].outcome, InDoubt)
    release.set()
    await outbox.sink.close()


async def test_a_write_that_ends_late_is_not_taken_for_the_file_that_was_published(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    steps = await outbox.step(delivery(), [], lose_request="stage")
    late = steps[0].request  # it hangs in a dead share
    steps = await outbox.step(delivery(), steps)
    steps = await outbox.step(delivery(), steps, lose_reply="publish")
    (outbox.folder / "po.850").unlink()  # the receiver has taken it
    await outbox.sink.send(late)

    assert await outbox.deliver(delivery(), steps) == "po.850"
    assert outbox.sent == ["stage", "stage", "publish", "probe"]


async def test_a_write_of_a_process_that_was_killed_is_not_taken_for_the_file_that_was_published(
    tmp_path: Path,
) -> None:
    outbox = Outbox(tmp_path / "outbox")
    steps = await outbox.step(delivery(), [], lose_request="stage")
    late = steps[0].request
    steps = [replace(steps[0], reply=None, outcome=None)]  # the journal knows only that it began
    steps = await outbox.step(delivery(), steps)
    steps = await outbox.step(delivery(), steps, lose_reply="publish")
    (outbox.folder / "po.850").unlink()
    await outbox.sink.send(late)

    assert await outbox.deliver(delivery(), steps) == "po.850"


async def test_a_rename_that_ends_after_it_was_looked_for_is_for_a_person_to_judge(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    steps = await outbox.step(delivery(), [])
    steps = await outbox.step(delivery(), steps, lose_request="publish")
    steps = await outbox.step(delivery(), steps)
    assert steps[-1].step == "probe"
    await outbox.sink.send(steps[1].request)  # only now
    (outbox.folder / "po.850").unlink()
    steps = await outbox.step(delivery(), steps)

    stuck = outbox.target.next_request(delivery(), steps, NOW)
    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "FILE-IN-DOUBT"


async def test_an_address_never_leads_out_of_the_folder(outbox: Outbox, tmp_path: Path) -> None:
    for address in ("../out", "a/b/c", "", ".", "..", "a/..", "/etc/x", "a\0b"):
        reply = await outbox.sink.send(Request("stage", Effect.REPEATABLE, "stage", address, b"x"))
        assert isinstance(reply, Reply)
        assert reply.status == 400, address
    assert outbox.names() == []
    assert [each.name for each in tmp_path.iterdir() if each.name != "outbox"] == []


@pytest.mark.parametrize("died_at", ["link", "unlink"])
@pytest.mark.parametrize("is_taken", [True, False])
async def test_a_publish_in_two_steps_that_died_between_them_is_never_done_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, died_at: str, is_taken: bool
) -> None:
    """Where the file system has no rename that refuses to replace (NFS, SMB), and the receiver is quick."""
    outbox = Outbox(tmp_path / "outbox")
    monkeypatch.setattr(driver_folder, "_renameat2", None)
    steps = await outbox.step(delivery(), [])

    def die(*args: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    publish = outbox.target.next_request(delivery(), steps, NOW)
    assert isinstance(publish, Request)
    place, final = outbox.folder / publish.address, outbox.folder / "po.850"
    with monkeypatch.context() as dying:
        dying.setattr(*((os, "link", die) if died_at == "link" else (Path, "unlink", die)))
        with pytest.raises(KeyboardInterrupt):
            driver_folder._rename_new(place, final, marks=True)
    taken = int(final.exists() and is_taken)
    if taken:
        final.unlink()
    steps = [*steps, StepResult(publish, None, None, NOW, NOW)]  # the journal knows only that it began
    steps = await outbox.step(delivery(), steps)

    assert steps[-1].step == "probe"
    if died_at == "unlink" and not is_taken:
        assert await outbox.deliver(delivery(), steps) == "po.850"
        assert outbox.names() == ["po.850"]
    else:
        assert isinstance(steps[-1].outcome, Rejected)
        assert steps[-1].outcome.findings[0].code == "FILE-IN-DOUBT"
        assert not final.exists()


async def test_a_rename_in_two_steps_that_died_between_them_is_finished(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:  # 28: a file system without a rename that refuses to replace
    monkeypatch.setattr(driver_folder, "_renameat2", None)
    steps = await outbox.step(delivery(), [])
    (outbox.folder / "po.850").hardlink_to(outbox.folder / f".po.850.{REFERENCE}.tmp")

    assert await outbox.deliver(delivery(), steps) == "po.850"
    assert outbox.names() == ["po.850"]


@pytest.mark.parametrize("has_renameat2", [True, False])
async def test_a_move_never_replaces_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_renameat2: bool
) -> None:
    if not has_renameat2:
        monkeypatch.setattr(driver_folder, "_renameat2", None)
    port = FolderPort(tmp_path, Counter().token)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")

    with pytest.raises(PortError) as caught:
        await port.move("a", "b")
    assert caught.value.kind is PortErrorKind.TAKEN
    await port.move("a", "c")
    with pytest.raises(PortError) as caught:
        await port.move("a", "d")
    assert caught.value.kind is PortErrorKind.MISSING
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"b": "b", "c": "a"}
    await port.close()


@given(
    st.text(max_size=300),
    st.sampled_from(["{stem}{suffix}", "{name}", "{reference}.edi", "{stem}.{role}.txt"]),
)
def test_a_delivered_name_is_always_harmless(name: str, template: str) -> None:
    for final in final_names(template, delivery(name)):
        assert final
        assert final[0] not in ".-"
        assert all(char.isascii() and (char.isalnum() or char in "._-") for char in final)
        assert len(f".{final}.{REFERENCE}.tmp") < 250


def test_the_names_to_try_are_all_different_and_the_same_every_time() -> None:
    order = delivery("../../etc/pass wd")
    names = final_names("{stem}{suffix}", order)

    assert names[0] == "pass_wd"
    assert len(set(names)) == len(names) == 4
    assert final_names("{stem}{suffix}", replace(order)) == names
    assert final_names("{stem}{suffix}", delivery("CON.txt"))[0] == "_CON.txt"


def test_a_probe_that_finds_the_staged_file_says_it_was_not_published(tmp_path: Path) -> None:
    target = FileTarget(FilesEndpoint(folder=LocalPath(tmp_path)))
    probe = Request("probe", Effect.READ, "probe", ".a.tmp", headers=(("to", "a"),))

    assert target.interpret(probe, Reply(404)) == Accepted()
    assert target.interpret(probe, Reply(200)) == Accepted("a")
    assert isinstance(target.interpret(probe, NoReply("maybe", "gone")), Transient)
