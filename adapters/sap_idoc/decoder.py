"""Decoding IDocs: flat records or XML, several IDocs in one file, each judged by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

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
from adapters.layouts import Grouped, Grouper, Reader, Row
from adapters.layouts.model import Layout, Values
from adapters.layouts.places import locator as flat_locator
from adapters.mapping import MappingContext
from adapters.sap_idoc.config import IdocPartner
from adapters.sap_idoc.mapping_loader import orders_mapping
from adapters.sap_idoc.segments import CONTROL, layout
from adapters.sap_idoc.texts import with_texts
from adapters.sap_idoc.xml_form import locator as xml_locator
from adapters.sap_idoc.xml_form import tree_of
from adapters.xml import XmlBounds, element_position, parse_xml

FILE = Unit(UnitKind.FILE, "0")
ORDER_TYPES = ("ORDERS", "ORDCHG")


class IdocDecoder(WholeBody):
    """Decodes one file. It is kept whole: its form shows at its beginning, XML only at its end."""

    def __init__(self, context: DecodeContext, resume: bytes | None) -> None:
        super().__init__(context.bounds.set_bytes_max, resume)
        self._context = context

    def finish(self) -> tuple[list[Decoded], Summary]:
        """Give all IDocs."""
        body, context = self.content, self._context
        if self.is_too_large:
            text = f"more than {context.bounds.set_bytes_max} bytes; send smaller files"
            return unreadable(Finding("IDOC-SIZE", Position(context.source), text))
        if is_xml(body):
            return _Xml(context, body).decoded()
        return _Flat(context, body).decoded()


class _Flat:
    """A file of records."""

    def __init__(self, context: DecodeContext, body: bytes) -> None:
        self._context = context
        self._body = body

    def decoded(self) -> tuple[list[Decoded], Summary]:
        context = self._context
        settings = context.partner_settings
        encoding = settings.encoding if isinstance(settings, IdocPartner) else "utf-8"
        newline = b"\r\n" if b"\r\n" in self._body[:4096] else b"\n"
        made = layout(header_version(self._body), encoding, newline)
        reader, grouper = Reader(made, context.source), Grouper(made, context.source)
        rows = [*reader.feed(self._body), *reader.finish()]
        findings = list(reader.findings)
        if rows and rows[0][0].name not in ("", CONTROL):
            text = "the control record (EDI_DC40) is missing; the file is read as one IDoc without it"
            findings.append(
                Finding("IDOC-CONTROL", Position(context.source, 1, 1, offset=0), text, Level.ERROR)
            )
            rows.insert(0, (Row(CONTROL, {}, 1, 0), ()))
        documents = [*grouper.feed(rows), *grouper.finish()]
        if not documents:
            text = "no IDoc was found; expected EDI_DC40 at the beginning of a line, or XML"
            return unreadable(Finding("IDOC-UNREADABLE", Position(context.source), text))
        decoded = [self._one(made, index, grouped) for index, grouped in enumerate(documents)]
        return decoded, _summary(decoded, (*findings, *grouper.findings), documents[0].values)

    def _one(self, made: Layout, index: int, grouped: Grouped) -> Decoded:
        locate = flat_locator(made, grouped.places, self._context.source)
        return _decoded(self._context, index, grouped.values, grouped.findings, grouped.raw, locate)


class _Xml:
    """An XML file: one root, an IDOC element for each IDoc."""

    def __init__(self, context: DecodeContext, body: bytes) -> None:
        self._context = context
        self._body = body

    def decoded(self) -> tuple[list[Decoded], Summary]:
        context = self._context
        bounds = XmlBounds(
            size_bytes_max=context.bounds.set_bytes_max, nesting_max=context.bounds.nesting_max
        )
        try:
            root = parse_xml(self._body, context.source, bounds)
        except DecodeError as error:
            return unreadable(error.finding)
        idocs = root.findall("IDOC")
        if not idocs:
            text = f"the root element {etree.QName(root).localname} has no IDOC in it"
            return unreadable(Finding("IDOC-UNREADABLE", element_position(root, context.source), text))
        trees = [tree_of(idoc) for idoc in idocs]
        decoded = []
        for index, (idoc, (values, unknown)) in enumerate(zip(idocs, trees, strict=True)):
            found = [self._skipped(each) for each in unknown[:10]]
            raw = self._body if len(idocs) == 1 else etree.tostring(idoc)
            decoded.append(_decoded(context, index, values, found, raw, xml_locator(idoc, context.source)))
        return decoded, _summary(decoded, (), trees[0][0])

    def _skipped(self, element: etree._Element) -> Finding:
        text = f"the segment {etree.QName(element).localname} is not known and was skipped"
        return Finding("IDOC-SEGMENT", element_position(element, self._context.source), text, Level.NOTE)


def _decoded(
    context: DecodeContext,
    index: int,
    values: Values,
    known: Iterable[Finding],
    raw: bytes,
    locate: Callable[[str], Position],
) -> Decoded:
    findings = [*known, *_judged(context, values, locate)]
    document = None
    kind = values.get("MESTYP") or "ORDERS"
    if not any(each.level is Level.REJECTED for each in findings):
        mapped = MappingContext(
            context.source, context.zone, context.library.at, context.library.crosswalk, locate,
            context.bounds.findings_max,
        )  # fmt: skip
        document, found = orders_mapping().read_document(with_texts(values), mapped)
        findings += found
    return Decoded(index, kind, document, tuple(findings), raw, (Unit(UnitKind.SET, str(index)), FILE))


def _judged(context: DecodeContext, values: Values, locate: Callable[[str], Position]) -> Iterator[Finding]:
    kind = values.get("MESTYP")
    if kind and kind != "ORDERS":
        yield Finding("IDOC-TYPE", locate("MESTYP"), f"the message type is {kind}; only ORDERS is translated")
    if values.get("TABNAM"):  # without a control record the file does not say
        said = "test" if values.get("TEST") == "X" else "production"
        if said != context.environment:
            text = f"the IDoc is marked {said} (EDI_DC40 TEST); this gateway is {context.environment}"
            yield Finding("IDOC-ENV", locate("TEST"), text)


def _summary(decoded: list[Decoded], findings: Iterable[Finding], control: Values) -> Summary:
    def side(kind: str, name: str) -> tuple[str, str] | None:
        return (control.get(kind, ""), control[name]) if control.get(name) else None

    found = tuple(findings)
    rejected = frozenset({FILE}) if any(each.level is Level.REJECTED for each in found) else frozenset[Unit]()
    whole = Interchange(
        side("SNDPRT", "SNDPRN"),
        side("RCVPRT", "RCVPRN"),
        control.get("DOCNUM", ""),
        is_acknowledgment=False,
        facts={},
    )
    return Summary(len(decoded), found, rejected, (whole,))


def is_xml(body: bytes) -> bool:
    """Tell XML by its first character."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def header_version(body: bytes) -> int:
    """Tell the form of the data records' headers by the first of them.

    Version 2 repeats the segment's name, behind client, document number and segment number.
    """
    for line in body[:65_536].splitlines():
        if line.startswith((b"E1", b"E2")):
            return 2 if line[35:37] in (b"E1", b"E2") else 3
    return 3
