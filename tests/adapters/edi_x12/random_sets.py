"""Random transaction sets that a guide allows: any places, any elements, clean in every respect.

Made from our own guide, so they reach every place of it; codes whose meaning matters are drawn from those
that are known. The same seed gives the same set.
"""

from __future__ import annotations

import random
import string

from adapters.edi_x12 import codes
from adapters.edi_x12.guide import Guide
from adapters.edi_x12.notation import Element, Note, Place, Shape, Use

KNOWN = {
    "355": sorted(codes.UNITS),
    "353": ["00", "01", "05", "06", "07", "22"],
    "587": sorted(codes.RESPONSES),
    "668": sorted(codes.LINE_STATUSES),
    "640": sorted(codes.INVOICE_TYPES),
    "98": ["BY", "SE", "VN", "ST", "BT", "RE", "SF", "MF", "SO", "QQ"],
    "66": ["92", "91", "1", "UL", "ZZ", "21", "QQ"],
    "235": ["VN", "IN", "MG", "UK", "QQ", "SN", "BP"],
    "374": ["002", "010", "067", "063", "999"],
    "623": ["ET", "LT", "UT", "CD"],
    "92": ["SA", "NE", "RL", "RO", "QQ"],
    "365": ["TE", "EM", "FX", "CP", "ZZ"],
    "639": ["PE", "HP", "QQ", "TP"],
    "248": ["A", "C", "N", "P"],
    "349": ["F", "X"],
    "662": ["I", "A", "S"],
    "522": ["TT", "GV", "1", "9"],
    "236": ["LPR", "MSR", "CON"],
}
LETTERS = string.ascii_uppercase + string.digits
TEXT = string.ascii_letters + string.digits + " .,-/&'"


class Maker:
    """Draws sets from a guide."""

    def __init__(self, guide: Guide, seed: int, density: float = 0.25) -> None:
        self.guide = guide
        self.chance = random.Random(seed)
        self.density = density
        self.lines = 0

    def segments(self) -> list[str]:
        """Give the segments between ST and SE, with `*` between elements."""
        rows = [row for place in self.guide.structure for row in self._place(place)]
        for row in rows:
            if row[0] == "CTT":
                row[1] = str(self.lines)
        return ["*".join(row).rstrip("*") for row in rows]

    def _place(self, place: Place) -> list[list[str]]:
        is_line = place.path in ("PO1", "IT1")
        wanted = 0.9 if is_line else self.density
        count = 1 if place.is_mandatory else 0
        most = min(place.repeats or 3, 3)
        while count < most and self.chance.random() < wanted:
            count += 1
            wanted = wanted / 2 if not is_line else 0.5
        rows: list[list[str]] = []
        for _ in range(count):
            self.lines += is_line
            rows.append(self._segment(self.guide.shapes[place.segment]))
            rows += [row for child in place.children for row in self._place(child)]
        return rows

    def _segment(self, shape: Shape) -> list[str]:
        present = [use.is_mandatory or self.chance.random() < 0.4 for use in shape.uses]
        present[0] = present[0] or not any(present)
        for _ in range(100):
            if not any(self._mend(note, present) for note in shape.notes):
                break
        present[0] = present[0] or not any(present)
        values = [self._value(use) if there else "" for use, there in zip(shape.uses, present, strict=True)]
        return [shape.segment, *values]

    def _mend(self, note: Note, present: list[bool]) -> bool:
        """Make a syntax note hold; tell whether something had to be changed."""
        if note.broken_at(present) is None:
            return False
        at = [position - 1 for position in note.positions]
        if note.kind == "E":
            for each in at[1:]:
                present[each] = False
        elif note.kind == "R":
            present[at[0]] = True
        elif note.kind == "L":
            present[at[1]] = True
        else:
            is_filled = note.kind == "C" or self.chance.random() < 0.6
            for each in at:
                present[each] = is_filled
        return True

    def _value(self, use: Use) -> str:
        if use.element is not None:
            return self._of_element(use.element)
        count = max(n for n, each in enumerate(use.components, 1) if each.is_mandatory)
        return ">".join(self._value(each) for each in use.components[:count])

    def _of_element(self, element: Element) -> str:
        choose = self.chance.choice
        if element.number in KNOWN:
            return choose(KNOWN[element.number])
        if element.codes:
            return choose(sorted(element.codes))
        match element.kind:
            case "DT":
                return f"20{self.chance.randrange(20, 30)}{self.chance.randrange(1, 13):02}15"
            case "TM":
                return choose(["0830", "235959", "1200"])
            case "ID":
                return "".join(
                    choose(LETTERS) for _ in range(self.chance.randint(element.least, element.most))
                )
            case "N0" | "N2":
                return self._whole(min(element.most, 6))
            case "R" if element.least > 1:
                return f"1.{self.chance.randrange(100, 999)}"
            case "R":
                whole = self._whole(max(min(element.most - 2, 5), 1))
                return choose(
                    [whole, f"{whole}.{self.chance.randrange(10)}", f"0.{self.chance.randrange(1, 99)}"]
                )
            case _:
                return self._text(element)

    def _whole(self, digits: int) -> str:
        return str(self.chance.randrange(10 ** self.chance.randint(1, digits)))

    def _text(self, element: Element) -> str:
        length = self.chance.randint(element.least, min(element.most, element.least + 12))
        middle = "".join(self.chance.choice(TEXT) for _ in range(max(length - 2, 0)))
        ends = [self.chance.choice(LETTERS) for _ in range(min(length, 2))]
        return ends[0] + middle + "".join(ends[1:])
