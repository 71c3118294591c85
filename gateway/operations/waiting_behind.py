"""What keeps a delivery from its turn: one before it, for the same order at the same target, is parked."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.journal.base import Journal
from gateway.journal.types import DeliveryState, DeliveryView
from gateway.operations.base import EVERYTHING


async def parked_before(journal: Journal, views: Sequence[DeliveryView]) -> dict[str, str]:
    """Give, by the id of each delivery that is ready, the parked one that stands before it in its lane.

    Those of a message that is sent again stand behind its former ones, whatever became of these.
    """
    found: dict[str, str] = {}
    ready = [each for each in views if each.state is DeliveryState.READY]
    for target in dict.fromkeys(each.target for each in ready):
        parked = await journal.deliveries(target=target, states=(DeliveryState.PARKED,), limit=EVERYTHING)
        for view in (each for each in ready if each.target == target):
            before = (each for each in parked if _stands_before(each, view))
            if (first := next(before, None)) is not None:
                found[view.delivery_id] = first.delivery_id
    return found


def _stands_before(other: DeliveryView, view: DeliveryView) -> bool:
    return _place(other) < _place(view) and not set(other.lanes).isdisjoint(view.lanes)


def _place(view: DeliveryView) -> tuple[int, int, int]:
    return view.sequence, view.generation, view.document_index or 0
