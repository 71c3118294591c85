"""Dates and times as OData V2 writes them in JSON: `/Date(ms)/` and `PT15H51M04S`. Pure.

Sources: OData V2 "JSON format", section 4; xs:duration (XML Schema part 2, section 3.2.6). V4 writes
plain ISO 8601 and needs nothing of this.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS = re.compile(r"/Date\((-?[0-9]{1,15})(?:([+-])([0-9]{1,4}))?\)/")
_DURATION = re.compile(
    r"PT(?:([0-9]{1,2})H)?(?:([0-9]{1,2})M)?(?:([0-9]{1,2})(?:\.([0-9]{1,9}))?S)?", re.ASCII
)


class ODataValueError(ValueError):
    """A value in a reply that is not of the form its type has; the text says what was expected."""


def date_text(day: date) -> str:
    """Write a calendar day: midnight UTC in milliseconds since 1970, which V2 calls Edm.DateTime."""
    return f"/Date({_milliseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))})/"


def moment_text(moment: datetime) -> str:
    """Write an aware moment (Edm.DateTimeOffset): SAP's gateway writes the offset, as minutes.

    Errors: ValueError without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a zone; a calendar day is a date")
    return f"/Date({_milliseconds(moment)}+0000)/"


def moment_of(text: object) -> datetime:
    """Read `/Date(ms)/` or `/Date(ms+minutes)/`: the ticks count from 1970 UTC, the offset only says where.

    Errors: ODataValueError.
    """
    found = _TICKS.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ODataValueError("expected a date such as /Date(1796083200000)/")
    ticks, sign, offset = found.groups()
    minutes = int(offset or 0) * (-1 if sign == "-" else 1)
    try:
        zone = timezone(timedelta(minutes=minutes))
        return (EPOCH + timedelta(milliseconds=int(ticks))).astimezone(zone)
    except (OverflowError, ValueError) as error:
        raise ODataValueError("the date lies outside the years 1 to 9999") from error


def date_of(text: object) -> date:
    """Read the calendar day of an Edm.DateTime. Errors: ODataValueError."""
    return moment_of(text).astimezone(UTC).date()


def duration_text(moment: time) -> str:
    """Write a time of day (Edm.Time): `PT15H51M04S`."""
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"PT{moment.hour:02d}H{moment.minute:02d}M{moment.second:02d}{fraction}S"


def time_of(text: object) -> time:
    """Read a time of day; parts that are left out are zero. Errors: ODataValueError."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or not any(found.groups()):
        raise ODataValueError("expected a time such as PT15H51M04S")
    hours, minutes, seconds, fraction = found.groups()
    micros = int(((fraction or "") + "000000")[:6])
    try:
        return time(int(hours or 0), int(minutes or 0), int(seconds or 0), micros)
    except ValueError as error:
        raise ODataValueError("expected a time of day, 00:00:00 to 23:59:59") from error


def _milliseconds(moment: datetime) -> int:
    # Whole-number arithmetic: a float of seconds has no exact milliseconds past the year 2255.
    return (moment - EPOCH) // timedelta(milliseconds=1)
