"""The table that benchmarks fill: one row per figure, each with the bar that it must reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure; ``ratio`` is against a baseline of the same run, ``bar`` what it must reach."""

    name: str
    figure: str
    ratio: float | None
    bar: str
    holds: bool
