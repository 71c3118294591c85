"""Outbox and triggers for Oracle 19c and later. Never run against a server by us. Pure."""

from __future__ import annotations

from adapters.db_triggers.ddl.model import DdlSetup, FedTable, Made, lane, literal, object_name
from adapters.db_triggers.fingerprint import Column
from adapters.db_triggers.origin import READ
from adapters.db_triggers.write_statements import quoted

IMAGE_COLUMNS = (
    "source_table, operation, row_key, lane, before_image, after_image, transaction_id, origin, "
    "schema_fingerprint"
)


def outbox(setup: DdlSetup, name: str) -> list[Made]:
    """Give the outbox with its index. Its own names are unquoted, so upper case in the catalog."""
    table = _own(setup, name)
    sql = f"""create table {table} (
  id number(19) generated always as identity (nocache order) primary key,
  source_table varchar2(128 char) not null,
  operation char(1) not null,
  row_key varchar2(4000) not null,
  lane varchar2(255 char) not null,
  before_image clob,
  after_image clob,
  transaction_id varchar2(64),
  origin varchar2(64),
  schema_fingerprint varchar2(64),
  created_at timestamp(6) default sys_extract_utc(systimestamp) not null
);"""
    index = f"create index {name}_lane on {table} (lane, id);"
    why = (
        "Triggers write one row here for each changed row, in the transaction of the change; the gateway "
        "deletes it once it has it on disk. NOCACHE ORDER: numbers grow in order on a cluster, too."
    )
    return [Made("table", name, name, sql, None, why), Made("index", f"{name}_lane", name, index)]


def captured(setup: DdlSetup, table: FedTable) -> list[Made]:
    """Give the row trigger of one table."""
    name = object_name("oracle", table.name).lower()
    same = " and ".join(
        f"l_same(:new.{quoted(each, 'oracle')}, :old.{quoted(each, 'oracle')}) = 1" for each in table.identity
    )
    insert = _inserted(setup, table, "I", ":new", None, ":new")
    delete = _inserted(setup, table, "D", ":old", ":old", None)
    body = f"""declare
  l_origin varchar2(64) := {READ["oracle"]};
  function l_same(a in varchar2, b in varchar2) return number is
  begin
    return case when a = b or (a is null and b is null) then 1 else 0 end;
  end;
begin
  if l_origin = {literal(setup.origin)} then
    return;  -- written by the gateway itself
  end if;
  if inserting then
    {_indented(insert)}
  elsif deleting then
    {_indented(delete)}
  elsif {same} then
    {_indented(_inserted(setup, table, "U", ":new", ":old", ":new"))}
  else
    {_indented(delete)}
    {_indented(insert)}
  end if;
end;"""
    sql = f"""create or replace trigger {_own(setup, name)}
after {" or ".join(table.operations)} on {quoted(table.name, "oracle", setup.schema)} for each row
{body}
/"""
    return [Made("trigger", name, table.name, sql, body, f"Captures {table.name}.")]


def _inserted(
    setup: DdlSetup, table: FedTable, operation: str, row: str, before: str | None, after: str | None
) -> str:
    parts = (
        literal(table.name),
        literal(operation),
        key(table.key, row),
        lane(key(table.lane_key, row), table.lane_table, cut="substr"),
        image(table.columns, before) if before is not None else "null",
        image(table.columns, after) if after is not None else "null",
        "dbms_transaction.local_transaction_id",
        "l_origin",
        literal(table.fingerprint),
    )
    joined = ",\n  ".join(parts)
    return f"insert into {_own(setup, setup.outbox or '')} ({IMAGE_COLUMNS})\nvalues ({joined});"


def key(columns: tuple[str, ...], row: str) -> str:
    """Write the expression of a row's key as a JSON array."""
    listed = ", ".join(f"{row}.{quoted(name, 'oracle')}" for name in columns)
    return f"json_array({listed} null on null returning varchar2(4000))"


def image(columns: tuple[Column, ...], row: str) -> str:
    """Write the expression of a row's image."""
    entries = ",\n    ".join(f"{literal(each.name)} value {_value(each, row)}" for each in columns)
    return f"json_object(\n    {entries}\n    null on null returning clob)"


def _value(column: Column, row: str) -> str:
    name = f"{row}.{quoted(column.name, 'oracle')}"
    kind = column.type.upper().split("(")[0]
    if kind in ("RAW", "BLOB"):
        return f"lower(rawtohex({name}))"
    if kind == "DATE":  # it has a time of day
        return f"to_char({name}, 'YYYY-MM-DD\"T\"HH24:MI:SS')"
    return name


def _own(setup: DdlSetup, name: str) -> str:
    return f"{quoted(setup.schema, 'oracle')}.{name}" if setup.schema is not None else name


def _indented(sql: str) -> str:
    return sql.replace("\n", "\n    ")
