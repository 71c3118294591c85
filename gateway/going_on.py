"""Sets that go on in their own bytes, and what carries them: the whole message or our envelopes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.base import Role, Summary, Unit, UnitKind, Verdict
from gateway.delivery_plans import deadline_of, delivery_id_of, reference_of
from gateway.journal.types import (
    DeliveryPlan,
    DeliveryView,
    DocumentPlan,
    Message,
)
from gateway.program import Program


@dataclass(frozen=True, slots=True)
class Bound:
    """A set that goes on in its own bytes; gathered until the end of the input shows what goes together."""

    index: int
    target: str
    role: Role
    raw: bytes
    order_keys: tuple[str, ...]
    interchange: int
    units: tuple[Unit, ...]
    is_urgent: bool
    deadline_at: datetime | None


def bound_sets(document: DocumentPlan, raw: bytes, interchange: int) -> list[Bound]:
    """Give where a set's own bytes go on."""
    return [
        Bound(
            document.index, target, role, raw, document.order_keys, interchange,
            document.units, document.is_urgent, document.deadline_at,
        )
        for target, role in document.passes_to
    ]  # fmt: skip


def bound_deliveries(
    program: Program,
    message: Message,
    bound: Sequence[Bound],
    sets: int,
    rejected: frozenset[Unit],
    wrapped: Mapping[tuple[str, Role, int], bytes],
    *,
    part: str = "",
) -> list[DeliveryPlan]:
    """Give the deliveries of bytes that go on: the whole message where all of it goes, else our envelopes.

    ``part`` names a piece of a message that is decided apart from the others.
    """
    made = []
    for (target, role), group in by_destination(bound, rejected).items():
        if len({each.index for each in group}) == sets:
            made.append(_bytes_delivery(program, message, target, role, group, None, part or "message"))
            continue
        for interchange in sorted({each.interchange for each in group}):
            own = [each for each in group if each.interchange == interchange]
            body = wrapped.get((target, role, interchange))
            if body is not None:  # absent: the format could not wrap it, and the message is parked for that
                name = part or f"interchange-{interchange}"
                made.append(_bytes_delivery(program, message, target, role, own, body, name))
    return made


def refused_units(
    program: Program, summary: Summary, verdicts: Mapping[int, Verdict], units: Mapping[int, tuple[Unit, ...]]
) -> frozenset[Unit]:
    """Give the acceptance units that are refused as a whole, by the partner's policy.

    Where each set stands alone (``accept_by: set``) a bad trailer is a finding and condemns nothing:
    sets before it may be delivered already. Else one bad part condemns the unit around it.
    """
    if program.accept_by is UnitKind.SET:
        return frozenset()
    refused = set(summary.rejected_units)
    for index, around in units.items():
        if verdicts.get(index) is Verdict.REJECTED or refused.intersection(around):
            refused.update(unit for unit in around if unit.kind is program.accept_by)
    return frozenset(refused)


def by_destination(bound: Sequence[Bound], rejected: frozenset[Unit]) -> dict[tuple[str, Role], list[Bound]]:
    """Group what goes on by where it goes, without the sets of refused units."""
    groups: dict[tuple[str, Role], list[Bound]] = {}
    for each in bound:
        if not rejected.intersection(each.units):
            groups.setdefault((each.target, each.role), []).append(each)
    return groups


def whole_message(program: Program, message: Message, target: str, role: Role) -> DeliveryPlan:
    """Give the delivery of a message's own bytes, of which nothing else is known."""
    return _bytes_delivery(program, message, target, role, (), None, "message")


def _bytes_delivery(
    program: Program,
    message: Message,
    target: str,
    role: Role,
    bound: Sequence[Bound],
    body: bytes | None,
    part: str,
) -> DeliveryPlan:
    is_urgent = message.is_urgent or any(each.is_urgent for each in bound)
    deadlines = [each.deadline_at for each in bound if each.deadline_at is not None]
    return DeliveryPlan(
        delivery_id=delivery_id_of(message, part, target, role),
        document_index=None,
        target=target,
        role=role,
        reference=reference_of(target, role, message.message_id, _part_named(message, part)),
        lanes=tuple(dict.fromkeys(key for each in bound for key in each.order_keys)),
        is_urgent=is_urgent,
        body=body,
        content_type=message.origin.content_type,
        deadline_at=min(deadlines, default=deadline_of(program, message.accepted_at, is_urgent=is_urgent))
        if role in ("live", "pass_through")
        else None,
    )


def part_of(view: DeliveryView) -> str:
    """Give which part of its message a delivery carries: the word after the generation in its id."""
    return view.delivery_id.removeprefix(f"{view.message_id}.{view.generation}.").partition(".")[0]


def _part_named(message: Message, part: str) -> str:
    """Name an envelope of ours for its reference: that of a replay holds other sets than the first did."""
    is_first = message.generation == 1 or message.resend or not part.startswith("interchange-")
    return part if is_first else f"{part}.{message.generation}"
