"""What is found in the envelopes of one input, and what it means by the partner's policies.

A tolerance is noted once for each code, with how often it was needed. What a partner may not do condemns the
sets of its interchange, those to come by `condemned`, those judged before by `rejected`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.base.findings import Finding, Level, Position
from adapters.base.formats import DecodeContext, Unit, UnitKind
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.envelope_checks import TrailerFault


class EnvelopeFindings:
    """The findings of one input's envelopes, in the order they come."""

    def __init__(self, context: DecodeContext, partner: X12Partner) -> None:
        self.condemned: list[list[str]] = []  # (code, text) against the sets of the current interchange
        self._context = context
        self._partner = partner
        self._found: list[Finding] = []
        self._tolerances: dict[str, dict[str, Any]] = {}
        self._rejected: set[tuple[str, str]] = set()
        self._interchange: str | None = None  # the key of the last one that was opened

    def opened(self, interchange: str) -> None:
        """Hear which interchange the next findings are about."""
        self._interchange = interchange

    def closed(self) -> None:
        """Hear that the interchange has ended: what condemned its sets is nothing to the next one's."""
        self.condemned = []

    # -- what is found

    def add(self, finding: Finding) -> None:
        """Keep a finding whatever the partner says of it, and however many there are."""
        self._found.append(finding)

    def say(self, code: str, text: str, place: Position, level: Level = Level.ERROR) -> None:
        """Report what is wrong, at the level that the partner has for it."""
        if len(self._found) < self._context.bounds.findings_max:
            self._found.append(Finding(code, place, text, self._partner.levels.get(code, level)))

    def tolerate(self, code: str, text: str, place: Position) -> None:
        """Note a tolerance, once for each code, counting how often it was needed."""
        known = self._tolerances.get(code)
        offset = place.offset or 0
        if known is not None:
            if offset > known["last"]:
                known["count"] += 1
                known["last"] = offset
        else:
            at = {"line": place.line, "path": place.path, "offset": place.offset}
            self._tolerances[code] = {"text": text, "at": at, "count": 1, "last": offset}
        if code in self._partner.refuse:
            self._refuse(code, text)

    def condemn(self, code: str, text: str) -> None:
        """Hold something against every set of the current interchange that is still to come."""
        self.condemned.append([code, text])

    def duplicate(self, code: str, text: str, place: Position, path: str) -> bool:
        """Report a control number that was used before; tell whether that refuses what it numbers."""
        is_rejected = self._partner.duplicates == "reject"
        at = Position(place.source, place.line, place.column, path, place.offset)
        self.say(code, text, at, Level.REJECTED if is_rejected else Level.ERROR)
        if is_rejected:
            self.condemn(code, text)
        return is_rejected

    def wrong_trailer(
        self, fault: TrailerFault, place: Position, unit: UnitKind, facts: dict[str, Any]
    ) -> None:
        """Report a wrong trailer, also in the facts of what it closes; by partner policy it condemns that."""
        facts["errors"].append(fault.error)
        is_rejected = self._partner.envelope_counts == "reject"
        if is_rejected:
            self._rejected.add((unit.value, facts["key"]))
            facts["condemns"] = fault.error
        self.say(fault.code, fault.text, place, Level.REJECTED if is_rejected else Level.ERROR)

    def _refuse(self, code: str, text: str) -> None:
        entry = [code, f"{text}; this partner may not need that (refuse: {code})"]
        if entry not in self.condemned:
            self.condemned.append(entry)
        if self._interchange is not None:  # sets judged before go down with it, where the partner wants that
            self._rejected.add((UnitKind.INTERCHANGE.value, self._interchange))

    # -- what it comes to

    def every(self) -> Iterator[Finding]:
        """Give all that was found, tolerances first."""
        yield from (self._tolerance(code) for code in self._tolerances)
        yield from self._found

    def rejected_units(self) -> frozenset[Unit]:
        """Give what is rejected as a whole, with the sets in it."""
        return frozenset(Unit(UnitKind(kind), key) for kind, key in self._rejected)

    def _tolerance(self, code: str) -> Finding:
        kept = self._tolerances[code]
        times = f" ({kept['count']} times)" if kept["count"] > 1 else ""
        at = Position(
            self._context.source,
            line=kept["at"]["line"],
            path=kept["at"]["path"],
            offset=kept["at"]["offset"],
        )
        is_refused = code in self._partner.refuse
        level = Level.REJECTED if is_refused else self._partner.levels.get(code, Level.NOTE)
        return Finding(code, at, f"{kept['text']}{times}", level)

    # -- resuming

    def to_json(self) -> dict[str, Any]:
        """Give the state as JSON."""
        return {
            "findings": [finding.to_json() for finding in self._found],
            "tolerances": self._tolerances,
            "condemned": self.condemned,
            "rejected": sorted(self._rejected),
        }

    def restore(self, kept: dict[str, Any], interchange: str | None) -> None:
        """Take up the state that `to_json` gave. ``interchange``: the last one that was opened."""
        self._found = [Finding.from_json(entry) for entry in kept["findings"]]
        self._tolerances = kept["tolerances"]
        self.condemned = kept["condemned"]
        self._rejected = {(kind, key) for kind, key in kept["rejected"]}
        self._interchange = interchange
