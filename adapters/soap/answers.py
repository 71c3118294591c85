"""What a caller of the facade is told: replies in the WSDL's own types, faults in both versions. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.base.facade import FacadeAnswer
from adapters.base.findings import DecodeError, Finding, Position
from adapters.base.formats import EncodeError
from adapters.base.transport import Reply
from adapters.mapping import Record
from adapters.soap.addressing import NOT_ADDRESSED, Addressing, reply_headers
from adapters.soap.config import Replies
from adapters.soap.faults import Blame, Fault, FaultError, fault_status, write_fault
from adapters.soap.receive import opened
from adapters.soap.service import Called, Service, schema_errors
from adapters.soap.templates import Moment, compile_template
from adapters.soap.types import TEXT_KEY, local_name
from adapters.soap.wsdl import Message, Operation, Version
from adapters.xml import parse_xml

_FAULT_ACTION = "http://www.w3.org/2005/08/addressing/fault"
_COMPARED_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What answering needs of a request."""

    version: Version
    addressing: Addressing = NOT_ADDRESSED
    record: Record | None = None


class OperationAnswers:
    """The answers of one route's operation. Errors of the constructor: AnswerError."""

    def __init__(
        self, service: Service, operation: Operation, replies: Replies, needed: frozenset[str]
    ) -> None:
        self._service = service
        self._operation = operation
        self._fills: dict[str, Callable[[Moment], Record]] = {}
        for word in ("accepted", "delivered", "pending"):
            template = getattr(replies, word)
            if template is not None:
                self._fills[word] = compile_template(template)
            elif word in needed and operation.output is not None and operation.output.body:
                raise AnswerError(
                    f"replies.{word} is needed: {operation.name} answers with fields of its own"
                )
        self._fault = replies.fault
        self._fault_fill = compile_template(replies.fault.fields) if replies.fault is not None else None
        if replies.fault is not None and replies.fault.name not in operation.faults:
            known = ", ".join(sorted(operation.faults)) or "none"
            raise AnswerError(
                f"replies.fault.name: {operation.name} has no fault '{replies.fault.name}'; it has {known}"
            )

    def reply(
        self, asked: Asked, word: str, words: Mapping[str, str], reply: Reply | None = None
    ) -> FacadeAnswer:
        """Write an answer of the operation; a fault of ours where it cannot be written as the schema asks."""
        output = self._operation.output
        if output is None:
            return FacadeAnswer(202, b"", asked.version.content_type)
        fill = self._fills.get(word)
        record: Record = {}
        if fill is not None:
            record = fill(Moment(words, asked.record or {}, _json_of(reply)))
        elif output.body:
            text = f"replies.{word} says nothing, and {self._operation.name} answers with fields of its own"
            return self._broken(asked, [Finding("SOAP-REPLY", Position(self._operation.name), text)])
        return self.written(asked, output, record, words.get("message_id", ""))

    def written(self, asked: Asked, output: Message, record: Record, message_id: str) -> FacadeAnswer:
        """Write a record as the operation's answer, judged by the schema before it goes out."""
        headers = reply_headers(asked.addressing, self._action(output), message_id)
        try:
            body = self._service.writer(output, asked.version).write(record, headers)
            problems = self._problems(body, output, asked.version)
        except (EncodeError, DecodeError) as error:
            problems = list(error.findings) if isinstance(error, EncodeError) else [error.finding]
            body = b""
        if problems:
            return self._broken(asked, problems)
        return FacadeAnswer(200, body, f"{asked.version.content_type}; charset=utf-8")

    def fault(self, asked: Asked, fault: Fault, words: Mapping[str, str]) -> FacadeAnswer:
        """Write a fault, with the operation's own detail where the route has a template for it."""
        detail = fault.detail
        finding = None
        if self._fault is not None and self._fault_fill is not None and not detail:
            said = {"code": fault.finding.code, "text": fault.finding.text, **words}
            try:
                record = self._fault_fill(Moment(said, asked.record or {}))
                detail = self._service.detail(self._operation, self._fault.name).write(record)
            except EncodeError as error:
                finding = error.findings[0]
        told = Fault(fault.blame, fault.finding, fault.reason, fault.subcode, detail, fault.not_understood)
        answer = fault_answer(told, asked)
        return FacadeAnswer(answer.status, answer.body, answer.content_type, answer.headers, finding)

    def compare(self, legacy: Reply, cloud: Reply) -> tuple[Finding, ...]:
        """Say which fields of the cloud's answer, put into this operation's form, legacy says otherwise."""
        output, fill = self._operation.output, self._fills.get("delivered")
        if output is None or fill is None:
            return ()
        name = self._operation.name
        try:
            found = opened(legacy.body, name, size_bytes_max=_COMPARED_BYTES_MAX)
        except FaultError as error:
            return (error.fault.finding,)
        called = Called(self._operation, found.envelope.version, tuple(found.envelope.entries), None)
        if any(local_name(str(entry.tag)) == "Fault" for entry in called.entries):
            text = "legacy answered with a fault, and the cloud did not"
            return (Finding("SHADOW-DIFFERS", Position(name), text),)
        theirs = self._service.record(called, output)
        ours = fill(Moment({}, {}, _json_of(cloud)))
        return tuple(
            Finding("SHADOW-DIFFERS", Position(name, path=path), "the cloud's answer says something else")
            for path in differences(theirs, ours)
        )

    def _problems(self, body: bytes, output: Message, version: Version) -> list[Finding]:
        schema = self._service.wsdl.schema
        if schema is None or output.is_encoded:
            return []  # encoded messages carry types and references that no schema knows
        root = parse_xml(body, self._operation.name)
        holder = root.find(f"{{{version.value}}}Body")
        found: list[Finding] = []
        for entry in holder if holder is not None else ():
            if not schema.validate(entry):
                found += [
                    Finding("SOAP-REPLY", Position(self._operation.name), error.message)
                    for error in schema_errors(schema)
                ]
        return found

    def _broken(self, asked: Asked, problems: list[Finding]) -> FacadeAnswer:
        finding = problems[0]
        text = "the request was taken, but its answer cannot be written in this service's form"
        fault = Fault(Blame.RECEIVER, Finding("SOAP-REPLY", Position(self._operation.name), text))
        answer = fault_answer(fault, asked)
        return FacadeAnswer(answer.status, answer.body, answer.content_type, answer.headers, finding)

    def _action(self, output: Message) -> str:
        return output.action or f"{self._operation.soap_action or self._operation.name}Response"


class AnswerError(Exception):
    """A route's answers do not fit its operation; the text says which and why."""


def differences(theirs: object, ours: object, path: str = "") -> Iterator[str]:
    """Give the paths at which ours says something and theirs says otherwise; numbers compare as numbers."""
    match ours:
        case dict():
            for key, value in ours.items():
                below = theirs.get(key) if isinstance(theirs, dict) else None
                yield from differences(below, value, f"{path}.{key}".lstrip("."))
        case list():
            entries = theirs if isinstance(theirs, list) else []
            if len(entries) != len(ours):
                yield path
            for index, (one, other) in enumerate(zip(entries, ours, strict=False), start=1):
                yield from differences(one, other, f"{path}[{index}]")
        case _ if _number(theirs) != _number(ours):
            yield path


def _number(value: object) -> object:
    if isinstance(value, dict) and TEXT_KEY in value:
        value = value[TEXT_KEY]
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value


def fault_answer(fault: Fault, asked: Asked, status: int | None = None) -> FacadeAnswer:
    """Write a fault in the version that was asked in."""
    headers = reply_headers(asked.addressing, _FAULT_ACTION, "")
    return FacadeAnswer(
        status or fault_status(fault, asked.version),
        write_fault(fault, asked.version, headers),
        f"{asked.version.content_type}; charset=utf-8",
    )


def _json_of(reply: Reply | None) -> Record:
    """Give a target's JSON answer as a record, empty for anything else."""
    if reply is None or len(reply.body) > 1024 * 1024:
        return {}
    try:
        found: Any = json.loads(reply.body, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
