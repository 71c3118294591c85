"""What suppliers and docks say of an order that Dynamics numbered: its 855, its 810, its receipt."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from canonical.goods_receipt import GoodsReceipt
from canonical.invoice import Invoice
from canonical.registry import parse_document
from gateway.journal.types import DeliveryState, DeliveryView
from simulators.faults import Action, Fault
from tests.gateway.erp.bench import Bench
from tests.gateway.erp.dynamics365.bench_of import bench, held, tenant_of
from tests.gateway.erp.paper import SUPPLIER, answer, order

RESPONSES, RESPONSE_LINES = "PurchaseOrderResponseHeaders", "PurchaseOrderResponseLines"
INVOICES, INVOICE_LINES = "VendorInvoiceHeaders", "VendorInvoiceLines"


def units(value: str, unit: str = "EA") -> dict[str, str]:
    return {"value": value, "unit": unit}


ACCEPTED = {"line_id": "0010", "status": "accepted", "quantity": units("10"), "accepted": units("10")}
REJECTED = {"line_id": "0020", "status": "rejected", "quantity": units("20")}
PARTLY = {"line_id": "0020", "status": "partly_backordered", "quantity": units("20"), "accepted": units("5"),
          "promised": {"date": "2026-04-09"}}  # fmt: skip


async def answered(made: Bench, *lines: dict[str, Any], number: str = "PO-1", **plan: Any) -> DeliveryView:
    return await made.deliver(answer(number, *lines), **plan)


def by_line(made: Bench, entity_set: str, name: str) -> dict[int, dict[str, Any]]:
    return {int(each[name]): each for each in held(made, entity_set)}


@pytest.mark.parametrize("numbering", ["ours", "sequence"])
async def test_an_answer_with_the_legacy_number_and_line_ids_reaches_the_erps_lines(numbering: str) -> None:
    async with bench(numbering=numbering) as made:
        made_order = await made.deliver(order())
        view = await answered(made, PARTLY, ACCEPTED)
        (header,) = held(made, RESPONSES)
        lines = by_line(made, RESPONSE_LINES, "LineNumber")

    assert view.state is DeliveryState.DONE
    assert header["PurchaseOrderNumber"] == made_order.target_reference
    assert header["ResponseStatus"] == "AcceptedWithChanges"
    assert lines[1]["LineAcceptanceStatus"] == "Accepted"
    assert (lines[2]["LineAcceptanceStatus"], lines[2]["ConfirmedPurchaseQuantity"]) == (
        "AcceptedWithChanges",
        5,
    )
    assert lines[2]["ConfirmedDeliveryDate"].startswith("2026-04-09")


@pytest.mark.parametrize(
    "lines, status",
    [
        (
            (ACCEPTED, {**ACCEPTED, "line_id": "0020", "quantity": units("20"), "accepted": units("20")}),
            "Accepted",
        ),
        (({**REJECTED, "line_id": "0010"}, REJECTED), "Rejected"),
    ],
)
async def test_an_answer_that_says_one_thing_of_all_lines_says_it_of_the_order(lines, status: str) -> None:
    async with bench() as made:
        await made.deliver(order())
        view = await answered(made, *lines)
        (header,) = held(made, RESPONSES)

    assert view.state is DeliveryState.DONE
    assert header["ResponseStatus"] == status


async def test_a_second_answer_changes_the_response_that_is_there() -> None:
    async with bench() as made:
        await made.deliver(order())
        await answered(made, ACCEPTED, PARTLY)
        later = {**PARTLY, "accepted": units("12")}
        view = await answered(made, ACCEPTED, later, document_key="second")
        lines = by_line(made, RESPONSE_LINES, "LineNumber")

    assert view.state is DeliveryState.DONE
    assert lines[2]["ConfirmedPurchaseQuantity"] == 12
    assert len(held(made, RESPONSES)) == 1


async def test_a_price_or_a_substitute_is_the_buyers_and_the_rest_is_written() -> None:
    priced = {**ACCEPTED, "status": "price_changed", "price": {"amount": "9.99"}}
    async with bench() as made:
        await made.deliver(order())
        view = await answered(made, priced, PARTLY)
        prices = [each["PurchasePrice"] for each in tenant_of(made).order_lines("PO-1")]
        lines = by_line(made, RESPONSE_LINES, "LineNumber")

    assert view.state is DeliveryState.PARKED
    (finding,) = view.findings
    assert (finding.code, finding.facts["applied"]) == ("ERP-ACK-PARTLY", "partly")
    assert prices == [Decimal("1.25"), Decimal("2.25")]
    assert list(lines) == [2]


async def test_a_declared_rule_lets_a_price_in() -> None:
    priced = {**ACCEPTED, "status": "price_changed", "price": {"amount": "1.30"}}
    async with bench(answers={"price": "apply", "price_percent_max": 5}) as made:
        await made.deliver(order())
        view = await answered(made, priced, PARTLY)
        prices = [each["PurchasePrice"] for each in tenant_of(made).order_lines("PO-1")]

    assert view.state is DeliveryState.DONE
    assert prices == [Decimal("1.30"), Decimal("2.25")]


async def test_without_vendor_collaboration_only_days_are_written_and_the_rest_is_the_buyers() -> None:
    dated = {**ACCEPTED, "promised": {"date": "2026-04-03"}}
    async with bench(responses="order_lines") as made:
        await made.deliver(order())
        view = await answered(made, dated, PARTLY)
        days = [each.get("ConfirmedDeliveryDate", "")[:10] for each in tenant_of(made).order_lines("PO-1")]

    assert view.state is DeliveryState.PARKED
    assert days == ["2026-04-03", ""]
    assert not held(made, RESPONSES)


# --- invoices -----------------------------------------------------------------------------------------


def _invoiced(sequence: int, line_id: str, quantity: str, price: str, amount: str) -> dict[str, Any]:
    price_of = {"amount": price}
    return {
        "sequence": sequence,
        "line_id": line_id,
        "quantity": units(quantity),
        "price": price_of,
        "amount": amount,
    }


def invoice(number: str = "I-1", **changes: Any) -> Invoice:
    fields = {
        "document_type": "invoice",
        "number": number,
        "currency": "USD",
        "invoiced": {"date": "2026-03-20"},
        "seller": SUPPLIER,
        "orders": [{"number": "PO-1"}],
        "lines": [
            _invoiced(1, "0020", "5", "2.25", "11.25"),
            _invoiced(2, "0010", "10", "1.25", "12.50"),
        ],
        **changes,
    }  # fmt: skip
    return Invoice.model_validate(fields)


@pytest.mark.parametrize("numbering", ["ours", "sequence"])
async def test_an_invoice_with_the_legacy_number_and_line_ids_reaches_the_erps_lines(numbering: str) -> None:
    async with bench(numbering=numbering) as made:
        made_order = await made.deliver(order())
        view = await made.deliver(invoice())
        (header,) = held(made, INVOICES)
        lines = by_line(made, INVOICE_LINES, "InvoiceLineNumber")

    assert view.state is DeliveryState.DONE
    assert view.target_reference == "I-1"
    assert header["PurchaseOrderNumber"] == made_order.target_reference
    assert [
        (each["PurchaseOrder"], each["PurchLineNumber"], each["ReceiveNow"]) for each in lines.values()
    ] == [
        (made_order.target_reference, 2, 5),
        (made_order.target_reference, 1, 10),
    ]
    assert lines[2]["NetAmount"] == Decimal("12.50")


@pytest.mark.parametrize("step", ["HeadersV2|VendorInvoiceHeaders$", "VendorInvoiceLines$"])
@pytest.mark.parametrize("action", [Action.COMMIT_THEN_RESET, Action.RESET_BEFORE_COMMIT, Action.GARBAGE])
async def test_an_invoice_of_unknown_outcome_is_there_once(step: str, action: Action) -> None:
    async with bench(quiet_period_s=5) as made:
        await made.deliver(order())
        made.script.replace((Fault(action, method="POST", path=step, times=1),))
        view = await made.deliver(invoice())

    assert view.state is DeliveryState.DONE
    assert len(held(made, INVOICES)) == 1
    assert len(held(made, INVOICE_LINES)) == 2


async def test_an_invoice_that_somebody_typed_in_is_compared_by_a_person() -> None:
    async with bench() as made:
        await made.deliver(order())
        typed = {
            "dataAreaId": "usmf",
            "HeaderReference": "X",
            "InvoiceNumber": "I-1",
            "InvoiceAccount": "1013",
        }
        tenant_of(made).documents.create(INVOICES, "usmf|X", typed, number="X")
        view = await made.deliver(invoice())

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-REF-MISMATCH")
    assert len(held(made, INVOICES)) == 1


async def test_a_closed_period_parks_and_the_declared_rule_moves_the_date() -> None:
    async with bench() as made:
        await made.deliver(order())
        tenant_of(made).tenant.open_from = date(2026, 4, 1)
        view = await made.deliver(invoice())
    async with bench(accounting_date={"not_before": "2026-04-01"}) as moved:
        await moved.deliver(order())
        tenant_of(moved).tenant.open_from = date(2026, 4, 1)
        after = await moved.deliver(invoice())
        (header,) = held(moved, INVOICES)

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-PERIOD-CLOSED")
    assert after.state is DeliveryState.DONE
    assert (header["InvoiceDate"][:10], header["Date"][:10]) == ("2026-03-20", "2026-04-01")


async def test_a_charge_goes_to_its_declared_account_or_parks() -> None:
    freight = [{"indicator": "charge", "kind": "freight", "amount": "4.20"}]
    async with bench() as made:
        await made.deliver(order())
        view = await made.deliver(invoice(allowances_charges=freight))
        nothing = held(made, INVOICES)
    async with bench(charge_accounts={"freight": "6010"}) as declared:
        await declared.deliver(order())
        after = await declared.deliver(invoice(allowances_charges=freight))
        total = sum(each["NetAmount"] for each in held(declared, INVOICE_LINES))

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-CHARGE")
    assert nothing == []
    assert after.state is DeliveryState.DONE
    assert total == Decimal("27.95")


async def test_a_credit_note_is_negative() -> None:
    async with bench() as made:
        await made.deliver(order())
        view = await made.deliver(invoice(debit_credit="credit"))
        lines = held(made, INVOICE_LINES)

    assert view.state is DeliveryState.DONE
    assert [each["NetAmount"] for each in lines] == [Decimal("-11.25"), Decimal("-12.50")]


# --- receipts -----------------------------------------------------------------------------------------


def receipt(**changes: Any) -> GoodsReceipt:
    fields = {
        "document_type": "goods_receipt",
        "number": "R-1",
        "received": {"date": "2026-04-01"},
        "orders": [{"number": "PO-1"}],
        "lines": [
            {"sequence": 1, "line_id": "0020", "quantity": units("5"),
             "lots": [{"lot": "L-7", "expires": "2027-01-31"}]},
        ],
        **changes,
    }  # fmt: skip
    return GoodsReceipt.model_validate(fields)


async def test_a_receipt_waits_for_a_person_where_no_way_of_posting_is_declared() -> None:
    async with bench() as made:
        await made.deliver(order())
        view = await made.deliver(receipt())

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-RECEIPT-BY-HAND")
    assert " (1 line) waits to be posted by hand" in view.findings[0].text


async def test_an_arrival_journal_names_order_line_and_lot() -> None:
    async with bench(receipts={"strategy": "arrival_journal"}) as made:
        await made.deliver(order())
        view = await made.deliver(receipt())
        (line,) = held(made, "ItemArrivalJournalLines")

    assert view.state is DeliveryState.DONE
    assert (line["PurchaseOrderNumber"], line["PurchaseOrderLineNumber"], line["Quantity"]) == ("PO-1", 2, 5)
    assert (line["ItemBatchNumber"], line["ItemBatchExpirationDate"][:10]) == ("L-7", "2027-01-31")


@pytest.mark.parametrize(
    "action, state, count",
    [
        (None, DeliveryState.DONE, 1),
        (Action.COMMIT_THEN_RESET, DeliveryState.DONE, 1),
        (Action.RESET_BEFORE_COMMIT, DeliveryState.PARKED, 0),
    ],
)
async def test_goods_are_never_posted_again_by_guess(
    action: Action | None, state: DeliveryState, count: int
) -> None:
    async with bench(receipts={"strategy": "custom_service"}, quiet_period_s=5) as made:
        await made.deliver(order())
        if action is not None:
            made.script.replace((Fault(action, method="POST", path="/api/services", times=1),))
        view = await made.deliver(receipt())
        posted = held(made, "ProductReceiptHeaders")
        sent = [each for each in tenant_of(made).requests if each.path.startswith("/api/services")]

    assert view.state is state
    assert len(posted) == count
    assert len(sent) == 1
    if state is DeliveryState.PARKED:
        assert view.findings[0].code == "ERP-MOVEMENT-IN-DOUBT"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("return", "as a returned order or a credit of PO-1"),
        ("correction", "correct or cancel the posted product receipt of PO-1"),
        ("reversal", "correct or cancel the posted product receipt of PO-1"),
        ("inspection", "see whether it changes anything of PO-1"),
    ],
)
async def test_what_is_no_receipt_is_a_persons_who_is_told_what_to_do(kind: str, told: str) -> None:
    async with bench(receipts={"strategy": "custom_service"}) as made:
        await made.deliver(order())
        view = await made.deliver(receipt(kind=kind))
        posted = held(made, "ProductReceiptHeaders")

    (finding,) = view.findings
    assert (view.state, finding.code, posted) == (DeliveryState.PARKED, "ERP-RECEIPT-KIND", [])
    assert told in finding.text
    assert " (1 line): no entity there posts it; " in finding.text
    assert "--done-elsewhere NUMBER --why TEXT" in finding.text


# --- questions ----------------------------------------------------------------------------------------


async def test_a_budget_is_no_question_that_dynamics_answers() -> None:
    asked = {
        "document_type": "budget_check",
        "result": "asked",
        "subject": {"document_type": "requisition", "number": "R-1"},
    }
    async with bench() as made:
        view = await made.deliver(parse_document(asked))
        requests = list(made.simulator.requests)

    assert (view.state, view.target_reference) == (DeliveryState.DONE, "NOT_SUPPORTED")
    assert requests == []


@pytest.mark.parametrize("is_held", [False, True])
async def test_a_supplier_is_looked_up_and_one_on_hold_is_a_persons(is_held: bool) -> None:
    async with bench(codes={"suppliers": {"ACME": "1013"}}) as made:
        tenant_of(made).tenant.held_vendors = frozenset({"1013"}) if is_held else frozenset()
        supplier = {"document_type": "supplier", "number": "ACME", "name": "Acme"}
        view = await made.deliver(parse_document(supplier))

    if is_held:
        assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-SUPPLIER-BLOCKED")
    else:
        assert (view.state, view.target_reference) == (DeliveryState.DONE, "1013")
