"""What stands in the tables: suppliers, items and orders, written as the old application writes them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

UNITS = ("EA", "BX", "CS", "PK")
VENDORS = (("V-1042", "Meridian Surgical Supply", "001122334"), ("V-2210", "Northlake Pharma", None))

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """One order to enter: lines are (item, quantity, unit, price)."""

    number: str
    vendor: str
    lines: tuple[tuple[str, str, str, str], ...]
    day: str = "20261120"
    ship_to: str = "DOCK-09"
    is_rush: bool = False
    note: str | None = None


def padded(text: str, width: int) -> str:
    """Give a key as the application stores it: blanks to the column's width."""
    return text.ljust(width)


def reference_rows() -> list[tuple[str, Row]]:
    """Give the suppliers, as (table, row)."""
    return [
        ("vendor", {"vend_no": padded(number, 10), "vend_name": name, "duns": duns})
        for number, name, duns in VENDORS
    ]


def items(count: int, seed: int = 7) -> Iterator[Row]:
    """Give the rows of an item master; some have no description, some no price."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        yield {
            "item_no": padded(f"I{number:07d}", 12),
            "descr": None if chance.random() < 0.1 else f"item {number} of {chance.choice('ABCDE')}",
            "uom": chance.choice(UNITS),
            "vend_no": padded(chance.choice(VENDORS)[0], 10),
            "std_price": None if chance.random() < 0.05 else Decimal(chance.randrange(1, 900_000)) / 10_000,
        }


def order_statements(order: PurchaseOrder) -> list[tuple[str, Row]]:
    """Give the rows of an order as they are entered, lines first and the header still being worked on."""
    rows: list[tuple[str, Row]] = []
    for number, (item, quantity, unit, price) in enumerate(order.lines, start=1):
        rows.append(
            (
                "po_line",
                {
                    "po_no": padded(order.number, 10),
                    "line_no": number,
                    "item_no": padded(item, 12),
                    "qty_ord": quantity,
                    "uom": unit,
                    "price": price,
                },
            )
        )
    header: Row = {
        "po_no": padded(order.number, 10),
        "vend_no": padded(order.vendor, 10),
        "po_dt": order.day,
        "ship_to": padded(order.ship_to, 8),
        "rush": "Y" if order.is_rush else " ",
        "note_txt": order.note,
        "chg_user": padded("ENTRY", 8),
    }
    rows.append(("po_hdr", header))
    return rows
