"""The simulated legacy client: it sends what it always sent, to whatever address it is given.

It builds its envelopes by hand, with a MessageId, and shows who it is by a UsernameToken or a certificate.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import aiohttp

from simulators.soap_mms.envelope import COMMON, CONTENT_TYPES, PURCHASING, SOAP11
from simulators.soap_mms.tokens import security_header

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Token:
    """The client's user. `is_text`: the password travels as it is."""

    user: str
    password: str
    is_text: bool = False

    def __repr__(self) -> str:
        return f"<user {self.user}>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    body: bytes

    @property
    def is_fault(self) -> bool:
        """Tell whether it is a SOAP fault."""
        return b":Fault>" in self.body or b":Fault " in self.body or b"<Fault" in self.body


class LegacyClient:
    """A client with its settings. `url` is the one address that a migration changes."""

    def __init__(
        self,
        url: str,
        *,
        version: str = SOAP11,
        token: Token | None = None,
        tls: ssl.SSLContext | None = None,
        sender: str = "MMS-CENTRAL",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.url = url
        self._version = version
        self._token = token
        self._tls = tls
        self._sender = sender
        self._timeout_s = timeout_s

    def envelope(self, message_id: str, content: str, now: datetime | None = None) -> bytes:
        """Write a request; `content` is the XML of its body, with the prefixes `p` and `c`."""
        at = now or datetime.now(UTC)
        security = ""
        if self._token is not None:
            token = self._token
            security = security_header(token.user, token.password, os.urandom(16), at, is_text=token.is_text)
        header = (
            f"<c:RequestHeader><c:MessageId>{escape(message_id)}</c:MessageId>"
            f"<c:SenderId>{escape(self._sender)}</c:SenderId>"
            f"<c:CreatedAt>{at:%Y-%m-%dT%H:%M:%SZ}</c:CreatedAt>"
            "<c:TestIndicator>true</c:TestIndicator></c:RequestHeader>"
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="{self._version}"'
            f' xmlns:p="{PURCHASING}" xmlns:c="{COMMON}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<env:Header>{security}{header}</env:Header><env:Body>{content}</env:Body></env:Envelope>"
        ).encode()

    async def call(self, operation: str, message_id: str, content: str) -> Answer:
        """Send a request and wait."""
        return await self.send(operation, self.envelope(message_id, content))

    async def send(self, operation: str, body: bytes) -> Answer:
        """Send the bytes of a request, perhaps the same as before, and wait."""
        action = f"urn:mercy-health:mms:{operation}"
        kind = CONTENT_TYPES[self._version]
        headers = {"Content-Type": f"{kind}; charset=utf-8"}
        if self._version == SOAP11:
            headers["SOAPAction"] = f'"{action}"'
        else:
            headers["Content-Type"] += f'; action="{action}"'
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(self.url, data=body, headers=headers, ssl=self._tls or True) as response,
        ):
            return Answer(response.status, response.content_type, await response.read())


def client_tls(ca: Path, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Give a client's TLS context: whom it believes, and what it shows."""
    context = ssl.create_default_context(cafile=str(ca))
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def purchase_order(
    number: str, *, order_type: str = "STANDARD", vendor: str = "V-1042", **changes: str
) -> str:
    """Write the body of a SubmitPurchaseOrder with one line. `changes`: location, item, quantity, price."""
    said = {"location": "DOCK-04", "item": "8881-2210", "quantity": "12", "price": "18.50"} | changes
    total = f"{float(said['quantity']) * float(said['price']):.2f}"
    return (
        f'<p:SubmitPurchaseOrder><p:PurchaseOrder type="{order_type}"><p:PONumber>{number}</p:PONumber>'
        f"<p:OrderDate>2026-11-20</p:OrderDate><p:VendorId>{vendor}</p:VendorId>"
        f"<p:ShipTo><c:LocationCode>{said['location']}</c:LocationCode></p:ShipTo>"
        f"<p:Line><p:LineNumber>1</p:LineNumber>"
        f"<p:Item><c:VendorCatalog>{said['item']}</c:VendorCatalog></p:Item>"
        f'<p:Quantity uom="BX">{said["quantity"]}</p:Quantity>'
        f'<p:UnitPrice currency="USD">{said["price"]}</p:UnitPrice>'
        f'</p:Line><p:Total currency="USD">{total}</p:Total></p:PurchaseOrder></p:SubmitPurchaseOrder>'
    )


def budget_question(amount: str, *, cost_center: str = "7310", period: str = "2026-11") -> str:
    """Write the body of a CheckBudget."""
    return (
        f"<p:CheckBudget><p:Accounting><c:CostCenter>{cost_center}</c:CostCenter><c:Account>614000</c:Account>"
        f'</p:Accounting><p:Amount currency="USD">{amount}</p:Amount>'
        f"<p:FiscalPeriod>{period}</p:FiscalPeriod></p:CheckBudget>"
    )
