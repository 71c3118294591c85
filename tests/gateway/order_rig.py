"""A gateway between two systems that keep orders: real pipeline, worker, translator and mover, real targets.

Both systems are books of `simulators/order_book`, asked in this process; the supplier counts what it gets.
"""

from __future__ import annotations

from adapters.base import Acceptance  # type: ignore[attr-defined]  # noqa: F401
