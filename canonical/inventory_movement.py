"""The inventory movement: stock that changes its place, owner or count inside the hospital."""

from __future__ import annotations

from typing import Literal

from canonical.document import CanonicalDocument, OrderReference, distinct_orders
from canonical.lines import FollowOnLine
from canonical.scalars import Code, DocumentNumber, Text
from canonical.values import ClinicalCase, DateValue, Party, Quantity

MovementKind = Literal[
    "issue", "return", "transfer", "adjustment", "count", "consumption", "receipt", "disposal", "expiry",
    "recall", "reversal", "other",
]  # fmt: skip


class InventoryMovementLine(FollowOnLine):
    """One moved item: `quantity` is what moved (negative for a write-down), `on_hand` what is there after.

    `price` is the unit cost; who is charged stands in `distributions`.
    """

    from_location: Code | None = None
    to_location: Code | None = None
    on_hand: Quantity | None = None
    counted: Quantity | None = None
    reason: Text | None = None


class InventoryMovement(CanonicalDocument):
    """A stock movement of one kind. Posted twice it is wrong stock, so its key has every line.

    Document key: organisation + facility + number + kind + line (a mark of all where there are several).
    Order key: organisation + order number, where a line names one.
    """

    document_type: Literal["inventory_movement"] = "inventory_movement"
    number: DocumentNumber
    kind: MovementKind
    moved: DateValue | None = None
    posted: DateValue | None = None
    facility: Code | None = None
    inventory_location: Code | None = None
    buyer: Party | None = None
    user: Text | None = None
    corrects: Code | None = None
    clinical_case: ClinicalCase | None = None
    lines: tuple[InventoryMovementLine, ...] = ()

    @property
    def named_orders(self) -> tuple[OrderReference, ...]:
        """Give the orders that lines name."""
        return distinct_orders(tuple(line.order for line in self.lines))
