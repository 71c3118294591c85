"""The journal's own words: what is written down of a message, its documents and its deliveries.

Plain frozen values, the same for every journal. Nothing here shows row numbers, shards or a
database's habits: a journal orders messages by itself, in the order of their acceptance.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from adapters.base import Alias, AliasKind, Finding, Interchange, Origin, Role, StepResult, Unit, Verdict


class MessageState(StrEnum):
    """Where a message stands. ACCEPTED and TRANSLATING are open work; the rest is settled."""

    ACCEPTED = "accepted"
    TRANSLATING = "translating"
    PLANNED = "planned"
    PARKED = "parked"
    REFUSED = "refused"


class DeliveryState(StrEnum):
    """Where a delivery stands. All but DONE, SUPERSEDED and VOID hold their lanes."""

    HELD = "held"  # until its acceptance unit is known good
    READY = "ready"
    CLAIMED = "claimed"  # leased to a worker, nothing sent
    ATTEMPTING = "attempting"  # leased, and a request may be under way
    WAITING = "waiting"  # resumes by itself at ``not_before``
    IN_DOUBT = "in_doubt"  # the next thing sent is a look-up on the same target
    PARKED = "parked"  # a person must look
    DONE = "done"
    SUPERSEDED = "superseded"  # a replay made a newer plan before this was ever attempted
    VOID = "void"  # its acceptance unit was refused, nobody waits for it any more, or a person closed it


FINISHED = frozenset({DeliveryState.DONE, DeliveryState.SUPERSEDED, DeliveryState.VOID})
BEING_SENT = frozenset({DeliveryState.CLAIMED, DeliveryState.ATTEMPTING})


class Side(StrEnum):
    """The system that owns an order."""

    LEGACY = "legacy"
    CLOUD = "cloud"


class Transmitter(StrEnum):
    """Who sends an order to the supplier: exactly one does."""

    LEGACY = "legacy"
    GATEWAY = "gateway"
    ERP = "erp"
    NONE = "none"


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


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Which side owns an order, and who transmits it. Opened once, by an originating document.

    ``revision`` grows with every change; a plan made against another one is refused.
    """

    order_key: str
    side: Side
    transmitter: Transmitter
    route: str
    stage: str  # the stage that decided, or "imported", "placed_by_phone", "moved"
    reason: str  # the rule that decided, in words
    opened_at: datetime
    message_id: str | None = None
    closed_at: datetime | None = None
    revision: int = 1
    moving_to: Side | None = (
        None  # it is on its way there: nothing new of it is decided before it has arrived
    )
    is_divided: bool = False  # the side it was on before received goods that are not invoiced yet


MOVED = "moved"  # the stage of an entry whose order was moved from one side to the other


class Naming(NamedTuple):
    """In whose numbering a number names an order. ``target``: the endpoint that told it, "" for nobody's."""

    kind: AliasKind
    target: str = ""


def naming_counts(target: str, tellers: Collection[str]) -> bool:
    """Tell whether a name that ``target`` told counts where only ``tellers`` do; nobody's always counts."""
    return not tellers or not target or target in tellers


@dataclass(frozen=True, slots=True)
class AwaitedOrder:
    """A follow-on of which orders are not known yet; re-decided when one appears, or at ``until``.

    ``order_numbers``: names by which an alias may come to know one; ``order_keys``: those of the orders
    themselves. ``tellers``: whose names count, endpoints of one tenant; empty: everybody's.
    """

    order_numbers: tuple[str, ...]
    until: datetime
    order_keys: tuple[str, ...] = ()
    tellers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """One decoded set as it is to be written down.

    ``order_keys``: the orders it is about; its deliveries hold the lanes of all of them.
    ``repeats``: message and index of the document with the same key and content (no deliveries).
    """

    index: int
    set_type: str
    units: tuple[Unit, ...]
    verdict: Verdict
    findings: tuple[Finding, ...]
    document_type: str | None = None
    document_key: str | None = None
    content_hash: str | None = None
    order_keys: tuple[str, ...] = ()
    canonical: bytes | None = None  # JSON
    is_urgent: bool = False
    deadline_at: datetime | None = None
    side: Side | None = None
    decision: str = ""  # the rule that decided, in words, for ``explain``
    repeats: str | None = None  # message_id of the document it repeats
    awaits: AwaitedOrder | None = None
    is_parked: bool = False  # a person must look at this set (its findings say why)
    passes_to: tuple[tuple[str, Role], ...] = ()  # where the set's own bytes go on (target, role)
    resolution: str = ""  # how a person closed it, in this or an earlier generation


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """One delivery as it is to be written down.

    ``document_index`` None: it carries bytes of the whole message or an acknowledgment.
    ``body`` None: canonical document of ``document_index``, or the message's own body where that
    is None too. ``unit``: held until this unit is released, or void with it; None: ready at once.
    ``lanes``: order keys whose lanes at this target it holds; empty for acknowledgments.
    """

    delivery_id: str
    document_index: int | None
    target: str
    role: Role
    reference: str
    lanes: tuple[str, ...]
    is_urgent: bool
    unit: Unit | None = None
    body: bytes | None = None
    content_type: str = ""
    deadline_at: datetime | None = None
    not_before: datetime | None = None
    transmitter: str | None = None  # who sends this to the supplier, where other than the ledger says


@dataclass(frozen=True, slots=True)
class ControlNumber:
    """A control number that a message brought, or that a delivery of it will carry.

    ``is_taken``: something under it was accepted, so that it counts as used. ``due_at``: by when the one
    who gets the delivery must have acknowledged it; None: nobody waits.
    """

    key: str
    is_taken: bool = True
    delivery_id: str | None = None  # None: it came in
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgment says of a control number of ours."""

    key: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class KnownControl:
    """A control number that was seen before: who brought it, or which delivery carried it."""

    key: str
    message_id: str
    route: str
    is_taken: bool
    delivery_id: str | None
    target: str | None  # of that delivery
    verdict: Verdict | None  # of its acknowledgment, once there is one
    is_answered: bool  # the gateway itself acknowledged the message that brought it


@dataclass(frozen=True, slots=True)
class Expected:
    """What a plan was decided upon. Where any of it moved, the plan is refused and decided again.

    ``ledger``: order key -> revision seen, None where no entry was seen.
    ``document_keys``: document key -> message_id seen, None where unseen. ``controls``: the same by
    control number; only those that came in and are taken count.
    ``settled``: ids of the message's deliveries of earlier generations that were attempted or closed by a
    person; None: not looked at. It counts until the first chunk ends those that were not.
    """

    config_revision: int
    stage_revisions: Mapping[str, int] = field(default_factory=dict)
    ledger: Mapping[str, int | None] = field(default_factory=dict)
    document_keys: Mapping[str, str | None] = field(default_factory=dict)
    controls: Mapping[str, str | None] = field(default_factory=dict)
    settled: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One chunk of a message's plan, written in one transaction.

    ``opens``: ledger entries of originating documents (by order key; an existing one with equal
    side is kept). ``is_last``: the message becomes PLANNED (or PARKED where ``parks``), held
    deliveries of ``rejected_units`` become VOID, their documents rejected, their document keys and
    the ledger entries that they opened are taken back where no other message follows them, and all other
    held ones become READY. ``is_broken``: the translation ended half way; what it held stays HELD until
    the message is translated again, or closed.
    """

    message_id: str
    generation: int
    expected: Expected
    documents: tuple[DocumentPlan, ...] = ()
    deliveries: tuple[DeliveryPlan, ...] = ()
    opens: tuple[LedgerEntry, ...] = ()
    aliases: Mapping[str, tuple[Alias, ...]] = field(default_factory=dict)  # by order key
    is_last: bool = False
    rejected_units: frozenset[Unit] = frozenset()
    findings: tuple[Finding, ...] = ()  # of the message as a whole
    interchanges: tuple[Interchange, ...] = ()
    parks: bool = False
    controls: tuple[ControlNumber, ...] = ()  # the first message with a number keeps it
    acknowledged: tuple[Acknowledged, ...] = ()
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan is durable.

    ``overtaken``: delivery ids that were parked since a later document of the same lane was already
    attempted (code ORDER-OVERTAKEN); never delivered late in silence.
    """

    overtaken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """Nothing was written: something the plan was decided upon has changed. Decide again."""

    what: str  # "config", "stage", "ledger", "document key", "generation", "settled"


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """An earlier document with a given key."""

    document_key: str
    message_id: str
    index: int
    content_hash: str
    since: datetime  # when that document was planned


@dataclass(frozen=True, slots=True)
class Facts:
    """A consistent look at what decisions depend on, to be handed back in ``Expected``."""

    ledger: Mapping[str, LedgerEntry]  # by order key; only those that exist
    documents: Mapping[str, KnownDocument]  # by document key; only those that exist
    # Order number as sent -> orders that it names -> in which numberings it does.
    resolved: Mapping[str, Mapping[str, frozenset[Naming]]]
    controls: Mapping[str, KnownControl] = field(default_factory=dict)  # by key; only those that exist


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


@dataclass(frozen=True, slots=True)
class StageState:
    """What the strangler table says of one route now."""

    route: str
    stage: str
    share_percent: str  # decimal text, "0" to "100"; counts in canary only
    revision: int
    changed_at: datetime
    changed_by: str
    why: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing a person or a rule changed; ``hash`` covers this entry and the one before."""

    number: int
    at: datetime
    who: str
    action: str  # "routes.set", "exceptions.retry", "messages.replay", "crosswalk.load" ...
    subject: str
    detail: Mapping[str, str]
    why: str
    hash: str


@dataclass(frozen=True, slots=True)
class ExceptionItem:
    """A thing that a person must look at: a parked message, set or delivery, or a missing acknowledgment."""

    exception_id: str  # stable: "<message_id>", "<message_id>/<index>", the delivery id, or that + ".997"
    kind: str  # "message", "document", "delivery", "acknowledgment"
    message_id: str
    route: str
    partner: str | None
    opened_at: datetime
    findings: tuple[Finding, ...]
    target: str | None = None
    document_key: str | None = None
    order_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overdue:
    """An order (or a message not yet translated) that is past its deadline and not delivered."""

    message_id: str
    document_index: int | None
    delivery_id: str | None
    route: str
    order_keys: tuple[str, ...]
    deadline_at: datetime
    state: str
    reason: str
    is_urgent: bool
    last_alarm_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CrosswalkRow:
    """One row of a code table: legacy word <-> cloud word, in force from a day to before another."""

    legacy: str
    cloud: str
    valid_from: str = ""  # ISO date, "" always
    valid_to: str = ""  # ISO date, exclusive, "" for ever
    facts: Mapping[str, str] = field(default_factory=dict)  # further columns (unit factor ...)
