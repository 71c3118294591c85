"""An order as Oracle's schedules show it: what is ordered, received and invoiced, and what is closed. Pure.

Source: Procurement REST guide, Purchase Order Schedules (`purchaseOrderSchedules`, a resource of its own that
can be asked by order number). A schedule that lacks one of the fields is never taken for one that has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.base import Effect, Finding, NoReply, Reply, Request
from adapters.base.orders import LineThere, OrderAt, OrderThere, not_read
from canonical.registry import DocumentError
from gateway.erp.connector.engine import reply_fields
from gateway.erp.connector.series import Call
from gateway.erp.json_paths import text_at
from gateway.erp.oracle_fusion.resources import Resources, items

SCHEDULES = "purchaseOrderSchedules"
PAGE_MAX = 500  # Oracle's largest
CLOSED = frozenset({"CLOSED", "FINALLY CLOSED", "CANCELED", "CANCELLED"})
ZERO = Decimal(0)


def schedules_of(resources: Resources, number: str) -> Call:
    """Ask for all schedules of an order."""
    return resources.query(SCHEDULES, {"OrderNumber": number}, limit=PAGE_MAX)


def reading(resources: Resources, order: OrderAt, timeout_s: float) -> Request:
    """Give the request that reads an order as it stands."""
    call = schedules_of(resources, order.number)
    return Request("read_order", Effect.READ, call.method, call.address, b"", call.headers, timeout_s)


def order_in(name: str, units: Mapping[str, str], reply: Reply | NoReply) -> OrderThere | Finding | None:
    """Say what a reply to it shows; None where it says that there is no such order."""
    if isinstance(reply, NoReply):
        return not_read(name, reply.reason)
    if reply.status != 200:
        return not_read(name, f"status {reply.status}")
    try:
        return order_of(name, units, reply_fields(reply.body))
    except DocumentError as error:
        return not_read(name, str(error))


def order_of(name: str, units: Mapping[str, str], fields: Any) -> OrderThere | Finding | None:
    """Read a collection of schedules as an order; None for an empty one. `units`: our units to Oracle's."""
    rows = items(fields)
    if rows is None:
        return not_read(name, "the answer is no collection; expected `items`")
    if fields.get("hasMore") is True:
        return not_read(name, f"it has more than {PAGE_MAX} schedules")
    if not rows:
        return None
    lines: dict[str, LineThere] = {}
    try:
        for row in rows:
            line = _line(row, units)
            lines[line.line] = _added(lines[line.line], line) if line.line in lines else line
    except (ValueError, InvalidOperation) as error:
        return not_read(name, str(error))
    number, is_closed = text_at(rows[0], "OrderNumber"), all(_is_closed(row) for row in rows)
    return OrderThere(number, "closed" if is_closed else "open", tuple(lines.values()), lines_named="there")


def _line(row: Mapping[str, Any], units: Mapping[str, str]) -> LineThere:
    line = text_at(row, "LineNumber")
    if not line:
        raise ValueError("a schedule has no LineNumber")
    received, invoiced = _number(row, "ReceivedQuantity"), _number(row, "InvoicedQuantity")
    # A closed schedule commits to nothing but what came; Oracle leaves its quantity as it was ordered.
    committed = max(received, invoiced) if _is_closed(row) else _number(row, "Quantity")
    return LineThere(line, committed, _unit(text_at(row, "UOM"), units), None, received, invoiced)


def _added(one: LineThere, other: LineThere) -> LineThere:
    """Give a line of several schedules."""
    return LineThere(
        one.line,
        one.quantity + other.quantity,
        one.unit if one.unit == other.unit else "",
        None,
        (one.received or ZERO) + (other.received or ZERO),
        (one.invoiced or ZERO) + (other.invoiced or ZERO),
    )


def _number(row: Mapping[str, Any], name: str) -> Decimal:
    if name not in row:
        raise ValueError(f"a schedule shows no {name}; `legacy-bridge erp check` compares the fields in use")
    text = text_at(row, name)
    return Decimal(text) if text else ZERO


def _is_closed(row: Mapping[str, Any]) -> bool:
    status = text_at(row, "ScheduleStatusCode")
    if not status:
        raise ValueError("a schedule shows no ScheduleStatusCode")
    return status.replace("_", " ") in CLOSED


def _unit(theirs: str, units: Mapping[str, str]) -> str:
    """Give our word for a unit of Oracle's; "" where it is none's, or several's."""
    ours: Sequence[str] = [name for name, code in units.items() if code == theirs]
    if not ours:
        return theirs
    return ours[0] if len(ours) == 1 else ""
