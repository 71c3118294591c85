"""What a move creates on the new side and what it tells the old one. Pure.

The remainder of an order is an order of its own to the system that gets it: what was received or invoiced
stays fixed where it was. It says that the supplier has it already, so that nobody sends it again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.base import Alias, AliasKind
from canonical.document import OrderReference
from canonical.order_change import OrderChange, OrderChangeLine
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.values import Quantity
from gateway.echoes import ORIGIN
from gateway.journal.moves import Move, MoveLine
from gateway.journal.types import LedgerEntry, Side, Transmitter
from gateway.order_facts import order_facts
from gateway.order_lines import OrderState
from gateway.stage import RouteRule, Stage, pinned_by

"""Extension by which a document of the gateway's own making is told apart when it comes back: ``copy`` of
what the cloud owns, ``move``; so that nothing goes round in a loop."""


@dataclass(frozen=True, slots=True)
class Remainder:
    """What a move is made of. ``order`` goes to the new side, ``closing`` tells the old one."""

    order: PurchaseOrder
    closing: OrderChange
    lines: tuple[MoveLine, ...]


def remainder(state: OrderState, move: Move, last: Move | None = None) -> Remainder | str:
    """Give what is to be created and closed, or say why nobody but a person can.

    ``last``: the order's last move before this one. What was received or invoiced before it belongs to the
    side where the order was then, and is not closed again here.
    """
    order = state.order
    if order is None:
        return "the journal has no document that ordered it; give its lines with --file"
    if state.problems:
        return "; ".join(state.problems)
    by_name = {each.line: each for each in state.lines}
    kept = tuple(
        _reduced(line, by_name[name])
        for line in order.lines
        if (name := line.line_id or str(line.sequence)) in by_name and by_name[name].remainder
    )
    if not kept:
        return "nothing of it is left to be delivered: close it where it is"
    mark = {ORIGIN: {"by": "move", "from": move.was.value, "id": move.move_id}}
    changes = {
        "lines": kept,
        "purpose": "original",
        "already_placed": True,
        "totals": None,
        "provenance": None,
        "extensions": {**order.extensions, **mark},
    }
    return Remainder(order.model_copy(update=changes), _closing(order, state.lines, move, last), state.lines)


def _reduced(line: PurchaseOrderLine, state: MoveLine) -> PurchaseOrderLine:
    """Give a line with what is left of it. Schedules and amount speak of the whole line, so they go."""
    unit = line.quantity.unit if line.quantity is not None else None
    changes: dict[str, object] = {"quantity": Quantity(value=state.remainder, unit=unit)}
    if state.fixed:
        changes |= {"amount": None, "schedules": ()}
    return line.model_copy(update=changes)


def _closing(order: PurchaseOrder, lines: Sequence[MoveLine], move: Move, last: Move | None) -> OrderChange:
    before = {each.line: each for each in last.lines} if last is not None else {}
    changed = []
    for number, line in enumerate(lines, start=1):
        there, ordered_there = fixed_there(line, before.get(line.line))
        action = "quantity_decrease" if there else "delete"
        if there == ordered_there:
            action = "no_change"
        unit = line.unit or None
        changed.append(
            OrderChangeLine(
                sequence=number,
                line_id=line.line,
                action=action,  # type: ignore[arg-type]
                quantity=Quantity(value=there, unit=unit),
                previous_quantity=Quantity(value=ordered_there, unit=unit),
            )
        )
    return OrderChange(
        number=move.move_id,
        order=OrderReference(number=order.number, release=order.release),
        buyer=order.buyer,
        seller=order.seller,
        lines=tuple(changed),
        extensions={ORIGIN: {"by": "move", "from": move.was.value, "id": move.move_id}},
    )


def fixed_there(line: MoveLine, before: MoveLine | None) -> tuple[Decimal, Decimal]:
    """Give what is fixed on the side that an order leaves, and what was ordered there.

    ``before``: the line at the order's last move, by which it came there; None where it began there.
    """
    if before is None:
        return line.fixed, line.ordered
    fixed = max(line.received - before.received, line.invoiced - before.invoiced, Decimal(0))
    return fixed, max(line.ordered - before.fixed, Decimal(0))


def carried_aliases(entry: LedgerEntry, numbers: Sequence[str]) -> tuple[Alias, ...]:
    """Give the names that a moved order needs beside those that it has.

    ``numbers``: those that it had on the side that it leaves. Where the ERP sent it, the supplier knows it by
    the ERP's number, and goes on using it.
    """
    if entry.transmitter is not Transmitter.ERP:
        return ()
    return tuple(Alias(AliasKind.SUPPLIER_VISIBLE, number) for number in dict.fromkeys(numbers))


def cannot_take(rule: RouteRule, to: Side, writes: Collection[str] = ()) -> str | None:
    """Say why a side cannot take an order that the supplier has already, or None.

    ``writes``: endpoints that documents are written for.
    """
    target = rule.legacy_target if to is Side.LEGACY else rule.cloud_target
    sender = rule.legacy_transmitter if to is Side.LEGACY else rule.cloud_transmitter
    if target is None:
        return f"route {rule.route} declares no targets.{to.value}"
    sends_itself = sender is (Transmitter.LEGACY if to is Side.LEGACY else Transmitter.ERP)
    if sends_itself and to not in rule.suppresses:
        return (
            f"{target} sends on whatever it gets and cannot be told that the supplier has the order already: "
            f"it would be ordered twice. {_silenced(rule, target, to, writes)}"
        )
    if _is_unwritten(rule, to, target, writes):
        return f"{target} gets bytes as they came, and the gateway makes this document. {_write(target)}"
    return None


def _silenced(rule: RouteRule, target: str, to: Side, writes: Collection[str]) -> str:
    """Say what lets a side take an order without sending it to the supplier."""
    if to is Side.CLOUD:
        return (
            f"Say in endpoints.{target} how its own output is kept off: supplier_output: per_order, told "
            'with each order (Oracle, SAP); or supplier_output: "off", where it is set up so, with '
            "transmitter: {cloud: none} or {cloud: gateway} in the route; of a generic_rest "
            "body.transmitter, the field that says who sends it"
        )
    writing = f". {_write(target)}" if _is_unwritten(rule, to, target, writes) else ""
    return (
        f"Where {target} sends nothing to suppliers, say transmitter: {{legacy: none}} in route {rule.route}"
        "; where the gateway is to send later orders, transmitter: {legacy: gateway} with targets.supplier; "
        f"or deliver to a generic_rest, which is told{writing}"
    )


def _is_unwritten(rule: RouteRule, to: Side, target: str, writes: Collection[str]) -> bool:
    return to is Side.LEGACY and rule.legacy_form == "as_received" and target not in writes


def _write(target: str) -> str:
    return (
        f"Declare write: {{{target}: {{format: FORMAT, partner: NAME}}}}; for edi_x12 that partner has us, "
        "isa and control_numbers"
    )


def pinned(rule: RouteRule, stage: str, move: Move, order: PurchaseOrder) -> str:
    """Say which pin keeps an order on legacy while its route is not in the cloud as a whole; "" for none."""
    if move.to is not Side.CLOUD or stage in (Stage.CLOUD, Stage.RETIRED):
        return ""
    pin = pinned_by(rule, order_facts(move.order_key, order))
    if pin is None:
        return ""
    return f"{pin} is pinned to legacy (canary.pin_legacy): sign it off there, before the order moves"


def total(lines: Sequence[MoveLine], quantity: str) -> Decimal:
    """Add up what a quantity of some lines is worth: "ordered", "fixed" or "remainder"."""
    return sum((getattr(each, quantity) * (each.price or Decimal(0)) for each in lines), Decimal(0))
