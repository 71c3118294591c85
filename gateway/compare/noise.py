"""What differs although nothing is wrong: learned by reading one record twice.

A clock, a counter or a free text that legacy words anew shows as a difference between two readings of the
same record. Only readings teach it: a second write would be a second order. What an order is about is
never noise, however often it changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gateway.journal.comparisons import NoiseReading

READINGS_MIN = 3  # fewer teach nothing
SHARE_MIN = 0.2  # of the readings must differ in a place (the default of Diffy's relative threshold)

NEVER_NOISE = (
    "quantity", "price", "amount", "unit", "item_ids", "line_id", "identifiers", "currency", "number",
    "release", "revision", "order_type", "purpose", "lots", "base_quantity", "line_class", "stock",
)  # fmt: skip


def learned(readings: Iterable[NoiseReading]) -> frozenset[str]:
    """Give the patterns that are noise, by what is known of a route's records that were read twice."""
    every = list(readings)
    if len(every) < READINGS_MIN:
        return frozenset()
    counted = Counter(pattern for each in every for pattern in each.patterns)
    return frozenset(
        pattern
        for pattern, count in counted.items()
        if count >= SHARE_MIN * len(every) and can_be_noise(pattern)
    )


def can_be_noise(pattern: str) -> bool:
    """Tell whether a place may ever be called noise; what an order is about needs an ignore, and a person."""
    parts = [part.removesuffix("[]") for part in pattern.split(".")]
    return not any(part in NEVER_NOISE for part in parts) and parts != ["lines"]
