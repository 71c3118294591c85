"""What a caller of the facade is told: replies in the WSDL's own types, faults in both versions. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from adapters.base.facade import FacadeAnswer
from adapters.base.findings import DecodeError, Finding, Position
from adapters.base.formats import EncodeError
from adapters.base.transport import Reply
from adapters.mapping import Record
from adapters.soap.addressing import Addressing, reply_headers
from adapters.soap.config import Replies
from adapters.soap.faults import Blame, Fault, fault_status, write_fault
from adapters.soap.service import Service
from adapters.soap.templates import Moment, compile_template
from adapters.soap.wsdl import Message, Operation, Version
from adapters.xml import parse_xml

_FAULT_ACTION = "http://www.w3.org/2005/08/addressing/fault"
_SUBJECTS_MAX = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What answering needs of a request."""

    version: Version
    addressing: Addressing = Addressing()
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

    def _problems(self, body: bytes, output: Message, version: Version) -> list[Finding]:
        schema = self._service.wsdl.schema
        if schema is None or output.is_encoded:
            return []  # encoded messages carry types and references that no schema knows
        root = parse_xml(body, self._operation.name)
        holder = root.find(f"{{{version.value}}}Body")
        found: list[Finding] = []
        for entry in holder if holder is not None else ():
            if isinstance(entry, etree._Element) and not schema.validate(entry):
                found += [
                    Finding("SOAP-REPLY", Position(self._operation.name), error.message)
                    for error in list(schema.error_log)[:_SUBJECTS_MAX]
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
