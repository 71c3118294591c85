"""The journal's own words: what is written down of a message, its documents and its deliveries.

Plain frozen values, the same for every journal. Nothing here shows row numbers, shards or a
database's habits: a journal orders messages by itself, in the order of their acceptance.
"""

from __future__ import annotations

from gateway.journal.types.deliveries import Claim, ClaimedDelivery, DeliveryView, DocumentView, Settled, Want
from gateway.journal.types.messages import Acceptance, Arrival, ArrivalKind, Message
from gateway.journal.types.orders import (
    MOVED,
    PHONED,
    AwaitedOrder,
    LedgerEntry,
    Naming,
    naming_counts,
    phoned_because,
    was_phoned,
)
from gateway.journal.types.plans import (
    NO_ALIASES,
    Acknowledged,
    ControlNumber,
    DeliveryPlan,
    DocumentPlan,
    Expected,
    Facts,
    KnownControl,
    KnownDocument,
    Moved,
    Plan,
    Planned,
)
from gateway.journal.types.states import BEING_SENT, FINISHED, DeliveryState, MessageState, Side, Transmitter
from gateway.journal.types.tables import (
    ROLL_BACK,
    AuditEntry,
    CrosswalkRow,
    ExceptionItem,
    Overdue,
    RolledBack,
    StageState,
)

__all__ = [
    "BEING_SENT",
    "FINISHED",
    "MOVED",
    "NO_ALIASES",
    "PHONED",
    "ROLL_BACK",
    "Acceptance",
    "Acknowledged",
    "Arrival",
    "ArrivalKind",
    "AuditEntry",
    "AwaitedOrder",
    "Claim",
    "ClaimedDelivery",
    "ControlNumber",
    "CrosswalkRow",
    "DeliveryPlan",
    "DeliveryState",
    "DeliveryView",
    "DocumentPlan",
    "DocumentView",
    "ExceptionItem",
    "Expected",
    "Facts",
    "KnownControl",
    "KnownDocument",
    "LedgerEntry",
    "Message",
    "MessageState",
    "Moved",
    "Naming",
    "Overdue",
    "Plan",
    "Planned",
    "RolledBack",
    "Settled",
    "Side",
    "StageState",
    "Transmitter",
    "Want",
    "naming_counts",
    "phoned_because",
    "was_phoned",
]
