"""A partner's guide as a readable page: structure, elements, notes, codes, what the partner changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.guide import Guide
from adapters.edi_x12.notation import Place, Shape, Use
from adapters.edi_x12.read_in import READINGS

_USAGE = {True: "M", False: "O"}
_KINDS = {
    "AN": "text", "ID": "code", "N0": "whole number", "N2": "number, two implied decimals", "R": "number",
    "DT": "date CCYYMMDD", "TM": "time HHMM",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StructureRow:
    """One place: indented as deep as its loop, with usage, repeats and what becomes of it."""

    place: str
    usage: str
    repeats: str
    read: str


def structure_rows(guide: Guide) -> list[StructureRow]:
    """Give the structure, a row for each place."""
    reading = READINGS.get(guide.set_type)
    read = frozenset(reading.places) if reading is not None else frozenset[str]()
    return list(_rows(guide.structure, 0, read))


def _rows(tree: Sequence[Place], depth: int, read: frozenset[str]) -> Iterator[StructureRow]:
    for place in tree:
        repeats = ">1" if place.repeats is None else str(place.repeats)
        name = "  " * depth + place.segment + (" loop" if place.is_loop else "")
        yield StructureRow(
            name, _USAGE[place.is_mandatory], repeats, "read" if place.path in read else "kept as sent"
        )
        yield from _rows(place.children, depth + 1, read)


def segment_lines(shape: Shape) -> Iterator[str]:
    """Give one segment's elements, a line each, and its syntax notes."""
    for position, use in enumerate(shape.uses, 1):
        yield f"{shape.segment}{position:02}  {_USAGE[use.is_mandatory]}  {_of(use)}"
    if shape.notes:
        yield f"notes  {' '.join(map(str, shape.notes))}"


def _of(use: Use) -> str:
    element = use.element
    if element is None:
        return f"{use.number}  composite of {len(use.components)} components"
    length = str(element.most) if element.least == element.most else f"{element.least}-{element.most}"
    codes = f": {', '.join(sorted(element.codes))}" if element.codes else ""
    return f"{element.number:>4}  {_KINDS[element.kind]} {length}, {element.name}{codes}"


def changes(set_type: str, partner: X12Partner) -> list[str]:
    """Give what a partner's profile changes for one set, a line each."""
    override = partner.guides.get(set_type)
    found: list[str] = []
    if override is not None:
        found += [f"element {number}: {text}" for number, text in override.elements.items()]
        found += [f"segment {name}: {text}" for name, text in override.segments.items()]
        found += [f"{path}: {text}" for path, text in override.limits.items()]
        found += [f"behind {path}: {', '.join(more)}" for path, more in override.extra.items()]
        found += [
            f"codes of element {number}: {', '.join(codes)}" for number, codes in override.codes.items()
        ]
    found += [f"finding {code}: {level.value}" for code, level in partner.levels.items()]
    found += [f"tolerance refused: {code}" for code in partner.refuse]
    found += [f"unit {theirs}: {ours}" for theirs, ours in partner.units.items()]
    return found
