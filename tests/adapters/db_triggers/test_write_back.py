"""Write-back: a document is written once, whole or not at all, and does not come back by the feed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from adapters.base import Accepted, Finished, InDoubt, Rejected, StepResult, Stuck, Transient, TransientKind
from adapters.base.transport import Effect, NoReply
from adapters.db_triggers.config import DbEndpoint
from tests.adapters.db_triggers.hospital import connected, outbox, prepared, run, settings_for
from tests.adapters.db_triggers.servers import Database
from tests.adapters.db_triggers.test_ddl import HEADER, LINE
from tests.adapters.db_triggers.writing import (
    AT,
    WRITE_BACK,
    Mms,
    answer,
    delivery,
    pair,
    receipt,
    requested,
    write,
)


@pytest.fixture
def settings(database: Database) -> DbEndpoint:
    return settings_for(database, write_back=WRITE_BACK)


@pytest.fixture
async def mms(database: Database, settings: DbEndpoint):
    """Give target and sink; order P-1 with two lines stands in the database and was fed."""
    await prepared(database, settings)
    async with connected(database) as user:
        key = "P-1".ljust(10)
        await run(user, LINE.format(key, 1), LINE.format(key, 2), HEADER.format(key))
        await run(user, "delete from legacy_bridge_outbox")
    target, sink = pair(settings)
    yield target, sink
    await sink.close()


async def test_a_receipt_is_written_into_all_its_tables_and_comes_back_by_none(
    database: Database, mms
) -> None:
    outcome = await write(mms, delivery(receipt("RC-1", "P-1", _1="2", _2="1.5")))

    assert outcome == Accepted("receipt 2, po_line 2, po_hdr 1")
    assert await rows(database, "select line_no, qty, src from receipt order by line_no") == [
        (1, 2, "BRIDGE"), (2, 1.5, "BRIDGE"),
    ]  # fmt: skip
    assert await rows(database, "select qty_rcvd from po_line order by line_no") == [(2,), (1.5,)]
    assert await rows(database, "select po_sts, ack_sts from po_hdr") == [("PR", None)]
    assert await outbox(database) == []


async def test_the_same_reference_again_changes_nothing(database: Database, mms: Mms) -> None:
    sent = delivery(receipt("RC-1", "P-1", _1="2"))
    await write(mms, sent)

    outcome = await write(mms, sent)

    assert outcome == Accepted("receipt 1, po_line 1, po_hdr 1 (written before)")
    assert await rows(database, "select qty_rcvd from po_line order by line_no") == [(2,), (0,)]


async def test_the_same_reference_with_other_content_is_refused(database: Database, mms: Mms) -> None:
    await write(mms, delivery(receipt("RC-1", "P-1", _1="2")))

    outcome = await write(mms, delivery(receipt("RC-1", "P-1", _1="3")))

    assert codes(outcome) == ["DB-REFERENCE"]
    assert await rows(database, "select qty_rcvd from po_line order by line_no") == [(2,), (0,)]


async def test_a_row_that_is_missing_undoes_the_whole_document(database: Database, mms: Mms) -> None:
    outcome = await write(mms, delivery(receipt("RC-1", "P-1", _1="2", _7="1")))

    assert codes(outcome) == ["DB-NO-ROW"]
    assert "po_line po_no 'P-1', line_no '7'" in str(outcome)
    assert await rows(database, "select count(*) from receipt") == [(0,)]
    assert await rows(database, "select count(*) from legacy_bridge_written") == [(0,)]


async def test_what_does_not_fit_its_column_is_refused_before_anything_is_written(
    database: Database, mms
) -> None:
    outcome = await write(mms, delivery(receipt("RC-1", "P-1", _1="2.0001", _2="123456789")))

    assert codes(outcome) == ["DB-PRECISION"] * 4  # two lines, in two tables each
    assert await rows(database, "select count(*) from receipt") == [(0,)]


async def test_a_row_that_somebody_entered_already_is_told(database: Database, mms: Mms) -> None:
    async with connected(database) as user:
        await run(
            user,
            "insert into receipt (rcpt_no, line_no, po_no, qty, rcpt_dt) "
            "values ('RC-1', 1, 'P-1', 1, '20261120')",
        )

    outcome = await write(mms, delivery(receipt("RC-1", "P-1", _1="2")))

    assert codes(outcome) == ["DB-EXISTS"]
    assert await rows(database, "select count(*) from legacy_bridge_written") == [(0,)]


async def test_an_update_that_changes_nothing_still_finds_its_row(database: Database, mms: Mms) -> None:
    await write(mms, delivery(answer("P-1"), "R1"))

    assert await write(mms, delivery(answer("P-1"), "R2")) == Accepted("po_hdr 1")


async def test_a_user_who_follows_on_the_very_same_connection_is_heard(database: Database, mms: Mms) -> None:
    target, sink = mms
    await write((target, sink), delivery(answer("P-1")))
    async with sink._sessions.session() as connection:  # what a pool would give to somebody else
        await run(connection, "update po_hdr set note_txt = 'mine'")

    assert await outbox(database) == [("po_hdr", "U", '["P-1"]')]


async def test_after_an_error_the_connection_is_not_used_again(database: Database, mms: Mms) -> None:
    target, sink = mms
    await write((target, sink), delivery(answer("P-1")))
    kept = sink._sessions._free[0].connection

    await write((target, sink), delivery(receipt("RC-1", "P-1", _7="1"), "R2"))

    assert kept.closed
    assert sink._sessions._free == []


async def test_without_taking_the_mark_off_mariadb_would_not_hear_the_next_user(mariadb: Database) -> None:
    """The negative control: a mark that is left on the session hides a user's change for ever."""
    await prepared(mariadb, settings_for(mariadb))
    async with connected(mariadb) as shared:
        await run(shared, "set @legacy_bridge_origin = 'legacy-bridge'", HEADER.format("P-1"))
        await run(shared, HEADER.format("P-2"))  # a user, on the connection as the pool gave it

    assert await outbox(mariadb) == []


async def test_a_locked_row_is_waited_for_and_then_tried_again_later(database: Database, settings) -> None:
    await prepared(database, settings)
    async with connected(database) as user:
        await run(user, HEADER.format("P-1".ljust(10)))
    patient = settings_for(database, write_back={**WRITE_BACK, "lock_wait": "200ms", "timeout": "20s"})
    target, sink = pair(patient)
    try:
        async with connected(database) as user:
            await user.execute(text("update po_hdr set note_txt = 'being edited'"))
            outcome = await write((target, sink), delivery(answer("P-1")))
            await user.commit()
        after = await write((target, sink), delivery(answer("P-1")))
    finally:
        await sink.close()

    assert isinstance(outcome, Transient)
    assert outcome.kind is TransientKind.ERROR
    assert after == Accepted("po_hdr 1")


async def test_withdrawn_rights_make_deliveries_wait_and_say_what_is_missing(
    database: Database, mms: Mms
) -> None:
    async with connected(database) as user:
        await run(user, "drop table legacy_bridge_written")

    outcome = await write(mms, delivery(answer("P-1")))

    assert isinstance(outcome, Transient)
    assert outcome.kind is TransientKind.OUTAGE
    assert "db render" in outcome.reason


async def test_a_killed_server_leaves_a_doubt_that_the_same_request_clears(
    database: Database, mms: Mms
) -> None:
    if database.server is None:
        return  # a file has no server; its own kill is in test_write_kills.py
    target, sink = mms
    sent = delivery(receipt("RC-1", "P-1", _1="2"))
    await write((target, sink), sent)
    database.server.kill()
    down = await write((target, sink), sent)
    database.server.start()

    assert isinstance(down, InDoubt)
    assert await write((target, sink), sent) == Accepted("receipt 1, po_line 1, po_hdr 1 (written before)")


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
async def test_a_server_that_is_down_is_an_outage_and_leaves_no_doubt(database: Database, mms: Mms) -> None:
    assert database.server is not None
    database.server.stop()
    outcome = await write(mms, delivery(answer("P-1")))
    database.server.start()

    assert isinstance(outcome, Transient), outcome
    assert outcome.kind is TransientKind.OUTAGE


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
async def test_a_refused_log_in_waits_for_the_password_to_be_set_right(database: Database) -> None:
    settings = settings_for(database, write_back=WRITE_BACK).model_copy(update={"user": "nobody"})
    target, sink = pair(settings)
    outcome = await write((target, sink), delivery(answer("P-1")))
    await sink.close()

    assert isinstance(outcome, Transient), outcome
    assert outcome.kind is TransientKind.CREDENTIAL


def test_a_request_is_repeatable_and_says_in_words_what_is_written(sqlite: Database) -> None:
    target, _ = pair(settings_for(sqlite, write_back=WRITE_BACK))
    request = requested(target, delivery(answer("P-1")))

    assert request.effect is Effect.REPEATABLE
    assert b'"key": {"po_no": "P-1       "}' in request.body
    assert request == target.next_request(delivery(answer("P-1")), (), AT)


def test_an_answer_that_may_have_come_through_is_sent_again_as_it_was(sqlite: Database) -> None:
    target, _ = pair(settings_for(sqlite, write_back=WRITE_BACK))
    sent = delivery(answer("P-1"))
    request = requested(target, sent)
    unknown = StepResult(request, NoReply("maybe", "cut"), InDoubt("cut"), AT)

    assert target.next_request(sent, (unknown,), AT) == request
    done = replace(unknown, outcome=Accepted("po_hdr 1"))
    assert target.next_request(sent, (unknown, done), AT) == Finished("po_hdr 1")


@pytest.mark.parametrize(
    "change, code",
    [({"role": "copy"}, "DB-COPY"), ({"canonical": None, "body": b"ISA"}, "DB-NO-DOCUMENT")],
)
def test_what_the_database_cannot_take_is_parked_by_name(sqlite: Database, change, code: str) -> None:
    target, _ = pair(settings_for(sqlite, write_back=WRITE_BACK))
    found = target.next_request(delivery(answer("P-1"), **change), (), AT)

    assert isinstance(found, Stuck)
    assert [finding.code for finding in found.findings] == [code]


async def rows(database: Database, query: str) -> list:
    async with connected(database) as connection:
        found = (await connection.execute(text(query))).all()
    return [tuple(each.strip() if isinstance(each, str) else each for each in row) for row in found]


def codes(outcome) -> list[str]:
    assert isinstance(outcome, Rejected), outcome
    return [finding.code for finding in outcome.findings]
