"""The facade: a legacy WSDL served so that its clients notice nothing. Pure.

Everything is judged before the gateway takes a request: form, sender, header blocks, operation, schema.
A request that goes on to legacy unchanged is judged for form and sender only; the rest is legacy's to judge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import Message as Headers

from lxml import etree

from adapters.base.facade import (
    Admitted,
    CallOutcome,
    Denied,
    FacadeAnswer,
    FacadeCall,
    IsInDoubt,
    IsPending,
    Once,
    WasAccepted,
    WasDelivered,
    WasRefused,
    WasReplayed,
    WasUnavailable,
)
from adapters.base.findings import DecodeError, Finding, Position
from adapters.base.registry import FacadeRoute, FacadeSetup
from adapters.base.transport import Reply
from adapters.mapping import Record
from adapters.mapping.records import getter, source_path
from adapters.soap.addressing import ID_CHARACTERS_MAX, UNDERSTOOD, Addressing, read_addressing
from adapters.soap.answers import AnswerError, Asked, OperationAnswers, fault_answer
from adapters.soap.config import Replies, Serve, SoapEndpoint, SoapRoute
from adapters.soap.envelope import Envelope, check_understood
from adapters.soap.faults import Blame, Fault, FaultError, refused
from adapters.soap.format import service_of
from adapters.soap.receive import Opened, Received, opened, received, with_parts_in_place
from adapters.soap.types import namespace_of
from adapters.soap.wsdl import Version
from adapters.soap.wsdl_pages import WsdlPages
from adapters.soap.wsse import REPLAY, SecurityFault, Verified, Verifier, verifier
from adapters.soap.wsse_names import WSSE
from adapters.xml import Keep

CONTENT_TYPES = frozenset(
    {"text/xml", "application/soap+xml", "application/xml", "application/xop+xml", "multipart/related"}
)
_KEPT_HEADERS = ("SOAPAction", "MIME-Version")
REMEMBERED = timedelta(days=30)  # how long a MessageID is known with its content
_NEEDED = {"accepted": {"accepted"}, "wait": {"delivered", "pending"}, "query": {"delivered"}}


@dataclass(frozen=True, slots=True)
class _State:
    """What the facade keeps of an admitted request, for its answer."""

    route: str
    asked: Asked


class FacadeSetupError(Exception):
    """A facade cannot be built; the text says why, for whoever wrote the configuration."""


class SoapFacade:
    """One endpoint's WSDL under one path."""

    takes_options = False

    def __init__(self, setup: FacadeSetup) -> None:
        settings = setup.endpoint.settings
        if not isinstance(settings, SoapEndpoint) or settings.serve is None:
            raise FacadeSetupError(f"endpoint '{setup.endpoint.name}' is not served; it needs serve: path")
        serve: Serve = settings.serve
        self.name = setup.endpoint.name
        self.paths: tuple[str, ...] = (serve.path,)
        self.size_bytes_max = min(serve.body_bytes_max, setup.size_bytes_max)
        self._service = service_of(settings.wsdl)
        if self._service.wsdl.schema is None:
            told = "; ".join(str(each) for each in self._service.wsdl.findings)
            raise FacadeSetupError(f"{settings.wsdl} cannot be served: {told}")
        self._pages = WsdlPages(self._service.wsdl, serve.path)
        self._verifier: Verifier | None = None
        if serve.security is not None:
            self._verifier = verifier(serve.security, setup.endpoint.secret)
        self._message_id = getter(source_path(serve.message_id)) if serve.message_id is not None else None
        self._routes = self._by_operation(setup.routes)
        self._answers = {route.route: self._answers_of(name, route) for name, route in self._routes.items()}

    def look(self, call: FacadeCall) -> FacadeAnswer | Denied:
        """Give the WSDL (``?wsdl``) or one of its schemas (``?xsd=NAME``), with our address in it."""
        return self._pages.page(call)

    def admit(self, call: FacadeCall) -> Admitted | Denied:
        """Judge a request."""
        asked = Asked(_version_of(call))
        route = ""
        try:
            found = self._opened(call)
            asked = Asked(found.envelope.version)
            verified = self._verified(found, call)
            envelope = found.envelope if verified is None else _judged(found.envelope, verified)
            addressing = read_addressing(envelope, call.path)
            asked = Asked(envelope.version, addressing)
            found = with_parts_in_place(Opened(envelope, found.package), call.path, self.size_bytes_max)
            request = received(self._service, found, _actions(call, addressing), call.path)
            operation = request.called.operation.name
            served = self._routes.get(operation)
            if served is None:
                text = f"operation {operation} is not served yet: no route takes it"
                raise refused("SOAP-NO-ROUTE", call.path, text, Blame.RECEIVER)
            route = served.route
            if route not in call.passes_on:
                self._judge(request, envelope, call)
            record = self._record(request, is_lenient=route in call.passes_on)
            asked = Asked(envelope.version, addressing, record)
            return self._admitted(call, served, asked, envelope, verified, found)
        except FaultError as error:
            return Denied(error.fault.finding, self._fault(route, asked, error.fault), route)

    def answer(self, admitted: Admitted, outcome: CallOutcome) -> FacadeAnswer:
        """Word what became of a request."""
        if not isinstance(admitted.state, _State):
            raise TypeError("this request was not admitted by this facade")
        asked, answers = admitted.state.asked, self._answers[admitted.route]
        match outcome:
            case WasAccepted(message_id):
                return answers.reply(asked, "accepted", {"message_id": message_id})
            case WasDelivered(message_id, references, reply):
                reference = next((number for number in references.values() if number), "")
                words = {"message_id": message_id, "reference": reference}
                return answers.reply(asked, "delivered", words, reply)
            case IsPending(message_id):
                return answers.reply(asked, "pending", {"message_id": message_id})
            case WasRefused(message_id, findings):
                return answers.fault(asked, _refusal(findings, admitted.route), _words(message_id))
            case IsInDoubt(message_id):
                return answers.fault(asked, _in_doubt(message_id, admitted.route), _words(message_id))
            case WasReplayed(once):
                subcode = f"{{{WSSE}}}FailedAuthentication" if once.finding.code == REPLAY else ""
                return answers.fault(asked, Fault(Blame.SENDER, once.finding, subcode=subcode), {})
            case WasUnavailable(finding, status):
                fault = Fault(Blame.RECEIVER, finding)
                answer = answers.fault(asked, fault, {})
                return replace(answer, status=status if status >= 500 else answer.status)

    def compare(self, route: str, legacy: Reply, cloud: Reply) -> tuple[Finding, ...]:
        """Say where legacy's answer and the one that a caller would have got from the cloud differ."""
        answers = self._answers.get(route)
        return answers.compare(legacy, cloud) if answers is not None else ()

    def refusal(self, call: FacadeCall, finding: Finding, status: int) -> FacadeAnswer:
        """Word what the gateway refuses by itself: a body too large, a certificate that is not known."""
        blame = Blame.RECEIVER if status >= 500 else Blame.SENDER
        return fault_answer(Fault(blame, finding, finding.text), Asked(_version_of(call)), status)

    def _opened(self, call: FacadeCall) -> Opened:
        head = Headers()
        head["Content-Type"] = call.header("Content-Type") or ""
        if head.get_content_type() not in CONTENT_TYPES or not call.header("Content-Type"):
            said = head.get_content_type()[:80]
            text = f"Content-Type '{said}' found; expected text/xml or application/soap+xml"
            raise refused("SOAP-CONTENT-TYPE", call.path, text)
        charset, start = head.get_param("charset"), head.get_param("start")
        policy = self._verifier is not None
        return opened(
            call.body,
            call.path,
            size_bytes_max=self.size_bytes_max,
            charset=charset if isinstance(charset, str) else None,
            start=start if isinstance(start, str) else "",
            keep=Keep.EVERYTHING if policy else Keep.CONTENT,
        )

    def _verified(self, found: Opened, call: FacadeCall) -> Verified | None:
        if self._verifier is None:
            return None
        judged = self._verifier.verify(found.envelope.root, call.path, call.at, _hash(call.body))
        if isinstance(judged, SecurityFault):
            # Who fails to show who he is learns that it failed, and not why: the finding is for us.
            raise FaultError(
                Fault(
                    Blame.SENDER,
                    judged.finding,
                    "the security header was refused; the operator of this service can say why",
                    f"{{{WSSE}}}{judged.code}",
                )
            )
        return judged

    def _judge(self, request: Received, envelope: Envelope, call: FacadeCall) -> None:
        understood = [each.tag for each in request.called.operation.input.headers]
        understood += UNDERSTOOD
        if self._verifier is not None:
            understood.append(f"{{{WSSE}}}Security")
        check_understood(envelope, understood, call.path)
        problems = self._service.problems(request.called, request.called.operation.input, call.path)
        if problems:
            raise FaultError(Fault(Blame.SENDER, problems[0]))

    def _record(self, request: Received, *, is_lenient: bool) -> Record:
        try:
            return request.record()
        except DecodeError as error:
            if is_lenient:
                return {}
            raise FaultError(Fault(Blame.SENDER, error.finding)) from error

    def _admitted(
        self,
        call: FacadeCall,
        served: FacadeRoute,
        asked: Asked,
        envelope: Envelope,
        verified: Verified | None,
        found: Opened,
    ) -> Admitted:
        sender = (
            (verified.partner or verified.identity) if verified is not None else call.partner or call.identity
        )
        key, once = self._identity(call, served, asked, envelope, sender or served.partner or "")
        if verified is not None:
            once += tuple(_once(mark.key, mark.content_hash, mark.expires_at, call) for mark in verified.once)
            if key is None and verified.once:
                key = f"{sender}/{verified.once[0].key}"  # the same nonce with the same bytes: a repeat
        facts = {name: value for name in _KEPT_HEADERS if (value := call.header(name)) is not None}
        is_sealed = verified is not None and served.route not in call.passes_on and _was_encrypted(call.body)
        return Admitted(
            route=served.route,
            arrival_key=key,
            state=_State(served.route, asked),
            partner=(verified.partner if verified is not None else None) or call.partner,
            identity=verified.identity if verified is not None else call.identity,
            is_proven=verified is not None,
            body=_written(found) if is_sealed else None,
            facts=facts | {"operation": served.set_type or ""},
            once=once,
        )

    def _identity(
        self, call: FacadeCall, served: FacadeRoute, asked: Asked, envelope: Envelope, sender: str
    ) -> tuple[str | None, tuple[Once, ...]]:
        """Give the arrival key, and what must not come again with another content.

        A client that repeats a request under WS-Security signs it anew, so that its bytes differ. Then the
        key has the bytes in it, and the MessageID alone is remembered with what the Body says.
        """
        if served.identity != "message_id":
            return None, ()
        said = self._message_id(asked.record or {}) if self._message_id is not None else None
        message_id = str(said).strip() if isinstance(said, str) else asked.addressing.message_id
        if not message_id or len(message_id) > ID_CHARACTERS_MAX or not message_id.isprintable():
            text = f"the request needs a MessageID of 1 to {ID_CHARACTERS_MAX} printable characters"
            raise refused("SOAP-MESSAGE-ID", call.path, text)
        key = f"{sender}/{message_id}"
        if not any(namespace_of(str(block.tag)) == WSSE for block in envelope.blocks):
            return key, ()
        text = "a request with this MessageID came before and said something else; give each request its own"
        finding = Finding("SOAP-MESSAGE-ID", Position(call.path), text)
        said_hash = _hash(etree.tostring(envelope.body, method="c14n", exclusive=True))
        once = Once(f"message/{_hash(key.encode())}", said_hash, call.at + REMEMBERED, finding)
        return f"{key}/{_hash(call.body)[:16]}", (once,)

    def _fault(self, route: str, asked: Asked, fault: Fault) -> FacadeAnswer:
        answers = self._answers.get(route)
        if answers is not None and fault.blame is Blame.SENDER and not fault.subcode:
            return answers.fault(asked, fault, {})
        return fault_answer(fault, asked)

    def _by_operation(self, routes: tuple[FacadeRoute, ...]) -> Mapping[str, FacadeRoute]:
        operations = self._service.wsdl.operations
        found: dict[str, FacadeRoute] = {}
        for route in routes:
            names = [route.set_type] if route.set_type is not None else list(operations)
            for name in names:
                if name not in operations:
                    known = ", ".join(sorted(operations))
                    raise FacadeSetupError(f"route '{route.route}': no operation '{name}'; there are {known}")
                if (first := found.setdefault(name, route)) is not route:
                    raise FacadeSetupError(f"routes '{first.route}' and '{route.route}' both take {name}")
        return found

    def _answers_of(self, operation: str, route: FacadeRoute) -> OperationAnswers:
        replies = route.settings.replies if isinstance(route.settings, SoapRoute) else Replies()
        needed = frozenset(_NEEDED.get(route.reply, ()))
        try:
            return OperationAnswers(self._service, self._service.wsdl.operations[operation], replies, needed)
        except AnswerError as error:
            raise FacadeSetupError(f"route '{route.route}': {error}") from error


def _version_of(call: FacadeCall) -> Version:
    """Guess the version to answer in before the envelope is known: by the media type."""
    said = (call.header("Content-Type") or "").lower()
    return Version.SOAP12 if "application/soap+xml" in said else Version.SOAP11


def _judged(envelope: Envelope, verified: Verified) -> Envelope:
    """Give the envelope whose Body is the very one that was judged."""
    return replace(envelope, root=verified.envelope, body=verified.body, header=_header(verified, envelope))


def _header(verified: Verified, envelope: Envelope) -> etree._Element | None:
    return verified.envelope.find(f"{{{envelope.version.value}}}Header")


def _actions(call: FacadeCall, addressing: Addressing) -> list[str]:
    """Give what names the operation beside the Body. Source: SOAP 1.1, 6.1.1; RFC 3902 (action=)."""
    head = Headers()
    head["Content-Type"] = call.header("Content-Type") or ""
    action = head.get_param("action")
    found = [call.header("SOAPAction") or "", action if isinstance(action, str) else "", addressing.action]
    return [each for each in found if each]


def _once(key: str, content_hash: str, expires_at: datetime, call: FacadeCall) -> Once:
    text = "the same nonce or signature came before with another content; this is a replay"
    return Once(key, content_hash, expires_at, Finding(REPLAY, Position(call.path), text))


def _refusal(findings: tuple[Finding, ...], route: str) -> Fault:
    if not findings:
        text = "the request cannot be carried out as it is; its operator sees why"
        return Fault(Blame.RECEIVER, Finding("SOAP-REFUSED", Position(route), text))
    return Fault(Blame.SENDER, findings[0])


def _in_doubt(message_id: str, route: str) -> Fault:
    text = (
        f"no answer came in time, and the request may have been carried out; it is kept as {message_id}: "
        "ask before sending it under another id"
    )
    return Fault(Blame.RECEIVER, Finding("HTTP-NO-ANSWER", Position(route), text))


def _words(message_id: str | None) -> dict[str, str]:
    return {"message_id": message_id} if message_id else {}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _was_encrypted(body: bytes) -> bool:
    return b"EncryptedData" in body


def _written(found: Opened) -> bytes:
    """Give a decrypted envelope as bytes; attachments have been put in their places."""
    return etree.tostring(found.envelope.root, xml_declaration=True, encoding="UTF-8")
