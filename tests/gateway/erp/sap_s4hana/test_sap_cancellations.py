"""SAP orders that are cancelled, by an order or by a change of one, as a whole or line by line."""

from __future__ import annotations

from typing import Any

import pytest

from canonical.document import CanonicalDocument
from gateway.journal.types import DeliveryView
from simulators.faults import Action, Fault
from tests.gateway.erp.paper import SUPPLIER, cancellation, order
from tests.gateway.erp.sap_s4hana.sap_bench import DONE, PARKED, Make, SapBench, codes, document

BATCH = r"\$batch$"


def cancelling(**fields: Any) -> CanonicalDocument:
    """Give the 860 that cancels an order (BCH01 01)."""
    made = {
        "document_type": "order_change",
        "purpose": "cancellation",
        "number": "C-9",
        "order": {"number": "PO-1"},
        "currency": "USD",
        "seller": SUPPLIER,
    }
    return document(**made, **fields)


def without(line_id: str) -> CanonicalDocument:
    """Give the 860 that takes one line out."""
    gone = {"sequence": 1, "line_id": line_id, "action": "delete"}
    return document(
        document_type="order_change", number="C-8", order={"number": "PO-1"}, seller=SUPPLIER, lines=[gone]
    )


async def received(bench: SapBench, line_id: str, quantity: str) -> None:
    """Let goods come in."""
    line = {"sequence": 1, "line_id": line_id, "quantity": {"value": quantity, "unit": "EA"}}
    goods = document(
        document_type="goods_receipt",
        number=f"GR-{line_id}",
        received={"date": "2026-04-09"},
        orders=[{"number": "PO-1"}],
        lines=[line],
    )
    view = await bench.deliver(goods)
    assert view.state is DONE, view


def shown(bench: SapBench) -> list[tuple[str, bool]]:
    """Give each item's deletion code, and whether its delivery is complete."""
    return [
        (each["PurchasingDocumentDeletionCode"], each.get("IsCompletelyDelivered", False))
        for each in bench.items()
    ]


def notes(view: DeliveryView) -> list[str]:
    return [each.text for each in view.findings if each.code == "ERP-CANCEL-REMAINDER"]


@pytest.mark.parametrize("made", [cancelling(), cancellation()], ids=["order_change", "purchase_order"])
async def test_a_cancellation_takes_all_items_out_once_however_often_it_comes(
    make: Make, made: CanonicalDocument
) -> None:
    bench = await make()
    number = (await bench.deliver(order())).target_reference
    first, second = await bench.deliver(made), await bench.deliver(made)

    assert (first.state, first.target_reference, second.state) == (DONE, number, DONE)
    assert shown(bench) == [("L", False), ("L", False)]
    assert bench.ledger() == ["created", "changed"]


@pytest.mark.parametrize("made", [cancelling(), cancellation()], ids=["order_change", "purchase_order"])
async def test_of_an_item_of_which_goods_came_only_the_rest_is_cancelled_and_that_is_told(
    make: Make, made: CanonicalDocument
) -> None:
    bench = await make()
    await bench.deliver(order())
    await received(bench, "0020", "5")
    first, second = await bench.deliver(made), await bench.deliver(made)

    assert (first.state, second.state) == (DONE, DONE), first
    assert shown(bench) == [("L", False), ("", True)]
    assert "5 of item 20 had been received; what was left of it is cancelled" in notes(first)[0]
    assert bench.ledger() == ["created", "changed"]


async def test_single_lines_are_cancelled_by_a_change_and_the_others_stay(make: Make) -> None:
    bench = await make()
    await bench.deliver(order(lines=3))
    await received(bench, "0020", "5")
    first, second = await bench.deliver(without("0010")), await bench.deliver(without("0020"))

    assert (first.state, second.state) == (DONE, DONE), (first, second)
    assert shown(bench) == [("L", False), ("", True), ("", False)]
    assert (notes(first), len(notes(second))) == ([], 1)


async def test_a_cancellation_that_the_supplier_asks_for_is_the_buyers(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    view = await bench.deliver(cancelling(initiator="seller"))

    assert (view.state, codes(view)) == (PARKED, ["ERP-CHANGE-SELLER"])
    assert bench.ledger() == ["created"]


@pytest.mark.parametrize("action", [Action.COMMIT_THEN_RESET, Action.RESET_BEFORE_COMMIT])
async def test_a_cancellation_of_unknown_outcome_is_done_once(make: Make, action: Action) -> None:
    bench = await make(look_up_waits_s=[1], quiet_period_s=5)
    await bench.deliver(order())
    bench.fail(Fault(action, method="POST", path=BATCH, times=1))
    view = await bench.deliver(cancelling())

    assert view.state is DONE, view
    assert bench.ledger() == ["created", "changed"]


async def test_a_cancellation_that_sap_refuses_parks_with_its_reason(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    bench.fail(Fault(Action.BUSINESS_ERROR, method="POST", path=BATCH, times=1, error="item_blocked"))
    view = await bench.deliver(cancelling())

    assert (view.state, codes(view)) == (PARKED, ["ERP-400"])
    assert shown(bench) == [("", False), ("", False)]
