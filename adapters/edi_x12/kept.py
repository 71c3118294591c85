"""Writing back what of a document's X12 has no canonical home: `extensions["x12"]`. Pure.

Two sorts of entries. A segment that was only kept goes to where it stood, by its number in the set. A
segment marked `read` was understood, too: it takes the place of what we would write for it, as long as the
document still says the same; where the document was changed, the document wins and the entry is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from adapters.base.formats import DecodeContext
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.lexer import Places
from adapters.edi_x12.page import Page, Segment
from adapters.edi_x12.parts_out import trimmed
from adapters.edi_x12.read_in import READINGS, read_segments
from adapters.edi_x12.reader import Reader
from adapters.edi_x12.report import Report
from adapters.edi_x12.walk import Walked

Row = list[str]  # segment id and elements

_PLAIN = Delimiters(b"*", b">", b"~")
# The loops that a segment may stand in, each opened by a segment that says as little as it can.
_OPENING: Mapping[str, tuple[str, ...]] = {
    "N9": ("ZZ", "1"),
    "N1": ("ST", "X"),
    "PO1": ("1", "1", "EA"),
    "IT1": ("1", "1", "EA", "1"),
    "ACK": ("IA",),
    "SLN": ("1", "", "I"),
    "SCH": ("1", "EA", "", "", "002", "20260101"),
    "SAC": ("C", "D240"),
    "PID": ("F", "", "", "", "X"),
}


def with_kept(page: Page, partner: X12Partner, zone: str) -> list[Row]:
    """Give the rows of a set with all that was kept at its place again."""
    rows: list[Row] = []
    only_kept: list[Mapping[str, Any]] = []
    seen: set[int] = set()
    for part, written in page.whole():
        if not part.kept:
            rows += [row for _, row in written]
            continue
        entries = [each for each in part.kept if "elements" in each]
        if entries:
            segments, moved = _replaced(page, written, [each for each in entries if each.get("read")], zone)
            only_kept += moved
            if id(part) not in seen:
                only_kept += [each for each in entries if not each.get("read")]
        else:
            segments = written
        seen.add(id(part))
        rows += [row for _, row in segments]
    for each in sorted(only_kept, key=lambda entry: entry.get("segment", 1 << 30)):
        rows.insert(min(max(int(each.get("segment", 0)) - 2, 0), len(rows)), list(each["elements"]))
    return rows


def _replaced(
    page: Page, segments: Sequence[Segment], read: Sequence[Mapping[str, Any]], zone: str
) -> tuple[list[Segment], list[Mapping[str, Any]]]:
    """Put segments as they were sent in the place of what we would write for them.

    What stood at another place than we would write it at is given apart, to be put where it stood.
    """
    made: list[Segment | None] = list(segments)
    taken: set[int] = set()
    moved: list[Mapping[str, Any]] = []
    for entry in read:
        place, sent = entry["place"], list(entry["elements"])
        ours = normal_form(page.guide.set_type, page.guide.version, place, tuple(sent), zone)
        at = _found(made, taken, ours)
        if at is None:
            continue  # the document says something else now
        taken.add(at)
        if made[at] is not None and made[at][0] == place:  # type: ignore[index]
            made[at] = (place, sent)
        else:
            made[at] = None
            moved.append(entry)
    return [each for each in made if each is not None], moved


def _found(
    made: Sequence[Segment | None], taken: set[int], ours: Sequence[tuple[str, tuple[str, ...]]]
) -> int | None:
    for path, row in ours:
        for at, segment in enumerate(made):
            if at not in taken and segment is not None and segment[0] == path and _same(segment[1], row):
                return at
    return None


def _same(row: Sequence[str], other: Sequence[str]) -> bool:
    return trimmed(list(row)) == trimmed(list(other))


@lru_cache(maxsize=4096)
def normal_form(
    set_type: str, version: str, place: str, sent: tuple[str, ...], zone: str
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Give the segments that we would write for one that was sent: read it, alone, and write it again."""
    from adapters.edi_x12.documents_out import WRITERS
    from adapters.edi_x12.guide import guide_for

    partner = X12Partner(version=version)
    guide = guide_for(set_type, version, partner)
    if guide is None:
        return ()
    reading = READINGS[set_type]
    context = DecodeContext("", "test", zone=zone)
    report = Report("", "", partner, Places(b"", _PLAIN, 0, 1), 100)
    reader = Reader(context, partner, report, reading.line)
    events = [(path, _row(guide, path, _OPENING[path.rpartition("/")[2]])) for path in _loops_around(place)]
    events.append((place, _row(guide, place, sent[1:])))
    read_segments(reader, reading, Walked(list(events)), guide)
    document = reading.model.model_validate({**_LEAST[set_type], **_without_kept(reader.header), "lines": [
        _without_kept(line) for line in reader.lines if isinstance(line, dict)  # none of them is usual
    ]})  # fmt: skip
    page = Page(guide, partner)
    WRITERS[document.document_type][1](page, document)
    found = [(path, tuple(row)) for _, segments in page.whole() for path, row in segments]
    names = {place, *_ALIASES.get(place, ())}
    return tuple(each for each in found if each[0] in names)


_ALIASES = {"AMT": ("CTT/AMT",)}
_LEAST: Mapping[str, dict[str, Any]] = {
    "850": {"number": "1"},
    "855": {"order": {"number": "1"}, "response": "accepted"},
    "810": {"number": "1"},
}


def _loops_around(place: str) -> list[str]:
    parts = place.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts)) if parts[n - 1] in _OPENING]


def _row(guide: Any, path: str, elements: Sequence[str]) -> tuple[str | None, ...]:
    shape = guide.shapes[path.rpartition("/")[2]]
    length = len(shape.uses) + shape.missing
    return tuple((elements[n] or None) if n < len(elements) else None for n in range(length))


def _without_kept(part: Mapping[str, Any]) -> dict[str, Any]:
    """Give a part with nothing kept but the order of its segments."""
    hints = [each for each in part.get("extensions", {}).get("x12", ()) if "order" in each]
    plain = {name: value for name, value in part.items() if name != "extensions"}
    return {**plain, "extensions": {"x12": hints}} if hints else plain
