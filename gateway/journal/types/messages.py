"""Messages: what arrives, and what the journal makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from adapters.base import Finding, Interchange, Origin
from gateway.journal.types.states import MessageState


@dataclass(frozen=True, slots=True)
class Arrival:
    """One input to accept. ``message_id`` is proposed by the caller and unused so far."""

    message_id: str
    route: str
    arrival_key: str | None  # scoped to the route by the journal
    partner: str | None
    sha256: str  # of the body, hex
    size_bytes: int
    origin: Origin
    correlation_id: str
    accepted_at: datetime
    is_urgent: bool
    config_revision: int

    def message(self, sequence: int = 0, repeat_of: str | None = None) -> Message:
        """Give the message that this becomes: accepted, nothing of it planned yet."""
        return Message(
            message_id=self.message_id,
            route=self.route,
            state=MessageState.ACCEPTED,
            arrival_key=self.arrival_key,
            partner=self.partner,
            sha256=self.sha256,
            size_bytes=self.size_bytes,
            origin=self.origin,
            correlation_id=self.correlation_id,
            accepted_at=self.accepted_at,
            is_urgent=self.is_urgent,
            config_revision=self.config_revision,
            generation=1,
            resend=False,
            planned_through=0,
            sequence=sequence,
            repeat_of=repeat_of,
        )


class ArrivalKind(StrEnum):
    """What accept() found."""

    NEW = "new"
    SAME = "same"  # same key, same bytes: nothing was written, ``message_id`` is the first one's
    CONFLICT = "conflict"  # same key, other bytes: kept as a parked message of its own


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of an arrival, durably."""

    message_id: str
    kind: ArrivalKind
    state: MessageState
    repeat_of: str | None = None  # an earlier message of this route with equal bytes, other key
    conflicts_with: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the journal knows it; its body is read apart."""

    message_id: str
    route: str
    state: MessageState
    arrival_key: str | None
    partner: str | None
    sha256: str
    size_bytes: int
    origin: Origin
    correlation_id: str
    accepted_at: datetime
    is_urgent: bool
    config_revision: int
    generation: int  # 1, and one more with every replay
    resend: bool  # this generation may send again what an earlier one attempted
    planned_through: int  # sets of this generation that are durably planned
    sequence: int  # grows with acceptance; only ever compared
    repeat_of: str | None = None
    findings: tuple[Finding, ...] = ()
    interchanges: tuple[Interchange, ...] = ()
