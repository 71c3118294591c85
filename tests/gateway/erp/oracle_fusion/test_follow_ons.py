"""Acknowledgments, invoices, receipts, requisitions and budget checks in Oracle: about the right lines."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from canonical.document import CanonicalDocument
from canonical.registry import parse_document
from gateway.journal.types import DeliveryState
from simulators.cloud_erp.oracle_fusion import PodSettings
from simulators.faults import Action, Fault
from tests.gateway.erp.bench import Bench
from tests.gateway.erp.oracle_fusion.conftest import Make
from tests.gateway.erp.paper import PROVENANCE, SUPPLIER, answer, order

AS_ORDERED = {"status": "accepted", "quantity": {"value": "10", "unit": "EA"}, "accepted": {"value": "10"}}


def held(bench: Bench, kind: str = "orders") -> dict[str, Any]:
    (key,) = bench.simulator.documents.keys(kind)
    return bench.simulator.documents.get(kind, key) or {}


def line(line_id: str, quantity: str = "10", **changes: Any) -> dict[str, Any]:
    amount = {"value": quantity, "unit": "EA"}
    return {"line_id": line_id, "status": "accepted", "quantity": amount, "accepted": amount, **changes}


# --- 855 ----------------------------------------------------------------------------------------------


async def test_an_855_that_accepts_every_line_as_ordered_is_written_as_a_whole(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    view = await bench.deliver(answer("PO-1", line("0020", "20"), line("0010")))

    assert view.state is DeliveryState.DONE, view.findings
    assert held(bench)["AcknowledgmentResponse"] == "ACCEPT"


async def test_an_855_that_refuses_every_line_rejects_with_the_suppliers_reason(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    reasons: dict[str, Any] = {
        "responses": [{"status": "rejected", "reasons": [{"text": "Out of business", "kind": "reason"}]}]
    }
    refused = [line(each, status="rejected", accepted=None, **reasons) for each in ("0010", "0020")]
    await bench.deliver(answer("PO-1", *refused))

    assert held(bench)["AcknowledgmentResponse"] == "REJECT"
    assert held(bench)["AcknowledgmentNote"] == "Out of business"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": "backordered", "accepted": {"value": "4", "unit": "EA"}}, "4 of 10 are confirmed"),
        ({"status": "backordered", "accepted": None}, "by how much is not plain"),
        ({"status": "price_changed", "price": {"amount": "9.99"}}, "another price"),
        ({"price": {"amount": "9.99"}}, "another price"),
        ({"status": "substituted"}, "substitute"),
        ({"substitute_ids": [{"scheme": "vendor", "value": "V-9"}]}, "substitute"),
        ({"status": "rejected", "accepted": None}, "refuses the line"),
        ({"promised": {"date": "2026-05-01"}}, "promised for 2026-05-01"),
        ({"line_id": "0099"}, "none of the order's"),
        ({"accepted": {"value": "1", "unit": "BX"}}, "another unit"),
    ],
)
async def test_a_line_that_is_not_as_ordered_is_the_buyers_and_changes_nothing(
    oracle: Make, changes: dict[str, Any], says: str
) -> None:
    bench = await oracle()
    await bench.deliver(order())
    before = held(bench)
    view = await bench.deliver(answer("PO-1", {**line("0010"), **changes}, line("0020", "20")))

    assert (view.state, {each.code for each in view.findings}) == (DeliveryState.PARKED, {"ERP-ACK-PARTLY"})
    (finding,) = view.findings
    assert says in finding.text
    assert (finding.at.path, finding.facts["applied"]) == ("ST 0001 / PO1[1]", "nothing")
    assert held(bench) == before


async def test_a_declared_rule_lets_another_price_pass_over(oracle: Make) -> None:
    bench = await oracle(answers={"price": "ignore", "dates": "ignore"})
    await bench.deliver(order())
    other = line("0010", price={"amount": "9.99"}, promised={"date": "2026-05-01"})
    view = await bench.deliver(answer("PO-1", other, line("0020", "20")))

    assert view.state is DeliveryState.DONE
    assert held(bench)["lines"][0]["Price"] == order().lines[0].price.amount  # type: ignore[union-attr]


async def test_an_855_that_leaves_a_line_out_does_not_accept_the_whole_order(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    view = await bench.deliver(answer("PO-1", line("0010")))

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-ACK-PARTLY")
    assert "AcknowledgmentResponse" not in held(bench)


# --- 810 ----------------------------------------------------------------------------------------------


def invoice(
    number: str = "I-1", *, day: str = "2026-03-05", gross: str = "57.50", **changes: Any
) -> CanonicalDocument:
    fields = {
        "document_type": "invoice",
        "number": number,
        "invoiced": {"date": day},
        "currency": "USD",
        "orders": [{"number": "PO-1"}],
        "seller": SUPPLIER,
        "provenance": PROVENANCE,
        "totals": {"gross": gross},
        "lines": [
            {
                "sequence": 1,
                "line_id": "0020",
                "quantity": {"value": "20", "unit": "EA"},
                "price": {"amount": "2.25"},
            },
            {
                "sequence": 2,
                "line_id": "0010",
                "quantity": {"value": "10", "unit": "EA"},
                "price": {"amount": "1.25"},
            },
        ],
        **changes,
    }
    return parse_document(fields)


async def test_an_810_with_the_legacy_number_and_line_ids_reaches_the_erps_lines(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    view = await bench.deliver(invoice())

    assert view.state is DeliveryState.DONE, view.findings
    number = held(bench)["OrderNumber"]
    assert [
        (each["PurchaseOrderNumber"], each["PurchaseOrderLineNumber"], str(each["LineAmount"]))
        for each in held(bench, "invoices")["invoiceLines"]
    ] == [(number, 2, "45.00"), (number, 1, "12.50")]


async def test_an_810_with_the_erps_own_number_reaches_them_too(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    number = held(bench)["OrderNumber"]
    view = await bench.deliver(invoice(orders=[{"number": number}]))

    assert view.state is DeliveryState.DONE, view.findings


async def test_charges_allowances_and_taxes_are_lines_of_their_own(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    charges = [
        {"indicator": "charge", "kind": "freight", "amount": "7.50"},
        {"indicator": "allowance", "kind": "discount", "amount": "2"},
    ]
    taxes = [{"kind": "sales", "amount": "3.00"}]
    view = await bench.deliver(invoice(gross="66.00", allowances_charges=charges, taxes=taxes))

    assert view.state is DeliveryState.DONE, view.findings
    further = [
        (each["LineType"], str(each["LineAmount"])) for each in held(bench, "invoices")["invoiceLines"][2:]
    ]
    assert further == [("Freight", "7.50"), ("Miscellaneous", "-2"), ("Tax", "3.00")]


async def test_an_invoice_that_does_not_add_up_is_not_sent(oracle: Make) -> None:
    bench = await oracle()
    await bench.deliver(order())
    view = await bench.deliver(invoice(gross="66.00"))

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-TOTAL")
    assert not bench.simulator.documents.entries("invoices")


async def test_an_invoice_in_a_closed_period_parks_and_the_declared_rule_lets_it_in(oracle: Make) -> None:
    bench = await oracle(pod=PodSettings(closed_before=date(2026, 4, 1)))
    await bench.deliver(order())
    view = await bench.deliver(invoice())

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-PERIOD-CLOSED")
    assert not bench.simulator.documents.entries("invoices")

    await bench.reload(accounting_date={"rule": "document", "not_before": "2026-04-01"})
    await bench.retry(view.delivery_id)
    assert (await bench.finish(view.delivery_id)).state is DeliveryState.DONE
    assert held(bench, "invoices")["AccountingDate"] == "2026-04-01"
    assert held(bench, "invoices")["InvoiceDate"] == "2026-03-05"


async def test_an_invoice_that_is_there_is_ours_if_it_says_the_same_and_a_persons_if_not(
    oracle: Make,
) -> None:
    bench = await oracle()
    await bench.deliver(order())
    await bench.deliver(invoice())
    same = await bench.deliver(invoice())
    other = await bench.deliver(invoice(gross="60.50", taxes=[{"kind": "sales", "amount": "3"}]))

    assert same.state is DeliveryState.DONE
    assert (other.state, other.findings[0].code) == (DeliveryState.PARKED, "ERP-REF-MISMATCH")
    assert other.findings[0].facts["differences"] == "InvoiceAmount, invoiceLines[3]"
    assert len(bench.simulator.documents.entries("invoices")) == 1


async def test_an_invoice_that_came_in_between_is_found_after_the_erp_refuses_a_second(oracle: Make) -> None:
    bench = await oracle(lag_s=2.0)
    await bench.deliver(order())
    bench.clock.ahead_s += 10
    await bench.deliver(invoice())
    view = await bench.deliver(invoice())  # the look-up does not see the first one yet

    assert view.state is DeliveryState.DONE, view.findings
    assert [each.step for each in view.steps][-2:] == ["create", "create.look_up"]
    assert len(bench.simulator.documents.entries("invoices")) == 1


# --- receipts -----------------------------------------------------------------------------------------


def receipt(quantity: str = "10", line_id: str = "0010", **changes: Any) -> CanonicalDocument:
    lines = [{"sequence": 1, "line_id": line_id, "quantity": {"value": quantity, "unit": "EA"}}]
    fields = {
        "document_type": "goods_receipt",
        "number": "R-1",
        "received": {"date": "2026-03-04"},
        "orders": [{"number": "PO-1"}],
        "seller": SUPPLIER,
        "lines": lines,
        "provenance": {"source": "receipts.txt"},
        **changes,
    }
    return parse_document(fields)


async def test_a_receipt_is_done_only_when_the_erp_has_processed_it(oracle: Make) -> None:
    bench = await oracle(pod=PodSettings(processing_s=12))
    await bench.deliver(order())
    view = await bench.deliver(receipt())

    assert view.state is DeliveryState.DONE, view.findings
    assert view.target_reference == f"RC{held(bench, 'receivingReceiptRequests')['HeaderInterfaceId']}"
    assert [each.step for each in view.steps].count("state") == 3


async def test_a_receipt_that_fails_in_processing_names_the_line(oracle: Make) -> None:
    bench = await oracle(pod=PodSettings(processing_s=3))
    await bench.deliver(order())
    view = await bench.deliver(receipt("500"))

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-RECEIPT-REFUSED")
    assert view.findings[0].facts["erp_code"] == "RCV_OVER_TOLERANCE"
    assert (view.findings[0].at.source, view.findings[0].at.path) == ("receipts.txt", "lines[0].quantity")


async def test_a_receipt_that_stays_in_the_interface_parks_and_a_retry_looks_again(oracle: Make) -> None:
    bench = await oracle(pod=PodSettings(processing_s=50), receipt_waits_s=[5, 10])
    await bench.deliver(order())
    view = await bench.deliver(receipt())
    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-RECEIPT-PENDING")

    await bench.retry(view.delivery_id)
    assert (await bench.finish(view.delivery_id)).state is DeliveryState.DONE
    assert len(bench.simulator.documents.entries("receivingReceiptRequests", "created")) == 1


@pytest.mark.parametrize("action", [Action.COMMIT_THEN_RESET, Action.RESET_BEFORE_COMMIT])
async def test_goods_of_unknown_outcome_are_never_posted_again_by_guess(oracle: Make, action: Action) -> None:
    bench = await oracle(lag_s=1.0)
    await bench.deliver(order())
    bench.script.replace((Fault(action, path="/receivingReceiptRequests$", times=1),))
    view = await bench.deliver(receipt())
    posted = bench.simulator.documents.entries("receivingReceiptRequests", "created")

    assert len(posted) == (1 if action is Action.COMMIT_THEN_RESET else 0)
    if posted:
        assert view.state is DeliveryState.DONE  # found, and adopted
        return
    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-MOVEMENT-IN-DOUBT")
    await bench.retry(view.delivery_id)  # a person has looked
    assert (await bench.finish(view.delivery_id)).state is DeliveryState.DONE
    assert len(bench.simulator.documents.entries("receivingReceiptRequests", "created")) == 1


# --- requisitions and budgets -------------------------------------------------------------------------


def requisition() -> CanonicalDocument:
    fields = {
        "document_type": "requisition",
        "number": "RQ-1",
        "currency": "USD",
        "lines": [
            {
                "sequence": 1,
                "item_ids": [{"scheme": "buyer", "value": "TG1"}],
                "quantity": {"value": "5", "unit": "EA"},
                "price": {"amount": "649"},
            }
        ],
    }
    return parse_document(fields)


def budget_check(amount: str) -> CanonicalDocument:
    fields = {
        "document_type": "budget_check",
        "result": "asked",
        "subject": {"document_type": "requisition", "number": "RQ-1"},
        "requested": {"amount": amount, "currency": "USD"},
    }
    return parse_document(fields)


async def test_a_requisition_whose_submit_fails_stays_and_a_retry_submits_it(oracle: Make) -> None:
    fails = Fault(Action.BUSINESS_ERROR, path="/submitRequisition", times=1, error="submit")
    bench = await oracle(fails)
    view = await bench.deliver(requisition())
    assert (view.state, view.findings[0].facts["erp_code"]) == (DeliveryState.PARKED, "PO-4712")

    await bench.retry(view.delivery_id)
    again = await bench.finish(view.delivery_id)
    assert (again.state, again.target_reference) == (DeliveryState.DONE, "R-1")
    assert held(bench, "purchaseRequisitions")["DocumentStatus"] == "APPROVED"


@pytest.mark.parametrize(("amount", "result"), [("49999.99", "pass"), ("50000.01", "fail")])
async def test_a_budget_check_leaves_no_draft_behind(oracle: Make, amount: str, result: str) -> None:
    bench = await oracle()
    view = await bench.deliver(budget_check(amount))

    assert (view.state, view.target_reference) == (DeliveryState.DONE, result)
    assert [each.step for each in view.steps] == ["create.look_up", "create", "check_funds", "remove"]
    assert not bench.simulator.documents.keys("purchaseRequisitions")


async def test_a_budget_check_that_the_erp_refuses_removes_its_draft_and_says_why(oracle: Make) -> None:
    bench = await oracle(Fault(Action.BUSINESS_ERROR, path="/checkFunds", error="funds"))
    view = await bench.deliver(budget_check("10"))

    assert (view.state, view.findings[0].facts["erp_code"]) == (DeliveryState.PARKED, "XCC-3001")
    assert not bench.simulator.documents.keys("purchaseRequisitions")


async def test_a_remove_of_unknown_outcome_is_sent_again_and_finds_the_draft_gone(oracle: Make) -> None:
    bench = await oracle(Fault(Action.COMMIT_THEN_RESET, method="DELETE", times=1))
    view = await bench.deliver(budget_check("10"))

    assert (view.state, view.target_reference) == (DeliveryState.DONE, "pass")
    assert not bench.simulator.documents.keys("purchaseRequisitions")
