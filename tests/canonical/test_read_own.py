"""What `to_json` wrote is read back by the faster reader as `parse_document` reads it."""

from __future__ import annotations

import pytest
from hypothesis import given

from canonical.document import CanonicalDocument
from canonical.registry import DocumentError, parse_document, read_own, to_json
from tests.canonical.strategies import any_document


@given(any_document())
def test_any_document_is_read_alike_by_both_readers(document: CanonicalDocument) -> None:
    own = to_json(document)

    assert read_own(own) == parse_document(own)
    assert to_json(read_own(own)) == own


def test_a_number_keeps_every_digit() -> None:
    digits = "1234567.123456789012345"
    fields = {
        "document_type": "purchase_order",
        "number": "1",
        "lines": [{"sequence": 1, "quantity": {"value": digits}}],
    }
    own = to_json(parse_document(fields))

    assert digits.encode() in to_json(read_own(own))


def test_what_is_no_document_is_told() -> None:
    for text in (b"", b"{}", b'{"document_type":"purchase_order"}', b'{"document_type":"nothing"}'):
        with pytest.raises(DocumentError):
            read_own(text)
