"""Which messages may be given to the journal at the same time: one of each lane. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.db_triggers.documents import Draft

TOGETHER_MAX = 512  # messages on their way to the journal at once: its commits are shared by so many


class Lanes:
    """The messages of one batch, by lane. A lane's next message comes once the one before is taken."""

    def __init__(self, drafts: Sequence[Draft], *, is_ordered: bool = True) -> None:
        self._waiting: dict[object, list[int]] = {}
        for at, draft in enumerate(drafts):
            self._waiting.setdefault(draft.lane if is_ordered else at, []).append(at)
        self._lane_of = {at: lane for lane, places in self._waiting.items() for at in places}
        self._next = dict.fromkeys(self._waiting, 0)
        self._out: set[int] = set()

    def following(self) -> list[int]:
        """Give the places of the messages that may go now, at most TOGETHER_MAX; none: all is done.

        Every message of the turn before must have been told to ``taken``; a lane whose message was not
        taken gives no more.
        """
        for at in self._out:
            del self._waiting[self._lane_of[at]]
        self._out.clear()
        found: list[int] = []
        for lane, places in self._waiting.items():
            if len(found) == TOGETHER_MAX:
                break
            found.append(places[self._next[lane]])
        self._out.update(found)
        return found

    def taken(self, at: int) -> None:
        """Say that the journal has a message."""
        self._out.discard(at)
        lane = self._lane_of[at]
        self._next[lane] += 1
        if self._next[lane] == len(self._waiting[lane]):
            del self._waiting[lane]
