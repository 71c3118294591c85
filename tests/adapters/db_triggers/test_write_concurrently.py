"""Write-back while users edit the same rows: nothing echoes, and no user's edit is missed."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base import Accepted, InDoubt, Transient
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.driver_echo import EchoGuard
from adapters.db_triggers.driver_sessions import Sessions
from adapters.db_triggers.outbox import Change, outbox_table
from tests.adapters.db_triggers.hospital import connected, outbox, prepared, run, secret, settings_for
from tests.adapters.db_triggers.rig import Journal, feeding, source_for
from tests.adapters.db_triggers.servers import Database
from tests.adapters.db_triggers.test_ddl import HEADER
from tests.adapters.db_triggers.writing import WRITE_BACK, Mms, answer, delivery, pair, write
from tests.scale import scaled

ORDERS = 8
USERS = 4


@pytest.fixture
async def mms(database: Database):
    settings = settings_for(database, write_back=WRITE_BACK)
    await prepared(database, settings)
    async with connected(database) as user:
        await run(user, *(HEADER.format(f"P-{n}".ljust(10)) for n in range(ORDERS)))
        await run(user, "delete from legacy_bridge_outbox")
    target, sink = pair(settings)
    yield target, sink
    await sink.close()


@pytest.mark.timeout(120)
async def test_users_and_write_back_on_the_same_rows_leave_the_users_edits_and_nothing_else(
    database: Database, mms: Mms
) -> None:
    edits_each, writes = scaled(25, most=400), scaled(40, most=600)

    done = await asyncio.gather(
        *(edit(database, user, edits_each) for user in range(USERS)), write_back(mms, writes)
    )

    found = Counter(note for (note,) in await notes(database))
    assert found == Counter(note for each in done[:-1] for note in each)  # each edit once
    assert done[-1] == [f"W-{number}" for number in range(writes)]


async def test_the_same_without_the_mark_goes_red(database: Database, mms: Mms) -> None:
    """The negative control: another gateway's mark is not ours, so its writes come back."""
    settings = settings_for(database, write_back=WRITE_BACK, origin="another-gateway")
    target, sink = pair(settings)
    try:
        await write((target, sink), delivery(answer("P-1")))
    finally:
        await sink.close()

    assert await outbox(database, ("operation", "origin")) == [("U", "another-gateway")]


async def test_a_pooled_connection_serves_writes_and_edits_in_turn(database: Database, mms: Mms) -> None:
    target, sink = mms
    expected = []
    for number in range(10):
        assert await write((target, sink), delivery(answer("P-1"), f"R{number}")) == Accepted("po_hdr 1")
        async with sink._sessions.session() as connection:
            await run(connection, f"update po_hdr set note_txt = 'edit {number}' where po_no like 'P-2%'")
        expected.append((f"edit {number}",))
        assert len(sink._sessions._free) == 1  # one and the same connection throughout

    assert await notes(database) == expected


async def test_a_batch_job_that_repeats_what_was_written_is_no_news_and_a_user_is(
    database: Database, mms: Mms
) -> None:
    """The job has no mark: it is recognised by content, at pick-up."""
    settings = settings_for(database, write_back=WRITE_BACK)
    await write(mms, delivery(answer("P-1")))
    async with connected(database) as batch:
        await run(
            batch, "update po_hdr set ack_sts = null where po_no like 'P-1%'"
        )  # an older state restored
        await run(batch, "delete from legacy_bridge_outbox")
    await write(mms, delivery(answer("P-1"), "R2"))
    async with connected(database) as batch:
        await run(batch, "update po_hdr set ack_sts = 'AC', chg_user = 'BATCH' where po_no like 'P-1%'")
        await run(batch, "update po_hdr set ack_sts = 'RJ' where po_no like 'P-1%'")
        await run(batch, "update po_hdr set ack_sts = 'AC' where po_no like 'P-1%'")
        await run(batch, "update po_hdr set note_txt = 'call' where po_no like 'P-1%'")

    changes, echoes = await picked_up(database, settings)

    assert [change.id in echoes for change in changes] == [True, False, False, False]


async def test_the_running_feed_hands_on_the_users_change_and_not_the_jobs(
    database: Database, mms: Mms
) -> None:
    settings = settings_for(database, write_back=WRITE_BACK, poll="20ms", poll_max="50ms")
    await write(mms, delivery(answer("P-1")))
    journal = Journal()
    async with feeding(source_for(settings), journal):
        async with connected(database) as session:
            await run(session, "update po_hdr set chg_user = 'BATCH', ack_sts = 'AC' where po_no like 'P-1%'")
            await run(session, "update po_hdr set note_txt = 'call me' where po_no like 'P-1%'")
        while not journal.rows:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)

    assert [row["after"]["note_txt"] for row in journal.rows] == ["call me"]
    assert await outbox(database) == []


async def edit(database: Database, user: int, count: int) -> list[str]:
    """Change notes as a user does, holding rows for a moment; one in ten thinks better of it."""
    chance, made = random.Random(user), []
    async with connected(database) as connection:
        for number in range(count):
            note = f"u{user}-{number}"
            if await edited(connection, f"P-{chance.randrange(ORDERS)}", note, chance):
                made.append(note)
    return made


async def edited(connection: AsyncConnection, order: str, note: str, chance: random.Random) -> bool:
    change = "update po_hdr set note_txt = :note where po_no like :number"
    while True:
        try:
            await connection.execute(text(change), {"note": note, "number": f"{order}%"})
            await asyncio.sleep(chance.random() * 0.005)
            if chance.random() < 0.1:
                await connection.rollback()
                return False
            await connection.commit()
            return True
        except DBAPIError:  # a deadlock's victim, or SQLite busy: a user presses the key again
            await connection.rollback()


async def write_back(mms: Mms, count: int) -> list[str]:
    """Write answers to the same orders, two at a time, each until it is done, every fifth one twice."""
    chance, done = random.Random(99), []

    async def deliver(number: int) -> str:
        sent = delivery(answer(f"P-{chance.randrange(ORDERS)}"), f"W-{number}")
        for _ in range(1 + (number % 5 == 0)):
            while isinstance(outcome := await write(mms, sent), Transient | InDoubt):
                await asyncio.sleep(0.01)
            assert isinstance(outcome, Accepted), outcome
        return sent.reference

    for first in range(0, count, 2):
        done += await asyncio.gather(*(deliver(number) for number in range(first, min(first + 2, count))))
    return done


async def notes(database: Database) -> list:
    """Give the note of each change in the outbox, for changes that say something new of it."""
    images = await outbox(database, ("after_image",))
    return [(json.loads(image)["note_txt"],) for (image,) in images]


async def picked_up(database: Database, settings: DbEndpoint) -> tuple[list[Change], frozenset[int]]:
    """Read the outbox as the feed does, and ask the guard."""
    sessions = Sessions(settings, secret, 1)
    table = outbox_table()
    try:
        async with sessions.session() as connection:
            columns = (table.c.id, table.c.source_table, table.c.operation, table.c.row_key, table.c.lane)
            query = table.select().with_only_columns(*columns, table.c.before_image, table.c.after_image)
            rows = (await connection.execute(query.order_by(table.c.id))).all()
            changes = [Change(*row[:7]) for row in rows]
            echoes = await EchoGuard(settings).is_echo(connection, changes)
            await connection.commit()
    finally:
        await sessions.close()
    return changes, echoes
