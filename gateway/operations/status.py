"""How a gateway is doing: what waits to be translated, and per target what is under way, and why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from gateway.journal.types import FINISHED, DeliveryState, DeliveryView, MessageState
from gateway.operations.base import EVERYTHING, JsonObject, OperationsBase
from gateway.operations.views import instant

UNFINISHED = tuple(state.value for state in DeliveryState if state not in FINISHED)
NEEDS_A_REASON = (DeliveryState.WAITING, DeliveryState.IN_DOUBT, DeliveryState.PARKED)
REASONS_MAX = 5  # per target and state, the most frequent first
LATELY_H = 24  # what was refused before that somebody has seen


class StatusOperations(OperationsBase):
    """What ``status`` shows."""

    async def status(self) -> JsonObject:
        """Show everything that is open."""
        configuration, now = self._configuration(), self._clock.now()
        to_translate = await self._journal.messages(
            states=(MessageState.ACCEPTED, MessageState.TRANSLATING), limit=EVERYTHING
        )
        open_deliveries = await self._journal.deliveries(states=UNFINISHED, limit=EVERYTHING)
        rush = configuration.defaults.deadline.rush
        overdue = await self._journal.overdue(now, now - max(rush, timedelta()), limit=EVERYTHING)
        process = self._hooks.process
        return {
            "is_running": process is not None,
            "process": dict(process()) if process is not None else {},
            "environment": configuration.gateway.environment,
            "to_translate": len(to_translate),
            "oldest_to_translate_at": instant(min((each.accepted_at for each in to_translate), default=None)),
            "refused": {
                "count": await self._journal.count_refused(now - timedelta(hours=LATELY_H)),
                "hours": LATELY_H,
            },
            "exceptions": len(await self._journal.exceptions(limit=EVERYTHING)),
            "overdue": len(overdue),
            "targets": _targets(open_deliveries),
        }


def _targets(deliveries: Iterable[DeliveryView]) -> list[JsonObject]:
    by_target: dict[str, list[DeliveryView]] = {}
    for each in deliveries:
        by_target.setdefault(each.target, []).append(each)
    return [_target(name, own) for name, own in sorted(by_target.items())]


def _target(name: str, own: list[DeliveryView]) -> JsonObject:
    states = Counter(each.state.value for each in own)
    reasons = Counter((each.state.value, each.reason) for each in own if each.state in NEEDS_A_REASON)
    oldest = {
        (each.state.value, each.reason): each.message_id
        for each in sorted(own, key=lambda each: each.planned_at, reverse=True)
    }
    return {
        "target": name,
        "states": {state: states[state] for state in UNFINISHED if states[state]},
        "oldest_planned_at": instant(min(each.planned_at for each in own)),
        "reasons": [
            {
                "state": state,
                "reason": reason or "(none given)",
                "deliveries": count,
                "oldest_message_id": oldest[state, reason],
            }
            for (state, reason), count in reasons.most_common(REASONS_MAX)
        ],
    }
