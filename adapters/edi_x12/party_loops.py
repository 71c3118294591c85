"""A header's whole N1 loop known by its segments: a hospital has few buyers and places to ship to.

The party is a frozen value that may stand in many documents. What it says is what `party_places.py` reads
from the same segments; a loop of which anything is kept as sent, too, is read segment by segment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from adapters.edi_x12 import codes, parts_in, party_places
from adapters.edi_x12.parts_in import Part
from adapters.edi_x12.places import PlaceReader
from adapters.edi_x12.reader import Reader
from adapters.edi_x12.walk import UNPLACED
from canonical.values import Party

LOOPS_MAX = 2_048  # that are known
SEGMENTS_MAX = 8  # of a loop
_INNER: Mapping[str, PlaceReader] = MappingProxyType(
    {
        "N1/N2": party_places.n2,
        "N1/N3": party_places.n3,
        "N1/N4": party_places.n4,
        "N1/REF": party_places.party_reference,
    }
)
_known: dict[tuple[Any, ...], Party | None] = {}


def read_party_loop(reader: Reader, events: Sequence[tuple[str, Any]], at: int) -> int:
    """Put the party whose loop begins there into its field; give how many segments were read, mostly all.

    0 where its segments must be read one by one.
    """
    code = events[at][1][0]
    name = codes.HEADER_PARTIES.get(code)
    if name is None or name in reader.header:
        return 0
    end = at + 1
    while end < len(events) and events[end][0].startswith("N1/"):
        end += 1
    # Behind a segment that has no place the loop may go on, and what follows adds to its party.
    if end - at > SEGMENTS_MAX or (end < len(events) and events[end][0] == UNPLACED):
        return 0
    loop = tuple(events[at:end])
    found = _known.get(loop)
    if found is None:
        if loop in _known:
            return 0
        if len(_known) >= LOOPS_MAX:
            _known.clear()
        found = _known[loop] = _party(loop)
        if found is None:
            return 0
    reader.party_order.append(code)
    reader.header[name] = found
    reader.party = {}
    return end - at


class _Loop(Reader):
    """The party that is read, alone."""

    def __init__(self, party: Part) -> None:
        self.party = party


def _party(loop: Sequence[tuple[str, Any]]) -> Party | None:
    scratch = _Loop(parts_in.party(loop[0][1]))
    for path, row in loop[1:]:
        read = _INNER.get(path)
        if read is None or read(scratch, row, 0) is not None:
            return None
    try:
        return parts_in.validated(Party, scratch.party)
    except ValidationError:
        return None
