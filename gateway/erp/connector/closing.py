"""Closing an order on the side that it left: which one, what must stand there, what a person is told. Pure.

The supplier keeps the order, so nothing here may reach a supplier. What a move counted as received or
invoiced is fixed; where the ERP shows more than that, the other side was given too much; where it shows less,
something of it was never posted there. Either is a person's affair before anything is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adapters.base import AliasKind, Delivery, Finding, Finished
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


@dataclass(frozen=True, slots=True)
class Miscount:
    """Where an ERP shows more than a move counted, and where less, in words; false where all agree."""

    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.more or self.less)

    def and_line(self, name: str, there: Decimal, counted: Decimal) -> Miscount:
        """Add a line, if its quantities differ. `there`: what is received or invoiced there."""
        told = (f"line {name}: {there} received or invoiced there, {counted} counted",)
        if there > counted:
            return Miscount(self.more + told, self.less)
        return Miscount(self.more, self.less + told) if there < counted else self


def miscounted(change: OrderChange, order: ErpOrder, there: OrderThere) -> Miscount:
    """Compare what an ERP shows as received or invoiced with what the move counted; lines by the ERP's id."""
    counted: dict[str, Decimal] = {}
    for line in change.lines:
        name = order.line_number(line) or line.line_id or str(line.sequence)
        counted[name.lstrip("0")] = line.quantity.value if line.quantity is not None else ZERO
    found = Miscount()
    for shown in there.lines:
        known = counted.pop(shown.line.lstrip("0"), ZERO)
        found = found.and_line(shown.line, max(shown.received or ZERO, shown.invoiced or ZERO), known)
    for name, known in counted.items():
        found = found.and_line(name, ZERO, known)
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
    place: Place, delivery: Delivery, number: str, told: Miscount, *, is_closed: bool = False
) -> StuckError:
    """Give the error for an order of which more, or less, was received or invoiced than the move counted."""
    which = " and ".join(word for word, lines in (("more", told.more), ("less", told.less)) if lines)
    state = "it is closed there; " if is_closed else "nothing was closed: "
    then = []
    if told.less:  # say, a receipt was resolved by hand and never posted there
        then.append("post there what is missing, then retry this")
    if told.more:
        then.append("take the difference off the order on the other side")
    if is_closed:
        then.append(
            f"{'else' if told.less else 'then'} resolve this with --done-elsewhere {number} --why TEXT"
        )
    text = (
        f"order {number} came to {which} than its move counted: {'; '.join((*told.more, *told.less))}; "
        f"{state}{', '.join(then)}"
    )
    found = [place.finding("MOVE-COUNTED-OTHERWISE", text)]
    return StuckError(*found if is_closed else (*found, by_hand(place, delivery, number)))


def require_counted(
    place: Place,
    delivery: Delivery,
    change: OrderChange,
    order: ErpOrder,
    there: OrderThere,
    *,
    is_closed: bool = False,
) -> None:
    """See that the ERP shows what the move counted. Errors: StuckError MOVE-COUNTED-OTHERWISE."""
    if told := miscounted(change, order, there):
        raise counted_otherwise(place, delivery, order.number, told, is_closed=is_closed)


def closed_as_counted(
    place: Place, delivery: Delivery, change: OrderChange, order: ErpOrder, there: OrderThere, why_open: str
) -> Finished:
    """End a close by what is read back. Errors: StuckError; ``why_open``: where it is still open."""
    if there.state != "closed":
        raise not_closed(place, delivery, order.number, why_open)
    # Goods may have come in, or gone back, while it was being closed.
    require_counted(place, delivery, change, order, there, is_closed=True)
    return Finished(order.number)
