"""Where an ERP's complaint comes from: the canonical path, and the place in the message sent to us. Pure.

An ERP names fields of its own. A connector translates its path to a canonical one (`lines[1].quantity`);
for X12 the segment and element of that field follow from the guide's fixed places.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from adapters.base import Finding, Position
from canonical.document import CanonicalDocument

# The segment that opens a line, by document type, and elements by canonical field.
# Source: X12 004010 850 and 855 PO1, 810 IT1: 02 quantity, 03 unit, 04 price, 05 basis, 07 first item id.
_LINE_SEGMENTS = {"purchase_order": "PO1", "acknowledgment": "PO1", "invoice": "IT1", "order_change": "POC"}
_ELEMENTS = {
    "quantity": "02",
    "quantity.unit": "03",
    "price": "04",
    "price.base_quantity": "05",
    "item_ids": "07",
}
_POC_ELEMENTS = {
    "quantity": "03",
    "quantity.unit": "05",
    "price": "06",
    "price.base_quantity": "07",
    "item_ids": "09",
}
_HEADERS = {
    "number": {"purchase_order": "BEG/BEG03", "acknowledgment": "BAK/BAK03", "invoice": "BIG/BIG02"},
    "currency": dict.fromkeys(("purchase_order", "acknowledgment", "invoice"), "CUR/CUR02"),
    "seller": dict.fromkeys(("purchase_order", "acknowledgment", "invoice"), "N1 (SE or VN)"),
    "ship_to": dict.fromkeys(("purchase_order", "acknowledgment", "invoice"), "N1 (ST)"),
    "order_date": {"purchase_order": "BEG/BEG05"},
    "invoiced": {"invoice": "BIG/BIG01"},
}
_LINE = re.compile(r"lines\[(\d+)\](?:\.(.+))?\Z")


def traced(
    finding: Finding, document: CanonicalDocument, canonical_path: Callable[[Finding], str | None]
) -> Finding:
    """Give a finding with its canonical path in the facts, and its place in the message as position."""
    path = canonical_path(finding)
    if path is None:
        return finding
    facts = {**finding.facts, "canonical": path}
    place = _source_position(document, path)
    if place is not None:
        facts["target"] = finding.at.source
    # Not `replace`, which takes thrice as long: an ERP may remark on each line of each order.
    return Finding(finding.code, place or finding.at, finding.text, finding.level, finding.value, facts)


def _source_position(document: CanonicalDocument, path: str) -> Position | None:
    provenance = document.provenance
    if provenance is None or not provenance.source:
        return None
    set_number = provenance.control_numbers.get("ST02")
    if set_number is None:
        return Position(provenance.source, path=path)
    segment = _segment(document.document_type, path)
    return Position(provenance.source, path=f"ST {set_number} / {segment}" if segment else f"ST {set_number}")


def _segment(document_type: str, path: str) -> str:
    line = _LINE.match(path)
    if line is None:
        return _HEADERS.get(path.partition(".")[0], {}).get(document_type, "")
    name = _LINE_SEGMENTS.get(document_type)
    if name is None:
        return ""
    elements = _POC_ELEMENTS if name == "POC" else _ELEMENTS
    place = f"{name}[{int(line[1]) + 1}]"
    element = elements.get(line[2] or "")
    return f"{place}/{name}{element}" if element else place
