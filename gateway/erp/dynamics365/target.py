"""The connector to Dynamics 365 Finance: which series a document takes, what the ERP's answers mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from adapters.base import (
    Alias,
    Delivery,
    Effect,
    Finding,
    Finished,
    Level,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    Transient,
    TransientKind,
)
from adapters.base.orders import OrderAt, OrderThere
from canonical.purchase_order import PurchaseOrder
from canonical.supplier import Supplier
from gateway.erp.connector.closing import CLOSE
from gateway.erp.connector.engine import LOOK_UP_SUFFIX
from gateway.erp.connector.errors import ErpError
from gateway.erp.connector.series import Series
from gateway.erp.connector.target import Connector, MakeSeries, base_step
from gateway.erp.dynamics365.changes import cancel_order, change_order
from gateway.erp.dynamics365.closing import close_order
from gateway.erp.dynamics365.cuts import CHANGED_MEANWHILE
from gateway.erp.dynamics365.infolog import is_rolled_back, read_errors, throttle_reason
from gateway.erp.dynamics365.invoices import create_invoice
from gateway.erp.dynamics365.order_reading import order_request, order_shown
from gateway.erp.dynamics365.order_rendering import rendered_once
from gateway.erp.dynamics365.orders import aliases_of, check_vendor, create_order
from gateway.erp.dynamics365.receipts import receive
from gateway.erp.dynamics365.requisitions import create_requisition
from gateway.erp.dynamics365.responses import take_answer
from gateway.erp.dynamics365.settings import Dynamics365Settings
from gateway.erp.replies import retry_after_s

_STEP = re.compile(r"(?:line|invoice_line|add|change|response_line|journal_line|requisition_line):(\d+)")
_COUNTED_FROM_ONE = ("invoice_line:", "journal_line:", "response_line:", "requisition_line:")
_NUMBERS = {
    "invoice": "InvoiceNumber",
    "invoice_line": "HeaderReference",
    "journal": "JournalNumber",
    "post": "RecordId",
    "requisition": "RequisitionNumber",
    "requisition_line": "RequisitionNumber",
}
_LINE_FIELDS = {
    "ItemNumber": "item_ids",
    "ExternalItemNumber": "item_ids",
    "Barcode": "item_ids",
    "ProcurementProductCategoryName": "category",
    "LineDescription": "description",
    "OrderedPurchaseQuantity": "quantity",
    "ReceiveNow": "quantity",
    "PurchaseUnitSymbol": "quantity.unit",
    "Unit": "quantity.unit",
    "PurchasePrice": "price",
    "UnitPrice": "price",
    "PurchasePriceQuantity": "price.base_quantity",
    "RequestedDeliveryDate": "requested",
    "RequestedPurchaseQuantity": "quantity",
    "RequestedDate": "requested",
    "VendorAccountNumber": "supplier",
    "ReceivingSiteId": "facility",
    "ReceivingWarehouseId": "inventory_location",
}
_HEADER_FIELDS = {
    "PurchaseOrderNumber": "number",
    "OrderVendorAccountNumber": "seller",
    "InvoiceAccount": "seller",
    "CurrencyCode": "currency",
    "Currency": "currency",
    "InvoiceNumber": "number",
    "InvoiceDate": "invoiced",
    "RequestedDeliveryDate": "requested",
    "RequisitionNumber": "number",
    "DefaultRequestedDate": "need_by",
    "DeliveryAddressLocationId": "ship_to",
    "PaymentTermsName": "payment_terms",
}


def look_up_supplier(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Look a supplier up: the ERP owns its vendors; one that is missing or on hold is a person's to enter."""
    supplier = delivery.document
    assert isinstance(supplier, Supplier)  # noqa: S101 - the kind said so
    words = connector.settings.codes.suppliers
    account = words.get(supplier.number, supplier.number)
    company = connector.settings.of_route(delivery.route).company
    yield from check_vendor(connector, company, account, "number")
    return Finished(account)


def no_budget_check(connector: Dynamics365, delivery: Delivery, now: datetime) -> Series:
    """Say that there is none: Dynamics has budget reservations, and no question that changes nothing."""
    yield from ()
    return Finished("NOT_SUPPORTED")


class Dynamics365(Connector):
    """The target. `name` is the endpoint's, for findings."""

    makes: ClassVar[Mapping[str, MakeSeries]] = {
        "purchase_order": create_order,
        "purchase_order.cancellation": cancel_order,
        "order_change": change_order,
        "order_change.cancellation": change_order,
        "acknowledgment": take_answer,
        "invoice": create_invoice,
        "goods_receipt": receive,
        "supplier": look_up_supplier,
        "requisition": create_requisition,
        "budget_check": no_budget_check,
        CLOSE: close_order,
    }
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "create": ("PurchaseOrderNumber",),
        "line": ("LineNumber",),
        "invoice": ("HeaderReference",),
        "invoice_line": ("InvoiceLineNumber",),
        "journal": ("JournalNumber",),
        "requisition": ("RequisitionNumber",),
        "requisition_line": ("RequisitionLineNumber",),
    }
    # What is gone already is what a removal wants; a change that came too late is read again by its series.
    reads_itself: ClassVar[Mapping[str, frozenset[int]]] = {
        "cancel": frozenset({404}),
        "cut": CHANGED_MEANWHILE,
        "change": frozenset({412}),
    }
    imagined: ClassVar[Mapping[str, bytes]] = {"vendor": b'{"value": [{"OnHoldStatus": "No"}]}'}
    repeatable = Effect.REPEATABLE

    def __init__(self, name: str, settings: Dynamics365Settings) -> None:
        super().__init__(name, settings)
        self.settings = settings

    def read_order(self, order: OrderAt) -> Request:
        """Give the request that reads an order as it stands."""
        return order_request(self.settings, order)

    def order_read(self, reply: Reply | NoReply) -> OrderThere | Finding | None:
        """Say what a reply shows of an order."""
        return order_shown(self.place, self.settings.codes.units, reply)

    def errors(self, request: Request, reply: Reply) -> Sequence[ErpError]:
        """Read the Infolog."""
        return read_errors(reply)

    def is_sure(self, reply: Reply) -> bool:
        """Tell whether a 500 is a write that was rolled back."""
        return reply.status == 500 and is_rolled_back(reply)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means; a 429 also which of the four limits was met."""
        if isinstance(reply, Reply) and reply.status == 429:
            return Transient(throttle_reason(reply), TransientKind.THROTTLE, retry_after_s(reply))
        return super().interpret(request, reply)

    def trace(
        self, delivery: Delivery, request: Request, reply: Reply | NoReply, outcome: Outcome
    ) -> Outcome:
        """Complete an outcome; a line that is refused leaves a part of an order there, and that is said."""
        traced = super().trace(delivery, request, reply, outcome)
        step = _STEP.match(request.step)
        if not isinstance(traced, Rejected) or step is None or not request.step.startswith("line:"):
            return traced
        number = delivery.document.number if isinstance(delivery.document, PurchaseOrder) else ""
        text = (
            f"order {number} stands in the ERP with {int(step[1]) - 1} of its lines: do not confirm it; "
            "mend the cause and retry, which adds what is missing, or delete it there and resolve this"
        )
        note = Finding("ERP-ORDER-PARTIAL", Position(self.name), text, Level.NOTE)
        return Rejected((*traced.findings, note))

    def number(self, request: Request, fields: Any) -> str:
        """Give the order's or the journal's number."""
        name = _NUMBERS.get(base_step(request.step).removesuffix(LOOK_UP_SUFFIX), "PurchaseOrderNumber")
        return str(fields.get(name) or "") if isinstance(fields, dict) else ""

    def aliases(self, delivery: Delivery, step: str, fields: Any) -> tuple[Alias, ...]:
        """Give the order's number once its header stands, and its lines with it: their numbers are ours."""
        order = delivery.document
        if step != "create" or not isinstance(order, PurchaseOrder):
            return ()
        number = self.number(Request(step, Effect.WRITE, "POST", ""), fields)
        if not number:
            return ()
        return aliases_of(number, rendered_once(self, delivery, order), order)

    def canonical_path(self, delivery: Delivery, request: Request | None, field: str) -> str | None:
        """Translate a field of what was sent to the canonical one of its line."""
        step = _STEP.match(request.step) if request is not None else None
        if step is None:
            return _HEADER_FIELDS.get(field)
        place = self._place_of(delivery, request.step if request is not None else "", int(step[1]))
        name = _LINE_FIELDS.get(field)
        return f"lines[{place}].{name}" if name is not None else f"lines[{place}]"

    def _place_of(self, delivery: Delivery, step: str, number: int) -> int:
        """Give the place of a line in the document: steps of an order count schedules, others places."""
        order = delivery.document
        if step.startswith(_COUNTED_FROM_ONE):
            return number - 1
        if not step.startswith("line:") or not isinstance(order, PurchaseOrder):
            return number
        counts = [max(len(line.schedules), 1) for line in order.lines]
        for place, count in enumerate(counts):
            if number <= count:
                return place
            number -= count
        return max(len(counts) - 1, 0)
