"""Follow-ons: which orders they wait for, and where they go by all that they name. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.base import AliasKind, Decoded, Finding, Position
from canonical.invoice import Invoice
from gateway.journal.types import (
    AwaitedOrder,
    DocumentPlan,
    Facts,
    LedgerEntry,
    Side,
    Transmitter,
    naming_counts,
)
from gateway.naming import Keyed, NamedOrder, is_anothers, keys_of, orders_named
from gateway.program import Program
from gateway.stage import Decision, follow, known_to_us, left_behind, number_clash, unknown_order, unsplit


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
    known_as = [keys_of(order, each, facts) for order in each.orders]
    moving_now = [ledger[key] for keys in known_as for key in keys if key in ledger and ledger[key].moving_to]
    if moving_now:
        return _until_moved(program, moving_now, wait_until, now)
    unknown = [
        order
        for order, keys in zip(each.orders, known_as, strict=True)
        if not any(key in ledger for key in keys)
    ]
    entries = [ledger[key] for keys in known_as for key in keys if key in ledger]
    if unknown and wait_until is not None:
        return _awaited(unknown, each, facts, wait_until)
    side = program.unknown.side
    if (away := _moved_away(program, each, facts, entries)) is not None:
        decision = away
    elif (undivided := _undivided(program, each, entries, unknown)) is not None:
        decision = undivided
    elif entries and (not unknown or side is not None):
        declared = [_declared(program, order, side, now) for order in unknown if side is not None]
        decision = follow(
            program.rule,
            [*entries, *declared],
            originates=program.follows is None,
            revises=each.brief is not None and each.brief.is_revision,
        )
    else:
        decision = unknown_order(program.rule, side)
    if each.decoded.is_passed_through:
        decision = without_document(program, each.decoded, decision)
    keys = (
        *(entry.order_key for entry in entries),
        *(order.key for order in unknown if order.key is not None),
    )
    return Followed(decision, tuple(dict.fromkeys(keys)))


def told_of_ours(
    program: Program, each: Keyed, facts: Facts, ledger: Mapping[str, LedgerEntry]
) -> Followed | None:
    """Decide about an order that the ERP tells of and another route brought there; None: it is no such."""
    if not program.rule.from_cloud or not each.opens:
        return None
    entries = [ledger[key] for key in orders_named(each, facts) if key in ledger]
    if not entries:
        return _another_tenants(program, each, facts, ledger)
    ours = [entry for entry in entries if entry.route != program.route]
    if not ours or any(entry.moving_to is not None for entry in entries):
        return None
    decision = _moved_away(program, each, facts, ours) or known_to_us(program.rule, ours[0])
    return Followed(decision, tuple(entry.order_key for entry in ours))


def _moved_away(
    program: Program, each: Keyed, facts: Facts, entries: Sequence[LedgerEntry]
) -> Decision | None:
    """Decide about what an ERP tells of an order that has moved away from it; None: it is no such."""
    if not program.tenant.tells or not entries:
        return None
    left = {
        key
        for order in each.orders
        for number in order.numbers
        for key, namings in facts.resolved.get(number.number, {}).items()
        for naming in namings
        if naming.kind is AliasKind.LEFT and naming_counts(naming.target, program.tenant.endpoints)
    }
    is_away = all(entry.order_key in left and entry.side is Side.LEGACY for entry in entries)
    return left_behind(program.rule, entries[0]) if is_away else None


def _another_tenants(
    program: Program, each: Keyed, facts: Facts, ledger: Mapping[str, LedgerEntry]
) -> Followed | None:
    """Park an order whose number is that of another tenant's order in the ledger; None: there is no such."""
    for order in each.orders:
        entry = ledger.get(order.key or "")
        if entry is not None and is_anothers(order, entry.order_key, each, facts):
            return Followed(number_clash(program.rule, entry), ())
    return None


def _until_moved(
    program: Program, moving_now: Sequence[LedgerEntry], wait_until: datetime | None, now: datetime
) -> AwaitedOrder:
    """Let a document wait for its order to arrive on the other side, however long that takes.

    Neither side is right before. That it is late is told by the alarms, as of anything past its deadline.
    """
    until = wait_until if wait_until is not None and now < wait_until else moving_deadline(program, now)
    return AwaitedOrder((), until, tuple(entry.order_key for entry in moving_now))


def moving_deadline(program: Program, since: datetime) -> datetime:
    """Give how long a document waits for an order that is moving: as long as a delivery may take."""
    return since + timedelta(seconds=program.deadlines.other_s)


def _undivided(
    program: Program, each: Keyed, entries: Sequence[LedgerEntry], unknown: Sequence[NamedOrder]
) -> Decision | None:
    """Decide about an invoice that is on both sides or on none; None where one side has all of it."""
    invoice = each.document
    if not isinstance(invoice, Invoice):
        return None
    sides = {entry.side for entry in entries}
    if entries and unknown and program.unknown.side is not None:
        sides.add(program.unknown.side)
    if len(sides) > 1:
        return unsplit(program.rule, invoice, "INVOICE-BOTH-SIDES", "its lines are of orders on both sides")
    if any(entry.is_divided for entry in entries):
        text = "its order has moved, and the side that it was on has received goods that are not invoiced"
        return unsplit(program.rule, invoice, "INVOICE-DIVIDED", text)
    if not entries and not unknown:
        return unsplit(program.rule, invoice, "INVOICE-NO-ORDER", "it names no order")
    return None


def _awaited(unknown: Sequence[NamedOrder], each: Keyed, facts: Facts, until: datetime) -> AwaitedOrder:
    """Wait for orders by their keys, and by those of their numbers that name no other order yet."""
    tellers = each.tenant.endpoints if each.tenant.tells else ()
    known = {
        number
        for number, named in facts.resolved.items()
        if any(naming_counts(naming.target, tellers) for told in named.values() for naming in told)
    }
    numbers = (number.number for order in unknown for number in order.numbers)
    keys = (
        order.key
        for order in unknown
        if order.key is not None and not (each.tenant.tells and is_anothers(order, order.key, each, facts))
    )
    return AwaitedOrder(
        tuple(dict.fromkeys(number for number in numbers if number not in known)),
        until,
        tuple(dict.fromkeys(keys)),
        tellers,
    )


def _declared(program: Program, order: NamedOrder, side: Side, at: datetime) -> LedgerEntry:
    """Give an unknown order the side that the route declares, for this decision only."""
    name = order.key or " / ".join(number.number for number in order.numbers)
    reason = "unknown: declared by the route"
    return LedgerEntry(name, side, Transmitter.NONE, program.route, "", reason, at)


def waiting(document: DocumentPlan, awaited: AwaitedOrder) -> DocumentPlan:
    """Give a follow-on that waits for an order which nobody knows yet."""
    text = f"waits for its order until {awaited.until:%Y-%m-%d %H:%M:%S}Z"
    return replace(document, awaits=awaited, decision=text)


def without_document(program: Program, decoded: Decoded, decision: Decision) -> Decision:
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
