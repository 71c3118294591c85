from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from gateway.compare import clean_needed, upper_bound
from tests.scale import scaled

RUNS = scaled(2_000, most=20_000)


def binomial(rng: random.Random, count: int, rate: float) -> int:
    """Draw a number of hits, exactly, by jumping from one hit to the next."""
    hits, at = 0, 0
    while (at := at + math.floor(math.log(1 - rng.random()) / math.log1p(-rate)) + 1) <= count:
        hits += 1
    return hits


@pytest.mark.parametrize(
    "mismatches, compared, bound",
    [
        (0, 59, 0.0495),
        (0, 299, 0.00997),
        (0, 2_995, 0.001),
        (1, 473, 0.0100),
        (3, 100, 0.0757),
        (9, 10, 0.9949),
    ],
)
def test_the_bound_is_that_of_the_tables(mismatches: int, compared: int, bound: float) -> None:
    assert upper_bound(mismatches, compared) == pytest.approx(bound, rel=0.01)


def test_the_bound_is_where_so_few_mismatches_have_5_percent_left() -> None:
    for mismatches, compared in ((0, 7), (2, 40), (5, 61)):
        rate = Fraction(upper_bound(mismatches, compared))
        chance = sum(
            math.comb(compared, hits) * rate**hits * (1 - rate) ** (compared - hits)
            for hits in range(mismatches + 1)
        )
        assert float(chance) == pytest.approx(0.05, abs=1e-9)


def test_nothing_compared_proves_nothing() -> None:
    assert upper_bound(0, 0) == 1.0
    assert upper_bound(5, 5) == 1.0


def test_counts_that_are_none_are_refused() -> None:
    for mismatches, compared in ((1, 0), (-1, 5)):
        with pytest.raises(ValueError, match="no count of mismatches"):
            upper_bound(mismatches, compared)


@pytest.mark.parametrize("rate, needed", [(0.05, 59), (0.01, 299), (0.001, 2_995)])
def test_so_many_clean_documents_are_needed(rate: float, needed: int) -> None:
    assert clean_needed(rate) == needed
    assert upper_bound(0, needed) <= rate < upper_bound(0, needed - 1)


@pytest.mark.parametrize("rate", [0.001, 0.005, 0.01, 0.03, 0.1])
@pytest.mark.parametrize("compared", [59, 299, 1_000])
def test_the_stated_bound_holds_in_95_percent_of_simulated_runs(rate: float, compared: int) -> None:
    rng = random.Random(f"{rate}/{compared}")

    held = sum(upper_bound(binomial(rng, compared, rate), compared) >= rate for _ in range(RUNS))

    # Of exactly 95 % so many runs would show less in one of a thousand histories.
    chance = 3.1 * math.sqrt(0.05 * 0.95 / RUNS)
    assert held / RUNS >= 0.95 - chance


def test_a_bound_that_is_only_the_share_seen_would_not_hold() -> None:
    rng = random.Random(5)

    held = sum(binomial(rng, 299, 0.01) / 299 >= 0.01 for _ in range(RUNS))

    assert held / RUNS < 0.95


def test_many_documents_with_many_mismatches_are_no_trouble() -> None:
    assert 0.05 < upper_bound(50_000, 1_000_000) < 0.0504
