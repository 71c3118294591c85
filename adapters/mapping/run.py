"""One reading or writing: what it is told from outside, and the findings that it collects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from adapters.base.findings import Finding, Level, Position

Direction: TypeAlias = Literal["read", "write"]
Trail: TypeAlias = tuple[Any, ...]  # () or (outer trail, name of the repeated group, index from 0)

FINDINGS_MAX = 1_000


class Crosswalk(Protocol):
    """Looks a code up in a table between the two worlds; effective dates are its business."""

    def translate(self, table: str, key: str, direction: Direction, at: datetime | None) -> str | None:
        """Give the other world's word: ``read`` from the source's to the canonical one, or None."""
        ...


@dataclass(frozen=True, slots=True)
class MappingContext:
    """What a mapping is told about one input or output. ``locate`` places a source path in the input."""

    source: str  # file name or message reference, for positions
    zone: str = "UTC"  # IANA name; given to times that carry none
    at: datetime | None = None  # the moment for which crosswalks are asked
    crosswalk: Crosswalk | None = None
    locate: Callable[[str], Position] | None = None  # by path text: "DETAIL[3].QTY", list indexes from 1
    findings_max: int = FINDINGS_MAX

    def __post_init__(self) -> None:
        """Refuse a zone that does not exist before any record is read. Errors: ZoneInfoNotFoundError."""
        ZoneInfo(self.zone)


class UnfitError(Exception):
    """A value does not fit; the field that met it makes the finding, with its path."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def fitted(error: UnfitError, value: object, is_sensitive: bool) -> UnfitError:
    """Put the value found into an error's text, unless it may be a price or a patient's."""
    shown = "the value" if is_sensitive else f"'{value}'"
    return UnfitError(error.code, error.text.replace("{value}", shown))


class Run:
    """The state of one reading or writing. Closures change only what stands here."""

    __slots__ = ("context", "findings", "left_out", "origins", "raw", "trail")

    def __init__(self, context: MappingContext) -> None:
        self.context = context
        self.findings: list[Finding] = []
        self.left_out = 0
        self.trail: Trail = ()
        self.raw: dict[str, str] = {}  # codes as sent, of the canonical object at hand
        self.origins: dict[int, tuple[Trail, object]] = {}  # id of a group entry (kept alive) -> its record

    def refuse(self, path: str, error: UnfitError, level: Level = Level.REJECTED) -> None:
        """Note that a source field does not fit."""
        self.add(error.code, path, error.text, level)

    def add(
        self, code: str, path: str, text: str, level: Level = Level.REJECTED, trail: Trail | None = None
    ) -> None:
        """Note a finding at a source path below the record at hand."""
        if len(self.findings) >= self.context.findings_max:
            self.left_out += 1
            return
        whole = _whole_path(self.trail if trail is None else trail, path)
        at = self.context.locate(whole) if self.context.locate else Position(self.context.source, path=whole)
        self.findings.append(Finding(code, at, text, level))

    def told(self) -> tuple[Finding, ...]:
        """Give all findings, with a last one for those that were too many to keep."""
        if self.left_out:
            text = f"{self.left_out} further findings are not shown"
            self.findings.append(Finding("MAP-MORE", Position(self.context.source), text, Level.NOTE))
            self.left_out = 0
        return tuple(self.findings)


def _whole_path(trail: Trail, path: str) -> str:
    parts = [path] if path else []
    while trail:
        trail, name, index = trail
        parts.append(f"{name}[{index + 1}]")
    return ".".join(reversed(parts))
