"""The gateway's own small tables in each dialect's words. Pure: SQLAlchemy compiles, nothing connects."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import Dialect as SqlDialect
from sqlalchemy import Table
from sqlalchemy.dialects.mssql.base import MSDialect
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.oracle.base import OracleDialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.schema import CreateTable

from adapters.db_triggers.bookkeeping import (
    ECHO,
    echo_table,
    origin_table,
    shape_table,
    snapshot_table,
    written_table,
)
from adapters.db_triggers.config import Dialect
from adapters.db_triggers.ddl.model import DdlSetup, Made
from adapters.db_triggers.ddl.rights import own_name

COMPILERS: dict[Dialect, Callable[[], SqlDialect]] = {
    "postgresql": PGDialect,
    "mariadb": MySQLDialect,
    "mysql": MySQLDialect,
    "sqlite": SQLiteDialect,
    "mssql": MSDialect,
    "oracle": OracleDialect,
}


def own_tables(setup: DdlSetup) -> list[Made]:
    """Give those that this endpoint needs."""
    made = []
    if setup.outbox is not None:
        why = "For which columns the triggers were rendered; the script fills it."
        made.append(_made(setup, shape_table(setup.schema), why))
        why = "Snapshots that somebody asked for, and how far they have come. A new row is the signal."
        made.append(_made(setup, snapshot_table(setup.schema), why))
    if setup.dialect == "sqlite":
        why = (
            "Empty but inside a transaction of the gateway: by it the triggers know the gateway's own writes."
        )
        made.append(_made(setup, origin_table(), why))
    if setup.writes:
        why = (
            "Documents that were written, by reference: so that a repeat changes nothing. Rows older than a "
            "year may be deleted."
        )
        made.append(_made(setup, written_table(setup.schema), why))
        why = "What was written to a row, as hashes: a legacy job that repeats it is not taken for news."
        echo = echo_table(setup.schema)
        made.append(_made(setup, echo, why))
        index = f"{ECHO}_written"
        sql = f"create index {index} on {own_name(setup, ECHO)} (written_at);"
        made.append(Made("index", index, ECHO, sql))
    return made


def _made(setup: DdlSetup, table: Table, why: str) -> Made:
    text = str(CreateTable(table).compile(dialect=COMPILERS[setup.dialect]())).strip()
    tail = " engine=InnoDB default charset=utf8mb4" if setup.dialect in ("mariadb", "mysql") else ""
    return Made("table", table.name, table.name, f"{_tidied(text)}{tail};", None, why)


def _tidied(text: str) -> str:
    """Write it as the rest of the script: keywords in lower case, quoted names as they are."""
    lines = [line.strip() for line in text.replace("\t", "").splitlines() if line.strip()]
    made = "\n".join(line if line.startswith(("CREATE", ")")) else f"  {line}" for line in lines)
    return _QUOTED_OR_WORD.sub(lambda found: found[0] if found[0][0] in '"`[' else found[0].lower(), made)


_QUOTED_OR_WORD = re.compile(r"\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|[A-Z_]+[A-Z0-9_]*", re.ASCII)
