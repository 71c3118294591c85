"""The words of the strangler table: stages, what a route declares, an order, a decision. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

from adapters.base import Finding, Role
from gateway.invoice_owner import InvoiceOwner
from gateway.journal.types import Side, Transmitter


class Stage(StrEnum):
    """How far a route has moved from legacy to cloud."""

    LEGACY = "legacy"
    SHADOW = "shadow"
    CANARY = "canary"
    CLOUD = "cloud"
    RETIRED = "retired"


Form = Literal["as_received", "canonical"]
Dimension = Literal["facility", "location", "supplier", "category", "line_class", "order_type", "stock"]


_NO_WORDS: Mapping[Dimension, frozenset[str]] = {}


class OrderFacts(NamedTuple):
    """What a decision may look at: words of one order, by dimension.

    ``is_placed``: the supplier has the order already, so that nobody sends it. A tuple, since it travels
    between processes with every order.
    """

    order_key: str
    words: Mapping[Dimension, frozenset[str]] = _NO_WORDS
    is_placed: bool = False


@dataclass(frozen=True, slots=True)
class RouteRule:
    """A route's side of the strangler table, from routes.yaml.

    ``select``: what canary takes; every dimension named must match one of its words.
    ``pin_legacy``: one matching word keeps an order on legacy.
    """

    route: str
    legacy_target: str | None = None
    cloud_target: str | None = None
    supplier_target: str | None = None
    legacy_transmitter: Transmitter = Transmitter.LEGACY
    cloud_transmitter: Transmitter = Transmitter.ERP
    select: Mapping[Dimension, frozenset[str]] = field(default_factory=dict)
    pin_legacy: Mapping[Dimension, frozenset[str]] = field(default_factory=dict)
    salt: str = ""
    copies_to_legacy: bool = False  # losing_side: copy_not_transmitted
    closes_legacy: bool = False  # losing_side: close
    writes_supplier: bool = False  # the supplier gets what we write, not the bytes as received
    legacy_form: Form = "as_received"  # canonical: legacy's endpoint writes documents in a form of its own
    from_cloud: bool = False  # its documents were read from the cloud ERP: it has them, and gets none back
    suppresses: frozenset[Side] = frozenset()  # sides that can be told not to send an order to the supplier
    invoice_owners: tuple[InvoiceOwner, ...] = ()  # of invoices that belong to no side as a whole
    invoice_desk: str = "accounts_payable"  # who looks at those that nobody is declared to own
    shadow_target: str | None = None  # a non-production tenant in place of the cloud target


@dataclass(frozen=True, slots=True)
class Intent:
    """One delivery that a decision asks for."""

    target: str
    role: Role
    form: Form


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one document, and by which rule, in words.

    ``side`` None: nobody takes it; ``findings`` say why, and the document is parked.
    ``opens``: this document opens the order's ledger entry. ``refuses``: the sender is told that it is
    not accepted.
    """

    side: Side | None
    transmitter: Transmitter
    intents: tuple[Intent, ...]
    reason: str
    opens: bool = False
    findings: tuple[Finding, ...] = ()
    refuses: bool = False
    tells: Transmitter | None = None  # who sends it on, where other than the ledger says of its order
