"""Outbox and triggers for SQLite 3.38 and later. Pure."""

from __future__ import annotations

from adapters.db_triggers.ddl.model import DdlSetup, FedTable, Made, lane, literal, object_name
from adapters.db_triggers.fingerprint import Column
from adapters.db_triggers.origin import READ
from adapters.db_triggers.write_statements import quoted

IMAGE_COLUMNS = (
    "source_table, operation, row_key, lane, before_image, after_image, origin, schema_fingerprint"
)


def outbox(setup: DdlSetup, name: str) -> list[Made]:
    """Give the outbox with its index."""
    table = quoted(name, "sqlite")
    sql = f"""create table {table} (
  id integer primary key autoincrement,
  source_table text not null,
  operation text not null,
  row_key text not null,
  lane text not null,
  before_image text,
  after_image text,
  transaction_id text,
  origin text,
  schema_fingerprint text,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);"""
    index = f"create index {quoted(f'{name}_lane', 'sqlite')} on {table} (lane, id);"
    why = (
        "Triggers write one row here for each changed row, in the transaction of the change; the gateway "
        "deletes it once it has it on disk. AUTOINCREMENT: without it SQLite uses numbers again."
    )
    return [Made("table", name, name, sql, None, why), Made("index", f"{name}_lane", name, index)]


def captured(setup: DdlSetup, table: FedTable) -> list[Made]:
    """Give the three triggers of one table."""
    same = " and ".join(
        f"new.{quoted(name, 'sqlite')} is old.{quoted(name, 'sqlite')}" for name in table.identity
    )
    update = [
        _inserted(setup, table, "U", "new", "old", "new", same),
        _inserted(setup, table, "D", "old", "old", None, f"not ({same})"),
        _inserted(setup, table, "I", "new", None, "new", f"not ({same})"),
    ]
    does = {
        "insert": [_inserted(setup, table, "I", "new", None, "new")],
        "update": update,
        "delete": [_inserted(setup, table, "D", "old", "old", None)],
    }
    return [_trigger(setup, table, event[:3], event, does[event]) for event in table.operations]


def _trigger(setup: DdlSetup, table: FedTable, suffix: str, event: str, does: list[str]) -> Made:
    name = object_name("sqlite", table.name, suffix)
    statements = "\n".join(f"  {sql}" for sql in does)
    body = f"""create trigger {quoted(name, "sqlite")} after {event}
on {quoted(table.name, "sqlite")} for each row
when {READ["sqlite"]} is not {literal(setup.origin)}
begin
{statements}
end"""
    why = f"Captures {table.name}." if suffix == "ins" else ""
    sql = f"drop trigger if exists {quoted(name, 'sqlite')};\n{body};"
    return Made("trigger", name, table.name, sql, body.replace(" if not exists", ""), why)


def _inserted(
    setup: DdlSetup,
    table: FedTable,
    operation: str,
    row: str,
    before: str | None,
    after: str | None,
    where: str = "",
) -> str:
    parts = (
        literal(table.name),
        literal(operation),
        key(table.key, row),
        lane(key(table.lane_key, row), table.lane_table, cut="substr"),
        image(table.columns, before) if before is not None else "null",
        image(table.columns, after) if after is not None else "null",
        READ["sqlite"],
        literal(table.fingerprint),
    )
    joined = ",\n    ".join(parts)
    only = f"\n    where {where}" if where else ""
    into = f"insert into {quoted(setup.outbox or '', 'sqlite')}\n    ({IMAGE_COLUMNS})"
    return f"{into}\n    select {joined}{only};"


def key(columns: tuple[str, ...], row: str) -> str:
    """Write the expression of a row's key as a JSON array."""
    return f"json_array({', '.join(_value(name, row) for name in columns)})"


def image(columns: tuple[Column, ...], row: str) -> str:
    """Write the expression of a row's image."""
    entries = ",\n      ".join(f"{literal(each.name)}, {_value(each.name, row)}" for each in columns)
    return f"json_object(\n      {entries}\n    )"


def _value(name: str, row: str) -> str:
    # Any column may hold bytes, whatever it was declared as, and json_object would fail the user's write.
    column = f"{row}.{quoted(name, 'sqlite')}"
    return f"iif(typeof({column}) = 'blob', lower(hex({column})), {column})"
