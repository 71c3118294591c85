"""Approvals, and stage changes that are to happen at a time: audited where they are written."""

from __future__ import annotations

from datetime import datetime

from gateway.journal.comparisons import Approval, PlannedStage
from gateway.journal.sqlite.audit_log import append
from gateway.journal.sqlite.database import Database
from gateway.journal.sqlite.instants import from_micros, to_micros


def approve(db: Database, approval: Approval) -> None:
    """Write down an approval."""
    columns = (approval.route, approval.stage, approval.role, approval.who, approval.why)
    db.run("comparison.approve", (*columns, to_micros(approval.given_at)))
    detail = {"stage": approval.stage, "role": approval.role}
    append(db, approval.given_at, approval.who, "routes.approve", approval.route, detail, approval.why)


def approvals(db: Database, route: str) -> list[Approval]:
    """Give a route's approvals, oldest first."""
    rows = db.rows("comparison.approvals", (route,))
    return [
        Approval(name, stage, role, who, why, from_micros(given_at))
        for name, stage, role, who, why, given_at in rows
    ]


def plan(db: Database, planned: PlannedStage, now: datetime) -> None:
    """Plan a stage change."""
    db.run(
        "comparison.plan",
        (
            planned.route, planned.stage, planned.share_percent, to_micros(planned.at), planned.who,
            planned.why, planned.expected, planned.held,
        ),
    )  # fmt: skip
    append(db, now, planned.who, "routes.schedule", planned.route, detail_of(planned), planned.why)


def detail_of(planned: PlannedStage) -> dict[str, str]:
    """Give what the audit log says of a planned change."""
    detail = {"stage": planned.stage, "at": planned.at.isoformat(), "expected": planned.expected}
    return detail | ({"share_percent": planned.share_percent} if planned.share_percent is not None else {})


def hold(db: Database, route: str, held: str, now: datetime) -> bool:
    """Say why a planned change did not happen."""
    if not db.changed("comparison.hold", (held, route)):
        return False
    append(db, now, "schedule", "routes.schedule_held", route, {"reason": held}, "")
    return True


def unplan(db: Database, route: str, who: str, why: str, now: datetime) -> bool:
    """Take a planned change back."""
    if not db.changed("comparison.unplan", (route,)):
        return False
    append(db, now, who, "routes.unschedule", route, {}, why)
    return True


def planned_stages(db: Database) -> list[PlannedStage]:
    """Give what is planned, the earliest first."""
    return [
        PlannedStage(route, stage, share, from_micros(at), who, why, expected, held)
        for route, stage, share, at, who, why, expected, held in db.rows("comparison.planned")
    ]
