"""What became of a call, for a facade that words it in its caller's own form."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence

from adapters.base import Answered, Finding, Position, Reply
from adapters.base.facade import CallOutcome, IsInDoubt, IsPending, WasDelivered, WasRefused, WasUnavailable
from gateway.calls import Calls, never_left
from gateway.journal.base import Journal
from gateway.journal.types import DeliveryView

WaitFor = Callable[[str, float], Awaitable[Answered | None]]


class CallOutcomes:
    """Waits for a message's end and says what it was."""

    def __init__(self, journal: Journal, calls: Calls, result: WaitFor) -> None:
        self._journal = journal
        self._calls = calls
        self._result = result

    async def of(self, message_id: str, within_s: float, *, passes_on: bool) -> CallOutcome:
        """Wait; ``passes_on``: by sending it on to legacy on the caller's own account."""
        wait = self._calls.pass_on if passes_on else self._result
        answered = await wait(message_id, within_s)
        if answered is None:
            return await self._unanswered(message_id)
        if answered.is_theirs:
            headers = (("Content-Type", answered.content_type), *answered.headers)
            reply = Reply(answered.status, answered.body, headers)
            return WasDelivered(message_id, {}, reply, is_legacy=True)
        if answered.status != 200:  # what Calls gives for parked
            return WasRefused(message_id, _findings(answered))
        return await self._delivered(message_id)

    async def _delivered(self, message_id: str) -> CallOutcome:
        first = await self._calls.repeated(message_id)
        live = _live(await self._journal.deliveries(message_id=first or message_id))
        references = {view.target: view.target_reference or "" for view in live}
        replies = [view.steps[-1].reply for view in live if view.steps]
        reply = replies[0] if len(replies) == 1 and isinstance(replies[0], Reply) else None
        # Bytes as received went to legacy, as the route's stage asked: its answer is the caller's.
        is_legacy = reply is not None and live[0].role == "live" and live[0].document_index is None
        return WasDelivered(message_id, references, reply, is_legacy=is_legacy)

    async def _unanswered(self, message_id: str) -> CallOutcome:
        views = _live(await self._journal.deliveries(message_id=message_id))
        calls = [view for view in views if view.role == "pass_through"]
        if not calls:
            return IsPending(message_id)
        if all(never_left(view) or not view.steps for view in calls):
            text = "the legacy system cannot be reached; nothing was sent, send the request again later"
            finding = Finding("HTTP-LEGACY-DOWN", Position(calls[0].target), text)
            return WasUnavailable(finding)
        return IsInDoubt(message_id)


def _live(views: Sequence[DeliveryView]) -> list[DeliveryView]:
    """Give what was last planned of a message's live deliveries."""
    live = [view for view in views if view.role in ("live", "pass_through")]
    newest = max((view.generation for view in live), default=0)
    return [view for view in live if view.generation == newest]


def _findings(answered: Answered) -> tuple[Finding, ...]:
    found = json.loads(answered.body)
    return tuple(Finding.from_json(entry) for entry in found.get("findings", ()))
