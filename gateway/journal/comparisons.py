"""What the journal keeps of the two sides of a migration: comparisons, noise, approvals, planned stages.

Plain frozen values, as in ``types.py``. Values of differences quote documents, so a store seals them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from adapters.base import Accepted, NoReply, Outcome, Reply
from gateway.journal.types import DocumentView

Surface = Literal["document", "request", "answer"]
DifferenceKind = Literal["value", "unit", "missing", "extra", "text", "untranslated", "refused"]
ShadowResult = Literal["", "rendered", "answered", "refused", "unanswered"]
Facet = tuple[str, str]  # what kind of thing, which one: ("supplier", "4711")

DIFFERENCES_MAX = 200  # kept of one comparison; further ones are counted


class ComparisonState(StrEnum):
    """Where the comparison of one document stands."""

    WAITING = "waiting"  # legacy's version has not come yet
    ALONE = "alone"  # and did not come in time: no legacy evidence
    COMPARED = "compared"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the two sides say different things.

    ``path`` names the place, ``pattern`` the same without the entries' names (``lines[].quantity.unit``).
    ``kind`` "missing": legacy has it and we do not; "extra": the other way round.
    """

    surface: Surface
    kind: DifferenceKind
    pattern: str
    path: str
    legacy: str
    cloud: str
    group_id: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One document of ours beside legacy's version of it. A newer generation takes the older one's place."""

    message_id: str
    document_index: int
    generation: int
    route: str
    order_key: str | None
    document_type: str
    state: ComparisonState
    accepted_at: datetime
    due_at: datetime  # by when legacy's version must be there
    compared_at: datetime | None = None
    evidence: str = ""  # what was read: "legacy.orders m260301... set 1", "reply of mms"
    reason: str = ""
    shadow: ShadowResult = ""
    legacy_s: float | None = None  # how long each side took to answer, where it was asked
    cloud_s: float | None = None
    facets: tuple[Facet, ...] = ()
    differences: tuple[Difference, ...] = ()
    left_out: int = 0  # differences beyond DIFFERENCES_MAX


@dataclass(frozen=True, slots=True)
class DocumentInOrder:
    """A document with its place in the order of planning. ``position`` only ever grows."""

    position: int
    message_route: str
    partner: str | None
    accepted_at: datetime
    view: DocumentView
    transport: str  # by which its message came; "move": the gateway made it


@dataclass(frozen=True, slots=True)
class DifferenceGroup:
    """Differences that are alike: same route, surface, kind and pattern, and the same two codes."""

    group_id: str
    route: str
    surface: Surface
    kind: DifferenceKind
    pattern: str
    documents: int  # how many documents have one
    first_at: datetime
    last_at: datetime
    legacy: str  # of the newest one
    cloud: str
    message_id: str
    document_index: int


@dataclass(frozen=True, slots=True)
class ComparisonCounts:
    """How a route's comparisons came out. ``mismatches``: those with a difference that nothing excuses."""

    compared: int
    mismatches: int
    alone: int
    waiting: int
    clean_in_a_row: int  # newest ones without a mismatch
    shadow: Mapping[str, int]
    facets: Mapping[Facet, tuple[int, int]]  # compared documents with it, mismatches among them; of all seen


@dataclass(frozen=True, slots=True)
class NoiseReading:
    """One record read twice: where the two readings differed."""

    route: str
    message_id: str  # of the second reading
    document_index: int
    patterns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's word that a route may go to a stage, in a role."""

    route: str
    stage: str
    role: str
    who: str
    why: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage change that is to happen at a time. One at most stands for a route."""

    route: str
    stage: str
    share_percent: str | None
    at: datetime
    who: str
    why: str
    expected: str  # the stage that the route must be in then
    held: str = ""  # why it did not happen when it was due


def is_imagined(reply: Reply | NoReply | None, outcome: Outcome | None) -> bool:
    """Tell whether a shadow's step was only rendered: it counts as taken, and nothing of it was ever sent."""
    return isinstance(outcome, Accepted) and isinstance(reply, NoReply) and reply.written == "none"


AttemptSort = tuple[str, str, tuple[str, ...]]  # role, route, set types: see below


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """How attempts at one target came out, of one sort of messages; what was only imagined is none."""

    role: str
    route: str  # to which the message belongs: its source's
    set_types: tuple[str, ...]  # of the sets that the deliveries were about, in order
    accepted: int
    failed: int
    durations_s: tuple[float, ...]  # of those that were answered, in no order
