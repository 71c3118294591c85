"""The order confirmation as SAP's SOAP service takes it (OrderConfirmationRequest_In), one-way. Pure.

It replaces all confirmation lines of each item that it names, so each item carries all that the supplier
says of it. The message id is derived from the document, so the same document sent again is the same
message. Sources: SAP knowledge base 3091503 (lines are replaced); WS-Addressing 1.0 core, section 3. The
element names are those of public integrations; a tenant's WSDL decides.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
EDI = "http://sap.com/xi/EDI"
ACTION = f"{EDI}/OrderConfirmationRequest_In/OrderConfirmationRequest_InRequest"
CONTENT_TYPE = "text/xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class ConfirmedLine:
    """So much of an item on that day, in SAP's unit."""

    quantity: Decimal
    unit: str
    day: date


@dataclass(frozen=True, slots=True)
class ConfirmedItem:
    """One item of the order with all its confirmation lines."""

    number: str
    lines: tuple[ConfirmedLine, ...]


@dataclass(frozen=True, slots=True)
class ConfirmationMessage:
    """One message. `seller_number` is the supplier's number of the order."""

    message_id: str  # a UUID
    order: str
    seller_number: str
    items: Sequence[ConfirmedItem]
    created_at: datetime


def message_id(reference: str, attempt: int) -> str:
    """Give the UUID of a document's n-th message: the same for each try of the same message."""
    digest = hashlib.sha256(f"{reference}/confirmation/{attempt}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def write(message: ConfirmationMessage, to: str) -> bytes:
    """Write the envelope; `to` is the service's address as WS-Addressing wants it."""
    header = (
        f"<wsa:Action>{ACTION}</wsa:Action><wsa:To>{escape(to)}</wsa:To>"
        f"<wsa:MessageID>urn:uuid:{message.message_id}</wsa:MessageID>"
        f"<wsa:ReplyTo><wsa:Address>{ADDRESSING}/none</wsa:Address></wsa:ReplyTo>"
    )
    created = message.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = (
        f"<MessageHeader><ID>{message.message_id.replace('-', '')}</ID>"
        f"<CreationDateTime>{created}</CreationDateTime></MessageHeader>"
        f"<OrderConfirmation><PurchaseOrderID>{escape(message.order)}</PurchaseOrderID>"
        f"{_optional('SalesOrderID', message.seller_number)}"
        f"{''.join(_item(each) for each in message.items)}</OrderConfirmation>"
    )
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{ADDRESSING}" xmlns:edi="{EDI}">'
        f"<soap:Header>{header}</soap:Header>"
        f"<soap:Body><edi:OrderConfRequest>{content}</edi:OrderConfRequest></soap:Body></soap:Envelope>"
    )
    return text.encode()


def _item(item: ConfirmedItem) -> str:
    lines = "".join(_line(each) for each in item.lines)
    return f"<Item><PurchaseOrderItemID>{escape(item.number)}</PurchaseOrderItemID>{lines}</Item>"


def _line(line: ConfirmedLine) -> str:
    quantity = format(line.quantity, "f")
    return (
        f"<ScheduleLine><ConfirmedDeliveryDate>{line.day.isoformat()}</ConfirmedDeliveryDate>"
        f"<ConfirmedOrderQuantityByMaterialAvailableCheck unitCode={quoteattr(line.unit)}>{quantity}"
        "</ConfirmedOrderQuantityByMaterialAvailableCheck></ScheduleLine>"
    )


def _optional(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""
