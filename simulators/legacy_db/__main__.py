"""`python -m simulators.legacy_db`: makes the sample database, prints its script, enters orders."""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from simulators.arguments import count, seconds
from simulators.legacy_db.schema import create_schema
from simulators.legacy_db.stock import PurchaseOrder, Row, items, order_statements, reference_rows

DESCRIPTION = """A materials-management database to rehearse with: requisitions, orders, lines,
receipts, vendors, items, invoices, with the codes, padding and blanks of old
systems. With --file it makes a SQLite file, or goes on with one that is there;
with --script it prints the tables for PostgreSQL or MariaDB."""

LINES = (("4711", "10", "CS", "12.50"), ("4712", "3", "EA", "2.00"))


def main(argv: Sequence[str] | None = None, prog: str = "simulators.legacy_db") -> None:
    """Do what was asked, and end."""
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--file", type=Path, help="the SQLite file")
    what.add_argument("--script", choices=("postgresql", "mariadb", "sqlite"), help="print the tables")
    parser.add_argument("--items", type=count, default=0, help="how many items to put into a new file")
    parser.add_argument("--orders", type=count, default=0, help="how many orders to enter")
    parser.add_argument("--first", type=count, default=880_001, help="number of the first of them")
    parser.add_argument("--every", type=seconds, default=0.0, metavar="S", help="seconds between two orders")
    arguments = parser.parse_args(argv)
    if arguments.script is not None:
        print(create_schema(arguments.script))
        return
    if not arguments.file.exists():
        _make(arguments.file, arguments.items)
    elif arguments.items:
        print(f"legacy_db: {arguments.file} is there already; --items is for a new file")
    for number in range(arguments.first, arguments.first + arguments.orders):
        try:
            _enter(arguments.file, str(number))
        except sqlite3.IntegrityError:
            parser.error(f"order {number} is in {arguments.file} already; choose another --first")
        except sqlite3.Error as error:
            parser.error(f"{arguments.file} cannot be used: {error}; is it a file that this program made?")
        time.sleep(arguments.every)


def _make(file: Path, count: int) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.executescript(create_schema("sqlite"))
        for table, row in reference_rows():
            _insert(database, table, row)
        for row in items(count):
            _insert(database, "item", row)
        database.commit()
    print(f"legacy_db: {file}, {count} items")


def _enter(file: Path, number: str) -> None:
    with closing(sqlite3.connect(file, timeout=5)) as database:
        for table, row in order_statements(PurchaseOrder(number, "V-1042", LINES)):
            _insert(database, table, row)
        database.commit()
    print(f"legacy_db: order {number} entered", flush=True)


def _insert(database: sqlite3.Connection, table: str, row: Row) -> None:
    columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    values = {name: str(value) if isinstance(value, Decimal) else value for name, value in row.items()}
    database.execute(f"insert into {table} ({columns}) values ({places})", values)  # noqa: S608


if __name__ == "__main__":
    main()
