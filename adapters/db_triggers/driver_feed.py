"""Building a feed from settings: engine, session, and the port of its kind. Nothing is connected yet."""

from __future__ import annotations

from adapters.base.registry import SourceSetup
from adapters.db_triggers.config import CursorFeed, DbEndpoint, OutboxFeed, StatusFeed
from adapters.db_triggers.driver_engine import engine_of
from adapters.db_triggers.driver_outbox import OutboxPort
from adapters.db_triggers.driver_session import Session
from adapters.db_triggers.source import DbSource


def source_of(setup: SourceSetup, settings: DbEndpoint) -> DbSource:
    """Give the source of an endpoint."""
    feed = settings.feed
    engine = engine_of(settings, setup.endpoint.secret)
    match feed:
        case OutboxFeed(name=name, order=order):
            session = Session(settings, engine, name)
            port = OutboxPort(session, feed)
            return DbSource(setup, settings, session, port, is_ordered=order == "row")
        case StatusFeed() | CursorFeed():
            raise NotImplementedError
