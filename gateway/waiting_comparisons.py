"""Documents that wait for their other side: when each is looked at again. Pure; times are monotonic."""

from __future__ import annotations

import heapq
from typing import NamedTuple

FIRST_AGAIN_S = 2.0
LAST_AGAIN_S = 600.0

Key = tuple[str, int]  # message id, document index


class Due(NamedTuple):
    """A document that waits for its other side and is looked at now."""

    key: Key
    since: float  # monotonic seconds
    wait_s: float  # the last pause


class WaitingComparisons:
    """What waits, and its turns: news about a document overtake the look that was planned for it."""

    def __init__(self) -> None:
        self._again: list[tuple[float, int, Key]] = []  # when to look at what waits
        self._waits: dict[Key, tuple[float, int]] = {}  # what waits -> pause before the next look, its turn
        self._turn = 0

    def __contains__(self, key: Key) -> bool:
        """Tell whether a document waits."""
        return key in self._waits

    def look_at(self, key: Key, at_s: float, wait_s: float) -> None:
        """Have a document looked at, at a time; ``wait_s``: the pause before that."""
        self._turn += 1
        self._waits[key] = (max(wait_s, FIRST_AGAIN_S), self._turn)
        heapq.heappush(self._again, (at_s, self._turn, key))

    def forget(self, key: Key) -> None:
        """Look no more at a document."""
        self._waits.pop(key, None)

    def due(self, now_s: float, limit: int) -> list[Due]:
        """Take what is to be looked at by now, a batch of it."""
        due: list[Due] = []
        while self._again and self._again[0][0] <= now_s and len(due) < limit:
            since, turn, key = heapq.heappop(self._again)
            wait_s, latest = self._waits.get(key, (0.0, -1))
            if turn == latest:  # an earlier turn was overtaken by news
                due.append(Due(key, since, wait_s))
        return due

    def next_at(self) -> float | None:
        """Give when the next look is due; None where nothing waits."""
        return self._again[0][0] if self._again else None
