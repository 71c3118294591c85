"""A question's two answers side by side, in stage shadow: legacy's, which the caller got, and the cloud's.

The cloud's answer waits a while for legacy's; then what differs is written down with the shadow delivery,
and as a comparison that the readiness card counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.base import Clock, Finding, Position, Reply, StepResult
from adapters.base.facade import Facade
from gateway.compare import with_group
from gateway.journal.base import Journal
from gateway.journal.comparisons import Comparison, ComparisonState, Difference
from gateway.journal.types import ClaimedDelivery, DeliveryState, Message, Settled

LOOK_AGAIN = timedelta(milliseconds=500)
PATIENCE = timedelta(minutes=2)
_ENDED = (DeliveryState.DONE, DeliveryState.VOID, DeliveryState.PARKED, DeliveryState.SUPERSEDED)


class Comparing:
    """See ``delivery.Compared``. ``facades``: a route's facade, which reads both answers."""

    def __init__(self, journal: Journal, clock: Clock, facades: Callable[[str], Facade | None]) -> None:
        self._journal = journal
        self._clock = clock
        self._facades = facades

    async def __call__(self, claimed: ClaimedDelivery, settled: Settled) -> Settled:
        """Give the same settlement with the comparison in it; or one that waits for legacy's answer."""
        cloud = _answered(claimed, settled)
        message = await self._journal.message(claimed.message_id)
        facade = self._facades(message.route)
        if cloud is None or facade is None:
            return settled
        views = await self._journal.deliveries(message_id=claimed.message_id)
        legacy = next((view for view in views if view.role in ("pass_through", "live")), None)
        now = self._clock.now()
        if legacy is not None and legacy.state not in _ENDED and now < message.accepted_at + PATIENCE:
            waits = "waits for legacy's answer, to compare the two"
            return replace(
                settled, state=DeliveryState.WAITING, not_before=now + LOOK_AGAIN, reason=waits, reference=""
            )
        theirs = _last_answered(legacy.steps if legacy is not None else ())
        if theirs is None:
            text = "legacy gave no answer, so there is nothing to compare with"
            finding = Finding("SHADOW-ALONE", Position(message.route), text)
            await self._note(message, claimed, None, cloud, (), now)
            return replace(settled, reason=text, findings=(finding,))
        findings = facade.compare(message.route, _reply(theirs), _reply(cloud))
        told = (
            "the two answers say the same" if not findings else f"the two answers differ in {len(findings)}"
        )
        await self._note(message, claimed, theirs, cloud, findings, now)
        return replace(settled, reason=told, findings=findings)

    async def _note(
        self,
        message: Message,
        claimed: ClaimedDelivery,
        theirs: StepResult | None,
        cloud: StepResult,
        findings: Sequence[Finding],
        now: datetime,
    ) -> None:
        """Write the comparison down. It is idempotent: a question that is settled again is the same one."""
        comparison = Comparison(
            message_id=message.message_id,
            document_index=claimed.document_index or 0,
            generation=message.generation,
            route=message.route,
            order_key=None,
            document_type="question",
            state=ComparisonState.ALONE if theirs is None else ComparisonState.COMPARED,
            accepted_at=message.accepted_at,
            due_at=message.accepted_at + PATIENCE,
            compared_at=now,
            evidence="" if theirs is None else "its answer to the caller",
            reason="" if theirs is not None else "no legacy evidence: legacy gave no answer",
            shadow="answered",
            legacy_s=None if theirs is None else _took_s(theirs),
            cloud_s=_took_s(cloud),
            facets=(("document_type", "question"),),
            differences=tuple(with_group(message.route, _difference(each)) for each in findings),
        )
        await self._journal.note_comparisons([comparison])


def _difference(finding: Finding) -> Difference:
    """Give what a facade found; both answers themselves stand in the journal, with the two deliveries."""
    place = finding.at.path or finding.code
    return Difference("answer", "value", place, place, "(legacy's answer)", finding.text)


def _answered(claimed: ClaimedDelivery, settled: Settled) -> StepResult | None:
    return _last_answered((*claimed.steps, *((settled.result,) if settled.result is not None else ())))


def _last_answered(steps: Sequence[StepResult]) -> StepResult | None:
    return next((step for step in reversed(steps) if isinstance(step.reply, Reply)), None)


def _reply(step: StepResult) -> Reply:
    if not isinstance(step.reply, Reply):
        raise TypeError("a step without a reply was taken for an answer")
    return step.reply


def _took_s(step: StepResult) -> float | None:
    return (step.ended_at - step.started_at).total_seconds() if step.ended_at is not None else None
