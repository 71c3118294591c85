"""What a journal itself says, in the same words in every store: findings and refusals. Pure."""

from __future__ import annotations

from adapters.base import Finding, Position
from gateway.journal.base import RefusedError
from gateway.journal.types import Arrival, DeliveryPlan

ARRIVAL_CONFLICT = "ARRIVAL-CONFLICT"
ACK_MISSING = "ACK-MISSING"
DOCUMENT_REPEATS_UNSENT = "DOCUMENT-REPEATS-UNSENT"
ORDER_OVERTAKEN = "ORDER-OVERTAKEN"
PASS_THROUGH_IN_DOUBT = "PASS-THROUGH-IN-DOUBT"  # noqa: S105 - no password


def arrival_conflict(arrival: Arrival, first_message_id: str) -> Finding:
    """Say that an arrival key was used again for other bytes."""
    return Finding(
        code=ARRIVAL_CONFLICT,
        at=Position(arrival.origin.name or arrival.route),
        text=(
            f"arrival key '{arrival.arrival_key}' already belongs to message {first_message_id}, which has "
            "other bytes; expected the same bytes or another key. Compare the two with the sender, then "
            "retry or dismiss this one"
        ),
    )


def order_overtaken(delivery: DeliveryPlan, order_key: str) -> Finding:
    """Say that a later document of the same order was attempted at the target before this one."""
    advice = "retry to send this one late, or dismiss it"
    if delivery.role == "pass_through":  # sent by its caller's own connection, or never
        advice = "dismiss this one: its caller had no reply, and sends it again if it is still to be done"
    return Finding(
        code=ORDER_OVERTAKEN,
        at=Position(order_key),
        text=(
            f"a later document of this order was already sent to {delivery.target}; expected them in the "
            f"order of their arrival. Check what the target holds, then {advice}"
        ),
    )


def pass_through_in_doubt(target: str, reference: str) -> Finding:
    """Say that a passed-through call was cut off after its request may have been written."""
    return Finding(
        code=PASS_THROUGH_IN_DOUBT,
        at=Position(reference),
        text=(
            f"the gateway stopped while a call was passed through to {target}, and no reply is known; "
            "expected one. It is never sent again by itself: ask the owner of the target whether the call "
            "took effect"
        ),
    )


def repeats_unsent(message_id: str, index: int, first_message_id: str) -> Finding:
    """Say that a document was left out as the repeat of a call that then was never sent."""
    return Finding(
        code=DOCUMENT_REPEATS_UNSENT,
        at=Position(message_id, path=f"set {index + 1}"),
        text=(
            f"it was left out as a repeat of message {first_message_id}, a call that was never sent, as its "
            "caller was told; expected one of the two to arrive. Retry this exception, which plans it anew, "
            "and look where it goes: it is left out again if its call has come again meanwhile, or if it has "
            "its control number"
        ),
    )


def unacknowledged(delivery_id: str, target: str) -> Finding:
    """Say that nobody acknowledged what was delivered."""
    return Finding(
        code=ACK_MISSING,
        at=Position(delivery_id),
        text=(
            f"{target} took this interchange and has not acknowledged it in time; expected a 997 or 999 with "
            "its control number. Ask there whether it was read; send it again with messages replay --resend, "
            "or resolve this exception"
        ),
    )


def answer_not_retried(exception_id: str) -> RefusedError:
    """Say that an acknowledgment of others cannot be fetched."""
    return RefusedError(
        f"{exception_id} is about an acknowledgment that others owe: send the message again with "
        "messages replay --resend, or resolve the exception"
    )


def being_sent(delivery_id: str) -> RefusedError:
    """Say that a delivery cannot be closed while it is on its way."""
    return RefusedError(
        f"delivery {delivery_id} is being sent at this moment; nothing was changed: look again in a minute"
    )


def call_not_retried(delivery_id: str) -> RefusedError:
    """Say that nobody can send a passed-through call again."""
    return RefusedError(
        f"delivery {delivery_id} was a call of the sender's own connection, and nothing sends it again: ask "
        "the owner of the target whether it took effect, then resolve it instead"
    )
