"""Planning from outside: what recorded traffic would come to under a changed configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.operations.base import JsonObject, OperationsBase, Text
from gateway.operations.errors import OperationError

ConfigurationText = Annotated[str, Field(min_length=1, max_length=8_000_000)]
Stages = Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=1_000)]


class PlanOperations(OperationsBase):
    """Operations on plans."""

    async def plan(
        self,
        configuration: ConfigurationText | None = None,
        days: Annotated[float, Field(gt=0, le=400)] = 7.0,
        limit: Annotated[int, Field(ge=1, le=100_000)] = 2_000,
        route: Text | None = None,
        stages: Stages | None = None,
    ) -> JsonObject:
        """Run the last days' traffic under a changed configuration, and show what would change.

        ``configuration``: the changed routes.yaml; None: as it is. ``stages``: ``ROUTE=STAGE[:SHARE]``.
        Nothing is sent or kept. Errors: OperationError where it cannot be planned.
        """
        if self._hooks.plan is None:
            raise OperationError("stopped", "only a running gateway with a journal file plans for others")
        asked = {
            "configuration": configuration, "days": days, "limit": limit, "route": route,
            "stages": stages or [],
        }  # fmt: skip
        return await self._hooks.plan(asked)
