"""What a document from elsewhere says and its X12 set, as we write it, does not: a note a field. Pure.

X12 has room for some of this in segments that no partner has asked us for. Until one does, the receiver
does not get it; whoever reads the notes can map it into a field that is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from adapters.base.findings import Finding, Level, Position
from adapters.edi_x12.as_sent import came_as_x12
from adapters.edi_x12.documents_out import WRITERS
from canonical.acknowledgment import Acknowledgment, AcknowledgmentLine
from canonical.document import CanonicalDocument
from canonical.invoice import Invoice, InvoiceLine, InvoiceTotals
from canonical.model import Model
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine

LEFT_OUT: Final[Mapping[type[Model], frozenset[str]]] = MappingProxyType(
    {
        PurchaseOrder: frozenset(
            {
                "revision",
                "urgency",
                "already_placed",
                "erp_number",
                "facility",
                "inventory_location",
                "backorders_allowed",
                "distributions",
                "clinical_case",
            }
        ),
        PurchaseOrderLine: frozenset(
            {
                "lots",
                "distributions",
                "facility",
                "inventory_location",
                "stock",
                "category",
                "line_class",
                "contract",
                "requester",
                "taxable",
            }
        ),
        Acknowledgment: frozenset({"number", "order_type"}),
        AcknowledgmentLine: frozenset({"lots", "distributions", "order", "order_line_id", "schedule_id"}),
        Invoice: frozenset({"debit_credit", "due"}),
        InvoiceLine: frozenset(
            {
                "lots",
                "amount",
                "distributions",
                "order_line_id",
                "schedule_id",
                "receipt_number",
                "shipment_number",
            }
        ),
        InvoiceTotals: frozenset({"net", "lines", "tax", "freight", "charges", "allowances", "prepaid"}),
    }
)
"""Fields that no segment says; a test holds this to what is written."""


_IMPLIED: Final[Mapping[str, tuple[str, frozenset[str]]]] = MappingProxyType(
    {
        "urgency": ("order_type", frozenset({"rush", "emergency"})),
        "already_placed": ("purpose", frozenset({"confirmation"})),
        "debit_credit": ("invoice_type", frozenset({"credit_memo"})),
    }
)
"""Fields that say again what another one says, which is written: that field, and the words that do."""


def left_out(document: CanonicalDocument) -> tuple[Finding, ...]:
    """Give a note for each field that is not written; what came as X12 goes out as it came, without any."""
    writer = WRITERS.get(document.document_type)
    if writer is None or came_as_x12(document):
        return ()
    lines: Sequence[Any] = getattr(document, "lines", ())
    found = [("", name, 1) for name in _fields(document)]
    totals = getattr(document, "totals", None)
    if isinstance(totals, InvoiceTotals):
        found += [("totals.", name, 1) for name in _fields(totals)]
    first: dict[str, int] = {}
    counts: dict[str, int] = {}
    for number, line in enumerate(lines):
        for name in _fields(line):
            first.setdefault(name, number)
            counts[name] = counts.get(name, 0) + 1
    found += [(f"lines[{at}].", name, counts[name]) for name, at in first.items()]
    return tuple(_note(path, name, count, writer[0]) for path, name, count in found)


def _fields(part: Model) -> Iterator[str]:
    """Give the fields of a part that say something and are left out."""
    model = type(part)
    for name in sorted(part.__pydantic_fields_set__ & LEFT_OUT.get(model, frozenset())):
        value = getattr(part, name)
        is_implied = name in _IMPLIED and getattr(part, _IMPLIED[name][0]) in _IMPLIED[name][1]
        if value is not None and value != model.model_fields[name].default and not is_implied:
            yield name


def _note(path: str, name: str, count: int, set_type: str) -> Finding:
    times = f" (and of {count - 1} more)" if count > 1 else ""
    text = (
        f"{name}{times} is not written: the {set_type} that we write has no segment for it, so the receiver "
        "does not get it; where it must, let the mapping put it into references or notes"
    )
    return Finding("X12-OUT-LEFT", Position("canonical", path=f"{path}{name}"), text, Level.NOTE)
