"""What a format may need besides its settings: mappings, layouts, code tables.

Settings only name them. The gateway hands the texts and tables over with the context of each input, so
a format opens nothing, and a worker process gets everything by pickling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text of a file that routes.yaml names, and what findings call that file."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of a code table, in force from a day to before another (ISO dates, "" is always)."""

    legacy: str
    cloud: str
    valid_from: str = ""
    valid_to: str = ""

    def holds_on(self, day: str) -> bool:
        """Tell whether the row is in force on a day (ISO); "" asks for no day in particular."""
        return not day or (self.valid_from <= day and (not self.valid_to or day < self.valid_to))


class CodeTable:
    """One version of a code table, looked up both ways by the day."""

    def __init__(self, version: int, rows: Sequence[CodeRow]) -> None:
        self.version = version
        self._by_legacy: dict[str, list[CodeRow]] = {}
        self._by_cloud: dict[str, list[CodeRow]] = {}
        for row in rows:
            self._by_legacy.setdefault(row.legacy, []).append(row)
            self._by_cloud.setdefault(row.cloud, []).append(row)

    def cloud(self, legacy: str, day: str) -> str | None:
        """Give the cloud's word in force on a day, or None."""
        return next((row.cloud for row in self._by_legacy.get(legacy, ()) if row.holds_on(day)), None)

    def legacy(self, cloud: str, day: str) -> str | None:
        """Give the legacy word in force on a day; of several the first row's."""
        return next((row.legacy for row in self._by_cloud.get(cloud, ()) if row.holds_on(day)), None)


@dataclass(frozen=True, slots=True)
class CodeTables:
    """Code tables by the words that mappings use. It is the ``Crosswalk`` of ``adapters.mapping``."""

    tables: Mapping[str, CodeTable] = field(default_factory=dict)

    def translate(
        self, table: str, key: str, direction: Literal["read", "write"], at: datetime | None
    ) -> str | None:
        """Give the other world's word in force at a moment, or None."""
        found = self.tables.get(table)
        if found is None:
            return None
        day = "" if at is None else f"{at:%Y-%m-%d}"
        return found.cloud(key, day) if direction == "read" else found.legacy(key, day)


@dataclass(frozen=True, slots=True)
class Library:
    """The mappings, layouts and code tables that the settings at hand name.

    ``at`` is the moment for which code tables are asked: when the message was accepted. ``crosswalk``
    None: there is no journal (an offline command), and every look-up is a miss.
    """

    mappings: Mapping[str, SourceText] = field(default_factory=dict)
    layouts: Mapping[str, SourceText] = field(default_factory=dict)
    crosswalk: CodeTables | None = None
    at: datetime | None = None
