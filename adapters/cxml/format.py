"""The format ``cxml``. Pure. Source: cXML 1.2 Reference Guide (Request, Response, Header)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from lxml import etree
from pydantic import BaseModel

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
from adapters.cxml.config import Credential, CxmlPartner
from adapters.cxml.decoder import CxmlDecoder, payload_id
from adapters.cxml.invoices import grouped
from adapters.cxml.mapping_loader import REQUESTS, mapping_for
from adapters.cxml.tree import to_element
from adapters.mapping import MappingContext
from canonical.document import CanonicalDocument

NAME = "cxml"
_DTD = '<!DOCTYPE cXML SYSTEM "http://xml.cxml.org/schemas/cXML/{version}/{file}.dtd">'
_STATUSES = {
    Verdict.ACCEPTED: ("200", "OK"),
    Verdict.ACCEPTED_WITH_ERRORS: ("200", "OK"),
    Verdict.REJECTED: ("406", "Not Acceptable"),
}


class CxmlFormat:
    """cXML documents, one a message."""

    name = NAME

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> CxmlDecoder:
        """Make a decoder for one document."""
        return CxmlDecoder(context, resume)

    def encode(self, documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
        """Write one document. Errors: EncodeError; a cXML message holds one document, never several."""
        settings = envelope.partner_settings
        if not isinstance(settings, CxmlPartner) or settings.us is None or settings.them is None:
            raise _refused("CXML-SETTINGS", _NOBODY_SPEAKS)
        if len(documents) != 1:
            raise _refused("CXML-ONE", f"a cXML message holds one document; {len(documents)} were given")
        document = documents[0]
        request = next(
            (each for each in REQUESTS if mapping_for(each).document_type == document.document_type), None
        )
        if request is None:
            raise _refused("CXML-DOCUMENT", f"a {document.document_type} is not written as cXML")
        context = MappingContext("cxml", envelope.zone, envelope.library.at, envelope.library.crosswalk)
        record, findings = mapping_for(request).write(document, context)
        bad = [finding for finding in findings if finding.level is Level.REJECTED]
        if bad:
            raise EncodeError(bad)
        record.pop("From", None)  # the header says it, by the partner's settings
        record.pop("To", None)
        if request == "InvoiceDetailRequest":
            record = grouped(record)
        root = _root(envelope, settings)
        root.append(_header(settings, settings.us, settings.them))
        holder = etree.SubElement(root, "Request", deploymentMode=envelope.environment)
        holder.append(to_element(request, record))
        return _written(root, settings, "Fulfill" if request == "ConfirmationRequest" else
                        "InvoiceDetail" if request == "InvoiceDetailRequest" else "cXML")  # fmt: skip

    def acknowledge(
        self, interchange: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope
    ) -> bytes | None:
        """Write the Response: 200, or 406 where a document was refused."""
        settings = envelope.partner_settings
        known = settings if isinstance(settings, CxmlPartner) else CxmlPartner()
        worst = (
            Verdict.REJECTED if Verdict.REJECTED in verdicts.values() or not verdicts else Verdict.ACCEPTED
        )
        code, text = _STATUSES[worst]
        root = _root(envelope, known)
        etree.SubElement(etree.SubElement(root, "Response"), "Status", code=code, text=text)
        return _written(root, known, "cXML")

    def wrap(self, sets: Sequence[bytes], interchange: Interchange, envelope: Envelope) -> bytes:
        """Give the one document of a message, unchanged."""
        if len(sets) != 1:
            raise _refused("CXML-ONE", "a cXML message holds one document")
        return sets[0]

    def is_urgent(self, head: bytes) -> bool:
        """Tell nothing: cXML has no word for it."""
        return False

    def identity(self, head: bytes) -> str | None:
        """Give the payloadID."""
        return payload_id(head)

    def recognises(self, head: bytes) -> bool:
        """Look for the root element."""
        return b"<cXML" in head


def _root(envelope: Envelope, settings: CxmlPartner) -> etree._Element:
    local = envelope.at.astimezone(ZoneInfo(envelope.zone))
    payload = f"{envelope.control_number}.{local:%Y%m%d%H%M%S}@{settings.payload_domain}"
    return etree.Element("cXML", payloadID=payload, timestamp=local.isoformat(timespec="seconds"))


def _header(settings: CxmlPartner, us: Credential, them: Credential) -> etree._Element:
    header = etree.Element("Header")
    for role, credential in (("From", us), ("To", them), ("Sender", us)):
        side = etree.SubElement(header, role)
        held = etree.SubElement(side, "Credential", domain=credential.domain)
        etree.SubElement(held, "Identity").text = credential.identity
        if role == "Sender":
            etree.SubElement(side, "UserAgent").text = settings.user_agent
    return header


def _written(root: etree._Element, settings: CxmlPartner, file: str) -> bytes:
    doctype = _DTD.format(version=settings.dtd_version, file=file)
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, doctype=doctype)
    return written + b"\n"


def judged_writing(settings: BaseModel | None) -> list[Finding]:
    """Give what keeps every document for a partner from being written: it does not say who speaks to whom."""
    if isinstance(settings, CxmlPartner) and settings.us is not None and settings.them is not None:
        return []
    return [Finding("CXML-SETTINGS", Position(""), _NOBODY_SPEAKS)]


_NOBODY_SPEAKS = (
    "nothing can be written for this partner: partners.NAME.cxml does not say us and them, who speaks to whom"
)


def _refused(code: str, text: str) -> EncodeError:
    return EncodeError([Finding(code, Position("cxml"), text)])
