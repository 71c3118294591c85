"""Outbox and triggers for MariaDB 10.6 and later, and MySQL 8. Pure."""

from __future__ import annotations

from adapters.db_triggers.binding import column_type
from adapters.db_triggers.ddl.model import DdlSetup, FedTable, Made, lane, literal, object_name
from adapters.db_triggers.fingerprint import Column
from adapters.db_triggers.origin import READ
from adapters.db_triggers.write_statements import quoted

IMAGE_COLUMNS = (
    "source_table, operation, row_key, lane, before_image, after_image, transaction_id, origin, "
    "schema_fingerprint"
)
_BINARY = ("binary", "varbinary", "blob", "tinyblob", "mediumblob", "longblob")


def outbox(setup: DdlSetup, name: str) -> list[Made]:
    """Give the outbox with its index."""
    sql = f"""create table {_name(setup, name)} (
  id bigint not null auto_increment primary key,
  source_table varchar(128) not null,
  operation char(1) not null,
  row_key longtext not null,
  lane varchar(255) character set utf8mb4 collate utf8mb4_bin not null,
  before_image longtext,
  after_image longtext,
  transaction_id varchar(64),
  origin varchar(64),
  schema_fingerprint varchar(64),
  created_at datetime(6) not null default (utc_timestamp(6)),
  index {quoted(f"{name}_lane", setup.dialect)} (lane, id)
) engine=InnoDB default charset=utf8mb4;"""
    why = (
        "Triggers write one row here for each changed row, in the transaction of the change; the gateway "
        "deletes it once it has it on disk."
    )
    return [Made("table", name, name, sql, None, why), Made("index", f"{name}_lane", name, "")]


def captured(setup: DdlSetup, table: FedTable) -> list[Made]:
    """Give the three triggers of one table."""
    insert = _inserted(setup, table, "I", "new", None, "new")
    delete = _inserted(setup, table, "D", "old", "old", None)
    same = " and ".join(
        f"new.{quoted(name, setup.dialect)} <=> old.{quoted(name, setup.dialect)}" for name in table.identity
    )
    update = f"""if {same} then
    {_indented(_inserted(setup, table, "U", "new", "old", "new"))}
  else
    {_indented(delete)}
    {_indented(insert)}
  end if;"""
    does = {"insert": insert.replace("\n", "\n  "), "update": update, "delete": delete.replace("\n", "\n  ")}
    return [_trigger(setup, table, event[:3], event, does[event]) for event in table.operations]


def _trigger(setup: DdlSetup, table: FedTable, suffix: str, event: str, does: str) -> Made:
    name = object_name(setup.dialect, table.name, suffix)
    body = f"""begin
  if not ({READ[setup.dialect]} <=> {literal(setup.origin)}) then
  {does}
  end if;
end"""
    quoted_name = quoted(name, setup.dialect, setup.schema)
    sql = f"""drop trigger if exists {quoted_name}//
create trigger {quoted_name} after {event} on {_name(setup, table.name)} for each row
{body}//"""
    why = f"Captures {table.name}. It runs with the rights of whoever creates it." if suffix == "ins" else ""
    return Made("trigger", name, table.name, sql, f"after {event} {body}", why)


def _inserted(
    setup: DdlSetup, table: FedTable, operation: str, row: str, before: str | None, after: str | None
) -> str:
    parts = (
        literal(table.name),
        literal(operation),
        key(setup, table.key, row),
        lane(key(setup, table.lane_key, row), table.lane_table, concat="concat"),
        image(setup, table.columns, before) if before is not None else "null",
        image(setup, table.columns, after) if after is not None else "null",
        "concat('session ', connection_id())",  # InnoDB tells its transaction's number to superusers only
        READ[setup.dialect],
        literal(table.fingerprint),
    )
    joined = ",\n  ".join(parts)
    return f"insert into {_name(setup, setup.outbox or '')} ({IMAGE_COLUMNS})\nvalues ({joined});"


def key(setup: DdlSetup, columns: tuple[str, ...], row: str) -> str:
    """Write the expression of a row's key as a JSON array."""
    return f"json_array({', '.join(f'{row}.{quoted(name, setup.dialect)}' for name in columns)})"


def image(setup: DdlSetup, columns: tuple[Column, ...], row: str) -> str:
    """Write the expression of a row's image."""
    entries = ",\n    ".join(f"{literal(each.name)}, {_value(setup, each, row)}" for each in columns)
    return f"json_object(\n    {entries}\n  )"


def _value(setup: DdlSetup, column: Column, row: str) -> str:
    name = f"{row}.{quoted(column.name, setup.dialect)}"
    word = column.type.lower().split("(")[0].split(" ")[0]
    if word in _BINARY:
        return f"lower(hex({name}))"
    if word == "bit":
        return f"{name} + 0"
    if column_type(column.type).family == "timestamp":
        return f"date_format({name}, '%Y-%m-%dT%H:%i:%s.%f')"
    return name


def _name(setup: DdlSetup, name: str) -> str:
    return quoted(name, setup.dialect, setup.schema)


def _indented(sql: str) -> str:
    return sql.replace("\n", "\n    ")
