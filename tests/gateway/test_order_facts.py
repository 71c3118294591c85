"""What a stage looks at in an order, and what a canary makes of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.registry import parse_document
from gateway.facets import facets_of
from gateway.journal.types import Side
from gateway.order_facts import order_facts
from gateway.stage import Dimension, OrderFacts, RouteRule, Stage, decide
from tests.canonical.strategies import documents
from tests.scale import scaled


def facts(document_type: str = "purchase_order", **fields: Any) -> OrderFacts:
    document = parse_document({"document_type": document_type, "number": "4711", **fields})
    return order_facts("order:1|HB|4711", document)


def words(dimension: Dimension, document_type: str = "purchase_order", **fields: Any) -> frozenset[str]:
    return facts(document_type, **fields).words.get(dimension, frozenset())


def party(*identifiers: str) -> dict:
    return {"identifiers": [{"scheme": "assigned_by_buyer", "value": each} for each in identifiers]}


ORIGINATING = ["purchase_order", "requisition"]


@pytest.mark.parametrize("document_type", ORIGINATING)
def test_the_words_of_the_header_and_of_every_line_count(document_type: str) -> None:
    lines = [
        {
            "sequence": 1,
            "facility": "04",
            "inventory_location": "OR",
            "category": "42",
            "line_class": "implant",
        },
        {"sequence": 2, "facility": "05", "stock": "stock", "supplier": party("900")},
    ]
    made = facts(
        document_type, facility="03", inventory_location="ICU", seller=party("800"),
        order_type="blanket", lines=lines,
    )  # fmt: skip

    assert made.words["facility"] == {"03", "04", "05"}
    assert made.words["location"] == {"ICU", "OR"}
    assert made.words["supplier"] == {"800", "900"}
    assert made.words["category"] == {"42"}
    assert made.words["line_class"] == {"implant"}
    assert made.words["order_type"] == {"blanket"}
    assert made.words["stock"] == {"stock"}


@pytest.mark.parametrize("document_type", ORIGINATING)
def test_where_nothing_names_a_facility_the_places_shipped_to_count(document_type: str) -> None:
    lines = [{"sequence": 1, "ship_to": party("05")}]

    assert words("facility", document_type, ship_to=party("04"), lines=lines) == {"04", "05"}
    assert words("facility", document_type, ship_to=party("04"), facility="03") == {"03"}


@pytest.mark.parametrize("document_type", ORIGINATING)
@pytest.mark.parametrize("pin", [{"order_type": {"blanket"}}, {"supplier": {"800"}}])
def test_what_is_pinned_stays_on_legacy_whatever_kind_of_document_asks_for_it(
    document_type: str, pin: dict
) -> None:
    rule = RouteRule(
        "po", "mms", "erp", select={"facility": frozenset({"04"})},
        pin_legacy={name: frozenset(words) for name, words in pin.items()},
    )  # fmt: skip
    made = facts(document_type, facility="04", order_type="blanket", seller=party("800"))

    assert decide(rule, Stage.CANARY, Decimal(100), made, None).side is Side.LEGACY


@pytest.mark.parametrize("document_type", ORIGINATING)
def test_an_order_of_two_facilities_is_taken_only_where_both_are_selected(document_type: str) -> None:
    made = facts(document_type, facility="04", lines=[{"sequence": 1, "facility": "05"}])
    sides = [
        decide(RouteRule("po", "mms", "erp", select={"facility": frozenset(chosen)}), Stage.CANARY,
               Decimal(100), made, None).side
        for chosen in ({"04"}, {"04", "05"})
    ]  # fmt: skip

    assert sides == [Side.LEGACY, Side.CLOUD]


@settings(max_examples=scaled(60))
@given(documents("purchase_order"))
def test_lines_that_leave_out_what_they_do_not_say_have_the_same_words(order: PurchaseOrder) -> None:
    said = [{name: getattr(line, name) for name in PurchaseOrderLine.model_fields} for line in order.lines]
    full = order.model_copy(update={"lines": tuple(map(PurchaseOrderLine.model_validate, said))})

    assert order_facts("k", full) == order_facts("k", order)


def test_a_document_that_opens_no_order_has_no_words() -> None:
    acknowledgment = {"document_type": "acknowledgment", "response": "accepted", "order": {"number": "1"}}

    assert order_facts("k", parse_document(acknowledgment)).words == {}


@pytest.mark.parametrize("document_type", ORIGINATING)
def test_the_card_has_seen_the_facility_and_the_suppliers_by_which_a_canary_selects_an_order(
    document_type: str,
) -> None:
    fields = {"ship_to": party("04"), "lines": [{"sequence": 1, "supplier": party("4711", "DUNS-9")}]}
    document = parse_document({"document_type": document_type, "number": "4711", **fields})
    selected = facts(document_type, **fields).words

    seen = facets_of(document)

    assert selected["facility"] == {"04"}
    for dimension in ("facility", "supplier"):
        assert {word for kind, word in seen if kind == dimension} == selected[dimension]
