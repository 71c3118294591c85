"""Orders in Oracle: draft, validate, submit; what stops half way; what headers and bodies say."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Level
from canonical.order_change import OrderChange
from canonical.registry import parse_document
from gateway.journal.types import DeliveryState, Transmitter
from simulators.cloud_erp.oracle_fusion import PodSettings
from simulators.faults import Action, Fault
from tests.gateway.erp.bench import Bench
from tests.gateway.erp.oracle_fusion.conftest import Make
from tests.gateway.erp.paper import SUPPLIER, change, order


def stored(bench: Bench) -> dict:
    (key,) = bench.simulator.documents.keys("orders")
    return bench.simulator.documents.get("orders", key) or {}


async def test_an_order_is_looked_for_drafted_validated_and_submitted(oracle: Make) -> None:
    bench = await oracle()
    view = await bench.deliver(order())

    assert [each.step for each in view.steps] == [
        "supplier", "open", "create.look_up", "create", "validate", "submit",
    ]  # fmt: skip
    held = stored(bench)
    assert (held["StatusCode"], held["Supplier"]) == ("OPEN", "Supplier 1013")
    assert held["Description"].startswith(view.reference)
    assert [line["UOM"] for line in held["lines"]] == ["Each", "Each"]
    assert held["lines"][0]["schedules"][0]["RequestedDeliveryDate"] == "2026-04-01"


async def test_every_request_pins_framework_version_4_and_carries_correlation_and_trace(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())

    seen = bench.simulator.requests
    assert {each.headers["REST-Framework-Version"] for each in seen} == {"4"}
    assert {each.headers["X-Correlation-ID"] for each in seen} == {"c-m1"}
    traces = {each.headers["traceparent"].split("-")[1] for each in seen}
    assert len(traces) == 1
    assert {len(each) for each in traces} == {32}


async def test_a_draft_that_validation_refuses_stays_and_a_retry_takes_it_up(oracle: Make) -> None:
    refuses = Fault(Action.BUSINESS_ERROR, path="/validateDocument", times=1, error="validation")
    bench = await oracle(refuses)
    view = await bench.deliver(order())

    assert (view.state, view.findings[0].facts["erp_code"]) == (DeliveryState.PARKED, "PO-3301")
    assert view.findings[0].facts["canonical"] == "lines[0].distributions"
    assert stored(bench)["StatusCode"] == "INCOMPLETE"
    assert ("erp", stored(bench)["OrderNumber"], "", "") in await bench.aliases()  # named all the same

    await bench.retry(view.delivery_id)
    again = await bench.finish(view.delivery_id)
    assert again.state is DeliveryState.DONE
    assert stored(bench)["StatusCode"] == "OPEN"


async def test_a_submit_of_unknown_outcome_is_looked_up_among_the_open_orders(oracle: Make) -> None:
    bench = await oracle(Fault(Action.COMMIT_THEN_RESET, path="/submit", times=1), lag_s=1.0)
    view = await bench.deliver(order())

    assert view.state is DeliveryState.DONE
    assert [each.step for each in view.steps][-2:] == ["submit", "submit.look_up"]
    assert sum("/submit" in each.path for each in bench.simulator.requests) == 1


async def test_an_order_that_was_submitted_before_the_journal_came_from_a_backup_is_adopted(
    oracle: Make,
) -> None:
    bench = await oracle()
    first = await bench.deliver(order(), document_key="k")
    bench.clock.ahead_s += 86_400
    again = await bench.deliver(order(), document_key="k")

    assert again.target_reference == first.target_reference
    assert [each.step for each in again.steps] == ["supplier", "open"]


async def test_a_supplier_that_is_made_in_the_erp_later_is_found_by_a_retry(oracle: Make) -> None:
    known: dict[str, str] = {}
    bench = await oracle(pod=PodSettings(suppliers=known))
    view = await bench.deliver(order())
    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-SUPPLIER-UNKNOWN")
    assert view.findings[0].at.path == "ST 0001 / N1 (SE or VN)"

    known["1013"] = "Acme Medical"
    await bench.retry(view.delivery_id)
    assert (await bench.finish(view.delivery_id)).state is DeliveryState.DONE
    assert stored(bench)["Supplier"] == "Acme Medical"


async def test_an_inactive_supplier_is_not_ordered_from(oracle: Make) -> None:
    bench = await oracle(pod=PodSettings(inactive=("1013",)))
    view = await bench.deliver(order())

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-SUPPLIER-BLOCKED")
    assert not bench.simulator.documents.entries()


async def test_all_that_cannot_be_said_is_told_at_once_and_nothing_is_sent(oracle: Make) -> None:
    bench = await oracle(defaults={}, codes={"units_must_be_mapped": True})
    made = order(lines=1)
    line = made.lines[0].model_copy(update={"item_ids": (), "description": None})
    view = await bench.deliver(made.model_copy(update={"lines": (line,)}))

    assert view.state is DeliveryState.PARKED
    assert [each.code for each in view.findings] == ["ERP-MISSING", "ERP-MISSING", "ERP-UNIT"]
    assert view.findings[2].at.path == "ST 0001 / PO1[1]/PO103"
    assert not bench.simulator.documents.entries()


@pytest.mark.parametrize(
    ("amount", "base", "price"), [("125", "100", "1.25"), ("1", "3", None), ("0.1000", None, "0.1000")]
)
async def test_a_price_per_hundred_is_divided_exactly_or_not_at_all(
    oracle: Make, amount: str, base: str | None, price: str | None
) -> None:
    bench = await oracle()
    made = order(lines=1)
    fields = {"amount": amount} | ({"base_quantity": base} if base else {})
    line = made.lines[0].model_copy(
        update={"price": type(made.lines[0].price).model_validate(fields) if made.lines[0].price else None}
    )
    view = await bench.deliver(made.model_copy(update={"lines": (line,)}))

    if price is None:
        assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-PRICE-BASIS")
    else:
        (created,) = bench.simulator.documents.entries("orders", "created")
        assert f'"Price":{price}' in created.fields


async def test_what_a_route_says_itself_goes_over_the_endpoints_defaults(oracle: Make) -> None:
    defaults = {"procurement_bu": "H BU", "buyer_email": "a@mercy.example"}
    bench = await oracle(defaults=defaults, per_route={"orders_in": {"procurement_bu": "Clinic BU"}})
    await bench.deliver(order())

    assert (stored(bench)["ProcurementBU"], stored(bench)["BuyerEmail"]) == ("Clinic BU", "a@mercy.example")


async def test_an_order_that_the_gateway_sends_tells_oracle_not_to(oracle: Make) -> None:
    bench = await oracle(supplier_output="per_order")
    await bench.deliver(order(), transmitter=Transmitter.GATEWAY)
    assert stored(bench)["SupplierCommunicationMethod"] == "NONE"


async def test_an_order_that_the_erp_sends_says_nothing_about_it(oracle: Make) -> None:
    bench = await oracle(supplier_output="per_order")
    await bench.deliver(order(), transmitter=Transmitter.ERP)
    assert "SupplierCommunicationMethod" not in stored(bench)


async def test_a_flexfield_of_the_hospitals_own_holds_the_reference(oracle: Make) -> None:
    bench = await oracle(Fault(Action.COMMIT_THEN_RESET, path="/draftPurchaseOrders$", times=1),
                         reference_field="DFF.lbReference")  # fmt: skip
    view = await bench.deliver(order())

    assert view.state is DeliveryState.DONE
    assert stored(bench)["DFF"][0]["lbReference"].startswith(view.reference)
    assert "Description" not in stored(bench)


async def test_notes_go_to_the_supplier_but_not_the_hospitals_own(oracle: Make) -> None:
    bench = await oracle(codes={"units": {"EA": "Each"}, "terms": {"N30": "Net 30"}})
    notes = [{"text": "Ring the dock first", "kind": "delivery"}, {"text": "Budget 4711", "kind": "internal"}]
    await bench.deliver(order(notes=notes, payment_terms=[{"code": "N30"}]))

    assert stored(bench)["NoteToSupplier"] == "Ring the dock first"
    assert stored(bench)["PaymentTerms"] == "Net 30"


async def test_a_suppliers_own_change_is_the_buyers_to_decide(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    before = stored(bench)
    view = await bench.deliver(change().model_copy(update={"initiator": "seller"}))

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-CHANGE-SELLER")
    assert stored(bench) == before


async def test_a_change_that_cancels_the_whole_order_cancels_it(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    view = await bench.deliver(change().model_copy(update={"purpose": "cancellation", "lines": ()}))

    assert view.state is DeliveryState.DONE, view.findings
    assert stored(bench)["StatusCode"] == "CANCELED"


async def test_a_change_adds_a_line_and_cancels_one_and_the_new_line_is_known(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    lines = [
        {"sequence": 1, "line_id": "0010", "action": "delete"},
        {
            "sequence": 2,
            "line_id": "0030",
            "action": "add",
            "item_ids": [{"scheme": "buyer", "value": "TG3"}],
            "quantity": {"value": "5", "unit": "EA"},
            "price": {"amount": "3.5"},
        },
    ]
    fields = {"document_type": "order_change", "number": "C-2", "order": {"number": "PO-1"}, "lines": lines,
              "seller": SUPPLIER}  # fmt: skip
    made = parse_document(fields)
    assert isinstance(made, OrderChange)
    view = await bench.deliver(made)

    assert view.state is DeliveryState.DONE
    held = stored(bench)
    assert [line.get("CancelFlag", False) for line in held["lines"]] == [True, False, False]
    assert [line["LineNumber"] for line in held["lines"]] == [1, 2, 3]
    assert ("erp", held["OrderNumber"], "sent:3", "0030") in await bench.aliases()


async def test_the_body_that_the_journal_keeps_is_the_body_that_was_sent(oracle: Make) -> None:
    bench = await oracle()
    view = await bench.deliver(order())

    sent = next(each for each in bench.simulator.requests if each.path.endswith("/draftPurchaseOrders"))
    kept = next(each.request.body for each in view.steps if each.step == "create")
    assert kept == sent.body
    assert json.loads(kept)["lines"][1]["Price"] == 2.25


# --- charges and contracts ----------------------------------------------------------------------------

FREIGHT: dict[str, Any] = {"indicator": "charge", "kind": "freight", "amount": "12.50"}
DISCOUNT: dict[str, Any] = {"indicator": "allowance", "kind": "discount", "percent": "2.5"}
CHARGE_LINES = {"freight": {"line_type": "Fixed Price Services", "category": "Freight"}}


async def test_a_charge_is_a_line_by_amount_and_a_contract_the_agreement_that_is_named_for_it(
    oracle: Make,
) -> None:
    bench = await oracle(charge_lines=CHARGE_LINES, agreements={"GPO-77": "BPA-1001"})
    view = await bench.deliver(order(contract="GPO-77", allowances_charges=[FREIGHT]))

    assert (view.state, view.findings) == (DeliveryState.DONE, ())
    first, second, freight = stored(bench)["lines"]
    assert [each.get("SourceAgreement") for each in (first, second, freight)] == [
        "BPA-1001",
        "BPA-1001",
        None,
    ]
    assert freight | {"schedules": []} == {
        "LineNumber": 3,
        "LineType": "Fixed Price Services",
        "Category": "Freight",
        "Description": "Freight",
        "Amount": Decimal("12.5"),
        "schedules": [],
    }


async def test_a_charge_is_no_line_of_ours_so_an_order_of_one_line_still_has_one(oracle: Make) -> None:
    bench = await oracle(charge_lines=CHARGE_LINES)
    await bench.deliver(order(lines=1, allowances_charges=[FREIGHT]))

    named = {line for _, _, line, _ in await bench.aliases()}
    assert named == {"", "1", "1/1", "sent:1"}


async def test_what_has_no_place_in_oracle_is_noted_on_the_delivery(oracle: Make) -> None:
    bench = await oracle()
    view = await bench.deliver(order(contract="GPO-77", allowances_charges=[FREIGHT, DISCOUNT]))

    assert view.state is DeliveryState.DONE
    assert [(each.code, each.level) for each in view.findings] == [
        ("ERP-CHARGE-NOT-TOLD", Level.NOTE),
        ("ERP-CHARGE-NOT-TOLD", Level.NOTE),
        ("ERP-CONTRACT-NOT-TOLD", Level.NOTE),
    ]
    assert "name its line in charge_lines.freight" in view.findings[0].text
    assert "see that prices are net of it" in view.findings[1].text
    assert "GPO-77" in view.findings[2].text
    assert len(stored(bench)["lines"]) == 2


async def test_a_hospital_that_wants_no_order_without_its_charges_parks_it(oracle: Make) -> None:
    bench = await oracle(not_told="park")
    view = await bench.deliver(order(allowances_charges=[FREIGHT]))

    assert (view.state, [each.code for each in view.findings]) == (
        DeliveryState.PARKED,
        ["ERP-CHARGE-NOT-TOLD"],
    )
    assert not bench.simulator.documents.keys("orders")

    await bench.reload(not_told="park", charge_lines=CHARGE_LINES)
    await bench.retry(view.delivery_id)
    assert (await bench.finish(view.delivery_id)).state is DeliveryState.DONE


async def test_an_order_that_moved_leaves_its_charges_where_it_was(oracle: Make) -> None:
    bench = await oracle(charge_lines=CHARGE_LINES)
    moved = {"bridge_origin": {"by": "move", "from": "legacy", "id": "v1"}}
    view = await bench.deliver(order(allowances_charges=[FREIGHT], extensions=moved))

    assert [each.code for each in view.findings] == ["ERP-CHARGE-NOT-TOLD"]
    assert len(stored(bench)["lines"]) == 2
