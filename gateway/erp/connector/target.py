"""The base of a connector: a pure Target whose steps are a series, and whose replies are judged by one table.

A connector says which series a document takes (`series`), what an error body says (`errors`), and which
canonical field an ERP's path means (`canonical_path`). All else stands here and is the same for every ERP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from adapters.base import (
    Accepted,
    Alias,
    Delivery,
    Effect,
    Finding,
    Finished,
    NoReply,
    Outcome,
    Rejected,
    Reply,
    Request,
    StepResult,
    Stuck,
    Wait,
)
from canonical.document import CanonicalDocument
from canonical.registry import DocumentError
from gateway.erp.connector.closing import CLOSE, by_hand, closing_change
from gateway.erp.connector.correlation import correlation_headers
from gateway.erp.connector.engine import LOOK_UP_SUFFIX, next_of, reply_fields
from gateway.erp.connector.errors import ErpError, outcome_of
from gateway.erp.connector.series import Place, Series
from gateway.erp.connector.settings import ErpSettings
from gateway.erp.connector.tracing import traced
from gateway.erp.replies import StatusRules, classify, retry_after_s, unknown

SUCCESS = frozenset({200, 201, 202, 204})
UNPROCESSED = frozenset({429, 503})  # surely nothing was done
REFUSED_BY_CONTENT = frozenset({400, 404, 405, 406, 409, 410, 412, 413, 415, 422, 428})

WITH_PURPOSE = frozenset({"purchase_order", "requisition", "order_change"})

MakeSeries = Callable[[Any, Delivery, datetime], Series]


class Connector:
    """A pure target. `name` is the endpoint's, for findings."""

    makes: ClassVar[Mapping[str, MakeSeries]] = {}
    """The series for each kind of document: its type, or type and purpose (`purchase_order.cancellation`).

    `close` is what closes an order that another system owns now (`adapters.base.orders`).
    """

    reads_itself: ClassVar[Mapping[str, frozenset[int]]] = {}
    """By step (without what follows a colon): further statuses that its series reads; they refuse nothing."""

    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """By step: what the JSON of a good reply must hold; without it, nobody knows whether it was done."""

    imagined: ClassVar[Mapping[str, bytes]] = {}
    """By step: the JSON that lets a rehearsal go on, where the series must find something (a supplier)."""

    success: ClassVar[frozenset[int]] = SUCCESS
    unprocessed: ClassVar[frozenset[int]] = UNPROCESSED

    def __init__(self, name: str, settings: ErpSettings) -> None:
        self.name = name
        self.place = Place(name)
        self.erp_settings = settings
        self._rules = StatusRules(name, self.success, self.unprocessed)

    # -- what a connector says ---------------------------------------------------------------------

    def errors(self, request: Request, reply: Reply) -> Sequence[ErpError]:
        """Read an error body; nothing for one that is not this ERP's."""
        raise NotImplementedError

    def canonical_path(self, delivery: Delivery, request: Request | None, field: str) -> str | None:
        """Translate a path of what we sent (`/lines/0/Quantity`) to a canonical one (`lines[0].quantity`)."""
        return None

    def number(self, request: Request, fields: Any) -> str:
        """Give the ERP's number of what a write's reply shows; empty where it shows none."""
        return ""

    def aliases(self, delivery: Delivery, step: str, fields: Any) -> tuple[Alias, ...]:
        """Give the names that a step's reply tells; they are kept in the transaction that records it."""
        return ()

    def is_output_off(self, delivery: Delivery) -> bool:
        """Tell whether this order must say that the ERP may not send it to the supplier.

        Errors: StuckError ERP-OUTPUT where the order would reach the supplier twice, or never.
        """
        declared, transmitter = self.erp_settings.supplier_output, delivery.transmitter
        if delivery.role == "shadow":
            return False  # legacy sends the order, and nothing of this reaches a supplier
        if transmitter in (None, "erp"):
            if transmitter == "erp" and declared == "off":
                text = "the ledger has the ERP send this order, but its output is off; nobody would send it"
                raise self.place.stuck(
                    "ERP-OUTPUT", f"{text}: change supplier_output or the route's transmitter"
                )
            return False
        if declared == "undeclared":
            text = f"{transmitter} sends this order to the supplier, and the ERP might send it again"
            raise self.place.stuck("ERP-OUTPUT", f"{text}: declare supplier_output of this endpoint")
        return declared == "per_order"

    # -- the contract ------------------------------------------------------------------------------

    @property
    def closes_orders(self) -> bool:
        """Tell whether this ERP's orders are closed by requests of ours."""
        return CLOSE in self.makes

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Say what to send next. The journal's record of every step begun is all the state there is."""
        if delivery.canonical is None:
            text = "this target takes canonical documents; the delivery holds bytes"
            return Stuck((self.place.finding("ERP-NO-DOCUMENT", text),))
        kind = CLOSE if delivery.role == "close" else kind_of(delivery)
        make = self.makes.get(kind)
        if make is None:
            return Stuck((self.place.finding("ERP-KIND", _not_taken(kind, self.makes)),))
        settings = self.erp_settings
        following = next_of(
            lambda: make(self, delivery, now),
            done,
            now,
            settings.follow_up,
            self.place,
            settings.timeout_s,
            steps_before_retry=delivery.steps_before_retry,
        )
        if isinstance(following, Stuck):
            document = delivery.document
            return Stuck(tuple(self._traced(delivery, None, document, each) for each in following.findings))
        if isinstance(following, Request):
            headers = correlation_headers(delivery, following.step)
            return replace(following, headers=(*following.headers, *headers))
        return following

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means: done, surely not done, or nobody knows."""
        step = base_step(request.step)
        if isinstance(reply, Reply):
            if reply.status in self.reads_itself.get(step, ()):
                return Accepted()
            if reply.status not in self.success and reply.status not in self.unprocessed:
                refused = self._refused(request, reply)
                if refused is not None:
                    return refused
        outcome = classify(request, reply, self._rules)
        if outcome is not None:
            return outcome
        assert isinstance(reply, Reply)  # noqa: S101 - a missing reply is always classified
        return self._succeeded(request, reply, step)

    def trace(
        self, delivery: Delivery, request: Request, reply: Reply | NoReply, outcome: Outcome
    ) -> Outcome:
        """Complete an outcome with what the delivery tells: aliases, and where a refused field is from."""
        match outcome:
            case Rejected(findings):
                document = delivery.document
                traced_ones = tuple(self._traced(delivery, request, document, each) for each in findings)
                if delivery.role == "close":
                    order = closing_change(delivery).order
                    number = order.erp_number or order.number or delivery.reference
                    traced_ones += (by_hand(self.place, delivery, number),)
                return Rejected(traced_ones)
            case Accepted(reference) if isinstance(reply, Reply) and reference:
                return Accepted(
                    reference, self.aliases(delivery, base_step(request.step), reply_fields(reply.body))
                )
            case _:
                return outcome

    def imagined_reply(self, request: Request) -> Reply | None:
        """Give what a rehearsal answers to one of our reads, None where "nothing there" does."""
        body = self.imagined.get(base_step(request.step))
        return Reply(200, body) if body is not None else None

    # -- helpers -----------------------------------------------------------------------------------

    def _refused(self, request: Request, reply: Reply) -> Outcome | None:
        """Judge by the ERP's own error body; None where it has none, and the status must do."""
        if reply.status not in REFUSED_BY_CONTENT and not self.is_sure(reply):
            return None
        errors = self.errors(request, reply)
        return outcome_of(self.name, reply.status, errors, retry_after_s(reply)) if errors else None

    def is_sure(self, reply: Reply) -> bool:
        """Tell whether an error of another status says for sure that nothing was done."""
        return False

    def _succeeded(self, request: Request, reply: Reply, step: str) -> Outcome:
        try:
            fields = reply_fields(reply.body)
        except DocumentError as error:
            return unknown(request.effect, f"status {reply.status}, but the reply cannot be read: {error}")
        for name in self.needs.get(step, ()):
            if not isinstance(fields, dict) or fields.get(name) in (None, ""):
                return unknown(request.effect, f"status {reply.status}, but no {name} in the reply")
        if request.effect is Effect.READ:
            return Accepted()
        return Accepted(self.number(request, fields))

    def _traced(
        self,
        delivery: Delivery,
        request: Request | None,
        document: CanonicalDocument | None,
        finding: Finding,
    ) -> Finding:
        if document is None:
            return finding

        def path(each: Finding) -> str | None:
            field = each.facts.get("field")
            if field is None:
                return each.at.path or None  # findings of ours name canonical paths
            return self.canonical_path(delivery, request, field)

        return traced(finding, document, path)


def base_step(step: str) -> str:
    """Give a step's name without what follows a colon: `line:2.look_up` is `line.look_up`."""
    suffix = LOOK_UP_SUFFIX if step.endswith(LOOK_UP_SUFFIX) else ""
    return step.removesuffix(LOOK_UP_SUFFIX).partition(":")[0] + suffix


def kind_of(delivery: Delivery) -> str:
    """Give what a document is to the ERP: its type, and its purpose where it is about an order that is there.

    A cancellation or change has the type and number of its order. Posted where orders are created, it
    would be a second one.
    """
    name = delivery.document_type or ""
    if name not in WITH_PURPOSE or b'"purpose":' not in (delivery.canonical or b""):
        return name
    document = delivery.document
    purpose = getattr(document, "purpose", None)
    if name == "order_change":  # a change is one by itself; another purpose is told only by its word
        return f"{name}.{purpose}" if purpose == "cancellation" else name
    return name if purpose is None or getattr(document, "opens_order", True) else f"{name}.{purpose}"


def _not_taken(kind: str, makes: Mapping[str, MakeSeries]) -> str:
    return (
        f"this ERP's connector takes no {kind.replace('.', ' of purpose ')}; it takes {', '.join(makes)}:"
        " enter it in the ERP by hand and resolve this, or change the route"
    )
