"""Findings: what was wrong with an input, where, and what a person can do about it.

Bad input from a partner is a Finding, never a crash. Findings are plain values: they are
stored, printed, counted by code and turned into acknowledgments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Level(StrEnum):
    """How bad a finding is; the worst finding of a set decides its verdict."""

    NOTE = "note"  # a tolerance was needed, nothing is wrong with the content
    ERROR = "accepted_with_errors"  # wrong, yet the document can be used
    REJECTED = "rejected"  # the document cannot be used


class Position(NamedTuple):
    """Where something was found. Lines and columns count from 1, byte offsets from 0.

    A tuple, since decoders make several for every message of which nothing needs to be said.
    """

    source: str
    line: int | None = None
    column: int | None = None
    path: str = ""
    offset: int | None = None

    def __str__(self) -> str:
        place = ":".join(
            str(part) for part in (self.source, self.line, self.column) if part not in (None, "")
        )
        return f"{place} {self.path}".strip()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, in a form that a tired person can act on.

    ``text`` is a whole sentence: what was found, what was expected and, where it is not plain,
    what to do. ``code`` is stable: people search for it and dashboards count it. ``value`` is
    the value found, None where the field is sensitive. ``facts`` carries what an
    acknowledgment needs (for X12: ``segment_error``, ``element_error``, ``segment_position`` ...).
    """

    code: str
    at: Position
    text: str
    level: Level = Level.REJECTED
    value: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.at}: {self.text} [{self.code}]".lstrip(": ")

    def to_json(self) -> dict[str, Any]:
        """Give the finding as a JSON object; empty parts are left out."""
        at = self.at
        place = {
            "source": at.source,
            "line": at.line,
            "column": at.column,
            "path": at.path,
            "offset": at.offset,
        }
        entry: dict[str, Any] = {
            "code": self.code,
            "level": self.level.value,
            "at": {name: part for name, part in place.items() if part not in (None, "")},
            "text": self.text,
        }
        if self.value is not None:
            entry["value"] = self.value
        if self.facts:
            entry["facts"] = dict(self.facts)
        return entry

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Finding:
        """Give the finding that ``to_json`` wrote."""
        at = entry["at"]
        return cls(
            code=entry["code"],
            at=Position(
                source=at.get("source", ""),
                line=at.get("line"),
                column=at.get("column"),
                path=at.get("path", ""),
                offset=at.get("offset"),
            ),
            text=entry["text"],
            level=Level(entry["level"]),
            value=entry.get("value"),
            facts=dict(entry.get("facts", {})),
        )


class DecodeError(Exception):
    """A finding that stops the function which met it; a decoder turns it into a Finding of the set."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding
