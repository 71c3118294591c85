"""From decoded sets to a plan: keys, repeats, decisions, deliveries. Pure.

The pipeline reads facts, asks this file what to write, and hands the result to the journal, which
refuses it where a fact moved meanwhile. Nothing here knows a database, a clock or a network.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from adapters.base import AliasKind, Decoded, Finding, Level, Position, Role, Summary, Unit, UnitKind, Verdict
from canonical.document import CanonicalDocument, Issuer, OrderNumber
from canonical.keys import document_key, order_key_of, order_keys
from canonical.registry import content_hash, to_json
from gateway.correspondence import (
    Consumed,
    Returned,
    ReturnsTo,
    Stranded,
    Unknown,
    consumed,
    controls_of,
    correspondence,
    repeat_finding,
    repeated,
)
from gateway.journal.types import (
    Acknowledged,
    AwaitedOrder,
    ControlNumber,
    DeliveryPlan,
    DeliveryView,
    DocumentPlan,
    Facts,
    LedgerEntry,
    Message,
    Side,
    Transmitter,
)
from gateway.order_facts import order_facts
from gateway.program import Program
from gateway.stage import Decision, Stage, ask, decide, follow, placed_by_phone, unknown_order


class NamedOrder(NamedTuple):
    """One order that a set names: its key by the buyer's number, and every number of it, as sent."""

    key: str | None
    numbers: tuple[OrderNumber, ...]


@dataclass(frozen=True, slots=True)
class Keyed:
    """One decoded set with its keys, before any decision."""

    decoded: Decoded
    document_key: str | None = None
    content_hash: str | None = None
    orders: tuple[NamedOrder, ...] = ()
    opens: bool = False  # may open a ledger entry

    @property
    def order_keys(self) -> tuple[str, ...]:
        """Give the keys of the orders named, by the buyer's numbers, each once."""
        return tuple(dict.fromkeys(order.key for order in self.orders if order.key is not None))

    @property
    def order_numbers(self) -> tuple[str, ...]:
        """Give every order number named, each once, for alias look-up."""
        return tuple(dict.fromkeys(number.number for order in self.orders for number in order.numbers))


@dataclass(frozen=True, slots=True)
class Ruling:
    """By what a set is decided: its route's program, and the stage of the route that decides."""

    program: Program
    stage: Stage
    share: Decimal
    returns_to: ReturnsTo = lambda route: None  # where acknowledgments of what a route received go


Rulings = Callable[[str], Ruling]  # by set type


@dataclass(frozen=True, slots=True)
class Bound:
    """A set that goes on in its own bytes; gathered until the end of the input shows what goes together."""

    index: int
    target: str
    role: Role
    raw: bytes
    order_keys: tuple[str, ...]
    interchange: int
    units: tuple[Unit, ...]
    is_urgent: bool
    deadline_at: datetime | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one batch of sets comes to."""

    documents: tuple[DocumentPlan, ...]
    deliveries: tuple[DeliveryPlan, ...]
    opens: tuple[LedgerEntry, ...]
    bound: tuple[Bound, ...]
    seen_orders: frozenset[str]  # order keys whose ledger state was looked at
    seen_documents: frozenset[str]
    controls: tuple[ControlNumber, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()


@dataclass(slots=True)
class _Seen:
    """What this chunk itself adds to the facts: two sets of one chunk may name the same order."""

    ledger: dict[str, LedgerEntry]
    documents: dict[str, tuple[str, int, str, datetime]]  # document key -> message id, index, hash, since
    opened: list[LedgerEntry] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)


def keyed(decoded: Decoded, program: Program, message: Message) -> Keyed:
    """Give a set its keys.

    What goes on in its own bytes is known again by the bytes of its whole message: two interchanges may
    well hold the same set (an empty stock report), and each is news.
    """
    document, rules = decoded.document, program.key_rules
    if document is None:
        numbers = tuple(dict.fromkeys(decoded.order_numbers))
        orders = tuple(
            NamedOrder(order_key_of(each, rules), (OrderNumber("buyer", each),)) for each in numbers
        )
        if not decoded.is_passed_through:
            return Keyed(decoded, orders=orders)
        key = f"bytes:{message.route}:{message.sha256}:{decoded.index}"
        return Keyed(decoded, key, message.sha256, orders)
    return Keyed(
        decoded,
        document_key=document_key(document, rules),
        content_hash=content_hash(document),
        orders=_named_orders(document, program),
        opens=program.follows is None and bool(getattr(document, "opens_order", False)),
    )


def _named_orders(document: CanonicalDocument, program: Program) -> tuple[NamedOrder, ...]:
    rules, buyer = program.key_rules, getattr(document, "buyer", None)
    named = tuple(
        NamedOrder(order_key_of(order.number, rules, buyer) if order.number else None, order.numbers)
        for order in document.named_orders
    )
    by_number = {order.key for order in named}
    itself = (
        key for key in order_keys(document, rules) if key not in by_number
    )  # a requisition has no order yet
    return (*(NamedOrder(key, ()) for key in itself), *named)


def plan_chunk(
    rulings: Rulings, message: Message, sets: Sequence[Keyed], facts: Facts, now: datetime
) -> Chunk:
    """Decide about a batch of sets against one consistent look at the facts."""
    seen = _Seen(
        ledger=dict(facts.ledger),
        documents={
            key: (known.message_id, known.index, known.content_hash, known.since)
            for key, known in facts.documents.items()
        },
    )
    documents: list[DocumentPlan] = []
    deliveries: list[DeliveryPlan] = []
    bound: list[Bound] = []
    controls: dict[str, ControlNumber] = {}
    for each in sets:
        ruling = rulings(each.decoded.set_type)
        document, made, goes_on = _plan_set(ruling, message, each, facts, seen, now)
        documents.append(document)
        for control in controls_of(each.decoded, document):
            if control.is_taken or control.key not in controls:
                controls[control.key] = control
        deliveries.extend(made)
        bound.extend(goes_on)
    return Chunk(
        tuple(documents),
        tuple(deliveries),
        tuple(seen.opened),
        tuple(bound),
        seen_orders=frozenset(key for each in sets for key in orders_named(each, facts)),
        seen_documents=frozenset(each.document_key for each in sets if each.document_key),
        controls=tuple(controls.values()),
        acknowledged=tuple(seen.acknowledged),
    )


def orders_named(each: Keyed, facts: Facts) -> tuple[str, ...]:
    """Give the order keys that a set may mean: by the buyer's numbers, and by other names of an order."""
    return tuple(dict.fromkeys(key for order in each.orders for key in _keys_of(order, facts)))


def _keys_of(order: NamedOrder, facts: Facts) -> tuple[str, ...]:
    """Give the order keys that one order named may be.

    A name counts in its own numbering only: the seller's 1001 is not the ERP's. What a document calls
    the buyer's number is the one that the supplier was given: the ERP's, where the ERP sent the order.
    """
    by_alias = (
        key
        for number in order.numbers
        for key, kinds in facts.resolved.get(number.number, {}).items()
        if kinds & _numberings(number.issuer, facts.ledger.get(key))
    )
    return tuple(dict.fromkeys((*((order.key,) if order.key is not None else ()), *by_alias)))


def _numberings(issuer: Issuer, entry: LedgerEntry | None) -> frozenset[AliasKind]:
    """Give the numberings in which a number of this issuer may name this order."""
    kinds = {AliasKind.IMPORTED}
    match issuer:
        case "seller":
            kinds |= {AliasKind.SELLER}
        case "erp":
            kinds |= {AliasKind.ERP}
        case "buyer":
            kinds |= {AliasKind.BUYER, AliasKind.SUPPLIER_VISIBLE}
            if entry is not None and entry.transmitter is Transmitter.ERP:
                kinds |= {AliasKind.ERP}
    return frozenset(kinds)


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Give the verdict that the worst finding asks for."""
    levels = {finding.level for finding in findings}
    if Level.REJECTED in levels:
        return Verdict.REJECTED
    return Verdict.ACCEPTED_WITH_ERRORS if Level.ERROR in levels else Verdict.ACCEPTED


def reference_of(target: str, role: Role, *parts: str) -> str:
    """Derive the reference that a target knows a delivery by: 26 characters, 130 bits, A-Z 2-7."""
    digest = hashlib.sha256("\x1f".join((target, role, *parts)).encode()).digest()
    return base64.b32encode(digest)[:26].decode()


def plan_decision(
    program: Program,
    message: Message,
    document: DocumentPlan,
    decision: Decision,
    raw: bytes,
    interchange: int,
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]]:
    """Turn a decision about one document into deliveries; bytes that go on are gathered instead."""
    if decision.side is None:
        parked = replace(
            document,
            is_parked=True,
            verdict=Verdict.REJECTED if decision.refuses else document.verdict,
            decision=decision.reason,
            findings=(*document.findings, *decision.findings),
        )
        return parked, [], []
    decided = replace(document, side=decision.side, decision=decision.reason)
    passes_to = tuple(
        (intent.target, intent.role) for intent in decision.intents if intent.form == "as_received"
    )
    deliveries = [
        _delivery(program, message, decided, intent.target, intent.role)
        for intent in decision.intents
        if intent.form == "canonical"
    ]
    decided = replace(decided, passes_to=passes_to)
    return decided, deliveries, bound_sets(decided, raw, interchange)


def bound_sets(document: DocumentPlan, raw: bytes, interchange: int) -> list[Bound]:
    """Give where a set's own bytes go on."""
    return [
        Bound(
            document.index, target, role, raw, document.order_keys, interchange,
            document.units, document.is_urgent, document.deadline_at,
        )
        for target, role in document.passes_to
    ]  # fmt: skip


def bound_deliveries(
    program: Program,
    message: Message,
    bound: Sequence[Bound],
    sets: int,
    rejected: frozenset[Unit],
    wrapped: Mapping[tuple[str, Role, int], bytes],
    *,
    part: str = "",
) -> list[DeliveryPlan]:
    """Give the deliveries of bytes that go on: the whole message where all of it goes, else our envelopes.

    ``part`` names a piece of a message that is decided apart from the others.
    """
    made = []
    for (target, role), group in by_destination(bound, rejected).items():
        if len({each.index for each in group}) == sets:
            made.append(_bytes_delivery(program, message, target, role, group, None, part or "message"))
            continue
        for interchange in sorted({each.interchange for each in group}):
            own = [each for each in group if each.interchange == interchange]
            body = wrapped.get((target, role, interchange))
            if body is not None:  # absent: the format could not wrap it, and the message is parked for that
                name = part or f"interchange-{interchange}"
                made.append(_bytes_delivery(program, message, target, role, own, body, name))
    return made


def refused_units(
    program: Program, summary: Summary, verdicts: Mapping[int, Verdict], units: Mapping[int, tuple[Unit, ...]]
) -> frozenset[Unit]:
    """Give the acceptance units that are refused as a whole, by the partner's policy.

    Where each set stands alone (``accept_by: set``) a bad trailer is a finding and condemns nothing:
    sets before it may be delivered already. Else one bad part condemns the unit around it.
    """
    if program.accept_by is UnitKind.SET:
        return frozenset()
    refused = set(summary.rejected_units)
    for index, around in units.items():
        if verdicts.get(index) is Verdict.REJECTED or refused.intersection(around):
            refused.update(unit for unit in around if unit.kind is program.accept_by)
    return frozenset(refused)


def by_destination(bound: Sequence[Bound], rejected: frozenset[Unit]) -> dict[tuple[str, Role], list[Bound]]:
    """Group what goes on by where it goes, without the sets of refused units."""
    groups: dict[tuple[str, Role], list[Bound]] = {}
    for each in bound:
        if not rejected.intersection(each.units):
            groups.setdefault((each.target, each.role), []).append(each)
    return groups


def whole_message(program: Program, message: Message, target: str, role: Role) -> DeliveryPlan:
    """Give the delivery of a message's own bytes, of which nothing else is known."""
    return _bytes_delivery(program, message, target, role, (), None, "message")


def hold_unit(program: Program, units: tuple[Unit, ...]) -> Unit | None:
    """Give the unit whose fate a set shares, None where each set stands alone."""
    if program.accept_by is UnitKind.SET:
        return None
    return next((unit for unit in units if unit.kind is program.accept_by), None)


def deadline_of(program: Program, accepted_at: datetime, *, is_urgent: bool) -> datetime:
    """Give the time by which people must hear that a document is not delivered."""
    seconds = program.deadlines.rush_s if is_urgent else program.deadlines.other_s
    return accepted_at + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Followed:
    """What follows for a document from the orders that it names."""

    decision: Decision
    order_keys: tuple[str, ...]


def follow_on(
    program: Program,
    each: Keyed,
    facts: Facts,
    ledger: Mapping[str, LedgerEntry],
    wait_until: datetime | None,
    now: datetime,
) -> Followed | AwaitedOrder:
    """Decide about a document by all the orders that it names, or let it wait for those nobody knows.

    ``wait_until`` None: it waits no longer, and an order that is still unknown counts as the route
    declares. One order on the other side, known or declared, is enough to park it: it is never split.
    """
    keys_of = [_keys_of(order, facts) for order in each.orders]
    unknown = [
        order
        for order, keys in zip(each.orders, keys_of, strict=True)
        if not any(key in ledger for key in keys)
    ]
    entries = [ledger[key] for keys in keys_of for key in keys if key in ledger]
    if unknown and wait_until is not None:
        return _awaited(unknown, facts, wait_until)
    side = program.unknown.side
    if entries and (not unknown or side is not None):
        declared = [_declared(program, order, side, now) for order in unknown if side is not None]
        decision = follow(program.rule, [*entries, *declared], originates=program.follows is None)
    else:
        decision = unknown_order(program.rule, side)
    if each.decoded.is_passed_through:
        decision = _without_document(program, each.decoded, decision)
    keys = (
        *(entry.order_key for entry in entries),
        *(order.key for order in unknown if order.key is not None),
    )
    return Followed(decision, tuple(dict.fromkeys(keys)))


def _awaited(unknown: Sequence[NamedOrder], facts: Facts, until: datetime) -> AwaitedOrder:
    """Wait for orders by their keys, and by those of their numbers that name no other order yet."""
    numbers = (number.number for order in unknown for number in order.numbers)
    return AwaitedOrder(
        tuple(dict.fromkeys(number for number in numbers if number not in facts.resolved)),
        until,
        tuple(dict.fromkeys(order.key for order in unknown if order.key is not None)),
    )


def _declared(program: Program, order: NamedOrder, side: Side, at: datetime) -> LedgerEntry:
    """Give an unknown order the side that the route declares, for this decision only."""
    name = order.key or " / ".join(number.number for number in order.numbers)
    reason = "unknown: declared by the route"
    return LedgerEntry(name, side, Transmitter.NONE, program.route, "", reason, at)


def _plan_set(
    ruling: Ruling, message: Message, each: Keyed, facts: Facts, seen: _Seen, now: datetime
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]]:
    program, decoded = ruling.program, each.decoded
    document = _written_down(program, message, each)
    if decoded.receipts:
        planned = _corresponded(ruling, message, each, document, facts, seen)
        if isinstance(planned, tuple):
            return planned
        document = planned
    document = _counted(message, each, document, facts, ruling.stage)
    if document.repeats is not None:
        return document, [], []
    if document.verdict is Verdict.REJECTED or (decoded.document is None and not decoded.is_passed_through):
        return _untranslated(ruling, message, each, document, facts, seen, now)
    if program.reply == "query":
        # Asked again is asked anew: yesterday's answer is no answer. A caller's own repeat shows by its id.
        asked = replace(document, document_key=None, order_keys=())
        decision = ask(program.rule, ruling.stage)
        return plan_decision(program, message, asked, decision, decoded.raw, decoded.interchange)
    return _decide_set(ruling, message, each, document, facts, seen, now)


def _decide_set(
    ruling: Ruling,
    message: Message,
    each: Keyed,
    document: DocumentPlan,
    facts: Facts,
    seen: _Seen,
    now: datetime,
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]]:
    """Decide about a set that was translated, or that goes on without a guide."""
    program, decoded = ruling.program, each.decoded
    repeat = _repeat(program, message, each, document, seen)
    if repeat is not None:
        return _passed_on(ruling, each, repeat, facts, seen)
    if each.opens:
        confirmed = _confirmed(message, each, document, seen.ledger.get(each.order_keys[0]))
        if confirmed is not None:
            return confirmed, [], []
        decision = _opening(ruling, message, each, seen, now)
    else:
        waits = program.unknown.after_s > 0
        until = message.accepted_at + timedelta(seconds=program.unknown.after_s) if waits else None
        followed = follow_on(program, each, facts, seen.ledger, until, now)
        if isinstance(followed, AwaitedOrder):
            return waiting(document, followed), [], []
        document, decision = replace(document, order_keys=followed.order_keys), followed.decision
    return plan_decision(program, message, document, decision, decoded.raw, decoded.interchange)


def waiting(document: DocumentPlan, awaited: AwaitedOrder) -> DocumentPlan:
    """Give a follow-on that waits for an order which nobody knows yet."""
    text = f"waits for its order until {awaited.until:%Y-%m-%d %H:%M:%S}Z"
    return replace(document, awaits=awaited, decision=text)


def _counted(
    message: Message, each: Keyed, document: DocumentPlan, facts: Facts, stage: Stage
) -> DocumentPlan:
    """Judge a set whose control numbers another message used before, by the partner's policy.

    Where legacy is live its bytes go on whatever we find.
    """
    decoded = each.decoded
    used = repeated(decoded, message.message_id, facts.controls)
    if used is None:
        return document
    control, earlier = used
    findings = (*document.findings, repeat_finding(decoded, control, earlier, message.origin.name))
    counted = replace(document, findings=findings, verdict=verdict_of(findings))
    if control.on_repeat != "acknowledge" or stage in (Stage.LEGACY, Stage.SHADOW):
        return counted
    reason = f"{control.name} repeats that of {earlier.message_id}"
    return replace(counted, repeats=earlier.message_id, decision=reason)


def _corresponded(
    ruling: Ruling, message: Message, each: Keyed, document: DocumentPlan, facts: Facts, seen: _Seen
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]] | DocumentPlan:
    """Plan an acknowledgment that came in; one that is about nothing we know is planned as any other set."""
    at = Position(message.origin.name, path=f"set {document.index + 1}")
    decoded = each.decoded
    match correspondence(decoded.receipts[0], facts.controls, ruling.returns_to, at):
        case Consumed() as result:
            seen.acknowledged.append(result.acknowledged)
            return consumed(document, result), [], []
        case Returned(target, reason):
            returned = replace(document, decision=reason, passes_to=((target, "acknowledgment"),))
            return returned, [], bound_sets(returned, decoded.raw, decoded.interchange)
        case Stranded(finding):
            findings = (*document.findings, finding)
            return replace(document, findings=findings, is_parked=True, decision="cannot go back"), [], []
        case Unknown(note):
            return replace(document, findings=(*document.findings, note))


def _written_down(program: Program, message: Message, each: Keyed) -> DocumentPlan:
    decoded = each.decoded
    document = decoded.document
    is_urgent = program.is_urgent or getattr(document, "urgency", "normal") == "rush"
    return DocumentPlan(
        index=decoded.index,
        set_type=decoded.set_type,
        units=decoded.units,
        verdict=verdict_of(decoded.findings),
        findings=decoded.findings,
        document_type=document.document_type if document is not None else None,
        document_key=each.document_key,
        content_hash=each.content_hash,
        order_keys=each.order_keys,
        canonical=to_json(document) if document is not None else None,
        is_urgent=is_urgent,
        deadline_at=deadline_of(program, message.accepted_at, is_urgent=is_urgent),
    )


def _opening(ruling: Ruling, message: Message, each: Keyed, seen: _Seen, now: datetime) -> Decision:
    """Decide about a document that may open an order, and open it."""
    key, program, stage = each.order_keys[0], ruling.program, ruling.stage
    facts_of_order = order_facts(key, _document(each.decoded))
    decision = decide(program.rule, stage, ruling.share, facts_of_order, seen.ledger.get(key))
    if decision.opens and decision.side is not None:
        _open(program, message, stage, key, decision, seen, now)
    return decision


def _entries(each: Keyed, facts: Facts, seen: _Seen) -> list[LedgerEntry]:
    """Give the ledger entries of all orders that a set names."""
    return [seen.ledger[key] for key in orders_named(each, facts) if key in seen.ledger]


def _confirmed(
    message: Message, each: Keyed, document: DocumentPlan, entry: LedgerEntry | None
) -> DocumentPlan | None:
    """Take a confirmation of an order that the cloud ERP has already: there is nothing to create again.

    One that legacy owns goes on, as everything does that legacy sends and gets.
    """
    purpose = getattr(each.decoded.document, "purpose", None)
    if entry is None or entry.side is not Side.CLOUD or purpose != "confirmation":
        return None
    finding = Finding(
        code="ORDER-CONFIRMED",
        at=Position(message.origin.name, path=f"set {document.index + 1}"),
        text="it confirms an order that the cloud ERP has; it is kept, and nothing is created or sent again",
        level=Level.NOTE,
    )
    reason = f"confirms order {entry.order_key}"
    return replace(document, decision=reason, findings=(*document.findings, finding))


def _untranslated(
    ruling: Ruling,
    message: Message,
    each: Keyed,
    document: DocumentPlan,
    facts: Facts,
    seen: _Seen,
    now: datetime,
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]]:
    """Park what cannot be translated; where legacy is live its bytes go on all the same.

    Legacy is live in stages legacy and shadow, and in every stage for a follow-on of orders that are
    legacy's: it needs no translation of ours. What follows an order of the cloud ERP goes nowhere by
    itself. The document key is dropped: a corrected set must not be taken for a repeat of this one. But
    an order that legacy was given is legacy's from then on, and what corrects it must go there too.
    """
    parked = replace(document, is_parked=True, document_key=None, decision="not translated")
    entries, program = _entries(each, facts, seen), ruling.program
    if program.follows is not None and entries:
        target = program.rule.legacy_target
        if target is None or {entry.side for entry in entries} != {Side.LEGACY}:
            return parked, [], []
        passes = replace(
            parked,
            decision="not translated; its order is legacy's: the bytes pass on",
            side=Side.LEGACY,
            passes_to=((target, "live"),),
            order_keys=tuple(entry.order_key for entry in entries),
        )
        return passes, [], bound_sets(passes, each.decoded.raw, each.decoded.interchange)
    passed, deliveries, bound = _passed_on(ruling, each, parked, facts, seen)
    if bound and program.follows is None:
        reason = f"stage {ruling.stage.value}, passed on untranslated"
        decision = Decision(Side.LEGACY, program.rule.legacy_transmitter, (), reason, opens=True)
        for key in each.order_keys:
            if key not in seen.ledger:
                _open(program, message, ruling.stage, key, decision, seen, now)
    return passed, deliveries, bound


def _passed_on(
    ruling: Ruling, each: Keyed, document: DocumentPlan, facts: Facts, seen: _Seen
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]]:
    """In stages legacy and shadow, let a set's bytes go on whatever was found about it.

    Not where its order is known to be the cloud's, or was placed by phone: legacy would transmit it.
    """
    program, stage, target = ruling.program, ruling.stage, ruling.program.rule.legacy_target
    entries = _entries(each, facts, seen)
    is_clouds = any(entry.side is Side.CLOUD for entry in entries) or (
        not entries and program.follows is not None and program.unknown.side is Side.CLOUD
    )
    is_phoned = program.follows is None and any(placed_by_phone(program.rule, entry) for entry in entries)
    if stage not in (Stage.LEGACY, Stage.SHADOW) or target is None or is_clouds or is_phoned:
        return document, [], []
    passes = replace(
        document,
        decision=f"{document.decision}; stage {stage.value} passes the bytes on",
        side=Side.LEGACY,
        passes_to=((target, "live"),),
    )
    return passes, [], bound_sets(passes, each.decoded.raw, each.decoded.interchange)


def _repeat(
    program: Program, message: Message, each: Keyed, document: DocumentPlan, seen: _Seen
) -> DocumentPlan | None:
    """Judge a document whose key is known: a repeat by the partner's policy, or a changed body."""
    if each.document_key is None or each.content_hash is None:
        return None
    own = (message.message_id, document.index, each.content_hash, message.accepted_at)
    first, index, hashed, since = seen.documents.setdefault(each.document_key, own)
    if (first, index) == own[:2]:
        return None  # itself: now, or in an earlier generation of a replayed message
    if hashed != each.content_hash:
        finding = Finding(
            code="DOCUMENT-CHANGED",
            at=Position(message.origin.name, path=f"set {document.index + 1}"),
            text=f"message {first} brought a document with this key and other content; a document is never "
            "updated by sending it again: compare the two, then resolve this exception",
        )
        return replace(
            document, is_parked=True, document_key=None, decision=f"same key as in {first}, other content",
            findings=(*document.findings, finding),
        )  # fmt: skip
    is_late = message.accepted_at - since > program.resend_window
    told = f"the partner's resend policy is '{program.resend}'"
    if is_late:
        days = program.resend_window.days
        told = f"that is longer ago than the partner's resend window ({days} days): see whether it was sent "
        told += "again, or its number used for another order"
    finding = Finding(
        code="DOCUMENT-REPEATED",
        at=Position(message.origin.name, path=f"set {document.index + 1}"),
        text=f"message {first} brought the same document; {told}",
        level=Level.NOTE,
    )
    return replace(
        document, repeats=first, is_parked=is_late or program.resend == "park", decision=f"repeat of {first}",
        findings=(*document.findings, finding),
    )  # fmt: skip


def _open(
    program: Program, message: Message, stage: Stage, key: str, decision: Decision, seen: _Seen, now: datetime
) -> None:
    entry = LedgerEntry(
        order_key=key,
        side=decision.side or Side.LEGACY,
        transmitter=decision.transmitter,
        route=program.route,
        stage=stage.value,
        reason=decision.reason,
        opened_at=now,
        message_id=message.message_id,
    )
    seen.ledger[key] = entry
    seen.opened.append(entry)


def _without_document(program: Program, decoded: Decoded, decision: Decision) -> Decision:
    """Judge a set without a guide: its bytes can follow an order to legacy, not into a cloud ERP."""
    if decision.side is not Side.CLOUD:
        return decision
    finding = Finding(
        code="FOLLOW-NO-GUIDE",
        at=Position(program.route, path=f"set {decoded.index + 1}"),
        text=f"a {decoded.set_type} names an order of the cloud ERP, and there is no guide to translate it: "
        "enter it there by hand, then resolve this exception",
    )
    return Decision(None, Transmitter.NONE, (), decision.reason, findings=(finding,))


def _document(decoded: Decoded) -> CanonicalDocument:
    if decoded.document is None:
        raise ValueError("a set without a document cannot open an order")
    return decoded.document


def _delivery(
    program: Program, message: Message, document: DocumentPlan, target: str, role: Role
) -> DeliveryPlan:
    return DeliveryPlan(
        delivery_id=_delivery_id(message, document.index, target, role),
        document_index=document.index,
        target=target,
        role=role,
        reference=reference_of(
            target, role, document.document_key or f"{message.message_id}/{document.index}"
        ),
        lanes=document.order_keys if role != "shadow" else (),
        is_urgent=document.is_urgent,
        unit=hold_unit(program, document.units),
        deadline_at=document.deadline_at if role == "live" else None,
    )


def _bytes_delivery(
    program: Program,
    message: Message,
    target: str,
    role: Role,
    bound: Sequence[Bound],
    body: bytes | None,
    part: str,
) -> DeliveryPlan:
    is_urgent = message.is_urgent or any(each.is_urgent for each in bound)
    deadlines = [each.deadline_at for each in bound if each.deadline_at is not None]
    return DeliveryPlan(
        delivery_id=_delivery_id(message, part, target, role),
        document_index=None,
        target=target,
        role=role,
        reference=reference_of(target, role, message.message_id, _part_named(message, part)),
        lanes=tuple(dict.fromkeys(key for each in bound for key in each.order_keys)),
        is_urgent=is_urgent,
        body=body,
        content_type=message.origin.content_type,
        deadline_at=min(deadlines, default=deadline_of(program, message.accepted_at, is_urgent=is_urgent))
        if role in ("live", "pass_through")
        else None,
    )


def part_of(view: DeliveryView) -> str:
    """Give which part of its message a delivery carries: the word after the generation in its id."""
    return view.delivery_id.removeprefix(f"{view.message_id}.{view.generation}.").partition(".")[0]


def _part_named(message: Message, part: str) -> str:
    """Name an envelope of ours for its reference: that of a replay holds other sets than the first did."""
    is_first = message.generation == 1 or message.resend or not part.startswith("interchange-")
    return part if is_first else f"{part}.{message.generation}"


def _delivery_id(message: Message, part: int | str, target: str, role: Role) -> str:
    return f"{message.message_id}.{message.generation}.{part}.{target}.{role}"
