"""SOAP envelopes as this old system reads and writes them: by hand, without the gateway's code."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
COMMON = "urn:mercy-health:mms:common:v2"
PURCHASING = "urn:mercy-health:mms:purchasing:v2"
BUDGET = "urn:mercy-health:mms:budget:v1"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
CONTENT_TYPES = {SOAP11: "text/xml", SOAP12: "application/soap+xml"}


class EnvelopeError(Exception):
    """Bytes that are no SOAP request."""


@dataclass(frozen=True)
class Call:
    """One request: its version, the element in its Body, its headers."""

    version: str  # the envelope's namespace
    payload: etree._Element
    header: etree._Element | None

    @property
    def operation(self) -> str:
        """Give the operation: the local name of what stands in the Body."""
        return etree.QName(self.payload).localname

    def in_header(self, name: str) -> str:
        """Give a text of the RequestHeader, "" where it is not there."""
        found = self.header.find(f".//{{{COMMON}}}{name}") if self.header is not None else None
        return (found.text or "") if found is not None else ""


def read_call(body: bytes) -> Call:
    """Read a request. Errors: EnvelopeError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise EnvelopeError(f"not well-formed: {error.msg}") from error
    version = etree.QName(root).namespace or ""
    if version not in CONTENT_TYPES or root.getroottree().docinfo.internalDTD is not None:
        raise EnvelopeError("not a SOAP envelope")
    content = root.find(f"{{{version}}}Body")
    if content is None or len(content) == 0:
        raise EnvelopeError("the body is empty")
    return Call(version, content[0], root.find(f"{{{version}}}Header"))


def element(name: str, content: str, namespace: str = "p") -> str:
    """Write an element; `content` is XML already."""
    return f"<{namespace}:{name}>{content}</{namespace}:{name}>"


def text(name: str, content: object, namespace: str = "p") -> str:
    """Write an element with a text."""
    return element(name, escape(str(content)), namespace)


def reply(version: str, content: str) -> bytes:
    """Write an answer around its content."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<env:Envelope xmlns:env="{version}" xmlns:p="{PURCHASING}"'
        f' xmlns:c="{COMMON}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<env:Body>{content}</env:Body></env:Envelope>"
    ).encode()


def fault(version: str, told: str, detail: str = "", *, is_senders: bool = False, code: str = "") -> bytes:
    """Write a fault. `code`: a QName of WS-Security instead of Client or Server."""
    declared = f' xmlns:wsse="{WSSE}"' if code else ""
    if version == SOAP12:
        side = "Sender" if is_senders or code else "Receiver"
        sub = f"<env:Subcode><env:Value>wsse:{code}</env:Value></env:Subcode>" if code else ""
        wrapped = f"<env:Detail>{detail}</env:Detail>" if detail else ""
        content = (
            f"<env:Fault{declared}><env:Code><env:Value>env:{side}</env:Value>{sub}</env:Code>"
            f'<env:Reason><env:Text xml:lang="en">{escape(told)}</env:Text></env:Reason>{wrapped}</env:Fault>'
        )
    else:
        name = f"wsse:{code}" if code else "env:Client" if is_senders else "env:Server"
        wrapped = f"<detail>{detail}</detail>" if detail else ""
        content = (
            f"<env:Fault{declared}><faultcode>{name}</faultcode>"
            f"<faultstring>{escape(told)}</faultstring>{wrapped}</env:Fault>"
        )
    return reply(version, content)
