"""The way of a message: taken as it arrives, then translated to a durable plan of what is to happen with it.

``translate`` decodes as a stream and plans in chunks; where a fact moved under a decision, it decides
again. It may be killed at any point: the next run finds in the journal how far the last one came.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import groupby

from adapters.base import (
    Clock,
    Executor,
    Finding,
    Format,
    Inbound,
    Position,
    Rng,
)
from gateway.arrivals import Arrivals
from gateway.awaited import decide_awaited
from gateway.crosswalk import CodeTableCache
from gateway.journal.base import Journal, JournalBusyError, JournalError
from gateway.journal.types import (
    Acceptance,
    DocumentPlan,
    Expected,
    Message,
    MessageState,
    Moved,
    Plan,
)
from gateway.message_run import MessageRun
from gateway.preparing import Preparing, Ready
from gateway.program import ProgramSource
from gateway.translation import Translation, UnsettledError
from gateway.turns import Turn
from gateway.workers import WorkerError

log = logging.getLogger("legacy_bridge.pipeline")

FAILURES_MAX = 3  # of one message in a row, before it is parked for a person


class Pipeline:
    """The way of a message from its arrival to its plan.

    ``programs`` gives the compiled routes of a configuration revision: a message keeps the one that it
    was first translated with. ``accepted`` and ``planned`` are called whenever there may be something
    to translate or to deliver.
    """

    def __init__(
        self,
        journal: Journal,
        programs: ProgramSource,
        formats: Callable[[str], Format],
        executor: Executor,
        clock: Clock,
        rng: Rng,
        *,
        accepted: Callable[[], None] = lambda: None,
        planned: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._programs = programs
        self._formats = formats
        self._executor = executor
        self._clock = clock
        self._planned = planned
        self._tables = CodeTableCache(journal)
        self._arrivals = Arrivals(journal, programs, formats, self._tables, clock, rng, accepted)
        self._preparing = Preparing(journal, programs, formats, executor)
        self._translating: dict[str, asyncio.Lock] = {}
        self._calling: set[str] = set()
        self._undecidable: dict[str, int] = {}  # message -> how often in a row

    @property
    def revision(self) -> int:
        """Give the current configuration revision."""
        return self._programs(None).revision

    async def take(self, inbound: Inbound) -> Acceptance | None:
        """Accept one input and settle its source; None where it was refused. Errors: as `Arrivals.take`."""
        return await self._arrivals.take(inbound)

    async def take_together(self, inbounds: Sequence[Inbound]) -> None:
        """Take small inputs that need no order among each other by one commit. Errors: as ``take``."""
        await self._arrivals.take_together(inbounds)

    async def prepared(self, messages: Sequence[Message]) -> dict[str, Ready]:
        """Have many small messages of one route decoded at once, where another process is free for it."""
        return await self._preparing.ready(messages)

    async def looked_up(self, ready: Mapping[str, Ready]) -> dict[str, Ready]:
        """Have what prepared messages name looked up at once, right before they are translated."""
        return await self._preparing.with_facts(ready)

    async def translate_together(self, ready: Sequence[Ready]) -> set[str]:
        """Plan prepared messages by one commit; give which are planned. The others go the usual way.

        Only for messages that name nothing in common, with each other and with those before them.
        """
        plans: list[Plan] = []
        async with AsyncExitStack() as held:
            for each in ready:
                message_id = each.message.message_id
                if each.revision != self._programs(None).revision or message_id in self._translating:
                    continue
                await held.enter_async_context(self._alone(message_id))
                plans += await self._plan_of(each)
            done = await self._journal.plan_together(plans, self._clock.now()) if plans else []
        self._planned()
        planned = zip(plans, done, strict=True)
        return {plan.message_id for plan, what in planned if not isinstance(what, Moved)}

    @asynccontextmanager
    async def _alone(self, message_id: str) -> AsyncIterator[None]:
        """Wait until nobody else translates a message, and let nobody begin.

        The translator's lane and a waiting caller may both come for it; the second finds it planned.
        """
        lock = self._translating.setdefault(message_id, asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._translating.pop(message_id, None)

    async def _plan_of(self, ready: Ready) -> list[Plan]:
        try:
            plan = await Translation(await self._run_of(ready.message), None, ready).only_plan()
        except (JournalError, JournalBusyError):
            raise
        except Exception:  # noqa: BLE001  the usual way meets it again, and tells of it
            return []
        return [plan] if plan is not None else []

    async def translate(self, message_id: str, turn: Turn | None = None, ready: Ready | None = None) -> None:
        """Decode one message and plan what follows; idempotent, and resumed where a kill ended it.

        ``turn``: it is planned after those before it in a lane that are translated at the same time.
        ``ready``: it is decoded already.
        """
        try:
            async with self._alone(message_id):
                await self._translate(message_id, turn, ready)
        finally:
            if turn is not None:
                turn.over()

    async def _translate(self, message_id: str, turn: Turn | None, ready: Ready | None) -> None:
        revision = self._programs(None).revision
        if ready is not None and ready.revision == revision:  # else reloaded meanwhile
            message = ready.message
        else:
            message, ready = await self._journal.begin_translation(message_id, revision), None
        if message.state not in (MessageState.ACCEPTED, MessageState.TRANSLATING):
            return  # a repeat, or another worker was quicker
        await Translation(await self._run_of(message), turn, ready).run()
        self._planned()

    async def park_broken(self, message_id: str, error: Exception) -> None:
        """Park a message whose translation broke; where legacy is live, its bytes go on all the same."""
        for _ in range(FAILURES_MAX):
            message = await self._journal.message(message_id)
            finding = broken(message, error)
            try:
                plan = await Translation(await self._run_of(message)).broken_plan(finding)
            except (JournalError, JournalBusyError):
                raise
            except Exception:
                log.exception("message.not_passed_on message=%s", message_id)
                expected = Expected(self.revision)
                plan = Plan(
                    message_id, message.generation, expected,
                    is_last=True, findings=(finding,), parks=True, is_broken=True,
                )  # fmt: skip
            if not isinstance(await self._journal.plan(plan, self._clock.now()), Moved):
                self._planned()
                return

    @contextmanager
    def calling(self, message_id: str) -> Iterator[None]:
        """Say that the caller of a message has come back: its call is planned anew as one."""
        self._calling.add(message_id)
        try:
            yield
        finally:
            self._calling.discard(message_id)

    async def decide_awaiting(self) -> int:
        """Decide about follow-ons whose order became known or whose wait is over; give how many.

        One that cannot be decided is tried a few times, then parked; it stops no other.
        """
        views = await self._journal.awaiting(self._clock.now())
        decided = 0
        for message_id, group in groupby(views, lambda view: view.message_id):
            plans = [view.plan for view in group]
            message = await self._journal.message(message_id)
            try:
                decided += await decide_awaited(await self._run_of(message), plans)
            except (JournalError, JournalBusyError):
                raise
            except Exception as error:  # noqa: BLE001  a message that breaks it must not stop the next one
                decided += await self._undecided(message, plans, error)
            else:
                self._undecidable.pop(message_id, None)
        if decided:
            self._planned()
        return decided

    async def _undecided(self, message: Message, plans: Sequence[DocumentPlan], error: Exception) -> int:
        """Park follow-ons that cannot be decided; 0 while they are to be tried again."""
        log.error("document.not_decided message=%s", message.message_id, exc_info=error)
        count = self._undecidable.get(message.message_id, 0) + 1
        self._undecidable[message.message_id] = count
        if is_passing(error) and count < FAILURES_MAX:
            return 0
        del self._undecidable[message.message_id]
        expected, finding = Expected(self.revision), broken(message, error)
        parked = 0
        for plan in plans:
            decided = replace(
                plan, awaits=None, is_parked=True, decision="not decided", findings=(*plan.findings, finding)
            )
            parked += await self._journal.plan_awaited(
                message.message_id, decided, (), expected, self._clock.now()
            )
        return parked

    async def _run_of(self, message: Message) -> MessageRun:
        await self._programs.prepare(message.config_revision)
        return MessageRun(
            self._journal,
            self._programs,
            self._formats,
            self._executor,
            self._clock,
            message,
            self._tables,
            is_call=message.generation == 1 or message.message_id in self._calling,
        )


def is_passing(error: Exception) -> bool:
    """Tell whether the same translation may well succeed when it is tried again."""
    return isinstance(error, WorkerError | UnsettledError)


def broken(message: Message, error: Exception) -> Finding:
    """Say that a message's translation broke, which is a defect of ours."""
    return Finding(
        code="TRANSLATE-FAILED",
        at=Position(message.origin.name or message.message_id),
        text=f"the translation broke ({type(error).__name__}); what was not planned yet is not "
        "delivered: report this with the message id, then retry the exception after the next release",
    )
