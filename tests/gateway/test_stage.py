"""The strangler table: which side takes an order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal.types import MOVED, LedgerEntry, Side, Transmitter
from gateway.stage import Dimension, OrderFacts, RouteRule, Stage, decide, follow, takes_cloud, unknown_order
from tests.scale import scaled

RULE = RouteRule(
    route="po.acme",
    legacy_target="mms",
    cloud_target="fusion",
    supplier_target="acme",
    cloud_transmitter=Transmitter.GATEWAY,
    select={"facility": frozenset({"04", "07"})},
    pin_legacy={"line_class": frozenset({"implant", "blood"})},
    salt="po.acme",
)
ALL = Decimal(100)


def facts(key: str = "order:1|HB|4711", /, **words: set[str]) -> OrderFacts:
    return OrderFacts(key, {name: frozenset(each) for name, each in words.items()})  # type: ignore[misc]


def entry(side: Side, key: str = "order:1|HB|4711") -> LedgerEntry:
    return LedgerEntry(
        order_key=key,
        side=side,
        transmitter=Transmitter.LEGACY if side is Side.LEGACY else Transmitter.GATEWAY,
        route="po.acme",
        stage="canary",
        reason="canary: selected",
        opened_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def test_in_stage_legacy_an_order_goes_to_legacy_as_received_and_nowhere_else() -> None:
    decision = decide(RULE, Stage.LEGACY, ALL, facts(facility={"04"}), None)

    assert decision.side is Side.LEGACY
    assert decision.opens
    assert [(each.target, each.role, each.form) for each in decision.intents] == [
        ("mms", "live", "as_received")
    ]


def test_in_stage_shadow_the_cloud_gets_a_shadow_and_legacy_stays_live() -> None:
    decision = decide(RULE, Stage.SHADOW, ALL, facts(facility={"04"}), None)

    assert decision.side is Side.LEGACY
    assert decision.transmitter is Transmitter.LEGACY
    assert [(each.target, each.role) for each in decision.intents] == [("mms", "live"), ("fusion", "shadow")]


def test_in_stage_canary_a_selected_order_goes_to_the_cloud_and_the_gateway_transmits_it() -> None:
    decision = decide(RULE, Stage.CANARY, ALL, facts(facility={"04"}), None)

    assert decision.side is Side.CLOUD
    assert decision.transmitter is Transmitter.GATEWAY
    assert [(each.target, each.form) for each in decision.intents] == [
        ("fusion", "canonical"),
        ("acme", "as_received"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        {"facility": {"99"}},
        {"facility": {"04", "99"}},  # one line outside the selection
        {"facility": set()},
        {"facility": {"04"}, "line_class": {"implant", "office"}},  # one guarded line pins the order
    ],
)
def test_in_stage_canary_what_is_not_selected_or_is_pinned_stays_on_legacy(
    words: dict[str, set[str]],
) -> None:
    assert decide(RULE, Stage.CANARY, ALL, facts(**words), None).side is Side.LEGACY


@pytest.mark.parametrize(
    "words",
    [
        {"order_type": {"blanket"}},
        {"order_type": {"release"}},
        {"order_type": {"standing"}},
        {"order_type": {"replenishment"}},
        {"stock": {"stock"}},
        {"stock": {"consignment"}},
    ],
)
def test_a_percentage_never_selects_stock_blanket_or_consignment_orders(words: dict[str, set[str]]) -> None:
    share = Decimal("99.999999")
    orders = [facts(f"order:1|HB|{number}", facility={"04"}, **words) for number in range(200)]

    assert all(decide(RULE, Stage.CANARY, share, order, None).side is Side.LEGACY for order in orders)
    assert all(decide(RULE, Stage.CANARY, ALL, order, None).side is Side.CLOUD for order in orders)


def test_a_percentage_outside_a_selection_selects_nothing() -> None:
    rule = replace(RULE, select={})

    assert decide(rule, Stage.CANARY, ALL, facts(facility={"04"}), None).side is Side.LEGACY


def test_raising_the_canary_percentage_never_moves_an_order_back() -> None:
    keys = [f"PO-{n}" for n in range(2_000)]
    shares = [Decimal(each) for each in (0, 10, 25, 100)]
    sides = [{key for key in keys if takes_cloud(key, share, "po.acme")} for share in shares]

    assert sides[0] == set()
    assert sides[0] < sides[1] < sides[2] < sides[3] == set(keys)
    assert 150 < len(sides[1]) < 250  # 10 % of 2,000


@given(st.text(max_size=30), st.decimals(0, 100), st.decimals(0, 100))
def test_a_higher_share_takes_every_order_that_a_lower_one_takes(
    key: str, one: Decimal, other: Decimal
) -> None:
    low, high = sorted((one, other))

    assert not takes_cloud(key, low) or takes_cloud(key, high)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("side", list(Side))
def test_an_order_that_the_ledger_knows_stays_on_its_side_in_every_stage(stage: Stage, side: Side) -> None:
    decision = decide(RULE, stage, ALL, facts(facility={"04"}), entry(side))

    assert decision.side is side
    assert not decision.opens


def test_a_retired_route_refuses_new_orders_with_a_finding() -> None:
    decision = decide(RULE, Stage.RETIRED, ALL, facts(facility={"04"}), None)

    assert decision.side is None
    assert decision.intents == ()
    assert decision.findings[0].code == "ROUTE-RETIRED"


def test_the_losing_side_gets_a_copy_only_where_the_route_says_so() -> None:
    rule = replace(RULE, copies_to_legacy=True, cloud_transmitter=Transmitter.ERP)
    roles = [(each.target, each.role) for each in decide(rule, Stage.CLOUD, ALL, facts(), None).intents]

    assert roles == [("fusion", "live"), ("mms", "copy")]
    retired = decide(rule, Stage.RETIRED, ALL, facts(), entry(Side.CLOUD))
    assert [each.target for each in retired.intents] == ["fusion", "acme"]


def test_in_stage_shadow_an_order_of_the_cloud_goes_there_once_and_not_as_a_shadow_too() -> None:
    decision = decide(RULE, Stage.SHADOW, ALL, facts(), entry(Side.CLOUD))

    assert [(each.target, each.role) for each in decision.intents if each.target == "fusion"] == [
        ("fusion", "live")
    ]


def test_what_follows_an_order_is_never_sent_to_its_supplier() -> None:
    by_gateway = replace(entry(Side.CLOUD), transmitter=Transmitter.GATEWAY)

    assert RULE.supplier_target is not None
    assert [each.target for each in follow(RULE, [by_gateway]).intents] == ["fusion"]


@pytest.mark.parametrize("stage", list(Stage))
def test_an_order_placed_by_phone_is_never_given_to_a_legacy_system_that_would_send_it(stage: Stage) -> None:
    phoned = replace(entry(Side.LEGACY), transmitter=Transmitter.NONE)
    decision = decide(RULE, stage, ALL, facts(), phoned)

    assert (decision.side, decision.intents) == (None, ())
    assert decision.findings[0].code == "LEGACY-WOULD-TRANSMIT"
    assert follow(RULE, [phoned], originates=True).findings == decision.findings
    assert follow(RULE, [phoned]).side is Side.LEGACY  # an answer to it
    sent_by_us = replace(RULE, legacy_transmitter=Transmitter.GATEWAY)
    assert decide(sent_by_us, stage, ALL, facts(), phoned).side is Side.LEGACY


def test_a_follow_on_goes_where_its_order_is() -> None:
    rule = RouteRule(route="ack.acme", legacy_target="mms", cloud_target="fusion")

    assert follow(rule, [entry(Side.LEGACY)]).intents[0].target == "mms"
    assert follow(rule, [entry(Side.CLOUD)]).intents[0].target == "fusion"


def test_an_invoice_over_orders_of_both_sides_is_never_split() -> None:
    decision = follow(RULE, [entry(Side.LEGACY, "order:1|HB|1"), entry(Side.CLOUD, "order:1|HB|2")])

    assert decision.side is None
    assert decision.findings[0].code == "FOLLOW-BOTH-SIDES"


def test_an_unknown_order_goes_to_the_declared_side_or_to_a_person() -> None:
    rule = RouteRule(route="ack.acme", legacy_target="mms", cloud_target="fusion")

    assert unknown_order(rule, Side.LEGACY).intents[0].target == "mms"
    assert unknown_order(rule, None).findings[0].code == "FOLLOW-UNKNOWN-ORDER"


def test_a_side_without_a_target_parks_instead_of_going_elsewhere() -> None:
    decision = follow(RouteRule(route="ack.acme", legacy_target="mms"), [entry(Side.CLOUD)])

    assert decision.side is None
    assert decision.findings[0].code == "ROUTE-NO-TARGET"


PINS: dict[Dimension, frozenset[str]] = {
    "line_class": frozenset({"implant", "blood", "pharmacy"}),
    "order_type": frozenset({"recall"}),
}
words = st.sampled_from(["implant", "blood", "pharmacy", "recall", "gloves", "04", "05", "ACME", ""])
dimensions = st.sampled_from(
    ["facility", "supplier", "category", "line_class", "order_type", "stock", "location"]
)
ORDERS = st.dictionaries(dimensions, st.frozensets(words, min_size=1, max_size=4), max_size=6)


@settings(max_examples=scaled(300))
@given(ORDERS, ORDERS, st.decimals(0, 100, places=2), st.text(max_size=8))
def test_a_pinned_order_is_never_taken_by_a_canary_whatever_else_it_says(
    order: dict[Any, frozenset[str]], selects: dict[Any, frozenset[str]], share: Decimal, key: str
) -> None:
    rule = replace(RULE, select=selects, pin_legacy=PINS)
    is_pinned = any(order.get(name, frozenset()) & pinned for name, pinned in PINS.items())

    decision = decide(rule, Stage.CANARY, share, OrderFacts(key, order), None)

    if is_pinned:
        assert decision.side is Side.LEGACY


def test_a_change_of_the_buyers_is_sent_to_the_supplier_by_the_gateway_where_it_sends_the_orders() -> None:
    decision = follow(RULE, [entry(Side.CLOUD)], revises=True)

    assert [each.target for each in decision.intents] == ["fusion", "acme"]


def test_of_a_moved_order_what_is_new_is_sent_by_its_new_side_and_what_is_old_by_nobody() -> None:
    moved = replace(entry(Side.CLOUD), stage=MOVED, transmitter=Transmitter.NONE)
    again = decide(RULE, Stage.CLOUD, ALL, facts(), moved)
    release = decide(RULE, Stage.CLOUD, ALL, facts(), moved, is_new=True)
    changed = follow(RULE, [moved], revises=True)

    assert [each.target for each in again.intents] == ["fusion"]
    assert (again.transmitter, again.tells) == (Transmitter.NONE, None)
    for each in (release, changed):
        assert [intent.target for intent in each.intents] == ["fusion", "acme"]
        assert each.tells is Transmitter.GATEWAY


def test_an_order_that_moved_to_legacy_is_not_given_to_it_again_as_new() -> None:
    moved = replace(entry(Side.LEGACY), stage=MOVED, transmitter=Transmitter.NONE)

    (finding,) = decide(RULE, Stage.LEGACY, ALL, facts(), moved).findings

    assert finding.code == "LEGACY-WOULD-TRANSMIT"
    assert follow(RULE, [moved], originates=True, revises=True).tells is Transmitter.LEGACY
