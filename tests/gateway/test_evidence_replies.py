"""Legacy's answer, read as its version of an order."""

from __future__ import annotations

import pytest

from adapters.base import Finding
from canonical.purchase_order import PurchaseOrder
from canonical.registry import parse_document
from gateway.evidence_replies import read_reply

OURS = parse_document({"document_type": "purchase_order", "schema_version": "1.0", "number": "PO-1"})
SOAP = b"""\
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
  <r:SubmitResponse xmlns:r="urn:mms"><r:PONumber> 00PO-1 </r:PONumber><r:Total currency="USD">25.00</r:Total>
    <r:Line no="1"><r:Qty uom="CA">2</r:Qty></r:Line><r:Line no="2"><r:Qty uom="EA">7</r:Qty></r:Line>
  </r:SubmitResponse></s:Body></s:Envelope>"""
JSON = b'{"result": {"PONumber": "00PO-1", "Line": [{"no": 1, "Qty": 2.5}, {"no": 2, "Qty": 7}]}}'


def read(body: bytes, **reads: str) -> PurchaseOrder:
    named = {name.replace("__", "."): place for name, place in reads.items()}
    listed = {name.replace("lines", "lines[]"): place for name, place in named.items()}
    found = read_reply(body, listed, OURS, "mms")
    assert isinstance(found, PurchaseOrder), found
    return found


def test_fields_of_a_soap_answer_are_found_wherever_the_envelope_ends() -> None:
    found = read(
        SOAP,
        seller_number="PONumber",
        currency="Total.@currency",
        lines__line_id="SubmitResponse.Line[].@no",
        lines__quantity__value="SubmitResponse.Line[].Qty",
        lines__quantity__unit="SubmitResponse.Line[].Qty.@uom",
    )

    assert (found.number, found.seller_number, found.currency) == ("PO-1", "00PO-1", "USD")
    assert [(line.sequence, line.line_id) for line in found.lines] == [(1, "1"), (2, "2")]
    quantities = [line.quantity for line in found.lines if line.quantity]
    assert [(str(each.value), each.unit) for each in quantities] == [("2", "CA"), ("7", "EA")]


def test_fields_of_a_json_answer_keep_every_digit() -> None:
    found = read(JSON, lines__line_id="Line[].no", lines__quantity__value="result.Line[].Qty")

    assert [str(line.quantity.value) for line in found.lines if line.quantity] == ["2.5", "7"]


def test_what_the_answer_does_not_have_is_not_there() -> None:
    assert read(SOAP, contract="Contract").contract is None


@pytest.mark.parametrize(
    "body, reads, code",
    [
        (b"OK", {"number": "N"}, "COMPARE-REPLY"),
        (b"<a><b></a>", {"number": "b"}, "XML-"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', {"number": "a"}, "XML-DTD"),
        (b"<a><Date>soon</Date></a>", {"order_date.date": "Date"}, "COMPARE-REPLY"),
        (b"", {"number": "N"}, "COMPARE-REPLY"),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_finding(body: bytes, reads: dict[str, str], code: str) -> None:
    found = read_reply(body, reads, OURS, "mms")

    assert isinstance(found, Finding)
    assert found.code.startswith(code)
