"""Callers that wait for an answer: the ERP's result, or the legacy system's own reply.

What a caller is told is always something that the journal holds. A caller that goes away changes
nothing; one that comes back with the same identity gets the stored answer, or joins what is under
way.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping

from adapters.base import (
    Accepted,
    Answered,
    Clock,
    Effect,
    NoReply,
    Reply,
    Request,
    Rng,
    StepResult,
    Transient,
)
from gateway.acknowledging import REPLY
from gateway.delivery import Destination, deliver_once
from gateway.journal.base import Journal, JournalBusyError, StaleClaimError
from gateway.journal.types import ClaimedDelivery, DeliveryState, DeliveryView, MessageState, Settled
from gateway.pipeline import Pipeline

log = logging.getLogger("legacy_bridge.calls")

PROBLEM = "application/problem+json"
DELIVERED = 200
UNSENT = (DeliveryState.READY, DeliveryState.CLAIMED)  # a claim whose connection broke runs out
LOOK_AGAIN_S = 0.05  # for a call to come to the head of its order's lane
LET_GO_S = 1.0  # the same, once its caller has gone


class Calls:
    """Answers for synchronous callers, by message."""

    def __init__(
        self,
        journal: Journal,
        pipeline: Pipeline,
        destinations: Callable[[], Mapping[str, Destination]],
        clock: Clock,
        rng: Rng,
        *,
        worker: str,
        lease_s: float,
    ) -> None:
        self._journal = journal
        self._pipeline = pipeline
        self._destinations = destinations
        self._clock = clock
        self._rng = rng
        self._worker = worker
        self._lease_s = lease_s
        self._waiting: dict[str, asyncio.Event] = {}
        self._planning_anew = asyncio.Lock()
        self._letting_go: dict[str, asyncio.Task[None]] = {}

    def settled(self, claimed: ClaimedDelivery, settled: Settled) -> None:
        """Hear that a delivery got somewhere."""
        event = self._waiting.get(claimed.message_id)
        if event is not None:
            event.set()

    async def result(self, message_id: str, within_s: float) -> Answered | None:
        """Wait for a message's live deliveries to end; None where time is up first."""
        ends = self._clock.monotonic() + within_s
        event = self._waiting.setdefault(message_id, asyncio.Event())
        try:
            while True:
                event.clear()
                answer = await self._answer(message_id)
                remaining = ends - self._clock.monotonic()
                if answer is not None or remaining <= 0:
                    return answer
                # The event says when a delivery moved; translation and parking are seen by looking again.
                await self._first(event, min(remaining, 0.25))
        finally:
            self._waiting.pop(message_id, None)

    async def pass_on(self, message_id: str, within_s: float) -> Answered | None:
        """Send a message on to legacy on its caller's own account, and give legacy's reply byte for byte.

        Where the route no longer passes through (stages canary and cloud) this waits for the result.
        None: no reply in time; the attempt is in doubt, and nothing sends it again.
        """
        try:
            await self._pipeline.translate(message_id)
            return await self._passed_on(message_id, within_s)
        except Exception:
            # Nobody but this connection sends the call: unsent, it would hold its order's lane for ever.
            self._let_go_of(message_id)
            raise

    async def _passed_on(self, message_id: str, within_s: float) -> Answered | None:
        own = await self._pass_through(message_id)
        if own is not None and never_left(own):
            own = await self._planned_anew(message_id)
        if own is None:
            first = await self.repeated(message_id)
            if first is not None:
                return await self.pass_on(first, within_s)
            return await self.result(message_id, within_s)
        ends = self._clock.monotonic() + within_s
        await self._send(own, ends)
        return await self._stored_reply(message_id, ends)

    async def _send(self, own: DeliveryView, ends: float) -> None:
        """Send a call once its order's earlier deliveries are through; let it go where time is up first."""
        destination = self._destinations().get(own.target)
        while destination is not None and own.state in UNSENT:
            claimed = await self._claimed(own)
            if claimed is not None:
                try:
                    settled = await deliver_once(
                        claimed, destination, self._journal, self._clock, self._rng, self._lease_s
                    )
                except StaleClaimError:
                    return  # taken from us: what the journal says of it is the answer
                self.settled(claimed, settled)
                return
            if self._clock.monotonic() >= ends:
                self._let_go_of(own.message_id)
                return
            await self._clock.sleep(LOOK_AGAIN_S)
            own = await self._pass_through(own.message_id) or own

    async def _claimed(self, own: DeliveryView) -> ClaimedDelivery | None:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        return await self._journal.claim_one(own.delivery_id, self._worker, self._lease_s, now, monotonic)

    def _let_go_of(self, message_id: str) -> None:
        """Have a call that nobody waits for end by itself: workers never send it, and it holds its lanes."""
        if message_id in self._letting_go:
            return
        task = asyncio.get_running_loop().create_task(self._end_unsent(message_id))
        self._letting_go[message_id] = task
        task.add_done_callback(lambda done: self._letting_go.pop(message_id, None))

    async def _end_unsent(self, message_id: str) -> None:
        """End a call unsent at the head of its lanes, unless its caller comes back and sends it."""
        while True:
            try:
                if await self._has_ended(message_id):
                    return
            except JournalBusyError:
                log.warning("call.journal_busy message=%s let go of later", message_id)
            await self._clock.sleep(LET_GO_S)

    async def _has_ended(self, message_id: str) -> bool:
        message = await self._journal.message(message_id)
        own = await self._pass_through(message_id)
        if own is None:  # not planned yet: it becomes nobody's call as soon as it is
            return message.state not in (MessageState.ACCEPTED, MessageState.TRANSLATING)
        if own.state not in UNSENT:
            return True
        claimed = await self._claimed(own)
        if claimed is None:
            return False
        gone = Settled(DeliveryState.VOID, reason="never sent: its caller did not wait")
        await self._journal.settle(claimed.claim, gone, self._clock.now())
        self.settled(claimed, gone)
        return True

    async def repeated(self, message_id: str) -> str | None:
        """Give the one message that another repeats as a whole: its caller joins the first one's."""
        message = await self._journal.message(message_id)
        views = await self._journal.documents(message_id=message_id)
        first = {view.plan.repeats for view in views if view.generation == message.generation}
        only = next(iter(first)) if len(first) == 1 else None
        return None if only == message_id else only

    async def acknowledgment(self, message_id: str, within_s: float) -> Answered | None:
        """Give the acknowledgment that the partner wants on its own call (``acknowledge.to: reply``).

        A message of several interchanges gets one of each, one after the other. A caller that comes back
        gets the same bytes. None: there is none within the time.
        """
        ends = self._clock.monotonic() + within_s
        await self._pipeline.translate(message_id)
        while True:
            views = await self._journal.deliveries(message_id=message_id)
            every = [view for view in views if view.target == REPLY]
            newest = max((view.generation for view in every), default=0)
            own = [view for view in every if view.generation == newest]
            if own and all(view.steps for view in own):
                given = [view.steps[-1].request for view in own]
                return Answered(message_id, b"".join(each.body for each in given), given[0].address)
            handed = [await self._hand_over(view) for view in own if not view.steps]
            if handed and all(handed):
                continue
            if not own or self._clock.monotonic() >= ends:
                return None
            await self._clock.sleep(0.05)

    async def _hand_over(self, own: DeliveryView) -> bool:
        """Write down that the acknowledgment goes out on this call; False where another call does so."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        claimed = await self._journal.claim_one(own.delivery_id, self._worker, self._lease_s, now, monotonic)
        if claimed is None:
            return False
        content_type = claimed.content_type or "application/octet-stream"
        request = Request("reply", Effect.REPEATABLE, "REPLY", content_type, claimed.body)
        # One commit, before a byte goes out: begun and ended apart, a crash in between would leave it in
        # doubt for good, since nobody but its caller can take it up.
        result = StepResult(request, Reply(200), Accepted(), now, now)
        settled = Settled(DeliveryState.DONE, result, reason="given as the answer to the call")
        await self._journal.settle(claimed.claim, settled, self._clock.now())
        return True

    async def _stored_reply(self, message_id: str, ends: float) -> Answered | None:
        while True:
            own = await self._pass_through(message_id)
            reply = own.steps[-1].reply if own is not None and own.steps else None
            if isinstance(reply, Reply):
                content_type = reply.header("Content-Type") or "application/octet-stream"
                return Answered(message_id, reply.body, content_type, status=reply.status, is_theirs=True)
            is_open = own is not None and own.state in (DeliveryState.CLAIMED, DeliveryState.ATTEMPTING)
            if not is_open or self._clock.monotonic() >= ends:
                return None
            await self._clock.sleep(0.05)

    async def _planned_anew(self, message_id: str) -> DeliveryView | None:
        """Plan a call again that surely never reached legacy: its caller has come back with it.

        Its first connection is gone (a crash, a legacy system that was down), and recovery never sends
        for it. One at a time: the second of two callers finds what the first one planned.
        """
        async with self._planning_anew:
            own = await self._pass_through(message_id)
            if own is None or not never_left(own):
                return own
            why = "it never reached the legacy system, and its caller sent it again"
            with self._pipeline.calling(message_id):
                await self._journal.replay(
                    message_id, resend=bool(own.steps), who="caller", why=why, now=self._clock.now()
                )
                await self._pipeline.translate(message_id)
            return await self._pass_through(message_id)

    async def _pass_through(self, message_id: str) -> DeliveryView | None:
        """Give a message's call, as planned last; None where it was planned anew as no call."""
        views = await self._journal.deliveries(message_id=message_id)
        live = [view for view in views if view.role in ("pass_through", "live")]
        newest = max((view.generation for view in live), default=0)
        own = (view for view in live if view.role == "pass_through" and view.generation == newest)
        return next(own, None)

    async def _answer(self, message_id: str) -> Answered | None:
        message = await self._journal.message(message_id)
        if message.state in (MessageState.ACCEPTED, MessageState.TRANSLATING):
            return None
        every = await self._journal.documents(message_id=message_id)
        documents = [view for view in every if view.generation == message.generation]
        findings = [
            *message.findings,
            *(finding for view in documents if view.plan.is_parked for finding in view.plan.findings),
        ]
        if findings and (
            message.state is MessageState.PARKED or any(view.plan.is_parked for view in documents)
        ):
            body = {
                "title": "parked",
                "message_id": message_id,
                "findings": [each.to_json() for each in findings],
            }
            return Answered(message_id, json.dumps(body).encode(), PROBLEM, status=422)
        if any(view.plan.awaits is not None for view in documents):
            return None
        views = await self._journal.deliveries(message_id=message_id)
        own = _result(message_id, [view for view in views if view.role in ("live", "pass_through")])
        if own is None or own.status != DELIVERED:
            return own
        for first in sorted({view.plan.repeats for view in documents if view.plan.repeats} - {message_id}):
            theirs = await self._answer(first)
            if theirs is None or theirs.status != DELIVERED:
                return theirs  # a repeat is where the first one is, and not delivered by being a repeat
        return own

    async def _first(self, event: asyncio.Event, within_s: float) -> None:
        sleep = asyncio.ensure_future(self._clock.sleep(within_s))
        woken = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((sleep, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            woken.cancel()


def never_left(call: DeliveryView) -> bool:
    """Tell whether a call was given up before anything of it reached legacy, and by no person."""
    is_unsent = all(
        isinstance(step.outcome, Transient)
        or (isinstance(step.reply, NoReply) and step.reply.written == "none")
        for step in call.steps
    )
    return call.state is DeliveryState.VOID and is_unsent and not call.findings


def _result(message_id: str, live: list[DeliveryView]) -> Answered | None:
    """Give the answer that ended deliveries amount to; None while one is still on its way."""
    parked = [view for view in live if view.state is DeliveryState.PARKED]
    if parked:
        findings = [finding.to_json() for view in parked for finding in view.findings]
        body = {"title": "parked", "message_id": message_id, "findings": findings}
        return Answered(message_id, json.dumps(body).encode(), PROBLEM, status=422)
    standing = [view for view in live if view.state is not DeliveryState.SUPERSEDED]
    if any(view.state not in (DeliveryState.DONE, DeliveryState.VOID) for view in standing):
        return None
    newest = max((view.generation for view in standing), default=0)
    closed = [view for view in standing if view.state is DeliveryState.VOID and view.generation == newest]
    if closed:
        return _not_delivered(message_id, closed)
    deliveries = [
        {"target": view.target, "reference": view.target_reference}
        for view in standing
        if view.state is DeliveryState.DONE
    ]
    result = {"message_id": message_id, "state": "delivered", "deliveries": deliveries}
    return Answered(message_id, json.dumps(result).encode(), "application/json")


def _not_delivered(message_id: str, closed: list[DeliveryView]) -> Answered:
    """Say that a message was closed without being delivered: by a person, or with the unit it stood in."""
    why = "; ".join(f"{view.target}: {view.reason or 'closed without being sent'}" for view in closed)
    body = {
        "title": "not delivered",
        "detail": f"{why}. It was closed, and nothing sends it any more; ask the gateway's operators",
        "message_id": message_id,
    }
    return Answered(message_id, json.dumps(body).encode(), PROBLEM, status=409)
