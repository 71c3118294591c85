"""Reads the columns of legacy tables from the database's own catalog; changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db_triggers.bookkeeping import shape_table
from adapters.db_triggers.config import DbEndpoint, Dialect
from adapters.db_triggers.fingerprint import Column, ShapeError, captured, fingerprint_of

# Each gives table, column, type in the catalog's words, and 1 where the column may be null.
_INFORMATION_SCHEMA = """
select table_name, column_name, column_type, case when is_nullable = 'YES' then 1 else 0 end
from information_schema.columns
where table_schema = coalesce(:schema, database()) and table_name in :tables
order by table_name, ordinal_position
"""
_CATALOGS: Mapping[Dialect, str] = {
    "postgresql": """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 0 else 1 end
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = coalesce(cast(:schema as varchar), current_schema()) and c.relname in :tables
  and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum
""",
    "mariadb": _INFORMATION_SCHEMA,
    "mysql": _INFORMATION_SCHEMA,
    "sqlite": """
select m.name, x.name, x.type, case when x."notnull" = 1 then 0 else 1 end
from sqlite_master m join pragma_table_xinfo(m.name) x
where :schema is null and m.type in ('table', 'view') and m.name in :tables
order by m.name, x.cid
""",
    "mssql": """
select c.table_name, c.column_name,
  c.data_type + case when c.character_maximum_length is not null
      then '(' + cast(c.character_maximum_length as varchar(10)) + ')'
    when c.data_type in ('decimal', 'numeric')
      then '(' + cast(c.numeric_precision as varchar(10)) + ',' + cast(c.numeric_scale as varchar(10)) + ')'
    else '' end,
  case when c.is_nullable = 'YES' then 1 else 0 end
from information_schema.columns c
where c.table_schema = coalesce(:schema, schema_name()) and c.table_name in :tables
order by c.table_name, c.ordinal_position
""",
    "oracle": """
select c.table_name, c.column_name,
  c.data_type || case when c.data_type in ('CHAR', 'VARCHAR2', 'NCHAR', 'NVARCHAR2')
      then '(' || c.char_length || ')'
    when c.data_type = 'NUMBER' and c.data_precision is not null
      then '(' || c.data_precision || ',' || c.data_scale || ')'
    else '' end,
  case when c.nullable = 'Y' then 1 else 0 end
from all_tab_columns c
where c.owner = coalesce(:schema, sys_context('userenv', 'current_schema')) and c.table_name in :tables
order by c.table_name, c.column_id
""",
}


async def live_columns(
    connection: AsyncConnection, dialect: Dialect, schema: str | None, tables: Iterable[str]
) -> Mapping[str, tuple[Column, ...]]:
    """Give the columns of tables by table, in the table's order; a table that is not there is left out."""
    query = text(_CATALOGS[dialect]).bindparams(bindparam("tables", expanding=True))
    rows = await connection.execute(query, {"schema": schema, "tables": list(tables)})
    found: dict[str, list[Column]] = {}
    for table, name, kind, is_nullable in rows:
        found.setdefault(str(table), []).append(Column(str(name), str(kind), bool(is_nullable)))
    return {table: tuple(columns) for table, columns in found.items()}


async def live_fingerprints(connection: AsyncConnection, settings: DbEndpoint) -> Mapping[str, str]:
    """Give the fingerprint of each table of the settings as it is now.

    Absent: there is no such table, or a column that the settings choose is gone from it.
    """
    live = await live_columns(connection, settings.dialect, settings.db_schema, settings.tables)
    found = {}
    for name, columns in live.items():
        table = settings.tables[name]
        with suppress(ShapeError):
            found[name] = fingerprint_of(captured(columns, table.columns, table.key))
    return found


async def trigger_fingerprints(connection: AsyncConnection, settings: DbEndpoint) -> Mapping[str, str]:
    """Give the fingerprint for which each table's triggers were rendered, as the rendered script wrote it.

    It is read from a table of ours: MariaDB shows the source of triggers only to whoever may change them.
    Absent: no script was applied for that table.
    """
    table = shape_table(settings.db_schema)
    rows = await connection.execute(select(table.c.source_table, table.c.schema_fingerprint))
    return {name: fingerprint for name, fingerprint in rows if name in settings.tables}
