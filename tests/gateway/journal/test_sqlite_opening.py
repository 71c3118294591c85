"""Opening a SQLite journal: versions, upgrades, keys, files that are none of ours."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from adapters.base import AliasKind, Finding, Interchange, Position, Rejected, Reply
from gateway.journal.base import JournalError
from gateway.journal.sqlite import JournalInUseError, JournalKeyError, SqliteJournal
from gateway.journal.sqlite.cipher import cipher_for, open_note, seal_note
from gateway.journal.sqlite.named_sql import load_migrations
from gateway.journal.sqlite.opening import is_affected, require_sound_sqlite
from gateway.journal.types import DeliveryState, MessageState, Naming
from tests.gateway.journal.builders import (
    T0,
    Scene,
    arrival,
    delivery,
    document,
    entry,
    pieces,
    request,
    result,
)
from tests.gateway.journal.conftest import SetClock

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
SECRET = b"HIP PROSTHESIS 41-7 " * 40


async def opened(path: Path, key: bytes | None = None) -> SqliteJournal:
    return await SqliteJournal.open(path, clock=SetClock(), key=key)


@pytest.mark.parametrize("version", ["3.40.1", "3.44.5", "3.45.0", "3.50.6", "3.51.2"])
def test_a_sqlite_with_the_wal_reset_bug_is_refused(version: str) -> None:
    with pytest.raises(JournalError, match=f"SQLite {version} has the WAL-reset bug"):
        require_sound_sqlite(version)


@pytest.mark.parametrize("version", ["3.44.6", "3.50.7", "3.51.3", "3.54.1", apsw.sqlite_lib_version()])
def test_a_sqlite_without_it_is_taken(version: str) -> None:
    assert not is_affected(version)


async def test_commits_are_flushed_to_a_write_ahead_log(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal.db")
    settings = await journal._read(  # what SQLite itself says of the writing connection
        lambda _: [
            journal._database.connection.pragma(name)
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    )
    await journal.close()

    assert settings == ["wal", 2, 1]  # 2 is FULL


async def test_one_process_cannot_own_a_store_twice(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal.db")

    with pytest.raises(JournalInUseError, match=r"process \d+ owns this journal"):
        await opened(tmp_path / "journal.db")

    await journal.close()


async def test_one_process_owns_a_store_whatever_name_leads_to_it_and_whoever_tidies_up(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    path, link = tmp_path / "a" / "journal.db", tmp_path / "b.db"
    link.symlink_to(path)
    journal = await opened(path)
    (tmp_path / "a" / "journal.db.lock").unlink()

    for name in (path, link):
        with pytest.raises(JournalInUseError, match="owns this journal"):
            await opened(name)
    await journal.accept(arrival("m1"), b"one")
    await journal.close()

    journal = await opened(link)
    assert [each.message_id for each in await journal.messages()] == ["m1"]
    await journal.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b.db"]


async def test_nobody_but_its_owner_may_read_a_new_store(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        journal = await opened(tmp_path / "journal.db")
        await journal.accept(arrival("m1"), b"one")
        await journal.append_audit("me", "did", "it", {}, "why", T0)
        modes = {each.name: stat.filemode(each.stat().st_mode) for each in tmp_path.iterdir()}
        await journal.close()
    finally:
        os.umask(before)

    names = ["journal.db", "journal.db-shm", "journal.db-wal", "journal.db.audit-head", "journal.db.lock"]
    assert modes == dict.fromkeys(names, "-rw-------")


# --- versions of the file -------------------------------------------------------------------------------


def write_version_1(path: Path) -> None:
    dump = Path(__file__).with_name("journal_v1.sql").read_text("utf-8")
    with apsw.Connection(str(path)) as connection:
        connection.execute(dump.replace("BEGIN TRANSACTION;", "").replace("COMMIT;", ""))


async def test_a_journal_of_version_1_is_brought_up_to_date_and_goes_on(tmp_path: Path) -> None:
    write_version_1(tmp_path / "journal.db")

    journal = await opened(tmp_path / "journal.db")
    scene = Scene(journal)

    assert journal._database.connection.pragma("user_version") == load_migrations()[-1][0]
    assert [(m.message_id, m.state) for m in await journal.messages()] == [
        ("refused-3", MessageState.REFUSED),
        ("m2", MessageState.PLANNED),
        ("m1", MessageState.PLANNED),
    ]
    assert [piece async for piece in journal.body("m1")] == [b"body of m1"]
    (done, ready) = await journal.deliveries()
    assert (done.state, done.target_reference, done.steps[0].reply) == (
        DeliveryState.DONE,
        "ERP-1",
        result().reply,
    )
    claimed = await scene.claim_only()
    assert (claimed.claim.delivery_id, claimed.document) == (ready.delivery_id, b'{"number":"O-m2"}')
    assert len(await journal.overdue(T0.replace(year=2027), T0)) == 1
    assert await journal.damage() == []
    await journal.close()


async def test_names_of_an_older_journal_are_the_endpoints_that_told_them(tmp_path: Path) -> None:
    write_version_1(tmp_path / "journal.db")
    with apsw.Connection(str(tmp_path / "journal.db")) as connection:
        ((key, target),) = connection.execute(
            "SELECT order_key, target FROM order_delivery JOIN delivery USING (number) "
            "WHERE target_reference = 'ERP-1'"
        )
        known = [("erp", "ERP-1", "", ""), ("erp", "ERP-1", "1", "10"), ("erp", "X-9", "", "")]
        for row in [*known, ("imported", "ERP-1", "", "")]:
            connection.execute("INSERT INTO alias VALUES (?, ?, ?, ?, ?)", (key, *row))

    journal = await opened(tmp_path / "journal.db")
    resolved = (await journal.facts([], [], ["ERP-1", "X-9"])).resolved
    told = {each: await journal.aliases(key, each) for each in (target, "another")}
    await journal.close()

    assert resolved["ERP-1"][key] == {Naming(AliasKind.ERP, target), Naming(AliasKind.IMPORTED)}
    assert resolved["X-9"][key] == {Naming(AliasKind.ERP)}
    assert set(told[target]) == {*known, ("imported", "ERP-1", "", "")}
    assert set(told["another"]) == {("erp", "X-9", "", ""), ("imported", "ERP-1", "", "")}


async def test_a_journal_of_an_older_version_is_not_opened_for_reading_alone(tmp_path: Path) -> None:
    write_version_1(tmp_path / "journal.db")

    with pytest.raises(JournalError, match="version 1; the gateway brings it to"):
        await SqliteJournal.open_readonly(tmp_path / "journal.db", clock=SetClock())


async def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path) -> None:
    write_version_1(tmp_path / "journal.db")
    with apsw.Connection(str(tmp_path / "journal.db")) as connection:
        connection.execute("CREATE TABLE alarm (in_the_way INTEGER)")

    with pytest.raises(JournalError, match="alarm already exists"):
        await opened(tmp_path / "journal.db")

    with apsw.Connection(str(tmp_path / "journal.db")) as connection:
        assert connection.pragma("user_version") == 1
        columns = [row[1] for row in connection.execute("PRAGMA table_info(message)")]
        assert "has_content" not in columns


async def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    await (await opened(tmp_path / "journal.db")).close()
    with apsw.Connection(str(tmp_path / "journal.db")) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(JournalError, match=r"has version 99, and this gateway knows versions up to \d+"):
        await opened(tmp_path / "journal.db")


@pytest.mark.parametrize("content", [b"not a database at all" * 100, None])
async def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "journal.db"
    if content is None:
        with apsw.Connection(str(path)) as connection:
            connection.execute("CREATE TABLE accounts (name TEXT)")
    else:
        path.write_bytes(content)
    before = path.read_bytes()

    with pytest.raises(JournalError, match="is not a journal"):
        await opened(path)

    assert path.read_bytes() == before


async def test_reading_alone_writes_nothing(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal.db")
    await journal.accept(arrival("m1"), b"one")
    await journal.close()

    looking = await SqliteJournal.open_readonly(tmp_path / "journal.db", clock=SetClock())

    assert [message.message_id for message in await looking.messages()] == ["m1"]
    assert not await looking.is_healthy()
    with pytest.raises(JournalError, match="for reading alone"):
        await looking.accept(arrival("m2"), b"two")
    with pytest.raises(JournalError, match="for reading alone"):
        await looking.accept(arrival("m3"), pieces(b"three"))
    await looking.close()


async def test_there_is_nothing_to_read_where_there_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal here"):
        await SqliteJournal.open_readonly(tmp_path / "journal.db", clock=SetClock())


# --- keys -----------------------------------------------------------------------------------------------


async def fill(journal: SqliteJournal) -> None:
    """Have every kind of body written (of messages, documents, deliveries, steps), and of note."""
    scene, header = Scene(journal), (("X-Note", SECRET.decode()),)
    await journal.accept(arrival("m1"), SECRET)
    await journal.accept(arrival("m2"), pieces(*[SECRET * 400] * 2))
    told = Finding("X12-QTY", Position("in", path=SECRET.decode()), SECRET.decode())
    planned = document(0, canonical=SECRET, findings=(told,), decision=SECRET.decode())
    of_message = {
        "findings": (told,),
        "interchanges": (Interchange(None, None, "1", False, {"bad": SECRET.decode()}),),
    }
    opens = (entry(reason=SECRET.decode(), message_id="m1"),)
    await scene.plan("m1", [planned], [delivery("d1", body=SECRET)], opens=opens, **of_message)
    claim = (await scene.claim_only()).claim
    asked = replace(request(), address=f"/{SECRET.decode()}", headers=header, body=SECRET)
    await journal.attempt_started(claim, asked, T0)
    answered = replace(result(), request=asked, reply=Reply(200, SECRET, header), outcome=Rejected((told,)))
    notes = {"reason": SECRET.decode(), "findings": (told,)}
    await scene.settle(claim, DeliveryState.WAITING, result=answered, **notes)


async def test_with_a_key_no_body_stands_readable_in_any_file_and_all_come_back(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal.db", KEY)
    await fill(journal)
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    await journal.close()
    on_disk += b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert b"PROSTHESIS" not in on_disk
    journal = await opened(tmp_path / "journal.db", KEY)
    assert b"".join([piece async for piece in journal.body("m2")]) == SECRET * 800
    claimed = await Scene(journal).claim_only()
    assert (claimed.body, claimed.document) == (SECRET, SECRET)
    (step,) = claimed.steps
    assert (step.request.body, step.request.address) == (SECRET, f"/{SECRET.decode()}")
    assert step.reply == Reply(200, SECRET, (("X-Note", SECRET.decode()),))
    secret = SECRET.decode()
    (view,), (message,) = await journal.deliveries(), await journal.messages(states=[MessageState.PLANNED])
    (planned,) = await journal.documents()
    findings = (*message.findings, *planned.plan.findings, *view.findings)
    assert [each.text for each in findings] == [secret] * 3
    assert (view.reason, planned.plan.decision, message.interchanges[0].facts) == (
        secret,
        secret,
        {"bad": secret},
    )
    assert isinstance(step.outcome, Rejected)
    (order,) = await journal.orders()
    assert order.reason == secret
    await journal.close()


async def test_an_order_s_reason_that_an_earlier_version_wrote_in_the_clear_is_read_as_it_is(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    journal = await opened(path, KEY)
    await fill(journal)
    await journal.close()
    with contextlib.closing(apsw.Connection(str(path))) as earlier:
        earlier.execute("UPDATE order_entry SET reason = 'facility 04'")

    journal = await opened(path, KEY)
    (order,) = await journal.orders()
    assert order.reason == "facility 04"
    await journal.close()


def test_a_note_that_an_earlier_version_wrote_in_the_clear_is_read_as_it_is() -> None:
    cipher = cipher_for(KEY)
    note = '[{"text":"too long"}]'
    sealed = seal_note(cipher, note)

    assert sealed is not None
    assert "too long" not in sealed
    assert [open_note(cipher, each) for each in (note, sealed, None, "")] == [note, note, None, ""]
    assert seal_note(cipher_for(None), note) == note


async def test_without_a_key_bodies_stand_readable(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal.db")
    await fill(journal)
    await journal.close()

    assert b"PROSTHESIS" in (tmp_path / "journal.db").read_bytes()


@pytest.mark.parametrize(
    "written, given, told",
    [
        (KEY, OTHER_KEY, r"encrypted under the key \w{16}; the key \w{16} was given"),
        (KEY, None, r"encrypted under the key \w{16}; no key was given"),
        (None, KEY, "not encrypted, and a key was given"),
        (KEY, b"short", "has 5 bytes; exactly 32 are needed"),
    ],
)
async def test_a_wrong_key_is_refused_at_once(
    tmp_path: Path, written: bytes | None, given: bytes | None, told: str
) -> None:
    await (await opened(tmp_path / "journal.db", written)).close()

    with pytest.raises(JournalKeyError, match=told):
        await opened(tmp_path / "journal.db", given)
    with pytest.raises(JournalKeyError, match=told):
        await SqliteJournal.open_readonly(tmp_path / "journal.db", clock=SetClock(), key=given)


@pytest.mark.parametrize("key", [KEY, None])
async def test_bodies_that_traded_places_are_noticed_and_stop_nothing_else(
    tmp_path: Path, key: bytes | None
) -> None:
    journal = await opened(tmp_path / "journal.db", key)
    for message_id in ("m1", "m2"):
        await Scene(journal).order(message_id, f"O-{message_id}")
    await Scene(journal).order("m3", "O-m3")
    await journal.close()
    with apsw.Connection(str(tmp_path / "journal.db")) as connection:
        connection.execute("UPDATE document SET body_id = 6 - body_id WHERE body_id IN (2, 4)")
        connection.execute("UPDATE message SET body_id = 4 - body_id WHERE body_id IN (1, 3)")

    journal = await opened(tmp_path / "journal.db", key)
    with pytest.raises(JournalError, match="message:m1#0 was changed or moved in the file"):
        [piece async for piece in journal.body("m1")]

    assert await Scene(journal).claim_ids() == ["m3-d"]
    assert [(item.exception_id, item.findings[0].code) for item in await journal.exceptions()] == [
        ("m1-d", "JOURNAL-DAMAGED"),
        ("m2-d", "JOURNAL-DAMAGED"),
    ]
    assert await journal.is_healthy()
    await journal.close()


@pytest.mark.parametrize("key", [KEY, None])
async def test_a_damaged_body_is_left_out_of_what_is_begun(tmp_path: Path, key: bytes | None) -> None:
    journal = await opened(tmp_path / "journal.db", key)
    for message_id in ("m1", "m2", "m3"):
        await journal.accept(arrival(message_id), message_id.encode())
    await journal.close()
    with apsw.Connection(str(tmp_path / "journal.db")) as connection:
        connection.execute("UPDATE message SET body_id = 4 - body_id WHERE body_id IN (1, 3)")

    journal = await opened(tmp_path / "journal.db", key)
    begun = await journal.begin_together(["m1", "m2", "m3"], 1)

    assert [body for _, body in begun] == [None, b"m2", None]
    with pytest.raises(JournalError, match="message:m1#0 was changed or moved in the file"):
        [piece async for piece in journal.body("m1")]
    await journal.close()


@pytest.mark.parametrize("key", [KEY, None])
async def test_a_damaged_column_is_told_by_its_record_and_stops_nothing_else(
    tmp_path: Path, key: bytes | None
) -> None:
    journal = await opened(tmp_path / "journal.db", key)
    for message_id in ("m1", "m2"):
        await Scene(journal).order(message_id, f"O-{message_id}")
    await journal.close()
    with apsw.Connection(str(tmp_path / "journal.db")) as connection:
        connection.execute("UPDATE message SET origin = replace(origin, ',', '<') WHERE message_id = 'm1'")

    journal = await opened(tmp_path / "journal.db", key)
    with pytest.raises(JournalError, match="message:m1 was changed or moved in the file"):
        await journal.message("m1")

    assert await Scene(journal).claim_ids() == ["m2-d"]
    assert [(item.exception_id, item.findings[0].code) for item in await journal.exceptions()] == [
        ("m1-d", "JOURNAL-DAMAGED")
    ]
    assert await journal.is_healthy()
    await journal.close()
