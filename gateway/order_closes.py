"""When an order is closed on the side that loses it: once the other side has it, and by a person at worst."""

from __future__ import annotations

from datetime import timedelta

from adapters.base import Clock
from gateway.journal.base import Journal
from gateway.journal.types import ClaimedDelivery, DeliveryState, Settled
from gateway.settling import parked

CLOSE_LOOK_AGAIN_S = 30.0


async def not_created_yet(claimed: ClaimedDelivery, journal: Journal, clock: Clock) -> Settled | None:
    """Let a close wait until the other side has the order (``losing_side: close``); None where it has.

    A moved order's close has a document of its own, and is planned only once the remainder was created.
    """
    views = await journal.deliveries(message_id=claimed.message_id, limit=10_000)
    newest = max((each.generation for each in views), default=1)
    live = [
        each
        for each in views
        if each.role == "live"
        and each.document_index == claimed.document_index
        and each.target != claimed.target
        and (each.generation == newest or each.steps)
    ]
    if all(
        each.state is DeliveryState.DONE or each.resolution.startswith("done_elsewhere:") for each in live
    ):
        return None
    if any(each.state is DeliveryState.VOID for each in live):
        text = "the cloud ERP never got it, so it stays open here; dismiss this"
        return parked("CLOSE-NOT-CREATED", claimed, text)
    wait = clock.now() + timedelta(seconds=CLOSE_LOOK_AGAIN_S)
    return Settled(DeliveryState.WAITING, not_before=wait, reason="closed once the cloud ERP has the order")


def close_by_hand(claimed: ClaimedDelivery) -> Settled:
    """Ask a person to close an order where no machine can: what was moved must not be open on both sides."""
    order = claimed.order_keys[0] if claimed.order_keys else claimed.reference
    return parked(
        "MOVE-CLOSE-BY-HAND",
        claimed,
        f"order {order} is on the other side now, and {claimed.target} closes no orders by itself: close "
        "what is left of it there, look at it again, then say so: legacy-bridge exceptions resolve "
        f"{claimed.claim.delivery_id} --done-elsewhere REFERENCE --why TEXT",
    )
