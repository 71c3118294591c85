"""Calling a SOAP service as a pure Target: documents to operations, bytes as they came, never twice blindly.

The steps are `submit` (a document that we write), `look_up` (has it got it?), `pass` (bytes as received) and
`query` (a question, of either kind); `orders` has those of an order that is closed.
A request without an answer is in doubt: it is looked up where the endpoint declares how, sent again only
after a look-up at the end of the quiet period found nothing, and otherwise a person must ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    DecodeError,
    Delivery,
    Effect,
    Finding,
    Finished,
    InDoubt,
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
from adapters.base.orders import OrderAt, OrderThere
from adapters.base.transport import QUERY
from adapters.soap.client import Client, Submission, relates_elsewhere
from adapters.soap.client_answer import FoundFault, judge_answer, judge_fault, refusals, said_at, unknown
from adapters.soap.envelope import Envelope, read_envelope
from adapters.soap.faults import FaultError
from adapters.soap.orders import CLOSING_STEPS, OrderDesk
from adapters.soap.requests import (
    CORRELATION_HEADER,
    DOCUMENT_HEADER,
    REFERENCE_HEADER,
    facts_of,
    header_of,
    is_written,
    plain_headers,
    written,
)
from adapters.xml import parse_xml

SUBMIT = "submit"
LOOK_UP = "look_up"
PASS = "pass"  # noqa: S105 - a step

FRESH = timedelta(seconds=60)  # a look-up this young was made for the present decision


class SoapTarget:
    """The target. `name` is the endpoint's, for findings."""

    def __init__(self, name: str, client: Client, *, is_test: bool) -> None:
        self.name = name
        self._client = client
        self._is_test = is_test
        self._desk = OrderDesk(name, client, client.orders, is_test=is_test) if client.orders else None

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Say what to send next. The journal's record of every step begun is all the state there is."""
        if delivery.role == "close":
            return self._closing(delivery, done, now)
        if delivery.role == "copy" and self._client.settings.copies == "refuse":
            text = (
                f"{self.name} would take this copy for an order of its own, and send it to the supplier "
                "again; declare losing_side: nothing, or let it tell copies (call.copies)"
            )
            return self._stuck("LEGACY-COPY", text)
        if delivery.canonical is None:
            return self._next_of_bytes(delivery, done)
        submission = self._client.submissions.get(delivery.document_type or "")
        if submission is None:
            text = f"no operation is declared for documents of type {delivery.document_type}"
            return self._stuck("LEGACY-NO-OPERATION", f"{text}; add it to call.operations, then retry")
        accepted = next((step for step in reversed(done) if _is_found(step)), None)
        if accepted is not None:
            return self._finished(accepted, done)
        submits = [at for at, step in enumerate(done) if step.step == SUBMIT]
        last = done[submits[-1]] if submits else None
        if last is not None and last.is_in_doubt and (self._told_of(last) or not _is_safe(submission)):
            return self._after_doubt(delivery, done, submits[-1], submission, now)
        return self._submit(delivery, submission, now)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means."""
        if self._desk is not None and request.step in CLOSING_STEPS:
            return self._desk.interpret(request, reply)
        found = judge_answer(reply, request.effect, self._client.rules)
        match found:
            case FoundFault():
                return self._of_fault(request, found)
            case Envelope() if self._relates_elsewhere(request, found):
                return unknown(request.effect, "the answer relates to another message (WS-Addressing)")
            case Envelope():
                return self._of_answer(request, found) if is_written(request) else Accepted()
            case _:
                return found

    # -- orders that are there ---------------------------------------------------------------------

    @property
    def closes_orders(self) -> bool:
        """Tell whether orders are closed here by a request."""
        return self._desk is not None and self._desk.closes

    def read_order(self, order: OrderAt) -> Request | Finding | None:
        """Give the request that reads an order."""
        return self._desk.read_order(order) if self._desk is not None else None

    def order_read(self, reply: Reply | NoReply) -> OrderThere | Finding | None:
        """Say what a reply shows of an order."""
        return self._desk.shown(reply) if self._desk is not None else None

    def _closing(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Finished | Stuck:
        if self._desk is None or not self._desk.closes:
            return self._stuck("MOVE-CLOSE-BY-HAND", f"{self.name} closes no orders by itself")
        return self._desk.next_request(delivery, done, now)

    # -- what next ---------------------------------------------------------------------------------

    def _next_of_bytes(self, delivery: Delivery, done: Sequence[StepResult]) -> Request | Finished | Stuck:
        """Send bytes as they came, once; again only after what surely did not arrive."""
        if any(isinstance(step.outcome, Accepted) for step in done):
            return Finished("")
        effect = self._effect_of_bytes(delivery)
        if effect is Effect.WRITE and any(step.is_in_doubt for step in done):
            return Stuck((self._in_doubt(delivery),))
        facts = {name.lower(): text for name, text in delivery.origin.facts.items()}
        headers = [("Content-Type", delivery.origin.content_type or self._client.version.content_type)]
        if "soapaction" in facts:
            headers.append(("SOAPAction", facts["soapaction"]))
        headers.append((CORRELATION_HEADER, delivery.correlation_id))
        step = QUERY if effect is Effect.READ else PASS
        return Request(
            step, effect, "POST", "", delivery.body, plain_headers(headers), self._client.timeout_s
        )

    def _effect_of_bytes(self, delivery: Delivery) -> Effect:
        """Tell a question from a change by what stands in the Body, where questions are declared."""
        client = self._client
        if not client.settings.queries:
            return Effect.WRITE
        try:
            envelope = read_envelope(parse_xml(delivery.body, self.name, client.rules.bounds), self.name)
        except (DecodeError, FaultError):
            return Effect.WRITE
        operations = {client.operations_by_tag.get(str(entry.tag), "") for entry in envelope.entries}
        return Effect.READ if operations and operations <= client.settings.queries else Effect.WRITE

    def _finished(self, accepted: StepResult, done: Sequence[StepResult]) -> Finished | Stuck:
        outcome = accepted.outcome
        assert isinstance(outcome, Accepted)  # noqa: S101 - _is_found said so
        if accepted.step == LOOK_UP and not self._was_unanswered(done):
            text = (
                f"{self.name} has a document of this number already ({outcome.reference}), and no request of "
                "ours went unanswered: somebody else entered it; compare the two, then resolve this"
            )
            return self._stuck("LEGACY-EXISTS", text)
        return Finished(outcome.reference, outcome.aliases)

    def _after_doubt(
        self,
        delivery: Delivery,
        done: Sequence[StepResult],
        doubt_at: int,
        submission: Submission,
        now: datetime,
    ) -> Request | Wait | Stuck:
        look_up = submission.look_up
        if look_up is None or submission.look_up_plan is None:
            return Stuck((self._in_doubt(delivery),))
        doubt = done[doubt_at]
        begun = doubt.ended_at or doubt.started_at + timedelta(seconds=doubt.request.timeout_s)
        clean = [step for step in done[doubt_at + 1 :] if _found_nothing(step)]
        quiet_until = begun + look_up.quiet
        final = [step for step in clean if step.started_at >= quiet_until]
        if final:
            return self._after_quiet(delivery, done, final, submission, now)
        waits = look_up.waits
        due = min(begun + waits[len(clean)], quiet_until) if len(clean) < len(waits) else quiet_until
        if now < due:
            return Wait(due, "the outcome is unknown; looked up then")
        return self._asked(delivery, submission, now)

    def _after_quiet(
        self,
        delivery: Delivery,
        done: Sequence[StepResult],
        final: Sequence[StepResult],
        submission: Submission,
        now: datetime,
    ) -> Request | Stuck:
        """Send again; at the limit only once a person has asked for it, which shows as an old look-up."""
        doubts = sum(1 for step in done if step.step == SUBMIT and step.is_in_doubt)
        told = self._told_of(next(step for step in reversed(done) if step.step == SUBMIT))
        if len(final) > 1 or not (told or doubts % submission.settings.doubts_max == 0):
            return self._submit(delivery, submission, now)
        last = final[-1]
        if now - (last.ended_at or last.started_at) > FRESH:
            return self._asked(delivery, submission, now)
        if told:
            text = f"{self.name} says {told}, and its look-up finds no document of this number; ask there"
            return self._stuck("LEGACY-DOUBTS", text)
        text = (
            f"{doubts} requests had an unknown outcome, and no look-up finds the document "
            f"(reference {delivery.reference}); ask there why, then retry"
        )
        return self._stuck("LEGACY-DOUBTS", text)

    # -- requests ----------------------------------------------------------------------------------

    def _submit(self, delivery: Delivery, submission: Submission, now: datetime) -> Request | Stuck:
        if submission.settings.operation in self._client.settings.queries:
            return self._written(QUERY, Effect.READ, delivery, submission, now)
        effect = Effect.REPEATABLE if _is_safe(submission) else Effect.WRITE
        return self._written(SUBMIT, effect, delivery, submission, now)

    def _asked(self, delivery: Delivery, submission: Submission, now: datetime) -> Request | Stuck:
        return self._written(LOOK_UP, Effect.READ, delivery, submission, now)

    def _written(
        self, step: str, effect: Effect, delivery: Delivery, submission: Submission, now: datetime
    ) -> Request | Stuck:
        plan = submission.look_up_plan if step == LOOK_UP else submission.plan
        document = delivery.document
        if plan is None or document is None:
            raise AssertionError("the caller looked")
        facts = facts_of(delivery, now, is_test=self._is_test)
        source = delivery.origin.name or delivery.message_id
        return written(self._client, step, effect, plan, document, facts, source)

    # -- replies -----------------------------------------------------------------------------------

    def _of_fault(self, request: Request, fault: FoundFault) -> Outcome:
        rules, code = self._client.rules, fault.typed.code if fault.typed is not None else ""
        if request.step == LOOK_UP and code and code in rules.faults.missing:
            return Accepted()
        if request.step == SUBMIT and code and code in rules.faults.duplicate and self._can_look_up(request):
            # After a request of ours without an answer this is how the service says that it took that one.
            return InDoubt(f"the service says {code}: it has a document of this number")
        return judge_fault(fault, request.effect, rules)

    def _of_answer(self, request: Request, envelope: Envelope) -> Outcome:
        submission = self._client.submissions[header_of(request, DOCUMENT_HEADER)]
        plan = submission.look_up_plan if request.step == LOOK_UP else submission.plan
        try:
            record = plan.read(envelope) if plan is not None else None
        except DecodeError as error:
            return unknown(request.effect, f"the answer cannot be read ({error.finding.code})")
        if record is None:
            return unknown(request.effect, "the answer is of another operation")
        refused = refusals(submission.settings.refused, record, self.name) if request.step == SUBMIT else ()
        if refused:
            return Rejected(refused)
        path = submission.settings.number
        if request.step == LOOK_UP and submission.look_up is not None:
            path = submission.look_up.number
        number = said_at(record, path)
        if path is not None and not number:
            return unknown(request.effect, f"the answer has no number at '{path}'")
        # The service is the legacy system: its number is the buyer's own.
        aliases = (Alias(AliasKind.BUYER, number),) if number else ()
        return Accepted(number or "accepted", aliases)

    def _was_unanswered(self, done: Sequence[StepResult]) -> bool:
        """Tell whether a request of ours may have made the document that a look-up found."""
        return any(step.step == SUBMIT and self._may_have_happened(step) for step in done)

    def _may_have_happened(self, step: StepResult) -> bool:
        if step.reply is None:
            return True
        meaning = self.interpret(replace(step.request, effect=Effect.WRITE), step.reply)
        return isinstance(meaning, InDoubt) and not self._told_of(step)

    def _told_of(self, step: StepResult) -> str:
        """Give the code by which the service itself said that it knows the number, "" where it did not."""
        if step.reply is None:
            return ""
        found = judge_answer(step.reply, step.request.effect, self._client.rules)
        code = found.typed.code if isinstance(found, FoundFault) and found.typed is not None else ""
        return code if code in self._client.rules.faults.duplicate else ""

    def _relates_elsewhere(self, request: Request, envelope: Envelope) -> bool:
        reference = header_of(request, REFERENCE_HEADER)
        return bool(reference) and relates_elsewhere(envelope, reference)

    def _can_look_up(self, request: Request) -> bool:
        submission = self._client.submissions.get(header_of(request, DOCUMENT_HEADER))
        return submission is not None and submission.look_up is not None

    def _in_doubt(self, delivery: Delivery) -> Finding:
        return Finding(
            "LEGACY-IN-DOUBT",
            Position(self.name),
            f"nobody knows whether {self.name} took this (reference {delivery.reference}), and it cannot be "
            "looked up; ask there. If it has it, resolve this; if not, replay the message with --resend and "
            "dismiss this: what is sent again waits behind it",
        )

    def _stuck(self, code: str, text: str) -> Stuck:
        return Stuck((Finding(code, Position(self.name), text),))


def _is_safe(submission: Submission) -> bool:
    return submission.settings.resend == "safe"


def _is_found(step: StepResult) -> bool:
    return isinstance(step.outcome, Accepted) and bool(step.outcome.reference)


def _found_nothing(step: StepResult) -> bool:
    return step.step == LOOK_UP and isinstance(step.outcome, Accepted) and not step.outcome.reference
