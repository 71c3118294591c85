"""Reading a WSDL: zeep resolves it, we keep plain values, and zeep is never asked again.

zeep's own parsing takes wrong dates for none and unknown types for known ones, so it reads WSDLs only.
This file is blocking and slow (a second for a thousand types): call it in a thread, before serving.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from lxml import etree
from zeep import Settings
from zeep.exceptions import Error as ZeepError
from zeep.wsdl import Document
from zeep.wsdl.bindings.soap import Soap11Binding, Soap12Binding

from adapters.base.findings import DecodeError, Finding, Level, Position
from adapters.soap.catalogue_loader import BOUNDS, Catalogue
from adapters.soap.driver_types import TypeReader
from adapters.soap.schema_set import (
    WSDL,
    SchemaError,
    compile_schema,
    derivations,
    qualified,
    schema_documents,
)
from adapters.soap.types import ElementModel, GroupModel, TypeModel, local_name
from adapters.soap.wsdl import Message, Operation, Port, Version, Wsdl
from adapters.xml import parse_xml

# zeep logs at every address that it does not like, and a service's types at DEBUG.
logging.getLogger("zeep").setLevel(logging.ERROR)

_BINDINGS = {
    "http://schemas.xmlsoap.org/wsdl/soap/": Version.SOAP11,
    "http://schemas.xmlsoap.org/wsdl/soap12/": Version.SOAP12,
}


class WsdlError(Exception):
    """A WSDL cannot be served; ``finding`` says why and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def read_wsdl(path: Path) -> Wsdl:
    """Read a WSDL and everything that it imports from its folder.

    Errors: WsdlError with SOAP-IMPORT, SOAP-WSDL (it cannot be resolved), SOAP-NO-OPERATIONS, or the XML
    parser's codes.
    """
    catalogue = Catalogue(path.parent)
    address = catalogue.address(path.name)
    document, left_out = _resolved(catalogue, address, path.name)
    trees = {name: parse_xml(body, name, BOUNDS) for name, body in catalogue.loaded.items()}
    wsdl = _Builder(path.name, document, trees, catalogue, left_out).wsdl()
    if not any(port.operations for port in wsdl.ports):
        why = "; ".join(dict.fromkeys(left_out))[:600]
        text = "the WSDL has no operation in a SOAP 1.1 or 1.2 port; there is nothing to serve"
        text += f": {why}" if why else ""
        raise WsdlError(Finding("SOAP-NO-OPERATIONS", Position(path.name), text))
    return wsdl


def _resolved(catalogue: Catalogue, address: str, name: str) -> tuple[Any, list[str]]:
    """Give zeep's document, and what zeep left out of it: it warns, and goes on without the operation."""
    settings = Settings(
        strict=True,
        forbid_dtd=True,
        forbid_entities=True,
        # The catalogue is the wall: zeep's own would refuse the schemas that we ship, and opens any path.
        forbid_external=False,
        force_https=False,
        xml_huge_tree=False,
    )
    at = Position(name)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            document = Document(address, cast(Any, catalogue), settings=settings)
        return document, [_plain(str(each.message)) for each in warned if each.category is UserWarning]
    except DecodeError as error:
        raise WsdlError(error.finding) from error
    except RecursionError as error:
        text = "its types are nested too deeply to be resolved; a type's chain may have some 150 steps"
        raise WsdlError(Finding("SOAP-WSDL", at, text)) from error
    except (ZeepError, LookupError, ValueError, AttributeError, TypeError, AssertionError) as error:
        # zeep meets what a WSDL leaves out in many ways: a missing message is an AttributeError.
        raise WsdlError(Finding("SOAP-WSDL", at, f"the WSDL cannot be resolved: {_told(error)}")) from error


def _told(error: Exception) -> str:
    return _plain(str(error).strip() or type(error).__name__)


def _plain(text: str) -> str:
    return " ".join(text.replace("https://wsdl.invalid/", "").split())[:300]


@dataclass(slots=True)
class _BodyRule:
    """What the binding says of one message beyond what zeep keeps."""

    use: str = "literal"
    namespace: str = ""
    parts: tuple[str, ...] | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)  # (message QName, part)


class _Builder:
    def __init__(
        self,
        name: str,
        document: Any,
        trees: Mapping[str, etree._Element],
        catalogue: Catalogue,
        left_out: list[str],
    ) -> None:
        self._name = name
        self._document = document
        self._trees = trees
        self._catalogue = catalogue
        self._schemas = schema_documents(trees)
        self._types = TypeReader(document.types, derivations(self._schemas))
        self._rules = dict(_binding_rules(trees.values()))
        self._rpc: list[ElementModel] = []
        self._findings: list[Finding] = []
        for each in left_out:
            self._add("SOAP-WSDL", f"part of the WSDL is left out: {each}")

    def wsdl(self) -> Wsdl:
        ports = tuple(self._ports())
        self._check_ports({(port.service, port.name) for port in ports})
        schema = None
        try:
            schema = compile_schema(self._schemas, self._rpc, self._types.arrays)
        except SchemaError as error:
            self._add("SOAP-SCHEMA", f"the schemas do not compile, so no message can be checked: {error}")
        return Wsdl(
            self._name,
            ports,
            schema,
            self._types.named,
            {self._catalogue.name(address): body for address, body in self._catalogue.loaded.items()},
            (*self._findings, *self._types.findings(self._name)),
        )

    def _ports(self) -> Iterator[Port]:
        for service in self._document.services.values():
            for port in service.ports.values():
                binding = port.binding
                if isinstance(binding, Soap12Binding):
                    version = Version.SOAP12
                elif isinstance(binding, Soap11Binding):
                    version = Version.SOAP11
                else:
                    self._add("SOAP-PORT", f"port {port.name} is no SOAP port; it is not served", Level.NOTE)
                    continue
                operations = dict(self._operations(binding))
                address = str(port.binding_options.get("address") or "")
                yield Port(service.name, port.name, version, address, operations)

    def _check_ports(self, served: set[tuple[str, str]]) -> None:
        """Name each port that zeep has passed over, as it does where the binding is not there."""
        for root in self._trees.values():
            for service in root.iterfind(f"{{{WSDL}}}service"):
                for port in service.iterfind(f"{{{WSDL}}}port"):
                    is_soap = any(port.find(f"{{{namespace}}}address") is not None for namespace in _BINDINGS)
                    if is_soap and (service.get("name"), port.get("name")) not in served:
                        name, binding = port.get("name"), port.get("binding")
                        text = f"port {name} is not served: its binding {binding} cannot be used"
                        self._add("SOAP-PORT", text)

    def _operations(self, binding: Any) -> Iterator[tuple[str, Operation]]:
        for name, operation in binding._operations.items():
            rules = self._rules.get((local_name(str(binding.name)), name), {})
            try:
                yield name, self._operation(binding, operation, rules)
            except _UnsupportedError as error:
                self._add("SOAP-OPERATION", f"operation {name} is not served: {error}")

    def _operation(self, binding: Any, operation: Any, rules: Mapping[str, _BodyRule]) -> Operation:
        abstract = operation.abstract
        style = operation.style or "document"
        request = self._message(
            abstract.input_message, style, rules.get("input", _BodyRule()), operation.name
        )
        reply = None
        if abstract.output_message is not None:
            rule = rules.get("output", _BodyRule())
            # Source: WS-I Basic Profile 1.1, R2729: the wrapper is the operation's name with "Response".
            reply = self._message(abstract.output_message, style, rule, f"{operation.name}Response")
        if style != "rpc":
            style = _document_style(operation.name, request)
        return Operation(
            name=operation.name,
            style=style,
            soap_action=operation.soapaction or "",
            input=request,
            output=reply,
            faults=dict(self._faults(abstract)),
        )

    def _message(self, abstract: Any, style: str, rule: _BodyRule, wrapper: str) -> Message:
        declared = dict(abstract.parts) if abstract is not None else {}
        headers = []
        for message_name, part_name in rule.headers:
            message = self._document.messages.get(message_name)
            part = message.parts.get(part_name) if message is not None else None
            if part is None or part.element is None:
                raise _UnsupportedError(f"its header part '{part_name}' has no element")
            headers.append(self._types.element(part.element))
            if message is abstract:
                declared.pop(part_name, None)
        parts = {name: part for name, part in declared.items() if rule.parts is None or name in rule.parts}
        is_encoded = rule.use == "encoded"
        if style == "rpc":
            tag = f"{{{rule.namespace}}}{wrapper}" if rule.namespace else wrapper
            content = GroupModel("sequence", [self._part(name, part) for name, part in parts.items()])
            element = ElementModel(tag, wrapper, TypeModel(content=content))
            self._rpc.append(element)
            return Message((element,), tuple(headers), is_encoded)
        if any(part.element is None for part in parts.values()):
            raise _UnsupportedError(
                "a document-style body whose part names a type and no element cannot be told from others"
            )
        return Message(
            tuple(self._types.element(part.element) for part in parts.values()), tuple(headers), is_encoded
        )

    def _part(self, name: str, part: Any) -> ElementModel:
        if part.element is not None:
            return self._types.element(part.element)
        return ElementModel(name, name, self._types.type(part.type), is_nillable=True)

    def _faults(self, abstract: Any) -> Iterator[tuple[str, ElementModel]]:
        for name, message in abstract.fault_messages.items():
            for part in message.parts.values():
                if part.element is not None:
                    yield name, self._types.element(part.element)

    def _add(self, code: str, text: str, level: Level = Level.ERROR) -> None:
        finding = Finding(code, Position(self._name), text, level)
        if finding not in self._findings:
            self._findings.append(finding)


class _UnsupportedError(Exception):
    """Something in a WSDL that we cannot serve; the text says what."""


def _document_style(name: str, request: Message) -> str:
    """Tell wrapped from bare. Source: the wrapped convention: one part, whose element is the operation."""
    is_wrapped = len(request.body) == 1 and request.body[0].key == name and not request.body[0].type.kind
    return "wrapped" if is_wrapped else "bare"


def _binding_rules(
    trees: Any,
) -> Iterator[tuple[tuple[str, str], dict[str, _BodyRule]]]:
    """Give what each binding says of its operations' messages: zeep keeps neither use nor parts."""
    for root in trees:
        target = root.get("targetNamespace") or ""
        for binding in root.iterfind(f"{{{WSDL}}}binding"):
            for operation in binding.iterfind(f"{{{WSDL}}}operation"):
                rules = {
                    way: _body_rule(side, target)
                    for way in ("input", "output")
                    if (side := operation.find(f"{{{WSDL}}}{way}")) is not None
                }
                yield (binding.get("name") or "", operation.get("name") or ""), rules


def _body_rule(side: etree._Element, target: str) -> _BodyRule:
    rule = _BodyRule()
    for each in side.iter(etree.Element):
        if etree.QName(each).namespace not in _BINDINGS:
            continue
        match etree.QName(each).localname:
            case "body":
                rule.use = each.get("use") or "literal"
                rule.namespace = each.get("namespace") or ""
                parts = each.get("parts")
                rule.parts = tuple(parts.split()) if parts is not None else None
            case "header":
                rule.headers.append(
                    (qualified(each, each.get("message") or "", target), each.get("part") or "")
                )
    return rule
