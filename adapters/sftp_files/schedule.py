"""When to look into a folder next: by interval or by cron, within windows of the partner's zone. Pure.

Times of day are local: a look at 02:30 in a night without 02:30 happens right after the gap, and one in the
hour that comes twice happens once (cronsim's rules, those of Debian's cron).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AHEAD_DAYS = 15  # windows recur every week; two weeks always hold the next one, whatever the clocks do
_WINDOW = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))? )?(\d{2}):(\d{2})-(\d{2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of some days; where they end before they begin, they end on the next day."""

    days: frozenset[int]  # 0 is Monday: the days on which it begins
    begins: time
    ends: time
    text: str

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls, serialization=core_schema.to_string_ser_schema())


def read_window(text: str) -> Window:
    """Read ``06:00-18:30`` or ``mon-fri 06:00-18:30``. Errors: ValueError."""
    found = _WINDOW.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"'{text}' found; expected hours such as 06:00-18:30 or mon-fri 06:00-18:30")
    first, last, *numbers = found.groups()
    unknown = [day for day in (first, last) if day is not None and day not in DAYS]
    if unknown:
        raise ValueError(f"there is no day '{unknown[0]}'; expected one of {', '.join(DAYS)}")
    hour, minute, end_hour, end_minute = (int(number) for number in numbers)
    is_midnight = (end_hour, end_minute) == (24, 0)
    begins, ends = time(hour, minute), time(0) if is_midnight else time(end_hour, end_minute)
    if begins == ends and not is_midnight:
        raise ValueError(f"'{text}' has no length; for a whole day write 00:00-24:00")
    return Window(_days(first, last), begins, ends, text.strip())


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    begins = DAYS.index(first)
    count = (DAYS.index(last or first) - begins) % 7 + 1
    return frozenset((begins + number) % 7 for number in range(count))


def check_cron(text: str) -> str:
    """Check five fields of cron. Errors: ValueError (pydantic makes it a problem of that field)."""
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise ValueError(
            f"'{text}' is no time of cron: {error}; expected five fields: */15 6-18 * * mon-fri"
        ) from error
    return text


def next_look(
    now: datetime,
    *,
    poll_s: float,
    cron: str | None,
    windows: Sequence[Window],
    zone: str,
    goes_on: bool,
) -> datetime:
    """Give when to look next. ``goes_on``: a look by cron still waits for files and goes on by ``poll``."""
    wanted = now + timedelta(seconds=poll_s)
    if cron is not None and not goes_on:
        wanted = next(CronSim(cron, now.astimezone(ZoneInfo(zone)))).astimezone(UTC)
    return opened(wanted, windows, zone)


def opened(moment: datetime, windows: Sequence[Window], zone: str) -> datetime:
    """Give the first moment from this one on that lies in a window."""
    if not windows:
        return moment
    found = []
    local = moment.astimezone(ZoneInfo(zone))
    for ahead in range(-1, AHEAD_DAYS):
        day = (local + timedelta(days=ahead)).date()
        for window in windows:
            if day.weekday() not in window.days:
                continue
            last = day + timedelta(days=1) if window.ends <= window.begins else day
            begins = datetime.combine(day, window.begins, ZoneInfo(zone)).astimezone(UTC)
            ends = datetime.combine(last, window.ends, ZoneInfo(zone)).astimezone(UTC)
            if ends > moment:
                found.append(max(begins, moment))
        if found and ahead >= 0:
            break
    return min(found)
