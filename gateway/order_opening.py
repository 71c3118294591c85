"""Opening a ledger entry: by a document that may, or by the ERP's own word of its order. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from adapters.base import Alias
from canonical.document import CanonicalDocument
from canonical.purchase_order import PurchaseOrder
from gateway.echoes import carries_our_reference
from gateway.erp.connector.aliases import ErpLine, order_aliases
from gateway.following import waiting
from gateway.journal.types import AwaitedOrder, DocumentPlan, Facts, LedgerEntry, Message, Side
from gateway.naming import Keyed
from gateway.program import Program, Tenant
from gateway.ruling import Ruling, Seen, document_of, entries_of, facts_of_order
from gateway.stage import Decision, Stage, decide, unknown_order


def opening(ruling: Ruling, message: Message, each: Keyed, seen: Seen, now: datetime) -> Decision:
    """Decide about a document that may open an order, and open it."""
    key, program, stage = each.order_keys[0], ruling.program, ruling.stage
    decision = decide(
        program.rule,
        stage,
        ruling.share,
        facts_of_order(each),
        seen.ledger.get(key),
        is_new=message.generation == 1,
    )
    if decision.opens and decision.side is not None:
        open_entry(program, message, stage, key, decision, seen, now)
    return decision


def told_by_erp(
    ruling: Ruling,
    message: Message,
    each: Keyed,
    document: DocumentPlan,
    facts: Facts,
    seen: Seen,
    now: datetime,
) -> tuple[DocumentPlan, Decision] | DocumentPlan:
    """Decide about an order that the ERP itself tells of, and that no other route is known to have brought.

    Its event can be quicker than the reply to our own request, so the ledger may not know the ERP's number
    yet. An order that carries a reference of ours therefore waits for it, and never opens an entry.
    """
    program, entries = ruling.program, entries_of(each, facts, seen)
    if not entries and carries_our_reference(document_of(each)):
        until = message.accepted_at + timedelta(seconds=program.unknown.after_s)
        if now < until:
            return waiting(
                document, AwaitedOrder(each.order_numbers, until, each.order_keys, each.tenant.endpoints)
            )
        return document, unknown_order(program.rule, None)
    seen.aliases[each.order_keys[0]] = _names_of(document_of(each), each.tenant)
    return document, opening(ruling, message, each, seen, now)


def _names_of(order: CanonicalDocument, tenant: Tenant) -> tuple[Alias, ...]:
    """Give the ERP's names of an order of its own: answers to it must find its lines, as those to ours do."""
    if not isinstance(order, PurchaseOrder):
        return ()
    lines = [ErpLine(line.sequence, line.line_id) for line in order.lines if line.line_id is not None]
    names = order_aliases(order.erp_number or order.number, lines, order.lines)
    return tuple(replace(each, target=next(iter(tenant.endpoints), None)) for each in names)


def open_entry(
    program: Program, message: Message, stage: Stage, key: str, decision: Decision, seen: Seen, now: datetime
) -> None:
    """Open a ledger entry as decided, for this chunk too."""
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
