"""What ``check`` says of a feed before it runs: where it can lose or merge changes, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from adapters.base import Finding, Level, Library, Position
from adapters.db_triggers.config import CursorFeed, DbEndpoint, OutboxFeed, StatusFeed

NEVER_RUN = ("mssql", "oracle")


def judged_endpoint(name: str, settings: BaseModel, library: Library) -> list[Finding]:
    """Give everything that keeps an endpoint from working, or that its owner must know."""
    if not isinstance(settings, DbEndpoint):
        return []
    found = [*_dialect(settings), *_feed(settings), *_tables(settings)]
    return [
        Finding(code, Position(f"{name}.{key}" if key else name), text, level)
        for code, key, text, level in found
    ]


_Found = tuple[str, str, str, Level]


def _dialect(settings: DbEndpoint) -> Iterator[_Found]:
    if settings.dialect in NEVER_RUN:
        text = (
            f"the statements for {settings.dialect} are compiled and tested as text; they were never run "
            "against a server by us: try them on a test system first"
        )
        yield "DB-UNTRIED", "dialect", text, Level.NOTE
    host = settings.host or ""
    is_local = host in ("", "localhost", "::1") or host.startswith(("127.", "/"))
    if settings.plaintext and not is_local:
        text = f"everything, rows and password too, goes to {host} unencrypted"
        yield "DB-PLAINTEXT", "plaintext", text, Level.NOTE


def _feed(settings: DbEndpoint) -> Iterator[_Found]:
    match settings.feed:
        case OutboxFeed() as feed:
            yield from _outbox(settings, feed)
        case StatusFeed() as feed:
            yield from _status(feed)
        case CursorFeed() as feed:
            yield from _cursor(settings, feed)


def _outbox(settings: DbEndpoint, feed: OutboxFeed) -> Iterator[_Found]:
    if feed.notify and settings.dialect != "postgresql":
        text = f"{settings.dialect} has no NOTIFY; the feed polls"
        yield "DB-NOTIFY", "feed.notify", text, Level.NOTE
    elif feed.notify:
        text = (
            "NOTIFY takes a lock that all commits share: 16 concurrent writers fell to 0.37 of their rate. "
            "Without it a change is picked up within `poll`"
        )
        yield "DB-NOTIFY", "feed.notify", text, Level.NOTE
    if settings.dialect in ("mariadb", "mysql"):
        text = (
            "TRUNCATE and changes by foreign keys (ON DELETE CASCADE) run no trigger here: such changes are "
            "lost to the feed"
        )
        yield "DB-LOSES", "dialect", text, Level.NOTE
    if settings.dialect == "sqlite":
        text = (
            "REPLACE runs no delete trigger here unless PRAGMA recursive_triggers is on: an overwritten row "
            "is seen as an insert"
        )
        yield "DB-MERGES", "dialect", text, Level.NOTE


def _status(feed: StatusFeed) -> Iterator[_Found]:
    if feed.table is not None or feed.table_column is not None:
        text = (
            f"{feed.name} tells which row changed, not what it was: the row is read again at pick-up, so "
            "changes in between arrive merged into the last state, and say so"
        )
        yield "DB-MERGES", "feed", text, Level.NOTE
    text = (
        f"order holds as far as {feed.id} is given in the order of commits for one row; what writes "
        f"{feed.name} outside the change's own transaction can lose changes or tell of some that never were"
    )
    yield "DB-LOSES", "feed", text, Level.NOTE


def _cursor(settings: DbEndpoint, feed: CursorFeed) -> Iterator[_Found]:
    text = (
        f"only the last state of a row is seen: changes between two looks are merged, and deletions in "
        f"{feed.table} are never seen"
    )
    yield "DB-MERGES", "feed", text, Level.NOTE
    if feed.transaction is not None and settings.dialect != "postgresql":
        text = f"{settings.dialect} has no horizon of transactions to read below; only PostgreSQL does"
        yield "DB-CURSOR", "feed.transaction", text, Level.REJECTED
    elif feed.transaction is not None:
        text = (
            "nothing committed is missed, and nothing is seen while any older write transaction of this "
            "server is open, whatever it writes"
        )
        yield "DB-WAITS", "feed.transaction", text, Level.NOTE
    elif settings.dialect == "sqlite" and feed.holds == "id":
        text = (
            f"a row whose {feed.column} is used again after a deletion is missed, unless the column is "
            "AUTOINCREMENT"
        )
        yield "DB-LOSES", "feed.column", text, Level.NOTE
    else:
        what = "number" if feed.holds == "id" else "time"
        text = (
            f"what commits more than {feed.settle.total_seconds():g} s after it drew its {what} is lost. "
            "Say `transaction` (PostgreSQL), lengthen `settle`, or have triggers rendered"
        )
        yield "DB-LOSES", "feed.settle", text, Level.NOTE


def _tables(settings: DbEndpoint) -> Iterator[_Found]:
    for name, table in settings.tables.items():
        if table.reread or table.children:
            text = "changes of a document between two pick-ups are merged into its last state, and say so"
            yield "DB-MERGES", f"tables.{name}", text, Level.NOTE
