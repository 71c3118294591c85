"""Requisitions in Dynamics: found by our reference whoever numbers them, half-made ones completed, drafts."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Reply
from canonical.registry import parse_document
from canonical.requisition import Requisition
from gateway.erp.drift.uses import DYNAMICS
from gateway.journal.types import DeliveryState
from simulators.faults import Action, Fault
from tests.gateway.erp.bench import Bench, Blind, Killing
from tests.gateway.erp.dynamics365.bench_of import bench, held, tenant_of
from tests.gateway.erp.paper import SUPPLIER

HEADERS, LINES = "PurchaseRequisitionHeaders", "PurchaseRequisitionLines"


def requisition(**changes: Any) -> Requisition:
    """Give what a department asks for."""
    fields = {
        "document_type": "requisition",
        "number": "R-1",
        "description": "Gloves for the third floor, east wing, and more than a title has room for",
        "currency": "USD",
        "need_by": {"date": "2026-04-01"},
        "lines": [
            {
                "sequence": at,
                "line_id": f"0{at}0",
                "item_ids": [{"scheme": "buyer", "value": f"TG{at}"}],
                "quantity": {"value": f"{at}0", "unit": "EA"},
                "price": {"amount": "1.25"},
                "supplier": SUPPLIER,
            }
            for at in (1, 2)
        ],
        **changes,
    }
    made = parse_document(fields)
    assert isinstance(made, Requisition)
    return made


def quantities(made: Bench) -> dict[int, Any]:
    return {
        int(each["RequisitionLineNumber"]): each["RequestedPurchaseQuantity"] for each in held(made, LINES)
    }


@pytest.mark.parametrize("numbering", ["sequence", "ours"])
async def test_a_requisition_is_made_once_and_stands_as_a_draft(numbering: str) -> None:
    settings = {"numbering": numbering, "requester": "000007", "preparer": "000008"}
    async with bench(requisitions=settings) as made:
        view = await made.deliver(requisition(), document_key="k")
        again = await made.deliver(requisition(), document_key="k", order="another lane")
        (header,) = held(made, HEADERS)
        first, second = held(made, LINES)

    assert {view.state, again.state} == {DeliveryState.DONE}
    assert view.target_reference == header["RequisitionNumber"] == again.target_reference
    assert (header["RequisitionNumber"] == "R-1") is (numbering == "ours")
    assert header["RequisitionName"].endswith(" Gloves for the third")
    assert (header["PreparerPersonnelNumber"], header["DefaultRequestedDate"][:10]) == (
        "000008",
        "2026-04-01",
    )
    assert [each.code for each in view.findings] == ["ERP-REQUISITION-DRAFT"]
    assert (first["BuyingLegalEntityId"], first["VendorAccountNumber"], first["CurrencyCode"]) == (
        "usmf",
        "1013",
        "USD",
    )
    assert (second["ItemNumber"], second["RequestedPurchaseQuantity"], second["RequestedDate"][:10]) == (
        "TG2",
        20,
        "2026-04-01",
    )
    assert second["RequisitionerPersonnelNumber"] == "000007"


async def test_the_list_of_uses_holds_every_field_of_a_requisition() -> None:
    async with bench(requisitions={"preparer": "1", "requester": "2", "numbering": "ours"}) as made:
        await made.deliver(requisition())
        sent = {name for entity in (HEADERS, LINES) for each in held(made, entity) for name in each}

    filled_in = {"RequisitionStatus", "LineStatus"}  # by the ERP
    assert sent - filled_in <= {name for entity in (HEADERS, LINES) for name in DYNAMICS[entity].fields}


@pytest.mark.parametrize("is_sent", [False, True], ids=["before", "after"])
async def test_a_kill_between_any_two_steps_leaves_one_whole_requisition(is_sent: bool) -> None:
    at = 0
    while True:
        async with bench(look_up_waits_s=[1, 2], quiet_period_s=30) as made:
            delivery_id = await made.plan(requisition())
            was_killed = await made.killed(Killing(made.sink, at, is_sent=is_sent))
            view = await made.finish(delivery_id)
            assert (view.state, quantities(made)) == (DeliveryState.DONE, {1: 10, 2: 20}), at
            assert len(tenant_of(made).documents.entries(HEADERS, "created")) == 1
        if not was_killed:
            break
        at += 1

    assert at == 4  # the look-up, the header, two lines


@pytest.mark.parametrize("path", ["RequisitionHeaders$", "RequisitionLines$"])
@pytest.mark.parametrize("action", [Action.COMMIT_THEN_RESET, Action.RESET_BEFORE_COMMIT, Action.GARBAGE])
async def test_a_requisition_of_unknown_outcome_is_there_once(path: str, action: Action) -> None:
    fault = Fault(action, method="POST", path=path, times=1)
    async with bench(fault, quiet_period_s=5) as made:
        view = await made.deliver(requisition())

    assert (view.state, quantities(made)) == (DeliveryState.DONE, {1: 10, 2: 20})
    assert len(tenant_of(made).documents.entries(HEADERS, "created")) == 1


class BlindToRequisitions(Blind):
    """A sink whose look-ups find no requisition, whatever is there."""

    async def send(self, request: Any, *, still_mine: Any = None) -> Any:
        if request.step == "requisition.look_up":
            return Reply(200, b'{"value": []}')
        return await self._sink.send(request, still_mine=still_mine)


async def test_without_look_ups_a_lost_answer_would_make_two() -> None:
    fault = Fault(Action.COMMIT_THEN_RESET, method="POST", path="RequisitionHeaders$", times=1)
    async with bench(fault, look_up_waits_s=[1], quiet_period_s=2) as made:
        delivery_id = await made.plan(requisition())
        await made.finish(delivery_id, BlindToRequisitions(made.sink, made.erp))

    assert len(tenant_of(made).documents.entries(HEADERS, "created")) == 2


async def test_a_refused_line_leaves_a_draft_which_a_retry_completes() -> None:
    async with bench() as made:
        erp = tenant_of(made)
        erp.tenant.blocked_items = frozenset({"TG2"})
        view = await made.deliver(requisition())
        erp.tenant.blocked_items = frozenset()
        await made.retry(view.delivery_id)
        after = await made.finish(view.delivery_id)

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-400")
    assert view.findings[0].facts["canonical"] == "lines[1].item_ids"
    assert (after.state, quantities(made)) == (DeliveryState.DONE, {1: 10, 2: 20})


async def test_what_a_requisition_does_not_say_is_told_at_once_and_nothing_is_made() -> None:
    bare = requisition(currency=None)
    schedules = [{"quantity": {"value": "5"}}, {"quantity": {"value": "5"}}]
    line = {**bare.model_dump(exclude_none=True)["lines"][0], "schedules": schedules}
    async with bench() as made:
        view = await made.deliver(requisition(currency=None, lines=[line]))

    assert sorted(each.code for each in view.findings) == ["ERP-MISSING", "ERP-SCHEDULES"]
    assert not tenant_of(made).documents.count()


async def test_another_purpose_is_never_a_second_requisition() -> None:
    async with bench() as made:
        await made.deliver(requisition())
        view = await made.deliver(requisition(purpose="cancellation"))

    assert [each.code for each in view.findings] == ["ERP-KIND"]
    assert len(held(made, HEADERS)) == 1
