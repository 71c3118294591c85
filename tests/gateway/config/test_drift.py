from __future__ import annotations

from datetime import UTC, datetime

from gateway.config import diff
from gateway.journal.types import StageState
from tests.gateway.config.sample import configured

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def state(route: str, stage: str, share: str = "100") -> StageState:
    return StageState(route, stage, share, 3, AT, "kim", "go-live")


def test_a_table_as_declared_shows_no_drift() -> None:
    assert diff(configured(), [state("po", "canary", "10.0"), state("json", "cloud")]) == []


def test_a_moved_route_shows_who_moved_it_and_why() -> None:
    found = diff(configured(), [state("po", "shadow"), state("json", "cloud")])

    assert [str(each) for each in found] == ["po: stage is shadow, declared canary (by kim: go-live)"]


def test_a_raised_share_is_drift_in_canary_only() -> None:
    found = diff(configured(), [state("po", "canary", "25"), state("json", "cloud", "25")])

    assert [(each.route, each.what, each.declared, each.live) for each in found] == [
        ("po", "share", "10%", "25%")
    ]


def test_routes_that_only_one_of_the_two_knows_are_named() -> None:
    found = diff(configured(), [state("po", "canary", "10"), state("old", "legacy")])

    assert [str(each) for each in found] == [
        "json: declared, and not live yet",
        "old: live, and not declared",
    ]


def test_routes_that_follow_have_no_stage_to_drift() -> None:
    assert "ack" not in [each.route for each in diff(configured(), [])]
