"""A set's placed segments -> the canonical document: 850, 855 and 810 alike. Pure.

One small function per place of the guide (`*_places.py`). What has no canonical home goes to
`extensions["x12"]` with its place and elements, so that nothing is lost on the way back out; a segment of
which only a part has a home, or that writes a number otherwise than we would, is marked `read` there.
Source: X12 004010 and 005010; the mapping table of the field facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from adapters.base.findings import Level
from adapters.base.formats import DecodeContext
from adapters.edi_x12 import (
    answer_places,
    answer_reading,
    invoice_places,
    order_places,
    parts_in,
    usual_answers,
)
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.guide import Guide
from adapters.edi_x12.invoice_totals import check_invoice_total
from adapters.edi_x12.parts_in import Part
from adapters.edi_x12.party_loops import read_party_loop
from adapters.edi_x12.party_places import header_party
from adapters.edi_x12.places import PlaceReader
from adapters.edi_x12.reader import Reader
from adapters.edi_x12.report import Report
from adapters.edi_x12.shared_parts import share
from adapters.edi_x12.usual_in import LinesReader, read_usual_lines
from adapters.edi_x12.usual_lines import UsualLines
from adapters.edi_x12.walk import UNPLACED, Walked
from canonical.acknowledgment import Acknowledgment, AcknowledgmentLine
from canonical.assembly import Assemble, assembler, part_text, quote
from canonical.document import CanonicalDocument, Provenance
from canonical.invoice import Invoice, InvoiceLine
from canonical.lines import ItemLine
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine

PLAIN_COMPONENT = ">"  # separates components in what is kept, whatever the sender separates them by
KEPT_MAX = 5_000  # segments without a canonical home, per document; more of them is no such document
_VALUE_PROBLEMS_MAX = 20


@dataclass(frozen=True, slots=True)
class SetReading:
    """How one type of set is read."""

    places: Mapping[str, PlaceReader]
    model: type[CanonicalDocument]
    line: str  # the segment that begins a line
    line_model: type[ItemLine]
    totals: str  # the field that holds CTT
    finish: Callable[[Reader], None] = lambda reader: None
    read_lines: LinesReader = read_usual_lines


READINGS: Final[Mapping[str, SetReading]] = MappingProxyType(
    {
        "850": SetReading(order_places.PLACES, PurchaseOrder, "PO1", PurchaseOrderLine, "totals"),
        "855": SetReading(
            answer_places.PLACES,
            Acknowledgment,
            "PO1",
            AcknowledgmentLine,
            "totals",
            answer_reading.read_answers,
            usual_answers.read_usual_answers,
        ),
        "810": SetReading(
            invoice_places.PLACES, Invoice, "IT1", InvoiceLine, "controls", check_invoice_total
        ),
    }
)


def read_document(
    walked: Walked,
    context: DecodeContext,
    partner: X12Partner,
    report: Report,
    control_numbers: Mapping[str, str],
    guide: Guide,
    component: str = PLAIN_COMPONENT,
) -> CanonicalDocument | None:
    """Give the document, or None with findings in the report."""
    reading = READINGS[guide.set_type]
    reader = Reader(context, partner, report, reading.line)
    size = read_segments(reader, reading, walked, guide, component)
    _check_totals(reader, reading, size + 1, partner)
    if report.worst is Level.REJECTED:
        return None
    header = reader.header
    header["lines"] = reader.lines
    try:
        header["provenance"] = _provenance(context, control_numbers)
        share(header)
        return reading.model.__pydantic_validator__.validate_python(header)  # type: ignore[no-any-return]
    except ValidationError as error:
        _report_values(error, report, 0, "")
        return None


def read_segments(
    reader: Reader, reading: SetReading, walked: Walked, guide: Guide, component: str = PLAIN_COMPONENT
) -> int:
    """Read every segment into the reader's parts. ``component`` separates components in this set.

    Give how many they are.
    """
    place_of, numbers_at = reading.places.get, _numbers_at(guide).get
    line = reading.line
    events = walked.events
    knows_parties = place_of("N1") is header_party
    index = skipped = 0
    for number, (path, row) in enumerate(events):
        if skipped:
            skipped -= 1
            continue
        index += 1
        if path == "N1" and knows_parties and (read := read_party_loop(reader, events, number)):
            skipped = read - 1
            index += skipped
            continue
        if type(row) is UsualLines:
            index = reading.read_lines(reader, reading.line_model, row, index)
            continue
        known = place_of(path)
        try:
            # A place without a function, or one that says False, has no canonical home for this segment.
            taken = False if known is None else known(reader, row, index)
        except ValidationError as error:
            _report_values(error, reader.report, index, path)
            continue
        if taken is None:
            if (at := numbers_at(path)) and _has_odd_number(row, at):
                _keep(reader, line, path, row, index, is_read=True)
            continue
        if component != PLAIN_COMPONENT:
            row = with_component(row, path, guide, component, PLAIN_COMPONENT)  # noqa: PLW2901
        _keep(reader, line, path, row, index, is_read=taken is not False)
    for position in walked.unfinished:
        _keep(reader, line, *walked.events[position], position + 1, is_read=False)
    reader.finish()
    reading.finish(reader)
    return index


def with_component(row: Elements, path: str, guide: Guide, old: str, new: str) -> Elements:
    """Give a segment's elements with their composites separated otherwise."""
    at = _composites_at(guide, path.rpartition("/")[2])
    if not at or not any((value := row[n]) is not None and old in value for n in at if n < len(row)):
        return row
    return tuple(
        value.replace(old, new) if value is not None and n in at else value for n, value in enumerate(row)
    )


@lru_cache(maxsize=4096)
def _composites_at(guide: Guide, segment: str) -> tuple[int, ...]:
    shape = guide.shapes.get(segment)
    return tuple(n for n, use in enumerate(shape.uses) if use.element is None) if shape else ()


@lru_cache(maxsize=256)
def _numbers_at(guide: Guide) -> Mapping[str, tuple[int, ...]]:
    """Give, by place, which elements are numbers; those of line segments are kept by the line itself."""
    found: dict[str, tuple[int, ...]] = {}
    pending = list(guide.structure)
    while pending:
        place = pending.pop()
        pending.extend(place.children)
        uses = guide.shapes[place.segment].uses
        at = tuple(n for n, use in enumerate(uses) if use.element and use.element.kind in ("R", "N0", "N2"))
        if at and place.path not in ("PO1", "IT1"):
            found[place.path] = at
    return found


def _has_odd_number(row: Elements, at: tuple[int, ...]) -> bool:
    for position in at:
        value = row[position]
        if value is not None and (value[0] in "0.-" or value[-1] == ".") and parts_in.is_odd(value):
            return True
    return False


def _keep(reader: Reader, line: str, path: str, row: Elements, index: int, *, is_read: bool) -> None:
    """Keep a segment as sent, at the header or at its line."""
    if path == UNPLACED:
        place, elements = "", [value or "" for value in row]
    else:
        place, elements = path, [path.rpartition("/")[2], *(value or "" for value in row)]
    while elements and elements[-1] == "":
        elements.pop()
    is_line = bool(reader.lines) and (path in (UNPLACED, line) or path.startswith(f"{line}/"))
    owner = reader.line if is_line else reader.header
    kept: list[Any] = owner.setdefault("extensions", {}).setdefault("x12", [])
    if len(kept) < KEPT_MAX:
        entry: Part = {"place": place, "segment": index + 1, "elements": elements}
        kept.append({**entry, "read": True} if is_read else entry)
    elif len(kept) == KEPT_MAX:
        kept.append({})
        reader.report.add(
            "X12-SIZE", f"more than {KEPT_MAX} segments are not understood", index, level=Level.REJECTED
        )


def _check_totals(reader: Reader, reading: SetReading, index: int, partner: X12Partner) -> None:
    """Compare CTT with what was read. Source: X12 CTT01 (element 354), CTT02 (347, a hash total)."""
    totals = reader.header.get(reading.totals)
    if not totals:
        return
    stated = totals.get("line_count")
    if stated is not None and stated.isdecimal() and int(stated) != len(reader.lines):
        level = Level.REJECTED if partner.se_count == "reject" else Level.ERROR
        lines = "line" if int(stated) == 1 else "lines"
        text = f"CTT01 says {stated[:20]} {lines}, but the set has {len(reader.lines)}"
        facts = {"set_error": "5"}
        reader.report.add("X12-CTT", text, index - 1, "CTT01", level=level, value=stated[:20], facts=facts)
    hash_total = totals.get("quantity_hash")
    total = sum(map(Decimal, reader.quantities)) if hash_total is not None else 0
    if hash_total is not None and Decimal(hash_total) != total:
        # Partners add different things here, so a difference proves nothing by itself.
        text = f"CTT02 says {hash_total[:20]}; the quantities of the lines add up to {total}"
        reader.report.add("X12-CTT-HASH", text, index - 1, "CTT02", level=Level.NOTE)


def _provenance(context: DecodeContext, control_numbers: Mapping[str, str]) -> Provenance:
    """Give where a set came from: what is the same for all of an input, and its own numbers."""
    values, assemble, text = _input(context.source[:1000], context.partner)
    if control_numbers:
        numbers = ",".join(f'"{name}":{quote(number)}' for name, number in control_numbers.items())
        text = f'{text},"control_numbers":{{{numbers}}}'
    made: Provenance = assemble({**values, "control_numbers": dict(control_numbers)}, f"{text}}}")
    return made


@lru_cache(maxsize=256)
def _input(source: str, partner: str | None) -> tuple[Mapping[str, Any], Assemble, str]:
    """Give what the provenance of every set of an input says: values, what assembles them, open JSON text."""
    made = Provenance(source=source, partner=partner) if partner else Provenance(source=source)
    _, assemble = assembler(Provenance, frozenset({*made.model_fields_set, "control_numbers"}))
    return made.__dict__, assemble, part_text(made)[:-1]


def _report_values(error: ValidationError, report: Report, index: int, place: str) -> None:
    """Report values that X12 allows and the canonical model does not. The values themselves stay out."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    for problem in problems[:_VALUE_PROBLEMS_MAX]:
        path = ".".join(str(part) for part in problem["loc"])
        report.add("X12-VALUE", f"{path}: {problem['msg']}", index, place, facts={"set_error": "5"})
