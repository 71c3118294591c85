"""Every document of a route that says ``compare`` beside legacy's version of it, off the live path.

One loop reads what was planned, in order, and waits for legacy's version of each document: a document of
an evidence route, or legacy's answer to the call. Nothing live waits for this loop, and it never keeps the
event loop for longer than one line's comparison. All that it knows is in the journal, so it goes on after
a kill where it was; a comparison written twice is the same one.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from adapters.base import Clock, Delivery, Finding, Reply, Request, StepResult
from adapters.base.waking import woken_within
from canonical.document import CanonicalDocument
from canonical.registry import DocumentError, parse_document, to_json
from gateway.compare import CompareRules, compare_documents, compare_requests, with_group
from gateway.compare.rules import Factors
from gateway.config.coexistence import REPLY
from gateway.destination import Destination
from gateway.evidence_replies import read_reply
from gateway.facets import facets_of
from gateway.journal.base import Journal, JournalBusyError, JournalError, UnknownError
from gateway.journal.comparisons import (
    DIFFERENCES_MAX,
    Comparison,
    ComparisonState,
    Difference,
    DocumentInOrder,
    NoiseReading,
)
from gateway.journal.hurry import unhurried
from gateway.journal.types import ClaimedDelivery, CrosswalkRow, DeliveryView, DocumentView, Message
from gateway.order_mover import TRANSPORT as MOVE
from gateway.program import CompareProgram, Program, Programs, ProgramSource
from gateway.rehearsal import rehearsed
from gateway.shadowing import PATIENCE, is_behind, refused_finding, result_of

log = logging.getLogger("legacy_bridge.comparing")

CURSOR = "comparing"
BATCH = 50
LOOK_S = 1.0  # between two looks: by then most shadows have ended, and what came is one batch
GATHER_S = 0.1  # news that come together are looked at together
PAUSE_S = 0.002  # after each document: what is live goes first
FIRST_AGAIN_S = 2.0
LAST_AGAIN_S = 600.0
EVIDENCE_MAX = 500  # documents of one order that are looked at

_Key = tuple[str, int]


class _Due(NamedTuple):
    """A document that waits for its other side and is looked at now."""

    key: _Key
    since: float  # monotonic seconds
    wait_s: float  # the last pause


@dataclass(frozen=True, slots=True)
class Evidence:
    """Legacy's version of a document, and where it was read."""

    document: CanonicalDocument
    name: str
    message_id: str
    document_index: int


@dataclass(frozen=True, slots=True)
class _Case:
    """One document with everything that is known of it now."""

    comparison: Comparison
    program: Program
    compare: CompareProgram
    message: Message
    view: DocumentView
    deliveries: tuple[DeliveryView, ...]

    @property
    def shadow(self) -> DeliveryView | None:
        """Give the shadow delivery of this document and generation."""
        return self._of("shadow", own=True)

    @property
    def live(self) -> DeliveryView | None:
        """Give the delivery to legacy; bytes that go on as a whole carry no document index."""
        return self._of("pass_through") or self._of("live")

    def _of(self, role: str, *, own: bool = False) -> DeliveryView | None:
        index = self.view.plan.index
        indexes = (index,) if own else (index, None)
        found = [each for each in self.deliveries if each.role == role and each.document_index in indexes]
        return max(found, key=lambda each: each.generation, default=None)


class Comparisons:
    """The loop. ``hear`` may be called for every delivery that got somewhere."""

    def __init__(
        self,
        journal: Journal,
        programs: ProgramSource,
        destinations: Callable[[], Mapping[str, Destination]],
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._programs = programs
        self._destinations = destinations
        self._clock = clock
        self._wake = asyncio.Event()
        self._again: list[tuple[float, int, _Key]] = []  # when to look at what waits, by monotonic time
        self._waits: dict[_Key, tuple[float, int]] = {}  # what waits -> pause before the next look, its turn
        self._turn = 0

    def hear(self, claimed: ClaimedDelivery) -> None:
        """Hear that a delivery got somewhere: what waits for it is looked at soon."""
        key = (claimed.message_id, claimed.document_index or 0)
        if key in self._waits:
            self._look_at(key, 0.0)
            self._wake.set()

    async def run(self) -> None:
        """Compare until cancelled, after what is live. Errors: JournalError, which must end the process."""
        await self._patiently_begin()
        while True:
            self._wake.clear()
            try:
                is_more = await unhurried(self.step())
            except JournalBusyError:
                log.warning("comparing.journal_busy looked at again later")
                is_more = False
            await self._clock.sleep(PAUSE_S if is_more else GATHER_S)
            if not is_more:
                await self._pause()

    async def _patiently_begin(self) -> None:
        while True:
            try:
                for each in await self._journal.waiting_comparisons(100_000):
                    self._look_at((each.message_id, each.document_index), FIRST_AGAIN_S)
            except JournalBusyError:
                await self._clock.sleep(LOOK_S)
            else:
                return

    async def step(self) -> bool:
        """Do what there is to do now, a batch of it; tell whether there is more at once."""
        programs = self._programs(None)
        is_more = await self._take_up(programs)
        due = self._due()
        try:
            done: list[Comparison] = []
            for each in due:
                is_late = self._clock.monotonic() - each.since >= PATIENCE.total_seconds()
                done += await unhurried(self._look(programs, each.key, each.wait_s), unless=is_late)
                await self._clock.sleep(PAUSE_S)
            await self._note(done)
        except JournalBusyError:
            for each in due:
                self._look_at(each.key, each.wait_s)
            raise
        return is_more or len(due) == BATCH

    def _due(self) -> list[_Due]:
        """Take what is to be looked at by now, a batch of it."""
        due: list[_Due] = []
        now = self._clock.monotonic()
        while self._again and self._again[0][0] <= now and len(due) < BATCH:
            since, turn, key = heapq.heappop(self._again)
            wait_s, latest = self._waits.get(key, (0.0, -1))
            if turn == latest:  # an earlier turn was overtaken by news
                due.append(_Due(key, since, wait_s))
        return due

    async def _pause(self) -> None:
        due_s = self._again[0][0] - self._clock.monotonic() if self._again else LOOK_S
        await woken_within(self._clock, self._wake, min(max(due_s, PAUSE_S), LOOK_S))

    # -- new documents ---------------------------------------------------------------------

    async def _take_up(self, programs: Programs) -> bool:
        """Take up what was planned since the last look; a batch only, in the order of planning."""
        routes = _message_routes(programs)
        if not routes:
            return False
        known = await self._journal.cursor(CURSOR)
        position = int(known or 0)
        found, reached = await self._journal.documents_after(routes, position, BATCH)
        begun: list[Comparison] = []
        for each in found:
            is_late = is_behind(each.accepted_at, self._clock.now())
            await unhurried(self._take_up_one(programs, each, begun), unless=is_late)
            await self._clock.sleep(PAUSE_S)
        await self._note(begun)
        if reached != position:
            await self._journal.set_cursor(CURSOR, str(reached), known)
        return len(found) == BATCH

    async def _take_up_one(self, programs: Programs, each: DocumentInOrder, begun: list[Comparison]) -> None:
        program = programs.of_set(each.message_route, each.view.plan.set_type)
        if program is None or each.transport == MOVE:
            return  # legacy never had what moved: that is proven by orders proof
        if program.is_evidence:
            await self._note(begun)
            await self._evidence_came(programs, program, each)
        elif program.compare is not None and program.reply != "query":
            begun += await self._begun(programs, program, program.compare, each)

    async def _note(self, noted: list[Comparison]) -> None:
        """Write comparisons in one go: each commit is one that what is live may have to wait for."""
        if not noted:
            return
        await self._journal.note_comparisons(noted)
        for each in noted:
            key = (each.message_id, each.document_index)
            if each.state is ComparisonState.WAITING:
                self._look_at(key, FIRST_AGAIN_S)
            else:
                self._waits.pop(key, None)
        noted.clear()

    async def _begun(
        self, programs: Programs, program: Program, compare: CompareProgram, each: DocumentInOrder
    ) -> list[Comparison]:
        """Give the comparison of a document, done where both sides are there; none where there is no need."""
        plan = each.view.plan
        if (
            plan.repeats is not None
            or (plan.canonical is not None and plan.is_parked)
            or (plan.canonical is None and plan.side is None)
        ):
            return []  # nothing of it went to legacy by itself
        document = _document(plan.canonical)
        comparison = Comparison(
            message_id=each.view.message_id,
            document_index=plan.index,
            generation=each.view.generation,
            route=program.route,
            order_key=plan.order_keys[0] if plan.order_keys else None,
            document_type=plan.document_type or plan.set_type,
            state=ComparisonState.WAITING,
            accepted_at=each.accepted_at,
            due_at=each.accepted_at + compare.within,
            facets=facets_of(document) if document is not None else (),
        )
        return [await self._safely(programs, program, comparison) or comparison]

    async def _evidence_came(self, programs: Programs, program: Program, each: DocumentInOrder) -> None:
        """Look at what waits for this order; a second reading of what was compared already teaches noise."""
        plan = each.view.plan
        for order_key in plan.order_keys if plan.canonical is not None else ():
            for comparison in await self._journal.comparisons(order_key=order_key, route=program.follows):
                key = (comparison.message_id, comparison.document_index)
                if comparison.state is ComparisonState.COMPARED:
                    await self._learn(programs, comparison, each)
                elif comparison.state is ComparisonState.ALONE:
                    await self._note(await self._look(programs, key, LAST_AGAIN_S, comparison))
                else:
                    self._look_at(key, 0.0)

    async def _learn(self, programs: Programs, comparison: Comparison, each: DocumentInOrder) -> None:
        try:
            await self._read_twice(programs, comparison, each)
        except (JournalError, JournalBusyError):
            raise
        except Exception:
            log.exception("comparing.unlearned message=%s", each.view.message_id)

    async def _read_twice(self, programs: Programs, comparison: Comparison, each: DocumentInOrder) -> None:
        program = programs.routes.get(comparison.route)
        case = await self._case(program, comparison) if program is not None else None
        ours = _document(case.view.plan.canonical) if case is not None else None
        if case is None or ours is None:
            return
        readings = await self._readings(programs, case, ours)
        if len(readings) < 2 or each.view.message_id == readings[0].message_id:
            return
        second = next((one for one in readings[1:] if one.message_id == each.view.message_id), None)
        if second is not None:
            rules = CompareRules(factors=await self._factors(case.compare))
            found = compare_documents(readings[0].document, second.document, rules)
            patterns = frozenset(difference.pattern for difference in found if difference is not None)
            reading = NoiseReading(comparison.route, second.message_id, second.document_index, patterns)
            await self._journal.note_reading(reading)

    # -- one comparison --------------------------------------------------------------------

    def _look_at(self, key: _Key, within_s: float) -> None:
        self._turn += 1
        self._waits[key] = (max(within_s, FIRST_AGAIN_S), self._turn)
        heapq.heappush(self._again, (self._clock.monotonic() + within_s, self._turn, key))

    async def _look(
        self, programs: Programs, key: _Key, wait_s: float, known: Comparison | None = None
    ) -> list[Comparison]:
        """Give what is to be written of a document; nothing yet: look again later, and not for ever."""
        found = await self._journal.comparisons(message_id=key[0], document_index=key[1], limit=1)
        comparison = known or next(iter(found), None)
        if comparison is None or (known is None and comparison.state is not ComparisonState.WAITING):
            self._waits.pop(key, None)
            return []
        program = programs.routes.get(comparison.route)
        settled = await self._safely(programs, program, comparison) if program is not None else None
        if settled is None and known is None:
            self._look_at(key, min(2 * wait_s, LAST_AGAIN_S))
        return [settled] if settled is not None else []

    async def _safely(
        self, programs: Programs, program: Program, comparison: Comparison
    ) -> Comparison | None:
        """Compare; what breaks costs this comparison, never the gateway. Errors: those of the journal."""
        try:
            return await self._settled(programs, program, comparison)
        except (JournalError, JournalBusyError):
            raise
        except Exception as error:
            log.exception("comparing.failed message=%s", comparison.message_id)
            why = f"it could not be compared ({type(error).__name__}): the log says more"
            now = self._clock.now()
            return replace(comparison, state=ComparisonState.ALONE, compared_at=now, reason=why)

    async def _settled(
        self, programs: Programs, program: Program, comparison: Comparison
    ) -> Comparison | None:
        """Give a comparison that is done, or that has waited long enough; None: not yet."""
        case = await self._case(program, comparison)
        now = self._clock.now()
        is_late = now >= comparison.due_at
        if case is None:
            gone = "the document is not there any more, or the route compares no longer"
            return replace(comparison, state=ComparisonState.ALONE, compared_at=now, reason=gone)
        shadow = result_of(case.shadow) if case.shadow is not None else ""
        if case.shadow is not None and not shadow and not is_late:
            return None
        noted = replace(
            comparison,
            generation=case.view.generation,
            shadow=shadow,
            legacy_s=_took_s(case.live),
            cloud_s=_took_s(case.shadow) if shadow == "answered" else None,
        )
        if case.view.plan.canonical is None:
            if case.view.plan.is_parked or case.view.plan.resolution:
                return _compared(noted, (_untranslated(case.view),), "", now)
            gone = "its content is no longer kept"
            return replace(noted, state=ComparisonState.ALONE, compared_at=now, reason=gone)
        ours = parse_document(case.view.plan.canonical)
        refused = (_refused(case),) if shadow == "refused" else ()
        readings = await self._readings(programs, case, ours)
        if not readings:
            if is_late and refused:
                return _compared(noted, refused, "", now)
            why = f"no legacy evidence came by {comparison.due_at:%Y-%m-%d %H:%M}Z"
            alone = replace(noted, state=ComparisonState.ALONE, compared_at=now, reason=why)
            return alone if is_late else None
        differences = [*refused, *await self._differences(case, readings[0], ours)]
        return _compared(noted, differences, readings[0].name, now)

    async def _case(self, program: Program, comparison: Comparison) -> _Case | None:
        if program.compare is None:
            return None
        try:
            message = await self._journal.message(comparison.message_id)
        except UnknownError:
            return None
        found = await self._journal.one_document(comparison.message_id, comparison.document_index)
        if found is None:
            return None
        view, deliveries = found
        return _Case(comparison, program, program.compare, message, view, tuple(deliveries))

    # -- the two sides ---------------------------------------------------------------------

    async def _readings(self, programs: Programs, case: _Case, ours: CanonicalDocument) -> list[Evidence]:
        """Give legacy's versions of a document, the one that was read first before all others."""
        if case.compare.evidence == REPLY:
            return _from_reply(case, ours)
        found = []
        for order_key in case.view.plan.order_keys[:1]:
            for view in await self._journal.documents(order_key=order_key, limit=EVIDENCE_MAX):
                evidence = await self._evidence(programs, case, view, ours)
                if evidence is not None:
                    found.append(evidence)
        return found

    async def _evidence(
        self, programs: Programs, case: _Case, view: DocumentView, ours: CanonicalDocument
    ) -> Evidence | None:
        if view.message_id == case.message.message_id or view.plan.canonical is None:
            return None
        message = await self._journal.message(view.message_id)
        program = programs.of_set(message.route, view.plan.set_type)
        if program is None or program.route != case.compare.evidence or view.generation != message.generation:
            return None
        document = parse_document(view.plan.canonical)
        if document.document_type != ours.document_type or not _is_same_release(document, ours):
            return None
        name = f"{program.route} {view.message_id} set {view.plan.index + 1}"
        return Evidence(document, name, view.message_id, view.plan.index)

    async def _differences(
        self, case: _Case, evidence: Evidence, ours: CanonicalDocument
    ) -> list[Difference]:
        rules = replace(case.compare.rules, factors=await self._factors(case.compare))
        found = await self._gathered(compare_documents(evidence.document, ours, rules))
        if found and not rules.only and case.shadow is not None:
            requests = self._requests(case, evidence, ours)
            if requests is not None:
                found += await self._gathered(compare_requests(*requests, rules))
        return found

    def _requests(
        self, case: _Case, evidence: Evidence, ours: CanonicalDocument
    ) -> tuple[Request, Request] | None:
        """Render both versions for the cloud ERP: what differs there reaches it."""
        shadow = case.shadow
        destination = self._destinations().get(shadow.target) if shadow is not None else None
        if shadow is None or destination is None:
            return None
        now = self._clock.now()
        made = [
            rehearsed(destination.target, _delivery(case, shadow, document), now)
            for document in (evidence.document, ours)
        ]
        theirs, our = made
        return (theirs, our) if isinstance(theirs, Request) and isinstance(our, Request) else None

    async def _gathered(self, found: Iterator[Difference | None]) -> list[Difference]:
        """Gather differences, with a pause where a comparison has taken a while."""
        gathered: list[Difference] = []
        began = self._clock.monotonic()
        for each in found:
            if each is not None:
                gathered.append(each)
            if self._clock.monotonic() - began > PAUSE_S:
                await asyncio.sleep(0)
                began = self._clock.monotonic()
        return gathered

    async def _factors(self, compare: CompareProgram) -> Factors:
        if compare.factors is None:
            return _unknown_factor
        _, rows = await self._journal.crosswalk(compare.factors)
        return factors_of(rows)


def _message_routes(programs: Programs) -> list[str]:
    """Give the routes to which messages of compared routes and of evidence belong: the feeding ones."""
    wanted = {
        name
        for name, program in programs.routes.items()
        if program.is_evidence or (program.compare is not None and program.reply != "query")
    }
    feeding = {first for first, sets in programs.shared.items() if wanted & set(sets.values())}
    return sorted(wanted | feeding)


def factors_of(rows: Iterable[CrosswalkRow]) -> Factors:
    """Give unit factors of a code table: legacy's word is ITEM|UNIT, or UNIT alone for every item."""
    known: dict[str, Decimal] = {}
    for row in rows:
        try:
            factor = Decimal(row.facts.get("factor", ""))
        except InvalidOperation:
            continue
        if factor.is_finite() and factor > 0:
            known[row.legacy] = factor

    def factor_of(item: tuple[str, ...], unit: str) -> Decimal | None:
        return next(
            (known[name] for name in (*(f"{each}|{unit}" for each in item), unit) if name in known), None
        )

    return factor_of


def _unknown_factor(item: tuple[str, ...], unit: str) -> Decimal | None:
    return None


def _from_reply(case: _Case, ours: CanonicalDocument) -> list[Evidence]:
    """Read legacy's answer, where the call carried this one document and was answered well."""
    live = case.live
    step = _answered(live.steps) if live is not None else None
    if (
        live is None
        or step is None
        or not isinstance(step.reply, Reply)
        or not 200 <= step.reply.status < 300
    ):
        return []
    document = read_reply(step.reply.body, case.compare.reads, ours, case.message.origin.name)
    if isinstance(document, Finding):
        log.warning("comparing.reply_unread message=%s code=%s", case.message.message_id, document.code)
        return []
    return [Evidence(document, f"reply of {live.target}", case.message.message_id, case.view.plan.index)]


def _answered(steps: Iterable[StepResult]) -> StepResult | None:
    return next((step for step in reversed(tuple(steps)) if isinstance(step.reply, Reply)), None)


def _is_same_release(one: CanonicalDocument, other: CanonicalDocument) -> bool:
    return all(getattr(one, name, None) == getattr(other, name, None) for name in ("release", "revision"))


def _document(canonical: bytes | None) -> CanonicalDocument | None:
    try:
        return parse_document(canonical) if canonical is not None else None
    except DocumentError:
        return None


def _compared(
    comparison: Comparison, differences: Iterable[Difference], evidence: str, now: datetime
) -> Comparison:
    every = [with_group(comparison.route, each) for each in differences]
    return replace(
        comparison,
        state=ComparisonState.COMPARED,
        compared_at=now,
        evidence=evidence,
        differences=tuple(every[:DIFFERENCES_MAX]),
        left_out=max(0, len(every) - DIFFERENCES_MAX),
    )


def _untranslated(view: DocumentView) -> Difference:
    code = view.plan.findings[0].code if view.plan.findings else "not translated"
    return Difference("document", "untranslated", "", "", "taken", code)


def _refused(case: _Case) -> Difference:
    shadow = case.shadow
    code = refused_finding(case.program.route, shadow).code if shadow is not None else ""
    return Difference("request", "refused", "", "", "taken", code)


def _delivery(case: _Case, shadow: DeliveryView, document: CanonicalDocument) -> Delivery:
    canonical, message = to_json(document), case.message
    return Delivery(
        delivery_id=shadow.delivery_id,
        message_id=message.message_id,
        target=shadow.target,
        role="shadow",
        reference=shadow.reference,
        canonical=canonical,
        body=canonical,
        origin=message.origin,
        document_key=case.view.plan.document_key,
        order_key=case.view.plan.order_keys[0] if case.view.plan.order_keys else None,
        correlation_id=message.correlation_id,
        accepted_at=message.accepted_at,
        is_urgent=shadow.is_urgent,
    )


def _took_s(view: DeliveryView | None) -> float | None:
    """Give how long the answered steps of a delivery took together."""
    steps = view.steps if view is not None else ()
    answered = [step for step in steps if isinstance(step.reply, Reply) and step.ended_at is not None]
    spans = [step.ended_at - step.started_at for step in answered if step.ended_at is not None]
    return sum(spans, timedelta()).total_seconds() if spans else None
