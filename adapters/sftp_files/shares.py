"""Which files each of several pickers goes for first, so that they seldom meet. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.sftp_files.driver_watch import Candidate


@dataclass(frozen=True, slots=True)
class Share:
    """One picker of several. Its share comes first and the rest after: another may have died."""

    number: int
    pickers: int

    def order(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Give files in the order in which this picker goes for them, each part by age."""
        return sorted(candidates, key=lambda found: self._distance(found.name or found.entry.name))

    def _distance(self, name: str) -> int:
        raw = name.encode("utf-8", "surrogateescape")
        return (zlib.crc32(raw) - self.number) % self.pickers


WHOLE = Share(0, 1)
