"""How much of an item's unit a factor makes it, by a code table of the journal."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from gateway.compare.rules import Factors
from gateway.journal.types import CrosswalkRow


def factors_of(rows: Iterable[CrosswalkRow]) -> Factors:
    """Give unit factors of a code table: legacy's word is ITEM|UNIT, or UNIT alone for every item."""
    known: dict[str, Decimal] = {}
    for row in rows:
        try:
            factor = Decimal(row.facts.get("factor", ""))
        except InvalidOperation:
            continue
        if factor.is_finite() and factor > 0:
            known[row.legacy] = factor

    def factor_of(item: tuple[str, ...], unit: str) -> Decimal | None:
        return next(
            (known[name] for name in (*(f"{each}|{unit}" for each in item), unit) if name in known), None
        )

    return factor_of


def unknown_factor(item: tuple[str, ...], unit: str) -> Decimal | None:
    """Know no factor: without a table none is guessed."""
    return None
