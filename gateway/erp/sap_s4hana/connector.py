"""The SAP S/4HANA target: which series each document takes, and how SAP's replies are read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from adapters.base import (
    Accepted,
    Alias,
    DecodeError,
    Delivery,
    Finding,
    Level,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
)
from adapters.base.orders import OrderAt, OrderThere
from adapters.xml import XmlBounds, parse_xml
from canonical.purchase_order import PurchaseOrder
from canonical.requisition import Requisition
from gateway.erp.connector.closing import CLOSE
from gateway.erp.connector.errors import ErpError, plain
from gateway.erp.connector.rendering import Rendering
from gateway.erp.connector.series import Answer
from gateway.erp.connector.settings import for_route
from gateway.erp.connector.target import Connector, MakeSeries, base_step
from gateway.erp.odata.bodies import Entity, ODataBodyError
from gateway.erp.odata.literals import Version
from gateway.erp.odata.messages import Message, Severity
from gateway.erp.odata.v2 import header_messages
from gateway.erp.odata.v4 import messages_of
from gateway.erp.replies import classify, unknown
from gateway.erp.sap_s4hana.closing import closing
from gateway.erp.sap_s4hana.confirmations import acknowledgment
from gateway.erp.sap_s4hana.errors import sap_errors
from gateway.erp.sap_s4hana.invoices import invoice
from gateway.erp.sap_s4hana.movements import receipt
from gateway.erp.sap_s4hana.orders import cancellation, change, order, order_names
from gateway.erp.sap_s4hana.orders_there import order_in, reading
from gateway.erp.sap_s4hana.requisition_changes import requisition_change
from gateway.erp.sap_s4hana.requisitions import budget_check, requisition, requisition_names
from gateway.erp.sap_s4hana.services import Services, changed, v2_entity
from gateway.erp.sap_s4hana.settings import SapDefaults, SapSettings
from gateway.erp.sap_s4hana.suppliers import supplier
from gateway.erp.sap_s4hana.tracing import canonical_path

Body = TypeVar("Body")

BATCHED = frozenset({"change", "prepare", "change_requisition", CLOSE})
RENDERED = "sap_s4hana body"
NAMED = "sap_s4hana names"
CHANGED_MEANWHILE = frozenset({412, 428})
_FAULT_BOUNDS = XmlBounds(size_bytes_max=256 * 1024, elements_max=10_000)
_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"


class SapS4Hana(Connector):
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
        "requisition.change": requisition_change,
        "requisition.replace": requisition_change,
        "requisition.cancellation": requisition_change,
        "budget_check": budget_check,
        "supplier": supplier,
        CLOSE: closing,
    }
    reads_itself: ClassVar[Mapping[str, frozenset[int]]] = {"supplier": frozenset({404})}
    imagined: ClassVar[Mapping[str, bytes]] = {
        "supplier": b'{"d": {"Supplier": "as asked"}}',
        "validate": b'{"d": {"PurchaseRequisition": ""}}',
    }
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "create": ("PurchaseOrder",),
        "order": ("PurchaseOrder",),
        "read_back": ("PurchaseOrder",),
        "invoiced": ("d",),
        "create_requisition": ("d",),
        "requisition": ("d",),
        "post_invoice": ("d",),
        "post_movement": ("d",),
        "supplier": ("d",),
    }

    def __init__(self, name: str, settings: SapSettings) -> None:
        super().__init__(name, settings)
        self.settings = settings
        self.services = Services(settings)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means; batches and SOAP have replies of their own."""
        step = base_step(request.step)
        if isinstance(reply, Reply) and step in BATCHED and reply.status < 300:
            return self._batched(request, reply)
        if isinstance(reply, Reply) and step == "confirm":
            return self._confirmed(request, reply)
        return super().interpret(request, reply)

    def errors(self, request: Request, reply: Reply) -> Sequence[ErpError]:
        """Read SAP's error details."""
        return sap_errors(reply.body)

    def canonical_path(self, delivery: Delivery, request: Request | None, field: str) -> str | None:
        """Translate `_PurchaseOrderItem(2)/Plant` to `lines[1].ship_to`."""
        return canonical_path(delivery, field)

    def number(self, request: Request, fields: Any) -> str:
        """Give the number that a create's reply shows."""
        if request.step == "create":
            return str(fields.get("PurchaseOrder") or "") if isinstance(fields, Mapping) else ""
        names = {
            "create_requisition": "PurchaseRequisition",
            "post_invoice": "SupplierInvoice",
            "post_movement": "MaterialDocument",
        }
        return str(v2_entity(fields).get(names.get(request.step, "")) or "")

    def aliases(self, delivery: Delivery, step: str, fields: Any) -> tuple[Alias, ...]:
        """Give an order's names, or a requisition's; what else is created names no order."""
        document = delivery.document
        if step == "create_requisition" and isinstance(document, Requisition):
            return requisition_names(str(v2_entity(fields).get("PurchaseRequisition") or ""), document)
        if step != "create" or not isinstance(document, PurchaseOrder) or not isinstance(fields, Mapping):
            return ()
        return self.names(delivery, document, fields)

    def read_order(self, order: OrderAt) -> Request | None:
        """Give the request that reads an order as it stands there."""
        return reading(self.services, order, self.settings.timeout_s)

    def order_read(self, reply: Reply | NoReply) -> OrderThere | Finding | None:
        """Say what a reply to it shows; lines by SAP's own item numbers."""
        return order_in(self.name, self.settings.codes.units, reply)

    # -- for the series ----------------------------------------------------------------------------

    def defaults(self, delivery: Delivery) -> SapDefaults:
        """Give the defaults that hold for a delivery's route."""
        return for_route(self.settings.defaults, self.settings.per_route, delivery.route)

    def rendered(self, delivery: Delivery, make: Callable[[Rendering, SapDefaults], Body]) -> Body:
        """Give what `make` renders by the codes and the route's defaults. Errors: StuckError."""
        rendering = Rendering(self.settings.codes, self.place)
        body = make(rendering, self.defaults(delivery))
        rendering.finish()
        return body

    def rendered_once(
        self, delivery: Delivery, make: Callable[[Rendering, SapDefaults], dict[str, Any]]
    ) -> dict[str, Any]:
        """Give what `make` renders, kept with the delivery: a series is run anew for each of its steps.

        Read-only; what `make` adds must follow from the delivery alone.
        """
        known: dict[str, Any] | None = delivery.worked_out.get(RENDERED)
        if known is None:
            known = self.rendered(delivery, make)
            delivery.worked_out[RENDERED] = known
        return known

    def names(
        self, delivery: Delivery, document: PurchaseOrder, order: Mapping[str, Any]
    ) -> tuple[Alias, ...]:
        """Give all names of an order that SAP shows, worked out once for a delivery."""
        number = str(order.get("PurchaseOrder") or "")
        known: tuple[Alias, ...] | None = delivery.worked_out.get(f"{NAMED} {number}")
        if known is None:
            known = order_names(number, order, document) if number else ()
            delivery.worked_out[f"{NAMED} {number}"] = known
        return known

    def notes(self, delivery: Delivery, answer: Answer, version: Version) -> tuple[Finding, ...]:
        """Give what SAP only remarked on while it took a document: warnings beside a success."""
        if version is Version.V2:
            messages = header_messages(answer.reply.header("sap-message"))
        else:
            messages = messages_of(Entity(answer.fields)) if isinstance(answer.fields, dict) else ()
        warnings = [each for each in messages if each.severity is Severity.WARNING]
        return tuple(self._noted(delivery, each) for each in warnings)

    def _noted(self, delivery: Delivery, message: Message) -> Finding:
        code, field = plain(message.code), plain(message.target)
        facts = {name: text for name, text in (("erp_code", code), ("field", field)) if text}
        text = f"SAP took it, and remarks: {plain(message.text)}"
        finding = Finding("ERP-WARNING", Position(self.name, path=field), text, Level.NOTE, facts=facts)
        return self._traced(delivery, None, delivery.document, finding)

    # -- replies of their own ----------------------------------------------------------------------

    def _batched(self, request: Request, reply: Reply) -> Outcome:
        """Judge a changeset by the one reply that stands for it where it failed; then nothing was done."""
        page = classify(request, reply, self._rules)
        if page is not None:
            return page
        try:
            refused = changed(reply)
        except ODataBodyError as error:
            return unknown(request.effect, f"status {reply.status}, but the batch cannot be read: {error}")
        if refused is None or refused.status in CHANGED_MEANWHILE:
            return Accepted()  # the series reads the order anew where it was changed meanwhile
        return super().interpret(request, Reply(refused.status, refused.body, refused.headers))

    def _confirmed(self, request: Request, reply: Reply) -> Outcome:
        """Judge a one-way message: 202 has no body; a fault that blames the message is final."""
        text = _client_fault(reply)
        if text is not None:
            finding = Finding(
                "ERP-CONFIRMATION", Position(self.name), f"SAP refuses the confirmation: {text}"
            )
            return Rejected((finding,))
        return classify(request, reply, self._rules) or Accepted()


def _client_fault(reply: Reply) -> str | None:
    """Give the text of a SOAP fault that blames the message, None for any other reply."""
    if reply.status != 500:
        return None
    try:
        root = parse_xml(reply.body, "fault", _FAULT_BOUNDS)
    except DecodeError:
        return None
    code = root.findtext(f"{_SOAP}Body/{_SOAP}Fault/faultcode")
    if code is None or code.strip().rpartition(":")[2].partition(".")[0] != "Client":
        return None
    return plain(root.findtext(f"{_SOAP}Body/{_SOAP}Fault/faultstring") or "no reason given")
