"""Replay seeded histories: ``python -m tests.simulation SEED [COUNT]`` (with one seed, its whole trace)."""

from __future__ import annotations

import sys
import time

from tests.simulation.history import run_history


def main(arguments: list[str]) -> int:
    """Run; 0 where every promise was kept, 1 where not, 2 for wrong usage."""
    if not 1 <= len(arguments) <= 2 or not all(each.isdecimal() for each in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    first, count = int(arguments[0]), int(arguments[1]) if len(arguments) == 2 else 1
    started, bad = time.perf_counter(), 0
    for seed in range(first, first + count):
        verdict = run_history(seed)
        if count == 1:
            print("\n".join(verdict.trace))
            print(verdict.counts, f"trace {verdict.trace_hash}")
        if not verdict.is_good:
            bad += 1
        if count == 1 or not verdict.is_good:
            print(verdict)
    print(f"{count} histories, {bad} bad, {time.perf_counter() - started:.1f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
