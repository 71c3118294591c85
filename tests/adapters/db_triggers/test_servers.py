"""The servers of these tests keep what was committed through a kill, on the same port."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.adapters.db_triggers.servers import Database, ServerError


async def test_a_killed_server_comes_back_on_its_port_with_what_was_committed(database: Database) -> None:
    database.script("create table note (word varchar(10)); insert into note values ('kept');")
    if database.server is not None:
        port = database.server.port
        database.server.kill()
        database.server.start()
        assert database.server.port == port

    assert await words(database) == ["kept"]


def test_a_script_stops_at_its_first_error(database: Database) -> None:
    with pytest.raises(ServerError):
        database.script("create table note (word int);\nselect nothing from nowhere;\ndrop table note;\n")

    assert database.script("select count(*) from note;").strip() == "0"


async def words(database: Database) -> list[str]:
    engine = create_async_engine(database.url)
    try:
        async with engine.connect() as connection:
            return list((await connection.execute(text("select word from note"))).scalars())
    finally:
        await engine.dispose()
