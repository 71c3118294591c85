"""What stands beside messages: stages, the audit log, exceptions, alarms, code tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from adapters.base import Finding

ROLL_BACK = "roll_back"  # who changes a stage where a limit broke


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
    """A thing that a person must look at.

    A parked message, set or delivery, a missing acknowledgment, or a move that never began.
    """

    exception_id: str  # stable: "<message_id>", "<message_id>/<index>", the id of delivery (+ ".997") or move
    kind: str  # "message", "document", "delivery", "acknowledgment", "move"
    message_id: str  # "" for a move: it has none
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
class RolledBack:
    """A route that went back by itself, broke a limit, and has not been moved by anybody since."""

    route: str
    stage: str  # where it is now
    revision: int  # of the stage: the next roll-back is another one
    at: datetime
    why: str
    last_alarm_at: datetime | None = None

    @property
    def subject(self) -> str:
        """Name what an alarm is about."""
        return f"stage:{self.route}/{self.revision}"


@dataclass(frozen=True, slots=True)
class CrosswalkRow:
    """One row of a code table: legacy word <-> cloud word, in force from a day to before another."""

    legacy: str
    cloud: str
    valid_from: str = ""  # ISO date, "" always
    valid_to: str = ""  # ISO date, exclusive, "" for ever
    facts: Mapping[str, str] = field(default_factory=dict)  # further columns (unit factor ...)
