"""In which order parts become segments, where the order of the canonical lists leaves it open. Pure.

Both ways use it: readers keep a hint where the segments stood otherwise, the writer follows that hint or
this order. The tokens of notes: `N9` the heading of the next reference that may be about a patient, `N9T` a
heading that holds the next note itself, `N9H` a heading made for the next note, `MSG`, `MTX`, `MTXQ` (with
a qualifier of its own), `PID`, `NTE`: the next note; `PID0` the description, where it is not the first PID.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from adapters.edi_x12 import codes

PARTY_FIELDS: Final = ("buyer", "seller", "ship_to", "bill_to", "remit_to", "ship_from")
PAIRS_MAX = 10  # of one SDQ
HEADING_TEXT_MAX = 45  # N903, element 369

MESSAGES_AT_LINE: Final = frozenset({"850/line", "850/sub", "855/sub"})
HEADINGS: Final = frozenset({"850", "850/line", "850/sub", "855", "855/line", "855/sub", "810"})


def plain_party_order(order: Sequence[str]) -> list[str]:
    """Give the N101 codes of a header in the order that they are written in."""
    fields: dict[str, str] = {}
    others: list[str] = []
    for code in order:
        field = codes.HEADER_PARTIES.get(code)
        if field is None or field in fields:
            others.append(code)
        else:
            fields[field] = code
    return [fields[name] for name in PARTY_FIELDS if name in fields] + others


def uneven_spreads(
    spread: Sequence[tuple[dict[str, Any], tuple[str, str], int]],
) -> list[tuple[dict[str, Any], list[int]]]:
    """Give the lines whose SDQ segments are not as full as they could be, with the pairs of each segment."""
    lines: dict[int, tuple[dict[str, Any], list[tuple[tuple[str, str], int]]]] = {}
    for line, key, size in spread:
        lines.setdefault(id(line), (line, []))[1].append((key, size))
    found = []
    for line, segments in lines.values():
        sizes = [size for _, size in segments]
        if sizes != spread_sizes([key for key, size in segments for _ in range(size)]):
            found.append((line, sizes))
    return found


def spread_sizes(keys: Sequence[tuple[str, str]]) -> list[int]:
    """Give how many pairs each SDQ holds that we write: up to ten of one unit and qualifier."""
    sizes: list[int] = []
    last: tuple[str, str] | None = None
    for key in keys:
        if key != last or sizes[-1] == PAIRS_MAX:
            sizes.append(0)
        sizes[-1] += 1
        last = key
    return sizes


def headings(owner: Any) -> list[Any]:
    """Give the references that head notes: those that may be about a patient."""
    references = owner.get("references", ()) if isinstance(owner, dict) else owner.references
    return [each for each in references if each.may_be_phi]


def note_tokens(notes: Sequence[Any], headed_by: Sequence[Any], level: str) -> list[str]:
    """Give the segments that notes are written as. ``level``: set type, with `/line` or `/sub`."""
    if level == "810/line":
        return ["PID"] * len(notes)
    if level == "810":
        return ["NTE"] * len(notes) + ["N9"] * len(headed_by)
    if headed_by:
        direct = sum(1 for note in notes if _qualifier(note) is None) if level in MESSAGES_AT_LINE else 0
        return ["MSG"] * direct + ["N9"] + ["MSG"] * (len(notes) - direct) + ["N9"] * (len(headed_by) - 1)
    return [token for note in notes for token in _alone(note, level)]


def _alone(note: Any, level: str) -> list[str]:
    if _qualifier(note) is None and level in MESSAGES_AT_LINE:
        return ["MSG"]
    if level == "855/line" and _qualifier(note) is None:
        return ["PID"]
    return ["N9T"] if len(_text(note)) <= HEADING_TEXT_MAX else ["N9H", "MSG"]


def _qualifier(note: Any) -> str | None:
    return note.get("qualifier") if isinstance(note, dict) else note.qualifier


def _text(note: Any) -> str:
    return str(note.get("text", "") if isinstance(note, dict) else note.text)
