"""Reads from a database's catalog what is there of the rendered objects; changes nothing. I/O."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db_triggers.bookkeeping import SHAPE
from adapters.db_triggers.config import DbEndpoint, Dialect
from adapters.db_triggers.ddl import DdlSetup, setup_of
from adapters.db_triggers.ddl.rights import rights_of
from adapters.db_triggers.driver_schema import live_columns, trigger_fingerprints
from adapters.db_triggers.verify import Live, Named

# Each gives kind, name and body; the body of a table or an index is empty.
_OBJECTS: Mapping[Dialect, tuple[str, ...]] = {
    "postgresql": (
        """
select case when c.relkind = 'i' then 'index' else 'table' end, c.relname, ''
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = coalesce(cast(:schema as varchar), current_schema()) and c.relkind in ('r', 'p', 'i')
""",
        """
select 'function', p.proname, p.prosrc
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname = coalesce(cast(:schema as varchar), current_schema())
""",
        """
select 'trigger', t.tgname, t.tgtype || ' ' || p.proname || ' ' || t.tgenabled::text
from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_proc p on p.oid = t.tgfoid
where n.nspname = coalesce(cast(:schema as varchar), current_schema()) and not t.tgisinternal
""",
    ),
    "sqlite": (
        "select type, name, case type when 'trigger' then sql else '' end from sqlite_master "
        "where :schema is null",
    ),
    "mssql": (
        """
select case when o.type = 'U' then 'table' else 'trigger' end, o.name,
  coalesce(object_definition(o.object_id), '')
from sys.objects o
where o.type in ('U', 'TR') and schema_name(o.schema_id) = coalesce(:schema, schema_name())
""",
        "select 'index', i.name, '' from sys.indexes i where coalesce(i.name, :schema) = i.name",
    ),
    "oracle": (
        """
select lower(object_type), lower(object_name), '' from all_objects
where object_type in ('TABLE', 'INDEX')
  and owner = coalesce(:schema, sys_context('userenv', 'current_schema'))
""",
        """
select 'trigger', lower(trigger_name), trigger_body from all_triggers
where table_owner = coalesce(:schema, sys_context('userenv', 'current_schema')) and status = 'ENABLED'
""",
    ),
}
_MYSQL = (
    "select 'table', table_name, '' from information_schema.tables where table_schema = "
    "coalesce(:schema, database())",
    "select distinct 'index', index_name, '' from information_schema.statistics where table_schema = "
    "coalesce(:schema, database())",
    "select 'trigger', trigger_name, concat(lower(action_timing), ' ', lower(event_manipulation), ' ', "
    "action_statement) from information_schema.triggers where trigger_schema = coalesce(:schema, database())",
)
_RIGHTS: Mapping[Dialect, str] = {
    "postgresql": """
select has_table_privilege(cast(:user as name), cast(:table as text), cast(:right as text))
  or (:column <> '' and has_column_privilege(cast(:user as name), cast(:table as text),
      cast(coalesce(nullif(:column, ''), 'x') as text), cast(:right as text)))
""",
}


async def setup_live(connection: AsyncConnection, settings: DbEndpoint) -> DdlSetup:
    """Give what the DDL depends on, with the tables' columns of now. Errors: DdlError."""
    columns = await live_columns(connection, settings.dialect, settings.db_schema, settings.tables)
    schema = settings.db_schema
    if schema is None and settings.dialect == "postgresql":
        schema = (await connection.execute(text("select current_schema()"))).scalar_one()
    return setup_of(settings, columns, schema)


async def live(connection: AsyncConnection, settings: DbEndpoint) -> Live:
    """Give all that is compared. Errors: DdlError."""
    setup = await setup_live(connection, settings)
    queries = _MYSQL if settings.dialect in ("mariadb", "mysql") else _OBJECTS[settings.dialect]
    objects: dict[Named, str] = {}
    for query in queries:
        for kind, name, body in await connection.execute(text(query), {"schema": settings.db_schema}):
            objects[kind, str(name)] = str(body)
    own = [name for kind, name in objects if kind == "table" and name.startswith("legacy_bridge")]
    own += [setup.outbox] if setup.outbox is not None else []
    found = await live_columns(connection, settings.dialect, settings.db_schema, own)
    return Live(
        objects,
        setup,
        await _rendered_for(connection, settings, objects),
        await _missing_rights(connection, setup),
        await _sees_triggers(connection, settings, objects),
        {name: tuple(column.name for column in columns) for name, columns in found.items()},
    )


async def _rendered_for(
    connection: AsyncConnection, settings: DbEndpoint, objects: Mapping[Named, str]
) -> Mapping[str, str]:
    if ("table", SHAPE) not in objects:
        return {}
    return await trigger_fingerprints(connection, settings)


async def _sees_triggers(
    connection: AsyncConnection, settings: DbEndpoint, objects: Mapping[Named, str]
) -> bool:
    """Tell whether this user could see triggers: MariaDB shows them only to who has the right TRIGGER."""
    if settings.dialect not in ("mariadb", "mysql") or any(kind == "trigger" for kind, _ in objects):
        return True
    granted = (await connection.execute(text("show grants"))).scalars().all()
    return any(" TRIGGER" in grant or "ALL PRIVILEGES" in grant for grant in granted)


async def _missing_rights(connection: AsyncConnection, setup: DdlSetup) -> tuple[str, ...]:
    query = _RIGHTS.get(setup.dialect)
    if query is None or setup.user is None:
        return ()
    missing = []
    for right in rights_of(setup):
        table = f'"{setup.schema}"."{right.table}"' if setup.schema else f'"{right.table}"'
        for word in right.rights:
            for column in right.columns if word == "update" and right.columns else ("",):
                asked = {"user": setup.user, "table": table, "right": word, "column": column}
                try:
                    has = (await connection.execute(text(query), asked)).scalar_one()
                except DBAPIError:  # no such user or table: told elsewhere
                    await connection.rollback()
                    continue
                if not has:
                    missing.append(f"{word} on {right.table}" + (f" ({column})" if column else ""))
    return tuple(dict.fromkeys(missing))
