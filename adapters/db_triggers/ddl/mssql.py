"""Outbox and triggers for SQL Server 2017 and later. Never run against a server by us. Pure."""

from __future__ import annotations

from adapters.db_triggers.ddl.model import DdlSetup, FedTable, Made, literal, object_name
from adapters.db_triggers.fingerprint import Column
from adapters.db_triggers.origin import READ
from adapters.db_triggers.outbox import LANE_CHARS
from adapters.db_triggers.write_statements import quoted

IMAGE_COLUMNS = (
    "source_table, operation, row_key, lane, before_image, after_image, transaction_id, origin, "
    "schema_fingerprint"
)


def outbox(setup: DdlSetup, name: str) -> list[Made]:
    """Give the outbox with its index."""
    table = _name(setup, name)
    sql = f"""create table {table} (
  id bigint identity(1, 1) not null primary key,
  source_table nvarchar(128) not null,
  operation nchar(1) not null,
  row_key nvarchar(max) not null,
  lane nvarchar(255) collate Latin1_General_100_BIN2 not null,
  before_image nvarchar(max),
  after_image nvarchar(max),
  transaction_id nvarchar(64),
  origin nvarchar(64),
  schema_fingerprint nvarchar(64),
  created_at datetime2(6) not null default sysutcdatetime()
);"""
    index = f"create index {quoted(f'{name}_lane', 'mssql')} on {table} (lane, id);"
    why = (
        "Triggers write one row here for each changed row, in the transaction of the change; the gateway "
        "deletes it once it has it on disk. It reads past rows that others hold (READPAST)."
    )
    return [Made("table", name, name, sql, None, why), Made("index", f"{name}_lane", name, index)]


def captured(setup: DdlSetup, table: FedTable) -> list[Made]:
    """Give the one trigger of one table: SQL Server knows statement triggers only."""
    name = object_name("mssql", table.name)
    match = " and ".join(
        f"(i.{quoted(each, 'mssql')} = d.{quoted(each, 'mssql')} or (i.{quoted(each, 'mssql')} is null and "
        f"d.{quoted(each, 'mssql')} is null))"
        for each in table.identity
    )
    key_of_new = quoted(table.key[0], "mssql")
    row_key = f"case when i.{key_of_new} is null then {key(table.key, 'd')} else {key(table.key, 'i')} end"
    lane_key = (
        f"case when i.{key_of_new} is null then {key(table.lane_key, 'd')} "
        f"else {key(table.lane_key, 'i')} end"
    )
    sql = f"""create or alter trigger {_name(setup, name)} on {_name(setup, table.name)}
after {", ".join(table.operations)} as
begin
  set nocount on;
  if {READ["mssql"]} = {_literal(setup.origin)} return;  -- written by the gateway itself
  insert into {_name(setup, setup.outbox or "")} ({IMAGE_COLUMNS})
  select {_literal(table.name)},
    case when d.{key_of_new} is null then N'I' when i.{key_of_new} is null then N'D' else N'U' end,
    {row_key},
    left(concat({_literal(table.lane_table + ":")}, {lane_key}), {LANE_CHARS}),
    case when d.{key_of_new} is not null then {image(table.columns, "d")} end,
    case when i.{key_of_new} is not null then {image(table.columns, "i")} end,
    cast(current_transaction_id() as nvarchar(64)),
    {READ["mssql"]},
    {_literal(table.fingerprint)}
  from inserted i full outer join deleted d on {match};
end;"""  # noqa: S608
    why = f"Captures {table.name}, all rows of a statement at once. Key columns must not be null."
    return [Made("trigger", name, table.name, f"go\n{sql}\ngo", sql, why)]


def key(columns: tuple[str, ...], row: str) -> str:
    """Write the expression of a row's key as a JSON array; there is no JSON_ARRAY before SQL Server 2022."""
    parts = ", N',', ".join(
        f"N'\"', string_escape(cast({row}.{quoted(name, 'mssql')} as nvarchar(max)), 'json'), N'\"'"
        for name in columns
    )
    return f"concat(N'[', {parts}, N']')"


def image(columns: tuple[Column, ...], row: str) -> str:
    """Write the expression of a row's image."""
    listed = ", ".join(f"{_value(each, row)} as {quoted(each.name, 'mssql')}" for each in columns)
    return f"(select {listed} for json path, include_null_values, without_array_wrapper)"


def _value(column: Column, row: str) -> str:
    name = f"{row}.{quoted(column.name, 'mssql')}"
    if column.type.lower().split("(")[0] in ("binary", "varbinary", "image", "timestamp", "rowversion"):
        return f"lower(convert(varchar(max), {name}, 2))"
    return name


def _name(setup: DdlSetup, name: str) -> str:
    return quoted(name, "mssql", setup.schema)


def _literal(text: str) -> str:
    return f"N{literal(text)}"
