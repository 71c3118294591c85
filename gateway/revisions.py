"""Compiled routes by configuration revision: the current one, and those that open messages still need.

A message is decoded with the revision that it was first translated with, also after a restart under
a newer file; the journal keeps the text of every revision.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.journal.base import Journal, UnknownError
from gateway.program import Programs

log = logging.getLogger("legacy_bridge.revisions")

KEPT_MAX = 50


class Revisions:
    """All compiled revisions that are needed now."""

    def __init__(
        self, current: Programs, journal: Journal, compiled: Callable[[str, int], Programs | None]
    ) -> None:
        self._current = current
        self._kept = {current.revision: current}
        self._journal = journal
        self._compiled = compiled

    def __call__(self, revision: int | None) -> Programs:
        """Give a revision, the current one for None or for one that can no longer be compiled."""
        return self._current if revision is None else self._kept.get(revision, self._current)

    def make_current(self, programs: Programs) -> None:
        """Decide by another revision from now on."""
        self._kept[programs.revision] = programs
        self._current = programs
        while len(self._kept) > KEPT_MAX:
            del self._kept[min(self._kept)]

    async def prepare(self, revision: int) -> None:
        """Make an old revision ready, from its text in the journal."""
        if revision in self._kept:
            return
        try:
            programs = self._compiled(await self._journal.configuration(revision), revision)
        except UnknownError:
            programs = None
        if programs is None:
            log.warning("revision.not_compiled revision=%d used=%d", revision, self._current.revision)
        self._kept[revision] = programs or self._current
