"""``?wsdl`` and ``?xsd=``: the WSDL as it is, with our address in it. Pure; all is prepared at the start."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urljoin

from lxml import etree

from adapters.base.facade import Denied, FacadeAnswer, FacadeCall
from adapters.base.findings import Finding, Position
from adapters.soap.catalogue_loader import BASE, BOUNDS
from adapters.soap.schema_set import WSDL, XS
from adapters.soap.wsdl import Wsdl
from adapters.xml import parse_xml

_ADDRESS_NAMESPACES = ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/")
_IMPORTS = (
    (f"{{{XS}}}import", "schemaLocation"),
    (f"{{{XS}}}include", "schemaLocation"),
    (f"{{{XS}}}redefine", "schemaLocation"),
    (f"{{{WSDL}}}import", "location"),
)
_MARK = "https://base.invalid/"  # stands for the caller's way to us until a page is asked for
XML = "text/xml; charset=utf-8"


class WsdlPages:
    """The documents of one WSDL, ready to give out."""

    def __init__(self, wsdl: Wsdl, path: str) -> None:
        self._path = path
        self._main = wsdl.name
        self._pages = {name: self._page(name, body, wsdl) for name, body in wsdl.documents.items()}

    def page(self, call: FacadeCall) -> FacadeAnswer | Denied:
        """Give what a GET asks for: only what belongs to the WSDL, by its name there."""
        query = parse_qsl(call.query, keep_blank_values=True, max_num_fields=20)
        asked = {key.lower(): value for key, value in query}
        name = self._main if {"wsdl", "singlewsdl"} & set(asked) and not asked.get("wsdl") else None
        name = name or asked.get("wsdl") or asked.get("xsd") or ""
        body = self._pages.get(name)
        if body is not None:
            return FacadeAnswer(200, body.replace(_MARK.encode(), f"{call.base}/".encode()), XML)
        if not asked:
            text = (
                f"this is a SOAP service: its description is at {self._path}?wsdl, requests are sent by POST"
            )
            return FacadeAnswer(200, text.encode(), "text/plain; charset=utf-8")
        text = f"no document of this service is called '{name[:80]}'; begin with {self._path}?wsdl"
        shown = text if text.isprintable() else f"no such document; begin with {self._path}?wsdl"
        finding = Finding("SOAP-NO-PAGE", Position(self._path), shown)
        return Denied(finding, FacadeAnswer(404, shown.encode(), "text/plain; charset=utf-8"))

    def _page(self, name: str, body: bytes, wsdl: Wsdl) -> bytes:
        root = parse_xml(body, name, BOUNDS)
        own = name if "://" in name else BASE + quote(name)
        is_changed = False
        for tag, attribute in _IMPORTS:
            for step in root.iter(tag):
                location = step.get(attribute)
                if location is None:
                    continue
                target = urljoin(own, location)
                known = target.removeprefix(BASE) if target.startswith(BASE) else target
                if known in wsdl.documents:
                    word = "wsdl" if attribute == "location" else "xsd"
                    step.set(attribute, f"{self._here()}?{word}={quote(known, safe='')}")
                    is_changed = True
        for namespace in _ADDRESS_NAMESPACES:
            for address in root.iter(f"{{{namespace}}}address"):
                address.set("location", self._here())
                is_changed = True
        if not is_changed:
            return body
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def _here(self) -> str:
        return _MARK.rstrip("/") + self._path
