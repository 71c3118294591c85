"""What a gate says, and what sends a canary back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.business_calendar import BusinessCalendar, Freeze
from gateway.config.coexistence import Gates, Ramp, RollBack, Span, StageGate
from gateway.journal.comparisons import Approval, ComparisonCounts
from gateway.journal.types import StageState
from gateway.readiness import Attempts, Card, broken_limits, failing, judge, next_share, passed_gates, percent
from gateway.stage import Stage

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)  # a Friday
DAY = timedelta(days=1)


def counts(compared: int = 299, mismatches: int = 0, **changes: Any) -> ComparisonCounts:
    clean = changes.pop("clean", compared - mismatches)
    return ComparisonCounts(compared, mismatches, 0, 0, clean, {}, changes.pop("facets", {}))


def card(stage: str = "shadow", **changes: Any) -> Card:
    state = StageState("po", stage, "10", 1, NOW - timedelta(days=14), "ann", "why")
    made = Card("po", state, NOW, BusinessCalendar(), "rows", NOW - 90 * DAY, counts())
    return replace(made, **changes)


def shut(gate: StageGate, seen: Card, who: str = "ann") -> list[str]:
    return [each.name for each in failing(judge("to_canary", gate, seen, "canary", who))]


def approval(role: str, who: str, days_ago: int = 1, stage: str = "canary") -> Approval:
    return Approval("po", stage, role, who, "fine", NOW - timedelta(days=days_ago))


@pytest.mark.parametrize("gate", [StageGate(error_rate=Decimal(2)), StageGate(latency=Decimal(2))])
def test_without_attempts_the_gates_of_errors_and_latency_stay_shut_and_say_so(gate: StageGate) -> None:
    (judged,) = judge("to_canary", gate, card(legacy={DAY: Attempts(1, 0, (0.2,))}), "canary", "ann")

    assert not judged.is_open
    assert judged.text.startswith("no attempts yet")
    assert "what a shadow only renders is none" in judged.text


ONE_PERCENT = StageGate(mismatch_upper95=Decimal(1))


@pytest.mark.parametrize(
    "gate, seen, expected",
    [
        (StageGate(clean=299), card(), []),
        (StageGate(clean=299), card(counts=counts(300, 1, clean=298)), ["to_canary.clean"]),
        (ONE_PERCENT, card(), []),
        (ONE_PERCENT, card(counts=counts(298)), ["to_canary.mismatch_upper95"]),
        (ONE_PERCENT, card(counts=counts(400, 1)), ["to_canary.mismatch_upper95"]),
        (ONE_PERCENT, card(counts=counts(500, 1)), []),
        (StageGate(compared=300), card(), ["to_canary.compared"]),
        (StageGate(soak=Span(10, "bd")), card(), []),
        (StageGate(soak=Span(11, "bd")), card(), ["to_canary.soak"]),
        (StageGate(soak=Span(14, "d")), card(), []),
        (StageGate(open_exceptions=0), card(open_exceptions=1), ["to_canary.open_exceptions"]),
        (StageGate(open_orders=0), card(open_orders={"legacy": 3, "cloud": 0}), ["to_canary.open_orders"]),
        (StageGate(open_orders=0), card(open_orders={"legacy": 0, "cloud": 9}), []),
        (StageGate(silent=3 * DAY), card(last_message_at=NOW - 2 * DAY), ["to_canary.silent"]),
        (StageGate(silent=3 * DAY), card(last_message_at=NOW - 4 * DAY), []),
        (StageGate(error_rate=Decimal(2)), card(), ["to_canary.error_rate"]),
        (StageGate(error_rate=Decimal(2)), card(cloud={DAY: Attempts(98, 2)}), []),
        (StageGate(error_rate=Decimal(2)), card(cloud={DAY: Attempts(97, 3)}), ["to_canary.error_rate"]),
        (StageGate(latency=Decimal(2)), card(cloud={DAY: Attempts(1, 0, (0.4,))}), ["to_canary.latency"]),
        (
            StageGate(latency=Decimal(2)),
            card(cloud={DAY: Attempts(1, 0, (0.4,))}, legacy={DAY: Attempts(1, 0, (0.2,))}),
            [],
        ),
        (
            StageGate(latency=Decimal(2)),
            card(cloud={DAY: Attempts(1, 0, (0.41,))}, legacy={DAY: Attempts(1, 0, (0.2,))}),
            ["to_canary.latency"],
        ),
        (
            StageGate(seen={"unit": ("CA", "BX")}),
            card(counts=counts(facets={("unit", "CA"): (3, 0), ("unit", "BX"): (0, 0)})),
            ["to_canary.seen.unit"],
        ),
    ],
)
def test_a_gate_is_open_where_what_it_asks_for_is_so(
    gate: StageGate, seen: Card, expected: list[str]
) -> None:
    assert shut(gate, seen) == expected


@pytest.mark.parametrize("gate", [StageGate(clean=1), StageGate(compared=1), ONE_PERCENT])
def test_without_legacys_version_no_gate_about_comparisons_opens(gate: StageGate) -> None:
    for seen in (card(evidence=None), card(counts=counts(0))):
        (judged,) = judge("to_canary", gate, seen, "canary", "ann")

        assert not judged.is_open
        assert "no legacy evidence" in judged.text


def test_every_role_must_have_approved_of_this_stage_since_the_last_change() -> None:
    gate = StageGate(approve=("supply-chain", "integration"))
    approved = (approval("supply-chain", "bob"), approval("integration", "cid"))

    assert shut(gate, card(approvals=approved)) == []
    assert shut(gate, card(approvals=approved[:1])) == ["to_canary.approve"]
    assert shut(gate, card(approvals=(approved[0], approval("integration", "cid", 15)))) == [
        "to_canary.approve"
    ]
    assert shut(gate, card(approvals=(approved[0], approval("integration", "cid", 1, "cloud")))) == [
        "to_canary.approve"
    ]


def test_one_person_s_approvals_in_two_roles_count_for_one_of_them() -> None:
    gate = StageGate(approve=("supply-chain", "integration"))
    both = (approval("supply-chain", "bob"), approval("integration", "Bob "))

    (judged,) = failing(judge("to_canary", gate, card(approvals=both), "canary", "ann"))

    assert judged.name == "to_canary.approve"
    assert "one person stands for one role" in judged.text
    assert shut(gate, card(approvals=(*both, approval("supply-chain", "cid")))) == []


def test_four_eyes_are_those_of_another_person() -> None:
    gate = StageGate(four_eyes=True)

    assert shut(gate, card(approvals=(approval("x", "ann"),)), "ann") == ["to_canary.four_eyes"]
    assert shut(gate, card(approvals=(approval("x", "bob"),)), "ann") == []
    assert shut(gate, card(), "ann") == ["to_canary.four_eyes"]
    assert shut(gate, card(approvals=(approval("x", "Ann "),)), "ann") == ["to_canary.four_eyes"]


def test_all_gates_between_two_stages_hold_and_the_way_back_has_none() -> None:
    gate = StageGate(clean=1)
    gates = Gates(to_canary=gate, to_cloud=gate, to_retired=gate)

    def names(current: Stage, wanted: Stage, raises_share: bool = False) -> list[str]:
        return [name for name, _ in passed_gates(gates, current, wanted, raises_share)]

    assert names(Stage.SHADOW, Stage.CANARY) == ["to_canary"]
    assert names(Stage.LEGACY, Stage.CLOUD) == ["to_canary", "to_cloud"]
    assert names(Stage.CANARY, Stage.CANARY, raises_share=True) == ["to_canary"]
    assert names(Stage.CANARY, Stage.CANARY) == []
    assert names(Stage.CLOUD, Stage.LEGACY) == []
    assert names(Stage.RETIRED, Stage.CANARY) == []


QUARTER = timedelta(minutes=15)
LIMITS = RollBack(error_rate=Decimal(2), open_exceptions=5, latency_p95=timedelta(seconds=2))


@pytest.mark.parametrize(
    "seen, broken",
    [
        (card(cloud={QUARTER: Attempts(98, 2)}), []),
        (card(cloud={QUARTER: Attempts(97, 3)}), ["error_rate"]),
        (card(cloud={QUARTER: Attempts(10, 9)}), []),  # too few to judge
        (card(), []),
        (card(open_exceptions=5), []),
        (card(open_exceptions=6), ["open_exceptions"]),
        (card(cloud={QUARTER: Attempts(20, 0, (0.1,) * 18 + (2.1,) * 2)}), ["latency_p95"]),
        (card(cloud={QUARTER: Attempts(20, 0, (0.1,) * 19 + (2.1,))}), []),
    ],
)
def test_a_canarys_limits_break_one_by_one(seen: Card, broken: list[str]) -> None:
    assert [each.partition(":")[0] for each in broken_limits(LIMITS, seen)] == broken


def ramping(days: float, share: str = "10", **changes: Any) -> Card:
    state = StageState("po", "canary", share, 1, NOW - timedelta(days=days), "ann", "why")
    return card("canary", state=state, **changes)


def test_a_share_grows_a_step_a_day_and_never_beyond_its_end() -> None:
    ramp = Ramp(step=Decimal(5), to=Decimal(50))

    assert next_share(ramp, ramping(0.99)) is None
    assert next_share(ramp, ramping(1)) == 15
    assert next_share(ramp, ramping(1, "48")) == 50
    assert next_share(ramp, ramping(1, "50")) is None


def test_a_share_stands_still_in_a_freeze_and_by_business_days_on_holidays() -> None:
    frozen = BusinessCalendar(freezes=(Freeze(date(2026, 3, 20), date(2026, 3, 21), "count"),))
    holiday = BusinessCalendar(holidays=frozenset({date(2026, 3, 20)}))
    daily, business = Ramp(step=Decimal(5)), Ramp(step=Decimal(5), every=Span(1, "bd"))

    assert next_share(daily, ramping(3, calendar=frozen)) is None
    assert next_share(daily, ramping(3, calendar=holiday)) == 15
    assert next_share(business, ramping(3, calendar=holiday)) is None
    assert next_share(business, ramping(3)) == 15


def test_what_arrived_and_was_never_compared_is_listed() -> None:
    facets = {("unit", "CA"): (3, 1), ("unit", "BX"): (0, 0), ("supplier", "9"): (0, 0)}

    unseen = card(counts=counts(facets=facets)).unseen

    assert (unseen["unit"], unseen["supplier"], unseen["facility"]) == (("BX",), ("9",), ())


@pytest.mark.parametrize(
    "rate, text", [(0, "0%"), (0.01, "1%"), (0.00997, "1%"), (0.0099, "0.99%"), (0.00012, "0.012%")]
)
def test_a_rate_is_written_so_that_it_can_be_told_from_nothing(rate: float, text: str) -> None:
    assert percent(rate) == text
