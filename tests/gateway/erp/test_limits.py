"""Rate, concurrency, retry budget and breaker: what holds for every history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pydantic import ValidationError

from adapters.base import Accepted, InDoubt, Rejected, Transient, TransientKind
from gateway.erp.limits import BreakerState, Slots, TargetHealth, Work
from gateway.erp.settings import LimitSettings

OUTAGE = Transient("no connection", TransientKind.OUTAGE)
CREDENTIAL = Transient("status 401", TransientKind.CREDENTIAL)
ERROR = Transient("status 500", TransientKind.ERROR)
DONE = Accepted("PO-1")


def health(**settings) -> TargetHealth:
    return TargetHealth(LimitSettings(**settings), 0.0)


def test_a_fresh_target_offers_its_connections_and_the_urgent_reserve() -> None:
    assert health(concurrent=8, concurrent_urgent=2).slots(0.0) == Slots(8, 2)


def test_normal_deliveries_never_take_the_urgent_reserve() -> None:
    target = health(concurrent=2, concurrent_urgent=1)
    for _ in range(2):
        target.started(0.0)

    assert target.slots(0.0) == Slots(0, 1)


def test_urgent_deliveries_fill_their_reserve_before_normal_places() -> None:
    target = health(concurrent=2, concurrent_urgent=1)
    target.started(0.0, is_urgent=True)
    assert target.slots(0.0) == Slots(2, 0)
    target.started(0.0, is_urgent=True)
    assert target.slots(0.0) == Slots(1, 0)


def test_an_ended_delivery_gives_its_place_back_once() -> None:
    target = health(concurrent=1, concurrent_urgent=0)
    work = target.started(0.0)
    target.ended(work)
    target.ended(work)

    assert target.slots(0.0) == Slots(1, 0)


def test_the_last_part_of_a_burst_is_for_urgent_deliveries() -> None:
    target = health(rate_per_s=1, burst=10, urgent_share=0.2, concurrent=100)
    assert target.slots(0.0) == Slots(8, 2)
    for _ in range(8):
        target.request_sent(target.started(0.0), 0.0)

    assert target.slots(0.0) == Slots(0, 2)
    assert target.slots(1.0) == Slots(1, 2)


def test_a_claimed_delivery_that_has_not_sent_yet_counts_against_the_rate() -> None:
    target = health(rate_per_s=1, burst=1, urgent_share=0, concurrent=10)
    target.started(0.0)

    assert target.slots(0.0) == Slots(0, 0)


def test_the_next_change_is_when_a_token_is_there() -> None:
    target = health(rate_per_s=4, burst=1, urgent_share=0)
    work = target.started(0.0)
    target.request_sent(work, 0.0)

    at = target.next_change(0.0)

    assert at == pytest.approx(0.25)
    assert sum(target.slots(0.26)) == 1


def test_outages_in_a_row_open_the_breaker_and_one_delivery_probes() -> None:
    target = health(breaker_failures=3, breaker_wait_s=10)
    for _ in range(3):
        target.on_outcome(OUTAGE, 0.0)

    assert target.breaker(0.0) is BreakerState.OPEN
    assert target.slots(9.9) == Slots(0, 0)
    assert target.next_change(0.0) == 10.0
    assert "no connection" in target.reason(0.0)
    assert target.slots(10.0) == Slots(1, 0)
    target.started(10.0)
    assert target.slots(10.0) == Slots(0, 0)
    target.on_outcome(DONE, 10.5)
    assert target.breaker(10.5) is BreakerState.CLOSED


def test_each_failed_probe_doubles_the_wait_up_to_its_bound() -> None:
    target = health(breaker_failures=1, breaker_wait_s=10, breaker_wait_max_s=35)
    now, waits = 0.0, []
    for _ in range(4):
        target.started(now)
        target.on_outcome(OUTAGE, now)
        until = target.next_change(now)
        assert until is not None
        waits.append(until - now)
        now = until

    assert waits == [10, 20, 35, 35]


def test_a_probe_that_ends_without_an_answer_leaves_room_for_another() -> None:
    target = health(breaker_failures=1, breaker_wait_s=1)
    target.on_outcome(OUTAGE, 0.0)
    probe = target.started(1.0)
    target.ended(probe)

    assert target.slots(1.0) == Slots(1, 0)


def test_failures_of_requests_sent_before_it_opened_do_not_prolong_it() -> None:
    target = health(breaker_failures=2, breaker_wait_s=10)
    for at in (0.0, 0.0, 1.0, 5.0):
        target.on_outcome(OUTAGE, at)

    assert target.next_change(5.0) == 10.0


@pytest.mark.parametrize("answer", [DONE, Rejected(()), Transient("429", TransientKind.THROTTLE, 0.0)])
def test_any_answer_ends_a_row_of_outages(answer) -> None:
    target = health(breaker_failures=2)
    for outcome in (OUTAGE, answer, OUTAGE):
        target.on_outcome(outcome, 0.0)

    assert target.breaker(0.0) is BreakerState.CLOSED


@pytest.mark.parametrize(
    "outcome, count", [(OUTAGE, 5), (InDoubt("no reply in time"), 5), (CREDENTIAL, 2), (ERROR, 20)]
)
def test_every_kind_of_failure_has_its_own_patience(outcome, count: int) -> None:
    target = health()
    for _ in range(count - 1):
        target.on_outcome(outcome, 0.0)
    assert target.breaker(0.0) is BreakerState.CLOSED
    target.on_outcome(outcome, 0.0)
    assert target.breaker(0.0) is BreakerState.OPEN


def test_retry_after_pauses_the_whole_target_up_to_its_bound() -> None:
    target = health(throttle_wait_max_s=60)
    target.on_outcome(Transient("429", TransientKind.THROTTLE, 7.0), 0.0)
    assert target.slots(6.9) == Slots(0, 0)
    assert target.slots(7.0) != Slots(0, 0)
    target.on_outcome(Transient("429", TransientKind.THROTTLE, 1e9), 10.0)
    assert target.next_change(10.0) == 70.0


def test_throttling_without_retry_after_waits_longer_each_time() -> None:
    target = health(throttle_wait_s=5)
    target.on_outcome(Transient("429", TransientKind.THROTTLE), 0.0)
    assert target.next_change(0.0) == 5.0
    target.on_outcome(Transient("429", TransientKind.THROTTLE), 5.0)
    assert target.next_change(5.0) == 15.0


def test_retries_stop_when_the_budget_is_empty_and_successes_refill_it() -> None:
    target = health(retry_tokens_max=10, retry_cost=5, retry_refund=1, retry_refill_per_s=0.001)
    assert [target.may_retry(0.0) for _ in range(3)] == [True, True, False]
    for _ in range(5):
        target.on_outcome(DONE, 0.0)
    assert [target.may_retry(0.0) for _ in range(2)] == [True, False]


def test_an_idle_target_gets_a_retry_again_by_time_alone() -> None:
    target = health(retry_tokens_max=5, retry_cost=5, retry_refill_per_s=0.5)
    assert target.may_retry(0.0)
    assert not target.may_retry(0.0)
    assert target.retry_wait_s(0.0) == 10.0
    assert target.may_retry(10.0)


def test_a_budget_that_allows_no_retry_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing could ever be retried"):
        LimitSettings(retry_tokens_max=1, retry_cost=5)


@given(
    outcomes=st.lists(st.tuples(st.booleans(), st.floats(0, 5)), max_size=60),
    cost=st.integers(1, 10),
    refund=st.integers(0, 3),
)
def test_retries_never_exceed_the_budget_whatever_comes(outcomes, cost: int, refund: int) -> None:
    target = health(retry_tokens_max=20, retry_cost=cost, retry_refund=refund, retry_refill_per_s=0.5)
    now, retries, successes = 0.0, 0, 0
    for is_success, pause_s in outcomes:
        now += pause_s
        if is_success:
            target.on_outcome(DONE, now)
            successes += 1
        retries += target.may_retry(now)

    assert retries * cost <= 20 + successes * refund + now * 0.5 + 1e-6


class Histories(RuleBasedStateMachine):
    """A worker that claims only what it is offered, under any mix of outcomes and times."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = LimitSettings(
            rate_per_s=2, burst=6, urgent_share=0.34, concurrent=3, concurrent_urgent=2, breaker_failures=2
        )
        self.target = TargetHealth(self.settings, 0.0)
        self.now = 0.0
        self.normal: list[Work] = []
        self.urgent: list[Work] = []
        self.sent = 0

    @rule(step_s=st.floats(0.01, 8))
    def time_passes(self, step_s: float) -> None:
        self.now += step_s

    @rule(urgent_waiting=st.integers(0, 6), normal_waiting=st.integers(0, 6))
    def claim(self, urgent_waiting: int, normal_waiting: int) -> None:
        slots = self.target.slots(self.now)
        urgent = min(urgent_waiting, slots.normal + slots.urgent)
        normal = min(normal_waiting, slots.normal - max(0, urgent - slots.urgent))
        state = self.target.breaker(self.now)
        for is_urgent in [True] * urgent + [False] * normal:
            work = self.target.started(self.now, is_urgent=is_urgent)
            (self.urgent if is_urgent else self.normal).append(work)
            self.target.request_sent(work, self.now)
            self.sent += 1
        if state is BreakerState.OPEN:
            assert urgent + normal == 0
        if state is BreakerState.HALF_OPEN:
            assert urgent + normal <= 1

    @precondition(lambda self: self.normal or self.urgent)
    @rule(
        outcome=st.sampled_from([DONE, OUTAGE, CREDENTIAL, ERROR, InDoubt("?"), Rejected(())]),
        first=st.booleans(),
    )
    def end(self, outcome, first: bool) -> None:
        works = self.normal if (first and self.normal) or not self.urgent else self.urgent
        self.target.on_outcome(outcome, self.now)
        self.target.ended(works.pop())

    @invariant()
    def bounds_hold(self) -> None:
        assert len(self.normal) <= self.settings.concurrent
        assert len(self.normal) + len(self.urgent) <= 5
        assert self.sent <= self.settings.burst + 2 * self.now + 1e-6

    @invariant()
    def what_blocks_has_a_reason_and_ends_by_itself(self) -> None:
        if not self.normal and not self.urgent and sum(self.target.slots(self.now)) == 0:
            at = self.target.next_change(self.now)
            assert at is not None
            assert at > self.now
            assert self.target.reason(self.now)


TestHistories = Histories.TestCase
