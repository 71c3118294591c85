"""What the gateway's user may do in the database, and the statements that grant it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adapters.db_triggers.bookkeeping import ECHO, SHAPE, SNAPSHOT, WRITTEN
from adapters.db_triggers.ddl.model import DdlSetup, Made, literal
from adapters.db_triggers.write_statements import quoted


@dataclass(frozen=True, slots=True)
class Right:
    """Rights on one table; ``columns``: those that may be updated, all where there are none."""

    table: str
    rights: tuple[str, ...]
    columns: tuple[str, ...] = ()
    is_own: bool = False  # a table of the gateway's
    why: str = ""


def rights_of(setup: DdlSetup) -> list[Right]:
    """Give all rights that the settings need, and no more."""
    return [*_feed(setup), *_write_back(setup)]


def grants(setup: DdlSetup) -> list[Made]:
    """Give the statements, for a user that the settings name."""
    if setup.user is None:
        return []
    user = user_name(setup)
    given = []
    if setup.dialect == "postgresql" and setup.schema is not None:
        given.append(f"grant usage on schema {quoted(setup.schema, 'postgresql')} to {user};")
    for right in rights_of(setup):
        why = f"  -- {right.why}" if right.why else ""
        given.append(f"grant {_words(setup, right)} on {_table(setup, right)} to {user};{why}")
    for name in setup.procedures:
        kind = "procedure " if setup.dialect in ("postgresql", "mariadb", "mysql") else ""
        called = ".".join(quoted(part, setup.dialect) for part in name.split("."))
        given.append(f"grant execute on {kind}{called} to {user};")
    return [Made("grant", sql, "", sql) for sql in dict.fromkeys(given)]


def user_name(setup: DdlSetup) -> str:
    """Write the gateway's user as the dialect does."""
    if setup.dialect in ("mariadb", "mysql"):
        return f"{literal(setup.user or '')}@'%'"
    return setup.user or "" if setup.dialect == "oracle" else quoted(setup.user or "", setup.dialect)


def own_name(setup: DdlSetup, name: str) -> str:
    """Name a table of ours: Oracle keeps unquoted names in upper case, and ours are unquoted."""
    if setup.dialect == "oracle":
        return f"{quoted(setup.schema, 'oracle')}.{name}" if setup.schema is not None else name
    return quoted(name, setup.dialect, setup.schema)


def _feed(setup: DdlSetup) -> Iterable[Right]:
    if setup.outbox is None:
        yield from (Right(name, ("select",)) for name in setup.read)
        return
    yield Right(setup.outbox, ("select", "insert", "update", "delete"), is_own=True)
    yield Right(SNAPSHOT, ("select", "insert", "update"), is_own=True)
    yield Right(SHAPE, ("select",), is_own=True)
    for table in setup.tables:
        yield Right(table.name, ("select",))
        if setup.dialect == "postgresql":
            why = "for snapshots: FOR SHARE asks for it, nothing is updated"
            yield Right(table.name, ("update",), table.key, why=why)
    for name in setup.read:
        if name not in {table.name for table in setup.tables}:
            yield Right(name, ("select",))


def _write_back(setup: DdlSetup) -> Iterable[Right]:
    for table in setup.written:
        yield Right(table.name, tuple(sorted(table.rights)), table.updated)
    if setup.writes:
        yield Right(WRITTEN, ("select", "insert"), is_own=True)
        yield Right(ECHO, ("select", "insert", "update", "delete"), is_own=True)


def _words(setup: DdlSetup, right: Right) -> str:
    columns = ", ".join(quoted(name, setup.dialect) for name in right.columns)
    return ", ".join(f"update ({columns})" if word == "update" and columns else word for word in right.rights)


def _table(setup: DdlSetup, right: Right) -> str:
    if right.is_own:
        return own_name(setup, right.table)
    return quoted(right.table, setup.dialect, setup.schema)
