"""Decoding one cXML document. The document type is never resolved: what names one is blanked out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from adapters.base import (
    DecodeContext,
    Decoded,
    DecodeError,
    Finding,
    Interchange,
    Level,
    Position,
    Summary,
    Unit,
    UnitKind,
)
from adapters.base.whole_body import WholeBody, unreadable
from adapters.cxml.config import CxmlPartner
from adapters.cxml.invoices import flattened
from adapters.cxml.mapping_loader import REQUESTS, mapping_for
from adapters.cxml.tree import locator, to_record
from adapters.mapping import MappingContext
from adapters.xml import XmlBounds, element_position, parse_xml

FILE = Unit(UnitKind.FILE, "0")
# An internal subset ([...]) can declare entities: such a document keeps its type, and is refused for it.
_DOCTYPE = re.compile(rb"<!DOCTYPE\s+cXML\s+SYSTEM\s+(?:\"[^\"<>]*\"|'[^'<>]*')\s*>")
_PROLOG = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--(?:(?!-->)[\s\S])*+-->\s*+)*+")
_SECRET = re.compile(rb"(<SharedSecret[^>]*>)[^<]*(</SharedSecret>)")


class CxmlDecoder(WholeBody):
    """Decodes one document; it is kept whole, so its size is bounded."""

    def __init__(self, context: DecodeContext, resume: bytes | None) -> None:
        super().__init__(context.bounds.set_bytes_max, resume)
        self._context = context

    def finish(self) -> tuple[list[Decoded], Summary]:
        """Give the document."""
        body, context = self.content, self._context
        if self.is_too_large:
            text = f"more than {context.bounds.set_bytes_max} bytes; send smaller documents"
            return unreadable(Finding("CXML-SIZE", Position(context.source), text))
        try:
            root = parse_xml(without_type(body), context.source, _xml_bounds(context))
        except DecodeError as error:
            return unreadable(error.finding)
        if etree.QName(root).localname != "cXML":
            text = f"the root element is {etree.QName(root).localname}; expected cXML"
            return unreadable(Finding("CXML-ROOT", element_position(root, context.source), text))
        return _Message(context, root, body).decoded()


class _Message:
    """One parsed message."""

    def __init__(self, context: DecodeContext, root: etree._Element, body: bytes) -> None:
        self._context = context
        self._root = root
        self._body = body

    def decoded(self) -> tuple[list[Decoded], Summary]:
        root, source = self._root, self._context.source
        request = root.find("Request")
        whole = self._interchange(is_acknowledgment=root.find("Response") is not None)
        if request is None or not len(request):
            kind = "Response" if whole.is_acknowledgment else "Message"
            text = f"a cXML {kind} holds no document to translate; expected a Request"
            level = Level.NOTE if whole.is_acknowledgment else Level.REJECTED
            finding = Finding("CXML-REQUEST", element_position(root, source), text, level)
            return [], Summary(0, (finding,), frozenset(), (whole,), is_readable=whole.is_acknowledgment)
        payload = request[0]
        name = etree.QName(payload).localname
        findings = [*self._environment(request), *self._sender()]
        units = (Unit(UnitKind.SET, "0"), FILE)
        if name not in REQUESTS:
            text = f"a {name} is not translated; known are {', '.join(REQUESTS)}"
            findings.append(Finding("CXML-REQUEST", element_position(payload, source), text))
            return [Decoded(0, name, None, tuple(findings), self._body, units)], self._summary(whole)
        document, found = mapping_for(name).read_document(self._record(name, payload), self._mapped(payload))
        findings += found
        if any(each.level is Level.REJECTED for each in findings):
            document = None
        return [Decoded(0, name, document, tuple(findings), self._body, units)], self._summary(whole)

    def _record(self, name: str, payload: etree._Element) -> Any:
        record = to_record(payload)
        for role in ("From", "To"):
            said = _credential(self._root, role)
            if said is not None:
                record[role] = said[1]
        return flattened(record) if name == "InvoiceDetailRequest" else record

    def _mapped(self, payload: etree._Element) -> MappingContext:
        context = self._context
        return MappingContext(
            context.source, context.zone, context.library.at, context.library.crosswalk,
            locator(payload, context.source), context.bounds.findings_max,
        )  # fmt: skip

    def _summary(self, whole: Interchange) -> Summary:
        return Summary(1, (), frozenset(), (whole,))

    def _environment(self, request: etree._Element) -> Iterator[Finding]:
        """Hold the wall. Source: cXML 1.2, Request/@deploymentMode, "production" where it is absent."""
        mode = request.get("deploymentMode", "production")
        if mode != self._context.environment:
            at = element_position(request, self._context.source)
            text = f"deploymentMode is '{mode}'; this gateway is {self._context.environment}"
            yield Finding("CXML-ENV", at, text)

    def _sender(self) -> Iterator[Finding]:
        settings = self._context.partner_settings
        them = settings.them if isinstance(settings, CxmlPartner) else None
        said = _credential(self._root, "From")
        if them is not None and said is not None and said[1] != them.identity:
            at = Position(self._context.source, path="/cXML/Header/From")
            text = f"the sender says it is '{said[1]}'; this partner is '{them.identity}'"
            yield Finding("CXML-SENDER", at, text)

    def _interchange(self, *, is_acknowledgment: bool) -> Interchange:
        root = self._root
        facts = {"timestamp": root.get("timestamp", ""), "payload_id": root.get("payloadID", "")}
        return Interchange(
            _credential(root, "From"),
            _credential(root, "To"),
            root.get("payloadID", ""),
            is_acknowledgment,
            facts,
        )


def without_type(body: bytes) -> bytes:
    """Blank out a document type that only names its file; lines and columns stay as they are."""
    found = _DOCTYPE.match(body, (_PROLOG.match(body) or re.match(b"", body)).end())  # type: ignore[union-attr]
    if found is None:
        return body
    blank = re.sub(rb"[^\n]", b" ", found[0])
    return body[: found.start()] + blank + body[found.end() :]


def payload_id(head: bytes) -> str | None:
    """Give the payloadID that the first bytes show. Source: cXML 1.2: unique for each document for ever."""
    found = re.search(rb"<cXML\b[^>]*?\bpayloadID\s*=\s*[\"']([^\"'<>]{1,255})[\"']", head)
    return found[1].decode("utf-8", "replace") if found else None


def _credential(root: etree._Element, role: str) -> tuple[str, str] | None:
    found = root.find(f"Header/{role}/Credential")
    identity = found.findtext("Identity") if found is not None else None
    return (found.get("domain", ""), identity.strip()) if found is not None and identity else None


def _xml_bounds(context: DecodeContext) -> XmlBounds:
    return XmlBounds(size_bytes_max=context.bounds.set_bytes_max, nesting_max=context.bounds.nesting_max)
