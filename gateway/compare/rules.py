"""What counts as a difference: tolerances, lists without an order, what is ignored and until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

Factors = Callable[[tuple[str, ...], str], Decimal | None]
"""An item's identifiers and a unit of it -> how many base units one of these holds; None: not known."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Two numbers count as equal when they are no further apart than this."""

    path: str
    absolute: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)  # of legacy's number


@dataclass(frozen=True, slots=True)
class Unordered:
    """A list whose entries are matched by a field. ``by`` "item": by the identifiers of an item."""

    path: str
    by: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Differences that somebody has looked at. ``until`` is the last day on which they are excused.

    ``pair``: only where legacy and cloud say exactly these two things; None: whatever they say.
    """

    path: str
    until: date
    why: str
    pair: tuple[str, str] | None = None


def _no_factor(item: tuple[str, ...], unit: str) -> Decimal | None:
    return None


@dataclass(frozen=True, slots=True)
class CompareRules:
    """Everything that a comparison is told about a route.

    ``untold``: whether something that legacy's version says nothing about counts as a difference.
    ``only``: patterns that are compared at all; empty: everything.
    """

    tolerate: tuple[Tolerance, ...] = ()
    unordered: tuple[Unordered, ...] = ()
    ignore: tuple[Ignored, ...] = ()
    untold: Literal["differs", "ignored"] = "differs"
    only: frozenset[str] = frozenset()
    factors: Factors = _no_factor

    def tolerates(self, pattern: str, legacy: Decimal | Fraction, cloud: Decimal | Fraction) -> bool:
        """Tell whether two numbers at a place are close enough. Exact: no digit is lost on the way."""
        if legacy == cloud:
            return True
        theirs = Fraction(legacy)
        apart = abs(theirs - Fraction(cloud))
        return any(
            apart <= max(Fraction(rule.absolute), abs(theirs) * Fraction(rule.percent) / 100)
            for rule in self.tolerate
            if covers(rule.path, pattern)
        )

    def key_of(self, pattern: str) -> str | None:
        """Give the field by which a list's entries are matched, where one is declared."""
        return next((rule.by for rule in self.unordered if rule.path.removesuffix("[]") == pattern), None)

    def is_compared(self, pattern: str) -> bool:
        """Tell whether a place, or something around or below it, is compared at all."""
        return not self.only or any(covers(each, pattern) or covers(pattern, each) for each in self.only)


def covers(rule: str, pattern: str) -> bool:
    """Tell whether a rule's path means a place: the place itself, or something that it stands in.

    ``*`` is any one part; ``[]`` may be left out after a list's name.
    """
    wanted, found = rule.split("."), pattern.split(".")
    if len(wanted) > len(found):
        return False
    return all(
        part in ("*", "*[]", name) or part == name.removesuffix("[]")
        for part, name in zip(wanted, found, strict=False)
    )
