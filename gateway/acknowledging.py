"""Acknowledgments of what was received: who writes one, and as which delivery. Pure.

An acknowledgment is a delivery like any other; exactly one side sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from adapters.base import Unit, Verdict
from gateway.delivery_plans import reference_of
from gateway.journal.types import DeliveryPlan, Message
from gateway.program import Program
from gateway.stage import Stage

REPLY = "reply"  # the target of an acknowledgment that goes back on the sender's own call


def acknowledges(program: Program, stage: Stage, *, is_untouched: bool) -> bool:
    """Tell whether the gateway acknowledges a message that this route received.

    Legacy acknowledges what it gets under the sender's own numbers: only a message that goes to it as it
    came (``is_untouched``), and by default only in stages legacy and shadow.
    """
    policy = program.acknowledge
    if policy.kind == "none":
        return False
    if policy.by == "auto":
        return not (is_untouched and stage in (Stage.LEGACY, Stage.SHADOW))
    return policy.by == "gateway"


def verdicts_of(
    verdicts: Mapping[int, Verdict],
    units: Mapping[int, tuple[Unit, ...]],
    rejected: frozenset[Unit],
) -> dict[int, Verdict]:
    """Give the verdicts with those of refused units made worse."""
    return {
        index: Verdict.REJECTED if rejected.intersection(units.get(index, ())) else verdict
        for index, verdict in verdicts.items()
    }


def acknowledgment_delivery(program: Program, message: Message, position: int, body: bytes) -> DeliveryPlan:
    """Give the delivery of the acknowledgment of one interchange of a message."""
    target = program.acknowledge.to or REPLY
    part = f"ack-{position}"
    return DeliveryPlan(
        delivery_id=f"{message.message_id}.{message.generation}.{part}.{target}.acknowledgment",
        document_index=None,
        target=target,
        role="acknowledgment",
        reference=reference_of(target, "acknowledgment", message.message_id, part),
        lanes=(),
        is_urgent=False,
        body=body,
        content_type="application/edi-x12" if program.format_name == "edi_x12" else "",
        deadline_at=message.accepted_at + timedelta(seconds=program.acknowledge.within_s),
    )
