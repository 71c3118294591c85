"""850 -> purchase order: a pure mapper from a set's placed segments to the canonical document.

One small function per place of the guide. What has no canonical home goes to `extensions["x12"]` with its
place and elements, so that nothing is lost on the way back out.
Source: X12 004010 and 005010 850; the mapping table of the field facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from adapters.base.findings import Level
from adapters.base.formats import DecodeContext
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.grammar import Elements
from adapters.edi_x12.order_places import PLACES
from adapters.edi_x12.order_reader import OrderReader
from adapters.edi_x12.parts_in import Part
from adapters.edi_x12.report import Report
from adapters.edi_x12.shared_parts import share
from adapters.edi_x12.walk import UNPLACED, Walked
from canonical.purchase_order import PurchaseOrder

KEPT_MAX = 5_000  # segments without a canonical home, per order; more of them is no order
_VALUE_PROBLEMS_MAX = 20


def read_order(
    walked: Walked,
    context: DecodeContext,
    partner: X12Partner,
    report: Report,
    control_numbers: Mapping[str, str],
) -> PurchaseOrder | None:
    """Give the order, or None with findings in the report."""
    reader = OrderReader(context, partner, report)
    index, place_of = 0, PLACES.get
    for path, row in walked.events:
        index += 1
        known = place_of(path)
        try:
            # A place without a function, or one that says False, has no canonical home for this segment.
            if known is None or known(reader, row, index) is False:
                _keep(reader, path, row, index)
        except ValidationError as error:
            _report_values(error, report, index, path)
    for position in walked.unfinished:
        _keep(reader, *walked.events[position], position + 1)
    _check_totals(reader, index + 1, partner)
    if report.worst is Level.REJECTED:
        return None
    header = reader.header
    header["lines"] = reader.lines
    header["provenance"] = _provenance(context, control_numbers)
    try:
        share(header)
        return PurchaseOrder.__pydantic_validator__.validate_python(header)  # type: ignore[no-any-return]
    except ValidationError as error:
        _report_values(error, report, 0, "")
        return None


def _keep(reader: OrderReader, path: str, row: Elements, index: int) -> None:
    """Keep a segment as sent, at the header or at its line."""
    if path == UNPLACED:
        place, elements = "", [value or "" for value in row]
    else:
        place, elements = path, [path.rpartition("/")[2], *(value or "" for value in row)]
    while elements and elements[-1] == "":
        elements.pop()
    is_line = bool(reader.lines) and path.startswith(("PO1", UNPLACED))
    owner = reader.line if is_line else reader.header
    kept: list[Any] = owner.setdefault("extensions", {}).setdefault("x12", [])
    if len(kept) < KEPT_MAX:
        kept.append({"place": place, "segment": index + 1, "elements": elements})
    elif len(kept) == KEPT_MAX:
        kept.append({})
        reader.report.add(
            "X12-SIZE", f"more than {KEPT_MAX} segments are not understood", index, level=Level.REJECTED
        )


def _check_totals(reader: OrderReader, index: int, partner: X12Partner) -> None:
    """Compare CTT with what was read. Source: X12 CTT01 (element 354), CTT02 (347, a hash total)."""
    totals = reader.header.get("totals")
    if not totals:
        return
    stated = totals.get("line_count")
    if stated is not None and stated.isdecimal() and int(stated) != len(reader.lines):
        level = Level.REJECTED if partner.se_count == "reject" else Level.ERROR
        text = f"CTT01 says {stated[:20]} lines, but the order has {len(reader.lines)}"
        facts = {"set_error": "5"}
        reader.report.add("X12-CTT", text, index - 1, "CTT01", level=level, value=stated[:20], facts=facts)
    hash_total = totals.get("quantity_hash")
    total = sum(map(Decimal, reader.quantities)) if hash_total is not None else 0
    if hash_total is not None and Decimal(hash_total) != total:
        # Partners add different things here, so a difference proves nothing by itself.
        text = f"CTT02 says {hash_total[:20]}; the ordered quantities add up to {total}"
        reader.report.add("X12-CTT-HASH", text, index - 1, "CTT02", level=Level.NOTE)


def _provenance(context: DecodeContext, control_numbers: Mapping[str, str]) -> Part:
    made: Part = {"source": context.source[:1000], "control_numbers": dict(control_numbers)}
    if context.partner:
        made["partner"] = context.partner
    return made


def _report_values(error: ValidationError, report: Report, index: int, place: str) -> None:
    """Report values that X12 allows and the canonical model does not. The values themselves stay out."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    for problem in problems[:_VALUE_PROBLEMS_MAX]:
        path = ".".join(str(part) for part in problem["loc"])
        report.add("X12-VALUE", f"{path}: {problem['msg']}", index, place, facts={"set_error": "5"})
