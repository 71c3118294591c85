"""What a stage change is judged by: comparisons, approvals, planned stages, attempts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

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
from gateway.journal.types import DeliveryView, DocumentView


class Evidence(Protocol):
    """What both sides made of the same document, and who approved of what."""

    async def documents_after(
        self, message_routes: Sequence[str], position: int, limit: int = 100
    ) -> tuple[list[DocumentInOrder], int]:
        """Give documents of messages of these routes in the order of planning, from after a position on.

        The number is the position up to which everything was looked at: where to go on next time.
        """
        ...

    async def one_document(
        self, message_id: str, document_index: int
    ) -> tuple[DocumentView, list[DeliveryView]] | None:
        """Give one document of a message's present generation, with its deliveries and the whole message's.

        At most a thousand deliveries; None where there is no such document.
        """
        ...

    async def note_comparisons(self, found: Sequence[Comparison]) -> None:
        """Write comparisons, each in the place of an earlier one of the same document.

        One of an older generation than what stands there changes nothing.
        """
        ...

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
        """List comparisons with their differences, newest accepted first."""
        ...

    async def waiting_comparisons(self, limit: int = 1_000) -> list[Comparison]:
        """Give those that wait for legacy's version, those first that are due first."""
        ...

    async def difference_groups(self, route: str | None, since: datetime) -> list[DifferenceGroup]:
        """Give the groups of differences of documents accepted since then, the most frequent first."""
        ...

    async def count_comparisons(
        self, route: str, since: datetime, excused: Collection[str]
    ) -> ComparisonCounts:
        """Count a route's comparisons of documents accepted since then.

        ``excused``: groups that make no mismatch. A document with any other difference is one.
        """
        ...

    async def note_reading(self, reading: NoiseReading) -> None:
        """Write down that a record was read twice, once for each second reading."""
        ...

    async def readings(self, route: str) -> list[NoiseReading]:
        """Give what was learned from records that were read twice, the newest thousand."""
        ...

    async def approve(self, approval: Approval) -> None:
        """Write down an approval, audited. The same person in the same role renews it."""
        ...

    async def approvals(self, route: str) -> list[Approval]:
        """Give a route's approvals, oldest first."""
        ...

    async def plan_stage(self, planned: PlannedStage, now: datetime) -> None:
        """Plan a stage change in the place of one that was planned before, audited."""
        ...

    async def hold_stage(self, route: str, held: str, now: datetime) -> bool:
        """Say why a planned change did not happen when it was due, audited; False where none is planned."""
        ...

    async def unplan_stage(self, route: str, who: str, why: str, now: datetime) -> bool:
        """Take a planned change back, audited; False where none is planned."""
        ...

    async def planned_stages(self) -> list[PlannedStage]:
        """Give what is planned, the earliest first."""
        ...

    async def attempt_counts(self, target: str, since: datetime) -> list[AttemptCount]:
        """Count the attempts at a target since then, by role, route and sets; of the newest 20,000."""
        ...
