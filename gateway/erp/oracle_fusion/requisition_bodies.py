"""Canonical requisitions as Oracle's JSON. Pure."""

from __future__ import annotations

from typing import Any

from canonical.lines import PlacedLine
from canonical.requisition import Requisition
from canonical.values import Distribution
from gateway.erp.connector.rendering import Rendering, without_nothing
from gateway.erp.oracle_fusion.order_bodies import ITEM_DESCRIPTION_MAX, PRICE_SCALE, day_of, distributions
from gateway.erp.oracle_fusion.settings import OracleDefaults


def requisition_body(
    requisition: Requisition, rendering: Rendering, defaults: OracleDefaults
) -> dict[str, Any]:
    """Give a requisition without its reference. Approval is bypassed: legacy has given it."""
    bu = rendering.required(defaults.requisitioning_bu or defaults.procurement_bu, "requisitioning_bu", "")
    return {
        "RequisitioningBU": bu,
        "PreparerEmail": rendering.required(defaults.preparer_email, "preparer_email", ""),
        "ExternallyManagedFlag": True,
        "lines": [
            _requisition_line(at, line, requisition, rendering, defaults)
            for at, line in enumerate(requisition.lines)
        ],
    }


def _requisition_line(
    at: int, line: PlacedLine, requisition: Requisition, rendering: Rendering, defaults: OracleDefaults
) -> dict[str, Any]:
    path = f"lines[{at}]"
    item = rendering.item(line)
    supplier = line.supplier or requisition.seller
    place = line.ship_to or requisition.deliver_to or requisition.ship_to
    quantity = rendering.quantity(line, path)
    return without_nothing(
        {
            "LineNumber": line.sequence,
            "LineTypeCode": defaults.line_type,
            "Item": item,
            "CategoryName": (line.category or defaults.category) if item is None else None,
            "ItemDescription": (line.description or "")[:ITEM_DESCRIPTION_MAX],
            "Quantity": quantity,
            "UOM": rendering.unit(line, path),
            "Price": rendering.unit_price(line, path, PRICE_SCALE),
            "CurrencyCode": requisition.currency or defaults.currency,
            "DestinationTypeCode": defaults.destination_type,
            "DestinationOrganizationCode": defaults.ship_to_organization,
            "DeliverToLocationCode": rendering.location(place, line.facility or requisition.facility)
            or defaults.ship_to_location,
            "RequesterEmail": defaults.requester_email or defaults.preparer_email,
            "RequestedDeliveryDate": day_of(line.requested or requisition.need_by),
            "Supplier": rendering.supplier(supplier, f"{path}.supplier") if supplier is not None else None,
            "SupplierSite": defaults.supplier_site if supplier is not None else None,
            "distributions": distributions(
                line.distributions or requisition.distributions or (Distribution(),), quantity, rendering
            ),
        }
    )
