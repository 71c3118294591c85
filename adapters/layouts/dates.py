"""Dates in files: YYMMDD with a window, Julian YYDDD and CCYYDDD, MM/DD/CCYY and so on, to ISO and back.

A date reads as its ISO form, so that a mapping needs no pattern. A date that would not be written back
as it stands is refused, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

_TOKEN = re.compile(r"CCYY|YYYY|YY|DDD|MM|DD|C")
_LENGTHS = {"CCYY": 4, "YYYY": 4, "YY": 2, "DDD": 3, "MM": 2, "DD": 2, "C": 1}
_GOOD = ({"Y4", "MM", "DD"}, {"Y4", "DDD"}, {"YY", "MM", "DD"}, {"YY", "DDD"}, {"C", "YY", "MM", "DD"},
         {"C", "YY", "DDD"})  # fmt: skip


class DateFormError(ValueError):
    """A text that is no date form."""


@dataclass(frozen=True, slots=True)
class DateForm:
    """One way to write a date. ``pivot``: two-digit years below it are 20yy, the others 19yy.

    ``C`` is the century digit of an AS/400: 0 is 19, 1 is 20.
    """

    form: str
    pivot: int
    parts: tuple[tuple[str, int, int], ...]  # token, start, end
    length: int

    @classmethod
    def parse(cls, form: str, pivot: int | None) -> DateForm:
        """Read 'YYMMDD', 'CCYYDDD', 'MM/DD/YYYY'. Errors: DateFormError."""
        parts = [(found[0], found.start()) for found in _TOKEN.finditer(form)]
        told = {"Y4" if token in ("CCYY", "YYYY") else token for token, _ in parts}
        rest = _TOKEN.sub("", form)
        if len(parts) != len(told) or told not in _GOOD or re.search(r"[A-Za-z0-9]", rest):
            raise DateFormError(
                f"'{form}' is no date form; expected one such as YYMMDD, CCYYMMDD, YYDDD, MM/DD/CCYY"
            )
        if "YY" in told and "C" not in told and pivot is None:
            raise DateFormError(f"'{form}' has two-digit years; say pivot: years below it are 20yy")
        spans = tuple((token, at, at + _LENGTHS[token]) for token, at in parts)
        return cls(form, pivot or 0, spans, len(form))

    def read(self, text: str) -> str | None:
        """Give the ISO date, or None where the text is no such date."""
        found: dict[str, int] = {}
        if len(text) != self.length:
            return None
        for token, start, end in self.parts:
            piece = text[start:end]
            if not (piece.isascii() and piece.isdecimal()):
                return None
            found[token] = int(piece)
        try:
            day = self._date(found)
        except (ValueError, OverflowError):
            return None
        iso = day.isoformat()
        return iso if self.write(iso) == text else None

    def write(self, iso: str) -> str | None:
        """Give the date as the file has it, or None where it cannot be written so that it reads the same."""
        try:
            day = date.fromisoformat(iso)
        except ValueError:
            return None
        text = list(self.form)
        pieces = {
            "CCYY": f"{day.year:04}", "YYYY": f"{day.year:04}", "YY": f"{day.year % 100:02}",
            "MM": f"{day.month:02}", "DD": f"{day.day:02}", "DDD": f"{day.timetuple().tm_yday:03}",
            "C": str(day.year // 100 - 19),
        }  # fmt: skip
        for token, start, end in self.parts:
            piece = pieces[token]
            if len(piece) != end - start:
                return None
            text[start:end] = piece
        return "".join(text) if self._year_fits(day.year) else None

    def _year_fits(self, year: int) -> bool:
        tokens = {token for token, _, _ in self.parts}
        if "YY" not in tokens:
            return True
        if "C" in tokens:
            return 1900 <= year <= 2899
        return year == self._windowed(year % 100)

    def _windowed(self, short: int) -> int:
        return (2000 if short < self.pivot else 1900) + short

    def _date(self, found: dict[str, int]) -> date:
        year = found.get("CCYY", found.get("YYYY"))
        if year is None:
            short = found["YY"]
            year = 1900 + found["C"] * 100 + short if "C" in found else self._windowed(short)
        if "DDD" in found:
            if not 1 <= found["DDD"] <= 366:
                raise ValueError("no day of a year")
            day = date(year, 1, 1) + timedelta(days=found["DDD"] - 1)
            if day.year != year:
                raise ValueError("no day of this year")
            return day
        return date(year, found["MM"], found["DD"])
