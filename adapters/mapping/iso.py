"""Dates and times as XML Schema writes them, for fields without a pattern of their own.

Source: XML Schema 1.1 part 2, date (3.3.9) and dateTime (3.3.7); a date's own zone is dropped.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache

from adapters.mapping.dates import REMEMBERED, zone_of
from adapters.mapping.run import UnfitError
from canonical.values import DateValue, assume_zone

_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


class IsoDates:
    """ISO 8601 dates, as ``DatePatterns``."""

    has_time = True

    def __init__(self, zone: str | None) -> None:
        self._own_zone = zone
        if zone is not None:
            zone_of(zone)

    def read(self, text: str, zone: str) -> DateValue:
        """Give the date of a text. Errors: UnfitError MAP-DATE."""
        return _read(text, self._own_zone or zone)

    def write(self, value: DateValue, zone: str) -> str:
        """Give the text of a date; a time whose zone was assumed is written without one."""
        if value.at is None:
            return value.date.isoformat()
        if value.zone is not None:
            local = value.at.astimezone(zone_of(self._own_zone or zone))
            text = local.replace(tzinfo=None).isoformat()
            back = _read(text, self._own_zone or zone).at
            # In UTC, because Python never calls a repeated clock time equal to another zone's (PEP 495).
            if back is not None and back.astimezone(UTC) == value.at.astimezone(UTC):
                return text
        text = value.at.isoformat()
        return text.removesuffix("+00:00") + "Z" if value.at.tzinfo is UTC else text


@lru_cache(maxsize=REMEMBERED)
def _read(text: str, zone: str) -> DateValue:
    match = _ISO.fullmatch(text)
    if match is not None:
        try:
            return _value(match[1], match[2], match[3], zone, text)
        except ValueError:
            pass
    raise UnfitError(
        "MAP-DATE", "{value} is no date; expected YYYY-MM-DD, or with a time YYYY-MM-DDThh:mm:ss"
    )


def _value(day: str, time: str | None, offset: str | None, zone: str, text: str) -> DateValue:
    if time is None:
        return DateValue(date=date.fromisoformat(day))
    whole, _, fraction = time.partition(".")
    local = datetime.fromisoformat(f"{day}T{whole}").replace(microsecond=int(f"{fraction:0<6}"[:6]))
    if offset is None:
        return assume_zone(local, zone_of(zone), zone, text)
    zoned = datetime.fromisoformat(f"{day}T{whole}{offset.replace('Z', '+00:00')}")
    return DateValue(date=local.date(), at=zoned.replace(microsecond=local.microsecond))
