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

from adapters.base import EncodeError, Finding, Level, Library, Position
from adapters.base.registry import EndpointError
from adapters.base.yaml import YamlError
from adapters.mapping import Mapping as DocumentMapping
from adapters.mapping import MappingContext, MappingError, Record, crosswalk_words
from adapters.soap.call_settings import Call, CallOperation, LookUp
from adapters.soap.client_answer import AnswerRules, FaultReader
from adapters.soap.envelope import Envelope
from adapters.soap.plan import HEADER_KEY, MessagePlan, PlanCompiler, message_fields
from adapters.soap.reply import MessageWriter
from adapters.soap.wsdl import Operation, Port, Version, Wsdl
from adapters.soap.wsse_names import WSA
from adapters.xml import XmlBounds
from canonical.document import CanonicalDocument


class ClientError(EndpointError):
    """An endpoint's `call` does not fit its WSDL or mappings; all reasons at once."""


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
class Client:
    """A service, ready to be called."""

    settings: Call
    submissions: Mapping[str, Submission]
    rules: AnswerRules
    version: Version
    operations_by_tag: Mapping[str, str]  # what stands in the Body -> operation


def compile_client(name: str, call: Call, wsdl: Wsdl, library: Library) -> Client:
    """Compile an endpoint's `call`. Errors: ClientError with all findings."""
    port = _port(name, call, wsdl)
    compiler = _Compiler(name, call, port, library)
    submissions = compiler.submissions()
    for query in sorted(call.queries - set(port.operations)):
        compiler.no_operation(query, f"{name}.call.queries")
    if compiler.findings:
        raise ClientError(tuple(compiler.findings))
    faults = {key: each for op in port.operations.values() for key, each in op.faults.items()}
    bounds = XmlBounds(size_bytes_max=call.reply_bytes_max)
    tags = {each.tag: op.name for op in port.operations.values() for each in op.input.body[:1]}
    rules = AnswerRules(name, call.faults, FaultReader(call.faults, faults), bounds)
    return Client(call, submissions, rules, port.version, tags)


def _port(name: str, call: Call, wsdl: Wsdl) -> Port:
    found = next((port for port in wsdl.ports if call.port in (None, port.name)), None)
    if found is None:
        known = ", ".join(port.name for port in wsdl.ports)
        text = f"the WSDL has no port '{call.port}'; there are: {known}"
        raise ClientError((Finding("SOAP-CALL", Position(f"{name}.call.port"), text),))
    return found


class _Compiler:
    """One compiling: collects everything that does not fit."""

    def __init__(self, name: str, call: Call, port: Port, library: Library) -> None:
        self._name = name
        self._call = call
        self._port = port
        self._library = library
        self.findings: list[Finding] = []

    def submissions(self) -> dict[str, Submission]:
        """Give what each document type becomes."""
        made: dict[str, Submission] = {}
        for document_type, settings in self._call.operations.items():
            place = f"{self._name}.call.operations.{document_type}"
            plan = self._plan(settings, document_type, place)
            asked = settings.look_up
            look_up = self._plan(asked, document_type, f"{place}.look_up") if asked is not None else None
            if plan is not None:
                made[document_type] = Submission(settings, plan, asked, look_up)
        return made

    def no_operation(self, name: str, place: str) -> None:
        """Tell of an operation that is not there."""
        known = ", ".join(sorted(self._port.operations))
        self._add(place, f"port {self._port.name} has no operation '{name}'; there are: {known}")

    def _plan(self, settings: CallOperation | LookUp, document_type: str, place: str) -> CallPlan | None:
        operation = self._port.operations.get(settings.operation)
        if operation is None:
            self.no_operation(settings.operation, place)
            return None
        mapping = self._mapping(settings.mapping, operation, document_type, place)
        declared = {element.key for element in operation.input.headers}
        for key in sorted(set(self._call.header) - declared):
            self._add(place, f"operation {operation.name} declares no header '{key}'")
        if mapping is None:
            return None
        name = f"{self._port.service}.{operation.name}"
        address = self._call.address if self._call.addressing else ""
        return CallPlan(operation, self._port.version, mapping, self._call.header, name, address)

    def _mapping(
        self, name: str, operation: Operation, document_type: str, place: str
    ) -> DocumentMapping | None:
        text = self._library.mappings.get(name)
        if text is None:
            self._add(place, f"there is no mapping '{name}' under mappings:")
            return None
        try:
            words = crosswalk_words(text.text, text.file)
            mapping = DocumentMapping.load(text.text, text.file, message_fields(operation.input))
        except (MappingError, YamlError) as error:
            self.findings.extend(error.findings)
            return None
        if words:
            told = (
                f"mapping '{name}' asks code tables ({', '.join(sorted(words))}), which are not there when a "
                "request is written; translate the codes where the document is read"
            )
            self._add(place, told)
        if mapping.document_type != document_type or mapping.direction == "read":
            self._add(place, f"mapping '{name}' does not write documents of type {document_type}")
        return mapping

    def _add(self, place: str, text: str) -> None:
        self.findings.append(Finding("SOAP-CALL", Position(place), text))


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
