"""Closing an order on the side that it left: which one, what must stand there, what a person is told. Pure.

The supplier keeps the order, so nothing here may reach a supplier. What a move counted as received or
invoiced is fixed; where the ERP shows more than that, the other side was given too much, and a person must
look before anything is closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from adapters.base import AliasKind, Delivery, Finding
from adapters.base.orders import OrderThere
from canonical.order_change import OrderChange, closing_of
from canonical.purchase_order import PurchaseOrder
from gateway.erp.connector.aliases import ErpOrder, erp_order
from gateway.erp.connector.series import Place, StuckError

CLOSE = "close"  # the kind, and the step's name, of a delivery whose role it is

ZERO = Decimal(0)


def closing_change(delivery: Delivery) -> OrderChange:
    """Give what a closing delivery says: what stays of each line. Errors: ValueError for no such document."""
    match delivery.document:
        case OrderChange() as change:
            return change
        case PurchaseOrder() as order:  # losing_side: close
            return closing_of(order)
    raise ValueError(f"a delivery of role close holds no order change, but {delivery.document_type}")


def order_to_close(delivery: Delivery, change: OrderChange, place: Place) -> ErpOrder:
    """Give the ERP's order that is to be closed. Errors: StuckError ERP-ORDER-*.

    An order older than the gateway has no names but those that it was imported with.
    """
    if change.order.erp_number:
        return ErpOrder(change.order.erp_number, delivery.aliases)
    if change.order.number and not any(each.kind is AliasKind.ERP for each in delivery.aliases):
        return ErpOrder(change.order.number, ())
    return erp_order(delivery, change.order, place)


def more_than_counted(change: OrderChange, order: ErpOrder, there: OrderThere) -> list[str]:
    """Say at which lines the ERP shows more received or invoiced than the move counted; lines by ERP's id."""
    counted: dict[str, Decimal] = {}
    for line in change.lines:
        name = order.line_number(line) or (line.line_id or str(line.sequence)).lstrip("0")
        counted[name] = line.quantity.value if line.quantity is not None else ZERO
    found = []
    for shown in there.lines:
        fixed = max(shown.received or ZERO, shown.invoiced or ZERO)
        known = counted.get(shown.line, counted.get(shown.line.lstrip("0"), ZERO))
        if fixed > known:
            found.append(f"line {shown.line}: {fixed} received or invoiced there, {known} counted")
    return found


def by_hand(place: Place, delivery: Delivery, number: str) -> Finding:
    """Give what a person is to do where the ERP closes an order by no request of ours."""
    text = (
        f"order {number} is on the other side now: close what is left of it in the ERP by hand, without "
        "telling the supplier, look at it again, then say so: legacy-bridge exceptions resolve "
        f"{delivery.delivery_id} --done-elsewhere {number} --why TEXT"
    )
    return place.finding("MOVE-CLOSE-BY-HAND", text)


def not_closed(place: Place, delivery: Delivery, number: str, why: str) -> StuckError:
    """Give the error for an order that was not closed, or not seen to be: why, and what to do."""
    return StuckError(
        place.finding("MOVE-NOT-CLOSED", f"order {number} was not closed: {why}"),
        by_hand(place, delivery, number),
    )


def counted_otherwise(
    place: Place, delivery: Delivery, number: str, told: Iterable[str], *, is_closed: bool = False
) -> StuckError:
    """Give the error for an order of which more was received or invoiced than the move counted."""
    then = (
        "it is closed there; take the difference off the order on the other side, then resolve this with "
        f"--done-elsewhere {number} --why TEXT"
        if is_closed
        else "nothing was closed: take the difference off the order on the other side"
    )
    text = f"order {number} came to more than its move counted: {'; '.join(told)}; {then}"
    found = [place.finding("MOVE-COUNTED-OTHERWISE", text)]
    return StuckError(*found if is_closed else (*found, by_hand(place, delivery, number)))
