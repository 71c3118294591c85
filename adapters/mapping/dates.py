"""Dates as legacy systems write them: patterns, windowed years, day-of-year, century digits, zones.

A pattern is compiled once to a regular expression and a writer; strptime would depend on the
locale and takes five times as long. Dates repeat within a document, so results are remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from adapters.mapping.run import UnfitError
from canonical.values import DateValue, assume_zone

REMEMBERED = 2_048
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_DIRECTIVES = {
    "%Y": r"(?P<Y>[0-9]{4})",
    "%y": r"(?P<y>[0-9]{2})",
    "%C": r"(?P<C>[0-9])",
    "%m": r"(?P<m>[0-9]{2})",
    "%-m": r"(?P<m>[0-9]{1,2})",
    "%d": r"(?P<d>[0-9]{2})",
    "%-d": r"(?P<d>[0-9]{1,2})",
    "%j": r"(?P<j>[0-9]{3})",
    "%b": r"(?P<b>[A-Za-z]{3})",
    "%H": r"(?P<H>[0-9]{2})",
    "%-H": r"(?P<H>[0-9]{1,2})",
    "%I": r"(?P<I>[0-9]{2})",
    "%p": r"(?P<p>[AaPp][Mm])",
    "%M": r"(?P<M>[0-9]{2})",
    "%S": r"(?P<S>[0-9]{2})",
    "%f": r"(?P<f>[0-9]{6})",
    "%z": r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
    "%%": "%",
}
_WRITERS: dict[str, Callable[[datetime], str]] = {
    "%Y": lambda at: f"{at.year:04d}",
    "%y": lambda at: f"{at.year % 100:02d}",
    "%C": lambda at: f"{at.year // 100 - 19}",
    "%m": lambda at: f"{at.month:02d}",
    "%-m": lambda at: str(at.month),
    "%d": lambda at: f"{at.day:02d}",
    "%-d": lambda at: str(at.day),
    "%j": lambda at: f"{at.timetuple().tm_yday:03d}",
    "%b": lambda at: MONTHS[at.month - 1].upper(),
    "%H": lambda at: f"{at.hour:02d}",
    "%-H": lambda at: str(at.hour),
    "%I": lambda at: f"{at.hour % 12 or 12:02d}",
    "%p": lambda at: "AM" if at.hour < 12 else "PM",
    "%M": lambda at: f"{at.minute:02d}",
    "%S": lambda at: f"{at.second:02d}",
    "%f": lambda at: f"{at.microsecond:06d}",
    "%z": lambda at: _offset_text(at),  # noqa: PLW0108 - defined below
    "%%": lambda _: "%",
}
_PIECE = re.compile(r"%-?[A-Za-z%]|[^%]+|%")


class PatternError(ValueError):
    """A date pattern that cannot be read both ways."""


class DatePatterns:
    """One field's date patterns. ``read`` gives a DateValue, ``write`` the text of the first that fits."""

    def __init__(self, patterns: Sequence[str], pivot: int | None, zone: str | None) -> None:
        self._patterns = tuple(_Pattern(pattern, pivot) for pattern in patterns)
        self._expected = " or ".join(patterns)
        self._own_zone = zone
        if zone is not None:
            zone_of(zone)
        self._read = lru_cache(maxsize=REMEMBERED)(self._read_anew)
        self._write = lru_cache(maxsize=REMEMBERED)(self._write_anew)

    @property
    def has_time(self) -> bool:
        """Say whether a time can be read."""
        return any(pattern.has_time for pattern in self._patterns)

    def read(self, text: str, zone: str) -> DateValue:
        """Give the date of a text. Errors: UnfitError MAP-DATE."""
        return self._read(text, self._own_zone or zone)

    def write(self, value: DateValue, zone: str) -> str:
        """Give the text of a date. Errors: UnfitError MAP-DATE where it would read as another date."""
        # What is remembered must not depend on what came before: moments are equal across zones and folds.
        at = value.at
        moment = (at.astimezone(UTC), at.utcoffset()) if at is not None else None
        return self._write(value.date, moment, self._own_zone or zone)

    def _read_anew(self, text: str, zone: str) -> DateValue:
        for pattern in self._patterns:
            if (match := pattern.regex.fullmatch(text)) is not None:
                try:
                    return pattern.value(match, text, zone)
                except (ValueError, OverflowError):
                    break
        raise UnfitError("MAP-DATE", f"{{value}} is no date of the form {self._expected}")

    def _write_anew(self, day: date, moment: tuple[datetime, timedelta | None] | None, zone: str) -> str:
        for pattern in self._patterns:
            if pattern.has_time and moment is None:
                continue
            text = pattern.text(_as_written(pattern, day, moment, zone))
            if self._reads_as(text, day, moment[0] if moment and pattern.has_time else None, zone):
                return text
        shown = moment[0] if moment else day
        raise UnfitError("MAP-DATE", f"{shown} cannot be written as {self._expected} and read again")

    def _reads_as(self, text: str, day: date, at: datetime | None, zone: str) -> bool:
        try:
            back = self._read(text, zone)
        except UnfitError:
            return False
        # In UTC, because Python never calls a repeated clock time equal to another zone's (PEP 495).
        return back.date == day and (at is None or (back.at is not None and back.at.astimezone(UTC) == at))


def _as_written(
    pattern: _Pattern, day: date, moment: tuple[datetime, timedelta | None] | None, zone: str
) -> datetime:
    if moment is None or not pattern.has_time:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    at, offset = moment
    return (
        at.astimezone(timezone(offset or timedelta())) if pattern.has_offset else at.astimezone(zone_of(zone))
    )


class _Pattern:
    def __init__(self, pattern: str, pivot: int | None) -> None:
        pieces = _PIECE.findall(pattern)
        unknown = [piece for piece in pieces if piece.startswith("%") and piece not in _DIRECTIVES]
        if unknown:
            raise PatternError(f"'{unknown[0]}' is no part of a date; there are {' '.join(_DIRECTIVES)}")
        try:
            self.regex = re.compile("".join(_DIRECTIVES.get(piece) or re.escape(piece) for piece in pieces))
        except re.error as error:
            raise PatternError(f"'{pattern}' names a part of the date twice") from error
        groups = set(self.regex.groupindex)
        _check_complete(pattern, groups, pivot)
        self.pivot = pivot or 0
        self.has_time = bool(groups & {"H", "I"})
        self.has_offset = "z" in groups
        self.is_windowed = "y" in groups and "C" not in groups
        self._write = tuple(_WRITERS.get(piece) or _literal(piece) for piece in pieces)

    def text(self, at: datetime) -> str:
        return "".join(write(at) for write in self._write)

    def value(self, match: re.Match[str], text: str, zone: str) -> DateValue:
        parts = {name: part for name, part in match.groupdict().items() if part is not None}
        day = self._day(parts)
        if not self.has_time:
            # A year of two digits leaves the century to us, so the text as sent is kept.
            return DateValue(date=day, text=text if self.is_windowed else None)
        local = datetime(
            day.year, day.month, day.day, _hour(parts), int(parts.get("M", 0)), int(parts.get("S", 0)),
            int(parts.get("f", 0)), tzinfo=_offset(parts["z"]) if "z" in parts else None,
        )  # fmt: skip
        if local.tzinfo is not None:
            return DateValue(date=day, at=local)
        return assume_zone(local, zone_of(zone), zone, text)

    def _day(self, parts: dict[str, str]) -> date:
        year = int(parts.get("Y") or parts["y"])
        if "C" in parts:  # AS/400: 0 is the 1900s, 1 the 2000s
            year += 1900 + 100 * int(parts["C"])
        elif "Y" not in parts:
            year += 2000 if year < self.pivot else 1900
        if "j" in parts:
            number = int(parts["j"])
            found = date(year, 1, 1) + timedelta(days=number - 1)
            if number == 0 or found.year != year:
                raise ValueError("no such day of the year")
            return found
        month = MONTHS.index(parts["b"].lower()) + 1 if "b" in parts else int(parts["m"])
        return date(year, month, int(parts["d"]))


def _check_complete(pattern: str, groups: set[str], pivot: int | None) -> None:
    if not ({"Y"} <= groups or {"y"} <= groups):
        raise PatternError(f"'{pattern}' names no year (%Y, or %y with pivot)")
    if "y" in groups and "C" not in groups and pivot is None:
        raise PatternError(f"'{pattern}' has a year of two digits; say pivot, the first year that is 19yy")
    if "j" not in groups and not ("d" in groups and groups & {"m", "b"}):
        raise PatternError(f"'{pattern}' names no day (%m or %b with %d, or %j)")
    if "I" in groups and "p" not in groups:
        raise PatternError(f"'{pattern}' has %I without %p")


def _literal(piece: str) -> Callable[[datetime], str]:
    return lambda _: piece


def _hour(parts: dict[str, str]) -> int:
    if "I" not in parts:
        return int(parts["H"])
    hour = int(parts["I"])
    if not 1 <= hour <= 12:
        raise ValueError("no such hour")
    return hour % 12 + (12 if parts["p"].lower() == "pm" else 0)


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))


def _offset_text(at: datetime) -> str:
    offset = at.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


@lru_cache(maxsize=512)
def zone_of(name: str) -> ZoneInfo:
    """Give a time zone. Errors: PatternError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise PatternError(f"'{name}' is no time zone; expected a name as America/Chicago") from error
