"""Seeded histories of the real gateway keep every promise; one seed is one history, always."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from tests.scale import scaled
from tests.simulation.history import Unsafe, Verdict, run_history

HISTORIES = scaled(300, full=10_000)
GROUP = 25  # seeds of one test, so that few tests spread over processes
TRACE_SHOWN = 40
# What went wrong in them: bytes sent before a replay, a clock that jumps ahead, repeats of an unsent
# call, advice that was refused, a set that still waited when its message was replayed, a retry by a person
# of what another process had looked up in an hour that never was.
MENDED = (429, 963, 1315, 1333, 1448, 1621, 1848, 3353, 6868)
# Here a person says of a repeat that it was done elsewhere, once what it repeats had come to nothing.
DONE_ELSEWHERE = (5460,)
ROOT = Path(__file__).parents[2]


def shown(verdict: Verdict) -> str:
    """Give a bad history: what was broken, the end of the trace, and how to repeat it."""
    return "\n".join((str(verdict), "  ...", *verdict.trace[-TRACE_SHOWN:]))


@lru_cache(maxsize=GROUP)
def first_history(seed: int) -> Verdict:
    """Give the verdict of one of the first group, about which several tests ask."""
    return run_history(seed)


def verdict_of(seed: int) -> Verdict:
    return first_history(seed) if seed < GROUP else run_history(seed)


def test_histories_are_about_something() -> None:
    verdicts = [verdict_of(seed) for seed in range(GROUP)]
    totals = {name: sum(each.counts[name] for each in verdicts) for name in verdicts[0].counts}

    assert totals["crashes"] > GROUP
    assert totals["starts"] > 2 * GROUP
    assert totals["submissions"] > 10 * GROUP
    assert min(totals["committed mms"], totals["committed erp"], totals["committed supplier"]) > GROUP
    told = " ".join(line for each in verdicts for line in each.trace)
    for event in ("stage ", "reload ", "pause ", "wakes ", "wall ", "sender unknown", "exception.retry"):
        assert event in told, f"no history of these has '{event}'"


@pytest.mark.parametrize("first", range(0, HISTORIES, GROUP))
def test_every_promise_is_kept_in_seeded_histories(first: int) -> None:
    verdicts = [verdict_of(seed) for seed in range(first, min(first + GROUP, HISTORIES))]

    bad = [shown(verdict) for verdict in verdicts if not verdict.is_good]
    assert not bad, "\n\n".join(bad)


@pytest.mark.parametrize("seed", (*MENDED, *DONE_ELSEWHERE))
def test_a_history_that_was_once_called_broken_is_good(seed: int) -> None:
    verdict = run_history(seed)

    assert verdict.is_good, shown(verdict)


@pytest.mark.parametrize(
    "unsafe, told",
    [
        (Unsafe(no_dedupe=True), "messages where senders gave cause for"),
        (Unsafe(no_look_up=True), "was committed 2 times"),
        (Unsafe(no_lanes=True), " after message "),
    ],
    ids=["repeats are not known", "no look-up after doubt", "no order of lanes"],
)
def test_a_gateway_that_lacks_a_mechanism_breaks_a_promise_in_some_history(unsafe: Unsafe, told: str) -> None:
    for seed in range(GROUP):
        if any(told in str(each) for each in run_history(seed, unsafe).violations):
            return
    pytest.fail(f"{GROUP} histories saw nothing of it")


@pytest.mark.parametrize("seed", [1, 4])
def test_a_seed_repeats_exactly(seed: int) -> None:
    first, again = verdict_of(seed), run_history(seed)

    assert first.trace == again.trace
    assert len(first.trace) > 20


@pytest.mark.parametrize("seed", [4, 7])
def test_a_seed_repeats_exactly_in_another_process_with_another_hash_seed(seed: int) -> None:
    hashes = {verdict_of(seed).trace_hash}
    for hash_seed in ("1", "77"):
        replay = subprocess.run(
            [sys.executable, "-m", "tests.simulation", str(seed)],
            capture_output=True, text=True, check=True, cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )  # fmt: skip
        hashes.update(line.split("trace ")[1] for line in replay.stdout.splitlines() if "} trace " in line)

    assert len(hashes) == 1


def test_a_replay_prints_the_trace_and_says_how_it_went() -> None:
    replay = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "1"], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert replay.returncode == 0
    assert "start g1" in replay.stdout
    assert "seed 1: 0 violations, 0 problems" in replay.stdout


def test_a_replay_needs_a_seed() -> None:
    replay = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "x"], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert replay.returncode == 2
    assert "SEED" in replay.stderr
