"""Outbox and triggers for PostgreSQL 13 and later. Pure."""

from __future__ import annotations

from adapters.db_triggers.binding import column_type
from adapters.db_triggers.ddl.model import DdlSetup, FedTable, Made, lane, literal, object_name
from adapters.db_triggers.origin import READ
from adapters.db_triggers.write_statements import quoted

IMAGE_COLUMNS = (
    "source_table, operation, row_key, lane, before_image, after_image, transaction_id, origin, "
    "schema_fingerprint"
)

BITS = {"insert": 4, "delete": 8, "update": 16}  # of pg_trigger.tgtype; 1 is FOR EACH ROW, 32 TRUNCATE


def outbox(setup: DdlSetup, name: str) -> list[Made]:
    """Give the outbox with its index, and the trigger that wakes the feed where that is wanted."""
    table, index = _name(setup, name), quoted(f"{name}_lane", "postgresql")
    made = [
        Made(
            "table",
            name,
            name,
            f"""create table {table} (
  id bigint generated always as identity primary key,
  source_table varchar(128) not null,
  operation char(1) not null,
  row_key text not null,
  lane varchar(255) collate "C" not null,
  before_image text,
  after_image text,
  transaction_id varchar(64),
  origin varchar(64),
  schema_fingerprint varchar(64),
  created_at timestamp with time zone not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);""",
            why="Triggers write one row here for each changed row, in the transaction of the change; the "
            "gateway deletes it once it has it on disk. The table is emptied all the time, so it is vacuumed "
            "by count, not by share.",
        ),
        Made("index", f"{name}_lane", name, f"create index {index} on {table} (lane, id);"),
    ]
    return made + (_wake(setup, name) if setup.notify else [])


def captured(setup: DdlSetup, table: FedTable) -> list[Made]:
    """Give the trigger function of one table and its triggers, the one for TRUNCATE among them."""
    name = object_name("postgresql", table.name)
    body = _statement_body(setup, table) if table.is_statement else _row_body(setup, table)
    made = [_function(setup, name, table, body)]
    if not table.is_statement:
        bits = sum(BITS[each] for each in table.operations)
        made.append(_trigger(setup, name, table, f"after {' or '.join(table.operations)}", "row", 1 | bits))
    else:
        new, old = "new table as new_rows", "old table as old_rows"
        referencing = {"insert": new, "update": f"{old} {new}", "delete": old}
        for event in table.operations:
            trigger, bits = object_name("postgresql", table.name, event[:3]), BITS[event]
            seen = referencing[event]
            made.append(
                _trigger(setup, trigger, table, f"after {event}", "statement", bits, seen, function=name)
            )
    trigger = object_name("postgresql", table.name, "tru")
    made.append(_trigger(setup, trigger, table, "after truncate", "statement", 32, function=name))
    return made


def _row_body(setup: DdlSetup, table: FedTable) -> str:
    changed = " or ".join(
        f"new.{quoted(name, 'postgresql')} is distinct from old.{quoted(name, 'postgresql')}"
        for name in table.identity
    )
    insert = _inserted(setup, table, "I", "new", None, "new")
    delete = _inserted(setup, table, "D", "old", "old", None)
    update = _inserted(setup, table, "U", "new", "old", "new")
    return f"""
declare
  v_origin text := {READ["postgresql"]};
begin
  if v_origin = {literal(setup.origin)} then
    return null;  -- written by the gateway itself
  end if;
  if tg_op = 'INSERT' then
    {_indented(insert)}
  elsif tg_op = 'DELETE' then
    {_indented(delete)}
  elsif tg_op = 'TRUNCATE' then
    {_indented(_truncated(setup, table))}
  elsif {changed} then
    {_indented(delete)}
    {_indented(insert)}
  else
    {_indented(update)}
  end if;
  return null;
end
"""


def _statement_body(setup: DdlSetup, table: FedTable) -> str:
    match = " and ".join(
        f"o.{quoted(name, 'postgresql')} is not distinct from n.{quoted(name, 'postgresql')}"
        for name in table.identity
    )
    insert = _selected(setup, table, "I", "n", None, "n", "new_rows n")
    delete = _selected(setup, table, "D", "o", "o", None, "old_rows o")
    gone = f"old_rows o\nwhere not exists (select 1 from new_rows n where {match})"  # noqa: S608
    come = f"new_rows n\nwhere not exists (select 1 from old_rows o where {match})"  # noqa: S608
    return f"""
declare
  v_origin text := {READ["postgresql"]};
begin
  if v_origin = {literal(setup.origin)} then
    return null;  -- written by the gateway itself
  end if;
  if tg_op = 'INSERT' then
    {_indented(insert)}
  elsif tg_op = 'DELETE' then
    {_indented(delete)}
  elsif tg_op = 'TRUNCATE' then
    {_indented(_truncated(setup, table))}
  else
    {_indented(_selected(setup, table, "D", "o", "o", None, gone))}
    {_indented(_selected(setup, table, "I", "n", None, "n", come))}
    {_indented(_selected(setup, table, "U", "n", "o", "n", f"new_rows n join old_rows o on {match}"))}
  end if;
  return null;
end
"""


def _inserted(
    setup: DdlSetup, table: FedTable, operation: str, row: str, before: str | None, after: str | None
) -> str:
    return (
        f"insert into {_name(setup, setup.outbox or '')} ({IMAGE_COLUMNS})\n"
        f"values ({_expressions(table, operation, row, before, after)});"
    )


def _selected(
    setup: DdlSetup,
    table: FedTable,
    operation: str,
    row: str,
    before: str | None,
    after: str | None,
    rows: str,
) -> str:
    return (
        f"insert into {_name(setup, setup.outbox or '')} ({IMAGE_COLUMNS})\n"
        f"select {_expressions(table, operation, row, before, after)}\nfrom {rows};"
    )


def _expressions(table: FedTable, operation: str, row: str, before: str | None, after: str | None) -> str:
    parts = (
        literal(table.name),
        literal(operation),
        key(table.key, row),
        lane(key(table.lane_key, row), table.lane_table),
        image(table, before) if before is not None else "null",
        image(table, after) if after is not None else "null",
        "pg_current_xact_id()::text",
        "v_origin",
        literal(table.fingerprint),
    )
    return ",\n  ".join(parts)


def _truncated(setup: DdlSetup, table: FedTable) -> str:
    return (
        f"insert into {_name(setup, setup.outbox or '')} ({IMAGE_COLUMNS})\n"
        f"values ({literal(table.name)}, 'T', '[]', {literal(table.lane_table)}, null, null,\n"
        f"  pg_current_xact_id()::text, v_origin, {literal(table.fingerprint)});"
    )


def key(columns: tuple[str, ...], row: str) -> str:
    """Write the expression of a row's key as a JSON array."""
    listed = ", ".join(f"{row}.{quoted(name, 'postgresql')}" for name in columns)
    return f"json_build_array({listed})::text"


def image(table: FedTable, row: str) -> str:
    """Write the expression of a row's image. The whole row costs least; bytes must be named to be hex."""
    binary = {column.name for column in table.columns if column_type(column.type).family == "other"
              and column.type.lower() == "bytea"}  # fmt: skip
    if table.is_whole and not binary and row in ("new", "old"):
        return f"row_to_json({row})::text"
    columns = ",\n    ".join(
        f"encode({row}.{quoted(each.name, 'postgresql')}, 'hex') as {quoted(each.name, 'postgresql')}"
        if each.name in binary
        else f"{row}.{quoted(each.name, 'postgresql')}"
        for each in table.columns
    )
    return f"(select row_to_json(r)::text from (\n    select {columns}) r)"  # noqa: S608


def _function(setup: DdlSetup, name: str, table: FedTable, body: str) -> Made:
    sql = f"""create or replace function {_name(setup, name)}() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $legacy_bridge${body}$legacy_bridge$;"""
    why = (
        f"Captures {table.name}. SECURITY DEFINER: the users who change rows need no right on the outbox; "
        "let the function belong to its owner."
    )
    return Made("function", name, table.name, sql, body, why)


def _trigger(
    setup: DdlSetup,
    name: str,
    table: FedTable,
    event: str,
    each: str,
    bits: int,
    referencing: str = "",
    *,
    function: str | None = None,
) -> Made:
    called = function or name
    tables = f"\nreferencing {referencing}" if referencing else ""
    sql = f"""drop trigger if exists {quoted(name, "postgresql")} on {_name(setup, table.name)};
create trigger {quoted(name, "postgresql")} {event} on {_name(setup, table.name)}{tables}
for each {each} execute function {_name(setup, called)}();"""
    return Made("trigger", name, table.name, sql, f"{bits} {called} O")


def _wake(setup: DdlSetup, outbox_name: str) -> list[Made]:
    name = object_name("postgresql", outbox_name, "wake")
    body = f"\nbegin\n  perform pg_notify({literal(outbox_name)}, '');\n  return null;\nend\n"
    sql = f"""create or replace function {_name(setup, name)}() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $legacy_bridge${body}$legacy_bridge$;"""
    why = (
        "Wakes the feed at each commit (feed.notify). NOTIFY takes one lock for the whole database at "
        "commit: many concurrent writers lose more than half of their rate. Leave it out where that matters; "
        "the feed polls as well."
    )
    trigger = f"""drop trigger if exists {quoted(name, "postgresql")} on {_name(setup, outbox_name)};
create trigger {quoted(name, "postgresql")} after insert on {_name(setup, outbox_name)}
for each statement execute function {_name(setup, name)}();"""
    return [
        Made("function", name, outbox_name, sql, body, why),
        Made("trigger", name, outbox_name, trigger, f"4 {name} O"),
    ]


def _name(setup: DdlSetup, name: str) -> str:
    return quoted(name, "postgresql", setup.schema)


def _indented(sql: str) -> str:
    return sql.replace("\n", "\n    ")
