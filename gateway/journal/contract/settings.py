"""What decisions are made by: control numbers, configurations, stages, code tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gateway.journal.types import CrosswalkRow, StageState


class Tables(Protocol):
    """Counters, configurations, stages and code tables."""

    # -- counters, stages, configuration -------------------------------------------------

    async def next_control_number(self, emitter: str, kind: str, lowest: int, highest: int) -> int:
        """Give the next number of an emitter's range and kind, wrapping to ``lowest`` after ``highest``."""
        ...

    async def load_configuration(self, text: str, sha256: str, who: str, now: datetime) -> int:
        """Keep a configuration as an immutable revision, make it current; the same text is no new one."""
        ...

    async def configuration(self, revision: int) -> str:
        """Give the text of a revision. Errors: UnknownError."""
        ...

    async def stages(self) -> Mapping[str, StageState]:
        """Give the live stage of every route that was ever declared or set."""
        ...

    async def declare_stages(self, declared: Mapping[str, tuple[str, str]], now: datetime) -> None:
        """Set (stage, share) for routes that have none yet: the default of routes.yaml. Others stay."""
        ...

    async def set_stage(
        self, route: str, expected: str, stage: str, share_percent: str, who: str, why: str, now: datetime
    ) -> StageState:
        """Move a route, audited in the same transaction. Errors: StaleStageError, UnknownError."""
        ...

    # -- crosswalks ----------------------------------------------------------------------

    async def load_crosswalk(
        self, table: str, rows: Sequence[CrosswalkRow], who: str, why: str, now: datetime
    ) -> int:
        """Replace a table by a new version, audited; give the version."""
        ...

    async def crosswalk_version(self, table: str) -> int:
        """Give a table's current version, 0 where there is none."""
        ...

    async def crosswalk(self, table: str) -> tuple[int, list[CrosswalkRow]]:
        """Give a table's current version and rows; (0, []) where there is none."""
        ...
