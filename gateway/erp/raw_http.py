"""Bytes as they arrived, POSTed to a legacy endpoint, as a pure Target with one step: `submit`.

A legacy system mostly has no look-up. After an unknown outcome the bytes are sent again only where
its settings say that this is safe; otherwise a person must ask over there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.base import (
    Accepted,
    DecodeError,
    Delivery,
    Effect,
    Finding,
    Finished,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    StepResult,
    Stuck,
    Wait,
)
from adapters.xml import XmlBounds, parse_xml
from gateway.erp.replies import LEGACY_IN_DOUBT, StatusRules, classify
from gateway.erp.settings import RawHttpSettings

SUBMIT = "submit"
CORRELATION_HEADER = "X-Correlation-Id"

# Where a fault says who is to blame, and the word for the sender. SOAP 1.1 section 4.4 (the code may be
# refined behind a dot), SOAP 1.2 part 1 sections 5.4.1 and 5.4.6: the message itself was wrong, and was
# not processed. A fault of the server may have come after the work.
_SOAP_11 = "{http://schemas.xmlsoap.org/soap/envelope/}"
_SOAP_12 = "{http://www.w3.org/2003/05/soap-envelope}"
_BLAMES = (
    (f"{_SOAP_11}Envelope", f"{_SOAP_11}Body/{_SOAP_11}Fault/faultcode", "Client"),
    (f"{_SOAP_12}Envelope", f"{_SOAP_12}Body/{_SOAP_12}Fault/{_SOAP_12}Code/{_SOAP_12}Value", "Sender"),
)
_FAULT_BOUNDS = XmlBounds(size_bytes_max=256 * 1024, elements_max=10_000)


class RawHttp:
    """The target. `name` is the endpoint's, for findings."""

    def __init__(self, name: str, settings: RawHttpSettings) -> None:
        self.name = name
        self.settings = settings
        self._effect = Effect.REPEATABLE if settings.resend == "safe" else Effect.WRITE
        if settings.queries:
            self._effect = Effect.READ
        self._rules = StatusRules(name, settings.success_statuses, settings.unprocessed_statuses)

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Send once; again only after what surely did not arrive, or where it is declared safe."""
        if delivery.role == "copy" and self.settings.copies == "refuse":
            return Stuck((self._no_copy(),))
        if any(isinstance(step.outcome, Accepted) for step in done):
            return Finished("")
        if self._effect is Effect.WRITE and any(step.is_in_doubt for step in done):
            return Stuck((self._in_doubt(delivery),))
        return self._submit(delivery)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means; its bytes stay in the step, for the caller that waits for them."""
        if isinstance(reply, Reply) and reply.status == 500 and _is_sender_fault(reply):
            text = "the legacy system answered with a SOAP fault that blames the message"
            return Rejected((Finding("LEGACY-FAULT", Position(self.name), text),))
        return classify(request, reply, self._rules) or Accepted()

    def _submit(self, delivery: Delivery) -> Request:
        settings = self.settings
        content_type = settings.content_type or delivery.origin.content_type or "application/octet-stream"
        headers = [("Content-Type", content_type), *self._forwarded(delivery)]
        if settings.reference_header:
            headers.append((settings.reference_header, delivery.reference))
        if delivery.role == "copy":
            headers.append((settings.role_header, "copy"))
        headers.append((CORRELATION_HEADER, delivery.correlation_id))
        return Request(
            step=SUBMIT,
            effect=self._effect,
            method=settings.method,
            address=settings.path.format_map(
                {"document_type": _document_type(delivery), "reference": delivery.reference}
            ),
            body=delivery.body,
            headers=tuple((name, text) for name, text in headers if _is_plain(text)),
            timeout_s=settings.timeout_s,
        )

    def _forwarded(self, delivery: Delivery) -> list[tuple[str, str]]:
        facts = {name.lower(): text for name, text in delivery.origin.facts.items()}
        return [(name, facts[name.lower()]) for name in self.settings.forward if name.lower() in facts]

    def _no_copy(self) -> Finding:
        return Finding(
            "LEGACY-COPY",
            Position(self.name),
            f"{self.name} would take this copy for an order of its own, and send it to the supplier again; "
            "declare losing_side: nothing, or copies: mark where it looks at the header",
        )

    def _in_doubt(self, delivery: Delivery) -> Finding:
        return Finding(
            LEGACY_IN_DOUBT,
            Position(self.name),
            f"nobody knows whether {self.name} took these bytes (reference {delivery.reference}),"
            " and it cannot be looked up; ask there. If it has them, resolve this;"
            " if not, replay the message with --resend and dismiss this: what is sent again waits behind it",
        )


def last_reply(done: Sequence[StepResult]) -> Reply | None:
    """Give the newest reply of a delivery's steps, for a caller that gets it byte for byte."""
    return next((step.reply for step in reversed(done) if isinstance(step.reply, Reply)), None)


def _is_sender_fault(reply: Reply) -> bool:
    """Tell whether a reply is a SOAP fault that blames the message; what cannot be read does not."""
    try:
        root = parse_xml(reply.body, "fault", _FAULT_BOUNDS)
    except DecodeError:
        return False
    for envelope, place, sender in _BLAMES:
        code = root.findtext(place) if root.tag == envelope else None
        if code is not None:
            return code.strip().rpartition(":")[2].partition(".")[0] == sender
    return False


def _document_type(delivery: Delivery) -> str:
    return delivery.document_type or "document"


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
