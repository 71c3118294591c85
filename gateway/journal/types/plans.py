"""Plans: documents and deliveries to be written, and what was decided upon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from adapters.base import Alias, Finding, Interchange, Role, Unit, Verdict
from gateway.journal.types.orders import AwaitedOrder, LedgerEntry, Naming
from gateway.journal.types.states import Side


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


NO_ALIASES: Mapping[str, tuple[Alias, ...]] = MappingProxyType({})  # by order key


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
