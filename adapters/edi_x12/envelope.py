"""What envelopes say and whether it is true: ISA/IEA, GS/GE, counts, control numbers, duplicates.

Keeps, as JSON-able facts, all that an acknowledgment or a new envelope needs later. Never holds a set.
"""

from __future__ import annotations

from typing import Any

from adapters.base.findings import Finding, Level, Position
from adapters.base.formats import DecodeContext, Decoded, Interchange, Summary, Unit, UnitKind
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.control_keys import keys_of_set
from adapters.edi_x12.delimiters import Delimiters, Head
from adapters.edi_x12.envelope_checks import (
    NO_IEA,
    faults_of_ge,
    faults_of_iea,
    no_ge,
    odd_gs_values,
    odd_isa_values,
    other_environment,
    other_type,
    other_version,
)
from adapters.edi_x12.envelope_findings import EnvelopeFindings
from adapters.edi_x12.judge import ACKNOWLEDGMENTS, TOLD_MAX, SetFrame, Told
from adapters.edi_x12.receipts import receipt_of_ta1
from adapters.edi_x12.surroundings import Surroundings, surroundings, units_around

OTHERS_MAX = 100  # TA1 and foreign segments kept per interchange


class Envelopes:
    """The envelopes of one input, in the order they come."""

    def __init__(self, context: DecodeContext, partner: X12Partner) -> None:
        self.findings = EnvelopeFindings(context, partner)
        self._context = context
        self._partner = partner
        self._interchanges: list[dict[str, Any]] = []
        self._current: dict[str, Any] | None = None
        self._group: dict[str, Any] | None = None
        self._controls: set[str] = set()  # of sets in the current group
        self._pairs: set[tuple[str, ...]] = set()  # who to whom and ISA13, of all interchanges
        self._groups_seen: set[str] = set()  # GS06 in the current interchange
        self._sets = 0
        self._parts = 0
        self._around: Surroundings | None = None

    # -- what the decoder tells

    def open_interchange(self, head: Head, place: Position) -> None:
        """Open an interchange at its ISA. Source: X12.5 ISA01-ISA16."""
        isa = [part[:TOLD_MAX] for part in head.isa]
        isa[1] = isa[3] = ""  # may be a password; it is kept nowhere
        current = self._open(isa, head.delimiters)
        for code, text in head.notes:
            self.findings.tolerate(code, text, place)
        if (environment := other_environment(isa, self._context.environment)) is not None:
            self.findings.condemn("X12-ENV", environment)
            current["refused"] = "020"
        if (odd := odd_isa_values(isa)) is not None:
            self.findings.tolerate("X12-ISA-VALUE", odd, place)
        pair = (*isa[4:8], isa[12])
        if pair in self._pairs:
            text = f"ISA13 {isa[12]} was used before in this file between the same sender and receiver"
            if self.findings.duplicate("X12-DUP-ISA13", text, place, "ISA13"):
                current["refused"] = "025"
            current["errors"].append("025")
        self._pairs.add(pair)

    def open_bare(self, head: Head, place: Position) -> None:
        """Open a stretch of groups or sets that come without ISA."""
        self._open([], head.delimiters)
        self.findings.tolerate("X12-BARE", "there is no ISA envelope around the sets", place)
        if self._context.partner is None:
            text = "there is no ISA that says who sent this; name the partner to have it translated"
            self.findings.condemn("X12-PARTNER", text)

    def open_group(self, gs: list[str], place: Position) -> None:
        """Open a functional group. Source: X12.22 GS01-GS08."""
        if self._group is not None:
            self._miss_ge(place)
        current = self._interchange()
        gs = [part.strip()[:TOLD_MAX] for part in gs[:9]] + [""] * (8 - len(gs))
        is_repeated = gs[5] in self._groups_seen
        self._groups_seen.add(gs[5])
        group = self._start_group(gs)
        if is_repeated:
            text = f"GS06 {gs[5]} was used before in this interchange"
            self.findings.duplicate("X12-DUP-GS06", text, place, "GS06")
            group["errors"].append("19")
        if (odd := odd_gs_values(gs)) is not None:
            self.findings.tolerate("X12-GS-VALUE", odd, place)
        if (versions := other_version(current["isa"], gs)) is not None:
            self.findings.tolerate("X12-ISA12", versions, place)

    def close_group(self, ge: list[str], place: Position) -> None:
        """Check GE01 (element 97) and GE02 (28)."""
        group, self._group = self._group, None
        if group is None:
            self.findings.say("X12-NO-GS", "GE closes a group that no GS opened", place)
            return
        group["ge"] = [part.strip()[:TOLD_MAX] for part in ge[:2]]
        for fault in faults_of_ge(group):
            self.findings.wrong_trailer(fault, place, UnitKind.GROUP, group)

    def close_interchange(self, iea: list[str] | None, place: Position) -> None:
        """Check IEA01 (element I16) and IEA02 (I12); None where the IEA is missing."""
        current = self._current
        if current is None:
            if iea is not None:
                self.findings.say("X12-NO-ISA", "IEA closes an interchange that no ISA opened", place)
            return
        if self._group is not None and self._group["gs"]:
            self._miss_ge(place)
        self._current = self._group = None
        self.findings.closed()
        if not current["isa"]:
            if iea is not None:
                self.findings.say("X12-NO-ISA", "IEA closes an interchange that no ISA opened", place)
            return
        for fault in [NO_IEA] if iea is None else faults_of_iea(iea, current):
            self.findings.wrong_trailer(fault, place, UnitKind.INTERCHANGE, current)

    def frame(self, raw: bytes, delimiters: Delimiters, offset: int, line: int) -> SetFrame:
        """Give what a set's judge needs to know of the envelope around it."""
        current = self._interchange()
        group = self._group
        if group is None:
            if current["isa"]:
                place = Position(self._context.source, line=line, path="ST", offset=offset)
                text = "a transaction set stands outside of any functional group"
                self.findings.say("X12-NO-GS", text, place)
            group = self._start_group([])
        st = [*raw[:200].split(delimiters.terminator, 1)[0].split(delimiters.element, 3), b"", b""]
        set_type = st[1].strip().decode("latin-1")[:TOLD_MAX]
        control = st[2].strip().decode("latin-1")[:TOLD_MAX]
        is_repeated = control in self._controls
        self._controls.add(control)
        index, self._sets = self._sets, self._sets + 1
        self._parts += 1
        around = self._around
        if around is None or around.set_type != set_type:
            place = Position(self._context.source, line=line, path="ST", offset=offset)
            if (types := other_type(group["gs"], set_type)) is not None:
                self.findings.tolerate("X12-GS01", types, place)
            around = self._around = surroundings(set_type, current, group, self._partner)
        keys, condemned = around.control_keys, self.findings.condemned
        if keys and "ST02" in self._partner.unique:
            keys = keys_of_set(current["isa"], group["gs"], (set_type, control), self._partner)
        return SetFrame(
            index,
            len(self._interchanges) - 1,
            (Unit(UnitKind.SET, f"{group['key']}.{len(group['sets'])}"), *around.units),
            delimiters,
            offset,
            line,
            around.version,
            {"ST02": control, **around.numbers} if control else around.numbers,
            tuple((code, text) for code, text in condemned) if condemned else (),
            is_repeated,
            around.gs,
            keys,
        )

    def add_set(self, told: Told) -> None:
        """Keep what an acknowledgment needs of a judged set."""
        if self._group is not None:
            self._group["sets"].append(told.facts)

    def too_large(self, size_bytes: int, limit: int, place: Position) -> Decoded:
        """Give the result for a set that was larger than a set may be."""
        current = self._interchange()
        group = self._group or self._start_group([])
        text = f"the transaction set is {size_bytes} bytes; the limit is {limit}"
        finding = Finding("X12-SIZE", place, text, Level.REJECTED, facts={"set_error": "5"})
        index, self._sets = self._sets, self._sets + 1
        units = (Unit(UnitKind.SET, f"{group['key']}.{len(group['sets'])}"), *units_around(current, group))
        facts = {
            "index": index,
            "type": "",
            "control": "",
            "errors": [dict(finding.facts)],
            "verdict": "rejected",
        }
        group["sets"].append(facts)
        return Decoded(index, "", None, (finding,), b"", units, len(self._interchanges) - 1)

    def other(self, parts: list[str], place: Position) -> None:
        """Take a segment that is none of the envelope's: TA1 is kept, anything else reported."""
        current = self._interchange()
        name = parts[0][:10]
        if name == "TA1":
            if len(current["others"]) < OTHERS_MAX:
                current["others"].append([part[:40] for part in parts[:10]])
            return
        if name == "SE":
            self.findings.say("X12-NO-ST", "SE closes a transaction set that no ST opened", place)
            return
        self.findings.tolerate(
            "X12-STRAY", f"segment '{_printable(name)}' stands outside of any transaction set", place
        )

    def stray(self, place: Position) -> None:
        """Take bytes that are no segment at all."""
        if self._interchanges:
            self.findings.tolerate(
                "X12-STRAY", "text that is not X12 stands behind the interchange; it was skipped", place
            )

    @property
    def is_full(self) -> bool:
        """Tell whether the input has more interchanges, groups and sets than one may."""
        return self._parts >= self._context.bounds.parts_max

    @property
    def count(self) -> int:
        """Give how many interchanges were opened."""
        return len(self._interchanges)

    def summary(self, place: Position) -> Summary:
        """Give the summary at the input's end."""
        if self._current is not None:
            self.close_interchange(None, place)
        if not self._interchanges:
            text = "nothing in the input could be read as X12: it has no ISA, GS or ST segment"
            self.findings.say(
                "X12-UNREADABLE", text, Position(self._context.source, line=1, offset=0), Level.REJECTED
            )
        return Summary(
            sets=self._sets,
            findings=tuple(self.findings.every()),
            rejected_units=self.findings.rejected_units(),
            interchanges=tuple(_interchange(facts) for facts in self._interchanges),
            is_readable=bool(self._interchanges),
            receipts=tuple(
                receipt
                for facts in self._interchanges
                for other in facts["others"]
                if other[0] == "TA1" and (receipt := receipt_of_ta1(other, facts["isa"])) is not None
            ),
        )

    # -- resuming

    def to_json(self) -> dict[str, Any]:
        """Give the state as JSON."""
        return {
            **self.findings.to_json(),
            "interchanges": self._interchanges,
            "is_open": self._current is not None,
            "in_group": self._group is not None,
            "parts": self._parts,
            "around": self._around.set_type if self._around else None,
            "controls": sorted(self._controls),
            "pairs": sorted(self._pairs),
            "groups_seen": sorted(self._groups_seen),
            "sets": self._sets,
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Take up the state that `to_json` gave."""
        self._interchanges = kept["interchanges"]
        self.findings.restore(kept, self._interchanges[-1]["key"] if self._interchanges else None)
        self._current = self._interchanges[-1] if kept["is_open"] else None
        self._group = self._current["groups"][-1] if kept["in_group"] and self._current else None
        self._controls = set(kept["controls"])
        self._pairs = {tuple(pair) for pair in kept["pairs"]}
        self._groups_seen = set(kept["groups_seen"])
        self._sets, self._parts = kept["sets"], kept["parts"]
        self._around = None
        if kept["around"] is not None and self._current is not None and self._group is not None:
            self._around = surroundings(kept["around"], self._current, self._group, self._partner)

    # -- helpers

    def _open(self, isa: list[str], delimiters: Delimiters) -> dict[str, Any]:
        self._parts += 1
        self._groups_seen = set()
        current = self._current = {
            "key": str(len(self._interchanges)),
            "isa": isa,
            "delimiters": delimiters.to_json(),
            "groups": [],
            "others": [],
            "errors": [],
        }
        self._interchanges.append(current)
        self._group = None
        self.findings.opened(current["key"])
        return current

    def _interchange(self) -> dict[str, Any]:
        if self._current is None:
            raise AssertionError("the decoder opens an interchange before it tells of anything in it")
        return self._current

    def _start_group(self, gs: list[str]) -> dict[str, Any]:
        current = self._interchange()
        self._parts += 1
        key = f"{current['key']}.{len(current['groups'])}"
        self._around = None
        group = self._group = {"key": key, "gs": gs, "sets": [], "errors": []}
        current["groups"].append(group)
        self._controls = set()
        return group

    def _miss_ge(self, place: Position) -> None:
        """Report that the current group has no trailer; a group without GS needs none."""
        group, self._group = self._group, None
        if group is not None and group["gs"]:
            self.findings.wrong_trailer(no_ge(group), place, UnitKind.GROUP, group)


def _interchange(facts: dict[str, Any]) -> Interchange:
    isa = facts["isa"]
    types = {each["type"] for group in facts["groups"] for each in group["sets"]}
    is_ta1_alone = not types and any(other[0] == "TA1" for other in facts["others"])
    return Interchange(
        sender=(isa[4], isa[5]) if isa else None,
        receiver=(isa[6], isa[7]) if isa else None,
        control_number=isa[12] if isa else "",
        is_acknowledgment=is_ta1_alone or (bool(types) and types <= ACKNOWLEDGMENTS),
        facts=facts,
    )


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
