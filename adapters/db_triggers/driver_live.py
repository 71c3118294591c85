"""`check --live`: whether the database answers, and how long changes wait in its outbox. I/O."""

from __future__ import annotations

from sqlalchemy import func, select

from adapters.base.registry import EndpointSetup
from adapters.db_triggers.config import DbEndpoint, OutboxFeed
from adapters.db_triggers.driver_engine import engine_of
from adapters.db_triggers.driver_outbox import instant
from adapters.db_triggers.faults import fault_of
from adapters.db_triggers.outbox import outbox_table

BACKLOG_ROWS = 10_000  # more than this waiting, and the feed is not keeping up, or does not run


async def unusable(setup: EndpointSetup) -> list[str]:
    """Give what keeps an endpoint from being used; nothing is taken or changed."""
    settings = setup.settings
    if not isinstance(settings, DbEndpoint):
        raise TypeError(f"endpoint '{setup.name}' is no database")
    engine = engine_of(settings, setup.secret)
    try:
        async with engine.connect() as connection:
            if not isinstance(settings.feed, OutboxFeed) or not settings.tables:
                return []
            outbox = outbox_table(settings.feed.name, settings.db_schema)
            counted = await connection.execute(
                select(func.count(), func.min(outbox.c.created_at)).select_from(outbox)
            )
            rows, oldest = counted.one()
    except Exception as error:  # noqa: BLE001  whatever a driver raises is what is asked for
        fault = fault_of(settings.dialect, error)
        return [f"endpoint '{setup.name}': {fault.told}; {fault.advice} [{fault.code}]"]
    finally:
        await engine.dispose()
    if rows <= BACKLOG_ROWS:
        return []
    return [
        f"endpoint '{setup.name}': {rows} changes wait in {settings.feed.name}, the oldest since "
        f"{instant(oldest)}: does a gateway run, and does its feed report a finding? [DB-BACKLOG]"
    ]
