"""What an order says beside its lines: charges, allowances and contracts, as Oracle can hold them. Pure.

Oracle's orders have no charges of their own: a charge is a line by amount, of the type and category that
`charge_lines` names for its kind. A contract is the source agreement of each line, by the number that
`agreements` names. What has no place is told, never left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from canonical.purchase_order import PurchaseOrder
from canonical.values import AllowanceCharge
from gateway.echoes import ORIGIN
from gateway.erp.connector.rendering import Rendering, without_nothing
from gateway.erp.oracle_fusion.settings import ChargeLine, OracleDefaults, OracleFusionSettings

CHARGE_CODE, CONTRACT_CODE = "ERP-CHARGE-NOT-TOLD", "ERP-CONTRACT-NOT-TOLD"


@dataclass(frozen=True, slots=True)
class Untold:
    """Something of an order that Oracle gets no word of."""

    code: str
    text: str
    path: str


def charge_lines(
    order: PurchaseOrder, settings: OracleFusionSettings, defaults: OracleDefaults, rendering: Rendering
) -> list[dict[str, Any]]:
    """Give the charges that have a place as lines behind the order's own."""
    number = max((line.sequence for line in order.lines), default=0)
    found = []
    for _, charge in _charges(order):
        kept = _place_of(order, charge, settings)
        if kept is not None:
            number += 1
            found.append(_charge_line(number, charge, kept, order, defaults, rendering))
    return found


def contract_of(order: PurchaseOrder, at: int, settings: OracleFusionSettings) -> str | None:
    """Give the agreement that a line is bought under, None where none is named for its contract."""
    contract = order.lines[at].contract or order.contract
    return settings.agreements.get(contract) if contract is not None else None


def untold(order: PurchaseOrder, settings: OracleFusionSettings) -> list[Untold]:
    """Give what of an order has no place in Oracle."""
    found = [
        Untold(CHARGE_CODE, _why_not(order, charge), path)
        for path, charge in _charges(order)
        if _place_of(order, charge, settings) is None
    ]
    named = [("contract", order.contract)]
    named += [(f"lines[{at}].contract", line.contract) for at, line in enumerate(order.lines)]
    for path, contract in named:
        if contract is not None and contract not in settings.agreements:
            text = f"contract {contract} is not told to the ERP: name its agreement there in agreements"
            found.append(Untold(CONTRACT_CODE, text, path))
    return found


def _charges(order: PurchaseOrder) -> Iterator[tuple[str, AllowanceCharge]]:
    kinds = ("charge", "allowance")
    for at, each in enumerate(order.allowances_charges):
        if each.indicator in kinds:
            yield f"allowances_charges[{at}]", each
    for number, line in enumerate(order.lines):
        for at, each in enumerate(line.allowances_charges):
            if each.indicator in kinds:
                yield f"lines[{number}].allowances_charges[{at}]", each


def _place_of(
    order: PurchaseOrder, charge: AllowanceCharge, settings: OracleFusionSettings
) -> ChargeLine | None:
    has_place = charge.indicator == "charge" and bool(charge.amount) and ORIGIN not in order.extensions
    return settings.charge_lines.get(charge.kind) if has_place else None


def _why_not(order: PurchaseOrder, charge: AllowanceCharge) -> str:
    what = f"{'an' if charge.indicator == 'allowance' else 'a'} {charge.indicator} ({charge.kind})"
    if ORIGIN in order.extensions:
        return f"{what} is not told to the ERP: it stays where the order was before it moved"
    if charge.indicator == "allowance":
        return f"{what} is not told to the ERP: its orders hold no money off; see that prices are net of it"
    if not charge.amount:
        return f"{what} is not told to the ERP: it has no amount"
    return f"{what} is not told to the ERP: name its line in charge_lines.{charge.kind}"


def _charge_line(
    number: int,
    charge: AllowanceCharge,
    kept: ChargeLine,
    order: PurchaseOrder,
    defaults: OracleDefaults,
    rendering: Rendering,
) -> dict[str, Any]:
    location = rendering.location(order.ship_to, order.facility) or defaults.ship_to_location
    requested = order.requested
    schedule = {
        "ScheduleNumber": 1,
        "Amount": charge.amount,
        "ShipToOrganizationCode": defaults.ship_to_organization,
        "ShipToLocation": location,
        "RequestedDeliveryDate": requested.date.isoformat() if requested is not None else None,
    }
    return without_nothing(
        {
            "LineNumber": number,
            "LineType": kept.line_type,
            "Category": kept.category,
            "Description": (charge.description or charge.kind.replace("_", " ").capitalize())[:240],
            "Amount": charge.amount,
            "schedules": [without_nothing(schedule)],
        }
    )
