"""A REST ERP of declared shape, as a pure Target: look up, create, and what to do when in doubt.

The steps are `look_up` and `create`. A document is created only after a look-up found none, unless
the ERP itself refuses doubles; a create of unknown outcome is looked up with growing waits, adopted
if found, and sent again only after the quiet period. Every request carries our reference, document
key and content hash in headers, so that a reply can be compared with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finding,
    Finished,
    NoReply,
    Outcome,
    Position,
    Reply,
    Request,
    StepResult,
    Stuck,
    Wait,
)
from adapters.base.orders import OrderAt, OrderThere
from adapters.base.transport import QUERY
from canonical.order_change import OrderChange, closing_of
from canonical.purchase_order import PurchaseOrder
from gateway.erp.connector.series import Place
from gateway.erp.generic_rest.replies import Replies
from gateway.erp.generic_rest.requests import CREATE, LOOK_UP, Requests, kind_of
from gateway.erp.generic_rest_settings import GenericRestSettings
from gateway.erp.orders_there import CLOSE, READ_BACK, ended_close, filled, order_shown
from gateway.erp.replies import problem_findings

QUIET_PERIOD_MAX_S = 900.0
FRESH_S = 60.0  # a look-up this young was made for the present decision


class GenericRest:
    """The target. `name` is the endpoint's, for findings."""

    def __init__(self, name: str, settings: GenericRestSettings) -> None:
        self.name = name
        self.settings = settings
        self._requests = Requests(settings)
        self._replies = Replies(name, settings)

    def next_request(
        self, delivery: Delivery, done: Sequence[StepResult], now: datetime
    ) -> Request | Wait | Finished | Stuck:
        """Say what to send next. The journal's record of every step begun is all the state there is."""
        if delivery.canonical is None:
            return self._stuck(
                "ERP-NO-DOCUMENT", "this target takes canonical documents; the delivery holds bytes"
            )
        if delivery.role == "close":
            return self._closing(delivery, done)
        if delivery.document_type in self.settings.queries:
            return self._question(delivery, done)
        kind = kind_of(delivery)
        if "." in kind and kind not in self.settings.paths:
            return self._stuck("ERP-PURPOSE", _never_created(kind))
        created = next((step for step in reversed(done) if _has_document(step)), None)
        if created is not None:
            return self._after_success(delivery, done, created, now)
        creates = [at for at, step in enumerate(done) if step.step == CREATE]
        if creates and done[creates[-1]].is_in_doubt and self._requests.create_effect is Effect.WRITE:
            return self._after_doubt(delivery, done, creates[-1], now)
        if self.settings.look_up == "before_create" and not any(_found_nothing(step) for step in done):
            return self._requests.look_up(delivery)
        return self._requests.create(delivery)

    def interpret(self, request: Request, reply: Reply | NoReply) -> Outcome:
        """Say what a reply means. A look-up that finds nothing is Accepted without a reference."""
        return self._replies.meaning(request, reply)

    # -- what next ---------------------------------------------------------------------------------

    def _question(self, delivery: Delivery, done: Sequence[StepResult]) -> Request | Finished:
        """Ask; the answer stays in the step, for the caller that waits for it."""
        if any(step.step == QUERY and isinstance(step.outcome, Accepted) for step in done):
            return Finished("")
        return self._requests.question(delivery)

    def _after_success(
        self,
        delivery: Delivery,
        done: Sequence[StepResult],
        created: StepResult,
        now: datetime,
    ) -> Request | Wait | Finished:
        """Finish; but where a create was sent again and the ERP knows no doubles, look once more, later.

        A node that was paused while writing may wake up after the quiet period. That double cannot be
        prevented on such an ERP, only found: the look-up then gives two documents (ERP-DOUBLE).
        """
        accepted = created.outcome
        assert isinstance(accepted, Accepted)  # noqa: S101 - _has_document said so
        # A receipt's or an invoice's number names no order, though it is about one.
        names = accepted.aliases if kind_of(delivery) in ("purchase_order", "requisition") else ()
        finished = Finished(accepted.reference, names)
        if created.step != CREATE or self.settings.unique_reference or self.settings.idempotent_create:
            return finished
        at = list(done).index(created)
        was_in_doubt = any(step.step == CREATE and step.is_in_doubt for step in done[:at])
        if not was_in_doubt or any(_found_nothing(step) for step in done[at + 1 :]):
            return finished
        due = (created.ended_at or created.started_at) + timedelta(seconds=self.settings.quiet_period_s)
        if now < due:
            return Wait(due, "created again after an unknown outcome: a last look-up for doubles")
        return self._requests.look_up(delivery)

    def _after_doubt(
        self,
        delivery: Delivery,
        done: Sequence[StepResult],
        doubt_at: int,
        now: datetime,
    ) -> Request | Wait | Stuck:
        settings = self.settings
        doubt = done[doubt_at]
        clean = [step for step in done[doubt_at + 1 :] if _found_nothing(step)]
        doubts = sum(1 for step in done if step.step == CREATE and step.is_in_doubt)
        quiet_until = _over_at(doubt) + timedelta(seconds=_quiet_period_s(settings, doubts))
        final = [step for step in clean if step.started_at >= quiet_until]
        if not final:
            begun = doubt.ended_at or doubt.started_at
            waits = settings.look_up_waits_s
            due = begun + timedelta(seconds=waits[len(clean)]) if len(clean) < len(waits) else quiet_until
            due = min(due, quiet_until)
            if now < due:
                return Wait(due, "the outcome is unknown; looked up again then")
            return self._requests.look_up(delivery)
        is_old = any(each is final[-1] for each in done[: delivery.steps_before_retry])
        return self._after_quiet_period(delivery, doubt, final, doubts, now, is_old=is_old)

    def _after_quiet_period(
        self,
        delivery: Delivery,
        doubt: StepResult,
        final: Sequence[StepResult],
        doubts: int,
        now: datetime,
        *,
        is_old: bool,
    ) -> Request | Stuck:
        """Create again; at a limit only once a person has asked for it, which shows as an old look-up."""
        is_duplicate = (
            isinstance(doubt.reply, Reply) and doubt.reply.status in self.settings.duplicate_statuses
        )
        is_at_limit = doubts % self.settings.doubts_max == 0
        if len(final) > 1 or not (is_duplicate or is_at_limit):
            return self._requests.create(delivery)
        last = final[-1]
        if is_old or now - (last.ended_at or last.started_at) > timedelta(seconds=FRESH_S):
            return self._requests.look_up(delivery)
        if is_duplicate and isinstance(doubt.reply, Reply):
            return Stuck(problem_findings(doubt.reply, self.name))
        return self._stuck(
            "ERP-IN-DOUBT",
            f"{doubts} creates had an unknown outcome, and no look-up finds reference {delivery.reference};"
            " ask the ERP team why, then retry",
        )

    # -- orders that are there ---------------------------------------------------------------------

    @property
    def closes_orders(self) -> bool:
        """Tell whether orders are closed here by a request."""
        return self.settings.closes_orders

    def read_order(self, order: OrderAt) -> Request | None:
        """Give the request that reads an order."""
        settings = self.settings.orders
        if settings is None:
            return None
        return self._requests.read(filled(settings.read_path, order.number, order.reference))

    def order_read(self, reply: Reply | NoReply) -> OrderThere | Finding | None:
        """Say what a reply shows of an order."""
        settings = self.settings.orders
        return order_shown(self.name, settings, reply) if settings is not None else None

    def _closing(self, delivery: Delivery, done: Sequence[StepResult]) -> Request | Finished | Stuck:
        """Close an order, then read it back and compare; what a person retried is read anew."""
        settings, change = self.settings.orders, delivery.document
        if isinstance(change, PurchaseOrder):  # losing_side: close
            change = closing_of(change)
        if settings is None or not settings.close_path or not isinstance(change, OrderChange):
            return self._stuck("MOVE-CLOSE-BY-HAND", f"{self.name} closes no orders by itself")
        for step in reversed(done[delivery.steps_before_retry :]):
            shown = self.order_read(step.reply) if _is_read_back(step) and step.reply is not None else None
            if isinstance(shown, OrderThere):
                return ended_close(Place(self.name), delivery, change, shown)
        number = change.order.erp_number or change.order.number or ""
        if any(step.step == CLOSE and isinstance(step.outcome, Accepted) for step in done):
            return self._requests.read(filled(settings.read_path, number, delivery.reference))
        return self._requests.close(delivery, change, filled(settings.close_path, number, delivery.reference))

    def _stuck(self, code: str, text: str) -> Stuck:
        return Stuck((Finding(code, Position(self.name), text),))


def _never_created(kind: str) -> str:
    name, _, purpose = kind.partition(".")
    return (
        f"a {name} of purpose '{purpose}' is about an order that is there, and is never sent where orders "
        f"are created; name its place in settings.paths ('{kind}: ...'), or do it in the ERP by hand and "
        "resolve this"
    )


def _has_document(step: StepResult) -> bool:
    return isinstance(step.outcome, Accepted) and bool(step.outcome.reference)


def _is_read_back(step: StepResult) -> bool:
    return step.step == READ_BACK and _has_document(step)


def _found_nothing(step: StepResult) -> bool:
    return step.step == LOOK_UP and isinstance(step.outcome, Accepted) and not step.outcome.reference


def _over_at(doubt: StepResult) -> datetime:
    """Give the time after which the request can no longer be on its way from us."""
    return doubt.ended_at or doubt.started_at + timedelta(seconds=doubt.request.timeout_s)


def _quiet_period_s(settings: GenericRestSettings, doubts: int) -> float:
    longest = max(QUIET_PERIOD_MAX_S, settings.quiet_period_s)
    return min(settings.quiet_period_s * 2.0 ** min(doubts - 1, 20), longest)
