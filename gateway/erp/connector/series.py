"""The words a connector writes its series of steps in: reads, polls, writes and their look-ups. Pure.

A series is a generator. It yields what is to be asked, is handed the answer, and returns what the
delivery came to. It is run anew, from its start, whenever something has happened: answers that the
journal holds are handed in at once, so it must ask for the same steps in the same order each time.
Bodies are functions and are written only for a request that is really sent.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adapters.base import Effect, Finding, Finished, Position, Reply, Stuck


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, below the endpoint's base; `body` is asked for when it is sent."""

    method: str
    address: str
    body: Callable[[], bytes] | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step came to: the reply that the journal holds, and its JSON (None where it has no body).

    `is_adopted`: an earlier attempt had done it, and a look-up found it; `fields` is then what was found.
    """

    status: int
    fields: Any
    reply: Reply
    ended_at: datetime
    is_adopted: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One document that a look-up found under our reference.

    `differences` are the paths at which it says other things than ours: then it is another document, or
    another version of this one, and a person decides.
    """

    number: str
    fields: Any
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookUp:
    """How to find out whether a write has been done.

    `read` gives what was found under our reference; a text says why the answer cannot be believed (the
    ERP ignored the filter).
    """

    call: Call
    read: Callable[[Answer], Sequence[Hit] | str]


@dataclass(frozen=True, slots=True)
class Read:
    """A request that changes nothing. It is asked once; after a failure again."""

    step: str
    call: Call


@dataclass(frozen=True, slots=True)
class Poll:
    """A read that is repeated until `is_settled`; after the last of `waits_s` its answer counts as it is."""

    step: str
    call: Call
    is_settled: Callable[[Answer], bool]
    waits_s: Sequence[float]
    reason: str


@dataclass(frozen=True, slots=True)
class Write:
    """A request that changes something.

    `effect` REPEATABLE: sent again it changes nothing more (a PATCH to given values).
    `looks_first`: sent only after the look-up found nothing.
    `is_unique`: the ERP itself refuses a second one, so no double needs to be looked for afterwards.
    `is_movement`: goods would be posted twice. After an unknown outcome it is looked up, and never sent
    again unless a person asks for it.
    """

    step: str
    call: Call
    look_up: LookUp | None = None
    effect: Effect = Effect.WRITE
    looks_first: bool = False
    is_unique: bool = False
    is_movement: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing is asked before `until`."""

    until: datetime
    reason: str


Ask = Read | Poll | Write | Hold
Series = Generator[Ask, Answer, Finished | Stuck]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """When writes of unknown outcome are looked up and sent again. `quiet_period_s` doubles each time."""

    look_up_waits_s: tuple[float, ...] = (2.0, 5.0, 15.0)
    quiet_period_s: float = 60.0
    doubts_max: int = 10

    def quiet_period(self, doubts: int) -> timedelta:
        """Give the quiet period after the n-th doubt: a quarter of an hour at most."""
        longest = max(900.0, self.quiet_period_s)
        return timedelta(seconds=min(self.quiet_period_s * 2.0 ** min(doubts - 1, 20), longest))


class StuckError(Exception):
    """Raised inside a series where no safe step follows: the delivery is parked with these findings."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(each.text for each in findings))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Place:
    """Makes the findings of one endpoint."""

    name: str
    facts: dict[str, str] = field(default_factory=dict)

    def finding(self, code: str, text: str, path: str = "", **facts: str) -> Finding:
        """Give a finding at this endpoint."""
        return Finding(code, Position(self.name, path=path), text, facts=self.facts | facts)

    def stuck(self, code: str, text: str, path: str = "", **facts: str) -> StuckError:
        """Give the error that parks with one finding."""
        return StuckError(self.finding(code, text, path, **facts))
