"""What the journal in memory keeps of the two sides of a migration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.base import Accepted
from gateway.journal.comparisons import (
    Approval,
    AttemptCount,
    AttemptSort,
    Comparison,
    ComparisonCounts,
    ComparisonState,
    Difference,
    DifferenceGroup,
    DocumentInOrder,
    Facet,
    NoiseReading,
    PlannedStage,
    is_imagined,
)
from gateway.journal.memory import audit
from gateway.journal.memory.records import DeliveryRecord, DocumentRecord, Tables
from gateway.journal.memory.views import delivery_view, document_view
from gateway.journal.types import DeliveryView, DocumentView

DELIVERIES_LOOKED_AT = 20_000
READINGS_MAX = 1_000


class Comparing:
    """See ``gateway.journal.base.Journal``."""

    _tables: Tables

    async def _commit(self, name: str, change: Callable[[], Any]) -> Any:
        raise NotImplementedError

    async def documents_after(
        self, message_routes: Sequence[str], position: int, limit: int = 100
    ) -> tuple[list[DocumentInOrder], int]:
        every = self._tables.documents_in_order
        found = []
        for at in range(position, len(every)):
            if every[at].message.view.route in message_routes:
                found.append(_in_order(at + 1, every[at]))
                if len(found) == limit:
                    return found, at + 1
        return found, max(len(every), position)

    async def one_document(
        self, message_id: str, document_index: int
    ) -> tuple[DocumentView, list[DeliveryView]] | None:
        record = self._tables.messages.get(message_id)
        document = record.documents.get(document_index) if record is not None else None
        if record is None or document is None or not document.is_current:
            return None
        deliveries = [
            each for each in record.deliveries if each.plan.document_index in (document_index, None)
        ]
        return document_view(document), [delivery_view(each) for each in deliveries[:1_000]]

    async def note_comparisons(self, found: Sequence[Comparison]) -> None:
        await self._commit("note_comparisons", lambda: _note(self._tables, found))

    async def comparisons(
        self,
        *,
        route: str | None = None,
        state: ComparisonState | None = None,
        order_key: str | None = None,
        message_id: str | None = None,
        document_index: int | None = None,
        group_id: str | None = None,
        limit: int = 100,
    ) -> list[Comparison]:
        found = [
            each
            for each in self._tables.comparisons.values()
            if route in (None, each.route)
            and state in (None, each.state)
            and order_key in (None, each.order_key)
            and message_id in (None, each.message_id)
            and document_index in (None, each.document_index)
            and (group_id is None or any(one.group_id == group_id for one in each.differences))
        ]
        found.reverse()  # of equally old ones the later written first
        return sorted(found, key=lambda each: each.accepted_at, reverse=True)[:limit]

    async def waiting_comparisons(self, limit: int = 1_000) -> list[Comparison]:
        every = self._tables.comparisons.values()
        found = [each for each in every if each.state is ComparisonState.WAITING]
        return sorted(found, key=lambda each: each.due_at)[:limit]

    async def difference_groups(self, route: str | None, since: datetime) -> list[DifferenceGroup]:
        members: dict[str, list[tuple[Comparison, Difference]]] = {}
        for each in self._tables.comparisons.values():
            if route in (None, each.route) and each.accepted_at >= since:
                for one in each.differences:
                    members.setdefault(one.group_id, []).append((each, one))
        found = [_group(group_id, every) for group_id, every in members.items()]
        return sorted(found, key=lambda group: (-group.documents, group.group_id))

    async def count_comparisons(
        self, route: str, since: datetime, excused: Collection[str]
    ) -> ComparisonCounts:
        every = [
            each
            for each in self._tables.comparisons.values()
            if each.route == route and each.accepted_at >= since
        ]
        return _counts(every, frozenset(excused))

    async def note_reading(self, reading: NoiseReading) -> None:
        key = (reading.route, reading.message_id, reading.document_index)
        await self._commit("note_reading", lambda: self._tables.readings.setdefault(key, reading))

    async def readings(self, route: str) -> list[NoiseReading]:
        found = [each for each in self._tables.readings.values() if each.route == route]
        return found[::-1][:READINGS_MAX]

    async def approve(self, approval: Approval) -> None:
        await self._commit("approve", lambda: _approve(self._tables, approval))

    async def approvals(self, route: str) -> list[Approval]:
        found = [each for each in self._tables.approvals.values() if each.route == route]
        return sorted(found, key=lambda each: (each.given_at, each.role, each.who))

    async def plan_stage(self, planned: PlannedStage, now: datetime) -> None:
        await self._commit("plan_stage", lambda: _plan(self._tables, planned, now))

    async def hold_stage(self, route: str, held: str, now: datetime) -> bool:
        return bool(await self._commit("hold_stage", lambda: _hold(self._tables, route, held, now)))

    async def unplan_stage(self, route: str, who: str, why: str, now: datetime) -> bool:
        return bool(await self._commit("unplan_stage", lambda: _unplan(self._tables, route, who, why, now)))

    async def planned_stages(self) -> list[PlannedStage]:
        return sorted(self._tables.planned_stages.values(), key=lambda each: (each.at, each.route))

    async def attempt_counts(self, target: str, since: datetime) -> list[AttemptCount]:
        sorts: dict[AttemptSort, tuple[list[bool], list[float]]] = {}
        for record in list(self._tables.deliveries.values())[-DELIVERIES_LOOKED_AT:]:
            for step in record.steps if record.plan.target == target else ():
                if record.plan.role == "shadow" and is_imagined(step.reply, step.outcome):
                    continue
                if step.started_at >= since and step.ended_at is not None:
                    taken, durations = sorts.setdefault(_sort(record), ([], []))
                    taken.append(isinstance(step.outcome, Accepted))
                    durations.append((step.ended_at - step.started_at).total_seconds())
        return [
            AttemptCount(*sort, sum(taken), len(taken) - sum(taken), tuple(durations))
            for sort, (taken, durations) in sorted(sorts.items())
        ]


def _sort(record: DeliveryRecord) -> AttemptSort:
    message, own = record.message, record.document
    every = (each for each in message.all_documents() if each.generation == record.generation)
    sets = {each.plan.set_type for each in ((own,) if own is not None else every)}
    return record.plan.role, message.view.route, tuple(sorted(sets))


def _in_order(position: int, record: DocumentRecord) -> DocumentInOrder:
    message = record.message.view
    view = DocumentView(message.message_id, record.generation, record.plan)
    return DocumentInOrder(
        position, message.route, message.partner, message.accepted_at, view, message.origin.transport
    )


def _note(tables: Tables, found: Sequence[Comparison]) -> None:
    for each in found:
        key = (each.message_id, each.document_index)
        known = tables.comparisons.get(key)
        if known is None or known.generation <= each.generation:
            facets = tuple(sorted(set(each.facets)))
            tables.comparisons[key] = replace(each, facets=facets)


def _group(group_id: str, members: Sequence[tuple[Comparison, Difference]]) -> DifferenceGroup:
    times = [each.accepted_at for each, _ in members]
    newest = max(times)
    last, example = next((each, one) for each, one in reversed(members) if each.accepted_at == newest)
    example = next(one for each, one in members if each is last)
    return DifferenceGroup(
        group_id, last.route, example.surface, example.kind, example.pattern,
        len({(each.message_id, each.document_index) for each, _ in members}), min(times), newest,
        example.legacy, example.cloud, last.message_id, last.document_index,
    )  # fmt: skip


def _counts(every: Sequence[Comparison], excused: frozenset[str]) -> ComparisonCounts:
    states = Counter(each.state for each in every)
    facets: dict[Facet, tuple[int, int]] = {}
    mismatches = clean = 0
    for each in every:
        is_compared = each.state is ComparisonState.COMPARED
        is_mismatch = is_compared and any(one.group_id not in excused for one in each.differences)
        for facet in each.facets:
            seen, wrong = facets.get(facet, (0, 0))
            facets[facet] = (seen + is_compared, wrong + is_mismatch)
        if is_compared:
            mismatches += is_mismatch
            clean = 0 if is_mismatch else clean + 1
    return ComparisonCounts(
        compared=states[ComparisonState.COMPARED],
        mismatches=mismatches,
        alone=states[ComparisonState.ALONE],
        waiting=states[ComparisonState.WAITING],
        clean_in_a_row=clean,
        shadow=dict(Counter(each.shadow for each in every if each.shadow)),
        facets=facets,
    )


def _approve(tables: Tables, approval: Approval) -> None:
    tables.approvals[approval.route, approval.stage, approval.role, approval.who] = approval
    detail = {"stage": approval.stage, "role": approval.role}
    audit.append(
        tables, approval.given_at, approval.who, "routes.approve", approval.route, detail, approval.why
    )


def _plan(tables: Tables, planned: PlannedStage, now: datetime) -> None:
    tables.planned_stages[planned.route] = planned
    detail = {"stage": planned.stage, "at": planned.at.isoformat(), "expected": planned.expected}
    if planned.share_percent is not None:
        detail["share_percent"] = planned.share_percent
    audit.append(tables, now, planned.who, "routes.schedule", planned.route, detail, planned.why)


def _hold(tables: Tables, route: str, held: str, now: datetime) -> bool:
    if route not in tables.planned_stages:
        return False
    tables.planned_stages[route] = replace(tables.planned_stages[route], held=held)
    audit.append(tables, now, "schedule", "routes.schedule_held", route, {"reason": held}, "")
    return True


def _unplan(tables: Tables, route: str, who: str, why: str, now: datetime) -> bool:
    if tables.planned_stages.pop(route, None) is None:
        return False
    audit.append(tables, now, who, "routes.unschedule", route, {}, why)
    return True


def prune(tables: Tables, before: datetime, limit: int) -> int:
    """Forget at most ``limit`` comparisons of documents accepted before then; give how many."""
    old = [
        (each.accepted_at, key)
        for key, each in tables.comparisons.items()
        if each.accepted_at < before and each.state is not ComparisonState.WAITING
    ]
    forgotten = sorted(old)[: max(limit, 0)]
    for _, key in forgotten:
        del tables.comparisons[key]
    return len(forgotten)
