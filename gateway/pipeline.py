"""Accept and translate: from bytes that arrived to a durable plan of what is to happen with them.

``accept`` writes first and settles the source afterwards. ``translate`` decodes as a stream and
plans in chunks; where a fact moved under a decision, it decides again. It may be killed at any
point: the next run finds in the journal how far the last one came.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import groupby

from adapters.base import (
    Clock,
    DecodeError,
    Executor,
    Finding,
    Format,
    Inbound,
    Position,
    Refused,
    Rng,
    Settlement,
    Taken,
)
from gateway.awaited import decide_awaited
from gateway.crosswalk import CodeTableCache
from gateway.journal.base import Journal, JournalBusyError, JournalError
from gateway.journal.types import (
    Acceptance,
    Arrival,
    ArrivalKind,
    DocumentPlan,
    Expected,
    Message,
    MessageState,
    Moved,
    Plan,
)
from gateway.message_run import MessageRun
from gateway.preparing import Preparing, Ready
from gateway.program import Program, ProgramSource
from gateway.stage import Stage
from gateway.stragglers import is_answered_otherwise, only_new_orders, too_late
from gateway.translation import Translation, UnsettledError
from gateway.turns import Turn
from gateway.workers import WorkerError

log = logging.getLogger("legacy_bridge.pipeline")

FAILURES_MAX = 3  # of one message in a row, before it is parked for a person
SMALL_BODY_BYTES = 1024 * 1024
HEAD_BYTES = 4096


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
        self._rng = rng
        self._accepted = accepted
        self._planned = planned
        self._tables = CodeTableCache(journal)
        self._preparing = Preparing(journal, programs, formats, executor)
        self._translating: dict[str, asyncio.Lock] = {}
        self._calling: set[str] = set()
        self._undecidable: dict[str, int] = {}  # message -> how often in a row

    @property
    def revision(self) -> int:
        """Give the current configuration revision."""
        return self._programs(None).revision

    async def take(self, inbound: Inbound) -> Acceptance | None:
        """Accept one input and settle its source; None where it was refused.

        Errors: JournalError (nothing was acknowledged), JournalBusyError (try again).
        """
        programs = self._programs(None)
        program = programs.routes[inbound.route]
        try:
            head, rest = await _head_of(inbound.body)
            refusal = await self._refusal(program, inbound, head, is_whole=rest is None)
            if refusal is not None:
                await self._refuse(inbound, refusal)
                return None
            acceptance = await self._accepted_as(program, programs.revision, inbound, head, rest)
        except DecodeError as error:  # the source found, reading the body, that it cannot be taken
            await self._refuse(inbound, Refused(error.finding))
            return None
        # The commit stands before we settle: a crash here makes the sender send again, and accept()
        # recognises it. The other order would lose the message for good.
        await inbound.settle(_settlement(acceptance))
        return acceptance

    async def take_together(self, inbounds: Sequence[Inbound]) -> None:
        """Take small inputs that need no order among each other by one commit, as ``take`` does each.

        Errors: as ``take``. What one does wrong keeps no other from being taken.
        """
        programs = self._programs(None)
        stages = await self._journal.stages()
        taken: list[tuple[Inbound, Arrival, bytes]] = []
        for inbound in inbounds:
            program = programs.routes[inbound.route]
            if (state := stages.get(program.route)) is not None and state.stage == Stage.RETIRED:
                await self.take(inbound)
                continue
            try:
                head, rest = await _head_of(inbound.body)
                if rest is not None:
                    acceptance = await self._accepted_as(program, programs.revision, inbound, head, rest)
                    await inbound.settle(_settlement(acceptance))
                    continue
            except DecodeError as error:
                await self._refuse(inbound, Refused(error.finding))
                continue
            arrival = self._arrival(program, programs.revision, inbound, head, self._names(), is_whole=True)
            taken.append((inbound, arrival, head))
        if taken:
            await self._accept_all(taken)

    async def _accept_all(self, taken: Sequence[tuple[Inbound, Arrival, bytes]]) -> None:
        """Accept by one commit and settle; where one keeps it from being, one by one."""
        try:
            acceptances = await self._journal.accept_together([(arrival, head) for _, arrival, head in taken])
        except (JournalError, JournalBusyError):
            raise
        except Exception:
            if len(taken) == 1:
                raise
            alone = (self._accept_all([each]) for each in taken)
            for failure in await asyncio.gather(*alone, return_exceptions=True):
                if failure is not None:
                    raise failure from None
            return
        self._accepted()
        for (inbound, _, _), acceptance in zip(taken, acceptances, strict=True):
            await inbound.settle(_settlement(acceptance))

    async def _refuse(self, inbound: Inbound, refusal: Refused) -> None:
        await self._journal.refuse(inbound.route, inbound.origin, refusal.finding, self._clock.now())
        await inbound.settle(refusal)

    async def accept(self, program: Program, revision: int, inbound: Inbound) -> Acceptance:
        """Write an input to the journal; the source is not settled yet."""
        return await self._accepted_as(program, revision, inbound, *await _head_of(inbound.body))

    async def _accepted_as(
        self,
        program: Program,
        revision: int,
        inbound: Inbound,
        head: bytes,
        rest: AsyncIterator[bytes] | None,
    ) -> Acceptance:
        arrival = self._arrival(program, revision, inbound, head, self._names(), is_whole=rest is None)
        acceptance = await self._journal.accept(arrival, head if rest is None else _joined(head, rest))
        self._accepted()
        return acceptance

    def _names(self) -> tuple[str, str]:
        """Give a message id, which begins with the day, and a correlation id."""
        day, token = self._clock.now(), self._rng.token()
        date = f"{day.year % 100:02}{day.month:02}{day.day:02}"  # strftime takes three times as long
        return f"m{date}{token}", f"c{token}"

    def _arrival(
        self,
        program: Program,
        revision: int,
        inbound: Inbound,
        head: bytes,
        names: tuple[str, str],
        *,
        is_whole: bool,
    ) -> Arrival:
        body_format = self._formats(program.format_name)
        return Arrival(
            message_id=names[0],
            route=program.route,
            arrival_key=_arrival_key(inbound, body_format, head),
            partner=inbound.partner or program.partner,
            sha256=hashlib.sha256(head).hexdigest() if is_whole else "",
            size_bytes=len(head) if is_whole else 0,
            origin=inbound.origin,
            correlation_id=inbound.correlation_id or names[1],
            accepted_at=self._clock.now(),
            is_urgent=program.is_urgent or body_format.is_urgent(head[:HEAD_BYTES]),
            config_revision=revision,
        )

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

    async def _refusal(
        self, program: Program, inbound: Inbound, head: bytes, *, is_whole: bool
    ) -> Refused | None:
        """Refuse what a retired route gets over a connection, or in a file of nothing but new orders.

        Not what came before: its sender gets the answer to that, and orders nothing anew by another way.
        """
        if program.follows is not None:
            return None
        state = (await self._journal.stages()).get(program.route)
        if state is None or state.stage != Stage.RETIRED:
            return None
        key = _arrival_key(inbound, self._formats(program.format_name), head)
        if key is not None and await self._journal.knows_arrival(program.route, key):
            return None
        orders = 1
        if inbound.origin.transport != "http":
            orders = await self._late_orders(program, inbound, head) if is_whole else 0
        if not orders:
            return None
        return Refused(too_late(inbound.origin.name or program.route, orders), status=410)

    async def _late_orders(self, program: Program, inbound: Inbound, head: bytes) -> int:
        """Count the orders of a file that holds nothing else; 0 where it is taken, and judged set by set."""
        if is_answered_otherwise(program):
            return 0
        arrival = self._arrival(program, 0, inbound, head, ("", ""), is_whole=True)
        programs = self._programs(None)
        return await only_new_orders(head, arrival, programs, self._formats, self._tables, self._journal)


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


def _settlement(acceptance: Acceptance) -> Settlement:
    is_parked_conflict = acceptance.conflicts_with is not None and acceptance.state is MessageState.PARKED
    if acceptance.kind is not ArrivalKind.CONFLICT and not is_parked_conflict:
        return Taken(acceptance.message_id, is_repeat=acceptance.kind is ArrivalKind.SAME)
    finding = Finding(
        code="ARRIVAL-CONFLICT",
        at=Position(acceptance.message_id),
        text=f"message {acceptance.conflicts_with} came with the same identity and other bytes; both "
        f"are kept, this one parked as {acceptance.message_id}: give it an identity of its own if it is new",
        facts={"message_id": acceptance.message_id},
    )
    return Refused(finding, status=409)


def _arrival_key(inbound: Inbound, body_format: Format, head: bytes) -> str | None:
    if inbound.origin.facts.get("identity") == "control_numbers":
        return body_format.identity(head[:HEAD_BYTES])
    return inbound.arrival_key


async def _head_of(body: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """Read a small body whole; of a large one give the head and the rest."""
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        pieces.append(piece)
        size += len(piece)
        if size > SMALL_BODY_BYTES:
            return b"".join(pieces), body
    return b"".join(pieces), None


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in rest:
        yield piece
