"""Notes and charges of SAP orders: written where SAP has a field and the endpoint names it, else told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gateway.journal.types import DeliveryView
from tests.gateway.erp.paper import SUPPLIER, order
from tests.gateway.erp.sap_s4hana.sap_bench import DONE, PARKED, Make, codes, document

TEXTS = {"order": "F01", "line": "F03"}
CONDITIONS = {"freight": "FRB1", "discount": "RB00"}
NOTES = [
    {"text": "Ring at gate 4", "kind": "delivery"},
    {"text": "Only sealed boxes", "kind": "general"},
    {"text": "Bitte klingeln", "kind": "delivery", "language": "de"},
    {"text": "for Jane Doe, bed 7", "kind": "clinical"},
]
CHARGES = [
    {"indicator": "charge", "kind": "freight", "amount": "12.50"},
    {"indicator": "allowance", "kind": "discount", "percent": "5"},
    {"indicator": "charge", "kind": "handling", "amount": "3"},
]


def noted(**changes: Any) -> Any:
    """Give an order with notes at its head and first line, and charges at its head and second line."""
    made = order()
    first, second = (each.model_dump(mode="json", exclude_none=True) for each in made.lines)
    first["notes"] = [{"text": "Sterile", "kind": "item"}]
    second["allowances_charges"] = CHARGES
    head = {"notes": NOTES, "allowances_charges": [CHARGES[0]], "lines": [first, second]}
    return document(**{**made.model_dump(mode="json", exclude_none=True), **head, **changes})


def left_out(view: DeliveryView) -> dict[str, str]:
    return {each.code: each.text for each in view.findings if each.code.endswith("LEFT-OUT")}


async def test_notes_become_long_texts_by_language_and_the_hospitals_own_stay_here(make: Make) -> None:
    bench = await make(texts=TEXTS, conditions=CONDITIONS)
    view = await bench.deliver(noted())

    assert view.state is DONE, view
    held = bench.sap.document("purchase_order", view.target_reference)
    texts = [
        (each["TextObjectType"], each["Language"], each["PlainLongText"])
        for each in held["_PurchaseOrderNote"]
    ]
    assert texts == [("F01", "EN", "Ring at gate 4\nOnly sealed boxes"), ("F01", "DE", "Bitte klingeln")]
    assert [each["PlainLongText"] for each in bench.items()[0]["_PurchaseOrderItemNote"]] == ["Sterile"]
    assert "notes[3];" in left_out(view)["ERP-NOTES-LEFT-OUT"]
    assert "Jane Doe" not in str(view.findings)


async def test_charges_of_a_line_become_pricing_elements_and_an_allowance_is_negative(make: Make) -> None:
    bench = await make(texts=TEXTS, conditions=CONDITIONS)
    view = await bench.deliver(noted())

    found = bench.items()[1]["_PurOrdPricingElement"]
    assert [each["ConditionType"] for each in found] == ["FRB1", "RB00"]
    assert (found[0]["ConditionRateAmount"], found[0]["ConditionCurrency"]) == (Decimal("12.50"), "USD")
    assert (found[1]["ConditionRateRatio"], found[1]["ConditionRateRatioUnit"]) == (Decimal(-5), "%")
    told = left_out(view)["ERP-CHARGES-LEFT-OUT"]
    assert "allowances_charges[0], lines[1].allowances_charges[2];" in told


async def test_without_declared_text_ids_and_condition_types_the_order_goes_and_says_what_is_missing(
    make: Make,
) -> None:
    bench = await make()
    view = await bench.deliver(noted())

    assert view.state is DONE, view
    assert "notes[0], notes[1], notes[2], notes[3], lines[0].notes[0]" in left_out(view)["ERP-NOTES-LEFT-OUT"]
    assert left_out(view)["ERP-CHARGES-LEFT-OUT"].count("allowances_charges") == 4
    assert "_PurchaseOrderNote" not in bench.sap.document("purchase_order", view.target_reference)


async def test_an_order_without_notes_and_charges_says_nothing_of_them(make: Make) -> None:
    bench = await make()

    assert left_out(await bench.deliver(order())) == {}


async def test_a_change_writes_the_notes_of_lines_that_it_adds_and_tells_the_others(make: Make) -> None:
    bench = await make(texts=TEXTS)
    await bench.deliver(order())
    added = {
        "sequence": 1,
        "line_id": "0077",
        "action": "add",
        "item_ids": [{"scheme": "buyer", "value": "TG3"}],
        "quantity": {"value": "7", "unit": "EA"},
        "notes": [{"text": "Sterile"}],
    }
    changed = {
        "sequence": 2,
        "line_id": "0010",
        "action": "quantity_increase",
        "quantity": {"value": "11", "unit": "EA"},
        "notes": [{"text": "Sooner if you can"}],
    }
    view = await bench.deliver(
        document(
            document_type="order_change",
            number="C-1",
            order={"number": "PO-1"},
            currency="USD",
            seller=SUPPLIER,
            notes=[{"text": "As agreed"}],
            lines=[added, changed],
        )
    )

    assert view.state is DONE, view
    assert [each["PlainLongText"] for each in bench.items()[2]["_PurchaseOrderItemNote"]] == ["Sterile"]
    assert "notes[0], lines[1].notes[0];" in left_out(view)["ERP-NOTES-LEFT-OUT"]


async def test_a_text_id_that_sap_does_not_know_parks_with_saps_reason(make: Make) -> None:
    bench = await make(texts={"order": "X9"})
    view = await bench.deliver(noted())

    assert (view.state, codes(view)) == (PARKED, ["ERP-400"])
    assert "TextObjectType" in view.findings[0].text
