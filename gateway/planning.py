"""From decoded sets to a plan: keys, repeats, decisions, deliveries. Pure.

The pipeline reads facts, asks this file what to write, and hands the result to the journal, which
refuses it where a fact moved meanwhile. Nothing here knows a database, a clock or a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from adapters.base import Alias, Position, Verdict
from gateway.correspondence import (
    Consumed,
    Returned,
    Stranded,
    Unknown,
    consumed,
    controls_of,
    correspondence,
)
from gateway.delivery_plans import deadline_of, document_delivery
from gateway.entity_owner import not_the_owner
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
)
from gateway.known_before import confirmation_of, counted, own_copy, repeat_of
from gateway.naming import Keyed, orders_named, told_names
from gateway.order_opening import opening, told_by_erp
from gateway.passing_on import passed_on, untranslated
from gateway.program import Program
from gateway.ruling import Ruling, Rulings, Seen, verdict_of
from gateway.stage import Decision, ask


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


def plan_chunk(
    rulings: Rulings, message: Message, sets: Sequence[Keyed], facts: Facts, now: datetime
) -> Chunk:
    """Decide about a batch of sets against one consistent look at the facts."""
    seen = Seen(
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
    passes_to = tuple(
        (intent.target, intent.role) for intent in decision.intents if intent.form == "as_received"
    )
    deliveries = [
        document_delivery(program, message, document, intent.target, intent.role, decision.tells)
        for intent in decision.intents
        if intent.form == "canonical"
    ]
    decided = replace(document, side=decision.side, decision=decision.reason, passes_to=passes_to)
    return decided, deliveries, bound_sets(decided, raw, interchange)


def _plan_set(
    ruling: Ruling, message: Message, each: Keyed, facts: Facts, seen: Seen, now: datetime
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]]:
    program, decoded = ruling.program, each.decoded
    document = _written_down(program, message, each)
    if decoded.receipts:
        planned = _corresponded(ruling, message, each, document, facts, seen)
        if isinstance(planned, tuple):
            return planned
        document = planned
    if program.is_evidence:
        return _evidence(document, each), [], []
    document = counted(message, each, document, facts, ruling.stage)
    if document.repeats is not None:
        return document, [], []
    if document.verdict is Verdict.REJECTED or (each.brief is None and not decoded.is_passed_through):
        return untranslated(ruling, message, each, document, facts, seen, now)
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
    seen: Seen,
    now: datetime,
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]]:
    """Decide about a set that was translated, or that goes on without a guide."""
    program, decoded = ruling.program, each.decoded
    if (returned := own_copy(message, document, each.brief)) is not None:
        return returned, [], []
    if (ours := told_of_ours(program, each, facts, seen.ledger)) is not None:
        # Before repeats: under the order's own number the ERP's words are never those that we sent.
        told = replace(document, document_key=None, order_keys=ours.order_keys)
        return plan_decision(program, message, told, ours.decision, decoded.raw, decoded.interchange)
    repeat = repeat_of(program, message, each, document, seen)
    if repeat is not None:
        return passed_on(ruling, each, repeat, facts, seen)
    if each.opens and not _is_moving(each, seen):
        confirmed = confirmation_of(message, each, document, seen.ledger.get(each.order_keys[0]))
        if confirmed is not None:
            return confirmed, [], []
        if program.rule.from_cloud:
            by_erp = told_by_erp(ruling, message, each, document, facts, seen, now)
            if isinstance(by_erp, DocumentPlan):
                return by_erp, [], []
            document, decision = by_erp
        else:
            decision = opening(ruling, message, each, seen, now)
    else:
        followed = follow_on(program, each, facts, seen.ledger, _patience(ruling, message, each, facts), now)
        if isinstance(followed, AwaitedOrder):
            return waiting(document, followed), [], []
        for key, names in told_names(each, facts, seen.ledger).items():
            seen.aliases[key] = (*seen.aliases.get(key, ()), *names)
        document, decision = replace(document, order_keys=followed.order_keys), followed.decision
        named = [seen.ledger[key] for key in followed.order_keys if key in seen.ledger]
        decision = not_the_owner(program, ruling.stage.value, document.document_type, named) or decision
    return plan_decision(program, message, document, decision, decoded.raw, decoded.interchange)


def _is_moving(each: Keyed, seen: Seen) -> bool:
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


def _evidence(document: DocumentPlan, each: Keyed) -> DocumentPlan:
    """Keep legacy's own version of a document: it is compared with ours, and goes nowhere.

    It holds no key, so that it is never taken for a repeat of what it is compared with. What cannot be read
    is parked: without it a comparison would wait in vain.
    """
    kept = replace(document, document_key=None, decision="legacy's own version, kept to compare")
    is_unread = document.verdict is Verdict.REJECTED or each.brief is None
    return (
        replace(kept, is_parked=True, decision="legacy's own version, not translated") if is_unread else kept
    )


def _corresponded(
    ruling: Ruling, message: Message, each: Keyed, document: DocumentPlan, facts: Facts, seen: Seen
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
    decoded, brief = each.decoded, each.brief
    is_urgent = program.is_urgent or (brief is not None and brief.is_rush)
    return DocumentPlan(
        index=decoded.index,
        set_type=decoded.set_type,
        units=decoded.units,
        verdict=verdict_of(decoded.findings),
        findings=decoded.findings,
        document_type=brief.document_type if brief is not None else None,
        document_key=each.document_key,
        content_hash=each.content_hash,
        order_keys=each.order_keys,
        canonical=brief.canonical if brief is not None else None,
        is_urgent=is_urgent,
        deadline_at=deadline_of(program, message.accepted_at, is_urgent=is_urgent),
    )
