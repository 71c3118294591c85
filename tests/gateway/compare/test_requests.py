from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Effect, Request
from gateway.compare import CompareRules, Tolerance, compare_requests
from gateway.compare.rules import Unordered
from gateway.journal.comparisons import Difference

LINES = [{"LineNumber": 1, "Item": "V1", "Quantity": 2, "Price": 12.5}, {"LineNumber": 2, "Item": "V2"}]
BODY = {"OrderNumber": "PO-1", "Lines": LINES, "Supplier": "0012"}


def request(body: Any, **changes: Any) -> Request:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("create", Effect.WRITE, **{"method": "POST", "address": "orders", **changes}, body=content)


def differences(legacy: Any, cloud: Any, rules: CompareRules | None = None) -> list[Difference]:
    requests = [each if isinstance(each, Request) else request(each) for each in (legacy, cloud)]
    return [each for each in compare_requests(requests[0], requests[1], rules or CompareRules()) if each]


@pytest.mark.parametrize(
    "same",
    [
        BODY | {"Lines": LINES[::-1]},
        {"Supplier": "0012", "Lines": LINES, "OrderNumber": "PO-1"},
        BODY | {"Lines": [LINES[0] | {"Price": "12.50"}, LINES[1]]},
        BODY | {"Notes": None, "Attachments": []},
    ],
)
def test_another_spelling_of_the_same_request_is_no_difference(same: Any) -> None:
    assert differences(BODY, same) == []


@pytest.mark.parametrize(
    "other, kind, pattern",
    [
        (BODY | {"Supplier": "12"}, "value", "Supplier"),
        (BODY | {"Lines": LINES[:1]}, "missing", "Lines[]"),
        (BODY | {"Lines": [LINES[0] | {"Price": 12.49}, LINES[1]]}, "value", "Lines[].Price"),
        (BODY | {"Rush": True}, "extra", "Rush"),
        (BODY | {"Lines": [LINES[0] | {"Quantity": True}, LINES[1]]}, "value", "Lines[].Quantity"),
        (request(BODY, address="orders?draft=1"), "value", "address"),
        (request(BODY, method="PUT"), "value", "method"),
        (b"no JSON", "value", "body"),
    ],
)
def test_a_request_that_says_something_else_differs_there(other: Any, kind: str, pattern: str) -> None:
    found = differences(BODY, other)

    assert [(each.kind, each.pattern) for each in found] == [(kind, pattern)]


def test_tolerances_and_keys_are_declared_with_the_word_request() -> None:
    lines = [{"Ref": "b", "Cost": 2}, {"Ref": "a", "Cost": 1}]
    rules = CompareRules(
        tolerate=(Tolerance("request.Rows[].Cost", absolute=Decimal("0.01")),),
        unordered=(Unordered("request.Rows", "Ref"),),
    )
    cloud = [{"Ref": "a", "Cost": 1.01}, {"Ref": "b", "Cost": 2}]

    assert differences({"Rows": lines}, {"Rows": cloud}, rules) == []
    assert differences({"Rows": lines}, {"Rows": cloud}) != []


def test_free_text_of_a_request_is_never_kept() -> None:
    (found,) = differences(BODY | {"NoteToSupplier": "for Jane"}, BODY | {"NoteToSupplier": "for John"})

    assert (found.legacy, found.cloud) == ("(free text)", "(free text)")


def test_a_canonical_document_inside_a_request_is_left_to_the_comparison_of_documents() -> None:
    inside = {"document_type": "purchase_order", "schema_version": "1.0", "number": "1"}
    legacy = {"order": "1", "document": inside, "content_hash": "a" * 64}
    cloud = {"order": "1", "document": inside | {"number": "2"}, "content_hash": "b" * 64}

    assert differences(legacy, cloud) == []
    assert [each.pattern for each in differences(legacy, cloud | {"order": "2"})] == ["order"]
