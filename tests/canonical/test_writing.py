"""The generated writers, held to what they replace: pydantic's own writer, and sorted JSON of its dump."""

import json
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from canonical.document import CanonicalDocument
from canonical.model import NO_ENTRIES
from canonical.purchase_order import PurchaseOrder
from canonical.registry import content_hash, to_json
from canonical.scalars import plain_digits
from canonical.values import Note, Party, Price
from canonical.writing import KEPT_LENGTH_MAX, content_text
from tests.canonical.strategies import any_document
from tests.scale import scaled


def dumped(document: CanonicalDocument) -> bytes:
    """Write a document as pydantic does, type and version put first."""
    body = document.__pydantic_serializer__.to_json(document, exclude_none=True, exclude_defaults=True)
    head = {"document_type": document.document_type, "schema_version": document.schema_version}
    begin = json.dumps(head, separators=(",", ":")).encode()[:-1]
    return begin + (b"}" if body == b"{}" else b"," + body[1:])


def sorted_dump(document: CanonicalDocument) -> str:
    """Give the text that content hashes were defined by."""
    content: dict[str, Any] = document.__pydantic_serializer__.to_python(
        document, exclude={"provenance", "schema_version"}, exclude_none=True, exclude_defaults=True
    )
    content["document_type"] = document.document_type
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=hashed_form)


def hashed_form(value: object) -> str:
    match value:
        case Decimal():
            return plain_digits(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
    raise TypeError(type(value).__name__)


@settings(max_examples=scaled(100))
@given(any_document())
def test_a_document_is_written_and_hashed_as_pydantic_dumps_it(document: CanonicalDocument) -> None:
    assert content_text(document) == sorted_dump(document)
    assert to_json(document) == dumped(document)
    assert to_json(document) == dumped(document)  # from texts that the parts have kept


@settings(max_examples=scaled(40))
@given(any_document())
def test_a_default_sent_in_so_many_words_is_written_as_one_left_out(sparse: CanonicalDocument) -> None:
    fields = type(sparse).model_fields
    full = type(sparse).model_validate({name: getattr(sparse, name) for name in fields})

    assert full.model_fields_set == set(fields)
    assert to_json(full) == to_json(sparse)
    assert content_hash(full) == content_hash(sparse)


def test_a_part_that_stands_in_two_documents_is_the_same_text_in_both() -> None:
    party, price = Party(name="Harbor"), Price(amount=Decimal("1.50"))
    orders = [
        PurchaseOrder.model_validate(
            {"number": number, "buyer": party, "seller": party, "lines": [{"sequence": 1, "price": price}]}
        )
        for number in ("1", "2")
    ]
    assert [to_json(order) for order in orders] == [dumped(order) for order in orders]


def test_a_changed_copy_of_a_written_part_is_written_anew() -> None:
    party = Party(name="Harbor")
    before = to_json(PurchaseOrder(number="1", buyer=party))
    after = to_json(PurchaseOrder(number="1", buyer=party.model_copy(update={"name": "[masked]"})))

    assert b"Harbor" in before
    assert b"Harbor" not in after


def test_a_kept_text_is_no_part_of_a_value() -> None:
    written, fresh = Party(name="Harbor"), Party(name="Harbor")
    to_json(PurchaseOrder(number="1", buyer=written))

    assert written == fresh
    assert pickle.dumps(written) == pickle.dumps(fresh)
    assert written.model_dump() == fresh.model_dump()
    assert written.raw_codes is NO_ENTRIES


@pytest.mark.parametrize("length", [KEPT_LENGTH_MAX, 50_000])
def test_a_long_text_is_written_but_not_kept(length: int) -> None:
    note = Note(text="x" * length)
    order = PurchaseOrder(number="1", notes=(note,))

    assert to_json(order) == dumped(order) == to_json(order)
    assert content_hash(order) == content_hash(order.model_copy())
    assert getattr(note, "_written", "") == getattr(note, "_hashed", "") == ""
