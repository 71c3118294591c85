"""`check --live`: whether the database answers, has what was rendered, and how long changes wait. I/O."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base import Finding
from adapters.base.registry import EndpointSetup
from adapters.db_triggers.bookkeeping import ECHO, WRITTEN
from adapters.db_triggers.config import DbEndpoint, OutboxFeed
from adapters.db_triggers.ddl import DdlError, objects
from adapters.db_triggers.driver_catalog import live
from adapters.db_triggers.driver_engine import engine_of
from adapters.db_triggers.driver_outbox import instant
from adapters.db_triggers.faults import fault_of
from adapters.db_triggers.outbox import outbox_table
from adapters.db_triggers.verify import DIFFERS, MISSING, RIGHT, SHAPE, Live, compared

BACKLOG_ROWS = 10_000  # more than this waiting, and the feed is not keeping up, or does not run


async def unusable(setup: EndpointSetup) -> list[str]:
    """Give what keeps an endpoint from being used; nothing is taken or changed.

    Of what ``db verify`` finds only what hinders: triggers that a DBA wrote by hand are as good as ours.
    Where our script was applied, a trigger of it that is gone or disabled is a change that is lost.
    """
    settings = setup.settings
    if not isinstance(settings, DbEndpoint):
        raise TypeError(f"endpoint '{setup.name}' is no database")
    engine = engine_of(settings, setup.secret)
    try:
        async with engine.connect() as connection:
            told = await _backlog(connection, settings)
            now = await live(connection, settings)
            found, applied = compared(setup.name, now), _applied(now)
    except DdlError as error:
        return [f"endpoint '{setup.name}': {line}" for line in str(error).splitlines() if line]
    except Exception as error:  # noqa: BLE001  whatever a driver raises is what is asked for
        fault = fault_of(settings.dialect, error)
        return [f"endpoint '{setup.name}': {fault.told}; {fault.remedy or fault.advice} [{fault.code}]"]
    finally:
        await engine.dispose()
    told += [f"{finding.text} [{finding.code}]" for finding in found if _hinders(finding, now, applied)]
    return [f"endpoint '{setup.name}': {text}" for text in told]


def _hinders(finding: Finding, now: Live, applied: frozenset[str]) -> bool:
    if finding.at.path in applied:
        # PostgreSQL's catalog shows of a trigger what it fires on and whether it is enabled, not a text that
        # a DBA may have changed.
        is_off = finding.code == DIFFERS and now.setup.dialect == "postgresql"
        return finding.code == MISSING or is_off
    is_for_writing = finding.code == MISSING and finding.at.path in (WRITTEN, ECHO)
    return is_for_writing or finding.code in (SHAPE, RIGHT)


def _applied(now: Live) -> frozenset[str]:
    """Name the triggers of tables for which our script was applied."""
    made = objects(now.setup)
    return frozenset(each.name for each in made if each.kind == "trigger" and each.table in now.rendered_for)


async def _backlog(connection: AsyncConnection, settings: DbEndpoint) -> list[str]:
    if not isinstance(settings.feed, OutboxFeed) or not settings.tables:
        return []
    outbox = outbox_table(settings.feed.name, settings.db_schema)
    counted = await connection.execute(
        select(func.count(), func.min(outbox.c.created_at)).select_from(outbox)
    )
    rows, oldest = counted.one()
    if rows <= BACKLOG_ROWS:
        return []
    return [
        f"{rows} changes wait in {settings.feed.name}, the oldest since {instant(oldest)}: does a gateway "
        "run, and does its feed report a finding? [DB-BACKLOG]"
    ]
