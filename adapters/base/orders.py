"""Orders that a target has: reading one as it stands there, and closing it since another system owns it now.

Optional: a target that keeps no orders, or cannot be asked, declares nothing of this. One that declares
``closes_orders`` gets deliveries of role ``close``: their document is an order change that says for each line
what stays (received and invoiced there), and the last step reads the order back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, Protocol, cast

from adapters.base.findings import Finding, Position
from adapters.base.targets import Target
from adapters.base.transport import NoReply, Reply, Request


@dataclass(frozen=True, slots=True)
class OrderAt:
    """How a target is asked for an order: by the number that it has there, or by our reference."""

    order_key: str
    number: str
    reference: str = ""
    asked_at: datetime = field(default=datetime.min.replace(tzinfo=UTC), kw_only=True)  # by ``OrderReading``


@dataclass(frozen=True, slots=True)
class LineThere:
    """One line of an order as a target shows it; None is what it does not tell. In the line's own unit."""

    line: str
    quantity: Decimal
    unit: str = ""
    price: Decimal | None = None
    received: Decimal | None = None
    invoiced: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderThere:
    """An order as a target shows it. A closed one commits to nothing but what was received or invoiced."""

    number: str
    state: Literal["open", "closed"]
    lines: Sequence[LineThere] = field(default=())
    transmits: bool | None = None  # whether the target itself sends it to the supplier
    encumbers: bool | None = None  # whether it binds a budget there
    lines_named: Literal["sent", "there"] = "sent"  # by the ids of the order's sender, or by the target's own


def not_read(target: str, why: str, facts: Mapping[str, str] | None = None) -> Finding:
    """Say that an order cannot be read at a target."""
    text = f"the order cannot be read at {target}: {why}; see what it answers there, then try again"
    return Finding("ORDER-NOT-READ", Position(target), text, facts=dict(facts or {}))


class OrderKeeper(Protocol):
    """What a target may be beside a Target. Pure."""

    closes_orders: bool

    def read_order(self, order: OrderAt) -> Request | Finding | None:
        """Give the request that reads an order; None where this target cannot be asked.

        A finding says why the request cannot be written of what is known of this order.
        """
        ...

    def order_read(self, reply: Reply | NoReply) -> OrderThere | Finding | None:
        """Say what a reply shows; None where there is no such order, a finding where it cannot be told."""
        ...


def closes_orders(target: Target) -> bool:
    """Tell whether a target closes orders by itself; for any other a person does it there."""
    return bool(getattr(target, "closes_orders", False))


def keeper_of(target: Target) -> OrderKeeper | None:
    """Give a target as one that can be asked for orders, None where it cannot."""
    is_keeper = hasattr(target, "read_order") and hasattr(target, "order_read")
    return cast("OrderKeeper", target) if is_keeper else None
