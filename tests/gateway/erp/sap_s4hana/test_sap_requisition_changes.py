"""SAP requisitions that are changed, replaced or cancelled after they were created."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from canonical.document import CanonicalDocument
from canonical.registry import to_json
from simulators.cloud_erp.sap_s4hana import SapS4Hana
from simulators.faults import Action, Fault
from tests.gateway.erp.erp_hospital import ErpHospital
from tests.gateway.erp.erps import Sap
from tests.gateway.erp.sap_s4hana.sap_bench import DONE, PARKED, Make, SapBench, codes, document

BATCH = r"API_PURCHASEREQ_PROCESS_SRV/\$batch$"


def requisition(*quantities: str, purpose: str = "original", **line: Any) -> CanonicalDocument:
    """Give a requisition of so much of TG1, TG2 ...; `line` is laid over each line."""
    lines = [
        {
            "sequence": at,
            "line_id": f"L{at}",
            "item_ids": [{"scheme": "buyer", "value": f"TG{at}"}],
            "quantity": {"value": quantity, "unit": "EA"},
            "price": {"amount": "6.49"},
            **line,
        }
        for at, quantity in enumerate(quantities, start=1)
    ]
    return document(document_type="requisition", number="R-1", currency="USD", purpose=purpose, lines=lines)


def rows(bench: SapBench) -> list[dict[str, Any]]:
    (number,) = bench.sap.documents.keys("requisition")
    found: list[dict[str, Any]] = bench.sap.document("requisition", number)["to_PurchaseReqnItem"]
    return found


def shown(bench: SapBench) -> list[tuple[Any, str]]:
    return [(each["RequestedQuantity"], each.get("IsDeleted", "")) for each in rows(bench)]


def ordered(bench: SapBench, quantity: str) -> None:
    """Let a buyer make an order of the first item."""
    (number,) = bench.sap.documents.keys("requisition")
    values = bench.sap.document("requisition", number)
    first, *others = values["to_PurchaseReqnItem"]
    items = [first | {"OrderedQuantity": Decimal(quantity)}, *others]
    bench.sap.store.change("requisition", number, values | {"to_PurchaseReqnItem": items})


async def test_a_change_alters_what_differs_of_the_items_that_it_names_and_comes_once(make: Make) -> None:
    bench = await make()
    number = (await bench.deliver(requisition("5", "6"))).target_reference
    reference = rows(bench)[0]["PurReqnExternalReference"]
    changing = requisition("8", purpose="change", requested={"date": "2027-01-05"})
    first, second = await bench.deliver(changing), await bench.deliver(changing)

    assert (first.state, first.target_reference, second.state) == (DONE, number, DONE), first
    assert shown(bench) == [(8, ""), (6, "")]
    assert rows(bench)[0]["DeliveryDate"] == date(2027, 1, 5)
    assert rows(bench)[0]["PurReqnExternalReference"] == reference, "what it is found by never changes"
    assert bench.ledger("requisition") == ["created", "changed"]
    sent = next(each.request.body for each in first.steps if each.step == "change_requisition:1")
    assert b"If-Match: W/" in sent
    assert b"PurchaseRequisitionPrice" not in sent, "only what differs is sent"


async def test_a_replacement_deletes_the_items_that_it_does_not_name(make: Make) -> None:
    bench = await make()
    await bench.deliver(requisition("5", "6"))
    view = await bench.deliver(requisition("7", purpose="replace"))

    assert view.state is DONE, view
    assert shown(bench) == [(7, ""), (6, "X")]


async def test_a_cancellation_deletes_all_items_once(make: Make) -> None:
    bench = await make()
    await bench.deliver(requisition("5", "6"))
    first = await bench.deliver(requisition(purpose="cancellation"))
    second = await bench.deliver(requisition("5", "6", purpose="cancellation"))

    assert (first.state, second.state) == (DONE, DONE), first
    assert shown(bench) == [(5, "X"), (6, "X")]
    assert bench.ledger("requisition") == ["created", "changed"]


@pytest.mark.parametrize("action", [Action.COMMIT_THEN_RESET, Action.RESET_BEFORE_COMMIT])
async def test_a_cancellation_of_unknown_outcome_is_done_once(make: Make, action: Action) -> None:
    bench = await make(look_up_waits_s=[1], quiet_period_s=5)
    await bench.deliver(requisition("5"))
    bench.fail(Fault(action, method="POST", path=BATCH, times=1))
    view = await bench.deliver(requisition(purpose="cancellation"))

    assert view.state is DONE, view
    assert shown(bench) == [(5, "X")]
    assert bench.ledger("requisition") == ["created", "changed"]


@pytest.mark.parametrize("purpose", ["change", "cancellation"])
async def test_an_item_that_was_ordered_already_is_a_persons_affair(make: Make, purpose: str) -> None:
    bench = await make()
    await bench.deliver(requisition("5", "6"))
    ordered(bench, "5")
    view = await bench.deliver(requisition("9", purpose=purpose))

    assert (view.state, codes(view)) == (PARKED, ["ERP-REQUISITION-ORDERED"])
    assert "item 10" in view.findings[0].text
    assert shown(bench) == [(5, ""), (6, "")]


async def test_a_new_item_parks_and_so_does_a_requisition_that_sap_was_never_given(make: Make) -> None:
    bench = await make()
    await bench.deliver(requisition("5"))
    unknown = await bench.deliver(requisition("5", "1", purpose="change"))
    other = await bench.deliver(requisition("5", purpose="change"), order="R-2")

    assert codes(unknown) == ["ERP-LINE-UNKNOWN"]
    assert codes(other) == ["ERP-ORDER-UNKNOWN"]
    assert bench.ledger("requisition") == ["created"]


async def test_a_change_that_sap_refuses_changes_nothing_and_says_where(make: Make) -> None:
    bench = await make()
    await bench.deliver(requisition("5", "6"))
    blocked = [{"scheme": "buyer", "value": "BLOCKED"}]
    view = await bench.deliver(requisition("7", purpose="change", item_ids=blocked))

    assert (view.state, codes(view)) == (PARKED, ["ERP-400"])
    assert shown(bench) == [(5, ""), (6, "")]


async def test_a_gateway_takes_a_cancellation_to_the_requisition_that_it_created() -> None:
    async with ErpHospital(Sap()) as hospital:
        await hospital.take(json.loads(to_json(requisition("5", "6"))))
        await hospital.settle()
        await hospital.take(json.loads(to_json(requisition(purpose="cancellation"))), "changes")
        await hospital.settle()
        await hospital.is_well()

        assert isinstance(hospital.tenant, SapS4Hana)
        (number,) = hospital.tenant.documents.keys("requisition")
        items = hospital.tenant.document("requisition", number)["to_PurchaseReqnItem"]
        assert [each["IsDeleted"] for each in items] == ["X", "X"]
