"""Decisions that leave a document to a person, each with why and what to do; and what goes nowhere. Pure."""

from __future__ import annotations

from adapters.base import Finding, Position
from canonical.invoice import Invoice
from gateway.invoice_owner import owner_of
from gateway.journal.types import LedgerEntry, Side, Transmitter
from gateway.stage.rules import Decision, RouteRule
from gateway.stage.towards import towards


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
    return towards(rule, None, Side.CLOUD, Transmitter.NONE, reason)


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


def changed_over_there(rule: RouteRule, entry: LedgerEntry) -> Decision:
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
    return towards(rule, None, side, Transmitter.NONE, f"order unknown: declared to go to {side.value}")


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
        return towards(rule, None, side, Transmitter.NONE, f"{why}; {declared}")
    finding = Finding(
        code=code,
        at=Position(rule.route),
        text=f"{why}; an invoice is never split. Decide in which system it is matched, enter it there, and "
        "resolve this exception; or declare who takes such invoices (invoices.owners of the route)",
        facts={"desk": rule.invoice_desk},
    )
    return Decision(None, Transmitter.NONE, (), why, findings=(finding,))


def not_transmitted(rule: RouteRule, entry: LedgerEntry) -> Decision:
    """Decide about an order that legacy would send again: a person enters it there, unsent."""
    finding = Finding(
        code="LEGACY-WOULD-TRANSMIT",
        at=Position(rule.route),
        text=f"order {entry.order_key} was given to the supplier already ({entry.reason}), and the legacy "
        "system sends on whatever it gets: enter it there by hand, unsent, then resolve this exception",
    )
    return Decision(None, Transmitter.NONE, (), entry.reason, findings=(finding,))


def refused(route: str) -> Decision:
    """Decide about what still comes by a retired route: the sender is told."""
    finding = Finding(
        code="ROUTE-RETIRED",
        at=Position(route),
        text="this route is retired: new orders are no longer taken from the legacy system; "
        "place the order in the cloud ERP, and tell the sender's owner",
    )
    return Decision(None, Transmitter.NONE, (), "stage retired", findings=(finding,), refuses=True)
