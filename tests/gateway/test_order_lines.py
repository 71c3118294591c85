"""What an order comes to, line by line: what stays fixed and what is left always make what was ordered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.document import CanonicalDocument
from canonical.registry import parse_document
from gateway.journal.moves import Move
from gateway.journal.types import Side
from gateway.moving import remainder, total
from gateway.order_lines import OrderState, order_state
from tests.gateway.order_hospital import change, invoice, order, receipt
from tests.gateway.support import FakeClock
from tests.scale import scaled

MOVE = Move("v1", "O-1", "po", Side.LEGACY, Side.CLOUD, "ann", FakeClock().now(), "wave", "b1")


def state_of(*documents: dict[str, Any]) -> OrderState:
    return order_state(parsed(*documents))


def parsed(*documents: dict[str, Any]) -> list[CanonicalDocument]:
    return [parse_document({"schema_version": "1.0", **each}) for each in documents]


def counted(state: OrderState) -> list[tuple[str, str, str]]:
    return [(str(each.ordered), str(each.received), str(each.invoiced)) for each in state.lines]


def test_changes_receipts_and_invoices_add_up_by_line() -> None:
    state = state_of(
        order("7", 10, 5),
        change("7", "C-1", 2, 8),
        receipt("7", "R-1", 1, 4),
        receipt("7", "R-2", 1, 3),
        receipt("7", "R-3", 1, 1, kind="return"),
        invoice("7", "I-1", 1, 4),
        invoice("7", "I-2", 1, 1, debit_credit="credit"),
    )

    assert counted(state) == [("10", "6", "3"), ("8", "0", "0")]
    assert (state.problems, state.value) == ((), Decimal("45.00"))


def test_a_cancellation_leaves_nothing_and_a_sellers_change_alters_nothing() -> None:
    cancelled = state_of(order("7", 10), receipt("7", "R-1", 1, 4), order("7", 10, purpose="cancellation"))
    sellers = {**change("7", "C-1", 1, 3), "initiator": "seller"}

    assert counted(cancelled) == [("0", "4", "0")]
    assert counted(state_of(order("7", 10), sellers)) == [("10", "0", "0")]


def test_a_change_that_cancels_the_order_leaves_nothing_whatever_lines_it_names() -> None:
    cancels = {**change("7", "C-1", 1, 3), "purpose": "cancellation"}
    state = state_of(order("7", 10, 5), receipt("7", "R-1", 1, 4), cancels)

    assert counted(state) == [("0", "4", "0"), ("0", "0", "0")]
    assert remainder(state, MOVE) == "nothing of it is left to be delivered: close it where it is"


def test_lines_are_added_deleted_and_replaced_as_the_buyer_says() -> None:
    added = {"sequence": 1, "line_id": "9", "action": "add", "quantity": {"value": "2", "unit": "EA"}}
    deleted = {"sequence": 2, "line_id": "2", "action": "delete"}
    state = state_of(order("7", 10, 5), {**change("7", "C-1", 1, 1), "lines": [added, deleted]})

    assert [(each.line, str(each.ordered)) for each in state.lines] == [("1", "10"), ("2", "0"), ("9", "2")]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (receipt("7", "R-1", 9, 1), "no line of the order answers to"),
        ({**receipt("7", "R-1", 1, 1), "kind": "correction"}, "nobody can count"),
        (change("7", "C-1", 9, 1), "which the order does not have"),
        (
            {**receipt("7", "R-1", 1, 1), "lines": [
                {"sequence": 1, "order_line_id": "1", "quantity": {"value": "1", "unit": "CA"}}]},
            "in CA, and the order in EA",
        ),
    ],
)  # fmt: skip
def test_what_a_machine_cannot_count_is_a_problem_and_no_guess(document: dict[str, Any], told: str) -> None:
    (problem,) = state_of(order("7", 10), document).problems

    assert told in problem
    assert isinstance(remainder(state_of(order("7", 10), document), MOVE), str)


def test_a_line_without_a_name_is_known_by_an_item_that_only_one_line_has() -> None:
    placed = order("7", 10, 5)
    placed["lines"][1]["item_ids"] = [{"scheme": "vendor", "value": "V-2"}]
    by_item = {"sequence": 1, "item_ids": [{"scheme": "vendor", "value": "V-2"}], "quantity": {"value": "3"}}
    state = state_of(placed, {**receipt("7", "R-1", 1, 1), "lines": [by_item]})

    assert counted(state) == [("10", "0", "0"), ("5", "3", "0")]


def test_a_line_of_a_document_about_several_orders_counts_only_where_it_says_which() -> None:
    both = {**receipt("7", "R-1", 1, 4), "orders": [{"number": "7"}, {"number": "8"}]}
    documents = parsed(order("7", 10), both)

    told = order_state(documents, lambda document, line: None if len(document.named_orders) > 1 else True)

    assert "does not say which" in told.problems[0]


def test_the_remainder_is_an_order_of_its_own_that_the_supplier_has_already() -> None:
    state = state_of(order("7", 10, 5, 3), receipt("7", "R-1", 1, 4), receipt("7", "R-2", 3, 3))
    made = remainder(state, MOVE)

    assert not isinstance(made, str)
    left = [
        (each.line_id, each.sequence, str(each.quantity.value)) for each in made.order.lines if each.quantity
    ]
    assert left == [("1", 1, "6"), ("2", 2, "5")]
    assert (made.order.already_placed, made.order.extensions["bridge_origin"]["by"]) == (True, "move")
    closing = [
        (each.line_id, each.action, str(each.quantity.value)) for each in made.closing.lines if each.quantity
    ]
    assert closing == [("1", "quantity_decrease", "4"), ("2", "delete", "0"), ("3", "no_change", "3")]


quantities = st.integers(min_value=1, max_value=10_000)
histories = st.lists(
    st.tuples(
        quantities, st.lists(st.integers(0, 500), max_size=4), st.lists(st.integers(0, 500), max_size=4)
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=scaled(60))
@given(histories)
def test_fixed_and_moved_always_make_what_was_ordered_or_what_came_over_it(
    history: list[tuple[int, list[int], list[int]]],
) -> None:
    documents = [order("7", *(ordered for ordered, _, _ in history))]
    for line, (_, received, invoiced) in enumerate(history, start=1):
        documents += [receipt("7", f"R-{line}-{at}", line, each) for at, each in enumerate(received)]
        documents += [invoice("7", f"I-{line}-{at}", line, each) for at, each in enumerate(invoiced)]
    state = state_of(*documents)

    for (ordered, received, invoiced), found in zip(history, state.lines, strict=True):
        assert found.fixed == max(sum(received), sum(invoiced))
        assert found.fixed + found.remainder == max(ordered, found.fixed)
    over = sum(max(each.fixed - each.ordered, Decimal(0)) * Decimal("2.50") for each in state.lines)
    assert (
        total(state.lines, "fixed") + total(state.lines, "remainder") == total(state.lines, "ordered") + over
    )
