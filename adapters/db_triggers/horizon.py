"""How far a table can be read by a growing column without passing what is not committed yet. Pure.

A value that is seen says nothing about smaller ones: their transactions may still be open. So a value is
first only noted, together with the transactions of that moment; it may be read up to once all these ended
(PostgreSQL tells), or once so much time has gone by that one hopes so.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

NOTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Seen:
    """The highest value seen at one moment. ``xmin``, ``xmax``: of that snapshot, where there is one."""

    value: Any
    at_s: float  # monotonic: a clock that jumps moves nothing
    xmin: int | None = None  # every transaction below it has ended
    xmax: int | None = None  # no transaction from it on had begun to write


@dataclass(slots=True)
class _Noted:
    value: Any
    at_s: float
    xmax: int | None = None  # of the look after: who drew a smaller value has a number by then


class Horizon:
    """Notes what is seen and says what may be read up to.

    A transaction draws its sequence's number a moment before it gets its own, so the transactions to wait
    for are counted one look after the value was seen.
    """

    def __init__(self, *, settle_s: float, by_snapshot: bool) -> None:
        self._settle_s = settle_s
        self._by_snapshot = by_snapshot
        self._noted: deque[_Noted] = deque()
        self._safe: Any = None

    def note(self, seen: Seen) -> Any:
        """Note a moment and give the highest value that may be read up to; None where there is none yet."""
        for noted in self._noted:
            if noted.xmax is None:
                noted.xmax = seen.xmax
        newest = self._noted[-1].value if self._noted else self._safe
        if seen.value is not None and seen.value != newest and len(self._noted) < NOTED_MAX:
            self._noted.append(_Noted(seen.value, seen.at_s))
        while self._noted and self._is_past(self._noted[0], seen):
            self._safe = self._noted.popleft().value
        return self._safe

    def _is_past(self, noted: _Noted, now: Seen) -> bool:
        if now.at_s - noted.at_s < self._settle_s:
            return False
        if not self._by_snapshot:
            return True
        return noted.xmax is not None and now.xmin is not None and now.xmin >= noted.xmax
