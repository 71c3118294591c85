"""Reading the notation of our guide files: elements, segments with syntax notes, places, overrides.

What the words mean is said at the top of each file in `guides/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_REPEAT = re.compile(r"(\d+)\*\(([^)]*)\)")
_ELEMENT = re.compile(r"(AN|ID|N0|N2|R|DT|TM) (\d+)/(\d+)(?: (.+))?")
_USE = re.compile(r"([MOX])(C?\d+)")
_NOTE = re.compile(r"([PRECL])((?:\d\d){2,})")
_PLACE = re.compile(r"([A-Z][A-Z0-9]{1,2}) ([MO])/(\d+|>1)")


class GuideError(ValueError):
    """A guide, or a partner's override of one, is not written as the notation demands."""


@dataclass(frozen=True, slots=True)
class Element:
    """One data element: its number, type, length and, where enforced, its codes."""

    number: str
    kind: str
    least: int
    most: int
    name: str
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Note:
    """One syntax note; positions count from 1."""

    kind: str
    positions: tuple[int, ...]

    def __str__(self) -> str:
        return self.kind + "".join(f"{position:02}" for position in self.positions)

    def trigger(self, present: Sequence[bool]) -> int | None:
        """Give the position whose value makes others necessary, None where no single one does."""
        if self.kind not in ("P", "C", "L"):
            return None
        return next((position for position in self.positions if _is_present(present, position)), None)

    def broken_at(self, present: Sequence[bool]) -> int | None:
        """Give the position at fault, None where the note holds. Source: X12.6, syntax notes."""
        at = [position for position in self.positions if _is_present(present, position)]
        first, rest = self.positions[0], self.positions[1:]
        match self.kind:
            case "P" if at and len(at) < len(self.positions):
                return next(position for position in self.positions if position not in at)
            case "R" if not at:
                return first
            case "E" if len(at) > 1:
                return at[1]
            case "C" if first in at and len(at) < len(self.positions):
                return next(position for position in rest if position not in at)
            case "L" if first in at and len(at) < 2:
                return rest[0]
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Use:
    """An element, or a composite of components, at one position of a segment."""

    is_mandatory: bool
    element: Element | None
    components: tuple[Use, ...] = ()
    notes: tuple[Note, ...] = ()
    number: str = ""  # of the element, or the composite's name


@dataclass(frozen=True, slots=True)
class Shape:
    """What a segment looks like.

    ``missing``: how many elements a partner's guide leaves away at the end of ours. Readers know elements by
    their positions, so a row has all of them.
    """

    segment: str
    uses: tuple[Use, ...]
    notes: tuple[Note, ...] = ()
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A segment at one place of a set's structure; with children it is the first segment of a loop."""

    path: str
    segment: str
    is_mandatory: bool
    repeats: int | None  # None: unlimited
    children: tuple[Place, ...] = ()
    is_loop: bool = False


def merged(
    tables: Mapping[str, Mapping[str, str]], version: str, override: Mapping[str, str]
) -> dict[str, str]:
    """Give a table of elements or segments for one version, with a partner's entries on top."""
    return {**tables["base"], **tables.get(version, {}), **override}


def element(number: str, text: str, codes: frozenset[str] = frozenset()) -> Element:
    """Read `ID 2/2 purpose of the set`."""
    found = _ELEMENT.fullmatch(text)
    if not found:
        raise GuideError(f"element {number}: '{text}' is not `TYPE least/most name`, as `AN 1/30 reference`")
    kind, least, most, name = found.groups()
    return Element(number, kind, int(least), int(most), name or f"element {number}", codes)


def shape(segment: str, text: str, elements: Mapping[str, str], codes: Mapping[str, frozenset[str]]) -> Shape:
    """Read `M98 X93 X66 X67 O706 O98 | R0203 P0304`."""
    listed, _, noted = _REPEAT.sub(_repeated, text).partition("|")
    uses = tuple(_use(segment, word, elements, codes) for word in listed.split())
    return Shape(segment, uses, tuple(_note(segment, word) for word in noted.split()))


def places(entries: Sequence[Any], above: str = "") -> Iterator[Place]:
    """Read a structure: `BEG M/1`, or `{N1 O/200: [N2 O/2, ...]}` for a loop."""
    for entry in entries:
        text, below = next(iter(entry.items())) if isinstance(entry, dict) else (entry, None)
        found = _PLACE.fullmatch(str(text))
        if not found:
            raise GuideError(f"'{text}' is not `SEGMENT usage/repeats`, as `REF O/>1`")
        segment, usage, repeats = found.groups()
        path = f"{above}{segment}"
        yield Place(
            path,
            segment,
            usage == "M",
            None if repeats == ">1" else int(repeats),
            tuple(places(below or (), f"{path}/")),
            below is not None,
        )


def with_limits(tree: Sequence[Place], limits: Mapping[str, str]) -> tuple[Place, ...]:
    """Give the structure with other usages and repeats at the named paths."""
    changed = []
    for place in tree:
        usage, _, repeats = limits.get(place.path, "/").partition("/")
        mandatory = usage == "M" if usage else place.is_mandatory
        most = (None if repeats == ">1" else int(repeats)) if repeats else place.repeats
        changed.append(
            Place(
                place.path, place.segment, mandatory, most, with_limits(place.children, limits), place.is_loop
            )
        )
    return tuple(changed)


def with_extra(tree: Sequence[Place], extra: Mapping[str, Sequence[str]]) -> tuple[Place, ...]:
    """Give the structure with further segments behind the named paths."""
    changed: list[Place] = []
    for place in tree:
        children = with_extra(place.children, extra)
        changed.append(
            Place(place.path, place.segment, place.is_mandatory, place.repeats, children, place.is_loop)
        )
        above = place.path.rpartition("/")[0]
        changed.extend(places(extra.get(place.path, ()), f"{above}/" if above else ""))
    return tuple(changed)


def _use(segment: str, word: str, elements: Mapping[str, str], codes: Mapping[str, frozenset[str]]) -> Use:
    found = _USE.fullmatch(word)
    if not found or found[2] not in elements:
        raise GuideError(f"{segment}: '{word}' is not a usage (M, O, X) and a known element number")
    number = found[2]
    if number.startswith("C"):
        composite = shape(number, elements[number], elements, codes)
        return Use(found[1] == "M", None, composite.uses, composite.notes, number)
    return Use(
        found[1] == "M", element(number, elements[number], codes.get(number, frozenset())), number=number
    )


def _note(segment: str, word: str) -> Note:
    found = _NOTE.fullmatch(word)
    if not found:
        raise GuideError(f"{segment}: '{word}' is not a syntax note, as P0304")
    return Note(found[1], tuple(int(pair) for pair in re.findall(r"\d\d", found[2])))


def _repeated(found: re.Match[str]) -> str:
    return " ".join([found[2]] * int(found[1]))


def _is_present(present: Sequence[bool], position: int) -> bool:
    return position <= len(present) and present[position - 1]
