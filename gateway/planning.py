"""From decoded sets to a plan: keys, repeats, decisions, deliveries. Pure.

The pipeline reads facts, asks this file what to write, and hands the result to the journal, which
refuses it where a fact moved meanwhile. Nothing here knows a database, a clock or a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.base import Alias, Decoded, Finding, Level, Position, Verdict
from canonical.document import CanonicalDocument
from canonical.purchase_order import PurchaseOrder
from canonical.registry import to_json
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
from gateway.delivery_plans import deadline_of, document_delivery
from gateway.echoes import carries_our_reference
from gateway.entity_owner import not_the_owner
from gateway.erp.connector.aliases import ErpLine, order_aliases
from gateway.following import follow_on, moving_deadline, told_of_ours, waiting
from gateway.going_on import Bound, bound_sets
from gateway.journal.types import (
    Acknowledged,
    AwaitedOrder,
    ControlNumber,
    DeliveryPlan,
    DocumentPlan,
    Facts,
    LedgerEntry,
    Message,
    Side,
)
from gateway.moving import ORIGIN
from gateway.naming import Keyed, orders_named
from gateway.order_facts import order_facts
from gateway.program import Program, Tenant
from gateway.stage import Decision, Stage, ask, decide, placed_by_phone, unknown_order


@dataclass(frozen=True, slots=True)
class Ruling:
    """By what a set is decided: its route's program, and the stage of the route that decides."""

    program: Program
    stage: Stage
    share: Decimal
    returns_to: ReturnsTo = lambda route: None  # where acknowledgments of what a route received go


Rulings = Callable[[str], Ruling]  # by set type


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
    aliases: Mapping[str, tuple[Alias, ...]] = field(default_factory=dict)  # of orders that the ERP tells of


@dataclass(slots=True)
class _Seen:
    """What this chunk itself adds to the facts: two sets of one chunk may name the same order."""

    ledger: dict[str, LedgerEntry]
    documents: dict[str, tuple[str, int, str, datetime]]  # document key -> message id, index, hash, since
    opened: list[LedgerEntry] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    aliases: dict[str, tuple[Alias, ...]] = field(default_factory=dict)


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
        aliases=seen.aliases,
    )


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Give the verdict that the worst finding asks for."""
    levels = {finding.level for finding in findings}
    if Level.REJECTED in levels:
        return Verdict.REJECTED
    return Verdict.ACCEPTED_WITH_ERRORS if Level.ERROR in levels else Verdict.ACCEPTED


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
        document_delivery(program, message, decided, intent.target, intent.role, decision.tells)
        for intent in decision.intents
        if intent.form == "canonical"
    ]
    decided = replace(decided, passes_to=passes_to)
    return decided, deliveries, bound_sets(decided, raw, interchange)


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
    if program.is_evidence:
        return _evidence(document, decoded), [], []
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
    if (returned := _own_copy(message, document, decoded.document)) is not None:
        return returned, [], []
    if (ours := told_of_ours(program, each, facts, seen.ledger)) is not None:
        # Before repeats: under the order's own number the ERP's words are never those that we sent.
        told = replace(document, document_key=None, order_keys=ours.order_keys)
        return plan_decision(program, message, told, ours.decision, decoded.raw, decoded.interchange)
    repeat = _repeat(program, message, each, document, seen)
    if repeat is not None:
        return _passed_on(ruling, each, repeat, facts, seen)
    if each.opens and not _is_moving(each, seen):
        confirmed = _confirmed(message, each, document, seen.ledger.get(each.order_keys[0]))
        if confirmed is not None:
            return confirmed, [], []
        if program.rule.from_cloud:
            by_erp = _told_by_erp(ruling, message, each, document, facts, seen, now)
            if isinstance(by_erp, DocumentPlan):
                return by_erp, [], []
            document, decision = by_erp
        else:
            decision = _opening(ruling, message, each, seen, now)
    else:
        followed = follow_on(program, each, facts, seen.ledger, _patience(ruling, message, each, facts), now)
        if isinstance(followed, AwaitedOrder):
            return waiting(document, followed), [], []
        document, decision = replace(document, order_keys=followed.order_keys), followed.decision
        named = [seen.ledger[key] for key in followed.order_keys if key in seen.ledger]
        decision = not_the_owner(program, ruling.stage.value, document.document_type, named) or decision
    return plan_decision(program, message, document, decision, decoded.raw, decoded.interchange)


def _own_copy(
    message: Message, document: DocumentPlan, content: CanonicalDocument | None
) -> DocumentPlan | None:
    """Take back what the gateway itself made (a copy, a remainder) and a system hands on: nothing loops."""
    mark = content.extensions.get(ORIGIN) if content is not None else None
    if mark is None:
        return None
    finding = Finding(
        code="COPY-RETURNED",
        at=Position(message.origin.name, path=f"set {document.index + 1}"),
        text="the gateway made this document itself for the other system, which handed it on; it is kept, "
        "and goes nowhere",
        level=Level.NOTE,
    )
    return replace(
        document, document_key=None, decision="our own, come back", findings=(*document.findings, finding)
    )


def _is_moving(each: Keyed, seen: _Seen) -> bool:
    """Tell whether the order that a document would open or follow is on its way to the other side."""
    entry = seen.ledger.get(each.order_keys[0])
    return entry is not None and entry.moving_to is not None


def _patience(ruling: Ruling, message: Message, each: Keyed, facts: Facts) -> datetime | None:
    """Give until when a document waits for its order, which is not known or is moving; None: not at all."""
    program = ruling.program
    named = (facts.ledger.get(key) for key in orders_named(each, facts))
    if any(entry is not None and entry.moving_to is not None for entry in named):
        return moving_deadline(program, message.accepted_at)
    waits = program.unknown.after_s > 0
    return message.accepted_at + timedelta(seconds=program.unknown.after_s) if waits else None


def _evidence(document: DocumentPlan, decoded: Decoded) -> DocumentPlan:
    """Keep legacy's own version of a document: it is compared with ours, and goes nowhere.

    It holds no key, so that it is never taken for a repeat of what it is compared with. What cannot be read
    is parked: without it a comparison would wait in vain.
    """
    kept = replace(document, document_key=None, decision="legacy's own version, kept to compare")
    is_unread = document.verdict is Verdict.REJECTED or decoded.document is None
    return (
        replace(kept, is_parked=True, decision="legacy's own version, not translated") if is_unread else kept
    )


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
    decision = decide(
        program.rule,
        stage,
        ruling.share,
        facts_of_order,
        seen.ledger.get(key),
        is_new=message.generation == 1,
    )
    if decision.opens and decision.side is not None:
        _open(program, message, stage, key, decision, seen, now)
    return decision


def _told_by_erp(
    ruling: Ruling,
    message: Message,
    each: Keyed,
    document: DocumentPlan,
    facts: Facts,
    seen: _Seen,
    now: datetime,
) -> tuple[DocumentPlan, Decision] | DocumentPlan:
    """Decide about an order that the ERP itself tells of, and that no other route is known to have brought.

    Its event can be quicker than the reply to our own request, so the ledger may not know the ERP's number
    yet. An order that carries a reference of ours therefore waits for it, and never opens an entry.
    """
    program, entries = ruling.program, _entries(each, facts, seen)
    if not entries and carries_our_reference(_document(each.decoded)):
        until = message.accepted_at + timedelta(seconds=program.unknown.after_s)
        if now < until:
            return waiting(
                document, AwaitedOrder(each.order_numbers, until, each.order_keys, each.tenant.endpoints)
            )
        return document, unknown_order(program.rule, None)
    seen.aliases[each.order_keys[0]] = _names_of(_document(each.decoded), each.tenant)
    return document, _opening(ruling, message, each, seen, now)


def _names_of(order: CanonicalDocument, tenant: Tenant) -> tuple[Alias, ...]:
    """Give the ERP's names of an order of its own: answers to it must find its lines, as those to ours do."""
    if not isinstance(order, PurchaseOrder):
        return ()
    lines = [ErpLine(line.sequence, line.line_id) for line in order.lines if line.line_id is not None]
    names = order_aliases(order.erp_number or order.number, lines, order.lines)
    return tuple(replace(each, target=next(iter(tenant.endpoints), None)) for each in names)


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
        is_moving = any(entry.moving_to is not None for entry in entries)
        if target is None or is_moving or {entry.side for entry in entries} != {Side.LEGACY}:
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
    is_clouds = any(entry.side is Side.CLOUD or entry.moving_to is not None for entry in entries) or (
        not entries and program.follows is not None and program.unknown.side is Side.CLOUD
    )
    is_phoned = program.follows is None and any(placed_by_phone(program.rule, entry) for entry in entries)
    takes_bytes = program.rule.legacy_form == "as_received"  # else the endpoint cannot use them
    if (
        stage not in (Stage.LEGACY, Stage.SHADOW)
        or target is None
        or is_clouds
        or is_phoned
        or not takes_bytes
    ):
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


def _document(decoded: Decoded) -> CanonicalDocument:
    if decoded.document is None:
        raise ValueError("a set without a document cannot open an order")
    return decoded.document
