"""The Oracle Fusion target: which series each document takes, and how Oracle's replies are read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from adapters.base import Alias, Delivery, Finding, Level, NoReply, Reply, Request
from adapters.base.orders import OrderAt, OrderThere
from canonical.purchase_order import PurchaseOrder
from gateway.erp.connector.closing import CLOSE
from gateway.erp.connector.errors import ErpError
from gateway.erp.connector.rendering import Rendering
from gateway.erp.connector.series import Hit, StuckError
from gateway.erp.connector.settings import for_route
from gateway.erp.connector.target import Connector, MakeSeries
from gateway.erp.json_paths import text_at
from gateway.erp.oracle_fusion.acknowledgments import acknowledgment
from gateway.erp.oracle_fusion.charges import untold
from gateway.erp.oracle_fusion.closing import closing
from gateway.erp.oracle_fusion.errors import oracle_errors
from gateway.erp.oracle_fusion.invoices import invoice
from gateway.erp.oracle_fusion.orders import cancellation, change, order, order_names
from gateway.erp.oracle_fusion.receipts import receipt
from gateway.erp.oracle_fusion.requisitions import budget_check, requisition
from gateway.erp.oracle_fusion.resources import Resources
from gateway.erp.oracle_fusion.schedules import order_in, reading
from gateway.erp.oracle_fusion.settings import OracleDefaults, OracleFusionSettings
from gateway.erp.oracle_fusion.suppliers import supplier

Body = Callable[[Rendering, OracleDefaults], dict[str, Any]]

_PATH = re.compile(
    r"/?(?:lines|invoiceLines)/(\d+)(?:/(?:schedules|distributions|lotItemLots)/\d+)?(?:/(\w+))?\Z"
)
_LINE_FIELDS = {
    "Quantity": "quantity",
    "UOM": "quantity.unit",
    "UnitOfMeasure": "quantity.unit",
    "Price": "price",
    "Item": "item_ids",
    "ItemNumber": "item_ids",
    "SupplierItem": "item_ids",
    "Description": "description",
    "RequestedDeliveryDate": "requested",
    "ShipToLocation": "ship_to",
    "POChargeAccount": "distributions",
    "LineAmount": "amount",
    "PurchaseOrderLineNumber": "line_id",
    "DocumentLineNumber": "line_id",
}
_FIELDS = {
    "Supplier": "seller",
    "VendorName": "seller",
    "SupplierSite": "seller",
    "Currency": "currency",
    "InvoiceCurrency": "currency",
    "InvoiceNumber": "number",
    "InvoiceAmount": "totals.gross",
    "InvoiceDate": "invoiced",
    "AccountingDate": "invoiced",
}


class OracleFusion(Connector):
    """The target. `name` is the endpoint's, for findings."""

    makes: ClassVar[Mapping[str, MakeSeries]] = {
        "purchase_order": order,
        "purchase_order.cancellation": cancellation,
        "order_change": change,
        "order_change.cancellation": cancellation,
        "acknowledgment": acknowledgment,
        "goods_receipt": receipt,
        "invoice": invoice,
        "requisition": requisition,
        "budget_check": budget_check,
        "supplier": supplier,
        CLOSE: closing,
    }
    # A refused funds check must not keep its draft from being removed; a draft that is gone was removed.
    reads_itself: ClassVar[Mapping[str, frozenset[int]]] = {
        "check_funds": frozenset({400, 409, 422}),
        "remove": frozenset({404, 410}),
    }

    imagined: ClassVar[Mapping[str, bytes]] = {
        "supplier": b'{"items": [{"Supplier": "as the ERP names it"}]}'
    }

    def __init__(self, name: str, settings: OracleFusionSettings) -> None:
        super().__init__(name, settings)
        self.settings = settings
        self.resources = Resources(settings.release)

    def errors(self, request: Request, reply: Reply) -> Sequence[ErpError]:
        """Read Oracle's error details."""
        return oracle_errors(reply)

    def number(self, request: Request, fields: Any) -> str:
        """Give the number that a create's reply shows."""
        names = (
            ("OrderNumber", "Requisition", "InvoiceId", "HeaderInterfaceId")
            if request.step == "create"
            else ()
        )
        return next((found for name in names if (found := text_at(fields, name))), "")

    def aliases(self, delivery: Delivery, step: str, fields: Any) -> tuple[Alias, ...]:
        """Give an order's names; what else is created names no order."""
        document, number = delivery.document, text_at(fields, "OrderNumber")
        is_order = isinstance(document, PurchaseOrder) and document.opens_order
        return order_names(number, fields, document) if is_order and number else ()

    def canonical_path(self, delivery: Delivery, request: Request | None, field: str) -> str | None:
        """Translate `/lines/0/schedules/0/Quantity` to `lines[0].quantity`."""
        line = _PATH.match(field)
        if line is None:
            return _FIELDS.get(field.strip("/"))
        name = _LINE_FIELDS.get(line[2] or "")
        return f"lines[{line[1]}].{name}" if name else f"lines[{line[1]}]"

    def read_order(self, order: OrderAt) -> Request | None:
        """Give the request that reads an order as it stands there."""
        return reading(self.resources, order, self.settings.timeout_s)

    def order_read(self, reply: Reply | NoReply) -> OrderThere | Finding | None:
        """Say what a reply to it shows; lines by Oracle's own numbers."""
        return order_in(self.name, self.settings.codes.units, reply)

    def rendered(self, delivery: Delivery, make: Body, kept_for: str = "") -> dict[str, Any]:
        """Give a body by the codes and the route's defaults; read-only. Errors: StuckError.

        `kept_for`: what it depends on beside the document; with it the body is made once per delivery.
        """
        known: dict[str, Any] | None = delivery.worked_out.get(kept_for) if kept_for else None
        if known is not None:
            return known
        defaults = for_route(self.settings.defaults, self.settings.per_route, delivery.route)
        rendering = Rendering(self.settings.codes, self.place)
        body = make(rendering, defaults)
        rendering.finish()
        if kept_for:
            delivery.worked_out[kept_for] = body
        return body

    def notes(self, delivery: Delivery) -> tuple[Finding, ...]:
        """Give what of an order Oracle got no word of."""
        document = delivery.document
        if not isinstance(document, PurchaseOrder):
            return ()
        found = (
            replace(self.place.finding(each.code, each.text, each.path), level=Level.NOTE)
            for each in untold(document, self.settings)
        )
        return tuple(self._traced(delivery, None, document, each) for each in found)

    def only(self, hits: Sequence[Hit] | str) -> Hit | None:
        """Give the one document found, None for none. Errors: StuckError for doubles and differences."""
        if isinstance(hits, str):
            raise self.place.stuck("ERP-LOOKUP-FILTER", hits)
        numbers = list(dict.fromkeys(each.number for each in hits))
        if len(numbers) > 1:
            text = f"the ERP holds {len(numbers)} orders with one reference: {', '.join(numbers)}"
            raise self.place.stuck("ERP-DOUBLE", f"{text}; cancel all but one there, then retry this")
        if hits and hits[0].differences:
            text = f"{hits[0].number} carries our reference, but differs at {', '.join(hits[0].differences)}"
            finding = self.place.finding("ERP-REF-MISMATCH", f"{text}; compare the two, then resolve this")
            raise StuckError(finding)
        return hits[0] if hits else None
