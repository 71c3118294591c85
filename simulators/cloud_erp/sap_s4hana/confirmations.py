"""Order confirmations: SOAP, one-way. 202 says that the message arrived, not that it was worked on.

Rules: WS-Addressing headers are mandatory; the confirmation replaces all confirmation lines of the item;
an item without a confirmation control key takes none. What goes wrong afterwards is told to nobody but
the message monitor (`lost`), as in SAP. A message whose id was seen before is taken and not worked on again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from simulators.cloud_erp.sap_s4hana.orders import ITEMS
from simulators.cloud_erp.sap_s4hana.store import Document, Store

PATH = "/sap/bc/srt/scs_ext/sap/orderconfirmationrequest_in"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
WSA = "{http://www.w3.org/2005/08/addressing}"
EDI = "{http://sap.com/xi/EDI}"
ACTION = "http://sap.com/xi/EDI/OrderConfirmationRequest_In/OrderConfirmationRequest_InRequest"


class SoapError(ValueError):
    """A message that is refused at the door; the text goes into the fault."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One message: of which order, and the confirmation lines of each item."""

    message_id: str
    order: str
    seller_number: str
    items: dict[str, list[dict[str, Any]]]


@dataclass(slots=True)
class Monitor:
    """What became of messages that were taken."""

    seen: set[str] = field(default_factory=set)
    lost: list[tuple[str, str]] = field(default_factory=list)  # message id, why
    loses_next: int = 0  # so many of the next messages are lost without a reason


def read(body: bytes, content_type: str) -> Confirmation:
    """Read a message. Errors: SoapError."""
    if "xml" not in content_type:
        raise SoapError(f"Content type {content_type} is not supported")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SoapError(f"The message is no XML: {error}") from error
    header, content = root.find(f"{SOAP}Header"), root.find(f"{SOAP}Body/{EDI}OrderConfRequest")
    if header is None or content is None:
        raise SoapError("An envelope with OrderConfRequest is expected")
    for name in ("Action", "To", "MessageID"):
        if not header.findtext(f"{WSA}{name}"):
            raise SoapError(f"WS-Addressing header {name} is missing")
    if header.findtext(f"{WSA}Action") != ACTION:
        raise SoapError("The action is not that of this service")
    order = content.find("OrderConfirmation")
    if order is None or not order.findtext("PurchaseOrderID"):
        raise SoapError("PurchaseOrderID is missing")
    return Confirmation(
        header.findtext(f"{WSA}MessageID") or "",
        order.findtext("PurchaseOrderID") or "",
        order.findtext("SalesOrderID") or "",
        {each.findtext("PurchaseOrderItemID") or "": _lines(each) for each in order.findall("Item")},
    )


def work(store: Store, monitor: Monitor, message: Confirmation) -> None:
    """Work on a message that was taken: commit it, or note why not."""
    if message.message_id in monitor.seen:
        return
    monitor.seen.add(message.message_id)
    order = store.get("purchase_order", message.order)
    problem = "lost in the queue" if monitor.loses_next > 0 else _problem(order, message)
    if monitor.loses_next > 0:
        monitor.loses_next -= 1
    if problem or order is None:
        monitor.lost.append((message.message_id, problem))
        return
    items = [
        _confirmed(each, message) if _key(each) in _keys(message) else each for each in order.values[ITEMS]
    ]
    values = {**order.values, ITEMS: items}
    store.change("purchase_order", order.number, values)


def _problem(order: Document | None, message: Confirmation) -> str:
    if order is None:
        return f"purchase order {message.order} does not exist"
    by_key = {_key(each): each for each in order.values[ITEMS]}
    for name, lines in message.items.items():
        item = by_key.get(name.lstrip("0"))
        if item is None:
            return f"item {name} does not exist"
        if not item.get("SupplierConfirmationControlKey"):
            return f"item {name} has no confirmation control key"
        if item["PurchasingDocumentDeletionCode"]:
            return f"item {name} is deleted"
        if sum((each["quantity"] for each in lines), Decimal(0)) > item["OrderQuantity"]:
            return f"item {name}: more is confirmed than ordered"
    return ""


def _confirmed(item: dict[str, Any], message: Confirmation) -> dict[str, Any]:
    lines = next(each for name, each in message.items.items() if name.lstrip("0") == _key(item))
    return {**item, "PurgDocOrderAcknNumber": message.seller_number[:20], "_confirmations": lines}


def _lines(item: etree._Element) -> list[dict[str, Any]]:
    return [_line(each) for each in item.findall("ScheduleLine")]


def _line(schedule: etree._Element) -> dict[str, Any]:
    quantity = schedule.find("ConfirmedOrderQuantityByMaterialAvailableCheck")
    day = schedule.findtext("ConfirmedDeliveryDate")
    if quantity is None or not quantity.get("unitCode") or day is None:
        raise SoapError("A schedule line needs a confirmed date, and a quantity with its unit")
    try:
        return {
            "quantity": Decimal(quantity.text or ""),
            "unit": quantity.get("unitCode"),
            "date": date.fromisoformat(day).isoformat(),
        }
    except (InvalidOperation, ValueError) as error:
        raise SoapError("A quantity or date of a schedule line cannot be read") from error


def _key(item: dict[str, Any]) -> str:
    return str(item["PurchaseOrderItem"]).lstrip("0")


def _keys(message: Confirmation) -> set[str]:
    return {each.lstrip("0") for each in message.items}
