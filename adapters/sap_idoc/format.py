"""The format ``sap_idoc``. Pure. Source: SAP IDoc documentation, file port and XML file port."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from lxml import etree

from adapters.base import (
    DecodeContext,
    EncodeError,
    Envelope,
    Finding,
    Interchange,
    Level,
    Position,
    Verdict,
)
from adapters.layouts import Row, Writer
from adapters.layouts.model import Values
from adapters.mapping import MappingContext
from adapters.sap_idoc.config import IdocPartner, IdocSettings
from adapters.sap_idoc.decoder import IdocDecoder, is_xml
from adapters.sap_idoc.mapping_loader import orders_mapping
from adapters.sap_idoc.segments import CONTROL, LEVELS, NAMES, PARENTS, RELEASED, entries, layout
from adapters.sap_idoc.texts import with_lines
from adapters.sap_idoc.xml_form import element_of
from canonical.document import CanonicalDocument

NAME = "sap_idoc"
IDOC_TYPE = "ORDERS05"
_XML_HEAD = re.compile(rb"<(?:ORDERS0\d|[A-Z0-9_/]+)>?\s*<IDOC\b")


class IdocFormat:
    """IDocs of type ORDERS05."""

    name = NAME

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> IdocDecoder:
        """Make a decoder for one file."""
        return IdocDecoder(context, resume)

    def encode(self, documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
        """Write documents, an IDoc each. Errors: EncodeError."""
        settings = envelope.settings if isinstance(envelope.settings, IdocSettings) else IdocSettings()
        findings: list[Finding] = []
        trees = []
        for number, document in enumerate(documents):
            trees.append(_tree(document, envelope, number, findings))
        if findings:
            raise EncodeError(findings)
        return _xml(trees) if settings.form == "xml" else _flat(trees, envelope)

    def acknowledge(
        self, interchange: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope
    ) -> bytes | None:
        """Give none: what SAP calls one (STATUS, ALEAUD) is another message type."""
        return None

    def wrap(self, sets: Sequence[bytes], interchange: Interchange, envelope: Envelope) -> bytes:
        """Put IDocs together: flat ones follow each other, XML ones stand in one root."""
        if sets and is_xml(sets[0]):
            inner = b"".join(each[each.index(b"<IDOC") : each.rindex(b"</IDOC>") + 7] for each in sets)
            return b"<?xml version='1.0' encoding='UTF-8'?>\n<ORDERS05>" + inner + b"</ORDERS05>\n"
        return b"".join(sets)

    def is_urgent(self, head: bytes) -> bool:
        """Look for EXPRSS, the flag that overrides the partner profile. Source: EDI_DC40, column 38."""
        return head.startswith(CONTROL.encode()) and head[37:38] == b"X"

    def identity(self, head: bytes) -> str | None:
        """Give sender and document number of the first IDoc."""
        if head.startswith(CONTROL.encode()):
            parts = [head[13:29], head[162:172]]
        else:
            found = [re.search(rb"<%s>([^<]{1,40})<" % name, head) for name in (b"DOCNUM", b"SNDPRN")]
            parts = [each[1] if each else b"" for each in found]
        texts = [part.decode("latin-1").strip() for part in parts]
        return "/".join(reversed(texts)) if texts[0] else None

    def recognises(self, head: bytes) -> bool:
        """Look for a control record, a data record of ours, or an IDOC element."""
        first = head.lstrip(b"\xef\xbb\xbf")
        kinds = {f"E2{kind[2:]}".encode() for kind in NAMES}
        return first.startswith(CONTROL.encode()) or first[:7] in kinds or _XML_HEAD.search(head) is not None


def _tree(document: CanonicalDocument, envelope: Envelope, number: int, findings: list[Finding]) -> Values:
    mapping = orders_mapping()
    if document.document_type != mapping.document_type:
        text = f"a {document.document_type} is not written as an IDoc; only orders are"
        findings.append(Finding("IDOC-DOCUMENT", Position("sap_idoc"), text))
        return {}
    context = MappingContext("sap_idoc", envelope.zone, envelope.library.at, envelope.library.crosswalk)
    record, found = mapping.write(document, context)
    findings += [each for each in found if each.level is Level.REJECTED]
    tree = with_lines({name: value for name, value in record.items() if name in NAMES})
    return {**_control(envelope, number), **tree}


def _control(envelope: Envelope, number: int) -> Values:
    settings = envelope.partner_settings
    partner = settings if isinstance(settings, IdocPartner) else IdocPartner()
    local = envelope.at.astimezone(ZoneInfo(envelope.zone))
    said = {
        "TABNAM": CONTROL, "MANDT": partner.client, "DOCNUM": f"{envelope.control_number + number:016}",
        "DIRECT": "2", "TEST": "X" if envelope.environment == "test" else "", "IDOCTYP": IDOC_TYPE,
        "MESTYP": "ORDERS", "SNDPOR": partner.sender_port, "SNDPRT": partner.sender_type,
        "SNDPRN": partner.sender, "RCVPOR": partner.receiver_port, "RCVPRT": partner.receiver_type,
        "RCVPRN": partner.receiver, "CREDAT": f"{local:%Y%m%d}", "CRETIM": f"{local:%H%M%S}",
    }  # fmt: skip
    return {name: text for name, text in said.items() if text}


def _xml(trees: Sequence[Values]) -> bytes:
    root = etree.Element(IDOC_TYPE)
    for tree in trees:
        root.append(element_of(tree))
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def _flat(trees: Sequence[Values], envelope: Envelope) -> bytes:
    settings = envelope.partner_settings
    partner = settings if isinstance(settings, IdocPartner) else IdocPartner()
    writer = Writer(layout(3, partner.encoding))
    body = writer.write(row for tree in trees for row in _rows(tree, partner))
    if writer.findings:
        raise EncodeError(writer.findings)
    return body


def _rows(tree: Values, partner: IdocPartner) -> Iterator[Row]:
    yield Row(CONTROL, {name: value for name, value in tree.items() if isinstance(value, str)})
    counter = [0]
    for name in NAMES:
        if PARENTS[name] == CONTROL:
            for entry in entries(tree, name):
                yield from _segments(name, entry, 0, counter, tree, partner)


def _segments(
    name: str, entry: Values, above: int, counter: list[int], tree: Values, partner: IdocPartner
) -> Iterator[Row]:
    counter[0] += 1
    own = counter[0]
    released = partner.versions.get(name, RELEASED[name])
    header = {
        "SEGTYP": released[:7], "SEGREL": released[7:], "MANDT": tree.get("MANDT", ""),
        "DOCNUM": tree["DOCNUM"], "SEGNUM": f"{own:06}", "PSGNUM": f"{above:06}", "HLEVEL": LEVELS[name],
    }  # fmt: skip
    yield Row(name, {**header, **{field: entry.get(field, "") for field in NAMES[name]}})
    for below, parent in PARENTS.items():
        if parent == name:
            for each in entries(entry, below):
                yield from _segments(below, each, own, counter, tree, partner)
