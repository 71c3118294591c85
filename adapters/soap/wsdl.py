"""A WSDL as a value: ports and operations, what each message looks like, the compiled schema. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from lxml import etree

from adapters.base.findings import Finding
from adapters.soap.types import ElementModel, TypeModel


class Version(Enum):
    """A SOAP version; its value is the envelope's namespace."""

    SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
    SOAP12 = "http://www.w3.org/2003/05/soap-envelope"

    @property
    def content_type(self) -> str:
        """Give the media type. Source: SOAP 1.1, section 6; SOAP 1.2 part 2, appendix A."""
        return "text/xml" if self is Version.SOAP11 else "application/soap+xml"


@dataclass(frozen=True, slots=True)
class Message:
    """One direction of an operation. ``body``: what stands in the Body, one element but for odd services.

    ``is_encoded``: by the rules of SOAP encoding (SOAP 1.1, section 5). ``headers``: declared header blocks.
    """

    body: tuple[ElementModel, ...]
    headers: tuple[ElementModel, ...] = ()
    is_encoded: bool = False
    action: str = ""  # WS-Addressing action, where the WSDL declares one


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a port. ``style``: "wrapped", "bare" or "rpc". ``output`` None: one-way."""

    name: str
    style: str
    soap_action: str
    input: Message
    output: Message | None
    faults: Mapping[str, ElementModel] = field(default_factory=dict)  # by name: the detail's element

    @property
    def style_text(self) -> str:
        """Give the style as people say it: "document/literal wrapped", "rpc/encoded"."""
        use = "encoded" if self.input.is_encoded else "literal"
        return f"rpc/{use}" if self.style == "rpc" else f"document/{use} {self.style}"


@dataclass(frozen=True, slots=True)
class Port:
    """One port: a SOAP version and its operations, by name."""

    service: str
    name: str
    version: Version
    address: str
    operations: Mapping[str, Operation]


@dataclass(frozen=True, slots=True)
class Wsdl:
    """A WSDL that was read. ``documents``: the bytes of all that belongs to it, by file name, main first.

    ``schema`` validates elements of any message; None where ``findings`` say why it could not be compiled.
    """

    name: str
    ports: tuple[Port, ...]
    schema: etree.XMLSchema | None
    types: Mapping[str, TypeModel]
    documents: Mapping[str, bytes]
    findings: tuple[Finding, ...] = ()

    @property
    def operations(self) -> dict[str, Operation]:
        """Give all operations by name; those of the first port that has one."""
        found: dict[str, Operation] = {}
        for port in self.ports:
            for name, operation in port.operations.items():
                found.setdefault(name, operation)
        return found

    @property
    def versions(self) -> frozenset[Version]:
        """Give the SOAP versions in which the WSDL is bound."""
        return frozenset(port.version for port in self.ports)
