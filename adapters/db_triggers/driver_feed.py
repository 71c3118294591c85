"""Building a feed from settings: engine, session, and the port of its kind. Nothing is connected yet."""

from __future__ import annotations

from adapters.base.registry import SourceSetup
from adapters.db_triggers.config import CursorFeed, DbEndpoint, OutboxFeed, StatusFeed
from adapters.db_triggers.driver_cursor import CursorPort
from adapters.db_triggers.driver_echo import EchoGuard
from adapters.db_triggers.driver_engine import engine_of
from adapters.db_triggers.driver_feed_session import Session
from adapters.db_triggers.driver_outbox import OutboxPort
from adapters.db_triggers.driver_schema import trigger_fingerprints
from adapters.db_triggers.driver_status import StatusPort
from adapters.db_triggers.driver_windows import FeedPort
from adapters.db_triggers.source import DbSource


def source_of(setup: SourceSetup, settings: DbEndpoint) -> DbSource:
    """Give the source of an endpoint."""
    feed = settings.feed
    engine = engine_of(settings, setup.endpoint.secret)
    name = feed.table if isinstance(feed, CursorFeed) else feed.name
    session = Session(settings, engine, name)
    port = _port(setup, session)
    is_ordered = not isinstance(feed, OutboxFeed) or feed.order == "row"
    echoes = EchoGuard(settings) if settings.write_back is not None else None
    return DbSource(
        setup,
        settings,
        session,
        port,
        is_ordered=is_ordered,
        echoes=echoes,
        triggers=lambda: trigger_fingerprints(session.connection, settings),
    )


def _port(setup: SourceSetup, session: Session) -> FeedPort:
    match session.settings.feed:
        case OutboxFeed() as feed:
            return OutboxPort(session, feed)
        case StatusFeed() as feed:
            return StatusPort(session, feed)
        case CursorFeed() as feed:
            endpoint = setup.endpoint
            return CursorPort(session, feed, setup.memory, endpoint.clock.monotonic, endpoint.name)
