"""One document beside legacy's version of it: whether both are there, and where they differ.

Documents are compared by meaning; where they differ, the requests that both would make of the cloud ERP, too.
It never keeps the event loop for longer than one line's comparison.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.base import Clock, Delivery, Reply, Request
from canonical.document import CanonicalDocument
from canonical.registry import DocumentError, parse_document, to_json
from gateway.compare import CompareRules, compare_documents, compare_requests, with_group
from gateway.compare.rules import Factors
from gateway.compared_case import ComparedCase, case_of
from gateway.destination import Destination
from gateway.evidence import Evidence, readings
from gateway.journal.base import Journal
from gateway.journal.comparisons import (
    DIFFERENCES_MAX,
    Comparison,
    ComparisonState,
    Difference,
    NoiseReading,
)
from gateway.journal.types import DeliveryView, DocumentView
from gateway.program import CompareProgram, Program, Programs
from gateway.rehearsal import rehearsed
from gateway.shadowing import refused_finding, result_of
from gateway.unit_factors import factors_of, unknown_factor

AT_ONCE_S = 0.002  # of one comparison, before the event loop has its turn


class TwoSides:
    """Compares one document at a time. It changes nothing: what it gives is to be written."""

    def __init__(
        self, journal: Journal, destinations: Callable[[], Mapping[str, Destination]], clock: Clock
    ) -> None:
        self._journal = journal
        self._destinations = destinations
        self._clock = clock

    async def settled(
        self, programs: Programs, program: Program, comparison: Comparison
    ) -> Comparison | None:
        """Give a comparison that is done, or that has waited long enough; None: not yet."""
        case = await case_of(self._journal, program, comparison)
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
        found = await readings(self._journal, programs, case, ours)
        if not found:
            if is_late and refused:
                return _compared(noted, refused, "", now)
            why = f"no legacy evidence came by {comparison.due_at:%Y-%m-%d %H:%M}Z"
            alone = replace(noted, state=ComparisonState.ALONE, compared_at=now, reason=why)
            return alone if is_late else None
        differences = [*refused, *await self._differences(case, found[0], ours)]
        return _compared(noted, differences, found[0].name, now)

    async def noise(
        self, programs: Programs, program: Program, comparison: Comparison, message_id: str
    ) -> NoiseReading | None:
        """Give what a second reading of legacy's version teaches; None where a message brought none."""
        case = await case_of(self._journal, program, comparison)
        ours = document_of(case.view.plan.canonical) if case is not None else None
        if case is None or ours is None:
            return None
        found = await readings(self._journal, programs, case, ours)
        second = next((one for one in found[1:] if one.message_id == message_id), None)
        if second is None or message_id == found[0].message_id:
            return None
        rules = CompareRules(factors=await self._factors(case.compare))
        differ = compare_documents(found[0].document, second.document, rules)
        patterns = frozenset(difference.pattern for difference in differ if difference is not None)
        return NoiseReading(comparison.route, second.message_id, second.document_index, patterns)

    async def _differences(
        self, case: ComparedCase, evidence: Evidence, ours: CanonicalDocument
    ) -> list[Difference]:
        rules = replace(case.compare.rules, factors=await self._factors(case.compare))
        found = await self._gathered(compare_documents(evidence.document, ours, rules))
        if found and not rules.only and case.shadow is not None:
            requests = self._requests(case, evidence, ours)
            if requests is not None:
                found += await self._gathered(compare_requests(*requests, rules))
        return found

    def _requests(
        self, case: ComparedCase, evidence: Evidence, ours: CanonicalDocument
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
            if self._clock.monotonic() - began > AT_ONCE_S:
                await asyncio.sleep(0)
                began = self._clock.monotonic()
        return gathered

    async def _factors(self, compare: CompareProgram) -> Factors:
        if compare.factors is None:
            return unknown_factor
        _, rows = await self._journal.crosswalk(compare.factors)
        return factors_of(rows)


def document_of(canonical: bytes | None) -> CanonicalDocument | None:
    """Give a stored document; None where there is none, or none that can be read any more."""
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


def _refused(case: ComparedCase) -> Difference:
    shadow = case.shadow
    code = refused_finding(case.program.route, shadow).code if shadow is not None else ""
    return Difference("request", "refused", "", "", "taken", code)


def _delivery(case: ComparedCase, shadow: DeliveryView, document: CanonicalDocument) -> Delivery:
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
