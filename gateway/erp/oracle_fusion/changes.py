"""An order change as a draft change order of Oracle's: only what is to be different. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canonical.order_change import OrderChange, OrderChangeLine
from gateway.erp.connector.aliases import ErpOrder
from gateway.erp.connector.rendering import Rendering, without_nothing
from gateway.erp.json_paths import text_at
from gateway.erp.oracle_fusion.settings import OracleDefaults

QUANTITIES = ("change", "replace", "quantity_increase", "quantity_decrease")
PRICES = ("change", "replace", "price_change")
DATES = ("change", "replace", "reschedule", "change_of_dates")


def change_body(
    change: OrderChange,
    order: ErpOrder,
    lines: Sequence[Mapping[str, Any]],
    rendering: Rendering,
    defaults: OracleDefaults,
) -> dict[str, Any]:
    """Give the change order without its reference; `lines` are the order's as the ERP holds them."""
    numbers = [int(text_at(each, "LineNumber")) for each in lines if text_at(each, "LineNumber").isdecimal()]
    next_number = max(numbers, default=0) + 1
    given: list[dict[str, Any]] = []
    for at, line in enumerate(change.lines):
        if line.action == "no_change":
            continue
        if line.action == "add":
            given.append(_added(line, next_number, f"lines[{at}]", rendering, defaults))
            next_number += 1
        else:
            given.append(_changed(line, order, f"lines[{at}]", rendering))
    if not given:
        rendering.problem("ERP-MISSING", "the change names no line to change; enter it by hand", "lines")
    return {"OrderNumber": order.number, "lines": given}


def _changed(line: OrderChangeLine, order: ErpOrder, path: str, rendering: Rendering) -> dict[str, Any]:
    number = order.line_number(line)
    if number is None:
        text = f"order {order.number} has no line '{line.line_id or ''}' in the ERP"
        rendering.problem("ERP-LINE-UNKNOWN", text, f"{path}.line_id")
    head: dict[str, Any] = {"LineNumber": int(number) if number and number.isdecimal() else None}
    if line.action == "delete":
        return without_nothing({**head, "CancelFlag": True})
    if line.action == "other":
        rendering.problem("ERP-CHANGE", "what is to change is not plain; enter it by hand", f"{path}.action")
    quantity = line.quantity.value if line.quantity is not None and line.action in QUANTITIES else None
    requested = (
        line.requested.date.isoformat() if line.requested is not None and line.action in DATES else None
    )
    schedule = without_nothing({"Quantity": quantity, "RequestedDeliveryDate": requested})
    return without_nothing(
        {
            **head,
            "Quantity": quantity,
            "Price": rendering.unit_price(line, path) if line.action in PRICES else None,
            "schedules": [{"ScheduleNumber": 1, **schedule}] if schedule else None,
        }
    )


def _added(
    line: OrderChangeLine, number: int, path: str, rendering: Rendering, defaults: OracleDefaults
) -> dict[str, Any]:
    quantity, requested = rendering.quantity(line, path), line.requested
    schedule = {
        "ScheduleNumber": 1,
        "Quantity": quantity,
        "ShipToOrganizationCode": defaults.ship_to_organization,
        "ShipToLocation": rendering.location(line.ship_to, line.facility) or defaults.ship_to_location,
        "RequestedDeliveryDate": requested.date.isoformat() if requested is not None else None,
    }
    return without_nothing(
        {
            "LineNumber": number,
            "LineType": defaults.line_type,
            "Item": rendering.item(line),
            "Description": (line.description or "")[:240],
            "Quantity": quantity,
            "UOM": rendering.unit(line, path),
            "Price": rendering.unit_price(line, path),
            "schedules": [without_nothing(schedule)],
        }
    )
