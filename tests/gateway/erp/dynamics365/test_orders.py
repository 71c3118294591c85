"""Orders on Dynamics 365: headers without lines, numbers of ours, companies, workflow, vendors, changes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from canonical.order_change import OrderChange
from gateway.journal.types import DeliveryState
from simulators.cloud_erp.dynamics365.receipts import post_by_person
from simulators.faults import Action, Fault
from tests.gateway.erp.bench import Blind, Killing
from tests.gateway.erp.dynamics365.bench_of import bench, held, tenant_of
from tests.gateway.erp.paper import cancellation, change, order
from tests.gateway.erp.paper import change as changed

HEADERS, LINES = "PurchaseOrderHeadersV2", "PurchaseOrderLinesV2"
AT_LINES = r"/data/PurchaseOrderLinesV2$"


async def test_a_refused_line_leaves_a_header_and_a_retry_adds_what_is_missing() -> None:
    async with bench() as made:
        erp = tenant_of(made)
        erp.tenant.blocked_items = frozenset({"TG2"})
        view = await made.deliver(order())
        orphan = (erp.order("PO-1"), len(erp.order_lines("PO-1")))
        erp.tenant.blocked_items = frozenset()
        await made.retry(view.delivery_id)
        healed = await made.finish(view.delivery_id)
        created = [(each.kind, each.number) for each in erp.documents.entries(event="created")]

    assert view.state is DeliveryState.PARKED
    assert [each.code for each in view.findings] == ["ERP-400", "ERP-ORDER-PARTIAL"]
    assert view.findings[0].text == "Item 'TG2' is blocked for 'Purchase order'. (ERP code Infolog)"
    assert view.findings[0].at.path == "ST 0001 / PO1[2]/PO107"
    assert orphan[0] is not None
    assert orphan[1] == 1
    assert healed.state is DeliveryState.DONE
    assert created == [(HEADERS, "PO-1"), (LINES, "PO-1/1"), (LINES, "PO-1/2")]


@pytest.mark.parametrize("is_sent", [False, True], ids=["before", "after"])
async def test_a_kill_between_header_and_lines_goes_on_where_it_stopped(is_sent: bool) -> None:
    at = 0
    while True:
        async with bench(look_up_waits_s=[1, 2], quiet_period_s=30) as made:
            delivery_id = await made.plan(order(lines=3))
            was_killed = await made.killed(Killing(made.sink, at, is_sent=is_sent))
            if not was_killed:
                break
            view = await made.finish(delivery_id)
            erp = tenant_of(made)
            assert view.state is DeliveryState.DONE, (at, view)
            assert [int(each["LineNumber"]) for each in erp.order_lines("PO-1")] == [1, 2, 3]
            assert len(erp.documents.entries(HEADERS, "created")) == 1
        at += 1

    assert at == 6  # the vendor, the look-up, the header, three lines


async def test_an_order_of_more_lines_than_a_target_may_repeat_a_step_is_made_in_one_go() -> None:
    async with bench() as made:
        view = await made.deliver(order(lines=250))
        lines = tenant_of(made).order_lines("PO-1")

    assert (view.state, [each.code for each in view.findings]) == (DeliveryState.DONE, [])
    assert len(lines) == 250


async def test_a_journal_from_a_backup_finds_the_half_order_and_completes_it() -> None:
    async with bench() as made:
        erp = tenant_of(made)
        erp.tenant.blocked_items = frozenset({"TG2"})
        await made.deliver(order(), document_key="k")
        erp.tenant.blocked_items = frozenset()
        # The first delivery is parked and holds its lane; a journal from a backup knows of none.
        forgotten = await made.deliver(order(), document_key="k", order="another lane")
        lines = erp.order_lines("PO-1")

    assert forgotten.state is DeliveryState.DONE
    assert [each["ItemNumber"] for each in lines] == ["TG1", "TG2"]


async def test_our_number_keeps_the_erp_from_doubles_even_where_no_look_up_sees() -> None:
    fault = Fault(Action.COMMIT_THEN_RESET, method="POST", path=r"HeadersV2$", times=1)
    async with bench(fault, look_up_waits_s=[1], quiet_period_s=2) as made:
        delivery_id = await made.plan(order())
        view = await made.finish(delivery_id, Blind(made.sink, made.erp))

    assert len(made.erp.orders(made.simulator)) == 1
    assert view.state is DeliveryState.PARKED


async def test_an_order_of_that_number_that_a_buyer_typed_in_is_not_taken_for_ours() -> None:
    async with bench() as made:
        erp = tenant_of(made)
        fields = {"dataAreaId": "usmf", "PurchaseOrderNumber": "PO-1", "OrderVendorAccountNumber": "1013"}
        erp.documents.create(
            HEADERS, "usmf|PO-1", fields | {"VendorOrderReference": "by phone"}, number="PO-1"
        )
        view = await made.deliver(order())

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-REF-MISMATCH")
    assert not held(made, LINES)


async def test_another_company_is_asked_for_by_name_and_across_companies() -> None:
    defaults = {"company": "dat", "site": "1", "warehouse": "11"}
    async with bench(defaults=defaults) as made:
        view = await made.deliver(order(), document_key="k")
        again = await made.deliver(order(), document_key="k")
        erp = tenant_of(made)
        queries = [each.path for each in erp.requests if each.method == "GET"]

    assert {view.state, again.state} == {DeliveryState.DONE}
    assert erp.order("PO-1", "dat") is not None
    assert len(erp.documents.entries(HEADERS, "created")) == 1
    assert all("cross-company=true" in each for each in queries)


async def test_without_cross_company_the_order_of_another_company_is_not_seen() -> None:
    defaults = {"company": "dat", "site": "1", "warehouse": "11"}
    async with bench(defaults=defaults) as made:
        await made.deliver(order())
        erp = tenant_of(made)
        found = {
            options: erp.do("GET", HEADERS, dict(options), "", b"").text
            for options in ((), (("cross-company", "true"),))
        }

    assert '"value":[]' in str(found[()])
    assert "PO-1" in str(found[(("cross-company", "true"),)])


@pytest.mark.parametrize(
    "what, code", [("unknown", "ERP-SUPPLIER-UNKNOWN"), ("held", "ERP-SUPPLIER-BLOCKED")]
)
async def test_a_vendor_that_is_unknown_or_on_hold_is_named_before_anything_is_made(
    what: str, code: str
) -> None:
    async with bench() as made:
        erp = tenant_of(made)
        erp.tenant.vendors = frozenset({"1"}) if what == "unknown" else frozenset({"1013"})
        erp.tenant.held_vendors = frozenset({"1013"}) if what == "held" else frozenset()
        view = await made.deliver(order())
        count = erp.documents.count()
        erp.tenant.vendors, erp.tenant.held_vendors = None, frozenset()
        await made.retry(view.delivery_id)
        after = await made.finish(view.delivery_id)

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, code)
    assert view.findings[0].facts["canonical"] == "seller"
    assert count == 0
    assert after.state is DeliveryState.DONE


async def test_schedules_become_lines_and_answers_find_them() -> None:
    lines = [
        {
            "sequence": 1,
            "line_id": "010",
            "item_ids": [{"scheme": "buyer", "value": "TG1"}],
            "quantity": {"value": "30", "unit": "EA"},
            "schedules": [
                {"quantity": {"value": "10"}, "requested": {"date": "2026-04-01"}},
                {"quantity": {"value": "20"}, "requested": {"date": "2026-05-01"}},
            ],
        }
    ]
    async with bench() as made:
        await made.deliver(order(lines=0).model_validate({**order().model_dump(), "lines": lines}))
        sent = tenant_of(made).order_lines("PO-1")
        names = await made.aliases()

    assert [(each["OrderedPurchaseQuantity"], each["RequestedDeliveryDate"][:10]) for each in sent] == [
        (10, "2026-04-01"),
        (20, "2026-05-01"),
    ]
    assert {("erp", "PO-1", "1", "1"), ("erp", "PO-1", "1/2", "2")} <= set(names)


async def test_what_cannot_be_said_to_the_erp_is_told_all_at_once_and_nothing_is_made() -> None:
    lines = [
        {
            "sequence": 1,
            "item_ids": [{"scheme": "buyer", "value": "X" * 21}],
            "quantity": {"value": "0.1234567", "unit": "EA"},
            "distributions": [{"account": "1"}, {"account": "2"}],
        },
        {"sequence": 2, "item_ids": [{"scheme": "vendor", "value": "V"}], "quantity": {"value": "1"}},
    ]
    async with bench() as made:
        view = await made.deliver(order().model_validate({**order().model_dump(), "lines": lines}))

    codes = [each.code for each in view.findings]
    assert sorted(codes) == ["ERP-DIGITS", "ERP-DISTRIBUTION", "ERP-LENGTH", "ERP-MISSING", "ERP-MISSING"]
    assert not tenant_of(made).documents.count()


async def test_a_cancelled_order_is_removed_and_a_second_time_changes_nothing() -> None:
    async with bench(cancel="delete") as made:
        await made.deliver(order())
        first = await made.deliver(cancellation())
        again = await made.deliver(cancellation())

    assert {first.state, again.state} == {DeliveryState.DONE}
    assert not held(made, HEADERS)
    assert not held(made, LINES)


def taking_away(*line_ids: str, **changes: Any) -> OrderChange:
    """Give a change that takes lines away, or (`purpose="cancellation"`) the whole order."""
    lines = [{"sequence": at, "line_id": each, "action": "delete"} for at, each in enumerate(line_ids, 1)]
    return changed().model_validate({**changed().model_dump(), "lines": lines, **changes})


@pytest.mark.parametrize("cancel", ["delete", "stop_lines"])
async def test_a_change_that_cancels_takes_the_order_away_and_a_second_one_changes_nothing(
    cancel: str,
) -> None:
    async with bench(cancel=cancel) as made:
        await made.deliver(order())
        first = await made.deliver(taking_away(purpose="cancellation"))
        count = tenant_of(made).documents.count()
        again = await made.deliver(taking_away(purpose="cancellation"))
        stopped = [each["IsLineStopped"] for each in held(made, LINES)]
        written = tenant_of(made).documents.count() - count

    assert {first.state, again.state} == {DeliveryState.DONE}
    assert (len(held(made, HEADERS)), stopped) == ((0, []) if cancel == "delete" else (1, ["Yes", "Yes"]))
    assert written == 0


@pytest.mark.parametrize("paper", [cancellation(), taking_away(purpose="cancellation")], ids=["850", "860"])
async def test_an_order_of_which_goods_came_is_cancelled_as_far_as_it_is_left(paper: Any) -> None:
    async with bench(cancel="delete") as made:
        await made.deliver(order())
        post_by_person(tenant_of(made), "PO-1", {1: 4})
        view = await made.deliver(paper)
        (line,) = held(made, LINES)

    assert (view.state, [each.code for each in view.findings]) == (
        DeliveryState.DONE,
        ["ERP-CANCEL-REMAINDER"],
    )
    assert "4 of line 1 had been received" in view.findings[0].text
    assert (line["OrderedPurchaseQuantity"], line["PurchaseOrderLineStatus"]) == (4, "Received")


@pytest.mark.parametrize(
    ("cancel", "received", "left"),
    [
        ("delete", 0, [(2, 20, "No")]),
        ("stop_lines", 0, [(1, 10, "Yes"), (2, 20, "No")]),
        ("delete", 4, [(1, 4, "No"), (2, 20, "No")]),
        ("stop_lines", 4, [(1, 4, "No"), (2, 20, "No")]),
        ("delete", 10, [(1, 10, "No"), (2, 20, "No")]),
    ],
)
async def test_a_line_that_is_taken_away_is_gone_stopped_or_down_to_what_came_of_it(
    cancel: str, received: int, left: list[tuple[int, int, str]]
) -> None:
    async with bench(cancel=cancel) as made:
        await made.deliver(order())
        if received:
            post_by_person(tenant_of(made), "PO-1", {1: received})
        view = await made.deliver(taking_away("0010"))
        again = await made.deliver(taking_away("0010", number="C-2"))
        lines = [
            (int(each["LineNumber"]), each["OrderedPurchaseQuantity"], each["IsLineStopped"])
            for each in tenant_of(made).order_lines("PO-1")
        ]

    assert {view.state, again.state} == {DeliveryState.DONE}
    assert [each.code for each in view.findings] == (["ERP-CANCEL-REMAINDER"] if received else [])
    assert lines == left


async def test_all_schedules_of_a_line_that_is_taken_away_go_with_it() -> None:
    paper = order(lines=2).model_dump(exclude_none=True)
    paper["lines"][0]["schedules"] = [{"quantity": {"value": "6"}}, {"quantity": {"value": "4"}}]
    async with bench(cancel="delete") as made:
        await made.deliver(order().model_validate(paper))
        view = await made.deliver(taking_away("0010"))
        numbers = [int(each["LineNumber"]) for each in held(made, LINES)]

    assert (view.state, numbers) == (DeliveryState.DONE, [3])


async def test_a_cancellation_that_the_supplier_asks_for_is_the_buyers() -> None:
    async with bench(cancel="delete") as made:
        await made.deliver(order())
        view = await made.deliver(taking_away(purpose="cancellation", initiator="seller"))

    assert [each.code for each in view.findings] == ["ERP-CHANGE-SELLER"]
    assert len(held(made, HEADERS)) == 1


@pytest.mark.parametrize("is_sent", [False, True], ids=["before", "after"])
async def test_a_kill_between_any_two_steps_of_a_cancellation_goes_on_where_it_stopped(is_sent: bool) -> None:
    at = 0
    while True:
        async with bench(cancel="delete") as made:
            await made.deliver(order())
            post_by_person(tenant_of(made), "PO-1", {1: 4})
            delivery_id = await made.plan(taking_away(purpose="cancellation"))
            was_killed = await made.killed(Killing(made.sink, at, is_sent=is_sent))
            view = await made.finish(delivery_id)
            lines = [(each["LineNumber"], each["OrderedPurchaseQuantity"]) for each in held(made, LINES)]
            assert (view.state, lines) == (DeliveryState.DONE, [(1, 4)]), at
        if not was_killed:
            break
        at += 1

    assert at == 6  # lines and receipts, the same to be cut, two cuts


async def test_an_order_in_workflow_is_not_changed_and_the_reason_is_plain() -> None:
    async with bench() as made:
        await made.deliver(order())
        erp = tenant_of(made)
        erp.tenant.approvals["PO-1"] = "InReview"
        view = await made.deliver(change())
        quantities = [each["OrderedPurchaseQuantity"] for each in erp.order_lines("PO-1")]

    assert view.state is DeliveryState.PARKED
    assert "approval status InReview" in view.findings[0].text
    assert quantities == [10, 20]


async def test_somebody_elses_change_meanwhile_is_read_again_and_ours_made_on_top() -> None:
    fault = Fault(Action.STATUS, method="PATCH", times=1, status=412, commits=False)
    async with bench(fault) as made:
        await made.deliver(order())
        view = await made.deliver(change(quantity="15"))
        steps = [each.step for each in view.steps]
        quantities = [each["OrderedPurchaseQuantity"] for each in tenant_of(made).order_lines("PO-1")]

    assert view.state is DeliveryState.DONE
    assert steps == ["current:0.1", "change:0.1", "current:0.2", "change:0.2"]
    assert quantities == [10, 15]


async def test_a_stale_etag_is_refused_by_the_erp() -> None:
    async with bench() as made:
        await made.deliver(order())
        erp = tenant_of(made)
        key = "(dataAreaId='usmf',PurchaseOrderNumber='PO-1',LineNumber=1)"
        answer = erp.do("PATCH", f"{LINES}{key}", {}, 'W/"stale"', b'{"PurchasePrice": 9}')

    assert answer.status == 412


@pytest.mark.parametrize("fault", [Action.COMMIT_THEN_RESET, Action.RESET_BEFORE_COMMIT])
async def test_a_change_of_unknown_outcome_is_made_once(fault: Action) -> None:
    async with bench(Fault(fault, method="PATCH", times=1), quiet_period_s=5) as made:
        await made.deliver(order())
        view = await made.deliver(change(quantity="15"))
        erp = tenant_of(made)
        patches = erp.documents.entries(LINES, "changed")

    assert view.state is DeliveryState.DONE
    assert len(patches) == 1


async def test_lines_are_added_and_taken_away() -> None:
    paper = changed().model_dump()
    lines = [
        {"sequence": 1, "line_id": "0030", "action": "add", "item_ids": [{"scheme": "buyer", "value": "TG3"}],
         "quantity": {"value": "7", "unit": "EA"}, "price": {"amount": "3.25"}},
        {"sequence": 2, "line_id": "0010", "action": "delete"},
    ]  # fmt: skip
    async with bench(cancel="delete") as made:
        await made.deliver(order())
        view = await made.deliver(changed().model_validate({**paper, "lines": lines}))
        later = await made.deliver(
            changed().model_validate(
                {**paper, "number": "C-2", "lines": [{**paper["lines"][0], "line_id": "0030"}]}
            )
        )
        sent = tenant_of(made).order_lines("PO-1")

    assert {view.state, later.state} == {DeliveryState.DONE}
    assert [(int(each["LineNumber"]), each["OrderedPurchaseQuantity"]) for each in sent] == [(2, 20), (3, 15)]


@pytest.mark.parametrize(
    "word, told",
    [
        ("throttle_requests", "limits.rate_per_s"),
        ("throttle_time", "execution time"),
        ("throttle_concurrent", "same time"),
        ("throttle_resources", "throttling priority"),
    ],
)
async def test_each_of_the_four_throttles_says_what_to_turn_and_waits_as_asked(word: str, told: str) -> None:
    fault = Fault(Action.BUSINESS_ERROR, method="POST", path=AT_LINES, times=1, error=word, retry_after="7")
    async with bench(fault) as made:
        delivery_id = await made.plan(order())
        await made.go()
        waiting = await made.view(delivery_id)
        before = made.clock.ahead_s
        view = await made.finish(delivery_id)

    assert waiting.state is DeliveryState.WAITING
    assert told in waiting.reason
    assert waiting.attempts == 0
    assert made.clock.ahead_s - before >= 6
    assert view.state is DeliveryState.DONE


async def test_a_storm_of_throttles_stays_within_the_budget_and_keeps_the_order_of_lines() -> None:
    storm = Fault(Action.BUSINESS_ERROR, method="POST", error="throttle_requests", share=0.6, retry_after="1")
    async with bench(storm) as made:
        view = await made.deliver(order(lines=8))
        erp = tenant_of(made)
        numbers = [each.number for each in erp.documents.entries(LINES, "created")]
        asked = len([each for each in erp.requests if each.method == "POST"])

    assert view.state is DeliveryState.DONE
    assert numbers == [f"PO-1/{at}" for at in range(1, 9)]
    assert asked <= 60
    assert view.attempts == 0


async def test_prices_keep_every_digit_and_their_basis() -> None:
    lines = [
        {"sequence": 1, "item_ids": [{"scheme": "buyer", "value": "TG1"}],
         "quantity": {"value": "123456.654321", "unit": "EA"},
         "price": {"amount": "1234567.123456", "base_quantity": "100"}},
    ]  # fmt: skip
    async with bench() as made:
        await made.deliver(order().model_validate({**order().model_dump(), "lines": lines}))
        (line,) = tenant_of(made).order_lines("PO-1")

    assert line["OrderedPurchaseQuantity"] == Decimal("123456.654321")
    assert (line["PurchasePrice"], line["PurchasePriceQuantity"]) == (Decimal("1234567.123456"), 100)
