"""What the chunks of one message leave for the end of its input: what goes together, what falls together.

Pure. One run fills it, in the order of the sets; it is lost with the process and made again from the plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.base import Decoded, Summary, Unit, Verdict
from gateway.correspondence import repeats_refused
from gateway.earlier import Sent
from gateway.going_on import Bound, refused_units
from gateway.journal.types import DeliveryPlan, DocumentPlan, Side
from gateway.program import Program
from gateway.ruling import verdict_of
from gateway.stage import Stage


@dataclass(slots=True)
class Gathered:
    """What the chunks so far leave for the end of the input."""

    bound: list[Bound] = field(default_factory=list)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    units: dict[int, tuple[Unit, ...]] = field(default_factory=dict)
    interchanges: dict[int, int] = field(default_factory=dict)  # set index -> interchange
    came_before: set[int] = field(default_factory=set)  # indexes of sets that are repeats
    repeats: dict[int, dict[str, None]] = field(default_factory=dict)  # interchange -> control numbers
    answered_elsewhere: set[int] = field(default_factory=set)  # sets that who gets them acknowledges
    clouds: set[int] = field(default_factory=set)  # indexes of sets that go to the cloud
    waiting: set[int] = field(default_factory=set)  # indexes of sets that wait for their order

    def decoded(self, decoded: Decoded) -> None:
        """Keep what decoding says of a set."""
        self.verdicts[decoded.index] = verdict_of(decoded.findings)
        self.units[decoded.index] = decoded.units
        self.interchanges[decoded.index] = decoded.interchange
        if decoded.is_answered_by_receiver:
            self.answered_elsewhere.add(decoded.index)

    def decided(self, document: DocumentPlan) -> None:
        """Keep what a decision makes worse than decoding did: an acknowledgment says it."""
        index = document.index
        self.verdicts[index] = document.verdict
        for indexes, holds in (
            (self.came_before, document.repeats is not None),
            (self.clouds, document.side is Side.CLOUD),
            (self.waiting, document.awaits is not None),
        ):
            indexes.discard(index)
            indexes.update((index,) if holds else ())
        interchange = self.interchanges[document.index]
        names = dict.fromkeys(repeats_refused(document.findings))
        self.repeats.setdefault(interchange, {}).update(names)

    def rejected(self, program: Program, stage: Stage, summary: Summary) -> frozenset[Unit]:
        """Give the units that are refused as a whole.

        In stages legacy and shadow legacy gets every set whatever we find, and takes the good ones: to call
        them refused would free their keys, and a corrected file could then go to the other system as well.
        But a unit of which something is the cloud's is ours to judge.
        """
        rejected = refused_units(program, summary, self.verdicts, self.units)
        if stage not in (Stage.LEGACY, Stage.SHADOW):
            return rejected
        return rejected.intersection(unit for index in self.clouds for unit in self.units[index])

    def is_condemned_in_silence(self, rejected: frozenset[Unit]) -> bool:
        """Tell whether good sets fall with a unit of which no set is parked, so that nobody would look."""
        told = {
            unit
            for index, verdict in self.verdicts.items()
            if verdict is Verdict.REJECTED
            for unit in self.units[index]
        }
        return any(
            rejected.intersection(units) and not told.intersection(units) for units in self.units.values()
        )

    def is_untouched(
        self, program: Program, sent: Sent, summary: Summary, deliveries: Sequence[DeliveryPlan]
    ) -> bool:
        """Tell whether legacy gets the message as it came, and so acknowledges it to its sender itself."""
        if sent.is_whole or (summary.sets == 1 and self.waiting and program.unknown.side is Side.LEGACY):
            return True
        return any(
            each.document_index is None
            and each.body is None
            and each.role in ("live", "pass_through")
            and each.target == program.rule.legacy_target
            for each in deliveries
        )

    def untouched(self, program: Program, deliveries: Sequence[DeliveryPlan]) -> frozenset[int]:
        """Give the interchanges that legacy gets as they came, all of whose sets it acknowledges itself.

        A single set goes as it came even where it waits for its order first.
        """
        is_whole = any(
            each.document_index is None and each.body is None and each.target == program.rule.legacy_target
            for each in deliveries
        )
        if not is_whole and len(self.verdicts) != 1:
            return frozenset()
        ours = (index for index in self.verdicts if index not in self.answered_elsewhere)
        return frozenset(self.interchanges.values()) - {self.interchanges[index] for index in ours}
