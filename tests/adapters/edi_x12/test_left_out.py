"""What a document says and X12 as we write it does not: told as notes, and held to what is written."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Level
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.encode import WrittenSet, delimiters_of, write_set
from adapters.edi_x12.left_out import left_out
from canonical.acknowledgment import Acknowledgment, AcknowledgmentLine
from canonical.document import CanonicalDocument
from canonical.invoice import Invoice, InvoiceLine, InvoiceTotals
from canonical.model import Model
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.registry import parse_document
from tests.adapters.edi_x12.rig import ORDER, interchange, read

PARTNER = X12Partner()
DELIMITERS = delimiters_of(PARTNER)
DAY = {"date": "2026-03-09"}
SEVEN = {"value": "7", "unit": "EA"}
PLACE = {"name": "DOCK 7", "identifiers": [{"scheme": "assigned_by_buyer", "value": "7"}]}
LINE: dict[str, Any] = {
    "sequence": 1, "line_id": "1", "quantity": {"value": "5", "unit": "EA"}, "price": {"amount": "9.99"},
}  # fmt: skip
LEAST: dict[str, dict[str, Any]] = {
    "purchase_order": {"number": "1", "order_date": {"date": "2026-03-04"}},
    "acknowledgment": {"order": {"number": "1", "date": {"date": "2026-03-04"}}, "response": "accepted"},
    "invoice": {"number": "1", "invoiced": {"date": "2026-03-04"}, "totals": {"gross": "49.95"}},
}
BOOKKEEPING = {  # of ours, about the document; or how it was written where it came from
    "document_type", "schema_version", "provenance", "raw_codes", "extensions", "sequence", "lines",
    "description_may_be_phi",
}  # fmt: skip
SAMPLES: dict[str, Any] = {
    "references": [{"kind": "other", "number": "7", "qualifier": "ZZ"}], "notes": [{"text": "seven"}],
    "dates": [{"kind": "shipped", "date": "2026-03-09", "qualifier": "011"}],
    "parties": [{**PLACE, "role": "carrier"}], "purpose": "duplicate", "currency": "USD", "number": "7",
    "release": "7", "revision": "7", "order_type": "rush", "urgency": "rush", "already_placed": True,
    "order_date": DAY, "requested": DAY, "seller_number": "7", "erp_number": "7", "contract": "7",
    "department": "7", "facility": "7", "inventory_location": "7", "contacts": [{"name": "SEVEN"}],
    "payment_terms": [{"net_days": 7}], "shipping": [{"carrier_code": "UPSN"}], "backorders_allowed": False,
    "allowances_charges": [{"indicator": "charge", "kind": "freight", "amount": "7.00"}],
    "taxes": [{"kind": "sales", "amount": "7.00"}], "distributions": [{"account": "7"}],
    "totals": {"line_count": 9}, "line_id": "7", "item_ids": [{"scheme": "buyer", "value": "7"}],
    "description": "SEVEN", "quantity": SEVEN, "lots": [{"lot": "7"}],
    "attributes": [{"name": "LN", "value": "7"}], "price": {"amount": "7"}, "list_price": {"amount": "7"},
    "amount": "7", "packaging": {"packs": 7}, "stock": "consignment", "category": "7",
    "line_class": "service",
    "supplier": PLACE, "requester": "SEVEN", "clinical_case": {"case_number": "7"}, "taxable": True,
    "schedules": [{"quantity": SEVEN, "requested": DAY}],
    "sub_lines": [{"sub_line_id": "1.1", "quantity": SEVEN}], "acknowledged": DAY,
    "order": {"number": "7", "date": DAY}, "response": "rejected", "order_line_id": "7", "schedule_id": "7",
    "status": "accepted", "accepted": SEVEN, "backordered": SEVEN, "rejected": SEVEN, "promised": DAY,
    "responses": [{"status": "accepted", "quantity": SEVEN}],
    "substitute_ids": [{"scheme": "vendor", "value": "7"}], "invoiced": DAY, "invoice_type": "credit_memo",
    "debit_credit": "credit", "orders": [{"number": "7"}],
    "corrects": {"document_type": "invoice", "number": "7"}, "due": DAY, "controls": {"line_count": 9},
    "shipped": SEVEN, "receipt_number": "7", "shipment_number": "7", "gross": "7", "net": "7", "tax": "7",
    "discountable": "7", "discounted": "7", "discount": "7", "freight": "7", "charges": "7",
    "allowances": "7",
    "prepaid": "7", "ship_to": PLACE, "buyer": PLACE, "seller": PLACE, "bill_to": PLACE, "remit_to": PLACE,
    "ship_from": PLACE,
}  # fmt: skip
BESIDE: dict[str, dict[str, Any]] = {  # what else a field needs so that X12 can say it
    "substitute_ids": {"status": "substituted", "accepted": SEVEN},
    "promised": {"accepted": SEVEN},
}
MODELS: list[tuple[str, type[Model]]] = [
    ("purchase_order", PurchaseOrder), ("purchase_order", PurchaseOrderLine),
    ("acknowledgment", Acknowledgment), ("acknowledgment", AcknowledgmentLine),
    ("invoice", Invoice), ("invoice", InvoiceLine), ("invoice", InvoiceTotals),
]  # fmt: skip
FIELDS = [
    pytest.param(kind, model, name, id=f"{model.__name__}.{name}")
    for kind, model in MODELS
    for name in model.model_fields
    if name not in BOOKKEEPING and not (model is InvoiceTotals and name == "lines")
]


def made(kind: str, model: type[Model], **fields: Any) -> CanonicalDocument:
    """Give the least document of a type with fields of its header, line or totals."""
    header, line = {**LEAST[kind]}, {**LINE}
    if model is InvoiceTotals:
        header["totals"] = {"gross": "49.95", **fields}
    elif model.__name__.endswith("Line"):
        line |= fields
    else:
        header |= fields
    return parse_document({"document_type": kind, **header, "lines": [line]})


def bytes_of(document: CanonicalDocument) -> object:
    written = write_set(document, "0001", PARTNER, DELIMITERS)
    return written.body if isinstance(written, WrittenSet) else [each.code for each in written]


@pytest.mark.parametrize("kind, model, name", FIELDS)
def test_a_field_is_written_or_its_loss_is_told(kind: str, model: type[Model], name: str) -> None:
    beside = BESIDE.get(name, {})
    without = made(kind, model, **beside)
    sample = {"gross": "49.95", "discount": "7"} if name == "totals" and kind == "invoice" else SAMPLES[name]
    document = made(kind, model, **{**beside, name: sample})
    is_written = bytes_of(document) != bytes_of(without)
    told = [each.at.path.rpartition(".")[2] for each in left_out(document)]

    assert (name not in told) == is_written


def test_a_field_of_many_lines_is_told_once_with_how_many_they_are() -> None:
    lines = [{**LINE, "sequence": n, "category": "7"} for n in (1, 2, 3)]
    document = parse_document(
        {
            "document_type": "purchase_order",
            **LEAST["purchase_order"],
            "lines": [{**LINE, "sequence": 9}, *lines],
        }
    )
    (note,) = left_out(document)

    assert (note.code, note.at.path, note.level) == ("X12-OUT-LEFT", "lines[1].category", Level.NOTE)
    assert note.text.startswith("category (and of 2 more) is not written: the 850 that we write")
    assert note.value is None


@pytest.mark.parametrize(
    "kind, fields",
    [
        ("purchase_order", {"urgency": "rush", "order_type": "rush"}),
        ("purchase_order", {"already_placed": True, "purpose": "confirmation"}),
        ("invoice", {"debit_credit": "credit", "invoice_type": "credit_memo"}),
    ],
)
def test_what_another_field_says_is_not_lost(kind: str, fields: dict[str, Any]) -> None:
    header = {"document_type": kind, **LEAST[kind], **fields, "lines": [LINE]}

    assert left_out(parse_document(header)) == ()


def test_what_came_as_x12_goes_out_as_it_came_and_loses_nothing() -> None:
    (told,) = read(interchange(ORDER.replace("*SA*", "*RO*"))).sets

    assert told.document is not None
    assert left_out(told.document) == ()
