"""Actions of an order change (X12 element 670, in our words) that say how a line is to be from now on."""

from __future__ import annotations

CHANGING = frozenset(
    {
        "change",
        "replace",
        "quantity_increase",
        "quantity_decrease",
        "price_change",
        "reschedule",
        "change_of_dates",
    }
)
