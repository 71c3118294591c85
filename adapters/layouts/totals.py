"""Control totals: which records one counts, what it must be, and whether it is.

A total's scope is the record that holds it where everything counted stands below that; else the record
around both, or the whole file. Exact: sums are never rounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal, InvalidOperation

from adapters.layouts.model import Layout, Total, Values, put_at, value_at

_EXACT = Context(prec=200)


def scope_of(layout: Layout, total: Total) -> str | None:
    """Give the record type within which a total counts, None for the whole file."""
    kinds = [total.summed[0]] if total.summed is not None else [each for each in total.counted if each != "*"]
    if kinds and all(total.record in layout.above(each) for each in kinds):
        return total.record
    return layout.records[total.record].parent


class Tally:
    """What one total comes to, counted record by record."""

    def __init__(self, total: Total) -> None:
        self.total = total
        self._count = 0
        self._sum = Decimal(0)

    def add(self, name: str, values: Values) -> None:
        """Count one record."""
        if self.total.summed is None:
            self._count += name in self.total.counted or "*" in self.total.counted
        elif name == self.total.summed[0]:
            number = number_of(value_at(values, self.total.summed[1]))
            if number is not None:
                self._sum = _EXACT.add(self._sum, number)

    @property
    def value(self) -> Decimal:
        """Give the total."""
        value = Decimal(self._count) if self.total.summed is None else self._sum
        return value if self.total.modulo is None else _EXACT.remainder(value, Decimal(self.total.modulo))


def number_of(text: object) -> Decimal | None:
    """Give a value as a number, None where there is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def mismatch(total: Total, stands: object, expected: Decimal) -> str | None:
    """Say how a total differs from what was counted, or None."""
    number = number_of(stands)
    if number is None and not stands and expected == 0:
        return None
    if number is not None and number == expected:
        return None
    what = "sum" if total.summed is not None else "count"
    of = (
        ".".join((total.summed[0], *total.summed[1]))
        if total.summed is not None
        else ", ".join(total.counted)
    )
    told = f"'{stands}'" if stands else "nothing"
    return f"{told} found; the {what} of {of} is {expected:f}"


def walk(layout: Layout, name: str, values: Values) -> Iterator[tuple[str, Values]]:
    """Give a record and all below it, in the order of the layout."""
    yield name, values
    for child in layout.children(name):
        below = values.get(child.name)
        for entry in below if isinstance(below, list) else [below] if below else []:
            yield from walk(layout, child.name, entry)


def totals_within(layout: Layout, scope: str | None) -> list[Total]:
    """Give the totals of a scope."""
    return [total for total in layout.totals if scope_of(layout, total) == scope]


def set_totals(layout: Layout, name: str, values: Values) -> None:
    """Compute the totals of a record and of all below it, in place."""
    for child in layout.children(name):
        below = values.get(child.name)
        for entry in below if isinstance(below, list) else [below] if below else []:
            set_totals(layout, child.name, entry)
    for total in totals_within(layout, name):
        tally = Tally(total)
        holders = []
        for each, held in walk(layout, name, values):
            tally.add(each, held)
            if each == total.record:
                holders.append(held)
        for held in holders:
            put_at(held, total.path, f"{tally.value:f}")
