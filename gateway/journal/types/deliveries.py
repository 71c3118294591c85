"""Deliveries and documents as the journal has them: leased, settled, shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapters.base import Alias, Finding, Origin, Role, StepResult
from gateway.journal.types.plans import DocumentPlan
from gateway.journal.types.states import DeliveryState


@dataclass(frozen=True, slots=True)
class Want:
    """What a worker can take for one target now. ``urgent_slots`` is the reserve on top of ``slots``."""

    target: str
    slots: int
    urgent_slots: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one delivery; every later call takes it, or raises StaleClaim."""

    delivery_id: str
    worker: str
    fence: int
    expires_at: float  # in the claiming clock's monotonic seconds


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery with all that is needed to go on with it."""

    claim: Claim
    message_id: str
    target: str
    role: Role
    reference: str
    route: str
    document_index: int | None
    document: bytes | None  # canonical JSON
    body: bytes
    content_type: str
    origin: Origin
    document_key: str | None
    order_keys: tuple[str, ...]
    correlation_id: str
    accepted_at: datetime
    is_urgent: bool
    attempts: int  # that were spent
    first_attempt_at: datetime | None
    is_in_doubt: bool  # look-up only
    steps: tuple[StepResult, ...]  # every step that was begun, oldest first
    aliases: tuple[Alias, ...]
    sequence: int
    transmitter: str | None = None  # of its first order; None where the ledger does not know that


@dataclass(frozen=True, slots=True)
class Settled:
    """What follows a step or a refusal to send. ``result`` None: no step was begun (a Wait)."""

    state: DeliveryState  # READY (go on at once), WAITING, IN_DOUBT, PARKED, DONE, or VOID (a pass-through)
    result: StepResult | None = None
    not_before: datetime | None = None
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    spends_attempt: bool = False
    reference: str = ""  # the target's number, with DONE
    aliases: tuple[Alias, ...] = ()  # written with DONE, under every order key of the delivery


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery as lists and ``explain`` show it."""

    delivery_id: str
    message_id: str
    generation: int
    document_index: int | None
    target: str
    role: Role
    state: DeliveryState
    reference: str
    lanes: tuple[str, ...]
    is_urgent: bool
    attempts: int
    reason: str
    not_before: datetime | None
    deadline_at: datetime | None
    target_reference: str
    findings: tuple[Finding, ...]
    steps: tuple[StepResult, ...]
    planned_at: datetime
    ended_at: datetime | None
    sequence: int
    resolution: str = ""  # how a person closed it


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document as lists and ``explain`` show it."""

    message_id: str
    generation: int
    plan: DocumentPlan
