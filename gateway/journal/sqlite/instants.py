"""Times in the file: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime) -> int:
    """Give an aware time as microseconds, exactly."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def to_micros_or_none(at: datetime | None) -> int | None:
    """Give a time as microseconds where there is one."""
    return None if at is None else to_micros(at)


def from_micros(micros: int) -> datetime:
    """Give microseconds as an aware UTC time."""
    return _EPOCH + timedelta(microseconds=micros)


def from_micros_or_none(micros: int | None) -> datetime | None:
    """Give microseconds as a time where there are any."""
    return None if micros is None else from_micros(micros)
