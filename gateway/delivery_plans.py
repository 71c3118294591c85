"""What every planned delivery has: its reference, its id, its unit and its deadline. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from adapters.base import Role, Unit, UnitKind
from gateway.journal.types import (
    DeliveryPlan,
    DocumentPlan,
    Message,
    Transmitter,
)
from gateway.program import Program

# Two letters for ten bits, as base64.b32encode writes them: that takes ten times as long.
_PAIRS = [a + b for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"]
SHADOW_AFTER = timedelta(milliseconds=500)


def reference_of(target: str, role: Role, *parts: str) -> str:
    """Derive the reference that a target knows a delivery by: 26 characters, 130 bits, A-Z 2-7."""
    digest = hashlib.sha256("\x1f".join((target, role, *parts)).encode()).digest()
    bits = int.from_bytes(digest[:17]) >> 6
    return "".join([_PAIRS[bits >> shift & 0x3FF] for shift in range(120, -1, -10)])


def hold_unit(program: Program, units: tuple[Unit, ...]) -> Unit | None:
    """Give the unit whose fate a set shares, None where each set stands alone."""
    if program.accept_by is UnitKind.SET:
        return None
    return next((unit for unit in units if unit.kind is program.accept_by), None)


def deadline_of(program: Program, accepted_at: datetime, *, is_urgent: bool) -> datetime:
    """Give the time by which people must hear that a document is not delivered."""
    seconds = program.deadlines.rush_s if is_urgent else program.deadlines.other_s
    return accepted_at + timedelta(seconds=seconds)


def document_delivery(
    program: Program,
    message: Message,
    document: DocumentPlan,
    target: str,
    role: Role,
    tells: Transmitter | None = None,
) -> DeliveryPlan:
    """Give the delivery of one document to one target. ``tells``: who sends it on, other than the ledger."""
    return DeliveryPlan(
        delivery_id=delivery_id_of(message, document.index, target, role),
        document_index=document.index,
        target=target,
        role=role,
        reference=reference_of(
            target, role, document.document_key or f"{message.message_id}/{document.index}"
        ),
        lanes=document.order_keys if role != "shadow" else (),
        is_urgent=document.is_urgent and role != "shadow",
        unit=hold_unit(program, document.units),
        deadline_at=document.deadline_at if role == "live" else None,
        not_before=_shadow_time(program, message) if role == "shadow" else None,
        transmitter=tells.value if tells is not None else None,
    )


def _shadow_time(program: Program, message: Message) -> datetime | None:
    """Let what is live go first; a question's two answers belong together."""
    return None if program.reply == "query" else message.accepted_at + SHADOW_AFTER


def delivery_id_of(message: Message, part: int | str, target: str, role: Role) -> str:
    """Give a delivery's id: its message, generation, part, target and role."""
    return f"{message.message_id}.{message.generation}.{part}.{target}.{role}"
