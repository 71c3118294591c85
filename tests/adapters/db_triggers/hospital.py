"""A legacy materials-management database with the gateway's objects in it, for tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.ddl import DdlSetup, objects, script, setup_of
from adapters.db_triggers.driver_schema import live_columns
from simulators.legacy_db import create_schema
from tests.adapters.db_triggers.servers import PASSWORD, Database

TABLES: Mapping[str, Any] = {
    "po_hdr": {"key": ["po_no"]},
    "po_line": {"key": ["po_no", "line_no"], "part_of": "po_hdr"},
    "item": {"key": ["item_no"]},
    "receipt": {"key": ["rcpt_no", "line_no"]},
}
USER = "bridge"


def settings_for(database: Database, **more: Any) -> DbEndpoint:
    """Give an endpoint's settings for a database, with the tables that are fed."""
    where: dict[str, Any] = {"file": database.name}
    if database.server is not None:
        where = {
            "host": "127.0.0.1",
            "port": database.server.port,
            "database": database.name,
            "user": "dba",
            "password": "env:PASSWORD",
            "plaintext": True,
        }
    return DbEndpoint.model_validate({"dialect": database.kind, "tables": TABLES, **where, **more})


def secret(reference: str) -> str:
    return PASSWORD


async def rendered(database: Database, settings: DbEndpoint) -> tuple[DdlSetup, str]:
    """Give the DDL for a database as `db render` does."""
    async with connected(database) as connection:
        columns = await live_columns(connection, settings.dialect, settings.db_schema, settings.tables)
    schema = "public" if database.kind == "postgresql" else None
    setup = setup_of(settings, columns, schema)
    return setup, script(setup, objects(setup), title="mms-db")


async def prepared(database: Database, settings: DbEndpoint) -> None:
    """Make the legacy tables and apply the rendered script, as a DBA would with the dialect's own client."""
    database.script(create_schema(database.kind))
    _, ddl = await rendered(database, settings)
    database.script(without_grants(ddl))


def without_grants(ddl: str) -> str:
    """Give a script for a database where the gateway is the DBA: there is no other user to give rights to."""
    return "\n".join(line for line in ddl.splitlines() if not line.startswith("grant "))


@asynccontextmanager
async def connected(database: Database):
    """Give a connection of a user's own."""
    engine = create_async_engine(database.url)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def run(connection: AsyncConnection, *statements: str) -> None:
    """Do what a user does: some statements, then commit."""
    for statement in statements:
        await connection.execute(text(statement))
    await connection.commit()


async def outbox(
    database: Database, columns: Iterable[str] = ("source_table", "operation", "row_key")
) -> list:
    """Give what stands in the outbox, oldest first, trailing blanks of keys left out."""
    async with connected(database) as connection:
        query = f"select {', '.join(columns)} from legacy_bridge_outbox order by id"
        rows = (await connection.execute(text(query))).all()
    return [tuple(_tidied(each) for each in row) for row in rows]


def _tidied(value: Any) -> Any:
    return re.sub(r"\s+", "", value) if isinstance(value, str) and value.startswith("[") else value
