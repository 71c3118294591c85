"""A route compiled for running: everything of its configuration that a decision needs, as plain values.

``gateway/app.py`` makes these from a validated Configuration; nothing below it reads routes.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from pydantic import BaseModel

from adapters.base import DecodeContext, Library, UnitKind
from canonical.keys import KeyRules
from gateway.compare.rules import CompareRules
from gateway.journal.types import Side
from gateway.outcome import RetryPolicy
from gateway.stage import RouteRule

ReplyMode = Literal["accepted", "wait", "pass_through", "query"]


@dataclass(frozen=True, slots=True)
class AcknowledgePolicy:
    """Who tells the sender what became of its interchange.

    ``by`` "auto" is legacy while the route's stage is legacy or shadow, the gateway afterwards: exactly
    one side acknowledges. ``to`` is an endpoint; None with ``replies``: it goes back on the same call.
    """

    kind: Literal["997", "999", "none"] = "none"
    by: Literal["auto", "gateway", "legacy"] = "auto"
    to: str | None = None
    within_s: float = 900.0
    is_expected: bool = False  # of what goes on in envelopes of ours


@dataclass(frozen=True, slots=True)
class UnknownOrder:
    """What becomes of a follow-on whose order nobody knows: it waits, then goes to the declared side."""

    side: Side | None = Side.LEGACY  # None: parked
    after_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """By when a document must be delivered, counted from its acceptance, before people are alarmed."""

    rush_s: float = 900.0
    other_s: float = 7_200.0


@dataclass(frozen=True, slots=True)
class ControlNumbers:
    """The range from which one emitter numbers its interchanges."""

    lowest: int = 1
    highest: int = 999_999_999


@dataclass(frozen=True, slots=True)
class Writing:
    """How documents are written for one endpoint that takes bytes."""

    format_name: str
    emitter: str  # whose control numbers count
    settings: BaseModel | None = None
    partner_settings: BaseModel | None = None
    zone: str = "UTC"
    control_numbers: ControlNumbers = field(default_factory=ControlNumbers)
    library: Library = field(default_factory=Library)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class CompareProgram:
    """How a route's documents are compared with legacy's versions of them.

    ``evidence``: the route that brings these, or "reply". ``factors``: a code table with unit factors.
    """

    evidence: str
    reads: Mapping[str, str]
    within: timedelta
    window: timedelta
    rules: CompareRules
    factors: str | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """The tenant of an ERP that a route's orders are in. Two of them number their orders alike.

    ``endpoints``: those that lead to it. ``others``: those that lead to other ERPs. ``tells``: the route's
    documents come from it, and are about nobody else's orders.
    """

    endpoints: tuple[str, ...] = ()
    others: frozenset[str] = frozenset()
    tells: bool = False


NO_TENANT = Tenant()


@dataclass(frozen=True, slots=True)
class Naming:
    """By what the documents of a route get their names: all that a process is told which does just this."""

    key_rules: KeyRules
    partner: str | None = None
    tenant: Tenant = NO_TENANT
    originates: bool = True  # the route's documents may open ledger entries


@dataclass(frozen=True, slots=True)
class Program:
    """One route, compiled."""

    route: str
    format_name: str  # an adapter's name, or "canonical"
    context: DecodeContext  # ``source`` is replaced per message
    rule: RouteRule
    key_rules: KeyRules
    follows: str | None = None  # None: the route originates orders
    partner: str | None = None
    unknown: UnknownOrder = field(default_factory=UnknownOrder)
    accept_by: UnitKind = UnitKind.SET
    acknowledge: AcknowledgePolicy = field(default_factory=AcknowledgePolicy)
    control_numbers: ControlNumbers = field(default_factory=ControlNumbers)
    resend: Literal["acknowledge", "ignore", "park"] = "acknowledge"
    resend_window: timedelta = timedelta(days=30)
    deadlines: Deadlines = field(default_factory=Deadlines)
    is_urgent: bool = False
    reply: ReplyMode = "accepted"
    reply_within_s: float = 30.0
    size_bytes_max: int = 256 * 1024 * 1024
    writes: Mapping[str, Writing] = field(default_factory=dict)  # by endpoint
    crosswalks: Mapping[str, str] = field(default_factory=dict)  # word that its mappings use -> table
    is_evidence: bool = False  # its documents are legacy's versions: kept to compare, delivered nowhere
    compare: CompareProgram | None = None
    from_side: Side | None = None  # whose system sends here
    owners: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # entity -> stage -> its owner
    tenant: Tenant = NO_TENANT

    @property
    def stage_route(self) -> str:
        """Give the route whose stage and rule decide: itself, or the one it follows."""
        return self.follows or self.route

    @property
    def naming(self) -> Naming:
        """Give by what its documents get their names."""
        return Naming(self.key_rules, self.partner, self.tenant, self.follows is None)


@dataclass(frozen=True, slots=True)
class Programs:
    """All routes of one configuration revision.

    ``shared``: route -> set type -> route. Routes that share a source (one mailbox brings 855 and 810
    alike) are fed as one: a message belongs to the first of them, each of its sets to its own.
    """

    revision: int
    routes: Mapping[str, Program]
    shared: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    retries: Mapping[str, RetryPolicy] = field(default_factory=dict)  # by endpoint
    lease_s: float = 60.0

    def of_set(self, route: str, set_type: str) -> Program | None:
        """Give the program for one set of a message; None where this revision has no such route."""
        return self.routes.get(self.shared.get(route, {}).get(set_type, route))


class ProgramSource(Protocol):
    """Compiled routes by configuration revision."""

    def __call__(self, revision: int | None) -> Programs:
        """Give a revision that was prepared, or the current one for None."""
        ...

    async def prepare(self, revision: int) -> None:
        """Make a revision ready: a message is decoded with the one it was first translated with."""
        ...


class OneRevision:
    """A ProgramSource of one revision only: for one-shot commands and tests."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def __call__(self, revision: int | None) -> Programs:
        """Give it."""
        return self._programs

    async def prepare(self, revision: int) -> None:
        """Do nothing: it is ready."""
