"""One segment judged element by element: what is wrong with it, where, and by which X12 error code.

The slow half of "fast accept, slow explain": only segments that the fast form did not accept come here.
Source of the error codes: X12 element 723 (AK403).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from adapters.base.findings import Level
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.guide import Guide
from adapters.edi_x12.lexer import Separators
from adapters.edi_x12.notation import Element, Note, Shape, Use
from adapters.edi_x12.report import BAD_VALUE_MAX, SENSITIVE, Report

ELEMENTS_MAX = 1_000  # of one segment; what is beyond counts as one, and is too many anyway
_WHOLE = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9](?:[0-9]{1,2})?)?")
_CONTROL = re.compile(r"[\x00-\x1f]")

_ERROR = {  # our code -> element 723
    "X12-REQ": "1", "X12-COND": "2", "X12-TOO-MANY": "3", "X12-SHORT": "4", "X12-LONG": "5", "X12-CHAR": "6",
    "X12-CONTROL": "6", "X12-CODE": "7", "X12-DATE": "8", "X12-TIME": "9", "X12-EXCL": "10",
}  # fmt: skip
_UNUSABLE = frozenset({"X12-CHAR", "X12-DATE", "X12-TIME"})


@dataclass(frozen=True, slots=True)
class Judged:
    """What a segment says; `is_whole` is False where something could not be taken over."""

    elements: Elements
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Spot:
    """Where we are: which segment, at which place of the structure."""

    segment: int
    name: str
    path: str
    loop: str


@dataclass(slots=True)
class Explainer:
    """Judges the segments of one set."""

    guide: Guide
    separators: Separators
    report: Report

    def judge(self, text: str, shape: Shape, spot: Spot) -> Judged:
        """Give a segment's elements and report all that is wrong with them."""
        values = text.split(self.separators.element, ELEMENTS_MAX)[1:]
        whole = len(values) <= len(shape.uses) or not any(values[len(shape.uses) :])
        if not whole:
            many = f"{spot.name} has {len(values)} elements; expected at most {len(shape.uses)}"
            self._say("X12-TOO-MANY", many, spot, len(shape.uses) + 1)
        row: list[str | None] = []
        for position, use in enumerate(shape.uses, 1):
            value = values[position - 1] if position <= len(values) else ""
            is_usable = self._use(use, value, spot, position)
            row.append(value if value.strip() and is_usable else None)
            whole = whole and is_usable
        self._notes(shape.notes, [bool(value.strip()) for value in values], spot, shape)
        return Judged((*row, *(None,) * shape.missing), whole)

    def _use(self, use: Use, value: str, spot: Spot, position: int) -> bool:
        if not value.strip():
            if use.is_mandatory:
                what = use.element.name if use.element else f"composite {use.number}"
                text = f"{spot.name}{position:02} ({what}) is missing; it is mandatory"
                self._say("X12-REQ", text, spot, position, use.number)
            return True
        if use.element is not None:
            return self._element(use.element, value, spot, position)
        parts = value.split(self.separators.component, ELEMENTS_MAX)
        whole = len(parts) <= len(use.components)
        if not whole:
            most = len(use.components)
            many = f"{spot.name}{position:02} has {len(parts)} components; expected at most {most}"
            self._say("X12-TOO-MANY", many, spot, position, use.number)
        for component, (part, inner) in enumerate(zip(parts, use.components, strict=False), 1):
            if part.strip() and inner.element is not None:
                whole = self._element(inner.element, part, spot, position, component) and whole
        return whole

    def _element(self, element: Element, value: str, spot: Spot, position: int, component: int = 0) -> bool:
        found = _fault(element, value)
        if found is None:
            return True
        code, expected = found
        name = f"{spot.name}{position:02}" + (f"-{component}" if component else "")
        shown = "" if element.number in SENSITIVE else f" '{value[:80]}'"
        text = f"{name} ({element.name}){shown} {expected}"
        self._say(code, text, spot, position, element.number, value, component)
        return code not in _UNUSABLE

    def _notes(self, notes: Sequence[Note], present: Sequence[bool], spot: Spot, shape: Shape) -> None:
        for note in notes:
            position = note.broken_at(present)
            if position is None:
                continue
            code = "X12-EXCL" if note.kind == "E" else "X12-COND"
            named = ", ".join(f"{spot.name}{each:02}" for each in note.positions)
            text = f"{named}: {_NOTE_TEXT[note.kind]} (syntax note {note})"
            number, trigger = shape.uses[position - 1].number, note.trigger(present)
            self._say(code, text, spot, position, number, trigger=trigger)

    def _say(
        self,
        code: str,
        text: str,
        spot: Spot,
        position: int,
        number: str = "",
        value: str | None = None,
        component: int = 0,
        trigger: int | None = None,
    ) -> None:
        kept = None if number in SENSITIVE else value
        facts = {
            "segment_id": spot.name,
            "segment_position": str(spot.segment + 1),
            "segment_error": "8",
            "element_position": str(position),
            "element_error": _ERROR[code],
        }
        optional = {
            "loop": spot.loop,
            "component_position": str(component or ""),
            "trigger_position": str(trigger or ""),
            "element_number": number if number.isdigit() else "",
            "bad_value": (kept or "")[:BAD_VALUE_MAX],
        }
        facts |= {name: fact for name, fact in optional.items() if fact}
        path = f"{spot.path}/{spot.name}{position:02}" if spot.path else f"{spot.name}{position:02}"
        path += f"-{component}" if component else ""
        level: Level = self.guide.level(code, number)
        shown = None if kept is None else kept[:BAD_VALUE_MAX]
        self.report.add(code, text, spot.segment, path, level=level, value=shown, facts=facts)


_NOTE_TEXT = {
    "P": "all of them or none are expected",
    "R": "at least one of them is expected",
    "E": "at most one of them is allowed",
    "C": "where the first is present, all are expected",
    "L": "where the first is present, at least one of the others is expected",
}


def _fault(element: Element, value: str) -> tuple[str, str] | None:
    match element.kind:
        case "N0" | "N2":
            if not _WHOLE.fullmatch(value):
                return "X12-CHAR", f"is not a whole number; expected up to {element.most} digits"
        case "R":
            if not _DECIMAL.fullmatch(value):
                return (
                    "X12-CHAR",
                    f"is not a number; expected up to {element.most} digits, decimal point allowed",
                )
        case "DT":
            if not _is_date(value):
                return "X12-DATE", "is not a date; expected a calendar date as CCYYMMDD"
            return None
        case "TM":
            if not _TIME.fullmatch(value):
                return "X12-TIME", "is not a time; expected HHMM, HHMMSS or HHMMSSdd"
            return None
        case _:
            if _CONTROL.search(value):
                return "X12-CONTROL", "holds a control character; expected text"
    return _length_fault(element, value) or _code_fault(element, value)


def _length_fault(element: Element, value: str) -> tuple[str, str] | None:
    is_number = element.kind in ("N0", "N2", "R")
    length = sum(each.isdigit() for each in value) if is_number else len(value)
    if length > element.most:
        return "X12-LONG", f"is {length} long; expected at most {element.most}"
    if length < element.least:
        return "X12-SHORT", f"is {length} long; expected at least {element.least}"
    return None


def _code_fault(element: Element, value: str) -> tuple[str, str] | None:
    if element.codes and value not in element.codes:
        return "X12-CODE", f"is not a known code; expected one of {', '.join(sorted(element.codes))}"
    return None


def _is_date(value: str) -> bool:
    if not re.fullmatch(r"[0-9]{8}", value):
        return False
    try:
        date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return False
    return True
