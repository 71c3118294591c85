"""Business days and freezes: when time counts, and when nothing may be moved. Pure.

Days are those of one zone. A freeze (an inventory count, a month's end, holidays) stops stage changes
towards the cloud; the way back is always open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MONDAY_TO_FRIDAY = frozenset(range(5))
_LOOK_AHEAD_DAYS = 3_660


@dataclass(frozen=True, slots=True)
class Freeze:
    """A span in which nothing is moved: from the start of a day to the end of another."""

    first: date
    last: date
    why: str


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """``workdays``: 0 is Monday."""

    zone: str = "UTC"
    workdays: frozenset[int] = MONDAY_TO_FRIDAY
    holidays: frozenset[date] = frozenset()
    freezes: tuple[Freeze, ...] = field(default=())

    def day_of(self, at: datetime) -> date:
        """Give the calendar day of an instant."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    def is_business_day(self, day: date) -> bool:
        """Tell whether a day counts."""
        return day.weekday() in self.workdays and day not in self.holidays

    def business_days(self, since: datetime, until: datetime) -> int:
        """Count the business days that passed whole: the day of ``since`` counts on its next anniversary.

        From Monday 15:00 to Tuesday 14:59 is none, to Tuesday 15:00 one.
        """
        zone = ZoneInfo(self.zone)
        start, end = since.astimezone(zone), until.astimezone(zone)
        last = end.date() if end.time() >= start.time() else end.date() - timedelta(days=1)
        days = (start.date() + timedelta(days=number) for number in range(1, (last - start.date()).days + 1))
        return sum(self.is_business_day(day) for day in days)

    def frozen(self, at: datetime) -> Freeze | None:
        """Give the freeze that an instant lies in."""
        day = self.day_of(at)
        return next((each for each in self.freezes if each.first <= day <= each.last), None)

    def opens_at(self, at: datetime) -> datetime:
        """Give the first instant from then on that lies in no freeze."""
        day = self.day_of(at)
        for _ in range(_LOOK_AHEAD_DAYS):
            frozen = next((each for each in self.freezes if each.first <= day <= each.last), None)
            if frozen is None:
                midnight = datetime.combine(day, time(), ZoneInfo(self.zone))
                return at if day == self.day_of(at) else midnight.astimezone(UTC)
            day = frozen.last + timedelta(days=1)
        raise ValueError("the freezes of the calendar never end")


def earlier_first(freezes: Iterable[Freeze]) -> tuple[Freeze, ...]:
    """Give freezes in their order."""
    return tuple(sorted(freezes, key=lambda each: (each.first, each.last)))
