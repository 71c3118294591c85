"""Which side takes an order: the strangler table as a pure function.

Stages belong to routes that originate orders. The first document of an order opens its ledger
entry; everything later about that order follows the entry, whatever the stage has become. A
percentage is a salted hash of the order key against a rising threshold, so raising it moves no
order back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from adapters.base import Finding, Position, Role
from canonical.invoice import Invoice
from gateway.invoice_owner import InvoiceOwner, owner_of
from gateway.journal.types import MOVED, LedgerEntry, Side, Transmitter


class Stage(StrEnum):
    """How far a route has moved from legacy to cloud."""

    LEGACY = "legacy"
    SHADOW = "shadow"
    CANARY = "canary"
    CLOUD = "cloud"
    RETIRED = "retired"


Form = Literal["as_received", "canonical"]
Dimension = Literal["facility", "location", "supplier", "category", "line_class", "order_type", "stock"]

NEVER_BY_PERCENTAGE = frozenset({"stock", "consignment", "blanket", "release", "standing", "replenishment"})
"""Order types and stock classes that a percentage never selects: stock levels, consigned goods and
running contracts live in one system as a whole, so a share of their orders would split them."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What a decision may look at: words of one order, by dimension.

    ``is_placed``: the supplier has the order already, so that nobody sends it.
    """

    order_key: str
    words: Mapping[Dimension, frozenset[str]] = field(default_factory=dict)
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


def decide(
    rule: RouteRule,
    stage: Stage,
    share_percent: Decimal,
    order: OrderFacts,
    entry: LedgerEntry | None,
    *,
    is_new: bool = False,
) -> Decision:
    """Decide about an order-originating document: by the ledger where it knows the order, else by stage.

    ``is_new``: it was never planned before. A further release of an order that has moved is sent on by its
    new side; the original, planned again, by nobody.
    """
    if entry is not None:
        reason = f"follows the order's ledger entry ({entry.reason})"
        if rule.from_cloud and entry.route != rule.route:
            return known_to_us(rule, entry)
        sender = transmitter_of(rule, entry, is_new=is_new)
        if sender is Transmitter.NONE and placed_by_phone(rule, entry):
            return _not_transmitted(rule, entry)
        made = _towards(rule, stage, entry.side, sender, reason)
        return made if sender is entry.transmitter else replace(made, tells=sender)
    match stage:
        case Stage.LEGACY | Stage.SHADOW:
            return _opening(rule, stage, Side.LEGACY, f"stage {stage.value}", order)
        case Stage.CANARY:
            why_cloud = _selected(rule, share_percent, order)
            if why_cloud is None:
                return _opening(rule, stage, Side.LEGACY, "canary: not selected", order)
            return _opening(rule, stage, Side.CLOUD, f"canary: {why_cloud}", order)
        case Stage.CLOUD:
            return _opening(rule, stage, Side.CLOUD, "stage cloud", order)
        case Stage.RETIRED:
            return _refused(rule.route)


def follow(
    rule: RouteRule,
    entries: Sequence[LedgerEntry],
    *,
    originates: bool = False,
    revises: bool = False,
) -> Decision:
    """Decide about a document of orders that the ledger knows. One that names orders of both sides parks.

    ``rule`` is the follower's own: its targets may differ from those of the route it follows.
    ``originates``: it came by the route that brings orders (a change or cancellation among them).
    ``revises``: it is the buyer's change of an order, which the supplier must get, too.
    """
    sides = {entry.side for entry in entries}
    if len(sides) > 1:
        named = ", ".join(f"{entry.order_key} on {entry.side.value}" for entry in entries)
        finding = Finding(
            code="FOLLOW-BOTH-SIDES",
            at=Position(rule.route),
            text=f"the document names orders of both systems ({named}); it is never split: "
            "decide who takes it, then resolve this exception or retry it",
        )
        return Decision(None, Transmitter.NONE, (), "names orders of both sides", findings=(finding,))
    entry = entries[0]
    if originates and rule.from_cloud and entry.route != rule.route:
        return _changed_over_there(rule, entry)
    sender = transmitter_of(rule, entry, is_new=revises)
    if originates and sender is Transmitter.NONE and placed_by_phone(rule, entry):
        return _not_transmitted(rule, entry)
    made = _towards(rule, None, entry.side, sender, f"follows order {entry.order_key}", revises=revises)
    return made if sender is entry.transmitter else replace(made, tells=sender)


def transmitter_of(rule: RouteRule, entry: LedgerEntry, *, is_new: bool) -> Transmitter:
    """Give who sends a document of an order to the supplier.

    Of an order that has moved the supplier has all that was there before the move, and nobody sends it
    again; what is new since is sent by whoever sends orders on its new side.
    """
    if entry.stage != MOVED or not is_new:
        return entry.transmitter
    return rule.legacy_transmitter if entry.side is Side.LEGACY else rule.cloud_transmitter


def ask(rule: RouteRule, stage: Stage) -> Decision:
    """Decide who answers a question that is about no order in particular: the side that the stage trusts.

    A canary selects orders; a question belongs to none, so legacy goes on answering it.
    """
    if stage is Stage.RETIRED:
        return _refused(rule.route)
    side = Side.CLOUD if stage is Stage.CLOUD else Side.LEGACY
    return _towards(rule, stage, side, Transmitter.NONE, f"a question in stage {stage.value}")


def placed_by_phone(rule: RouteRule, entry: LedgerEntry) -> bool:
    """Tell whether legacy would send an order to the supplier that a person has placed there by phone."""
    return (
        entry.side is Side.LEGACY
        and entry.transmitter is Transmitter.NONE
        and rule.legacy_transmitter is Transmitter.LEGACY
    )


def known_to_us(rule: RouteRule, entry: LedgerEntry) -> Decision:
    """Decide about a document that the ERP tells of, and whose order came to it by another route: through us.

    Its supplier has it from whoever the ledger names, so nothing is sent. An order of that number that is
    legacy's is another order: sending either as the other would be wrong, and a person looks.
    """
    if entry.side is Side.CLOUD:
        return Decision(
            Side.CLOUD, entry.transmitter, (), f"the ERP tells of order {entry.order_key}, which is ours"
        )
    finding = Finding(
        code="ORDER-NUMBER-CLASH",
        at=Position(rule.route),
        text=f"the ERP tells of an order, and {entry.order_key} is legacy's: two orders have one number, or "
        "somebody entered legacy's order in the ERP by hand; give the buyer an organisation of its own "
        "(gateway.organisations), or resolve this exception",
    )
    return Decision(None, Transmitter.NONE, (), "the number is that of legacy's order", findings=(finding,))


def left_behind(rule: RouteRule, entry: LedgerEntry) -> Decision:
    """Decide about what an ERP tells of an order that has moved to legacy: it is read, and goes nowhere."""
    reason = f"the ERP tells of order {entry.order_key}, which has moved to legacy and is closed there"
    if rule.from_cloud:
        return Decision(entry.side, entry.transmitter, (), reason)
    return _towards(rule, None, Side.CLOUD, Transmitter.NONE, reason)


def number_clash(rule: RouteRule, entry: LedgerEntry) -> Decision:
    """Decide about an order that one tenant of an ERP tells of, where another's order has its number."""
    finding = Finding(
        code="ORDER-NUMBER-CLASH",
        at=Position(rule.route),
        text=f"the ERP tells of an order, and {entry.order_key} is an order of another tenant, which came by "
        f"route {entry.route}: the two number alike; place this one by hand and resolve this, and give the "
        "buyers of one tenant an organisation of its own (gateway.organisations)",
    )
    reason = "the number is that of another tenant's order"
    return Decision(None, Transmitter.NONE, (), reason, findings=(finding,))


def _changed_over_there(rule: RouteRule, entry: LedgerEntry) -> Decision:
    """Decide about a change that somebody made in the ERP to an order which came there through us.

    Who sent the order tells its supplier of changes, too: the ERP does so by itself. Where we sent it, the
    supplier knows it by another number and in our words, so a person tells it.
    """
    if entry.side is not Side.CLOUD or entry.transmitter is not Transmitter.GATEWAY:
        return known_to_us(rule, entry)
    finding = Finding(
        code="ORDER-CHANGED-IN-ERP",
        at=Position(rule.route),
        text=f"order {entry.order_key} was changed or cancelled in the ERP, and the gateway sent it to its "
        "supplier, who does not know: tell the supplier, then resolve this exception",
    )
    return Decision(None, Transmitter.NONE, (), "changed in the ERP", findings=(finding,))


def unknown_order(rule: RouteRule, side: Side | None) -> Decision:
    """Decide about a document whose order nobody knows: the declared side, never a hash."""
    if rule.from_cloud:
        return _unknown_to_us(rule)
    if side is None:
        finding = Finding(
            code="FOLLOW-UNKNOWN-ORDER",
            at=Position(rule.route),
            text="no order of this number is known; import legacy's open orders "
            "(legacy-bridge orders import), then retry this exception",
        )
        return Decision(None, Transmitter.NONE, (), "order unknown", findings=(finding,))
    return _towards(rule, None, side, Transmitter.NONE, f"order unknown: declared to go to {side.value}")


def _unknown_to_us(rule: RouteRule) -> Decision:
    finding = Finding(
        code="ERP-ORDER-UNKNOWN",
        at=Position(rule.route),
        text="the ERP tells of an order that carries a reference of ours, or of a change of an order, and "
        "the ledger knows no such order: sent on, it could reach its supplier twice; find it in the ERP, "
        "then resolve this exception, or retry it once the order is known",
    )
    return Decision(None, Transmitter.NONE, (), "order unknown", findings=(finding,))


def unsplit(rule: RouteRule, invoice: Invoice, code: str, why: str) -> Decision:
    """Give an invoice that no side has as a whole to its declared owner, else to a person."""
    owned = owner_of(rule.invoice_owners, invoice)
    if owned is not None:
        side, declared = owned
        return _towards(rule, None, side, Transmitter.NONE, f"{why}; {declared}")
    finding = Finding(
        code=code,
        at=Position(rule.route),
        text=f"{why}; an invoice is never split. Decide in which system it is matched, enter it there, and "
        "resolve this exception; or declare who takes such invoices (invoices.owners of the route)",
        facts={"desk": rule.invoice_desk},
    )
    return Decision(None, Transmitter.NONE, (), why, findings=(finding,))


def takes_cloud(order_key: str, share_percent: Decimal, salt: str = "") -> bool:
    """Tell whether a percentage selects an order: true for a set of orders that only grows with the share."""
    digest = hashlib.sha256(f"{salt}|{order_key}".encode()).digest()
    threshold = int(share_percent * (1 << 64) / 100)
    return int.from_bytes(digest[:8]) < threshold


def pinned_by(rule: RouteRule, order: OrderFacts) -> str | None:
    """Say which pin keeps an order on legacy, or None."""
    for dimension, words in rule.pin_legacy.items():
        if found := order.words.get(dimension, frozenset()) & words:
            return f"{dimension} {'/'.join(sorted(found))}"
    return None


def _selected(rule: RouteRule, share_percent: Decimal, order: OrderFacts) -> str | None:
    if pinned_by(rule, order) is not None:
        return None
    if not rule.select or share_percent <= 0:
        return None
    for dimension, words in rule.select.items():
        found = order.words.get(dimension, frozenset())
        if not found or not found <= words:  # every line must be inside the selection
            return None
    chosen = ", ".join(f"{dimension} {'/'.join(sorted(words))}" for dimension, words in rule.select.items())
    if share_percent >= 100:
        return f"selected by {chosen}"
    kinds = order.words.get("stock", frozenset()) | order.words.get("order_type", frozenset())
    if kinds & NEVER_BY_PERCENTAGE or not takes_cloud(order.order_key, share_percent, rule.salt):
        return None
    return f"selected by {chosen} and {share_percent} %"


def _opening(rule: RouteRule, stage: Stage, side: Side, reason: str, order: OrderFacts) -> Decision:
    transmitter = rule.legacy_transmitter if side is Side.LEGACY else rule.cloud_transmitter
    if order.is_placed:
        transmitter, reason = Transmitter.NONE, f"{reason}; the supplier has it already"
    made = _towards(rule, stage, side, transmitter, reason)
    return Decision(
        made.side, transmitter, made.intents, reason, opens=made.side is not None, findings=made.findings
    )


def _towards(
    rule: RouteRule,
    stage: Stage | None,
    side: Side,
    transmitter: Transmitter,
    reason: str,
    *,
    revises: bool = False,
) -> Decision:
    if rule.from_cloud and side is Side.CLOUD:
        return _onwards(rule, transmitter, reason)
    target = rule.legacy_target if side is Side.LEGACY else rule.cloud_target
    if target is None:
        finding = Finding(
            code="ROUTE-NO-TARGET",
            at=Position(rule.route),
            text=f"the document belongs to {side.value} ({reason}), and the route declares no "
            f"targets.{side.value}; add one, then retry this exception",
        )
        return Decision(None, transmitter, (), reason, findings=(finding,))
    intents = [Intent(target, "live", rule.legacy_form if side is Side.LEGACY else "canonical")]
    if side is Side.LEGACY and stage is Stage.SHADOW and rule.cloud_target is not None:
        intents.append(Intent(rule.shadow_target or rule.cloud_target, "shadow", "canonical"))
    if (
        side is Side.CLOUD
        and rule.copies_to_legacy
        and rule.legacy_target is not None
        and stage is not Stage.RETIRED
    ):
        intents.append(Intent(rule.legacy_target, "copy", rule.legacy_form))
    is_opening = stage is not None and stage is not Stage.RETIRED
    if side is Side.CLOUD and rule.closes_legacy and rule.legacy_target is not None and is_opening:
        intents.append(Intent(rule.legacy_target, "close", "canonical"))  # sent once the cloud has it
    is_for_supplier = stage is not None or revises
    if transmitter is Transmitter.GATEWAY and is_for_supplier and rule.supplier_target is not None:
        form: Form = "canonical" if rule.writes_supplier else "as_received"
        intents.append(Intent(rule.supplier_target, "live", form))
    return Decision(side, transmitter, tuple(intents), reason)


def _onwards(rule: RouteRule, transmitter: Transmitter, reason: str) -> Decision:
    """Send on what the ERP has: to the supplier where the gateway transmits, as a copy to legacy."""
    intents = []
    if transmitter is Transmitter.GATEWAY and rule.supplier_target is not None:
        intents.append(Intent(rule.supplier_target, "live", "canonical"))
    if rule.copies_to_legacy and rule.legacy_target is not None:
        intents.append(Intent(rule.legacy_target, "copy", "canonical"))
    return Decision(Side.CLOUD, transmitter, tuple(intents), reason)


def _not_transmitted(rule: RouteRule, entry: LedgerEntry) -> Decision:
    finding = Finding(
        code="LEGACY-WOULD-TRANSMIT",
        at=Position(rule.route),
        text=f"order {entry.order_key} was given to the supplier already ({entry.reason}), and the legacy "
        "system sends on whatever it gets: enter it there by hand, unsent, then resolve this exception",
    )
    return Decision(None, Transmitter.NONE, (), entry.reason, findings=(finding,))


def _refused(route: str) -> Decision:
    finding = Finding(
        code="ROUTE-RETIRED",
        at=Position(route),
        text="this route is retired: new orders are no longer taken from the legacy system; "
        "place the order in the cloud ERP, and tell the sender's owner",
    )
    return Decision(None, Transmitter.NONE, (), "stage retired", findings=(finding,), refuses=True)
