"""cXML both ways: documents, responses, the document type that is never resolved, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.base import (
    DecodeContext,
    Decoded,
    EncodeError,
    Envelope,
    Environment,
    Finding,
    Summary,
    Verdict,
)
from adapters.cxml.config import Credential, CxmlPartner
from adapters.cxml.format import CxmlFormat
from canonical.document import CanonicalDocument
from canonical.registry import parse_document
from tests.samples import sample_files

FORMAT = CxmlFormat()
PARTNER = CxmlPartner(us=Credential(identity="HOSP"), them=Credential(identity="SUP"))
NETWORK = {"buyer": "HOSP", "seller": "SUP"}
ORDER = {
    "document_type": "purchase_order", "schema_version": "1.0", "number": "4711", "currency": "USD",
    "order_date": {"date": "2026-11-27"},
    "ship_to": {"name": "Dock 4", "address": {"lines": ["1 Main St"], "country": "US"}},
    "notes": [{"text": "Call ahead"}],
    "lines": [{"sequence": 1, "line_id": "1", "item_ids": [{"scheme": "vendor", "value": "A-1"}],
               "description": "Gauze", "quantity": {"value": "12", "unit": "EA"},
               "price": {"amount": "18.40", "currency": "USD"}}],
    "totals": {"amount": {"amount": "220.80"}},
}  # fmt: skip
CONFIRMATION = {
    "document_type": "acknowledgment", "schema_version": "1.0", "number": "C1",
    "response": "accepted_with_changes",
    "acknowledged": {"date": "2026-11-27"}, "order": {"number": "4711"},
    "lines": [{"sequence": 1, "order_line_id": "1", "quantity": {"value": "12", "unit": "EA"},
               "accepted": {"value": "8", "unit": "EA"}, "backordered": {"value": "4", "unit": "EA"}}],
}  # fmt: skip
INVOICE = {
    "document_type": "invoice", "schema_version": "1.0", "number": "I1",
    "invoiced": {"date": "2026-11-27"}, "currency": "USD",
    "lines": [
        {"sequence": 1, "line_id": "1", "order_line_id": "1", "order": {"number": "4711"},
         "quantity": {"value": "8", "unit": "EA"}, "price": {"amount": "18.40", "currency": "USD"},
         "amount": "147.20"},
        {"sequence": 2, "line_id": "2", "order_line_id": "1", "order": {"number": "4712"},
         "quantity": {"value": "1", "unit": "BX"}, "price": {"amount": "3", "currency": "USD"},
         "amount": "3.00"},
    ],
    "totals": {"lines": "150.20", "tax": "12.02", "net": "162.22"},
}  # fmt: skip


def document(fields: dict[str, Any], sender: str) -> CanonicalDocument:
    """Give a document with both sides as the header of a message names them."""
    sides = (
        (("buyer", "seller"), ("HOSP", "SUP"))
        if sender == "buyer"
        else (("seller", "buyer"), ("HOSP", "SUP"))
    )
    named = {
        role: {"identifiers": [{"scheme": "network", "value": value}]}
        for role, value in zip(*sides, strict=True)
    }
    return parse_document({**fields, **named})


def envelope(environment: Environment = "test") -> Envelope:
    return Envelope(7, datetime(2026, 11, 27, 8, tzinfo=UTC), environment, partner_settings=PARTNER)


def read(body: bytes, partner: CxmlPartner | None = None) -> tuple[list[Decoded], Summary]:
    decoder = FORMAT.decoder(DecodeContext("in.xml", "test", partner_settings=partner))
    early = [each for start in range(0, len(body), 100) for each in decoder.feed(body[start : start + 100])]
    late, summary = decoder.finish()
    return [*early, *late], summary


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [each.code for each in findings]


@pytest.mark.parametrize(
    ("fields", "sender"), [(ORDER, "buyer"), (CONFIRMATION, "seller"), (INVOICE, "seller")]
)
def test_a_document_that_was_written_reads_the_same_and_is_written_the_same(fields: Any, sender: str) -> None:
    given = document(fields, sender)
    body = FORMAT.encode([given], envelope())
    (decoded,), summary = read(body)

    assert codes(decoded.findings) == []
    assert decoded.document == given
    assert summary.interchanges[0].control_number == "7.20261127080000@legacy-bridge"
    assert FORMAT.encode([decoded.document], envelope()) == body
    assert FORMAT.identity(body[:4096]) == "7.20261127080000@legacy-bridge"
    assert FORMAT.recognises(body[:4096])


EXPECTED = {
    "fix-builder-order_request.xml": ("OrderRequest", ["CXML-ENV"]),
    "fix-handling-order_request.xml": ("OrderRequest", []),
    "orderrequest.xml": ("OrderRequest", ["MAP-EMPTY"]),  # comments that hold an attachment only
    "punchoutsetuprequest.xml": ("PunchOutSetupRequest", ["CXML-REQUEST"]),
    "productactivitymessage.xml": (None, ["CXML-REQUEST"]),
}


@pytest.mark.parametrize("path", sample_files("cxml/*.xml"))
def test_every_sample_is_translated_or_refused_as_listed(path: Path) -> None:
    kind, expected = EXPECTED[path.name]
    decoded, summary = read(path.read_bytes())

    assert [each.set_type for each in decoded] == ([kind] if kind else [])
    assert [code for each in decoded for code in codes(each.findings)] + codes(summary.findings) == expected
    is_order = kind == "OrderRequest" and "CXML-ENV" not in expected
    assert [each.document is not None for each in decoded] == ([is_order] if kind else [])


def with_doctype(doctype: str) -> bytes:
    body = FORMAT.encode([document(ORDER, "buyer")], envelope())
    start = body.index(b"<!DOCTYPE")
    return body[:start] + doctype.encode() + body[body.index(b">", start) + 1 :]


def test_a_document_type_is_never_resolved_wherever_it_points() -> None:
    for address in ("file:///etc/passwd", "http://127.0.0.1:9/never", "x.dtd"):
        (decoded,), _ = read(with_doctype(f'<!DOCTYPE cXML SYSTEM "{address}">'))
        assert decoded.document is not None, address


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE cXML SYSTEM "x.dtd" [<!ENTITY a "b">]>',
        '<!DOCTYPE cXML [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE cXML PUBLIC "p" "x.dtd">',
        '<!DOCTYPE html SYSTEM "x.dtd">',
    ],
)
def test_a_document_type_that_declares_anything_is_refused(doctype: str) -> None:
    decoded, summary = read(with_doctype(doctype))

    assert decoded == []
    assert codes(summary.findings) == ["XML-DTD"]
    assert not summary.is_readable


def test_a_bad_value_is_told_with_its_line_and_element() -> None:
    body = FORMAT.encode([document(ORDER, "buyer")], envelope()).replace(
        b'quantity="12"', b'quantity="twelve"'
    )
    (decoded,), _ = read(body.replace(b"<ItemOut", b"\n<ItemOut"))

    assert decoded.document is None
    (finding,) = decoded.findings
    assert (finding.code, finding.at.line) == ("MAP-NUMBER", 4)
    assert "/cXML/Request/OrderRequest/ItemOut" in finding.at.path


def test_production_never_passes_a_test_gateway_and_a_stranger_is_told() -> None:
    body = FORMAT.encode([document(ORDER, "buyer")], envelope("production"))
    assert [codes(each.findings) for each in read(body)[0]] == [["CXML-ENV"]]

    stranger = CxmlPartner(them=Credential(identity="SOMEBODY"))
    assert [codes(each.findings) for each in read(body, stranger)[0]] == [["CXML-ENV", "CXML-SENDER"]]


def test_the_response_says_what_became_of_the_request() -> None:
    _, summary = read(FORMAT.encode([document(ORDER, "buyer")], envelope()))
    (interchange,) = summary.interchanges
    good = FORMAT.acknowledge(interchange, {0: Verdict.ACCEPTED}, envelope())
    bad = FORMAT.acknowledge(interchange, {0: Verdict.REJECTED}, envelope())

    assert good is not None
    assert bad is not None
    assert b'<Status code="200" text="OK"/>' in good
    assert b'<Status code="406"' in bad
    assert read(good)[1].interchanges[0].is_acknowledgment


def test_what_cannot_be_written_is_refused_with_its_reason() -> None:
    order = document(ORDER, "buyer")
    nobody = Envelope(7, datetime(2026, 11, 27, tzinfo=UTC), "test")
    for documents, sent, code in (
        ([order], nobody, "CXML-SETTINGS"),
        ([order, order], envelope(), "CXML-ONE"),
        (
            [
                parse_document(
                    {"document_type": "item", "schema_version": "1.0", "number": "1", "description": "x"}
                )
            ],
            envelope(),
            "CXML-DOCUMENT",
        ),
    ):
        with pytest.raises(EncodeError) as raised:
            FORMAT.encode(documents, sent)
        assert codes(raised.value.findings) == [code]


@pytest.mark.parametrize("body", [b"", b"<cXML", b"<a/>", b"\xff\xfe<", b"<cXML payloadID='1'/>", b"ISA*00"])
def test_what_is_no_cxml_gives_findings(body: bytes) -> None:
    decoded, summary = read(body)
    assert decoded == []
    assert summary.findings
