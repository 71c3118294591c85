"""I4: each target commits one order's documents in the order of their acceptance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.verify.evidence import Violation
from tests.verify.records import Commit, Place, Records


def violations(records: Records) -> Iterator[Violation]:
    """Compare the order of commits with the order of acceptance, lane by lane.

    What came before the document that opened its order waited for it, and counts as coming right behind.
    What a person took up again (an audited retry or replay) may be late: that was its purpose.
    """
    lanes: dict[tuple[str, str], list[Commit]] = defaultdict(list)
    for commit in records.commits:
        if commit.deliveries and not any(records.was_moved(each) for each in commit.deliveries):
            for order_key in commit.deliveries[0].lanes:
                lanes[commit.ledger.target, order_key].append(commit)
    for (target, order_key), commits in lanes.items():
        newest: Place = (-1, -1)
        for commit in sorted(commits, key=lambda each: each.entry.sequence):
            own, behind = records.own_place(commit.deliveries[0]), records.place(commit.deliveries[0])
            place = own if own >= newest else behind  # it came first and went first, or it waited
            if place < newest:
                told = f"message {place[0]} set {place[1]} after message {newest[0]} set {newest[1]}"
                text = f"{target} committed {told}"
                yield Violation("I4", order_key, text)
            newest = max(newest, place)
