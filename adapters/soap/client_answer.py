"""What an answer of a SOAP service means for a request: done, surely not done, or perhaps. Pure.

A typed fault is the service's own refusal. A fault that blames the message says that it was not processed
(SOAP 1.1, 4.4.1; SOAP 1.2 part 1, 5.4.6). Everything that may have come after the work is in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from adapters.base import (
    DecodeError,
    Effect,
    Finding,
    InDoubt,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Transient,
    TransientKind,
)
from adapters.mapping import Record
from adapters.mapping.records import getter, source_path
from adapters.soap.call_settings import FaultRules
from adapters.soap.envelope import Envelope, read_envelope
from adapters.soap.faults import FaultError
from adapters.soap.plan import PlanCompiler
from adapters.soap.types import ElementModel, local_name, namespace_of
from adapters.soap.wsdl import Version
from adapters.soap.wsse_names import WSSE, WSSE11
from adapters.xml import XmlBounds, parse_xml

BLAMES_MESSAGE = frozenset(
    {"Client", "Sender", "VersionMismatch", "MustUnderstand", "DataEncodingUnknown", "ProcedureNotPresent"}
)
NOT_THERE = frozenset({404, 405, 410})  # the service is not deployed there: nothing was done
FINDINGS_MAX = 100
TEXT_MAX = 300
HTML_SCANNED_BYTES = 64 * 1024
_LOG_IN = re.compile(rb"<html.*type\s*=\s*[\"']?password", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class TypedFault:
    """A fault whose detail the WSDL declares."""

    code: str
    text: str
    retryable: bool
    lines: tuple[tuple[str, str, str], ...] = ()  # line, code, text


@dataclass(frozen=True, slots=True)
class FoundFault:
    """A fault as it stands in a message. ``codes``: local names, the outermost first."""

    codes: tuple[str, ...]
    is_security: bool
    reason: str
    typed: TypedFault | None


class FaultReader:
    """Reads the faults that one service declares."""

    def __init__(self, rules: FaultRules, elements: Mapping[str, ElementModel]) -> None:
        compiler = PlanCompiler()
        self._rules = rules
        self._readers = {each.tag: compiler.element(each) for each in elements.values()}

    def read(self, envelope: Envelope) -> FoundFault | None:
        """Give the fault of a message, None where it is none."""
        fault = next(
            (each for each in envelope.entries if each.tag == f"{{{envelope.version.value}}}Fault"), None
        )
        if fault is None:
            return None
        if envelope.version is Version.SOAP11:
            codes = [fault.find("faultcode")]
            reason, detail = fault.findtext("faultstring"), fault.find("detail")
        else:
            codes = list(fault.iter(f"{{{envelope.version.value}}}Value"))
            reason = fault.findtext(f"{{*}}Reason/{{{envelope.version.value}}}Text")
            detail = fault.find(f"{{{envelope.version.value}}}Detail")
        named = [_qname(each) for each in codes if each is not None]
        names = tuple(part for name in named for part in local_name(name).split("."))
        is_security = any(namespace_of(name) in (WSSE, WSSE11) for name in named)
        return FoundFault(names, is_security, _plain(reason), self._typed(detail))

    def _typed(self, detail: etree._Element | None) -> TypedFault | None:
        for child in detail if detail is not None else ():
            reader = self._readers.get(child.tag)
            if reader is not None:
                record = reader(child)
                return self._fault_of(record if isinstance(record, dict) else {})
        return None

    def _fault_of(self, record: Record) -> TypedFault:
        rules = self._rules
        lines = _value(record, rules.lines)
        return TypedFault(
            code=_said(record, rules.code),
            text=_said(record, rules.text),
            retryable=_said(record, rules.retryable) == "true",
            lines=tuple(
                (_said(each, rules.line), _said(each, rules.code), _said(each, rules.text))
                for each in (lines if isinstance(lines, list) else ())[:FINDINGS_MAX]
                if isinstance(each, dict)
            ),
        )


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """How one service's answers are judged. ``place`` names the endpoint in findings."""

    place: str
    faults: FaultRules
    reader: FaultReader
    bounds: XmlBounds


def judge_answer(
    reply: Reply | NoReply, effect: Effect, rules: AnswerRules
) -> Outcome | Envelope | FoundFault:
    """Say what came back: an outcome, or a message that the caller must read. Faults come as they are."""
    if isinstance(reply, NoReply):
        return _unanswered(reply, effect)
    found = _envelope(reply, rules)
    if isinstance(found, Envelope):
        fault = rules.reader.read(found)
        if fault is not None:
            return fault
        if 200 <= reply.status < 300:
            return found
        return unknown(effect, f"status {reply.status} with a message that is no fault")
    return _by_status(reply, effect, rules, found)


def judge_fault(fault: FoundFault, effect: Effect, rules: AnswerRules) -> Outcome:
    """Say what a fault means for the request that it answers."""
    place = Position(rules.place)
    if fault.is_security:
        return Transient(f"the service refuses our credentials: {fault.reason}", TransientKind.CREDENTIAL)
    if fault.typed is not None:
        typed = fault.typed
        if typed.retryable or typed.code in rules.faults.busy:
            return Transient(f"the service says {typed.code or 'not now'}: {_plain(typed.text)}")
        return Rejected(_findings(typed, fault.reason, place))
    if any(code in BLAMES_MESSAGE for code in fault.codes):
        text = f"the service refuses the message: {fault.reason or '/'.join(fault.codes)}"
        return Rejected((Finding("LEGACY-FAULT", place, text),))
    if rules.faults.untyped == "not_done":
        return Transient(f"the service failed: {fault.reason}")
    return unknown(effect, f"the service failed, perhaps after the work: {fault.reason}")


def refusals(refused: Mapping[str, frozenset[str]], record: Record, place: str) -> tuple[Finding, ...]:
    """Give what an answer refuses by its fields. ``refused``: by path, the texts that do."""
    return tuple(
        Finding("LEGACY-REFUSED", Position(place, path=path), f"the service answers '{_said(record, path)}'")
        for path, texts in refused.items()
        if _said(record, path) in texts
    )


def unknown(effect: Effect, reason: str, kind: TransientKind = TransientKind.ERROR) -> Transient | InDoubt:
    """Say that nobody knows: harmless for a question and for what may be repeated, else a doubt."""
    return InDoubt(reason) if effect is Effect.WRITE else Transient(reason, kind)


def _envelope(reply: Reply, rules: AnswerRules) -> Envelope | str:
    """Give the message in an answer, or why there is none."""
    if not reply.body.strip():
        return "the answer is empty"
    try:
        return read_envelope(parse_xml(reply.body, rules.place, rules.bounds), rules.place)
    except DecodeError as error:
        return f"the answer is no SOAP message ({error.finding.code})"
    except FaultError as error:
        return f"the answer is no SOAP message ({error.fault.finding.code})"


def _unanswered(reply: NoReply, effect: Effect) -> Outcome:
    kind = TransientKind.CREDENTIAL if reply.kind == "credential" else TransientKind.OUTAGE
    if reply.written == "none":
        return Transient(reply.reason, kind)
    return unknown(effect, reply.reason, kind)


def _by_status(reply: Reply, effect: Effect, rules: AnswerRules, why: str) -> Outcome:
    """Judge an answer that is no SOAP message. Source: RFC 9110, section 15."""
    reason = f"status {reply.status}, {why}"
    wait_s = _retry_after_s(reply)
    match reply.status:
        case 401 | 403 | 407:
            return Transient(f"status {reply.status}: the credentials were refused", TransientKind.CREDENTIAL)
        case 301 | 307 | 308:
            return Transient(
                f"status {reply.status}: the service has moved; check the address", TransientKind.CREDENTIAL
            )
        case 429:
            return Transient(reason, TransientKind.THROTTLE, wait_s)
        case 503:
            return Transient(reason, TransientKind.OUTAGE, wait_s)
        case status if status in NOT_THERE:
            return Transient(f"status {status}: no service at this address", TransientKind.OUTAGE)
        case _ if _LOG_IN.search(reply.body[:HTML_SCANNED_BYTES]):
            return Transient("a log-in page came instead of an answer", TransientKind.CREDENTIAL)
        case 502 | 504:
            return unknown(effect, reason, TransientKind.OUTAGE)
        case status if 400 <= status < 500 and status not in (408, 425):
            return Rejected((Finding("LEGACY-STATUS", Position(rules.place), reason),))
        case _:
            return unknown(effect, reason)


def _retry_after_s(reply: Reply) -> float | None:
    text = (reply.header("Retry-After") or "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _findings(typed: TypedFault, reason: str, place: Position) -> tuple[Finding, ...]:
    told = typed.text or reason or "no reason given"
    whole = f"the service refuses it as {typed.code or 'a fault'}: {_plain(told)}"
    lines = [
        Finding(
            "LEGACY-LINE",
            Position(place.source, path=f"line {line}"),
            f"{code or typed.code}: {_plain(text) or _plain(told)}",
        )
        for line, code, text in typed.lines
    ]
    return (Finding("LEGACY-REFUSED", place, whole), *lines)


def _qname(element: etree._Element) -> str:
    prefix, _, local = (element.text or "").strip().rpartition(":")
    return f"{{{element.nsmap.get(prefix or None) or ''}}}{local}"


def value_at(record: Record, path: str | None) -> object:
    """Give what stands at a path of a record, None where nothing does."""
    return _value(record, path)


def said_at(record: Record, path: str | None) -> str:
    """Give the text at a path of a record, "" where there is none."""
    return _said(record, path)


def _value(record: Record, path: str | None) -> object:
    return getter(source_path(path))(record) if path is not None else None


def _said(record: Record, path: str | None) -> str:
    found = _value(record, path)
    return found.strip() if isinstance(found, str) else ""


def _plain(text: object) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(text or "")).split())[:TEXT_MAX]
