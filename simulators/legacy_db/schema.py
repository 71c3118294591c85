"""The tables, for PostgreSQL, MariaDB and SQLite.

Their habits are the point: keys are CHAR and padded with blanks, dates are eight digits and '00000000'
where there is none, a blank means "not set" as often as NULL does, a status is two letters, amounts have
more decimal places than money has. No foreign keys: the application keeps order, mostly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dialect = Literal["postgresql", "mariadb", "sqlite"]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: columns as (name, type, rest of the column's line), and the primary key."""

    name: str
    columns: tuple[tuple[str, str, str], ...]
    key: tuple[str, ...]
    meaning: str


VENDOR = Table(
    "vendor",
    (
        ("vend_no", "char(10)", "not null"),
        ("vend_name", "varchar(40)", "not null"),
        ("duns", "char(9)", ""),
        ("terms_cd", "char(4)", "default '    ' not null"),
        ("vend_sts", "char(1)", "default 'A' not null"),
    ),
    ("vend_no",),
    "suppliers; vend_sts A active, I inactive",
)
ITEM = Table(
    "item",
    (
        ("item_no", "char(12)", "not null"),
        ("descr", "varchar(60)", ""),
        ("uom", "char(2)", "not null"),
        ("vend_no", "char(10)", ""),
        ("std_price", "decimal(12,4)", ""),
        ("item_sts", "char(1)", "default 'A' not null"),
        ("chg_user", "char(8)", ""),
    ),
    ("item_no",),
    "the item master; item_sts A active, D discontinued",
)
REQN = Table(
    "reqn",
    (
        ("req_no", "char(8)", "not null"),
        ("line_no", "integer", "not null"),
        ("dept", "char(4)", "not null"),
        ("requester", "varchar(30)", ""),
        ("item_no", "char(12)", "not null"),
        ("qty", "decimal(11,3)", "not null"),
        ("need_dt", "char(8)", "default '00000000' not null"),
        ("req_sts", "char(2)", "default 'NW' not null"),
        ("po_no", "char(10)", ""),
    ),
    ("req_no", "line_no"),
    "requisitions, one row a line; req_sts NW new, AP approved, OR ordered",
)
PO_HDR = Table(
    "po_hdr",
    (
        ("po_no", "char(10)", "not null"),
        ("vend_no", "char(10)", "not null"),
        ("po_dt", "char(8)", "not null"),
        ("need_dt", "char(8)", "default '00000000' not null"),
        ("ship_to", "char(8)", "not null"),
        ("rush", "char(1)", "default ' ' not null"),
        ("po_sts", "char(2)", "default 'WK' not null"),
        ("ack_sts", "char(2)", ""),
        ("ack_dt", "char(8)", "default '00000000' not null"),
        ("inv_sts", "char(2)", ""),
        ("note_txt", "varchar(80)", ""),
        ("chg_user", "char(8)", ""),
    ),
    ("po_no",),
    "order headers; po_sts WK being worked on, RL released, PR partly received, RC received, CN cancelled",
)
PO_LINE = Table(
    "po_line",
    (
        ("po_no", "char(10)", "not null"),
        ("line_no", "integer", "not null"),
        ("item_no", "char(12)", "not null"),
        ("descr", "varchar(60)", ""),
        ("qty_ord", "decimal(11,3)", "not null"),
        ("uom", "char(2)", "not null"),
        ("price", "decimal(12,4)", ""),
        ("qty_rcvd", "decimal(11,3)", "default 0 not null"),
        ("line_sts", "char(1)", "default 'O' not null"),
    ),
    ("po_no", "line_no"),
    "order lines; line_sts O open, A acknowledged, B backordered, R received",
)
RECEIPT = Table(
    "receipt",
    (
        ("rcpt_no", "char(12)", "not null"),
        ("po_no", "char(10)", "not null"),
        ("line_no", "integer", "not null"),
        ("qty", "decimal(11,3)", "not null"),
        ("rcpt_dt", "char(8)", "not null"),
        ("src", "char(6)", "default '      ' not null"),
    ),
    ("rcpt_no", "line_no"),
    "what came in at the dock; src says which system said so",
)
INV_HDR = Table(
    "inv_hdr",
    (
        ("vend_no", "char(10)", "not null"),
        ("inv_no", "char(16)", "not null"),
        ("po_no", "char(10)", ""),
        ("amt", "decimal(12,2)", "not null"),
        ("inv_sts", "char(2)", "default 'NW' not null"),
        ("paid_dt", "char(8)", "default '00000000' not null"),
    ),
    ("vend_no", "inv_no"),
    "invoices; inv_sts NW new, AP approved, PD paid",
)

TABLES = (VENDOR, ITEM, REQN, PO_HDR, PO_LINE, RECEIPT, INV_HDR)


def create_schema(dialect: Dialect) -> str:
    """Give a script that makes the tables."""
    return "\n".join(_create(table, dialect) for table in TABLES)


def drop_schema() -> str:
    """Give a script that drops them."""
    return "\n".join(f"drop table if exists {table.name};" for table in TABLES)


def _create(table: Table, dialect: Dialect) -> str:
    lines = [f"  {name} {kind} {rest}".rstrip() for name, kind, rest in table.columns]
    lines.append(f"  primary key ({', '.join(table.key)})")
    # SQLite gives CHAR(n) no length and pads nothing; the application pads its keys itself.
    engine = " engine=InnoDB default charset=utf8mb4" if dialect == "mariadb" else ""
    return f"-- {table.meaning}\ncreate table {table.name} (\n" + ",\n".join(lines) + f"\n){engine};"
