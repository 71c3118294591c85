"""What follows an outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import (
    Accepted,
    Effect,
    Finding,
    InDoubt,
    Outcome,
    Position,
    Rejected,
    Request,
    StepResult,
    Transient,
    TransientKind,
)
from gateway.outcome import (
    GoOn,
    LookUpAt,
    NextStep,
    Park,
    RetryAt,
    RetryPolicy,
    WaitUntil,
    backoff_s,
    is_in_doubt,
    look_up_delay_s,
    may_send,
    next_step,
    transients_in_a_row,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLICY = RetryPolicy(attempts_max=3, backoff_lowest_s=2, backoff_highest_s=60, budget_s=600)


def after(outcome: Outcome, *, attempts: int = 0, began: datetime = NOW, chance: float = 0.5) -> NextStep:
    return next_step(
        outcome,
        POLICY,
        attempts=attempts,
        transients=attempts + 1,
        first_attempt_at=began,
        now=NOW,
        chance=chance,
    )


def step(effect: Effect, outcome: Outcome | None) -> StepResult:
    return StepResult(Request("create", effect, "POST", "orders"), None, outcome, NOW)


def test_an_accepted_step_goes_on() -> None:
    assert after(Accepted("PO-1")) == GoOn()


def test_a_rejection_parks_with_its_findings() -> None:
    finding = Finding("ERP-422", Position("fusion"), "no such item")

    assert after(Rejected((finding,))) == Park((finding,))


def test_in_doubt_is_looked_up_never_sent_again() -> None:
    assert after(InDoubt("timeout")) == LookUpAt(NOW + timedelta(seconds=2), "timeout")


def test_an_error_spends_attempts_and_then_parks() -> None:
    error = Transient("500")

    assert isinstance(after(error, attempts=0), RetryAt)
    assert isinstance(after(error, attempts=1), RetryAt)
    parked = after(error, attempts=2)
    assert isinstance(parked, Park)
    assert parked.findings[0].code == "DELIVERY-EXHAUSTED"


def test_an_error_beyond_the_time_budget_parks() -> None:
    parked = after(Transient("500"), began=NOW - timedelta(seconds=600))

    assert isinstance(parked, Park)


@pytest.mark.parametrize("kind", [TransientKind.OUTAGE, TransientKind.THROTTLE, TransientKind.CREDENTIAL])
def test_an_outage_waits_for_ever_and_spends_nothing(kind: TransientKind) -> None:
    waits = after(Transient("down", kind), attempts=1_000, began=NOW - timedelta(days=9))

    assert isinstance(waits, WaitUntil)
    assert waits.at > NOW


def test_a_target_cannot_put_a_delivery_off_for_longer_than_an_hour_at_a_time() -> None:
    waits = after(Transient("503", TransientKind.OUTAGE, retry_after_s=999_999_999), chance=0.0)

    assert isinstance(waits, WaitUntil)
    assert waits.at - NOW == timedelta(hours=1)


def test_retry_after_wins_over_the_backoff() -> None:
    waits = after(Transient("429", TransientKind.THROTTLE, retry_after_s=90), chance=0.0)

    assert isinstance(waits, WaitUntil)
    assert waits.at == NOW + timedelta(seconds=90)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_full_jitter_stays_between_zero_and_the_capped_exponential(attempt: int, chance: float) -> None:
    pause = backoff_s(POLICY, attempt, chance, None)

    assert 0 < pause <= min(2 * 2.0 ** min(attempt - 1, 30), 60)


def test_look_ups_are_quick_at_first_and_patient_later() -> None:
    delays = [look_up_delay_s(count) for count in range(1, 9)]

    assert delays == sorted(delays)
    assert delays[0] <= 2
    assert delays[-1] == 300


def test_a_write_without_an_answer_is_in_doubt_until_a_look_up_answers() -> None:
    lost = step(Effect.WRITE, None)
    doubtful = step(Effect.WRITE, InDoubt("reset"))
    failed_look_up = step(Effect.READ, Transient("503", TransientKind.OUTAGE))
    looked_up = step(Effect.READ, Accepted())

    assert is_in_doubt([lost])
    assert is_in_doubt([doubtful])
    assert is_in_doubt([doubtful, failed_look_up])
    assert not is_in_doubt([doubtful, looked_up])
    assert is_in_doubt([looked_up, lost])
    assert not is_in_doubt([step(Effect.READ, None), step(Effect.REPEATABLE, None)])


def test_no_write_leaves_while_one_is_in_doubt() -> None:
    write = Request("create", Effect.WRITE, "POST", "orders")
    read = Request("look_up", Effect.READ, "GET", "orders")
    repeatable = Request("stage", Effect.REPEATABLE, "PUT", "file")
    doubtful = [step(Effect.WRITE, InDoubt("reset"))]

    assert not may_send(write, doubtful)
    assert may_send(read, doubtful)
    assert may_send(repeatable, doubtful)
    assert may_send(write, [])


def test_steps_that_came_to_nothing_are_counted_back_to_the_last_success() -> None:
    nothing = step(Effect.READ, Transient("503"))

    assert transients_in_a_row([nothing, step(Effect.READ, Accepted()), nothing, nothing]) == 2
