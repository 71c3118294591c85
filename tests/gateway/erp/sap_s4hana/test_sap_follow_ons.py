"""SAP with everything real but time: changes, confirmations, invoices, receipts, requisitions, suppliers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Inbound, Level, NoReply, Reply, Request, Sink, TroubledSink
from canonical.document import CanonicalDocument
from canonical.values import DateValue
from gateway.erp.hand_over import HandingOver
from gateway.journal.types import DeliveryState
from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.sap_s4hana import SupplierMaster, Tenant
from simulators.cloud_erp.sap_s4hana.orders import ITEMS, SCHEDULES
from simulators.faults import Action, Fault
from tests.gateway.erp.paper import SUPPLIER, answer, cancellation, change, order
from tests.gateway.erp.sap_s4hana.sap_bench import DONE, PARKED, Make, SapBench, codes, document
from tests.gateway.journal.builders import ROUTE

SELLER = "SO-778"

DEFAULTS = {
    "company_code": "1010",
    "purchasing_organization": "1010",
    "purchasing_group": "001",
    "plant": "1010",
    "confirmation_control_key": "0001",
}


# --- changes ------------------------------------------------------------------------------------------


class Meddling(Sink):
    """A sink behind which a buyer changes the order right after each time it was read."""

    def __init__(self, sink: Sink, bench: SapBench, times: int) -> None:
        self._sink, self._bench, self._left = sink, bench, times

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        reply = await self._sink.send(request, still_mine=still_mine)
        if request.step.startswith("order:") and self._left:
            self._left -= 1
            (number,) = self._bench.sap.documents.keys("purchase_order")
            values = self._bench.sap.document("purchase_order", number)
            self._bench.sap.store.change(
                "purchase_order", number, values | {"PaymentTerms": f"N{self._left}"}
            )
        return reply

    async def close(self) -> None:
        await self._sink.close()


async def test_an_order_that_a_buyer_changed_meanwhile_is_read_anew_and_changed_once(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    planned = await bench.plan(change())
    view = await bench.finish(planned, Meddling(bench.sink, bench, times=1))

    assert view.state is DONE, view
    assert [each["OrderQuantity"] for each in bench.items()] == [10, 15]
    assert bench.ledger() == ["created", "changed", "changed"]  # the buyer's change, and ours
    assert bench.sap.document("purchase_order", bench.items()[0]["PurchaseOrder"])["PaymentTerms"] == "N0"


async def test_an_order_that_never_stands_still_is_a_persons_affair(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    planned = await bench.plan(change())
    view = await bench.finish(planned, Meddling(bench.sink, bench, times=9))

    assert (view.state, codes(view)) == (PARKED, ["ERP-CHANGED-MEANWHILE"])
    assert bench.items()[1]["OrderQuantity"] == 20


CHANGES = {
    "document_type": "order_change",
    "order": {"number": "PO-1"},
    "number": "C-2",
    "currency": "USD",
    "seller": SUPPLIER,
}
ADDED = {
    "sequence": 2,
    "line_id": "0030",
    "action": "add",
    "item_ids": [{"scheme": "buyer", "value": "TG3"}],
    "quantity": {"value": "7", "unit": "EA"},
    "price": {"amount": "3.25"},
    "requested": {"date": "2026-04-01"},
}


def price_and(*lines: dict[str, Any]) -> CanonicalDocument:
    priced = {"sequence": 1, "line_id": "0010", "action": "price_change", "price": {"amount": "1.125"}}
    return document(**CHANGES, lines=[priced, *lines])


async def test_a_change_of_price_of_day_and_a_new_line_go_in_together(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    moved = {"sequence": 3, "line_id": "0020", "action": "reschedule", "requested": {"date": "2026-05-05"}}
    view = await bench.deliver(price_and(ADDED, moved))

    assert view.state is DONE, view
    first, second, third = bench.items()
    assert (first["NetPriceAmount"], first["NetPriceQuantity"]) == (Decimal("11.25"), 10)
    assert second[SCHEDULES][0]["ScheduleLineDeliveryDate"] == date(2026, 5, 5)
    assert (third["PurchaseOrderItem"], third["Material"], third["OrderQuantity"]) == ("30", "TG3", 7)
    assert bench.ledger() == ["created", "changed"]


async def test_a_changeset_of_which_one_part_is_refused_changes_nothing(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    blocked = ADDED | {"item_ids": [{"scheme": "buyer", "value": "BLOCKED"}]}
    view = await bench.deliver(price_and(blocked))

    assert (view.state, codes(view)) == (PARKED, ["ERP-400"])
    assert "BLOCKED is blocked for purchasing" in view.findings[0].text
    assert bench.ledger() == ["created"]


@pytest.mark.parametrize("action", [Action.COMMIT_THEN_RESET, Action.RESET_BEFORE_COMMIT, Action.TRUNCATED])
async def test_a_change_of_unknown_outcome_is_done_once(make: Make, action: Action) -> None:
    bench = await make(look_up_waits_s=[1], quiet_period_s=5)
    await bench.deliver(order())
    bench.fail(Fault(action, method="POST", path=r"\$batch$", times=1))
    view = await bench.deliver(price_and(ADDED))

    assert view.state is DONE, view
    assert bench.ledger() == ["created", "changed"]
    assert len(bench.items()) == 3


async def test_a_change_that_is_there_already_sends_nothing(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    await bench.deliver(change())
    view = await bench.deliver(change())

    assert view.state is DONE
    assert bench.ledger() == ["created", "changed"]


async def test_a_line_added_by_an_attempt_that_was_never_heard_of_is_not_added_again(make: Make) -> None:
    bench = await make(look_up_waits_s=[1], quiet_period_s=5)
    await bench.deliver(order())
    bench.fail(Fault(Action.COMMIT_THEN_RESET, method="POST", path=r"\$batch$", times=1))
    planned = await bench.plan(price_and(ADDED))
    view = await bench.finish(planned, LateOrder(bench.sink))

    assert view.state is DONE, view
    assert [each["PurchaseOrderItem"] for each in bench.items()] == ["10", "20", "30"]
    assert [each.step for each in view.steps].count("change:1") == 2  # the second met an old ETag


class LateOrder(Sink):
    """A sink whose look-ups see the order as it was when it was read first."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._first: Reply | NoReply | None = None

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if request.step == "change:1.look_up" and self._first is not None:
            return self._first
        reply = await self._sink.send(request, still_mine=still_mine)
        if request.step == "order:1":
            self._first = reply
        return reply

    async def close(self) -> None:
        await self._sink.close()


async def test_a_deleted_line_gets_its_deletion_code_and_the_order_stays(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    gone = {"sequence": 1, "line_id": "0010", "action": "delete"}
    await bench.deliver(document(**CHANGES, lines=[gone]))

    assert [each["PurchasingDocumentDeletionCode"] for each in bench.items()] == ["L", ""]


async def test_a_change_by_the_seller_and_one_of_an_unknown_line_are_the_buyers(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    by_seller = document(**CHANGES, initiator="seller", lines=[ADDED])

    assert codes(await bench.deliver(by_seller)) == ["ERP-CHANGE-SELLER"]
    bench = await make()
    await bench.deliver(order())
    assert codes(await bench.deliver(change(line_id="0099"))) == ["ERP-LINE-UNKNOWN"]


async def test_items_that_sap_shows_with_zeros_in_front_are_found(make: Make) -> None:
    bench = await make(Tenant(pads_items=True))
    await bench.deliver(order())
    assert (await bench.deliver(change())).state is DONE
    confirmed = answer("PO-1", {"line_id": "0020", "status": "accepted"})
    assert (await bench.deliver(confirmed)).state is DONE
    assert (await bench.deliver(cancellation())).state is DONE

    assert [each["PurchaseOrderItem"] for each in bench.items()] == ["00010", "00020"]
    assert bench.items()[1]["OrderQuantity"] == 15


# --- confirmations ------------------------------------------------------------------------------------


def confirmation(*lines: dict[str, Any], number: str = "PO-1") -> CanonicalDocument:
    made = answer(number, *lines)
    return made.model_copy(update={"order": made.order.model_copy(update={"seller_number": SELLER})})


AS_ORDERED = {"line_id": "0010", "status": "accepted"}
PARTLY = {
    "line_id": "0020",
    "status": "partly_backordered",
    "accepted": {"value": "12", "unit": "EA"},
    "backordered": {"value": "8", "unit": "EA"},
    "promised": {"date": "2026-04-03"},
}


async def test_an_855_reaches_the_right_lines_of_the_erp_numbered_order(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    view = await bench.deliver(confirmation(PARTLY, AS_ORDERED))

    assert view.state is DONE, view
    first, second = (each["_confirmations"] for each in bench.items())
    assert first == [{"quantity": 10, "unit": "EA", "date": "2026-04-01"}]
    assert second == [{"quantity": 12, "unit": "EA", "date": "2026-04-03"}]
    assert {each["PurgDocOrderAcknNumber"] for each in bench.items()} == {SELLER}


async def test_an_855_of_a_line_that_was_added_later_reaches_that_line(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    await bench.deliver(price_and(ADDED))
    view = await bench.deliver(confirmation({"line_id": "0030", "status": "accepted"}))

    assert view.state is DONE, view
    assert ["_confirmations" in each for each in bench.items()] == [False, False, True]


async def test_what_the_supplier_refuses_or_prices_otherwise_is_the_buyers_and_the_rest_is_confirmed(
    make: Make,
) -> None:
    bench = await make()
    await bench.deliver(order(lines=3))
    priced = {"line_id": "0020", "status": "price_changed", "price": {"amount": "9.99"}}
    refused = {"line_id": "0030", "status": "rejected"}
    view = await bench.deliver(confirmation(AS_ORDERED, priced, refused))

    assert view.state is PARKED
    assert codes(view) == ["ERP-ACK-PARTLY", "ERP-ACK-PARTLY"]
    assert view.findings[0].facts["applied"] == "partly"
    assert ["_confirmations" in each for each in bench.items()] == [True, False, False]
    assert bench.items()[1]["NetPriceAmount"] == Decimal("2.25")


async def test_a_declared_rule_lets_a_price_into_the_order(make: Make) -> None:
    bench = await make(answers={"price": "apply", "price_percent_max": "10"})
    await bench.deliver(order())
    priced = {"line_id": "0020", "status": "price_changed", "price": {"amount": "2.375"}}
    view = await bench.deliver(confirmation(AS_ORDERED, priced))

    assert view.state is DONE, view
    assert (bench.items()[1]["NetPriceAmount"], bench.items()[1]["NetPriceQuantity"]) == (
        Decimal("23.75"),
        10,
    )


async def test_a_confirmation_that_sap_loses_after_its_202_is_sent_once_more(make: Make) -> None:
    bench = await make(confirmation_waits_s=[1, 2])
    await bench.deliver(order())
    bench.sap.monitor.loses_next = 1
    view = await bench.deliver(confirmation(AS_ORDERED))

    assert view.state is DONE, view
    assert len(bench.sap.monitor.lost) == 1
    assert "_confirmations" in bench.items()[0]


async def test_a_confirmation_that_is_lost_twice_is_a_persons_affair(make: Make) -> None:
    bench = await make(confirmation_waits_s=[1, 2])
    await bench.deliver(order())
    bench.sap.monitor.loses_next = 5
    view = await bench.deliver(confirmation(AS_ORDERED))

    assert (view.state, codes(view)) == (PARKED, ["ERP-CONFIRMATION-LOST"])
    assert len(bench.sap.monitor.lost) == 2


async def test_with_no_looks_afterwards_a_lost_confirmation_is_believed(make: Make) -> None:
    bench = await make(confirmation_waits_s=[])
    await bench.deliver(order())
    bench.sap.monitor.loses_next = 5
    view = await bench.deliver(confirmation(AS_ORDERED))

    assert view.state is DONE  # the negative control: this is what a 202 is worth
    assert "_confirmations" not in bench.items()[0]


@pytest.mark.parametrize("action", [Action.COMMIT_THEN_RESET, Action.RESET_BEFORE_COMMIT])
async def test_a_confirmation_of_unknown_outcome_is_worked_on_once(make: Make, action: Action) -> None:
    bench = await make()
    await bench.deliver(order())
    bench.fail(Fault(action, method="POST", path="orderconfirmation", times=1))
    view = await bench.deliver(confirmation(AS_ORDERED))

    assert view.state is DONE, view
    assert bench.ledger() == ["created", "changed"]


async def test_without_a_control_key_sap_takes_no_confirmation_and_a_route_may_declare_one(
    make: Make,
) -> None:
    plain = {**DEFAULTS, "confirmation_control_key": ""}
    bench = await make(defaults=plain)
    await bench.deliver(order())
    assert codes(await bench.deliver(confirmation(AS_ORDERED))) == ["ERP-CONFIRMATION-KEY"]
    assert bench.ledger() == ["created"]

    bench = await make(defaults=plain, per_route={ROUTE: {"confirmation_control_key": "0002"}})
    await bench.deliver(order())
    assert {each["SupplierConfirmationControlKey"] for each in bench.items()} == {"0002"}


async def test_an_order_made_without_a_key_gets_it_before_its_confirmation(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    (number,) = bench.sap.documents.keys("purchase_order")
    values = bench.sap.document("purchase_order", number)
    items = [each | {"SupplierConfirmationControlKey": ""} for each in values[ITEMS]]
    bench.sap.store.change("purchase_order", number, values | {ITEMS: items})
    view = await bench.deliver(confirmation(AS_ORDERED))

    assert view.state is DONE, view
    assert [each["SupplierConfirmationControlKey"] for each in bench.items()] == ["0001", ""]
    assert not bench.sap.monitor.lost


async def test_an_order_accepted_or_refused_as_a_whole_without_lines(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    refused = answer("PO-1", response="rejected")
    assert codes(await bench.deliver(refused)) == ["ERP-ACK-REFUSED"]

    bench = await make()
    await bench.deliver(order())
    assert (await bench.deliver(answer("PO-1", response="accepted"))).state is DONE
    assert [each["_confirmations"][0]["quantity"] for each in bench.items()] == [10, 20]


async def test_a_line_of_which_nothing_is_confirmed_yet_is_the_buyers(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    none_yet = {"line_id": "0020", "status": "backordered", "accepted": {"value": "0", "unit": "EA"}}
    view = await bench.deliver(confirmation(AS_ORDERED, none_yet))

    assert codes(view) == ["ERP-ACK-PARTLY"]
    assert "nothing of the line is confirmed yet" in view.findings[0].text
    assert ["_confirmations" in each for each in bench.items()] == [True, False]


async def test_an_answer_in_another_unit_is_the_buyers(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    boxed = AS_ORDERED | {"accepted": {"value": "1", "unit": "BX"}}
    view = await bench.deliver(confirmation(boxed))

    assert codes(view) == ["ERP-ACK-PARTLY"]
    assert bench.ledger() == ["created"]


# --- invoices and receipts ----------------------------------------------------------------------------


def invoice(**changes: Any) -> CanonicalDocument:
    fields: dict[str, Any] = {
        "document_type": "invoice",
        "number": "INV-77",
        "currency": "USD",
        "invoiced": {"date": "2026-04-10"},
        "orders": [{"number": "PO-1"}],
        "seller": SUPPLIER,
        "totals": {"gross": "45.00"},
        "lines": [
            {"sequence": 1, "line_id": "0020", "quantity": {"value": "20", "unit": "EA"}, "amount": "45.00"}
        ],
        **changes,
    }
    return document(**fields)


def receipt(**changes: Any) -> CanonicalDocument:
    fields: dict[str, Any] = {
        "document_type": "goods_receipt",
        "number": "GR-1",
        "received": {"date": "2026-04-09"},
        "orders": [{"number": "PO-1"}],
        "lines": [
            {
                "sequence": 1,
                "line_id": "0020",
                "quantity": {"value": "5", "unit": "EA"},
                "lots": [
                    {"lot": "L1", "expires": "2027-01-31", "quantity": {"value": "2", "unit": "EA"}},
                    {"lot": "L2", "quantity": {"value": "3", "unit": "EA"}},
                ],
            }
        ],
        **changes,
    }
    return document(**fields)


async def test_an_810_reaches_the_right_line_of_the_erp_numbered_order(make: Make) -> None:
    bench = await make()
    number = (await bench.deliver(order())).target_reference
    view = await bench.deliver(invoice())

    assert view.state is DONE, view
    (key,) = bench.sap.documents.keys("supplier_invoice")
    posted = bench.sap.document("supplier_invoice", key)
    (row,) = posted["to_SuplrInvcItemPurOrdRef"]
    assert (row["PurchaseOrder"], row["PurchaseOrderItem"], row["SupplierInvoiceItemAmount"]) == (
        number,
        "20",
        Decimal("45.00"),
    )
    assert view.target_reference == f"{key}/2026"


async def test_charges_of_an_invoice_are_posted_as_one_sum_and_more_allowances_than_charges_park(
    make: Make,
) -> None:
    bench = await make()
    await bench.deliver(order())
    freight = {"indicator": "charge", "kind": "freight", "amount": "9.50"}
    rebate = {"indicator": "allowance", "kind": "rebate", "amount": "2.00"}
    await bench.deliver(invoice(allowances_charges=[freight, rebate], totals={"gross": "52.50"}))
    (key,) = bench.sap.documents.keys("supplier_invoice")
    assert bench.sap.document("supplier_invoice", key)["UnplannedDeliveryCost"] == Decimal("7.50")

    view = await bench.deliver(invoice(number="INV-78", allowances_charges=[rebate]))
    assert codes(view) == ["ERP-ALLOWANCE"]


@pytest.mark.parametrize(
    "action",
    [Action.COMMIT_THEN_RESET, Action.COMMIT_THEN_HANG, Action.RESET_BEFORE_COMMIT, Action.TRUNCATED],
)
async def test_an_invoice_of_unknown_outcome_is_posted_once(make: Make, action: Action) -> None:
    bench = await make(Tenant(duplicate_invoice="accepted"), look_up_waits_s=[1], quiet_period_s=5)
    await bench.deliver(order())
    bench.fail(Fault(action, method="POST", path="A_SupplierInvoice$", times=1))
    view = await bench.deliver(invoice())

    assert view.state is DONE, view
    assert bench.ledger("supplier_invoice") == ["created"]


async def test_the_same_invoice_number_with_another_amount_is_an_exception(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    await bench.deliver(invoice(), document_key="a")
    view = await bench.deliver(invoice(totals={"gross": "46.00"}), document_key="b")

    assert codes(view) == ["ERP-REF-MISMATCH"]
    assert bench.ledger("supplier_invoice") == ["created"]


async def test_an_invoice_into_a_closed_period_parks_and_the_declared_rule_moves_its_day(make: Make) -> None:
    tenant = Tenant(open_from=date(2026, 5, 1))
    bench = await make(tenant)
    await bench.deliver(order())
    view = await bench.deliver(invoice())
    assert (view.state, codes(view)) == (PARKED, ["ERP-PERIOD-CLOSED"])

    bench = await make(tenant, accounting_date={"not_before": "2026-05-01"})
    await bench.deliver(order())
    assert (await bench.deliver(invoice())).state is DONE
    (key,) = bench.sap.documents.keys("supplier_invoice")
    posted = bench.sap.document("supplier_invoice", key)
    assert (posted["PostingDate"], posted["DocumentDate"]) == (date(2026, 5, 1), date(2026, 4, 10))


async def test_an_invoice_with_a_line_of_no_order_is_not_split(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    strange = {"sequence": 2, "line_id": "0099", "quantity": {"value": "1", "unit": "EA"}, "amount": "1"}
    known = {"sequence": 1, "line_id": "0020", "quantity": {"value": "20", "unit": "EA"}, "amount": "45"}
    view = await bench.deliver(invoice(lines=[known, strange]))

    assert codes(view) == ["ERP-LINE-UNKNOWN"]
    assert bench.ledger("supplier_invoice") == []


async def test_a_receipt_posts_each_lot_against_the_right_line(make: Make) -> None:
    bench = await make()
    number = (await bench.deliver(order())).target_reference
    view = await bench.deliver(receipt())

    assert view.state is DONE, view
    (key,) = bench.sap.documents.keys("material_document")
    rows = bench.sap.document("material_document", key)["to_MaterialDocumentItem"]
    assert [(each["PurchaseOrder"], each["PurchaseOrderItem"], each["Batch"]) for each in rows] == [
        (number, "20", "L1"),
        (number, "20", "L2"),
    ]
    assert [each["QuantityInEntryUnit"] for each in rows] == [2, 3]
    assert rows[0]["ShelfLifeExpirationDate"] == date(2027, 1, 31)


async def test_a_receipt_of_unknown_outcome_that_shows_is_adopted(make: Make) -> None:
    bench = await make(look_up_waits_s=[1], quiet_period_s=5, lag_s=0.5)
    await bench.deliver(order())
    bench.fail(Fault(Action.COMMIT_THEN_RESET, method="POST", path="A_MaterialDocumentHeader", times=1))
    view = await bench.deliver(receipt())

    assert view.state is DONE, view
    assert bench.ledger("material_document") == ["created"]


async def test_a_receipt_of_unknown_outcome_that_does_not_show_is_never_posted_again_by_guess(
    make: Make,
) -> None:
    bench = await make(look_up_waits_s=[1], quiet_period_s=5)
    await bench.deliver(order())
    bench.fail(Fault(Action.RESET_BEFORE_COMMIT, method="POST", path="A_MaterialDocumentHeader", times=1))
    view = await bench.deliver(receipt())
    assert (view.state, codes(view)) == (PARKED, ["ERP-MOVEMENT-IN-DOUBT"])
    assert bench.ledger("material_document") == []

    await bench.retry(view.delivery_id)  # a person has looked
    assert (await bench.finish(view.delivery_id)).state is DONE
    assert bench.ledger("material_document") == ["created"]


# --- requisitions, suppliers, budget ------------------------------------------------------------------


def requisition(item: str = "TG12") -> CanonicalDocument:
    line = {
        "sequence": 1,
        "item_ids": [{"scheme": "buyer", "value": item}],
        "quantity": {"value": "5", "unit": "EA"},
        "price": {"amount": "6.49"},
    }
    fields = {"document_type": "requisition", "number": "R-1", "currency": "USD", "lines": [line]}
    return document(**fields)


async def test_a_requisition_is_validated_first_and_a_refusal_stores_nothing(make: Make) -> None:
    bench = await make()
    view = await bench.deliver(requisition("BLOCKED"))

    assert (view.state, codes(view)) == (PARKED, ["ERP-400"])
    assert view.findings[0].facts["canonical"] == "lines[0].item_ids"
    assert bench.ledger("requisition") == []
    assert [each.step for each in view.steps] == ["validate"]


@pytest.mark.parametrize("action", [Action.COMMIT_THEN_RESET, Action.TRUNCATED, Action.RESET_BEFORE_COMMIT])
async def test_a_requisition_of_unknown_outcome_is_there_once(make: Make, action: Action) -> None:
    bench = await make(look_up_waits_s=[1], quiet_period_s=5, lag_s=0.5)
    bench.fail(Fault(action, method="POST", path="RequisitionHeader", nth=(2,)))  # the first one validates
    view = await bench.deliver(requisition())

    assert view.state is DONE, view
    assert bench.ledger("requisition") == ["created"]
    assert view.target_reference == bench.sap.documents.keys("requisition")[0]


async def test_an_order_to_a_blocked_supplier_is_parked_before_it_is_created_and_goes_on_when_released(
    make: Make,
) -> None:
    blocked = SupplierMaster("0010300001", "Sterile Supply Co", purchasing_is_blocked=True)
    tenant = Tenant(suppliers=(blocked,))
    bench = await make(tenant)
    view = await bench.deliver(order())
    assert (view.state, codes(view)) == (PARKED, ["ERP-SUPPLIER-BLOCKED"])
    assert bench.ledger() == []

    object.__setattr__(tenant, "suppliers", (replace(blocked, purchasing_is_blocked=False),))
    await bench.retry(view.delivery_id, after_s=1)  # no answer is that old yet
    assert (await bench.finish(view.delivery_id)).state is DONE


async def test_an_order_goes_to_the_supplier_that_was_mapped_before_a_retry_at_once(
    make: Make,
) -> None:
    bench = await make(codes={"suppliers": {}})
    parked = await bench.deliver(order())
    assert codes(parked) == ["ERP-SUPPLIER-UNKNOWN"]

    await bench.reload(codes={"suppliers": {"1013": "10300001"}})
    await bench.retry(parked.delivery_id, after_s=1)
    view = await bench.finish(parked.delivery_id)

    assert view.state is DONE, view
    asked = [each.request.address for each in view.steps if each.step == "supplier"]
    assert ["1013'" in each for each in asked] == [True, False]


async def test_an_order_to_a_supplier_that_sap_does_not_know_is_parked(make: Make) -> None:
    bench = await make(codes={"suppliers": {}})
    view = await bench.deliver(order())

    assert codes(view) == ["ERP-SUPPLIER-UNKNOWN"]


async def test_a_budget_check_is_answered_not_supported_without_asking(make: Make) -> None:
    bench = await make()
    fields = {
        "document_type": "budget_check",
        "result": "asked",
        "subject": {"document_type": "requisition", "number": "R-1"},
    }
    view = await bench.deliver(document(**fields), opens=False)

    assert (view.state, view.target_reference) == (DONE, "NOT_SUPPORTED")
    assert not bench.sap.requests


# --- ways of SAP --------------------------------------------------------------------------------------


async def test_a_success_with_warnings_is_a_success_and_says_the_warnings(make: Make) -> None:
    bench = await make(Tenant(warns=True))
    past = order(lines=2).model_copy(update={"requested": None})
    line = past.lines[1].model_copy(update={"requested": DateValue(date=date(2026, 1, 5))})
    view = await bench.deliver(past.model_copy(update={"lines": (past.lines[0], line)}))
    assert view.state is DONE, view
    notes = [(each.code, each.level, each.facts.get("canonical")) for each in view.findings]
    assert ("ERP-WARNING", Level.NOTE, "lines[1].requested") in notes
    assert any("Overall release" in each.text for each in view.findings)

    view = await bench.deliver(requisition(), order="R-1")
    assert [(each.code, each.facts["erp_code"]) for each in view.findings] == [("ERP-WARNING", "06/402")]


async def test_an_order_that_another_user_holds_is_tried_again(make: Make) -> None:
    bench = await make()
    bench.fail(Fault(Action.BUSINESS_ERROR, method="POST", path=r"/PurchaseOrder$", times=2, error="locked"))
    view = await bench.deliver(order())

    assert view.state is DONE, view
    assert bench.ledger() == ["created"]


async def test_a_wrong_password_is_sent_once_and_waits_without_locking_the_user(make: Make) -> None:
    users = AccessRules(users={"BRIDGE": "right"}, lock_after=3)
    bench = await make(access=users, basic={"user": "BRIDGE", "password": "env:ERP_SECRET"})
    planned = await bench.plan(order())
    for _ in range(20):
        await bench.go()
        bench.clock.ahead_s += 400
    view = await bench.view(planned)

    assert (view.state, view.attempts) == (DeliveryState.WAITING, 0)
    assert bench.sap.access.refusals == 1
    assert "is not tried again" in view.reason
    handing = HandingOver("erp", bench.sink, _takes_nothing, bench.clock)
    for sink in (bench.sink, handing):
        assert isinstance(sink, TroubledSink)
        assert sink.trouble
        assert sink.trouble in view.reason  # `status` and `explain` say the same
    await bench.reload()
    assert isinstance(bench.sink, TroubledSink)
    assert bench.sink.trouble is None


async def _takes_nothing(inbound: Inbound) -> None:
    raise AssertionError(inbound)


async def test_a_csrf_session_that_ends_between_steps_costs_no_order(make: Make) -> None:
    bench = await make(Tenant(csrf_life_s=0.05))
    for number in range(1, 4):
        view = await bench.deliver(order(f"PO-{number}"), order=f"PO-{number}")
        bench.clock.ahead_s += 60
        assert view.state is DONE, view

    assert bench.ledger() == ["created"] * 3


async def test_an_order_that_sap_may_not_send_takes_the_silent_type(make: Make) -> None:
    bench = await make(supplier_output="per_order", defaults={**DEFAULTS, "silent_order_type": "ZNBX"})
    view = await bench.deliver(order())

    assert view.state is DONE, view
    assert bench.sap.document("purchase_order", view.target_reference)["PurchaseOrderType"] == "ZNBX"
