"""A WSDL ready to serve: which operation a message is for, its compiled plans, its schema. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from lxml import etree

from adapters.base.findings import Finding, Position
from adapters.mapping import Record
from adapters.soap.attachments import ATTACHMENTS_KEY, Package
from adapters.soap.encoded import decoded
from adapters.soap.envelope import Envelope
from adapters.soap.faults import Blame, Fault, FaultError, refused
from adapters.soap.plan import MessagePlan, PlanCompiler
from adapters.soap.reply import ElementWriter, MessageWriter
from adapters.soap.types import local_name
from adapters.soap.wsdl import Message, Operation, Port, Version, Wsdl
from adapters.xml import element_path

PROBLEMS_MAX = 20


@dataclass(frozen=True, slots=True)
class Called:
    """A message whose operation is known. ``entries``: what the schema judges and the plan reads."""

    operation: Operation
    version: Version
    entries: tuple[etree._Element, ...]
    header: etree._Element | None


class Service:
    """One WSDL, compiled on demand and once. It may be used in any thread, one message at a time."""

    def __init__(self, wsdl: Wsdl) -> None:
        self.wsdl = wsdl
        self._compiler = PlanCompiler()
        self._plans: dict[int, MessagePlan] = {}
        self._writers: dict[tuple[int, Version], MessageWriter] = {}
        self._details: dict[int, ElementWriter] = {}
        self._by_tag = {version: dict(_by_tag(wsdl.ports, version)) for version in Version}

    def call(self, envelope: Envelope, actions: Iterable[str], source: str) -> Called:
        """Find the operation: by what stands in the Body; an action only tells several apart.

        Errors: FaultError SOAP-VERSION, SOAP-OPERATION-UNKNOWN, SOAP-AMBIGUOUS, or those of SOAP encoding.
        """
        known = self._by_tag[envelope.version]
        if not known:
            other = next(version for version in Version if self._by_tag[version])
            text = f"this service is bound to {other.name} only"
            raise FaultError(Fault(Blame.VERSION, Finding("SOAP-VERSION", Position(source), text), text))
        entries = envelope.entries
        entry = next((each for each in entries if each.tag in known), entries[0] if entries else None)
        found = known.get(str(entry.tag) if entry is not None else "", [])
        wanted = {action.strip().strip("\"'") for action in actions}
        if len(found) > 1:
            found = [each for each in found if each.soap_action in wanted or each.name in wanted]
            if len(found) != 1:
                text = "several operations take this body, and the SOAPAction names none of them"
                raise refused("SOAP-AMBIGUOUS", source, text)
        if not found:
            shown = f"'{local_name(str(entry.tag))[:80]}'" if entry is not None else "nothing"
            text = f"the Body holds {shown}, which no operation of this service takes"
            raise refused("SOAP-OPERATION-UNKNOWN", source, text)
        operation = found[0]
        if operation.input.is_encoded and entry is not None:
            entries = [decoded(entry, operation.input.body[0], envelope.body, source)]
        return Called(operation, envelope.version, tuple(entries), envelope.header)

    def problems(self, called: Called, message: Message, source: str) -> list[Finding]:
        """Give what the schema has against a message: its body, and the header blocks that are declared."""
        expected = [element.tag for element in message.body]
        found = [str(entry.tag) for entry in called.entries]
        problems: list[Finding] = []
        if sorted(found) != sorted(expected):
            names = ", ".join(local_name(tag) for tag in expected) or "nothing"
            text = f"the Body holds {len(found)} elements; expected {names}"
            problems.append(Finding("SOAP-INVALID", Position(source, path="/Envelope/Body"), text))
        for entry in called.entries:
            if entry.tag in expected:
                problems += self._invalid(entry, source)
        declared = {element.tag for element in message.headers}
        for block in called.header if called.header is not None else ():
            if block.tag in declared:
                problems += self._invalid(block, source)
        return problems

    def record(self, called: Called, message: Message, package: Package | None = None) -> Record:
        """Give what a mapping reads of a message."""
        record = self._plan(message).read(called.entries, called.header)
        if package is not None and package.attachments:
            record[ATTACHMENTS_KEY] = [part.to_record() for part in package.attachments.values()]
        return record

    def writer(self, message: Message, version: Version) -> MessageWriter:
        """Give the compiled writing of a message."""
        key = (id(message), version)
        if key not in self._writers:
            self._writers[key] = MessageWriter(message, version, self.wsdl.name)
        return self._writers[key]

    def detail(self, operation: Operation, fault: str) -> ElementWriter:
        """Give the compiled writing of a declared fault's detail. Errors: KeyError."""
        element = operation.faults[fault]
        if id(element) not in self._details:
            self._details[id(element)] = ElementWriter(element, self.wsdl.name)
        return self._details[id(element)]

    def _plan(self, message: Message) -> MessagePlan:
        if id(message) not in self._plans:
            self._plans[id(message)] = MessagePlan(message, self._compiler)
        return self._plans[id(message)]

    def _invalid(self, element: etree._Element, source: str) -> Iterator[Finding]:
        schema = self.wsdl.schema
        if schema is None or schema.validate(element):
            return
        for error in schema_errors(schema):
            place = _placed(element, error.path)
            at = Position(source, error.line or None, path=element_path(place))
            yield Finding("SOAP-INVALID", at, plain_message(error.message))


def schema_errors(schema: etree.XMLSchema) -> list[Any]:
    """Give what a schema had against what it judged last, as lxml's log entries, the first ones only."""
    log: Iterable[Any] = cast(Any, schema.error_log)  # the stubs know nothing of its entries
    return list(log)[:PROBLEMS_MAX]


def _by_tag(ports: Iterable[Port], version: Version) -> Iterator[tuple[str, list[Operation]]]:
    found: dict[str, list[Operation]] = {}
    for port in ports:
        if port.version is version:
            for operation in port.operations.values():
                tag = operation.input.body[0].tag if operation.input.body else ""
                names = [each.name for each in found.setdefault(tag, [])]
                if operation.name not in names:
                    found[tag].append(operation)
    yield from found.items()


def _placed(element: etree._Element, path: str | None) -> etree._Element:
    """Give the element that libxml2 speaks of: its path counts from the element that was validated."""
    steps = (path or "").strip("/").split("/")[1:]
    place = element
    for step in steps:
        name, _, number = step.partition("[")
        named = [
            child
            for child in place.iterchildren(etree.Element)
            if name == "*" or local_name(child.tag) == name.rpartition(":")[2]
        ]
        index = int(number.rstrip("]")) - 1 if number else 0
        if not 0 <= index < len(named):
            break
        place = named[index]
    return place


_HEAD = re.compile(r"(Element '[^']*'(?:, attribute '[^']*')?): (.*)", re.DOTALL)
_VALUE = re.compile(r"^'.*' is not (?=a valid|accepted|an element)", re.DOTALL)
_FACET_VALUE = re.compile(r"The value '.*?'( is| has| exceeds)", re.DOTALL)
_NAMESPACE = re.compile(r"\{[^{}]*\}")


def plain_message(message: str) -> str:
    """Give libxml2's word about a message without the value that it quotes: it may be a price or a name."""
    parts = _HEAD.match(message)
    if parts is None:
        return " ".join(_NAMESPACE.sub("", message).split())[:500]
    head, rest = _NAMESPACE.sub("", parts[1]), parts[2]
    rest = _FACET_VALUE.sub(r"the value\1", rest) if rest.startswith("[facet") else rest
    rest = _VALUE.sub("the value is not ", rest)
    return " ".join(f"{head}: {rest}".split())[:500]
