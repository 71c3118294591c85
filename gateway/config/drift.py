"""Where the running strangler table differs from what routes.yaml declares. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from gateway.config.configuration import Configuration
from gateway.journal.types import StageState


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. ``declared`` or ``live`` is empty where the route is not there at all."""

    route: str
    what: str  # "stage", "share" or "route"
    declared: str
    live: str
    changed_at: datetime | None = None
    changed_by: str = ""
    why: str = ""

    def __str__(self) -> str:
        if self.what == "route":
            return f"{self.route}: " + (
                "declared, and not live yet" if self.declared else "live, and not declared"
            )
        changed = f" (by {self.changed_by}: {self.why})" if self.changed_by else ""
        return f"{self.route}: {self.what} is {self.live}, declared {self.declared}{changed}"


def diff(declared: Configuration, live: Iterable[StageState]) -> list[Drift]:
    """Give every difference, in the order of the file; live routes that it does not name come last.

    A share counts only where the live stage is canary.
    """
    states = {state.route: state for state in live}
    originating = [route for route in declared.routes.values() if route.originates]
    found: list[Drift] = []
    for route in originating:
        stage = route.stage.value if route.stage is not None else ""
        if (state := states.pop(route.id, None)) is None:
            found.append(Drift(route.id, "route", stage, ""))
            continue
        who = (state.changed_at, state.changed_by, state.why)
        if state.stage != stage:
            found.append(Drift(route.id, "stage", stage, state.stage, *who))
        share = declared.share_percent(route)
        if state.stage == "canary" and Decimal(state.share_percent) != share:
            found.append(Drift(route.id, "share", f"{share.normalize():f}%", f"{state.share_percent}%", *who))
    return [*found, *(Drift(state.route, "route", "", state.stage) for state in states.values())]
