"""Legacy databases: changes fed by triggers or by what is there already, and documents written back."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from pydantic import BaseModel

from adapters.base import Finding, Library, Sink, Source, Target
from adapters.base.registry import Adapter, EndpointSetup, SourceSetup


def adapter() -> Adapter:
    """Give what this adapter offers."""
    from adapters.db_triggers.config import DbEndpoint, DbPartner, DbSettings
    from adapters.db_triggers.decoder import judged
    from adapters.db_triggers.format import RowFormat

    return Adapter(
        name="db_triggers",
        summary="legacy databases: every committed change of a table once, in order, and documents back",
        endpoint=DbEndpoint,
        partner=DbPartner,
        format_settings=DbSettings,
        format=RowFormat,
        judge=judged,
        judge_endpoint=_judge_endpoint,
        source=_source,
        sink=_sink,
        target=_target,
        writes_documents=_writes_documents,
        check_endpoint=_check_endpoint,
        commands={"db": "legacy databases: triggers for the DBA, snapshots"},
    )


def _source(setup: SourceSetup) -> Source:
    from adapters.db_triggers.config import DbEndpoint, OutboxFeed
    from adapters.db_triggers.driver_feed import source_of  # SQLAlchemy takes a while to import
    from adapters.db_triggers.driver_signals import with_snapshots

    settings = cast(DbEndpoint, setup.endpoint.settings)
    feed = source_of(setup, settings)
    return with_snapshots(feed, setup, settings) if isinstance(settings.feed, OutboxFeed) else feed


def _target(setup: EndpointSetup) -> Target | None:
    from adapters.db_triggers.target import db_target

    return db_target(setup)


def _sink(setup: EndpointSetup) -> Sink:
    from adapters.db_triggers.sink import DbSink

    return DbSink(setup)


def _writes_documents(settings: BaseModel) -> bool:
    from adapters.db_triggers.config import DbEndpoint

    return isinstance(settings, DbEndpoint) and settings.write_back is not None


def _judge_endpoint(name: str, settings: BaseModel, library: Library) -> list[Finding]:
    from adapters.db_triggers.checks import judged_endpoint
    from adapters.db_triggers.config import DbEndpoint
    from adapters.db_triggers.target import judge_write

    written = judge_write(name, settings, library) if isinstance(settings, DbEndpoint) else []
    return [*judged_endpoint(name, settings, library), *written]


def _check_endpoint(setup: EndpointSetup) -> Awaitable[list[str]]:
    from adapters.db_triggers.driver_live import unusable

    return unusable(setup)
