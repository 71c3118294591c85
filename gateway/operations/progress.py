"""How far a message is, in one word for lists. Pure; ``conclusion`` says it in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.journal.types import FINISHED, DeliveryState, DeliveryView, DocumentView, Message, MessageState

LIVE = ("live", "pass_through")


def progress(
    message: Message,
    documents: Sequence[DocumentView],
    deliveries: Sequence[DeliveryView],
    *,
    needs_a_person: bool,
) -> str:
    """Give what a person asks first: the journal's own state, or what became of what was planned.

    ``needs_a_person``: something of it is among the exceptions. The words are ``delivered``, ``delivering``,
    ``in doubt``, ``waits for its order``, ``parked``, ``closed`` (by a person, or since nobody waits for it)
    and ``nothing to deliver``.
    """
    if message.state not in (MessageState.PLANNED, MessageState.PARKED):
        return message.state.value
    if needs_a_person:
        return "parked"
    if message.state is MessageState.PARKED:
        return "closed"
    plans = [each.plan for each in documents if each.generation == message.generation]
    states = [each.state for each in deliveries]
    if DeliveryState.IN_DOUBT in states:
        return "in doubt"
    if any(plan.awaits is not None for plan in plans):
        return "waits for its order"
    live = [each.state for each in deliveries if each.role in LIVE]
    if any(state not in FINISHED for state in live):
        return "delivering"
    if DeliveryState.DONE in live:
        return "delivered"
    return "closed" if live or any(plan.resolution for plan in plans) else "nothing to deliver"
