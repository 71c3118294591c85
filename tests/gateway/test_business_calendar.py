from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.business_calendar import BusinessCalendar, Freeze

CHICAGO = BusinessCalendar(
    "America/Chicago",
    holidays=frozenset({date(2026, 11, 26)}),
    freezes=(
        Freeze(date(2026, 12, 24), date(2026, 12, 31), "year end"),
        Freeze(date(2027, 1, 1), date(2027, 1, 2), "count"),
    ),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "since, until, days",
    [
        ("2026-11-23T15:00", "2026-11-24T14:59", 0),  # Monday to Tuesday
        ("2026-11-23T15:00", "2026-11-24T15:00", 1),
        ("2026-11-20T15:00", "2026-11-23T15:00", 1),  # over a weekend
        ("2026-11-25T15:00", "2026-11-27T15:00", 1),  # over a holiday
        ("2026-11-23T15:00", "2026-12-07T15:00", 9),
        ("2026-11-24T15:00", "2026-11-23T15:00", 0),
    ],
)
def test_only_whole_business_days_count(since: str, until: str, days: int) -> None:
    assert CHICAGO.business_days(at(since), at(until)) == days


def test_a_freeze_holds_by_the_days_of_the_zone_and_not_of_utc() -> None:
    assert CHICAGO.frozen(at("2026-12-24T05:59")) is None  # still the 23rd in Chicago
    assert CHICAGO.frozen(at("2026-12-24T06:00")) is not None
    assert CHICAGO.frozen(at("2027-01-03T05:59")) is not None


def test_after_freezes_that_follow_each_other_it_opens_once() -> None:
    assert CHICAGO.opens_at(at("2026-12-25T12:00")) == at("2027-01-03T06:00")
    assert CHICAGO.opens_at(at("2026-12-23T12:00")) == at("2026-12-23T12:00")
