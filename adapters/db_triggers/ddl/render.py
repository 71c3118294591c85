"""From an endpoint's settings and the live columns to the DDL, object by object and as one script. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType

from adapters.db_triggers.bookkeeping import SHAPE
from adapters.db_triggers.config import ChildSettings, DbEndpoint, Dialect, OutboxFeed, TableSettings
from adapters.db_triggers.ddl import mssql, mysql, oracle, postgresql, sqlite
from adapters.db_triggers.ddl.model import DdlError, DdlSetup, FedTable, Made, WrittenTable, literal
from adapters.db_triggers.ddl.own_tables import own_tables
from adapters.db_triggers.ddl.rights import grants, own_name
from adapters.db_triggers.fingerprint import Column, ShapeError, captured, fingerprint_of
from adapters.db_triggers.write_settings import RowsWritten, WriteBack

DIALECTS: Mapping[Dialect, ModuleType] = {
    "postgresql": postgresql,
    "mariadb": mysql,
    "mysql": mysql,
    "sqlite": sqlite,
    "mssql": mssql,
    "oracle": oracle,
}
STATEMENT_TRIGGERS = ("postgresql", "mssql")
RIGHTS = {
    "insert": ("insert", "select"),
    "update": ("update", "select"),
    "upsert": ("insert", "update", "select"),
    "delete": ("delete", "select"),
    "expect": (),
}
WIDTH = 98


def setup_of(
    settings: DbEndpoint, columns: Mapping[str, Sequence[Column]], schema: str | None = None
) -> DdlSetup:
    """Give what the DDL depends on. ``columns``: of each fed table, as the catalog tells them.

    ``schema``: where the user's own unnamed tables are; triggers of PostgreSQL name everything in full.
    Errors: DdlError with all that does not fit.
    """
    feed, write_back = settings.feed, settings.write_back
    is_outbox = isinstance(feed, OutboxFeed) and bool(settings.tables)
    wrong: list[str] = []
    tables = [
        table
        for name, each in (settings.tables.items() if is_outbox else ())
        if (table := _fed(settings, name, each, columns, wrong)) is not None
    ]
    if wrong:
        raise DdlError("\n".join(wrong))
    return DdlSetup(
        dialect=settings.dialect,
        schema=settings.db_schema or schema,
        outbox=feed.name if isinstance(feed, OutboxFeed) and is_outbox else None,
        origin=settings.origin,
        notify=isinstance(feed, OutboxFeed) and feed.notify and settings.dialect == "postgresql",
        user=settings.user,
        tables=tuple(tables),
        read=tuple(dict.fromkeys(_children(settings.tables.values()))),
        written=tuple(_written(write_back)) if write_back is not None else (),
        procedures=tuple(_procedures(write_back)) if write_back is not None else (),
        writes=write_back is not None,
    )


def objects(setup: DdlSetup) -> list[Made]:
    """Give every object in the order in which they can be made; grants last."""
    module = DIALECTS[setup.dialect]
    made: list[Made] = list(module.outbox(setup, setup.outbox)) if setup.outbox is not None else []
    made += own_tables(setup)
    for table in setup.tables:
        made += module.captured(setup, table)
    return made + (grants(setup) if setup.dialect != "sqlite" else [])


def script(setup: DdlSetup, made: Sequence[Made], *, title: str, told: Sequence[str] = ()) -> str:
    """Give the whole script, with comments for the DBA. The same settings and columns give the same text.

    ``told``: paragraphs about what becomes of the captured rows, before the triggers.
    """
    parts = [_head(setup, title)]
    for kinds, heading in (
        (("table", "index"), "Tables"),
        (("function", "trigger"), "Triggers"),
        (("grant",), "Rights of the gateway's user"),
    ):
        section = [each for each in made if each.kind in kinds and each.sql]
        if section and "trigger" in kinds and told:
            parts.append(_heading("What becomes of the rows"))
            parts.append("\n--\n".join(_comment(each) for each in told) + "\n")
        if section:
            parts.append(_section(setup, heading, section, kinds))
    if setup.tables:
        parts.append(_shapes(setup))
    return "\n".join(parts)


def _fed(
    settings: DbEndpoint,
    name: str,
    table: TableSettings,
    columns: Mapping[str, Sequence[Column]],
    wrong: list[str],
) -> FedTable | None:
    live = columns.get(name)
    if not live:
        wrong.append(f"{name}: there is no such table, or this user may not see it; grant select on it first")
        return None
    if table.trigger == "statement" and settings.dialect not in STATEMENT_TRIGGERS:
        wrong.append(f"{name}: {settings.dialect} has no statement triggers that see rows; say trigger: row")
        return None
    try:
        shown = captured(live, table.columns, (*table.key, *table.parent_key))
    except ShapeError as error:
        wrong.append(f"{name}: {error}")
        return None
    parent = settings.tables[table.part_of] if table.part_of is not None else None
    lane_key = table.key if parent is None else (table.parent_key or parent.key)
    return FedTable(
        name=name,
        columns=shown,
        key=table.key,
        lane_table=table.part_of or name,
        lane_key=lane_key,
        is_statement=table.trigger == "statement" and settings.dialect == "postgresql",
        fingerprint=fingerprint_of(captured(live, table.columns, table.key)),
        operations=table.operations,
        is_whole=len(shown) == len(live),
    )


def _children(tables: Iterable[TableSettings | ChildSettings]) -> Iterable[str]:
    for table in tables:
        for child in table.children.values():
            yield child.table
            yield from _children([child])


def _written(write_back: WriteBack) -> Iterable[WrittenTable]:
    rights: dict[str, set[str]] = {}
    updated: dict[str, dict[str, None]] = {}
    for document in write_back.documents.values():
        for change in document.changes:
            if not isinstance(change, RowsWritten):
                continue
            rights.setdefault(change.table, set()).update(RIGHTS[change.on])
            if change.on in ("update", "upsert"):
                names = [name for name in (*change.columns, *change.fixed) if name not in change.key]
                updated.setdefault(change.table, {}).update(dict.fromkeys(names))
    for name, given in rights.items():
        if given:
            yield WrittenTable(name, frozenset(given), tuple(updated.get(name, ())))


def _procedures(write_back: WriteBack) -> Iterable[str]:
    names = [
        change.procedure
        for document in write_back.documents.values()
        for change in document.changes
        if not isinstance(change, RowsWritten)
    ]
    return dict.fromkeys(names)


def _head(setup: DdlSetup, title: str) -> str:
    untried = (
        " Nobody has run this dialect against a server yet." if setup.dialect in ("mssql", "oracle") else ""
    )
    lines = [
        f"{title}: what the gateway needs in this database ({setup.dialect}). Read it, then apply it; the "
        f"gateway never does.{untried}",
        "Objects begin with legacy_bridge; nothing of the application's is changed. Tables that are there "
        "already stop the script: take their statements out, and run the rest again after the tables change.",
    ]
    text = "\n--\n".join(_comment(line) for line in lines)
    names = "\nset names utf8mb4;" if setup.dialect in ("mariadb", "mysql") else ""
    return f"{text}\n{names}"


def _section(setup: DdlSetup, heading: str, made: Sequence[Made], kinds: Sequence[str]) -> str:
    is_program = "trigger" in kinds and setup.dialect in ("mariadb", "mysql")
    parts = [_heading(heading)]
    if is_program:
        parts.append("delimiter //")
    for each in made:
        if each.why:
            parts.append(_comment(each.why))
        parts.append(each.sql if each.kind == "grant" else f"{each.sql}\n")
    if is_program:
        parts.append("delimiter ;")
    return "\n".join(parts) + "\n"


def _heading(text: str) -> str:
    return f"-- {text} {'-' * (WIDTH - len(text) - 4)}\n"


def _shapes(setup: DdlSetup) -> str:
    """Write down for which columns the triggers are; last, so that it says so only once they are there."""
    table = own_name(setup, SHAPE)
    lines = [_comment("For which columns the triggers above were rendered.")]
    for each in setup.tables:
        lines.append(f"delete from {table} where source_table = {literal(each.name)};")  # noqa: S608
        lines.append(
            f"insert into {table} (source_table, schema_fingerprint) "  # noqa: S608
            f"values ({literal(each.name)}, {literal(each.fingerprint)});"
        )
    if setup.dialect == "oracle":
        lines.append("commit;")
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="-- ", subsequent_indent="-- ")
