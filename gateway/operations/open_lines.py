"""Open orders as the old side exports them, line by line, and the orders that they are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from canonical.key_rules import KeyRules
from canonical.keys import order_key_of
from canonical.purchase_order import PurchaseOrder
from gateway.journal.moves import MoveLine
from gateway.operations.base import JsonObject, Text
from gateway.operations.errors import OperationError

ROWS_MAX = 500_000
PROBLEMS_SHOWN = 5

ToldOrders = dict[str, tuple[PurchaseOrder, tuple[MoveLine, ...]]]  # by order key


class LineRow(BaseModel):
    """One line of an open order, as the old side exports it; ``at`` is its line in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: int
    order_number: str
    line: str
    ordered: str
    received: str
    invoiced: str
    unit: str
    price: str
    item: str
    supplier: str
    facility: str


LineRows = Annotated[list[LineRow], Field(max_length=ROWS_MAX)]
Numbers = Annotated[list[Text], Field(min_length=1, max_length=ROWS_MAX)]


def told_orders(rows: Sequence[LineRow], rules: KeyRules) -> ToldOrders:
    """Give the orders of a file by their keys. Errors: OperationError, with the first that are wrong."""
    grouped: dict[str, list[LineRow]] = {}
    for row in rows:
        grouped.setdefault(order_key_of(row.order_number, rules), []).append(row)
    problems: list[str] = []
    orders: ToldOrders = {}
    for key, own in grouped.items():
        try:
            orders[key] = _order_of(own)
        except (ValidationError, ValueError, ArithmeticError) as error:
            problems.append(f"lines {own[0].at} to {own[-1].at}: {_first(error)}")
    if problems:
        shown = "; ".join(problems[:PROBLEMS_SHOWN])
        what = "1 order" if len(problems) == 1 else f"{len(problems)} orders"
        text = f"{what} of the file cannot be read: {shown}. Nothing was asked for"
        raise OperationError("refused", text)
    return orders


def _order_of(rows: list[LineRow]) -> tuple[PurchaseOrder, tuple[MoveLine, ...]]:
    """Make an order of its rows. Errors: ValueError, ValidationError, ArithmeticError."""
    lines = tuple(
        MoveLine(
            each.line,
            _number("ordered", each.ordered),
            _number("received", each.received or "0"),
            _number("invoiced", each.invoiced or "0"),
            each.unit,
            _number("price", each.price) if each.price else None,
        )
        for each in rows
    )
    if len({each.line for each in lines}) < len(lines):
        raise ValueError(f"order {rows[0].order_number} has a line twice")
    if any(
        not value.is_finite() or value < 0
        for each in lines
        for value in (each.ordered, each.received, each.invoiced)
    ):
        raise ValueError("a quantity is no number from 0 up")
    supplier = next((each.supplier for each in rows if each.supplier), "")
    party = {"identifiers": [{"scheme": "assigned_by_buyer", "value": supplier}]}
    order = PurchaseOrder.model_validate(
        {
            "number": rows[0].order_number.strip(),
            "facility": next((each.facility for each in rows if each.facility), None),
            **({"seller": party} if supplier else {}),
            "lines": [_line_of(at, each) for at, each in enumerate(rows, start=1)],
        }
    )
    return order, lines


def _number(column: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{column} '{text}' is no number; expected plain digits, such as 12.5") from None


def _line_of(sequence: int, row: LineRow) -> JsonObject:
    quantity = {"value": row.ordered, **({"unit": row.unit} if row.unit else {})}
    return {
        "sequence": sequence,
        "line_id": row.line,
        "quantity": quantity,
        **({"price": {"amount": row.price}} if row.price else {}),
        **({"item_ids": [{"scheme": "buyer", "value": row.item}]} if row.item else {}),
    }


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
    return str(error) or type(error).__name__
