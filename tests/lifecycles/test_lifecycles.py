"""Order lifecycles through a 120-day ramp with two roll-backs: none split, none lost, none doubled.

Everyday: 100 of them. `make soak` with a scale of 100 runs 10,000, in histories of 200.
"""

from __future__ import annotations

import pytest

from gateway.journal.types import Transmitter
from tests.lifecycles.course import DAYS, ROLL_BACKS, STAGES, course_of
from tests.lifecycles.history import History
from tests.scale import scaled

TOTAL = scaled(100, full=10_000)
EACH = min(TOTAL // 2, 200)
HISTORIES = [(seed, EACH) for seed in range(1, TOTAL // EACH + 1)]


@pytest.mark.parametrize(("seed", "orders"), HISTORIES)
async def test_no_order_is_split_lost_or_doubled_and_the_supplier_gets_each_revision_once(
    seed: int, orders: int
) -> None:
    sender = (Transmitter.ERP, Transmitter.GATEWAY)[seed % 2]
    counted = await History(seed, orders, transmitter=sender).run()

    assert (counted.split, counted.lost, counted.duplicated) == ([], [], [])
    assert counted.sent_wrongly == []
    assert counted.guarded_in_cloud == []
    assert counted.left_open == []
    assert counted.facts["orders"] == orders
    assert counted.facts["moved"] > 0
    assert counted.facts["died"] > 0
    assert min(counted.facts["legacy purchase_order"], counted.facts["erp purchase_order"]) > 0


async def test_without_the_ledger_the_same_orders_are_split() -> None:
    counted = await History(1, EACH, has_ledger=False, moves=False).run()

    assert len(counted.split) > 0
    assert not counted.is_good


def test_the_course_is_a_ramp_of_120_days_with_two_roll_backs_restarts_and_replays() -> None:
    events = course_of(1, 20)
    shares = [share for _, stage, share in STAGES if stage == "canary"]

    assert DAYS == 120.0
    assert [day for day, stage, _ in STAGES if stage in ("legacy", "shadow") and day > 10] == list(ROLL_BACKS)
    assert (min(shares), max(shares), STAGES[-1][1]) == (5, 100, "cloud")
    assert {each.what for each in events} >= {
        "document",
        "stage",
        "recall",
        "restart",
        "crash",
        "replay",
        "move",
    }
    assert {each.route for each in events if each.document} == {
        "po",
        "acks",
        "changes",
        "receipts",
        "invoices",
    }
