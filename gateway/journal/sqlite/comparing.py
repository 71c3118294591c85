"""The part of the journal about the two sides of a migration; the modules named here do the work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from gateway.journal.comparisons import (
    Approval,
    AttemptCount,
    Comparison,
    ComparisonCounts,
    ComparisonState,
    DifferenceGroup,
    DocumentInOrder,
    NoiseReading,
    PlannedStage,
)
from gateway.journal.sqlite import comparisons, stage_plans
from gateway.journal.sqlite.store import Store
from gateway.journal.types import DeliveryView, DocumentView


class Comparing(Store):
    """See ``gateway.journal.base.Journal``."""

    async def documents_after(
        self, message_routes: Sequence[str], position: int, limit: int = 100
    ) -> tuple[list[DocumentInOrder], int]:
        return await self._read(comparisons.documents_after, message_routes, position, limit)

    async def one_document(
        self, message_id: str, document_index: int
    ) -> tuple[DocumentView, list[DeliveryView]] | None:
        return await self._read(comparisons.one_document, message_id, document_index)

    async def note_comparisons(self, found: Sequence[Comparison]) -> None:
        await self._write(comparisons.note, tuple(found))

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
        place = (message_id, document_index)
        return await self._read(comparisons.newest, route, state, order_key, place, group_id, limit)

    async def waiting_comparisons(self, limit: int = 1_000) -> list[Comparison]:
        return await self._read(comparisons.waiting, limit)

    async def difference_groups(self, route: str | None, since: datetime) -> list[DifferenceGroup]:
        return await self._read(comparisons.groups, route, since)

    async def count_comparisons(
        self, route: str, since: datetime, excused: Collection[str]
    ) -> ComparisonCounts:
        return await self._read(comparisons.counts, route, since, excused)

    async def note_reading(self, reading: NoiseReading) -> None:
        await self._write(comparisons.note_reading, reading)

    async def readings(self, route: str) -> list[NoiseReading]:
        return await self._read(comparisons.readings, route)

    async def approve(self, approval: Approval) -> None:
        await self._write(stage_plans.approve, approval)

    async def approvals(self, route: str) -> list[Approval]:
        return await self._read(stage_plans.approvals, route)

    async def plan_stage(self, planned: PlannedStage, now: datetime) -> None:
        await self._write(stage_plans.plan, planned, now)

    async def hold_stage(self, route: str, held: str, now: datetime) -> bool:
        return await self._write(stage_plans.hold, route, held, now)

    async def unplan_stage(self, route: str, who: str, why: str, now: datetime) -> bool:
        return await self._write(stage_plans.unplan, route, who, why, now)

    async def planned_stages(self) -> list[PlannedStage]:
        return await self._read(stage_plans.planned_stages)

    async def attempt_counts(self, target: str, since: datetime) -> list[AttemptCount]:
        return await self._read(comparisons.attempt_counts, target, since)
