"""Collecting the findings of one transaction set: position, level, facts for the acknowledgment.

Codes of X12 data elements 720 (segment errors), 723 (element errors) and 718 (set errors) are given
here with each finding, so that 997 and 999 are written without looking at the set again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.base.findings import Finding, Level, Position
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.lexer import Places

SENSITIVE = frozenset({"93", "166", "212", "352", "364", "369", "610", "782", "933", "1551"})
"""Elements whose values stay out of findings: names, addresses, free text, prices."""

BAD_VALUE_MAX = 99  # element 724

_LEVELS = {
    "X12-LOST-TERMINATOR": Level.ERROR,
    "X12-UOM": Level.REJECTED,
    "X12-MEANING": Level.REJECTED,
    "X12-VALUE": Level.REJECTED,
    "X12-SIZE": Level.REJECTED,
    "X12-ENV": Level.REJECTED,
    "X12-PARTNER": Level.REJECTED,
    "X12-NO-SE": Level.REJECTED,
}


@dataclass(slots=True)
class Report:
    """The findings of one set, at most so many; the others are counted."""

    source: str
    control_number: str
    partner: X12Partner
    places: Places
    findings_max: int
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0

    def add(
        self,
        code: str,
        text: str,
        segment: int,
        path: str = "",
        *,
        level: Level | None = None,
        value: str | None = None,
        facts: dict[str, str] | None = None,
    ) -> None:
        """Add a finding about the segment with that index (ST is 0)."""
        if len(self.findings) >= self.findings_max:
            self.left_out += 1
            return
        at = Position(
            self.source,
            line=self.places.line_of(segment),
            path=f"ST {self.control_number}" + (f" / {path}" if path else ""),
            offset=self.places.offset_of(segment),
        )
        own = self.partner.levels.get(code) or level or _LEVELS.get(code, Level.ERROR)
        self.findings.append(Finding(code, at, text, own, value, facts or {}))

    def tolerate(self, code: str, text: str, segment: int, count: int = 1) -> None:
        """Note a tolerance that was needed; a partner may be refused it."""
        times = f" ({count} times)" if count > 1 else ""
        if code in self.partner.refuse:
            allowed = f"; this partner may not need that (refuse: {code})"
            self.add(code, f"{text}{times}{allowed}", segment, level=Level.REJECTED, facts={"set_error": "5"})
            return
        level = _LEVELS.get(code, Level.NOTE)
        self.add(code, f"{text}{times}", segment, level=level)

    @property
    def worst(self) -> Level:
        """Give the level that decides the verdict."""
        if not self.findings:
            return Level.NOTE
        levels = {finding.level for finding in self.findings}
        return next((level for level in (Level.REJECTED, Level.ERROR) if level in levels), Level.NOTE)
