"""Closing an order that the other side has now: what stays of each line, and what a person is told. Pure.

What was received or invoiced stays where it was, the rest is the other side's already. So a close that does
not come about is never left to itself: it is parked as `MOVE-CLOSE-BY-HAND`, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from adapters.base import Delivery, Finding
from canonical.order_change import OrderChange, closing_of
from canonical.purchase_order import PurchaseOrder
from gateway.erp.connector.series import Place

CLOSE = "close"
"""The role of a delivery that closes an order, and the name of its series in `Connector.makes`."""


def closing_change(delivery: Delivery) -> OrderChange:
    """Give what stays of each line; an order that was placed elsewhere as a whole leaves nothing here."""
    document = delivery.document
    if isinstance(document, PurchaseOrder):  # losing_side: close
        return closing_of(document)
    assert isinstance(document, OrderChange)  # noqa: S101 - a close carries one of the two
    return document


def kept(parts: Sequence[tuple[Decimal, Decimal]], stays: Decimal) -> list[Decimal]:
    """Give what each part of a line (a schedule, or the line itself) keeps of `stays`.

    `parts`: ordered and received of each. What was received stays where it was received; what was invoiced
    before it came stays with the first parts that have room.
    """
    left = max(stays - sum((received for _, received in parts), Decimal(0)), Decimal(0))
    keeps: list[Decimal] = []
    for ordered, received in parts:
        more = min(left, max(ordered - received, Decimal(0)))
        left -= more
        keeps.append(received + more)
    return keeps


def by_hand(place: Place, delivery: Delivery, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Put before the findings of a close that failed what a person does now; others stay as they are."""
    if delivery.role != CLOSE:
        return tuple(findings)
    order = (delivery.order_key or delivery.reference).rpartition("|")[2]
    text = (
        f"order {order} is on the other side now, and what is left of it is not closed here: "
        f"{findings[0].text if findings else 'no reason was given'}. Mend that and retry this; or close it "
        "there, look at it again, then say so: legacy-bridge exceptions resolve "
        f"{delivery.delivery_id} --done-elsewhere REFERENCE"
    )
    return (place.finding("MOVE-CLOSE-BY-HAND", text), *findings)
