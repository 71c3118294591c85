"""Documents of other types: what follows an order comes from other records, by the same language."""

from typing import Any

import pytest

from adapters.base.findings import Level
from adapters.mapping import Mapping, MappingContext
from adapters.mapping.shapes import shapes_of
from canonical.registry import DOCUMENT_TYPES

RECEIPT = """\
mapping: erp_receipt
document: goods_receipt
fields:
  number: SLIP
  received: {from: RCV_DATE, date: "%Y%m%d"}
  orders[0].number: PO
groups:
  lines:
    from: LINE
    fields:
      order_line_id: PO_LINE
      quantity.value: QTY
      quantity.unit: UOM
      lots[0].lot: LOT
      lots[0].expires: {from: EXP, date: "%y%m%d", pivot: 70, absent: ["000000"]}
      is_final: {from: FINAL, codes: {Y: "true", "": "false"}}
"""
RECEIPT_RECORD = {
    "SLIP": "S-1",
    "RCV_DATE": "20261201",
    "PO": "12345",
    "LINE": [
        {"PO_LINE": "1", "QTY": "3", "UOM": "EA", "LOT": "L9", "EXP": "281231", "FINAL": "Y"},
        {"PO_LINE": "2", "QTY": "0.5", "UOM": "CA", "EXP": "000000"},
    ],
}
ANSWER = """\
mapping: mms_answer
document: acknowledgment
fields:
  order.number: OrderRef.Number
  response: {from: Decision, codes: {ACCEPT: accepted, REJECT: rejected}}
groups:
  lines:
    from: Lines.Line
    fields:
      line_id: "@no"
      accepted.value: Accepted.#text
      accepted.unit: Accepted.@uom
      promised: Promised
"""
ANSWER_RECORD = {
    "OrderRef": {"Number": "12345"},
    "Decision": "ACCEPT",
    "Lines": {"Line": [{"@no": "1", "Accepted": {"#text": "3", "@uom": "EA"}, "Promised": "2026-12-03"}]},
}


@pytest.mark.parametrize("text, record", [(RECEIPT, RECEIPT_RECORD), (ANSWER, ANSWER_RECORD)])
def test_follow_on_documents_are_mapped_both_ways(text: str, record: dict[str, Any]) -> None:
    made = Mapping.load(text, "m.yaml")
    context = MappingContext("in")

    document, findings = made.read_document(record, context)

    assert [finding for finding in findings if finding.level is Level.REJECTED] == []
    assert document is not None
    assert made.write(document, context) == (record, ())


@pytest.mark.parametrize("name", DOCUMENT_TYPES)
def test_every_field_of_every_document_has_a_shape_that_can_be_mapped(name: str) -> None:
    waiting, seen = [DOCUMENT_TYPES[name]], set()
    while waiting:
        model = waiting.pop()
        if model in seen:
            continue
        seen.add(model)
        shapes = shapes_of(model)
        assert [field for field, shape in shapes.items() if shape.kind == "any"] == []
        waiting += [shape.model for shape in shapes.values() if shape.model]  # type: ignore[misc]
    assert len(seen) > 1
