"""Orders that a SOAP service has: reading one, and closing one so that it is seen closed. Pure.

The steps are `read_order` (how does it stand?), `close_order` and `read_back`. An order is read before each
close, so that one which is closed already is not closed again, whoever did it; a close counts only once the
service itself shows the order closed. What cannot be closed by a request is a person's: `MOVE-CLOSE-BY-HAND`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

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
    Transient,
)
from adapters.base.orders import LineThere, OrderAt, OrderThere, not_read
from adapters.mapping import Record
from adapters.soap.call_settings import CallOrders
from adapters.soap.client import Client, HeaderFacts, Orders
from adapters.soap.client_answer import (
    FoundFault,
    judge_answer,
    judge_fault,
    refusals,
    said_at,
    unknown,
    value_at,
)
from adapters.soap.envelope import Envelope
from adapters.soap.requests import facts_of, header_of, written
from canonical.document import OrderReference
from canonical.order_change import OrderChange, closing_of
from canonical.purchase_order import PurchaseOrder

READ_ORDER = "read_order"
CLOSE_ORDER = "close_order"
READ_BACK = "read_back"
CLOSING_STEPS = frozenset({READ_ORDER, CLOSE_ORDER, READ_BACK})
ORDER_HEADER = "X-Bridge-Order"

JUST_NOW = timedelta(seconds=10)  # a reading this young was made for the present decision
NOT_CLOSED_YET_S = 5.0
OTHERWISE = "more or less came there than the gateway knows of"


class OrderDesk:
    """Asks for the orders of one service, and closes them. `name` is the endpoint's, for findings."""

    def __init__(self, name: str, client: Client, orders: Orders, *, is_test: bool) -> None:
        self.name = name
        self._client = client
        self._orders = orders
        self._is_test = is_test

    @property
    def closes(self) -> bool:
        """Tell whether an operation is declared that closes orders."""
        return self._orders.close is not None

    # -- reading -----------------------------------------------------------------------------------

    def read_order(self, order: OrderAt) -> Request | Finding:
        """Give the request that reads an order; a finding where its number cannot be written."""
        reference = order.reference or order.number
        facts = HeaderFacts(reference, order.asked_at, "", order.order_key, "", is_test=self._is_test)
        request = self._reading(READ_ORDER, order.number, facts)
        return request.findings[0] if isinstance(request, Stuck) else request

    def shown(self, reply: Reply | NoReply) -> OrderThere | Finding | None:
        """Say what a reply shows of an order; None where the service says that it has none."""
        found = judge_answer(reply, Effect.READ, self._client.rules)
        match found:
            case Envelope():
                return self._order_of(found)
            case FoundFault():
                return None if self._is_missing(found) else not_read(self.name, _told(found))
            case Rejected(findings):
                return not_read(self.name, findings[0].text)
            case _:
                return not_read(self.name, getattr(found, "reason", ""))

    def _order_of(self, envelope: Envelope) -> OrderThere | Finding:
        settings = self._orders.settings
        try:
            record = self._orders.read.read(envelope)
            if record is None:
                return not_read(self.name, "the answer is of another operation")
            found = value_at(record, settings.lines)
            lines = tuple(_line(each, settings) for each in (found if isinstance(found, list) else ()))
        except DecodeError as error:
            return not_read(self.name, error.finding.text)
        except (InvalidOperation, ValueError) as error:
            return not_read(self.name, str(error))
        state = said_at(record, settings.state)
        if not state:
            return not_read(self.name, f"there is no state at '{settings.state}'")
        return OrderThere(
            said_at(record, settings.number), "closed" if state in settings.closed else "open", lines
        )

    # -- closing -----------------------------------------------------------------------------------

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Finished | Stuck:
        """Say what to send next until the order is seen closed."""
        closing = _closing(delivery)
        if closing is None or self._orders.close is None:
            return Stuck((self._by_hand("", "it takes order changes only"),))
        number, change = closing
        facts = facts_of(delivery, now, is_test=self._is_test)
        closed = next((step for step in reversed(done) if _is_seen_closed(step)), None)
        if closed is not None and isinstance(closed.outcome, Accepted):
            if told := list(self._otherwise(closed.reply, change)):
                return Stuck((self._counted_otherwise(number, told),))
            return Finished(closed.outcome.reference)
        if any(step.step == CLOSE_ORDER and isinstance(step.outcome, Accepted) for step in done):
            return self._reading(READ_BACK, number, facts)
        if not done or not _is_seen_open(done[-1], now):
            return self._reading(READ_ORDER, number, facts)
        if told := list(self._otherwise(done[-1].reply, change)):
            return Stuck((self._by_hand(number, f"{OTHERWISE}: {'; '.join(told)}"),))
        request = written(
            self._client,
            CLOSE_ORDER,
            Effect.REPEATABLE,
            self._orders.close,
            change,
            facts,
            delivery.origin.name or delivery.message_id,
            ((ORDER_HEADER, number),),
        )
        return self._or_by_hand(number, request)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply to one of the steps means. An order seen open is Accepted without a reference."""
        outcome = self._closed(request, reply) if request.step == CLOSE_ORDER else self._seen(request, reply)
        if isinstance(outcome, Rejected):
            return Rejected(self._refused(header_of(request, ORDER_HEADER), outcome.findings))
        return outcome

    def _closed(self, request: Request, reply: Reply | NoReply) -> Outcome:
        plan, settings = self._orders.close, self._orders.settings.close
        assert plan is not None  # noqa: S101 - such a request was written by it
        assert settings is not None  # noqa: S101
        found = judge_answer(reply, request.effect, self._client.rules)
        match found:
            case FoundFault():
                code = found.typed.code if found.typed is not None else ""
                if code and code in settings.already:
                    return Accepted()
                return judge_fault(found, request.effect, self._client.rules)
            case Envelope():
                return self._answered(found, request)
            case _:
                return found

    def _answered(self, envelope: Envelope, request: Request) -> Outcome:
        plan, settings = self._orders.close, self._orders.settings.close
        try:
            record = plan.read(envelope) if plan is not None else None
        except DecodeError as error:
            return unknown(request.effect, f"the answer cannot be read ({error.finding.code})")
        if record is None or settings is None:
            return unknown(request.effect, "the answer is of another operation")
        refused = refusals(settings.refused, record, self.name)
        return Rejected(refused) if refused else Accepted()

    def _seen(self, request: Request, reply: Reply | NoReply) -> Outcome:
        found = judge_answer(reply, request.effect, self._client.rules)
        match found:
            case FoundFault() if self._is_missing(found):
                return Rejected((Finding("LEGACY-REFUSED", Position(self.name), "it has no such order"),))
            case FoundFault():
                return judge_fault(found, request.effect, self._client.rules)
            case Envelope():
                pass
            case _:
                return found
        shown = self._order_of(found)
        if isinstance(shown, Finding):
            return Transient(shown.text)
        if shown.state == "closed":
            return Accepted(shown.number or header_of(request, ORDER_HEADER) or "closed")
        if request.step == READ_BACK:
            return Transient(f"closed, and {self.name} still shows it open", retry_after_s=NOT_CLOSED_YET_S)
        return Accepted()

    def _otherwise(self, reply: Reply | NoReply | None, change: OrderChange) -> Iterator[str]:
        """Tell of lines of which more or less was received or invoiced than what stays.

        More: so much was moved too much. Less: a receipt or an invoice never reached this service.
        """
        shown = self.shown(reply) if reply is not None else None
        lines = shown.lines if isinstance(shown, OrderThere) else ()
        kept = {line.line_id or str(line.sequence): line.quantity for line in change.lines}
        for line in lines:
            stays = kept.pop(line.line, None)
            known = stays.value if stays is not None else Decimal(0)
            came = max(line.received or Decimal(0), line.invoiced or Decimal(0))
            is_told = line.received is not None or line.invoiced is not None
            unit = stays.unit if stays is not None and stays.unit else line.unit
            if came and line.unit and unit != line.unit:
                yield f"line {line.line}: {came} {line.unit} came, which cannot be compared with {unit}"
            elif came > known or (is_told and came < known):
                yield f"line {line.line}: {came} came, {known} are known"
        for name, quantity in kept.items():
            if lines and quantity is not None and quantity.value:
                yield f"line {name}: it is not there, {quantity.value} are known"

    # -- parts -------------------------------------------------------------------------------------

    def _reading(self, step: str, number: str, facts: HeaderFacts) -> Request | Stuck:
        plan, header = self._orders.read, ((ORDER_HEADER, number),)
        asked = order_asked_for(number)
        request = written(self._client, step, Effect.READ, plan, asked, facts, self.name, header)
        return self._or_by_hand(number, request)

    def _or_by_hand(self, number: str, request: Request | Stuck) -> Request | Stuck:
        return Stuck(self._refused(number, request.findings)) if isinstance(request, Stuck) else request

    def _is_missing(self, fault: FoundFault) -> bool:
        code = fault.typed.code if fault.typed is not None else ""
        return bool(code) and code in self._client.rules.faults.missing

    def _refused(self, number: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Put what a person is to do before what the service says."""
        return (self._by_hand(number, findings[0].text), *findings)

    def _counted_otherwise(self, number: str, told: Sequence[str]) -> Finding:
        text = (
            f"order {number} is closed at {self.name}, and {OTHERWISE}: {'; '.join(told)}. Where less came, "
            "post there what is missing and retry this; where more came, take the difference off the order "
            "on the other side, then say so: legacy-bridge exceptions resolve ID --done-elsewhere REFERENCE"
        )
        return Finding("MOVE-COUNTED-OTHERWISE", Position(self.name), text)

    def _by_hand(self, number: str, why: str) -> Finding:
        text = (
            f"order {number} is on the other side now, and {self.name} does not close it: {why}. Close what "
            "is left of it there, then retry this (it is read first), or say so: legacy-bridge exceptions "
            "resolve ID --done-elsewhere REFERENCE --why TEXT"
        )
        return Finding("MOVE-CLOSE-BY-HAND", Position(self.name), text)


def order_asked_for(number: str) -> OrderChange:
    """Give the document that the request for an order is written of: its number alone."""
    return OrderChange(order=OrderReference(number=number))


def _closing(delivery: Delivery) -> tuple[str, OrderChange] | None:
    """Give the number that an order has there, and the change that closes it under that number."""
    document = delivery.document
    change = closing_of(document) if isinstance(document, PurchaseOrder) else document  # losing_side: close
    if not isinstance(change, OrderChange):
        return None
    number = change.order.erp_number or change.order.number or ""
    order = change.order.model_copy(update={"number": number})
    return number, change.model_copy(update={"order": order})


def _is_seen_closed(step: StepResult) -> bool:
    is_reading = step.step in (READ_ORDER, READ_BACK)
    return is_reading and isinstance(step.outcome, Accepted) and bool(step.outcome.reference)


def _is_seen_open(step: StepResult, now: datetime) -> bool:
    """Tell whether a step has just shown the order open."""
    is_seen = step.step == READ_ORDER and isinstance(step.outcome, Accepted) and not step.outcome.reference
    return is_seen and now - (step.ended_at or step.started_at) <= JUST_NOW


def _line(shown: Record | str, settings: CallOrders) -> LineThere:
    record = shown if isinstance(shown, dict) else {}

    def number(path: str | None) -> Decimal | None:
        text = said_at(record, path)
        return Decimal(text) if text else None

    line, quantity = said_at(record, settings.line), number(settings.quantity)
    if not line or quantity is None:
        raise ValueError(f"a line has no '{settings.line}' or no '{settings.quantity}'")
    return LineThere(
        line,
        quantity,
        said_at(record, settings.unit),
        number(settings.price),
        number(settings.received),
        number(settings.invoiced),
    )


def _told(fault: FoundFault) -> str:
    typed = fault.typed
    return f"{typed.code}: {typed.text}" if typed is not None else fault.reason
