"""Every order that can be said to Dynamics passes its schema, digit for digit; what cannot is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Reply
from canonical.registry import parse_document, to_json
from gateway.erp.connector.series import StuckError
from gateway.erp.dynamics365 import Dynamics365
from gateway.erp.dynamics365.infolog import is_rolled_back, read_errors
from gateway.erp.dynamics365.order_rendering import render_order
from gateway.erp.dynamics365.settings import Dynamics365Settings
from gateway.erp.odata import v4
from simulators.cloud_erp.base import exact_json
from simulators.cloud_erp.dynamics365.answers import infolog
from simulators.cloud_erp.dynamics365.erp import FIELD_RULES
from tests.canonical.strategies import documents, exact_decimals
from tests.gateway.support import delivery
from tests.scale import scaled

SETTINGS = Dynamics365Settings.model_validate(
    {"base": "https://h.example", "defaults": {"company": "usmf", "category": "General"}}
)
TARGET = Dynamics365("d365", SETTINGS)
NUMBERS = st.one_of(
    exact_decimals(digits_max=8),
    st.decimals(min_value=0, max_value=10**14, places=6, allow_nan=False, allow_infinity=False),
)


def seller(account: str) -> dict[str, Any]:
    return {"identifiers": [{"scheme": "assigned_by_buyer", "value": account}]}


def plain(value: Decimal) -> str:
    return format(value, "f")


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    """Give orders such as partners send, and stranger ones."""

    def line(sequence: int) -> dict[str, Any]:
        made: dict[str, Any] = {
            "sequence": sequence,
            "quantity": {"value": plain(draw(NUMBERS)), "unit": draw(st.sampled_from(["EA", "CA", "BX"]))},
        }
        if draw(st.booleans()):
            made["price"] = {"amount": plain(draw(NUMBERS))}
            if draw(st.booleans()):
                made["price"]["base_quantity"] = draw(st.sampled_from(["1", "100", "1000", "0.5"]))
        if draw(st.booleans()):
            value = draw(st.text("ABC123-/ '\"é", min_size=1, max_size=24).filter(str.strip))
            made["item_ids"] = [{"scheme": "buyer", "value": value}]
        if draw(st.booleans()):
            made["description"] = draw(st.text(min_size=1, max_size=60).filter(str.strip))
        return made

    count = draw(st.integers(1, 4))
    return {
        "document_type": "purchase_order",
        "number": draw(st.text("0123456789-ABC", min_size=1, max_size=22)),
        "currency": "USD",
        "seller": seller(draw(st.text("V0123456789", min_size=1, max_size=22))),
        "lines": [line(at) for at in range(1, count + 1)],
    }


def rendered(document: Any):
    """Give the order, and what is sent of it; in place of that, the findings that say why it cannot be."""
    made = delivery(canonical=to_json(parse_document(to_json(document))))
    order = made.document
    assert order is not None
    try:
        return order, render_order(TARGET, made, order), ()  # type: ignore[arg-type]
    except StuckError as error:
        return order, None, error.findings


@given(orders())
@settings(max_examples=scaled(60), deadline=None)
def test_every_order_passes_the_erps_schema_and_no_digit_changes(fields: dict[str, Any]) -> None:
    order, sent, findings = rendered(parse_document(json.dumps(fields).encode()))
    if sent is None:
        assert findings, "what cannot be said has a reason"
        assert all(each.text and each.at.path for each in findings)
        return
    header = exact_json.read(v4.write(sent.header))
    assert FIELD_RULES.problems("PurchaseOrderHeadersV2", header) == []
    for line, body in zip(order.lines, sent.lines, strict=True):
        read = exact_json.read(v4.write({**body.fields, "PurchaseOrderNumber": sent.number}))
        assert FIELD_RULES.problems("PurchaseOrderLinesV2", read) == []
        assert Decimal(read["OrderedPurchaseQuantity"]) == line.quantity.value
        if line.price is not None:
            assert Decimal(read["PurchasePrice"]) == line.price.amount
            assert Decimal(read["PurchasePriceQuantity"]) == (line.price.base_quantity or 1)


@given(documents("purchase_order"))
@settings(max_examples=scaled(30), deadline=None)
def test_any_order_at_all_is_written_to_the_schema_or_told_why_not(document: Any) -> None:
    _, sent, findings = rendered(document)
    if sent is None:
        assert findings
        return
    assert FIELD_RULES.problems("PurchaseOrderHeadersV2", exact_json.read(v4.write(sent.header))) == []
    for body in sent.lines:
        read = exact_json.read(v4.write({**body.fields, "PurchaseOrderNumber": "X"}))
        assert FIELD_RULES.problems("PurchaseOrderLinesV2", read) == []


def test_a_replayed_order_is_written_to_the_same_bytes() -> None:
    fields = {
        "document_type": "purchase_order",
        "number": "P-1",
        "seller": seller("V"),
        "lines": [{"sequence": 1, "quantity": {"value": "1", "unit": "EA"}}],
    }
    one = delivery(canonical=to_json(parse_document(json.dumps(fields).encode())))
    provenance = {"message_id": "m-2", "received_at": "2026-11-27T00:00:00Z"}
    other = delivery(
        canonical=to_json(parse_document(json.dumps(fields | {"provenance": provenance}).encode()))
    )
    bodies = []
    for each in (one, other):
        request = TARGET.next_request(each, (), datetime(2026, 11, 27, tzinfo=UTC))
        bodies.append((request, render_order(TARGET, each, each.document)))  # type: ignore[arg-type]

    assert bodies[0] == bodies[1]


# --- the Infolog --------------------------------------------------------------------------------------


def said(*messages: str) -> list[tuple[str, str, str]]:
    response = infolog("PurchPurchaseOrderLineV2Entity", messages, 500)
    reply = Reply(500, response.text.encode() if response.text else b"")
    assert is_rolled_back(reply)
    return [(each.text, each.path, each.kind.value) for each in read_errors(reply)]


def test_only_the_useful_words_of_an_infolog_are_told_each_with_its_field_and_class() -> None:
    assert said("Item 'X' is blocked for 'Purchase order'.", "Field 'Quantity' must be filled in.") == [
        ("Item 'X' is blocked for 'Purchase order'.", "ItemNumber", "refused"),
        ("Field 'Quantity' must be filled in.", "OrderedPurchaseQuantity", "refused"),
    ]
    assert said("Cannot create a record in PurchLine. The record already exists.")[0][2] == "duplicate"
    assert said("Fiscal period for 2026-03-20 is not open.")[0][2] == "closed_period"
    assert said("Cannot edit a record: update conflict due to another user process.")[0][2] == "locked"


def test_an_unknown_property_is_named_and_a_page_is_no_error_of_dynamics() -> None:
    body = b'{"error":{"code":"","message":"The request is invalid. The property \'Foo\' does not exist."}}'

    (error,) = read_errors(Reply(400, body))
    assert error.path == "Foo"
    assert read_errors(Reply(500, b"<html>sorry</html>")) == []
    assert not is_rolled_back(Reply(500, b"<html>sorry</html>"))


@given(st.binary(max_size=120))
def test_any_body_is_read_without_an_exception(body: bytes) -> None:
    read_errors(Reply(400, body))
    is_rolled_back(Reply(500, body))
