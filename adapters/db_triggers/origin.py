"""The mark by which a trigger knows the gateway's own writes, per dialect. Pure: SQL as text.

PostgreSQL forgets it with the transaction. MariaDB, MySQL, SQL Server and Oracle keep it on the session, so
it is taken off again before anybody else could use the connection. SQLite has no session variables: there the
mark is a row that exists only inside the writing transaction, which nobody else can see.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.db_triggers.bookkeeping import ORIGIN
from adapters.db_triggers.config import Dialect


@dataclass(frozen=True, slots=True)
class Mark:
    """Statements around a write, with the parameter ``:origin``.

    ``off_inside``: taken off in the transaction, before the commit. ``off_after``: on the connection,
    whatever happened; a connection on which that fails must be thrown away.
    """

    on: str
    off_inside: str | None = None
    off_after: str | None = None


MARKS: dict[Dialect, Mark] = {
    "postgresql": Mark("select set_config('legacy_bridge.origin', :origin, true)"),
    "mariadb": Mark("set @legacy_bridge_origin = :origin", off_after="set @legacy_bridge_origin = null"),
    "mysql": Mark("set @legacy_bridge_origin = :origin", off_after="set @legacy_bridge_origin = null"),
    "sqlite": Mark(f"insert into {ORIGIN} (origin) values (:origin)", off_inside=f"delete from {ORIGIN}"),  # noqa: S608
    "mssql": Mark(
        "exec sp_set_session_context N'legacy_bridge_origin', :origin",
        off_after="exec sp_set_session_context N'legacy_bridge_origin', null",
    ),
    "oracle": Mark(
        "begin dbms_session.set_identifier(:origin); end;",
        off_after="begin dbms_session.clear_identifier; end;",
    ),
}

READ: dict[Dialect, str] = {
    "postgresql": "nullif(current_setting('legacy_bridge.origin', true), '')",
    "mariadb": "@legacy_bridge_origin",
    "mysql": "@legacy_bridge_origin",
    "sqlite": f"(select max(origin) from {ORIGIN})",  # noqa: S608
    "mssql": "cast(session_context(N'legacy_bridge_origin') as nvarchar(64))",
    "oracle": "sys_context('userenv', 'client_identifier')",
}
"""The expression by which a trigger reads the mark; null where there is none."""
