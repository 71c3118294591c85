"""Who may change what is shared: suppliers, items, budgets, approvals, order status. Pure.

Two systems that both change one thing undo each other's changes for ever. So each has one owner in each
stage, and what the other side sends of it goes nowhere by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.base import Finding, Position
from gateway.journal.types import LedgerEntry, Transmitter
from gateway.program import Program
from gateway.stage import Decision

ENTITY_OF = {
    "supplier": "suppliers",
    "item": "items",
    "budget_check": "budgets",
    "approval_decision": "approvals",
    "status_event": "order_status",
}
OF_ITS_ORDER = "order"


def not_the_owner(
    program: Program, stage: str, document_type: str | None, entries: Sequence[LedgerEntry]
) -> Decision | None:
    """Park what comes from a side that does not own it; None where it may pass."""
    entity = ENTITY_OF.get(document_type or "")
    owner = program.owners.get(entity or "", {}).get(stage)
    if program.from_side is None or owner is None:
        return None
    if owner == OF_ITS_ORDER:
        owners = {entry.side.value for entry in entries}
        if len(owners) != 1:
            return None  # no order is known, or both sides have one: the orders themselves decide
        (owner,) = owners
    if owner == program.from_side.value:
        return None
    sender = program.from_side.value
    finding = Finding(
        code="OWNER-OTHER-SIDE",
        at=Position(program.route),
        text=f"in stage {stage} {owner} owns {entity}, and this comes from {sender}: it would be undone. "
        f"Change it in {owner}, then resolve this exception",
    )
    return Decision(None, Transmitter.NONE, (), f"{entity} are owned by {owner}", findings=(finding,))
