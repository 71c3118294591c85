"""An order as it stands in Dynamics: what is ordered of each line, what came, what is still open. Pure.

`PurchaseOrderLinesV2` tells no received quantity: `ProductReceiptLines`, the posted receipts, do. What was
invoiced no entity of the order tells but its line's status. Sources: the Common Data Model's field list of
`PurchPurchaseOrderLineV2Entity`; clients made from tenants' `$metadata` for `ProductReceiptLines`; what the
words of `PurchStatus` mean for quantities is assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
ZERO = Decimal(0)
OVER = frozenset({"Received", "Invoiced", "Canceled"})
"""`PurchaseOrderLineStatus` words of lines from which nothing more is expected."""


@dataclass(frozen=True, slots=True)
class StandingLine:
    """One line as it stands. Quantities are in the line's purchase unit, `price` is that of one unit."""

    number: int
    ordered: Decimal
    received: Decimal
    unit: str = ""
    price: Decimal | None = None
    status: str = ""
    is_stopped: bool = False
    etag: str = ""

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is expected of it."""
        return self.is_stopped or self.status in OVER or self.ordered <= self.received

    @property
    def committed(self) -> Decimal:
        """Give what it still binds: all that is ordered, or what came before it was stopped or ended."""
        if self.is_stopped or self.status == "Canceled":
            return self.received
        if self.status in OVER:  # a remainder that a person cancelled leaves the ordered quantity as it was
            return min(self.received or self.ordered, self.ordered)
        return self.ordered

    @property
    def fixed(self) -> Decimal:
        """Give what came or was invoiced of it, as far as the ERP tells."""
        return max(self.received, self.invoiced or ZERO)

    @property
    def invoiced(self) -> Decimal | None:
        """Give what was invoiced, where the status tells: all of it, or nobody knows."""
        return self.committed if self.status == "Invoiced" else None


def standing_lines(lines: Iterable[Row], receipts: Iterable[Row]) -> list[StandingLine]:
    """Give an order's lines by their number. Errors: ValueError, KeyError for rows that say no quantity."""
    came: dict[int, Decimal] = {}
    for receipt in receipts:
        number = int(receipt["PurchaseOrderLineNumber"])
        came[number] = came.get(number, ZERO) + _decimal(receipt, "ReceivedPurchaseQuantity")
    found = [_line(row, came.get(int(row["LineNumber"]), ZERO)) for row in lines]
    return sorted(found, key=lambda each: each.number)


def _line(row: Row, received: Decimal) -> StandingLine:
    price = row.get("PurchasePrice")
    return StandingLine(
        number=int(row["LineNumber"]),
        ordered=_decimal(row, "OrderedPurchaseQuantity"),
        received=received,
        unit=str(row.get("PurchaseUnitSymbol") or ""),
        price=None if price is None else Decimal(price) / (Decimal(row.get("PurchasePriceQuantity") or 1)),
        status=str(row.get("PurchaseOrderLineStatus") or ""),
        is_stopped=row.get("IsLineStopped") == "Yes",
        etag=str(row.get("@odata.etag") or ""),
    )


def _decimal(row: Row, name: str) -> Decimal:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"expected a number as {name}; found {value!r:.50}")
    return Decimal(value)
