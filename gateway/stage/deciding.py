"""Decides about one document: by the ledger where it knows the order, else by the route's stage. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from adapters.base import Finding, Position
from gateway.journal.types import MOVED, LedgerEntry, Side, Transmitter
from gateway.stage.people import changed_over_there, known_to_us, not_transmitted, refused
from gateway.stage.rules import Decision, OrderFacts, RouteRule, Stage
from gateway.stage.selection import selected
from gateway.stage.towards import towards


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
            return not_transmitted(rule, entry)
        made = towards(rule, stage, entry.side, sender, reason)
        return made if sender is entry.transmitter else replace(made, tells=sender)
    match stage:
        case Stage.LEGACY | Stage.SHADOW:
            return _opening(rule, stage, Side.LEGACY, f"stage {stage.value}", order)
        case Stage.CANARY:
            why_cloud = selected(rule, share_percent, order)
            if why_cloud is None:
                return _opening(rule, stage, Side.LEGACY, "canary: not selected", order)
            return _opening(rule, stage, Side.CLOUD, f"canary: {why_cloud}", order)
        case Stage.CLOUD:
            return _opening(rule, stage, Side.CLOUD, "stage cloud", order)
        case Stage.RETIRED:
            return refused(rule.route)


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
        return changed_over_there(rule, entry)
    sender = transmitter_of(rule, entry, is_new=revises)
    if originates and sender is Transmitter.NONE and placed_by_phone(rule, entry):
        return not_transmitted(rule, entry)
    made = towards(rule, None, entry.side, sender, f"follows order {entry.order_key}", revises=revises)
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
        return refused(rule.route)
    side = Side.CLOUD if stage is Stage.CLOUD else Side.LEGACY
    return towards(rule, stage, side, Transmitter.NONE, f"a question in stage {stage.value}")


def placed_by_phone(rule: RouteRule, entry: LedgerEntry) -> bool:
    """Tell whether legacy would send an order to the supplier that a person has placed there by phone."""
    return (
        entry.side is Side.LEGACY
        and entry.transmitter is Transmitter.NONE
        and rule.legacy_transmitter is Transmitter.LEGACY
    )


def _opening(rule: RouteRule, stage: Stage, side: Side, reason: str, order: OrderFacts) -> Decision:
    transmitter = rule.legacy_transmitter if side is Side.LEGACY else rule.cloud_transmitter
    if order.is_placed:
        transmitter, reason = Transmitter.NONE, f"{reason}; the supplier has it already"
    made = towards(rule, stage, side, transmitter, reason)
    return Decision(
        made.side, transmitter, made.intents, reason, opens=made.side is not None, findings=made.findings
    )
