"""Lines of an order that a system keeps in parts, one for each schedule: added up to one again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from adapters.base.orders import LineThere


def added_up(lines: Iterable[LineThere]) -> tuple[LineThere, ...]:
    """Give one line for each name, in the order of their first parts."""
    parts: dict[str, list[LineThere]] = {}
    for line in lines:
        parts.setdefault(line.line, []).append(line)
    return tuple(_one(each) for each in parts.values())


def _one(parts: Sequence[LineThere]) -> LineThere:
    """Add parts up. What one does not tell, or tells otherwise than another, is not told of the whole."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return LineThere(
        first.line,
        sum((each.quantity for each in parts), Decimal(0)),
        first.unit if len({each.unit for each in parts}) == 1 else "",
        first.price if len({each.price for each in parts}) == 1 else None,
        _sum([each.received for each in parts]),
        _sum([each.invoiced for each in parts]),
    )


def _sum(quantities: Sequence[Decimal | None]) -> Decimal | None:
    known = [each for each in quantities if each is not None]
    return sum(known, Decimal(0)) if len(known) == len(quantities) else None
