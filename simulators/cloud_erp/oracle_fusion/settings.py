"""How a simulated pod is set up, apart from faults and access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PodSettings:
    """How this pod is set up.

    `suppliers`: number to name; None lets any number be a supplier. `inactive`: numbers that may not be
    ordered from. `budget`: what checkFunds has. `closed_before`: accounting dates before it are refused.
    `processing_s`: a receipt waits so long in the interface.
    """

    suppliers: Mapping[str, str] | None = None
    inactive: tuple[str, ...] = ()
    budget: str = "50000"
    closed_before: date | None = None
    processing_s: float = 0.0
