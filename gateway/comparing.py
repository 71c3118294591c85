"""A question's two answers side by side, in stage shadow: legacy's, which the caller got, and the cloud's.

The cloud's answer waits a while for legacy's; then what differs is written down with the shadow delivery.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from adapters.base import Clock, Finding, Position, Reply
from adapters.base.facade import Facade
from gateway.journal.base import Journal
from gateway.journal.types import ClaimedDelivery, DeliveryState, DeliveryView, Settled

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
        cloud = _reply(settled, claimed)
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
        theirs = _last_reply(legacy)
        if theirs is None:
            text = "legacy gave no answer, so there is nothing to compare with"
            finding = Finding("SHADOW-ALONE", Position(message.route), text)
            return replace(settled, reason=text, findings=(finding,))
        findings = facade.compare(message.route, theirs, cloud)
        told = (
            "the two answers say the same" if not findings else f"the two answers differ in {len(findings)}"
        )
        return replace(settled, reason=told, findings=findings)


def _reply(settled: Settled, claimed: ClaimedDelivery) -> Reply | None:
    steps = [*claimed.steps, *([settled.result] if settled.result is not None else [])]
    return next((step.reply for step in reversed(steps) if isinstance(step.reply, Reply)), None)


def _last_reply(view: DeliveryView | None) -> Reply | None:
    steps = view.steps if view is not None else ()
    return next((step.reply for step in reversed(steps) if isinstance(step.reply, Reply)), None)
