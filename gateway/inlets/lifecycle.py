"""Headers that tell callers how long a contract still holds. Pure.

Sources: RFC 9745 (Deprecation: a structured date, seconds since 1970 behind ``@``; relation
``deprecation``), RFC 8594 (Sunset: an HTTP date; relation ``sunset``), RFC 5829 (relation
``successor-version``). The sunset must not be earlier than the deprecation: RFC 9745, section 4.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from email.utils import format_datetime


def lifecycle_headers(
    deprecated: date | None, sunset: date | None, successor: str | None = None, notice: str | None = None
) -> tuple[tuple[str, str], ...]:
    """Give the headers of a contract; none where nothing of it is going to end. Days begin at midnight UTC.

    ``successor``: address of what takes its place; ``notice``: a page about the change.
    """
    headers: list[tuple[str, str]] = []
    if deprecated is not None:
        headers.append(("Deprecation", f"@{int(_midnight(deprecated).timestamp())}"))
    if sunset is not None:
        headers.append(("Sunset", format_datetime(_midnight(sunset), usegmt=True)))
    if headers:
        links = ((successor, "successor-version"), (notice, "deprecation"), (notice, "sunset"))
        told = [f'<{target}>; rel="{relation}"' for target, relation in links if target]
        if told:
            headers.append(("Link", ", ".join(told)))
    return tuple(headers)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
