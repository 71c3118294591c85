"""What the journal in memory keeps: mutable records and the tables that hold and index them.

Every index here can be rebuilt from the records; each has one module that keeps it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime

from adapters.base import Alias, Finding, Lease, StepResult, Verdict
from gateway.journal.comparisons import Approval, Comparison, NoiseReading, PlannedStage
from gateway.journal.memory.lanes import LaneKey, Lanes
from gateway.journal.moves import Move
from gateway.journal.types import (
    FINISHED,
    AuditEntry,
    CrosswalkRow,
    DeliveryPlan,
    DeliveryState,
    DocumentPlan,
    LedgerEntry,
    Message,
    MessageState,
    StageState,
)


@dataclass(slots=True, eq=False)
class DocumentRecord:
    """One set of one generation of a message."""

    message: MessageRecord
    generation: int
    plan: DocumentPlan
    planned_at: datetime

    @property
    def is_current(self) -> bool:
        """Tell whether no replay has made a newer generation."""
        return self.generation == self.message.view.generation

    @property
    def is_open_exception(self) -> bool:
        """Tell whether a person must look at this set."""
        return self.plan.is_parked and not self.plan.resolution and self.is_current


@dataclass(slots=True, eq=False)
class DeliveryRecord:
    """One delivery, its lease and its steps. ``worker`` None: it is not leased."""

    message: MessageRecord
    document: DocumentRecord | None
    plan: DeliveryPlan
    generation: int
    key: LaneKey
    planned_at: datetime
    state: DeliveryState
    is_held: bool  # its acceptance unit is not decided yet
    fence: int = 0
    worker: str | None = None
    expires_at: float = 0.0
    attempts: int = 0
    first_attempt_at: datetime | None = None
    steps: list[StepResult] = field(default_factory=list)
    open_step: int | None = None  # the step begun under the present lease
    is_in_doubt: bool = False
    not_before: datetime | None = None
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    target_reference: str = ""
    parked_at: datetime | None = None
    ended_at: datetime | None = None
    resolution: str = ""

    @property
    def delivery_id(self) -> str:
        """Give its id."""
        return self.plan.delivery_id

    @property
    def is_attempted(self) -> bool:
        """Tell whether a request of it was ever begun."""
        return bool(self.steps)

    @property
    def is_finished(self) -> bool:
        """Tell whether it holds its lanes no more."""
        return self.state in FINISHED

    @property
    def is_leased(self) -> bool:
        """Tell whether a worker has it, in time or not."""
        return self.worker is not None

    @property
    def order_keys(self) -> tuple[str, ...]:
        """Give the orders it is about."""
        return self.document.plan.order_keys if self.document else self.plan.lanes

    def end_lease(self) -> None:
        """Take it from its worker; what was begun and not heard of leaves it in doubt."""
        self.is_in_doubt = self.is_in_doubt or self.open_step is not None
        self.worker, self.open_step = None, None

    def lose_lease(self) -> None:
        """Take it from a worker that is gone: another may go on at once, with a look-up where in doubt."""
        self.end_lease()
        self.state = DeliveryState.IN_DOUBT if self.is_in_doubt else DeliveryState.READY
        self.not_before = None


@dataclass(slots=True, eq=False)
class MessageRecord:
    """One message, its bytes and what was planned of it."""

    view: Message
    body: bytes | None
    parked_at: datetime | None = None
    is_resolved: bool = False
    generation_begun: int = 0  # the last generation of which a chunk is durable
    documents: dict[int, DocumentRecord] = field(default_factory=dict)  # of the present generation
    former_documents: list[DocumentRecord] = field(default_factory=list)
    deliveries: list[DeliveryRecord] = field(default_factory=list)
    opened: dict[str, int] = field(default_factory=dict)  # order key -> revision, by this generation
    openers: dict[str, set[int]] = field(default_factory=dict)  # order key -> documents that open it
    opened_first: dict[str, int] = field(default_factory=dict)  # the first of these, of any generation

    @property
    def is_open_exception(self) -> bool:
        """Tell whether a person must look at the message as a whole."""
        return self.view.state is MessageState.PARKED and not self.is_resolved

    @property
    def is_to_translate(self) -> bool:
        """Tell whether it is waiting for, or in, translation."""
        return self.view.state in (MessageState.ACCEPTED, MessageState.TRANSLATING)

    def all_documents(self) -> list[DocumentRecord]:
        """Give the documents of all generations, oldest first."""
        return [*self.former_documents, *(self.documents[index] for index in sorted(self.documents))]


@dataclass(slots=True)
class DocumentKey:
    """Who holds a document key: the first document with it, in the generation that took it."""

    message_id: str
    index: int
    content_hash: str
    generation: int
    since: datetime


@dataclass(slots=True, eq=False)
class ControlRecord:
    """A control number, in or out. ``delivery_id`` None: it came in."""

    message: MessageRecord
    is_taken: bool
    delivery_id: str | None
    due_at: datetime | None
    verdict: Verdict | None = None
    overdue_at: datetime | None = None


@dataclass(slots=True)
class Tables:
    """The whole store."""

    environment: str | None = None
    messages: dict[str, MessageRecord] = field(default_factory=dict)  # in order of acceptance
    arrivals: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # first, then its conflicts
    bodies: dict[tuple[str, str], str] = field(default_factory=dict)  # route, sha256 -> first message
    to_translate: dict[tuple[str, bool], SortedNumbers] = field(default_factory=dict)
    by_sequence: dict[int, MessageRecord] = field(default_factory=dict)
    document_keys: dict[str, DocumentKey] = field(default_factory=dict)
    awaiting: dict[tuple[str, int], DocumentRecord] = field(default_factory=dict)
    deliveries: dict[str, DeliveryRecord] = field(default_factory=dict)  # in order of planning
    unfinished: dict[str, DeliveryRecord] = field(default_factory=dict)
    lanes: Lanes = field(default_factory=Lanes)
    ledger: dict[str, LedgerEntry] = field(default_factory=dict)
    ledger_revisions: dict[str, int] = field(default_factory=dict)  # of entries that were taken back, too
    aliases: dict[str, dict[Alias, None]] = field(default_factory=dict)  # by order key
    order_numbers: dict[str, dict[str, None]] = field(default_factory=dict)  # number -> order keys
    controls: dict[str, ControlRecord] = field(default_factory=dict)
    control_numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    configurations: list[tuple[str, str]] = field(default_factory=list)  # sha256, text
    config_revision: int | None = None  # the current one
    stages: dict[str, StageState] = field(default_factory=dict)
    crosswalks: dict[str, tuple[int, tuple[CrosswalkRow, ...]]] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    audit_anchor: tuple[int, str] = (0, "")
    alarms: dict[Alarm, datetime] = field(default_factory=dict)
    acknowledged: set[Alarm] = field(default_factory=set)
    remembered: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    leases: dict[tuple[str, str], Lease | int] = field(default_factory=dict)  # given back: the last fence
    cursors: dict[str, str] = field(default_factory=dict)
    moves: dict[str, Move] = field(default_factory=dict)  # in the order in which they were asked for
    documents_in_order: list[DocumentRecord] = field(default_factory=list)  # of planning, all generations
    comparisons: dict[tuple[str, int], Comparison] = field(default_factory=dict)  # by message and index
    readings: dict[tuple[str, str, int], NoiseReading] = field(default_factory=dict)
    approvals: dict[tuple[str, str, str, str], Approval] = field(default_factory=dict)
    planned_stages: dict[str, PlannedStage] = field(default_factory=dict)


Alarm = tuple[str, int | None, str | None]  # message, document index, delivery


class SortedNumbers:
    """Numbers in rising order that mostly come at the end and go from the front."""

    __slots__ = ("numbers",)

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def add(self, number: int) -> None:
        """Put a number in its place, once."""
        at = bisect_left(self.numbers, number)
        if at == len(self.numbers) or self.numbers[at] != number:
            self.numbers.insert(at, number)

    def discard(self, number: int) -> None:
        """Take a number out, if it is there."""
        at = bisect_left(self.numbers, number)
        if at < len(self.numbers) and self.numbers[at] == number:
            del self.numbers[at]
