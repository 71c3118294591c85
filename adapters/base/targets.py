"""Targets: the pure half of a destination.

A Target turns a delivery into requests, step by step, and says what each reply means. It is
asked again after every step and after every restart with all steps done so far, so that a
half-done sequence goes on where it stopped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

from adapters.base.findings import Finding
from adapters.base.transport import NoReply, Origin, Reply, Request
from canonical.document import CanonicalDocument
from canonical.registry import read_own

Role = Literal["live", "copy", "shadow", "acknowledgment", "pass_through", "close"]
"""Why a target gets something. `close`: the order that it has is to be closed, since another system owns it
now; only targets that say that they close orders (``orders.OrderKeeper``) ever see it."""


class AliasKind(StrEnum):
    """Whose name for an order, a line or a schedule it is."""

    BUYER = "buyer"  # the legacy system's own order number
    SUPPLIER_VISIBLE = "supplier_visible"  # fixed for the order's life
    ERP = "erp"
    LEFT = "left"  # an ERP's, of an order that it has no longer: the order was moved away and closed there
    SELLER = "seller"  # the supplier's number
    IMPORTED = "imported"  # of an order from before the gateway: whose number it is, nobody said


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of an order (``line`` None) or of one of its lines.

    Connectors to ERPs write more into ``line``: schedules (`2/1`), the sender's line ids (`sent:2`), releases
    of a blanket (`release:7`). ``gateway.erp.connector.aliases`` writes and reads these.
    """

    kind: AliasKind
    number: str
    line: str | None = None  # our line sequence, as text, that this names
    line_number: str | None = None  # the other side's id of that line
    target: str | None = None  # the endpoint whose name it is: two tenants of one ERP number alike


@dataclass(frozen=True)
class Delivery:
    """One document, or one piece of bytes, for one target.

    ``canonical`` is the document as the journal keeps it: compact JSON as ``canonical.registry.to_json``
    writes it. A target that needs its parts reads ``document``, which is parsed when first asked for;
    one that passes JSON on need not pay for that.

    ``reference`` is derived from the business key and the target, never from a message or an
    attempt: the same document replayed, re-sent or recovered carries the same one.
    """

    delivery_id: str
    message_id: str
    target: str
    role: Role
    reference: str  # 26 characters, A-Z 2-7
    canonical: bytes | None  # for targets that take canonical documents
    body: bytes  # for targets that take bytes: as received, wrapped, or an acknowledgment
    origin: Origin
    document_key: str | None
    order_key: str | None
    correlation_id: str
    accepted_at: datetime
    is_urgent: bool = False
    aliases: tuple[Alias, ...] = ()
    transmitter: str | None = None  # who sends the order to the supplier: "legacy", "gateway", "erp", "none"
    route: str = ""  # its id, for settings that differ by route
    steps_before_retry: int = 0  # so many of the steps done are older than a person's retry
    worked_out: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What a pure target has worked out of it, by a name of its own: it is asked several times.

    ``replace`` begins anew: a delivery with another document (free text taken out, say) shares nothing.
    """

    @cached_property
    def document(self) -> CanonicalDocument | None:
        """Give the document, None where this delivery carries bytes."""
        return None if self.canonical is None else read_own(self.canonical)

    @cached_property
    def document_type(self) -> str | None:
        """Give the document's type without parsing all of it."""
        if self.canonical is None:
            return None
        head = _TYPE.match(self.canonical)
        if head is not None:
            return head[1].decode()
        return self.document.document_type if self.document is not None else None


_TYPE = re.compile(rb'\{"document_type":"([a-z_]+)"')


@dataclass(frozen=True, slots=True)
class Accepted:
    """The step succeeded; for the last step, the document is in the target."""

    reference: str = ""  # the target's own number
    aliases: tuple[Alias, ...] = ()


class TransientKind(StrEnum):
    """Why trying again can help. Only ERROR spends an attempt."""

    ERROR = "error"  # an answer that says: not now (500, 408, a locked row)
    OUTAGE = "outage"  # no connection, 502/503/504, a "sorry" page
    THROTTLE = "throttle"  # 429
    CREDENTIAL = "credential"  # 401, an expired certificate or token


@dataclass(frozen=True, slots=True)
class Transient:
    """The step did not happen, for sure, and may be tried again later."""

    reason: str
    kind: TransientKind = TransientKind.ERROR
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The target refuses it, and would refuse the same bytes again: a person must look."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class InDoubt:
    """It may have happened. Looked up by key on the same system; never sent elsewhere."""

    reason: str


Outcome = Accepted | Transient | Rejected | InDoubt


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step that was begun: its frozen request, what came back, and what that meant.

    ``reply`` None and ``outcome`` None: begun, and never heard of again (the process died).
    Targets see such a step as in doubt.
    """

    request: Request
    reply: Reply | NoReply | None
    outcome: Outcome | None
    started_at: datetime
    ended_at: datetime | None = None

    @property
    def step(self) -> str:
        """Give the target's word for the step."""
        return self.request.step

    @property
    def is_in_doubt(self) -> bool:
        """Tell whether the step may have happened without our knowing."""
        return self.outcome is None or isinstance(self.outcome, InDoubt)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to send before ``until`` (a read-after-write lag, a quiet period)."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """All steps are done. ``aliases`` go to the alias table with the settling transaction.

    ``notes`` are what the target remarked on while it took the document (warnings on a success).
    """

    reference: str
    aliases: tuple[Alias, ...] = field(default=())
    notes: tuple[Finding, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Stuck:
    """The steps so far leave no safe next one (in doubt, and this target cannot be looked up)."""

    findings: tuple[Finding, ...]


class Target(Protocol):
    """The pure half of a destination; a resumable series of steps."""

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Say what to send next, given every step that was begun so far, oldest first."""
        ...

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply to one of this target's requests means."""
        ...


@runtime_checkable
class Tracing(Protocol):
    """A target that says more about an outcome once it sees the delivery, which ``interpret`` does not."""

    def trace(
        self, delivery: Delivery, request: Request, reply: Reply | NoReply, outcome: Outcome
    ) -> Outcome:
        """Give the outcome with aliases, and with findings placed in the message that they come from.

        What was accepted stays accepted, and so on: only what an outcome holds may differ.
        """
        ...


@runtime_checkable
class Rehearsing(Protocol):
    """A target whose own reads must find something (a supplier) before it says what it would write."""

    def imagined_reply(self, request: Request) -> Reply | None:
        """Give a reply that lets a rehearsal go on; None where "nothing there" does."""
        ...
