"""Calling a SOAP service: the WSDL, the mappings and the settings compiled into what a target needs. Pure.

Requests are written by the same compiled plan that serves replies, and answers are read by it: zeep reads
the WSDL at the start and is not asked again (it is the oracle of the tests).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from adapters.base import EncodeError, Finding, Level
from adapters.mapping import Mapping as DocumentMapping
from adapters.mapping import MappingContext, Record
from adapters.soap.call_settings import Call, CallOperation, CallOrders, LookUp
from adapters.soap.client_answer import AnswerRules
from adapters.soap.envelope import Envelope
from adapters.soap.plan import HEADER_KEY, MessagePlan, PlanCompiler
from adapters.soap.reply import MessageWriter
from adapters.soap.wsdl import Operation, Version
from adapters.soap.wsse_names import WSA
from canonical.document import CanonicalDocument


class UnwritableError(Exception):
    """A document cannot be written as a request; all reasons at once."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What a header block of ours may say."""

    reference: str
    at: datetime
    document_key: str
    order_key: str
    correlation_id: str
    is_test: bool
    role: str = "live"

    def words(self) -> dict[str, str]:
        """Give the facts as the settings name them."""
        return {
            "reference": self.reference,
            "at": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "document_key": self.document_key,
            "order_key": self.order_key,
            "correlation_id": self.correlation_id,
            "is_test": "true" if self.is_test else "false",
            "role": self.role,
        }


class CallPlan:
    """One operation as we call it: a document becomes a request, an answer becomes a record."""

    def __init__(
        self,
        operation: Operation,
        version: Version,
        mapping: DocumentMapping,
        header: Mapping[str, Any],
        name: str,
        address: str = "",
    ) -> None:
        self.operation = operation
        self._address = address  # "" where no WS-Addressing is spoken
        self.version = version
        self._mapping = mapping
        self._header = header
        self._name = name
        self._writer = MessageWriter(operation.input, version, name)
        output = operation.output
        self._answer = MessagePlan(output, PlanCompiler()) if output is not None else None
        self._answers = (
            frozenset(element.tag for element in output.body) if output is not None else frozenset()
        )

    def write(self, document: CanonicalDocument, facts: HeaderFacts, source: str) -> bytes:
        """Give the whole envelope. Errors: UnwritableError with everything that does not fit."""
        record, findings = self._mapping.write(document, MappingContext(source))
        refused = tuple(each for each in findings if each.level is Level.REJECTED)
        if refused:
            raise UnwritableError(refused)
        if self._header:
            words = facts.words()
            record[HEADER_KEY] = _filled(self._header, words)
        try:
            return self._writer.write(record, self._addressing(facts))
        except EncodeError as error:
            raise UnwritableError(error.findings) from error

    def _addressing(self, facts: HeaderFacts) -> str:
        """Write who asks what of whom. Source: WS-Addressing 1.0 Core, 3.2; the action: Metadata, 4.4.1."""
        if not self._address:
            return ""
        action = self.operation.input.action or self.operation.soap_action or self.operation.name
        return (
            f'<wsa:Action xmlns:wsa="{WSA}">{escape(action)}</wsa:Action>'
            f'<wsa:To xmlns:wsa="{WSA}">{escape(self._address)}</wsa:To>'
            f'<wsa:MessageID xmlns:wsa="{WSA}">{escape(message_id(facts.reference))}</wsa:MessageID>'
            f'<wsa:ReplyTo xmlns:wsa="{WSA}"><wsa:Address>{WSA}/anonymous</wsa:Address></wsa:ReplyTo>'
        )

    def read(self, envelope: Envelope) -> Record | None:
        """Give an answer's record; None where the message is not this operation's answer."""
        entries = envelope.entries
        if self._answer is None:
            return {}
        if not any(entry.tag in self._answers for entry in entries):
            return None
        return self._answer.read(entries, envelope.header)

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Give the transport's headers. Source: SOAP 1.1, 6.1.1; SOAP 1.2 part 2, 6.5.3."""
        action = self.operation.soap_action
        if self.version is Version.SOAP11:
            return (("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", f'"{action}"'))
        said = f'; action="{action}"' if action else ""
        return (("Content-Type", f"application/soap+xml; charset=utf-8{said}"),)


@dataclass(frozen=True, slots=True)
class Submission:
    """One document type: how it is submitted, and how it is looked up."""

    settings: CallOperation
    plan: CallPlan
    look_up: LookUp | None
    look_up_plan: CallPlan | None


@dataclass(frozen=True, slots=True)
class Orders:
    """How an order that the service has is read, and closed where it can be."""

    settings: CallOrders
    read: CallPlan
    close: CallPlan | None


@dataclass(frozen=True, slots=True)
class Client:
    """A service, ready to be called."""

    settings: Call
    submissions: Mapping[str, Submission]
    orders: Orders | None
    rules: AnswerRules
    version: Version
    operations_by_tag: Mapping[str, str]  # what stands in the Body -> operation

    @property
    def timeout_s(self) -> float:
        """Give how long one request may take as a whole."""
        return self.settings.timeout.total_seconds()


def message_id(reference: str) -> str:
    """Give the MessageID of what we send under a reference: the same for the same document."""
    return f"urn:legacy-bridge:{reference}"


def relates_elsewhere(envelope: Envelope, reference: str) -> bool:
    """Tell whether an answer says that it answers another message than the one of this reference."""
    said = [block for block in envelope.blocks if block.tag == f"{{{WSA}}}RelatesTo"]
    return any((block.text or "").strip() != message_id(reference) for block in said)


def _filled(template: Mapping[str, Any], words: Mapping[str, str]) -> Record:
    return {
        key: value.format_map(words) if isinstance(value, str) else _filled(value, words)
        for key, value in template.items()
    }
