"""A request's bytes, taken apart: parts, envelope, operation, record. Pure.

The facade uses it before a request is taken, the format when the stored bytes are decoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from adapters.base.findings import DecodeError
from adapters.mapping import Record
from adapters.soap.attachments import Package, included, is_multipart, unpacked
from adapters.soap.envelope import Envelope, read_envelope
from adapters.soap.faults import Blame, Fault, FaultError
from adapters.soap.service import Called, Service
from adapters.xml import DEFAULT_BOUNDS, Keep, XmlBounds, parse_xml


@dataclass(frozen=True, slots=True)
class Opened:
    """A body that holds an envelope, and perhaps attachments."""

    envelope: Envelope
    package: Package | None


@dataclass(frozen=True, slots=True)
class Received:
    """A request whose operation is known."""

    service: Service
    called: Called
    package: Package | None

    def record(self) -> Record:
        """Give what a mapping reads of it."""
        return self.service.record(self.called, self.called.operation.input, self.package)


def opened(
    body: bytes,
    source: str,
    *,
    size_bytes_max: int,
    charset: str | None = None,
    start: str = "",
    keep: Keep = Keep.CONTENT,
) -> Opened:
    """Give the envelope of a body. Errors: FaultError, with the XML parser's codes too."""
    package = None
    xml = body
    if is_multipart(body):
        package = unpacked(body, source, start)
        xml, charset = package.root.body, package.root.charset
    bounds: XmlBounds = replace(DEFAULT_BOUNDS, size_bytes_max=size_bytes_max)
    try:
        root = parse_xml(xml, source, bounds, keep, charset)
    except DecodeError as error:
        raise FaultError(Fault(Blame.SENDER, error.finding)) from error
    envelope = read_envelope(root, source)
    return Opened(envelope, package)


def with_parts_in_place(found: Opened, source: str, bytes_max: int) -> Opened:
    """Put XOP parts where they belong; only what no include has taken stays an attachment."""
    if found.package is None:
        return found
    taken = included(found.envelope.root, found.package, source, bytes_max)
    left = {key: part for key, part in found.package.attachments.items() if key not in taken}
    return Opened(found.envelope, Package(found.package.root, left))


def received(service: Service, found: Opened, actions: Iterable[str], source: str) -> Received:
    """Give a request with its operation. Errors: FaultError."""
    try:
        called = service.call(found.envelope, actions, source)
    except DecodeError as error:
        raise FaultError(Fault(Blame.SENDER, error.finding)) from error
    return Received(service, called, found.package)
