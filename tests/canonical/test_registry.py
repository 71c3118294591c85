import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.document import CanonicalDocument, Provenance
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.registry import (
    DOCUMENT_TYPES,
    DocumentError,
    content_hash,
    parse_document,
    to_json,
)
from canonical.values import DateValue, Price, Quantity
from tests.canonical.strategies import any_document, documents, exact_decimals
from tests.scale import scaled

ORDER = b'{"document_type":"purchase_order","number":"7","lines":[{"sequence":1,"quantity":{"value":%s}}]}'


def quantity_of(document: CanonicalDocument) -> Decimal:
    assert isinstance(document, PurchaseOrder)
    quantity = document.lines[0].quantity
    assert quantity is not None
    return quantity.value


def test_all_thirteen_document_types_are_registered_under_their_own_name() -> None:
    assert set(DOCUMENT_TYPES) == {
        "purchase_order", "acknowledgment", "order_change", "invoice", "requisition", "goods_receipt",
        "ship_notice", "supplier", "item", "inventory_movement", "approval_decision", "budget_check",
        "status_event",
    }  # fmt: skip


@pytest.mark.parametrize("document_type", sorted(DOCUMENT_TYPES))
@settings(max_examples=scaled(40))
@given(data=st.data())
def test_every_document_survives_writing_and_reading(document_type: str, data: st.DataObject) -> None:
    document = data.draw(documents(document_type))
    written = to_json(document)

    assert parse_document(written) == document
    assert to_json(parse_document(written)) == written
    assert content_hash(parse_document(written)) == content_hash(document)


@given(any_document())
def test_a_document_names_its_type_and_version_first_and_holds_no_null(document: CanonicalDocument) -> None:
    fields = json.loads(to_json(document))

    assert list(fields)[:2] == ["document_type", "schema_version"]
    assert not _holds_null(fields)


def _holds_null(value: object) -> bool:
    """Look everywhere but into extensions, where null is the sender's."""
    if isinstance(value, dict):
        return any(_holds_null(each) for name, each in value.items() if name != "extensions")
    return any(map(_holds_null, value)) if isinstance(value, list) else value is None


@given(exact_decimals())
def test_no_digit_of_a_number_written_as_text_is_lost(number: Decimal) -> None:
    as_text = parse_document(ORDER % json.dumps(format(number, "f")).encode())

    assert quantity_of(parse_document(to_json(as_text))).as_tuple() == number.as_tuple()


@given(st.from_regex(r"-?[1-9][0-9]{0,37}(\.[0-9]{1,38})?", fullmatch=True))
def test_no_digit_of_a_json_number_is_lost(text: str) -> None:
    document = parse_document(ORDER % text.encode())

    assert format(quantity_of(document), "f") == text


def test_a_json_number_keeps_the_digits_that_a_float_would_cut() -> None:
    document = parse_document(ORDER % b"1234567.123456789012345")

    assert quantity_of(document) == Decimal("1234567.123456789012345")
    assert b'"1234567.123456789012345"' in to_json(document)


@pytest.mark.parametrize(
    "written", [b'"1E+2"', b'"100"', b"100", b"1E+2", b"1e2", b'"+100"', b'"100.0"', b'"0100"']
)
def test_exponents_signs_and_zeros_are_formatting_not_content(written: bytes) -> None:
    plain, other = parse_document(ORDER % b'"100"'), parse_document(ORDER % written)

    assert other == plain
    assert content_hash(other) == content_hash(plain)
    assert b"E" not in to_json(other)


def test_a_very_small_number_is_written_without_an_exponent() -> None:
    assert b'"0.00000000125"' in to_json(parse_document(ORDER % b'"1.25E-9"'))


@pytest.mark.parametrize(
    "written",
    [
        b"NaN", b"Infinity", b"-Infinity", b'"NaN"', b'"Infinity"', b'"1E+999999999"', b"1E+999999999",
        b"1E-999999999", b'"1E-99"', b'"1_000"', b'"1,5"', b'" 5"', b'""', b'"five"', b"true", b"null1",
        b'"\xd9\xa1"', b"1" + b"0" * 38, b'"' + b"9" * 39 + b'"', b"9" * 5_000, b'"1."', b'".5"',
    ],
)  # fmt: skip
def test_what_is_no_bounded_decimal_is_refused(written: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_document(ORDER % written)


def test_a_binary_float_is_refused_even_from_code() -> None:
    with pytest.raises(ValueError, match="decimal_form"):
        PurchaseOrder.model_validate({"number": "1", "lines": [{"sequence": 1, "quantity": {"value": 0.1}}]})


@pytest.mark.parametrize(
    "source, expected",
    [
        (b"[]", "expected a JSON object"),
        (b"{", "not JSON at line 1 column 2"),
        (b'{"document_type":"purchase_order","number":"1","number":"2"}', "'number' is repeated"),
        (b'{"number":"1"}', "document_type: expected one of purchase_order, "),
        (b'{"document_type":["purchase_order"]}', "document_type: expected one of"),
        (b'{"document_type":"purchase_order"}', "number: Field required"),
        (b'{"document_type":"purchase_order","number":"1","colour":"red"}', "colour: Extra inputs"),
        (b'{"document_type":"purchase_order","number":""}', "number: String should have at least 1"),
        (b'{"document_type":"purchase_order","schema_version":"2.0","number":"1"}', "schema_version:"),
        (b'{"document_type":"purchase_order","number":"1","lines":[{"sequence":"1"}]}', "lines.0.sequence:"),
        (b'{"document_type":"purchase_order","number":"\\ud800"}', "number:"),
        (b"\xff\xfe\xff", "not JSON"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(source: bytes, expected: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(source)
    assert expected in str(caught.value)


def test_all_problems_of_a_document_are_reported_at_once_without_the_values_found() -> None:
    source = {
        "document_type": "purchase_order",
        "currency": "",
        "lines": [{"sequence": 1, "price": {"amount": "12.3.4"}}],
    }
    with pytest.raises(DocumentError) as caught:
        parse_document(source)

    assert [path for path, _ in caught.value.problems] == ["currency", "number", "lines.0.price.amount"]
    assert "12.3.4" not in str(caught.value)


@pytest.mark.parametrize(
    "written",
    ["20261201", 20261201, 1764547200, "2026-13-01", "2026-12-01T00:00:00", datetime(2026, 12, 1), True],
)
def test_only_a_written_calendar_date_is_a_date(written: object) -> None:
    with pytest.raises(ValueError, match="date_form"):
        DateValue.model_validate({"date": written})


@pytest.mark.parametrize(
    "written", ["2026-12-01T08:30:00", "2026-12-01 08:30Z", 1764547200, datetime(2026, 12, 1)]
)
def test_a_moment_without_a_zone_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="moment_form"):
        DateValue.model_validate({"date": "2026-12-01", "at": written})


def test_the_content_hash_ignores_where_a_document_came_from() -> None:
    order = PurchaseOrder(number="1")
    arrived = PurchaseOrder(number="1", provenance=Provenance(message_id="m-1"))

    assert content_hash(order) == content_hash(arrived)
    assert content_hash(order) != content_hash(PurchaseOrder(number="01"))


def test_the_content_hash_is_the_same_for_one_instant_in_two_zones() -> None:
    chicago = datetime(2026, 12, 1, 2, 30, tzinfo=timezone(timedelta(hours=-6)))
    hashes = {
        content_hash(
            PurchaseOrder(number="1", order_date=DateValue.model_validate({"date": "2026-12-01", "at": at}))
        )
        for at in (chicago, chicago.astimezone(UTC))
    }
    assert len(hashes) == 1


def test_the_content_hash_never_changes_for_a_document_once_written() -> None:
    order = PurchaseOrder(
        number="PO-1",
        order_date=DateValue.model_validate({"date": "2026-12-01"}),
        lines=(
            PurchaseOrderLine(
                sequence=1,
                quantity=Quantity(value=Decimal("12.50"), unit="EA"),
                price=Price(amount=Decimal("0.3325")),
            ),
        ),
    )
    # A new value here means that resent documents are no longer recognised: it needs a new KEY_VERSION.
    assert content_hash(order) == "fe102fd5f822e9346eed4e98ce7f0741df6407dc4a881fd9ba7b9bb1033b4db2"


def test_documents_cannot_be_changed_and_share_one_empty_mapping_that_cannot_either() -> None:
    order = PurchaseOrder(number="1")

    with pytest.raises(ValueError, match="frozen"):
        order.number = "2"
    with pytest.raises(TypeError, match="never changes"):
        order.raw_codes["BEG01"] = "00"
    assert pickle.loads(pickle.dumps(order)) == order


def test_an_extension_keeps_fractions_as_digits_and_refuses_what_json_cannot_hold() -> None:
    source = (
        b'{"document_type":"purchase_order","number":"1","extensions":{"x12.ZZZ":[1.10,2,null,{"a":true}]}}'
    )
    order = parse_document(source)

    assert order.extensions == {"x12.ZZZ": ("1.10", 2, None, {"a": True})}
    for refused in (1.5, object(), {1: "a"}, b"x", "\ud800"):
        with pytest.raises(ValueError, match="extensions"):
            PurchaseOrder(number="1", extensions={"x": refused})


def test_an_extension_is_bounded_in_depth_and_size() -> None:
    deep: object = "x"
    for _ in range(20):
        deep = [deep]
    for refused in (deep, ["x"] * 10_001):
        with pytest.raises(ValueError, match="at most 10000 values, 16 levels deep"):
            PurchaseOrder(number="1", extensions={"x": refused})
