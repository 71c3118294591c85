"""Canonical orders as Oracle's JSON, and what requisitions and invoices write as they do. Pure.

Field names: the vendor's REST guides and their examples; which are required varies with a tenant's set-up.
Prices are per unit: Oracle knows no price basis, so a price per hundred is divided, exactly or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from canonical.lines import PlacedLine, Schedule
from canonical.purchase_order import PurchaseOrder
from canonical.values import DateValue, Distribution
from gateway.erp.connector.rendering import Rendering, product, without_nothing
from gateway.erp.oracle_fusion.charges import charge_lines, contract_of, untold
from gateway.erp.oracle_fusion.settings import OracleDefaults, OracleFusionSettings

DESCRIPTION_MAX = 240
ITEM_DESCRIPTION_MAX = 240
PRICE_SCALE = 10
NOTE_MAX = 1_000


def order_body(
    order: PurchaseOrder,
    supplier: str,
    rendering: Rendering,
    defaults: OracleDefaults,
    settings: OracleFusionSettings,
) -> dict[str, Any]:
    """Give a draft order without its reference."""
    head = without_nothing(
        {
            "ProcurementBU": rendering.required(defaults.procurement_bu, "procurement_bu", ""),
            "RequisitioningBU": defaults.requisitioning_bu or defaults.procurement_bu,
            "SoldToLegalEntity": defaults.sold_to_legal_entity,
            "Supplier": supplier,
            "SupplierSite": defaults.supplier_site,
            "BuyerEmail": defaults.buyer_email,
            "Currency": order.currency or defaults.currency,
            "DocumentStyle": defaults.document_style,
            "PaymentTerms": rendering.terms(order.payment_terms),
            "NoteToSupplier": _note(order, rendering),
        }
    )
    lines = [
        _order_line(at, line, order, rendering, defaults)
        | without_nothing({"SourceAgreement": contract_of(order, at, settings)})
        for at, line in enumerate(order.lines)
    ]
    if not lines:
        rendering.required(None, "a line", "lines")
    if settings.not_told == "park":
        for each in untold(order, settings):
            rendering.problem(each.code, each.text, each.path)
    return {**head, "lines": [*lines, *charge_lines(order, settings, defaults, rendering)]}


def _note(order: PurchaseOrder, rendering: Rendering) -> str:
    """Give what the supplier is to read: all notes but the hospital's own."""
    texts = (each.text.strip() for each in order.notes if each.kind not in ("internal", "clinical"))
    return rendering.bounded("\n".join(dict.fromkeys(texts)), NOTE_MAX, "notes")


def _order_line(
    at: int, line: PlacedLine, order: PurchaseOrder, rendering: Rendering, defaults: OracleDefaults
) -> dict[str, Any]:
    path = f"lines[{at}]"
    item = rendering.item(line)
    if item is None and not line.description:
        rendering.problem(
            "ERP-MISSING", "neither an item of the ERP's nor a description; one is needed", path
        )
    schedules = [
        _schedule(number, line, schedule, order, rendering, defaults, path)
        for number, schedule in enumerate(line.schedules or (None,), start=1)
    ]
    return without_nothing(
        {
            "LineNumber": line.sequence,
            "LineType": defaults.line_type,
            "Item": item,
            "Category": (line.category or defaults.category) if item is None else None,
            "Description": (line.description or "")[:ITEM_DESCRIPTION_MAX],
            "SupplierItem": rendering.supplier_item(line),
            "Quantity": rendering.quantity(line, path),
            "UOM": rendering.unit(line, path),
            "Price": rendering.unit_price(line, path, PRICE_SCALE),
            "schedules": schedules,
        }
    )


def _schedule(
    number: int,
    line: PlacedLine,
    schedule: Schedule | None,
    order: PurchaseOrder,
    rendering: Rendering,
    defaults: OracleDefaults,
    path: str,
) -> dict[str, Any]:
    quantity = line.quantity
    if schedule is not None and schedule.quantity is not None:
        quantity = schedule.quantity
    place = (schedule.ship_to if schedule is not None else None) or line.ship_to or order.ship_to
    requested = (schedule.requested if schedule is not None else None) or line.requested or order.requested
    amount = quantity.value if quantity is not None else None
    shares = distributions(line.distributions or order.distributions, amount, rendering)
    return without_nothing(
        {
            "ScheduleNumber": number,
            "Quantity": quantity.value if quantity is not None else None,
            "ShipToOrganizationCode": defaults.ship_to_organization,
            "ShipToLocation": rendering.location(place, line.facility or order.facility)
            or defaults.ship_to_location,
            "RequestedDeliveryDate": day_of(requested),
            "distributions": shares,
        }
    )


def distributions(
    distributions: Sequence[Distribution], quantity: Decimal | None, rendering: Rendering
) -> list[dict[str, Any]]:
    """Give who pays for how much: by quantity as it is, by percent of the schedule's quantity."""
    given: list[dict[str, Any]] = []
    for number, each in enumerate(distributions, start=1):
        share = each.quantity
        if share is None and each.percent is not None and quantity is not None:
            share = product(quantity, each.percent.scaleb(-2))
        if share is None and len(distributions) == 1:
            share = quantity
        fields = {"DistributionNumber": number, "Quantity": share, "POChargeAccount": rendering.account(each)}
        given.append(without_nothing(fields))
    return given


def day_of(value: DateValue | None) -> str | None:
    """Give a calendar date as Oracle writes it."""
    return value.date.isoformat() if value is not None else None
