"""An endpoint's `call`, compiled against its WSDL and mappings, or all that does not fit at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from adapters.base import Finding, Library, Position
from adapters.base.registry import EndpointError
from adapters.base.yaml import YamlError
from adapters.mapping import Mapping as DocumentMapping
from adapters.mapping import MappingError, SourceField, crosswalk_words
from adapters.mapping.records import declared, leaves, path_text, source_path
from adapters.soap.call_settings import Call, CallOperation, CallOrders, LookUp, OrderCall
from adapters.soap.client import CallPlan, Client, HeaderFacts, Orders, Submission, UnwritableError
from adapters.soap.client_answer import AnswerRules, FaultReader
from adapters.soap.orders import order_asked_for
from adapters.soap.plan import message_fields
from adapters.soap.wsdl import Operation, Port, Wsdl
from adapters.xml import XmlBounds

ORDER_CHANGE = "order_change"
PLACING = ("purchase_order", "requisition")
LINE_PATHS = ("line", "quantity", "unit", "price", "received", "invoiced")


class ClientError(EndpointError):
    """An endpoint's `call` does not fit its WSDL or mappings; all reasons at once."""


def compile_client(name: str, call: Call, wsdl: Wsdl, library: Library) -> Client:
    """Compile an endpoint's `call`. Errors: ClientError with all findings."""
    port = _port(name, call, wsdl)
    compiler = _Compiler(name, call, port, library)
    submissions, orders = compiler.submissions(), compiler.orders()
    for query in sorted(call.queries - set(port.operations)):
        compiler.no_operation(query, f"{name}.call.queries")
    if compiler.findings:
        raise ClientError(tuple(compiler.findings))
    faults = {key: each for op in port.operations.values() for key, each in op.faults.items()}
    bounds = XmlBounds(size_bytes_max=call.reply_bytes_max)
    tags = {each.tag: op.name for op in port.operations.values() for each in op.input.body[:1]}
    rules = AnswerRules(name, call.faults, FaultReader(call.faults, faults), bounds)
    return Client(call, submissions, orders, rules, port.version, tags)


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

    def orders(self) -> Orders | None:
        """Give how an order that is there is read and closed; None where nothing is declared of it."""
        settings = self._call.orders
        if settings is None:
            return None
        place = f"{self._name}.call.orders"
        read = self._plan(settings.read, ORDER_CHANGE, f"{place}.read")
        close = self._plan(settings.close, ORDER_CHANGE, f"{place}.close") if settings.close else None
        for document_type in PLACING:
            placing = self._call.operations.get(document_type)
            if placing is not None and placing.number is None:
                text = (
                    "orders are read and closed by the number that the service gave them: say where its "
                    "answer has it (number: PATH)"
                )
                self._add(f"{self._name}.call.operations.{document_type}", text)
        if read is None:
            return None
        self._paths_are_there(settings, read, place)
        self._number_is_enough(read, f"{place}.read")
        return Orders(settings, read, close)

    def _paths_are_there(self, settings: CallOrders, read: CallPlan, place: str) -> None:
        """Find each path in what the operation answers, those of lines in a line."""
        answer = read.operation.output
        fields = message_fields(answer) if answer is not None else ()
        for key in ("number", "state", "lines"):
            self._is_there(fields, getattr(settings, key), f"{place}.{key}")
        lines = declared(fields, source_path(settings.lines)) if settings.lines is not None else None
        for key in LINE_PATHS if lines is not None else ():
            self._is_there(
                lines.fields if lines is not None else (), getattr(settings, key), f"{place}.{key}"
            )

    def _is_there(self, fields: Sequence[SourceField], path: str | None, place: str) -> None:
        if path is None or declared(fields, source_path(path)) is not None:
            return
        known = ", ".join(sorted(path_text(steps) for steps, _ in leaves(fields)))
        self._add(place, f"the answer has no '{path}' here; it has: {known or 'nothing'}")

    def _number_is_enough(self, read: CallPlan, place: str) -> None:
        """Try whether an order can be asked for by its number, which is all that is known of it then."""
        facts = HeaderFacts("0", datetime(2026, 1, 1, tzinfo=UTC), "", "", "", is_test=False)
        try:
            read.write(order_asked_for("0"), facts, place)
        except UnwritableError as error:
            told = "; ".join(finding.text for finding in error.findings)
            self._add(place, f"the request cannot be written of an order's number alone: {told}")

    def no_operation(self, name: str, place: str) -> None:
        """Tell of an operation that is not there."""
        known = ", ".join(sorted(self._port.operations))
        self._add(place, f"port {self._port.name} has no operation '{name}'; there are: {known}")

    def _plan(
        self, settings: CallOperation | LookUp | OrderCall, document_type: str, place: str
    ) -> CallPlan | None:
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
