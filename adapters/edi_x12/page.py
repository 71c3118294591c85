"""The segments of one set while it is written: by place, put into the guide's order at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.guide import Guide
from adapters.edi_x12.parts_out import OutError

Segment = tuple[str, list[str]]  # place in the structure, id and elements
Kept = Mapping[str, Any]  # one entry of extensions["x12"]


@dataclass(slots=True)
class Problem:
    """Something that keeps a set from being written."""

    code: str
    path: str
    text: str


@dataclass(slots=True)
class Part:
    """One owner's segments: the header's, a line's. A loop's stand behind its first segment.

    Usual lines that follow each other are one part: nothing of theirs is kept, and they are in order.
    """

    line: int  # 0: header and summary
    kept: Sequence[Kept]
    segments: dict[str, list[Segment]] = field(default_factory=dict)  # by top-level place of the owner
    in_order: list[Segment] = field(default_factory=list)  # usual lines', instead: first a line's own segment


class Page:
    """Where writers put segments; a place that the guide does not have is a problem, not a crash."""

    def __init__(self, guide: Guide, partner: X12Partner) -> None:
        self.guide = guide
        self.partner = partner
        self.ranks = ranks(guide)
        self.names = _names(guide)
        # What is asked for every line; pydantic takes twice as long to tell it.
        self.has_own_units = bool(partner.units)
        self.item_qualifiers: Mapping[str, str] = partner.outbound.item_qualifiers
        self.problems: list[Problem] = []
        self.parts: list[Part] = []
        self.part = Part(0, ())

    def begin(self, line: int, kept: Sequence[Kept]) -> None:
        """Begin the header (0) or a line."""
        self.part = Part(line, kept)
        self.parts.append(self.part)

    def put_in_order(self, line: int, segments: list[Segment]) -> None:
        """Put a usual line behind the one before; such lines that follow each other are one part."""
        if self.part.in_order:
            self.part.in_order += segments
            return
        self.part = Part(line, (), {}, segments)
        self.parts.append(self.part)

    def add(self, path: str, elements: Sequence[str]) -> None:
        """Put one segment at its place."""
        self.add_below(path, path, elements)

    def add_below(self, loop: str, path: str, elements: Sequence[str]) -> None:
        """Put a segment behind what was last put at a loop's place."""
        name = self.names.get(path)
        if name is None:
            self.problem("X12-OUT-PLACE", path, "has no place in this partner's guide")
            return
        self.part.segments.setdefault(loop, []).append((path, [name, *elements]))

    def problem(self, code: str, path: str, text: str) -> None:
        """Say what keeps the set from being written."""
        self.problems.append(Problem(code, path, text))

    def has(self, path: str) -> bool:
        """Tell whether the guide has such a place."""
        return path in self.ranks

    def attempt(self, path: str, made: Callable[[], Sequence[str]]) -> Sequence[str]:
        """Give a segment's elements, none where X12 cannot say them: that is a problem of the set."""
        try:
            return made()
        except OutError as error:
            self.problems.append(Problem(error.code, path, str(error)))
            return ()

    def whole(self) -> list[tuple[Part, list[Segment]]]:
        """Give all segments in the guide's order, with whose they are: header, lines, summary."""
        rank = self.ranks
        tops_of_lines = {top for part in self.parts if part.line for top in _tops(part)}
        line = min(map(rank.__getitem__, tops_of_lines), default=1 << 30)
        head: list[tuple[Part, list[Segment]]] = []
        tail: list[tuple[Part, list[Segment]]] = []
        for part in self.parts:
            if part.in_order:
                head.append((part, part.in_order))
                continue
            tops = sorted(part.segments, key=rank.__getitem__)
            if part.line:
                head.append((part, [each for top in tops for each in part.segments[top]]))
                continue
            head.append((part, [each for top in tops if rank[top] < line for each in part.segments[top]]))
            tail.append((part, [each for top in tops if rank[top] > line for each in part.segments[top]]))
        return [*head, *tail]


def _tops(part: Part) -> Iterable[str]:
    return (part.in_order[0][0],) if part.in_order else part.segments


@lru_cache(maxsize=256)
def ranks(guide: Guide) -> Mapping[str, int]:
    """Give the order of all places of a guide."""
    found: dict[str, int] = {}
    pending = list(reversed(guide.structure))
    while pending:
        place = pending.pop()
        found.setdefault(place.path, len(found))
        pending.extend(reversed(place.children))
    return found


@lru_cache(maxsize=256)
def _names(guide: Guide) -> Mapping[str, str]:
    """Give the segment of each place."""
    return {path: path.rpartition("/")[2] for path in ranks(guide)}
