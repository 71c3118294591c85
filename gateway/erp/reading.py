"""Reading what an ERP's event is about, and handing it over to the gateway: a Target around a Target. Pure.

An event names a document; its delivery to the ERP's endpoint asks the API for it, then hands the answer to
the route that the event's own endpoint declared. So reading has what all deliveries have: retries, limits,
a breaker, the exception queue. A hand-over carries the event's id, so a repeated one is known as such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.base import (
    Accepted,
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
    Target,
    Tracing,
    Transient,
    TransientKind,
    Wait,
)
from adapters.base.orders import OrderAt, OrderThere, closes_orders, keeper_of
from adapters.erp_events.format import enveloped
from canonical.registry import DocumentError, read_json
from gateway.erp.readers import Read
from gateway.erp.replies import StatusRules, classify, problem_findings

HAND_OVER = "hand_over"
READ = "read"
ARRIVAL_KEY_HEADER = "X-Arrival-Key"
LAGS_S = (2.0, 10.0, 60.0, 300.0)
"""A document may be told of before its API shows it: how long after each empty answer it is asked again."""

_RULES = frozenset({200}), frozenset({429, 503})


class ReadingTarget:
    """Reads documents for events; everything else is the connector's own affair."""

    def __init__(self, name: str, reads: Sequence[Read], connector: Target) -> None:
        self.name = name
        self.connector = connector
        self._reads = tuple(reads)
        self._rules = StatusRules(name, *_RULES)

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Say what to send next."""
        event = _event_of(delivery)
        if event is None:
            return self.connector.next_request(delivery, done, now)
        if any(each.step == HAND_OVER and isinstance(each.outcome, Accepted) for each in done):
            return Finished(event["number"])
        found, empty = _looked_up(done)
        for read in self._reads:
            if read.step not in found:
                return self._read(read, event, empty, now)
        if (count := documents_in(found[self._reads[0].step])) > 1:
            text = (
                f"the API shows {count} documents of number {event['number']}; say in `fields` where an "
                "event names the company, then replay the event"
            )
            return self._stuck("ERP-EVENT-AMBIGUOUS", text)
        if any(more_pages(body) for body in found.values()):
            return self._stuck(
                "ERP-EVENT-PAGES", f"{event['number']} has more lines than one page; read it by hand"
            )
        return self._hand_over(delivery, event, [found[read.step] for read in self._reads])

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means."""
        if request.step == HAND_OVER:
            return _handed(request, reply)
        if not request.step.startswith(f"{READ}_event"):
            return self.connector.interpret(request, reply)
        if isinstance(reply, Reply) and reply.status == 404:
            return Accepted()
        outcome = classify(request, reply, self._rules)
        if outcome is not None or not isinstance(reply, Reply):
            return outcome or Accepted()
        try:
            read_json(reply.body)
        except DocumentError as error:
            return Transient(f"what was read is no JSON: {error}")
        return Accepted()

    def trace(
        self, delivery: Delivery, request: Request, reply: Reply | NoReply, outcome: Outcome
    ) -> Outcome:
        """Let the connector say more about its own steps."""
        is_own = request.step == HAND_OVER or request.step.startswith(f"{READ}_event")
        if is_own or not isinstance(self.connector, Tracing):
            return outcome
        return self.connector.trace(delivery, request, reply, outcome)

    # -- orders that are there: the connector's own affair, too --------------------------------------

    @property
    def closes_orders(self) -> bool:
        """Tell whether the connector closes orders by requests."""
        return closes_orders(self.connector)

    def read_order(self, order: OrderAt) -> Request | Finding | None:
        """Give the request that reads an order; None where the connector cannot be asked."""
        keeper = keeper_of(self.connector)
        return keeper.read_order(order) if keeper is not None else None

    def order_read(self, reply: Reply | NoReply) -> OrderThere | Finding | None:
        """Say what a reply to it shows."""
        keeper = keeper_of(self.connector)
        if keeper is None:
            raise LookupError(f"{self.name} cannot be asked for orders")
        return keeper.order_read(reply)

    def _read(
        self, read: Read, event: Mapping[str, str], empty: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Stuck:
        if len(empty) > len(LAGS_S):
            text = (
                f"an event tells of {event['number']}, and the API shows no such document after "
                f"{len(empty)} look-ups; see whether these credentials may read it, then retry"
            )
            return self._stuck("ERP-EVENT-NOTHING", text)
        if empty:
            due = (empty[-1].ended_at or empty[-1].started_at) + timedelta(seconds=LAGS_S[len(empty) - 1])
            if now < due:
                return Wait(due, f"{event['number']} is not to be seen yet; looked up again then")
        return Request(
            step=read.step,
            effect=Effect.READ,
            method="GET",
            address=read.address(event["number"], event.get("company", "")),
            headers=(("Accept", "application/json"), *read.headers),
        )

    def _hand_over(
        self, delivery: Delivery, event: Mapping[str, str], replies: Sequence[bytes]
    ) -> Request | Stuck:
        route = delivery.origin.facts.get(f"hand_over.{event['document']}")
        if route is None:
            return self._stuck(
                "ERP-EVENT-ROUTE", f"no route takes a {event['document']} of this event's endpoint"
            )
        status = getattr(delivery.document, "status", "created")
        return Request(
            step=HAND_OVER,
            effect=Effect.REPEATABLE,  # the arrival key makes a second one a repeat
            method="TAKE",
            address=route,
            body=enveloped(event, status, replies),
            headers=(
                (ARRIVAL_KEY_HEADER, f"{event['erp']}/{event['event_id']}/{event['number']}"),
                ("X-Correlation-Id", delivery.correlation_id),
            ),
        )

    def _stuck(self, code: str, text: str) -> Stuck:
        return Stuck((Finding(code, Position(self.name), text),))


def _looked_up(done: Sequence[StepResult]) -> tuple[dict[str, bytes], list[StepResult]]:
    """Give what the reads found by step, and the reads that found nothing."""
    found: dict[str, bytes] = {}
    empty: list[StepResult] = []
    for each in done:
        if not (isinstance(each.outcome, Accepted) and isinstance(each.reply, Reply)):
            continue
        if each.step.startswith(READ) and has_document(each.reply):
            found[each.step] = each.reply.body
        elif each.step.startswith(READ):
            empty.append(each)
    return found, empty


def has_document(reply: Reply) -> bool:
    """Tell whether an answer holds a document: not 404, and not an empty collection."""
    if reply.status == 404:
        return False
    body: Any = read_json(reply.body)
    inner = body.get("d", body) if isinstance(body, dict) else body
    for name in ("value", "results", "items"):
        if isinstance(inner, dict) and isinstance(inner.get(name), list):
            return bool(inner[name])
    return bool(inner)


def documents_in(body: bytes) -> int:
    """Count the documents of an answer: the members of a collection, or the one that it is."""
    read = read_json(body)
    inner = read.get("d", read) if isinstance(read, dict) else read
    lists = (inner.get(name) for name in ("value", "results", "items")) if isinstance(inner, dict) else ()
    return next((len(each) for each in lists if isinstance(each, list)), 1)


def more_pages(body: bytes) -> bool:
    """Tell whether an answer, or a list within it, is only the first page of what there is."""
    return _is_partial(read_json(body))


def _is_partial(value: Any) -> bool:
    match value:
        case dict():
            if value.get("@odata.nextLink") or value.get("__next") or value.get("hasMore") is True:
                return True
            return any(_is_partial(each) for each in value.values())
        case list():
            return any(_is_partial(each) for each in value)
    return False


def _event_of(delivery: Delivery) -> Mapping[str, str] | None:
    if delivery.document_type != "status_event" or delivery.document is None:
        return None
    facts = delivery.document.extensions.get("erp_event")
    return facts if isinstance(facts, dict) else None


def _handed(request: Request, reply: Reply | NoReply) -> Outcome:
    match reply:
        case NoReply():
            return Transient(reply.reason, TransientKind.OUTAGE)
        case Reply(status=202):
            return Accepted(reply.body.decode("utf-8", "replace"))
        case _:
            return Rejected(problem_findings(reply, request.address))
