"""SOAP as a Format: one request of one operation becomes one canonical document. Pure but for the WSDL.

The facade has judged the request already; what it let pass unjudged (a request on its way to legacy) is
judged here and parks, while its bytes go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from adapters.base.findings import DecodeError, Finding, Position
from adapters.base.formats import (
    DecodeContext,
    Decoded,
    EncodeError,
    Envelope,
    Interchange,
    Summary,
    Unit,
    UnitKind,
    Verdict,
)
from adapters.base.library import Library
from adapters.base.yaml import YamlError
from adapters.mapping import Mapping as DocumentMapping
from adapters.mapping import MappingContext, MappingError, SourceField
from adapters.mapping.fused import NotFusedError
from adapters.soap.attachments import ATTACHMENTS_KEY
from adapters.soap.config import SoapEndpoint, SoapRoute
from adapters.soap.faults import FaultError, refused
from adapters.soap.fused import ReadFused, fused_reader
from adapters.soap.plan import message_fields
from adapters.soap.receive import Received, opened, received, with_parts_in_place
from adapters.soap.service import Service
from adapters.soap.wsdl import Message
from adapters.soap.wsdl_loader import wsdl_of
from canonical.document import CanonicalDocument

NAME = "soap"
_LOOKS_LIKE = re.compile(
    rb"<(?:[\w.-]+:)?Envelope\b[^>]{0,2000}(?:schemas\.xmlsoap\.org/soap/envelope|2003/05/soap-envelope)"
)
_RUSH = re.compile(rb"""["'>]\s*(?:RUSH|STAT|URGENT)\s*["'<]""")


_services: dict[str, Service] = {}  # by the WSDL's file; as many as endpoints name


def service_of(path: str) -> Service:
    """Give a WSDL compiled, once for each that comes into force. Errors: WsdlError."""
    wsdl, known = wsdl_of(path), _services.get(path)
    if known is None or known.wsdl is not wsdl:
        known = _services[path] = Service(wsdl)
    return known


@lru_cache(maxsize=256)
def mapping_of(text: str, file: str, service: Service, operation: str) -> DocumentMapping:
    """Give a mapping compiled against an operation's request. Errors: MappingError, YamlError."""
    message = service.wsdl.operations[operation].input
    return DocumentMapping.load(text, file, request_fields(message))


@lru_cache(maxsize=256)
def fused_of(text: str, file: str, service: Service, operation: str) -> ReadFused | None:
    """Give an operation's fused reader, None where a record must be made. Errors: MappingError, YamlError."""
    if service.wsdl.schema is None:  # it leaves all judging to the schema
        return None
    try:
        return fused_reader(
            service.wsdl.operations[operation].input, mapping_of(text, file, service, operation).root
        )
    except NotFusedError:
        return None


def request_fields(message: Message) -> tuple[SourceField, ...]:
    """Give what a mapping can read of a request, attachments included."""
    part = tuple(SourceField(name) for name in ("id", "type", "content"))
    return (*message_fields(message), SourceField(ATTACHMENTS_KEY, repeated=True, fields=part))


class SoapFormat:
    """See ``adapters.base.Format``."""

    name = NAME

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> SoapDecoder:
        """Make a decoder for one request."""
        return SoapDecoder(context, resume or b"")

    def encode(self, documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
        """Refuse: requests are written by an endpoint of kind soap, which knows operation and version."""
        text = "a document is written as SOAP by an endpoint of kind soap with call:, not by a format"
        raise EncodeError([Finding("SOAP-ENCODE", Position("canonical"), text)])

    def acknowledge(
        self, interchange: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope
    ) -> bytes | None:
        """Give none: the answer to the call is the acknowledgment."""
        return None

    def wrap(self, sets: Sequence[bytes], interchange: Interchange, envelope: Envelope) -> bytes:
        """Give the one request."""
        if len(sets) != 1:
            text = "an envelope holds one request"
            raise EncodeError([Finding("SOAP-ENCODE", Position("envelope"), text)])
        return sets[0]

    def is_urgent(self, head: bytes) -> bool:
        """Look for a word that marks rush orders."""
        return _RUSH.search(head) is not None

    def identity(self, head: bytes) -> str | None:
        """Give none: the facade finds the MessageID."""
        return None

    def recognises(self, head: bytes) -> bool:
        """Look for an envelope, also in the first part of a multipart body."""
        return _LOOKS_LIKE.search(head) is not None


class SoapDecoder:
    """Decodes one request, which only the end completes."""

    def __init__(self, context: DecodeContext, held: bytes) -> None:
        self._context = context
        self._held = bytearray(held)

    def feed(self, chunk: bytes) -> Iterator[Decoded]:
        """Keep the bytes, up to one more than are read."""
        left = self._context.bounds.set_bytes_max + 1 - len(self._held)
        self._held += chunk[: max(left, 0)]
        return iter(())

    def finish(self) -> tuple[list[Decoded], Summary]:
        """Give the document, or why there is none."""
        body = bytes(self._held)
        whole = (Interchange(None, None, "", is_acknowledgment=False, facts={}),)
        try:
            decoded = self._decoded(body)
        except FaultError as error:
            finding = error.fault.finding
            return [], Summary(0, (finding,), frozenset(), whole, is_readable=False)
        return [decoded], Summary(1, (), frozenset(), whole)

    def state(self) -> bytes:
        """Give the bytes so far."""
        return bytes(self._held)

    def _decoded(self, body: bytes) -> Decoded:
        context, source = self._context, self._context.source
        endpoint = context.endpoint_settings
        if not isinstance(endpoint, SoapEndpoint):
            text = "this route reads SOAP and has no endpoint of kind soap, whose WSDL says how"
            raise refused("SOAP-ENDPOINT", source, text)
        service = service_of(endpoint.wsdl)
        limit = context.bounds.set_bytes_max
        found = with_parts_in_place(opened(body, source, size_bytes_max=limit), source, limit)
        request = received(service, found, (), source)
        operation = request.called.operation
        findings = service.problems(request.called, operation.input, source)
        document = None
        if not findings:
            document, told = self._document(request)
            findings = list(told)
        units = (Unit(UnitKind.SET, "0"), Unit(UnitKind.FILE, "0"))
        return Decoded(0, operation.name, document, tuple(findings), body, units)

    def _document(self, request: Received) -> tuple[CanonicalDocument | None, Sequence[Finding]]:
        context = self._context
        settings = context.settings
        name = settings.mapping if isinstance(settings, SoapRoute) else None
        text = context.library.mappings.get(name) if name is not None else None
        operation = request.called.operation.name
        if text is None:
            told = f"no mapping says what {operation} means; name one in from.settings.mapping"
            return None, [Finding("SOAP-NO-MAPPING", Position(context.source), told)]
        try:
            mapping = mapping_of(text.text, text.file, request.service, operation)
            fused = fused_of(text.text, text.file, request.service, operation)
        except (MappingError, YamlError) as error:
            return None, error.findings
        try:
            return read_document(request, mapping, fused, _mapping_context(context))
        except DecodeError as error:
            return None, [error.finding]


def read_document(
    request: Received, mapping: DocumentMapping, fused: ReadFused | None, context: MappingContext
) -> tuple[CanonicalDocument | None, Sequence[Finding]]:
    """Give a valid request's document, or None and why. Errors: DecodeError, of a type that is not known."""
    entries = request.called.entries
    if fused is None or request.package is not None or len(entries) != 1:
        return mapping.read_document(request.record(), context)
    return mapping.read_document_fused(lambda run: fused(entries[0], run), request.record, context)


def _mapping_context(context: DecodeContext) -> MappingContext:
    library: Library = context.library
    return MappingContext(
        source=context.source,
        zone=context.zone,
        at=library.at,
        crosswalk=library.crosswalk,
        findings_max=context.bounds.findings_max,
    )
