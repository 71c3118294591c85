"""The readiness card of a route, and what holds it where it is or sends it back. Pure.

Whoever moves a route sees what is proven and what was never seen. A gate that asks for comparisons does
not open without legacy's own versions, however clean our side looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from gateway.business_calendar import BusinessCalendar, Freeze
from gateway.compare import upper_bound
from gateway.config.coexistence import Gates, Ramp, RollBack, Span, StageGate
from gateway.facets import DIMENSIONS
from gateway.four_eyes import is_same_person, unfilled
from gateway.journal.comparisons import (
    Approval,
    ComparisonCounts,
    DifferenceGroup,
    PlannedStage,
)
from gateway.journal.types import StageState
from gateway.stage import Stage

RANK = {stage: rank for rank, stage in enumerate(Stage)}
NO_EVIDENCE = "no legacy evidence"


@dataclass(frozen=True, slots=True)
class Attempts:
    """How a system answered over a span: attempts, those that failed, how long the answers took."""

    accepted: int = 0
    failed: int = 0
    durations_s: tuple[float, ...] = ()

    @property
    def count(self) -> int:
        """Give how many there were."""
        return self.accepted + self.failed

    @property
    def error_rate(self) -> float | None:
        """Give the part that failed, None where nothing was attempted."""
        return self.failed / self.count if self.count else None

    def percentile_s(self, part: float) -> float | None:
        """Give the time within which this part of the answers came (nearest rank)."""
        if not self.durations_s:
            return None
        ordered = sorted(self.durations_s)
        return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class JudgedGroup:
    """A group of differences, and what excuses it; "" where it counts."""

    group: DifferenceGroup
    excuse: str


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a route's readiness at a time. ``evidence``: where legacy's versions come from."""

    route: str
    state: StageState
    at: datetime
    calendar: BusinessCalendar
    evidence: str | None
    since: datetime
    counts: ComparisonCounts
    groups: tuple[JudgedGroup, ...] = ()
    noise: frozenset[str] = frozenset()
    open_exceptions: int = 0
    open_orders: Mapping[str, int] = field(default_factory=dict)
    cloud: Mapping[timedelta, Attempts] = field(default_factory=dict)  # by span
    legacy: Mapping[timedelta, Attempts] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    last_message_at: datetime | None = None
    planned: PlannedStage | None = None

    @property
    def has_evidence(self) -> bool:
        """Tell whether anything was compared with legacy's own version."""
        return self.evidence is not None and self.counts.compared > 0

    @property
    def bound(self) -> float:
        """Give the upper bound of the true mismatch rate, with 95 % confidence."""
        return upper_bound(self.counts.mismatches, self.counts.compared)

    @property
    def unseen(self) -> dict[str, tuple[str, ...]]:
        """Give what has arrived and was never compared, by dimension."""
        return {
            dimension: tuple(
                word
                for (kind, word), (compared, _) in sorted(self.counts.facets.items())
                if kind == dimension and not compared
            )
            for dimension in DIMENSIONS
        }

    @property
    def frozen(self) -> Freeze | None:
        """Give the freeze of now."""
        return self.calendar.frozen(self.at)


@dataclass(frozen=True, slots=True)
class Judgment:
    """What one gate says: its name, whether it is open, and what was found and expected."""

    name: str
    is_open: bool
    text: str


def spans_of(gates: Gates) -> set[timedelta]:
    """Give the spans over which attempts must be counted to judge these gates."""
    found = {gate.over for gate in (gates.to_canary, gates.to_cloud, gates.to_retired) if gate is not None}
    return found | ({gates.roll_back.over} if gates.roll_back is not None else set()) or {timedelta(days=1)}


def passed_gates(
    gates: Gates, current: Stage, wanted: Stage, raises_share: bool
) -> list[tuple[str, StageGate]]:
    """Give the gates that lie between two stages, each with its name. The way back has none."""
    declared = {Stage.CANARY: gates.to_canary, Stage.CLOUD: gates.to_cloud, Stage.RETIRED: gates.to_retired}
    return [
        (f"to_{stage.value}", gate)
        for stage, gate in declared.items()
        if gate is not None
        and (RANK[current] < RANK[stage] <= RANK[wanted] or (stage is wanted is current and raises_share))
    ]


def is_forward(current: Stage, wanted: Stage, raises_share: bool) -> bool:
    """Tell whether a move goes towards the cloud."""
    return RANK[wanted] > RANK[current] or (wanted is current and raises_share)


def judge(name: str, gate: StageGate, card: Card, stage: str, who: str) -> list[Judgment]:
    """Judge everything that a gate asks for. ``who`` makes the change: four eyes need another one."""
    judged = (
        *_comparisons(gate, card),
        *_coverage(gate, card),
        *_running(gate, card),
        *_time(gate, card),
        *_approvals(gate, card, stage, who),
    )
    return [Judgment(f"{name}.{each.name}", each.is_open, each.text) for each in judged]


def _comparisons(gate: StageGate, card: Card) -> Iterator[Judgment]:
    counts, told = card.counts, "" if card.has_evidence else f"; {NO_EVIDENCE}"
    if gate.compared is not None:
        text = f"{counts.compared} documents compared; expected {gate.compared}{told}"
        yield Judgment("compared", card.has_evidence and counts.compared >= gate.compared, text)
    if gate.clean is not None:
        text = f"{counts.clean_in_a_row} documents in a row without a mismatch; expected {gate.clean}{told}"
        yield Judgment("clean", card.has_evidence and counts.clean_in_a_row >= gate.clean, text)
    if gate.mismatch_upper95 is not None:
        limit = float(gate.mismatch_upper95) / 100
        text = (
            f"the true mismatch rate is below {percent(card.bound)} with 95% confidence "
            f"({counts.mismatches} of {counts.compared}); expected {percent(limit)} at most{told}"
        )
        yield Judgment("mismatch_upper95", card.has_evidence and card.bound <= limit, text)


def _coverage(gate: StageGate, card: Card) -> Iterator[Judgment]:
    for dimension, words in gate.seen.items():
        missing = [word for word in words if not card.counts.facets.get((dimension, word), (0, 0))[0]]
        told = "all were compared" if not missing else f"not yet seen: {', '.join(missing)}"
        yield Judgment(f"seen.{dimension}", not missing, told)


def _running(gate: StageGate, card: Card) -> Iterator[Judgment]:
    if gate.open_exceptions is not None:
        text = f"{card.open_exceptions} exceptions are open; expected {gate.open_exceptions} at most"
        yield Judgment("open_exceptions", card.open_exceptions <= gate.open_exceptions, text)
    cloud, legacy = (each.get(gate.over, Attempts()) for each in (card.cloud, card.legacy))
    if gate.error_rate is not None:
        rate, limit = cloud.error_rate, float(gate.error_rate) / 100
        found = (
            "no attempts yet (what a shadow only renders is none)"
            if rate is None
            else f"{percent(rate)} of {cloud.count} attempts failed"
        )
        text = f"{found} over {spelled(gate.over)}; expected {percent(limit)} at most"
        yield Judgment("error_rate", rate is not None and rate <= limit, text)
    if gate.latency is not None:
        yield _latency(gate.latency, cloud.percentile_s(0.95), legacy.percentile_s(0.95))
    if gate.open_orders is not None:
        count = card.open_orders.get("legacy", 0)
        text = f"{count} orders are open in legacy; expected {gate.open_orders} at most"
        yield Judgment("open_orders", count <= gate.open_orders, text)


def _latency(limit: Decimal, cloud_s: float | None, legacy_s: float | None) -> Judgment:
    if cloud_s is None or legacy_s is None:
        who = "the cloud ERP (what a shadow only renders is none)" if cloud_s is None else "legacy"
        return Judgment("latency", False, f"no attempts yet at {who}; expected answers of both to measure")
    text = f"95% of the ERP's answers within {cloud_s:.3f} s, legacy's within {legacy_s:.3f} s; "
    return Judgment("latency", cloud_s <= float(limit) * legacy_s, f"{text}expected {limit:f} times at most")


def _time(gate: StageGate, card: Card) -> Iterator[Judgment]:
    if gate.soak is not None:
        is_open = has_passed(gate.soak, card.state.changed_at, card.at, card.calendar)
        text = (
            f"in stage {card.state.stage} since {card.state.changed_at:%Y-%m-%d %H:%M}Z; expected {gate.soak}"
        )
        yield Judgment("soak", is_open, text)
    if gate.silent is not None:
        quiet_since = card.last_message_at or card.state.changed_at
        text = (
            f"the last message came {quiet_since:%Y-%m-%d %H:%M}Z; expected {spelled(gate.silent)} of silence"
        )
        yield Judgment("silent", card.at - quiet_since >= gate.silent, text)


def _approvals(gate: StageGate, card: Card, stage: str, who: str) -> Iterator[Judgment]:
    given = [
        each for each in card.approvals if each.stage == stage and each.given_at >= card.state.changed_at
    ]
    if gate.approve:
        lacking = unfilled(gate.approve, [(each.role, each.who) for each in given])
        yield Judgment("approve", not lacking, lacking or "approved")
    if gate.four_eyes:
        others = sorted({each.who for each in given if not is_same_person(each.who, who)})
        text = f"approved by {', '.join(others)}" if others else f"somebody other than {who} must approve"
        yield Judgment("four_eyes", bool(others), text)


def has_passed(span: Span, since: datetime, now: datetime, calendar: BusinessCalendar) -> bool:
    """Tell whether a span has passed."""
    match span.unit:
        case "bd":
            return calendar.business_days(since, now) >= span.count
        case "d":
            return now - since >= timedelta(days=span.count)
        case "h":
            return now - since >= timedelta(hours=span.count)


def broken_limits(limits: RollBack, card: Card) -> list[str]:
    """Give the limits of a canary that are broken, in words; a rate only where enough was attempted."""
    cloud = card.cloud.get(limits.over, Attempts())
    rate, broken = cloud.error_rate, []
    if limits.error_rate is not None and rate is not None and cloud.count >= limits.least:
        limit = float(limits.error_rate) / 100
        if rate > limit:
            broken.append(
                f"error_rate: {percent(rate)} of {cloud.count} attempts failed over {spelled(limits.over)}; "
                f"at most {percent(limit)} may"
            )
    if limits.open_exceptions is not None and card.open_exceptions > limits.open_exceptions:
        broken.append(
            f"open_exceptions: {card.open_exceptions} are open; at most {limits.open_exceptions} may be"
        )
    slow_s = (cloud.percentile_s(0.95) or 0.0) if cloud.count >= limits.least else 0.0
    if limits.latency_p95 is not None and slow_s > limits.latency_p95.total_seconds():
        broken.append(
            f"latency_p95: 95% of the answers came within {slow_s:.3f} s; "
            f"at most {spelled(limits.latency_p95)} may be needed"
        )
    return broken


def next_share(ramp: Ramp, card: Card) -> Decimal | None:
    """Give the share that a ramp would go to now; None while it is not its time, or at its end."""
    share = Decimal(card.state.share_percent)
    if share >= ramp.to or card.frozen is not None:
        return None
    if not has_passed(ramp.every, card.state.changed_at, card.at, card.calendar):
        return None
    if ramp.every.unit == "bd" and not card.calendar.is_business_day(card.calendar.day_of(card.at)):
        return None
    return min(share + ramp.step, ramp.to)


def percent(rate: float) -> str:
    """Write a rate, with enough digits to tell it from nothing."""
    digits = 2 if rate >= 0.001 or rate == 0 else 4
    return f"{rate * 100:.{digits}f}".rstrip("0").rstrip(".") + "%"


def spelled(span: timedelta) -> str:
    """Write a span as routes.yaml does."""
    seconds = span.total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


def failing(judged: Sequence[Judgment]) -> list[Judgment]:
    """Give the gates that are shut."""
    return [each for each in judged if not each.is_open]
