"""A legacy table with hand-written triggers, and a gateway reduced to accept-then-settle."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from adapters.base import DecodeError, Finding, Inbound, Refused, Taken
from adapters.base.registry import EndpointSetup, SourceSetup
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.driver_feed import source_of
from adapters.db_triggers.outbox import DEFAULT_NAME
from adapters.db_triggers.source import DbSource
from gateway.journal.memory import MemoryJournal
from gateway.system import SystemClock, SystemRng
from tests.adapters.db_triggers.servers import ADMIN, HOST, PASSWORD, Database

# What a DBA would write by hand; the rendered triggers have tests of their own.
OUTBOX = {
    "postgresql": """
create table {outbox} (id bigint generated always as identity primary key, source_table varchar(128) not null,
  operation varchar(1) not null, row_key text not null, lane varchar(255) collate "C" not null,
  before_image text, after_image text, transaction_id varchar(64), origin varchar(64),
  schema_fingerprint varchar(64), created_at timestamptz not null default clock_timestamp());
create index {outbox}_lane on {outbox} (lane, id);
""",
    "mariadb": """
create table {outbox} (id bigint not null auto_increment primary key, source_table varchar(128) not null,
  operation varchar(1) not null, row_key text not null, lane varchar(255) not null,
  before_image longtext, after_image longtext, transaction_id varchar(64), origin varchar(64),
  schema_fingerprint varchar(64), created_at datetime(6) not null default utc_timestamp(6),
  key {outbox}_lane (lane, id)) character set utf8mb4 collate utf8mb4_bin;
""",
    "sqlite": """
create table {outbox} (id integer primary key autoincrement, source_table varchar(128) not null,
  operation varchar(1) not null, row_key text not null, lane varchar(255) not null,
  before_image text, after_image text, transaction_id varchar(64), origin varchar(64),
  schema_fingerprint varchar(64), created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ')));
create index {outbox}_lane on {outbox} (lane, id);
""",
}
STOCK = "create table stock (no varchar(20) not null primary key, qty integer not null, note varchar(40));\n"
TRIGGERS = {
    "postgresql": """
create function stock_fed() returns trigger language plpgsql as $$
begin
  insert into {outbox} (source_table, operation, row_key, lane, before_image, after_image, transaction_id)
  values ('stock', substr(tg_op, 1, 1), json_build_array(coalesce(new.no, old.no))::text,
    left('stock:' || json_build_array(coalesce(new.no, old.no))::text, 255),
    case when tg_op <> 'INSERT' then row_to_json(old)::text end,
    case when tg_op <> 'DELETE' then row_to_json(new)::text end, pg_current_xact_id()::text);
  return null;
end $$;
create trigger stock_fed after insert or update or delete on stock for each row execute function stock_fed();
""",
    "mariadb": "".join(
        f"""
create trigger stock_{word} after {word} on stock for each row
  insert into {{outbox}} (source_table, operation, row_key, lane, before_image, after_image)
  values ('stock', '{word[0].upper()}', json_array({key}.no),
    left(concat('stock:', json_array({key}.no)), 255),
    {before}, {after});
"""
        for word, key, before, after in (
            ("insert", "new", "null", "json_object('no', new.no, 'qty', new.qty, 'note', new.note)"),
            (
                "update",
                "new",
                "json_object('no', old.no, 'qty', old.qty, 'note', old.note)",
                "json_object('no', new.no, 'qty', new.qty, 'note', new.note)",
            ),
            ("delete", "old", "json_object('no', old.no, 'qty', old.qty, 'note', old.note)", "null"),
        )
    ),
    "sqlite": "".join(
        f"""
create trigger stock_{word} after {word} on stock begin
  insert into {{outbox}} (source_table, operation, row_key, lane, before_image, after_image)
  values ('stock', '{word[0].upper()}', json_array({key}.no),
    substr('stock:' || json_array({key}.no), 1, 255),
    {before}, {after});
end;
"""
        for word, key, before, after in (
            ("insert", "new", "null", "json_object('no', new.no, 'qty', new.qty, 'note', new.note)"),
            (
                "update",
                "new",
                "json_object('no', old.no, 'qty', old.qty, 'note', old.note)",
                "json_object('no', new.no, 'qty', new.qty, 'note', new.note)",
            ),
            ("delete", "old", "json_object('no', old.no, 'qty', old.qty, 'note', old.note)", "null"),
        )
    ),
}


def lay_out(database: Database, *, outbox: str = DEFAULT_NAME, reuses_ids: bool = False) -> None:
    """Make the outbox, the table `stock` and its triggers. ``reuses_ids``: as SQLite's ids do."""
    script = OUTBOX[database.kind].replace("{outbox}", outbox)
    database.script(script.replace(" autoincrement", "") if reuses_ids else script)
    database.script(STOCK)
    database.script(TRIGGERS[database.kind].replace("{outbox}", outbox))


def settings_of(database: Database, *, user: str = ADMIN, **changes: Any) -> DbEndpoint:
    """Give an endpoint's settings for a test's database; a short poll keeps tests quick."""
    where: dict[str, Any] = {"file": database.name}
    if database.server is not None:
        where = {
            "host": HOST,
            "port": database.server.port,
            "database": database.name,
            "user": user,
            "password": "env:DB_PASSWORD",
            "plaintext": True,
        }
    told = {"tables": {"stock": {"key": ["no"]}}, "poll": "20ms", "poll_max": "100ms"}
    return DbEndpoint.model_validate({"dialect": database.kind, **where, **told, **changes})


def source_for(
    settings: DbEndpoint,
    *,
    password: str = PASSWORD,
    journal: MemoryJournal | None = None,
    clock: SystemClock | None = None,
    secret: Callable[[str], str] | None = None,
) -> DbSource:
    """Give a feed, with the real clock where none is given; ``secret`` goes before ``password``."""
    clock = clock or SystemClock()
    endpoint = EndpointSetup(
        "mms-db", "test", settings, clock, SystemRng(), secret=secret or (lambda reference: password)
    )
    memory = journal or MemoryJournal(clock=clock)
    return source_of(SourceSetup(endpoint, "stock.changes", None, None, None, memory, 1_000_000), settings)


@dataclass
class Journal:
    """Takes what a feed gives, once for each arrival key; dies where it is told to."""

    rows: list[dict[str, Any]] = field(default_factory=list)  # bodies of new messages, in order
    repeats: int = 0
    findings: list[Finding] = field(default_factory=list)
    keys: dict[str, bytes] = field(default_factory=dict)
    refuses: bool = False  # gives up on what it is given, as a busy journal does
    given_up: int = 0
    waits_after: int | None = None  # so many rows, until ``waits_for`` is set
    waits_for: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, batch: Sequence[Inbound]) -> None:
        for inbound in batch:
            if len(self.rows) == self.waits_after:
                await self.waits_for.wait()
            try:
                body = b"".join([piece async for piece in inbound.body])
            except DecodeError as error:
                self.findings.append(error.finding)
                await inbound.settle(Refused(error.finding))
                continue
            if self.refuses:
                self.given_up += 1
                continue
            key = inbound.arrival_key or ""
            if key in self.keys:
                assert self.keys[key] == body
                self.repeats += 1
            else:
                self.keys[key] = body
                self.rows.append(json.loads(body))
            await inbound.settle(Taken(key))

    @property
    def seen(self) -> list[tuple[str, str, Any]]:
        """Give what came, as (operation, key, quantity after)."""
        return [(row["operation"], row["key"][0], (row["after"] or {}).get("qty")) for row in self.rows]


def engine_for(database: Database) -> AsyncEngine:
    """Give an engine for a user's own session."""
    return create_async_engine(database.url, poolclass=NullPool)


@contextlib.asynccontextmanager
async def feeding(source: DbSource, journal: Journal) -> Any:
    """Run a feed beside the test; what breaks it breaks the test."""

    async def run() -> None:
        async with contextlib.aclosing(source.receive_batches()) as batches:
            async for batch in batches:
                await journal.take(batch)

    task = asyncio.create_task(run())
    try:
        yield task
        if task.done() and not task.cancelled():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def run(database: Database, script: str) -> str:
    """Run a script beside a feed: in a thread, since the feed's own statements must be able to end."""
    return await asyncio.to_thread(database.script, script)


async def left(database: Database, outbox: str = DEFAULT_NAME) -> int:
    """Count what the outbox holds."""
    return int(await run(database, f"select count(*) from {outbox};"))


async def until(condition: Any, within_s: float = 25.0) -> None:
    """Wait until something holds; the condition may be asynchronous."""
    async with asyncio.timeout(within_s):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.01)


async def until_drained(database: Database) -> None:
    """Wait until the outbox is empty."""

    async def is_empty() -> bool:
        return await left(database) == 0

    await until(is_empty)
