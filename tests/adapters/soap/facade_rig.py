"""A facade by itself, its fixtures, and how tests ask it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from adapters.base import Library, SourceText
from adapters.base.facade import Admitted, Denied, FacadeCall
from adapters.base.registry import EndpointSetup, FacadeRoute, FacadeSetup
from adapters.soap.config import SoapEndpoint, SoapRoute
from adapters.soap.driver_wsdl import read_wsdl
from adapters.soap.facade import SoapFacade
from adapters.soap.service import Service
from gateway.system import SystemClock, SystemRng

PROJECT = Path(__file__).resolve().parents[3]
FIXTURES = PROJECT / "fixtures/soap"
WSDLS = FIXTURES / "wsdl"
MMS = WSDLS / "materials_management.wsdl"
BUDGET = WSDLS / "budget_rpc.wsdl"
STOCK = WSDLS / "stock_mixed.wsdl"
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
TYPES = {SOAP11: "text/xml; charset=utf-8", SOAP12: "application/soap+xml; charset=utf-8"}
PATH = "/services/MaterialsManagement"
ORDER_REPLIES: dict[str, Any] = {
    "accepted": {"PONumber": "{request.PurchaseOrder.PONumber}", "Status": "RECEIVED"},
    "delivered": {
        "PONumber": "{reference}",
        "Status": "APPROVED",
        "LineAck": {"each": "PurchaseOrder.Line", "LineNumber": "{each.LineNumber}", "Accepted": "true"},
    },
    "pending": {"PONumber": "{request.PurchaseOrder.PONumber}", "Status": "PENDING"},
    "fault": {
        "name": "ServiceFault",
        "fields": {"Code": "INVALID_REQUEST", "Message": "{code}", "Retryable": "false"},
    },
}


@lru_cache
def service(path: Path = MMS) -> Service:
    return Service(read_wsdl(path))


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def facade(
    wsdl: Path = MMS,
    operation: str = "SubmitPurchaseOrder",
    replies: dict[str, Any] | None = None,
    *,
    reply: str = "wait",
    identity: str | None = None,
    **serve: Any,
) -> SoapFacade:
    """Build a facade with one route, ``po``."""
    settings = SoapEndpoint.model_validate({"wsdl": str(wsdl), "serve": {"path": PATH, **serve}})
    endpoint = EndpointSetup("mms", "test", settings, SystemClock(), SystemRng(), secret)
    chosen = ORDER_REPLIES if replies is None and operation == "SubmitPurchaseOrder" else replies or {}
    route_settings = SoapRoute.model_validate({"mapping": "po", "replies": chosen})
    route = FacadeRoute("po", operation, route_settings, "mms", reply, identity)
    library = Library({"po": SourceText("po.yaml", "")})
    return SoapFacade(FacadeSetup(endpoint, (route,), library, 64 * 1024 * 1024))


def secret(reference: str) -> str:
    return {"env:MMS_PASSWORD": "correct horse"}[reference]


def call(body: bytes, version: str = SOAP11, *, method_query: str = "", **changes: Any) -> FacadeCall:
    headers = changes.pop("headers", (("Content-Type", TYPES[version]),))
    return FacadeCall(
        method="POST", path=PATH, query=method_query, headers=headers, body=body, base="https://gateway:8443",
        at=NOW, **changes,
    )  # fmt: skip


def admitted(found: Admitted | Denied) -> Admitted:
    assert isinstance(found, Admitted), found
    return found


def denied(found: Admitted | Denied) -> Denied:
    assert isinstance(found, Denied), found
    return found


def fault_of(body: bytes) -> tuple[str, str]:
    """Give a fault's code and reason, read by plain lxml, in either version."""
    root = etree.fromstring(body)
    namespace = etree.QName(root).namespace
    fault = root.find(f"{{{namespace}}}Body/{{{namespace}}}Fault")
    assert fault is not None, body
    if namespace == SOAP11:
        return fault.findtext("faultcode") or "", fault.findtext("faultstring") or ""
    names = {"s": SOAP12}
    code = fault.findtext("s:Code/s:Value", namespaces=names) or ""
    sub = fault.findtext("s:Code/s:Subcode/s:Value", namespaces=names)
    return sub or code, fault.findtext("s:Reason/s:Text", namespaces=names) or ""


def body_of(content: bytes) -> etree._Element:
    """Give the first element of a message's Body."""
    root = etree.fromstring(content)
    body = root.find(f"{{{etree.QName(root).namespace}}}Body")
    assert body is not None
    return body[0]


def envelope(content: str, version: str = SOAP11, header: str = "", declared: str = "") -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return (
        f'<s:Envelope xmlns:s="{version}" {declared}>{head}<s:Body>{content}</s:Body></s:Envelope>'.encode()
    )
