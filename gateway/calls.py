"""Callers that wait for an answer: the ERP's result, or the legacy system's own reply.

What a caller is told is always something that the journal holds. A caller that goes away changes
nothing; one that comes back with the same identity gets the stored answer, or joins what is under
way.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

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
from adapters.base.waking import woken_within
from gateway.acknowledging import REPLY
from gateway.call_answers import DELIVERED, forgotten, parked, result_of
from gateway.delivering import Means, deliver_once
from gateway.destination import Destination
from gateway.journal.base import Journal, JournalBusyError, StaleClaimError, UnknownError
from gateway.journal.types import ClaimedDelivery, DeliveryState, DeliveryView, MessageState, Settled
from gateway.pipeline import Pipeline
from gateway.proven_times import ProvenTimes

log = logging.getLogger("legacy_bridge.calls")

UNSENT = (DeliveryState.READY, DeliveryState.CLAIMED)  # a claim whose connection broke runs out
LOOK_AGAIN_S = 0.05  # for a call to come to the head of its order's lane
LET_GO_S = 1.0  # the same, once its caller has gone
# One answer is about a whole message: a limit of its parts would leave some unseen.
EVERY = sys.maxsize

_T = TypeVar("_T")


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
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """``ended``: called when a call has ended, since what waited behind it may go on."""
        self._journal = journal
        self._pipeline = pipeline
        self._destinations = destinations
        self._clock = clock
        self._rng = rng
        self._worker = worker
        self._lease_s = lease_s
        self._ended = ended
        self._waiting: dict[str, asyncio.Event] = {}
        self._planning_anew = asyncio.Lock()
        self._callers: Counter[str] = Counter()  # connections that send a message's call, by message

    async def run(self) -> None:
        """End calls that nobody sends any more, until cancelled. Errors: JournalError.

        Workers never send a call, so one whose caller is gone (its connection failed, its endpoint was
        taken away, the process died before it was planned) would hold its order's lanes for ever.
        """
        while True:
            try:
                for message_id, delivery_id in await self._journal.unsent_calls():
                    if not self._callers[message_id]:
                        await self._end_unsent(message_id, delivery_id)
            except JournalBusyError:
                log.warning("calls.journal_busy unsent calls are let go of later")
            await self._clock.sleep(LET_GO_S)

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
                began = self._clock.monotonic()
                answer = await self._patiently(partial(self._answer, message_id), ends)
                now = self._clock.monotonic()
                if answer is not None or now >= ends:
                    return answer
                # A message of ten thousand orders moves ten thousand times, and each look reads all of it.
                await self._clock.sleep(min(4 * (now - began), ends - now))
                # The event says when a delivery moved; translation and parking are seen by looking again.
                await woken_within(self._clock, event, max(min(ends - self._clock.monotonic(), 0.25), 0))
        finally:
            self._waiting.pop(message_id, None)

    async def pass_on(self, message_id: str, within_s: float) -> Answered | None:
        """Send a message on to legacy on its caller's own account, and give legacy's reply byte for byte.

        Where the route no longer passes through (stages canary and cloud) this waits for the result.
        None: no reply in time; the attempt is in doubt, and nothing sends it again.
        """
        ends = self._clock.monotonic() + within_s
        with self._calling(message_id):
            # Every step of it may be taken again: what was sent is written down, and never sent twice.
            return await self._patiently(partial(self._passed_on, message_id, ends), ends)

    @contextmanager
    def _calling(self, message_id: str) -> Iterator[None]:
        """Say that a connection sends a message's call; without one, ``run`` ends it unsent."""
        self._callers[message_id] += 1
        try:
            yield
        finally:
            self._callers[message_id] -= 1
            if not self._callers[message_id]:
                del self._callers[message_id]

    async def _patiently(self, ask: Callable[[], Awaitable[_T]], ends: float) -> _T:
        """Ask a busy journal again for as long as the caller waits. Errors: JournalBusyError after that."""
        while True:
            try:
                return await ask()
            except JournalBusyError:
                if self._clock.monotonic() >= ends:
                    raise
            await self._clock.sleep(LOOK_AGAIN_S)

    async def _passed_on(self, message_id: str, ends: float) -> Answered | None:
        await self._pipeline.translate(message_id)
        own = await self._pass_through(message_id)
        if own is not None and never_left(own):
            own = await self._planned_anew(message_id)
        if own is None:
            first = await self.repeated(message_id)
            remaining = ends - self._clock.monotonic()
            if first is not None:
                return await self.pass_on(first, remaining)
            return await self.result(message_id, remaining)
        await self._send(own, ends)
        return await self._stored_reply(message_id, ends)

    def _means(self) -> Means:
        return Means(self._journal, self._clock, self._rng, self._lease_s, ProvenTimes(self._clock))

    async def _send(self, own: DeliveryView, ends: float) -> None:
        """Send a call once its order's earlier deliveries are through, unless time is up first."""
        destination = self._destinations().get(own.target)
        while destination is not None and own.state in UNSENT:
            claimed = await self._claimed(own.delivery_id)
            if claimed is not None:
                try:
                    settled = await deliver_once(claimed, destination, self._means())
                except StaleClaimError:
                    return  # taken from us: what the journal says of it is the answer
                self.settled(claimed, settled)
                self._ended()
                return
            if self._clock.monotonic() >= ends:
                return
            await self._clock.sleep(LOOK_AGAIN_S)
            own = await self._pass_through(own.message_id) or own

    async def _claimed(self, delivery_id: str) -> ClaimedDelivery | None:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        return await self._journal.claim_one(delivery_id, self._worker, self._lease_s, now, monotonic)

    async def _end_unsent(self, message_id: str, delivery_id: str) -> None:
        """End a call at the head of its lanes; behind others it holds up nothing yet."""
        claimed = await self._claimed(delivery_id)
        if claimed is None:
            return
        gone = Settled(DeliveryState.VOID, reason="never sent: its caller did not wait")
        await self._journal.settle(claimed.claim, gone, self._clock.now())
        log.warning("call.let_go message=%s delivery=%s", message_id, delivery_id)
        self.settled(claimed, gone)
        self._ended()

    async def repeated(self, message_id: str) -> str | None:
        """Give the one message that another repeats as a whole: its caller joins the first one's."""
        message = await self._journal.message(message_id)
        views = await self._journal.documents(message_id=message_id, limit=EVERY)
        first = {view.plan.repeats for view in views if view.generation == message.generation}
        only = next(iter(first)) if len(first) == 1 else None
        return None if only == message_id else only

    async def acknowledgment(self, message_id: str, within_s: float) -> Answered | None:
        """Give the acknowledgment that the partner wants on its own call (``acknowledge.to: reply``).

        A message of several interchanges gets one of each, one after the other. A caller that comes back
        gets the same bytes. None: there is none within the time.
        """
        ends = self._clock.monotonic() + within_s
        return await self._patiently(partial(self._acknowledgment, message_id, ends), ends)

    async def _acknowledgment(self, message_id: str, ends: float) -> Answered | None:
        await self._pipeline.translate(message_id)
        while True:
            every = await self._journal.deliveries(message_id=message_id, target=REPLY, limit=EVERY)
            newest = max((view.generation for view in every), default=0)
            own = [view for view in every if view.generation == newest]
            if own and all(view.steps for view in own):
                given = [view.steps[-1].request for view in own]
                if not all(each.body for each in given):
                    return await self._answer_forgotten(message_id)
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
                if not reply.body and (forgotten := await self._answer_forgotten(message_id)):
                    return forgotten
                content_type = reply.header("Content-Type") or "application/octet-stream"
                return Answered(message_id, reply.body, content_type, status=reply.status, is_theirs=True)
            is_open = own is not None and own.state in (DeliveryState.CLAIMED, DeliveryState.ATTEMPTING)
            if not is_open or self._clock.monotonic() >= ends:
                return None
            await self._clock.sleep(0.05)

    async def _answer_forgotten(self, message_id: str) -> Answered | None:
        """Say that retention has taken the answer, where it has; the message's own bytes go first."""
        try:
            async for _ in self._journal.body(message_id):
                return None
        except UnknownError:
            pass
        else:
            return None
        return forgotten(message_id)

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
                # Planned without its caller it would be no call any more: it is not let go of in between.
                await self._patiently(partial(self._pipeline.translate, message_id), math.inf)
            return await self._pass_through(message_id)

    async def _pass_through(self, message_id: str) -> DeliveryView | None:
        """Give a message's call, as planned last; None where it was planned anew as no call."""
        views = await self._journal.deliveries(message_id=message_id, limit=EVERY)
        live = [view for view in views if view.role in ("pass_through", "live")]
        newest = max((view.generation for view in live), default=0)
        own = (view for view in live if view.role == "pass_through" and view.generation == newest)
        return next(own, None)

    async def _answer(self, message_id: str) -> Answered | None:
        message = await self._journal.message(message_id)
        if message.state in (MessageState.ACCEPTED, MessageState.TRANSLATING):
            return None
        every = await self._journal.documents(message_id=message_id, limit=EVERY)
        documents = [view for view in every if view.generation == message.generation]
        findings = [
            *message.findings,
            *(finding for view in documents if view.plan.is_parked for finding in view.plan.findings),
        ]
        if findings and (
            message.state is MessageState.PARKED or any(view.plan.is_parked for view in documents)
        ):
            return parked(message_id, [each.to_json() for each in findings])
        if any(view.plan.awaits is not None for view in documents):
            return None
        views = await self._journal.deliveries(message_id=message_id, limit=EVERY)
        own = result_of(message_id, [view for view in views if view.role in ("live", "pass_through")])
        if own is None or own.status != DELIVERED:
            return own
        for first in sorted({view.plan.repeats for view in documents if view.plan.repeats} - {message_id}):
            theirs = await self._answer(first)
            if theirs is None or theirs.status != DELIVERED:
                return theirs  # a repeat is where the first one is, and not delivered by being a repeat
        return own


def never_left(call: DeliveryView) -> bool:
    """Tell whether a call was given up before anything of it reached legacy, and by no person."""
    is_unsent = all(
        isinstance(step.outcome, Transient)
        or (isinstance(step.reply, NoReply) and step.reply.written == "none")
        for step in call.steps
    )
    return call.state is DeliveryState.VOID and is_unsent and not call.findings
