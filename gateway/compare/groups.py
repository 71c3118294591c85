"""Differences that are alike become one group: a person decides once about all of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from gateway.compare.rules import Ignored, covers
from gateway.journal.comparisons import Difference, DifferenceGroup

_CODE = re.compile(r"[A-Za-z0-9_./-]{1,12}")
_CODED = (
    "unit", "currency", "basis", "indicator", "kind", "scheme", "role", "order_type", "purpose", "stock",
    "urgency", "line_class", "carrier_code", "incoterm", "country", "region", "mode",
)  # fmt: skip


def group_id(route: str, difference: Difference) -> str:
    """Give the name of the group that a difference belongs to: ten characters, the same for ever."""
    parts = (route, difference.surface, difference.kind, difference.pattern, *pair_of(difference))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


def with_group(route: str, difference: Difference) -> Difference:
    """Give a difference with its group."""
    return replace(difference, group_id=group_id(route, difference))


def pair_of(difference: Difference | DifferenceGroup) -> tuple[str, ...]:
    """Give the two codes that make a group of their own (CA and CS), nothing where values are no codes.

    A price or a date differs anew in each order; they are grouped by their place alone.
    """
    if difference.kind in ("untranslated", "refused"):
        return (difference.cloud,)
    last = difference.pattern.rsplit(".", 1)[-1].removesuffix("[]")
    both = (difference.legacy, difference.cloud)
    is_code = difference.kind in ("value", "unit") and (
        last in _CODED or last.lower().endswith(("uom", "uomcode", "unit", "unitcode", "currencycode"))
    )
    return both if is_code and all(_CODE.fullmatch(each) for each in both) else ()


def excused(
    group: DifferenceGroup | Difference, ignore: Iterable[Ignored], noise: Iterable[str], today: date
) -> str:
    """Say what excuses a group of differences today; "" where nothing does, and it counts as a mismatch.

    What could not be translated, or was refused by the ERP, is excused by nothing: no ignore hides an order.
    """
    if group.kind in ("untranslated", "refused"):
        return ""
    place = surfaced(group.surface, group.pattern)
    for rule in ignore:
        if today <= rule.until and _means(rule, group, place):
            return f"ignored until {rule.until}: {rule.why}"
    if place in noise:
        return "noise: two readings of one record differ here"
    return ""


def surfaced(surface: str, pattern: str) -> str:
    """Give a pattern as routes.yaml writes it: those of requests and answers say so."""
    return pattern if surface == "document" else f"{surface}.{pattern}" if pattern else surface


def _means(rule: Ignored, group: DifferenceGroup | Difference, place: str) -> bool:
    if not covers(rule.path, place):
        return False
    return rule.pair is None or rule.pair == pair_of(group)
