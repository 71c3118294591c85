"""What envelopes say and whether it is true: ISA/IEA, GS/GE, counts, control numbers, duplicates.

Keeps, as JSON-able facts, all that an acknowledgment or a new envelope needs later. Never holds a set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from adapters.base.findings import Finding, Level, Position
from adapters.base.formats import ControlKey, DecodeContext, Decoded, Interchange, Summary, Unit, UnitKind
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.control_keys import keys_of_set
from adapters.edi_x12.delimiters import Delimiters, Head
from adapters.edi_x12.judge import ACKNOWLEDGMENTS, TOLD_MAX, SetFrame, Told
from adapters.edi_x12.receipts import receipt_of_ta1

GROUP_OF_SET = {
    "810": "IN", "820": "RA", "832": "SC", "846": "IB", "850": "PO", "855": "PR", "856": "SH", "860": "PC",
    "865": "CA", "997": "FA", "999": "FA",
}  # fmt: skip
"""Functional identifier (GS01, element 479) that belongs to a set (ST01)."""

OTHERS_MAX = 100  # TA1 and foreign segments kept per interchange
_ISA_VALUES = {  # element of ISA -> what it must look like; X12.5 ISA09, ISA10, ISA13-ISA15
    9: re.compile(r"[0-9]{6}"), 10: re.compile(r"[0-9]{4}"), 13: re.compile(r"[0-9]{9}"),
    14: re.compile(r"[01]"), 15: re.compile(r"[TPI]"),
}  # fmt: skip
_GS_VALUES = {4: re.compile(r"[0-9]{8}"), 5: re.compile(r"[0-9]{4}(?:[0-9]{2}(?:[0-9]{1,2})?)?")}
_ENVIRONMENTS = {"T": "test", "P": "production"}


class _Around(NamedTuple):
    """What stands around the sets of one type in one group."""

    set_type: str
    gs: tuple[str, ...]
    version: str
    numbers: Mapping[str, str]
    units: tuple[Unit, ...]
    control_keys: tuple[ControlKey, ...]


class Envelopes:
    """The envelopes of one input, in the order they come."""

    def __init__(self, context: DecodeContext, partner: X12Partner) -> None:
        self.findings: list[Finding] = []
        self._context = context
        self._partner = partner
        self._tolerances: dict[str, dict[str, Any]] = {}
        self._interchanges: list[dict[str, Any]] = []
        self._current: dict[str, Any] | None = None
        self._group: dict[str, Any] | None = None
        self._condemned: list[list[str]] = []  # (code, text) against the sets of the current interchange
        self._rejected: set[tuple[str, str]] = set()
        self._controls: set[str] = set()  # of sets in the current group
        self._pairs: set[tuple[str, ...]] = set()  # who to whom and ISA13, of all interchanges
        self._groups_seen: set[str] = set()  # GS06 in the current interchange
        self._sets = 0
        self._parts = 0
        self._around: _Around | None = None

    # -- what the decoder tells

    def open_interchange(self, head: Head, place: Position) -> None:
        """Open an interchange at its ISA. Source: X12.5 ISA01-ISA16."""
        isa = [part[:TOLD_MAX] for part in head.isa]
        isa[1] = isa[3] = ""  # may be a password; it is kept nowhere
        self._open(isa, head.delimiters)
        for code, text in head.notes:
            self.tolerate(code, text, place)
        said = _ENVIRONMENTS.get(isa[14])
        if said and said != self._context.environment:
            text = f"ISA15 says {said}, but this gateway's environment is {self._context.environment}"
            self._condemned.append(["X12-ENV", text])
            self._interchange()["refused"] = "020"
        wrong = [f"ISA{n:02}" for n, value in _ISA_VALUES.items() if not value.fullmatch(isa[n - 1])]
        if wrong:
            self.tolerate("X12-ISA-VALUE", f"{', '.join(wrong)} do not hold what X12 asks for", place)
        pair = (*isa[4:8], isa[12])
        if pair in self._pairs:
            text = f"ISA13 {isa[12]} was used before in this file between the same sender and receiver"
            if self._duplicate("X12-DUP-ISA13", text, place, "ISA13"):
                self._interchange()["refused"] = "025"
            self._interchange()["errors"].append("025")
        self._pairs.add(pair)

    def open_bare(self, head: Head, place: Position) -> None:
        """Open a stretch of groups or sets that come without ISA."""
        self._open([], head.delimiters)
        self.tolerate("X12-BARE", "there is no ISA envelope around the sets", place)
        if self._context.partner is None:
            text = "there is no ISA that says who sent this; name the partner to have it translated"
            self._condemned.append(["X12-PARTNER", text])

    def open_group(self, gs: list[str], place: Position) -> None:
        """Open a functional group. Source: X12.22 GS01-GS08."""
        if self._group is not None:
            self._missing_trailer("X12-NO-GE", "GE", "3", place)
        current = self._interchange()
        gs = [part.strip()[:TOLD_MAX] for part in gs[:9]] + [""] * (8 - len(gs))
        is_repeated = gs[5] in self._groups_seen
        self._groups_seen.add(gs[5])
        self._start_group(gs)
        if is_repeated:
            text = f"GS06 {gs[5]} was used before in this interchange"
            self._duplicate("X12-DUP-GS06", text, place, "GS06")
            current["groups"][-1]["errors"].append("19")
        wrong = [f"GS{n:02}" for n, value in _GS_VALUES.items() if not value.fullmatch(gs[n - 1])]
        if wrong:
            self.tolerate("X12-GS-VALUE", f"{', '.join(wrong)} are no date and time as X12 has them", place)
        isa12 = current["isa"][11] if current["isa"] else ""
        if isa12 and gs[7][:5] != isa12:
            text = f"ISA12 says version {isa12}, GS08 says {gs[7] or 'nothing'}; GS08 is followed"
            self.tolerate("X12-ISA12", text, place)

    def close_group(self, ge: list[str], place: Position) -> None:
        """Check GE01 (element 97) and GE02 (28)."""
        group, self._group = self._group, None
        if group is None:
            self._say("X12-NO-GS", "GE closes a group that no GS opened", place)
            return
        group["ge"] = [part.strip()[:TOLD_MAX] for part in ge[:2]]
        count, control = (group["ge"] + ["", ""])[:2]
        unit = (UnitKind.GROUP.value, group["key"])
        if not _is_same_number(count, str(len(group["sets"]))):
            text = f"GE01 says {count[:20] or 'nothing'} sets, but the group has {len(group['sets'])}"
            self._wrong("X12-GE01", text, place, unit, group, "5")
        if not _is_same_number(control, group["gs"][5] if group["gs"] else ""):
            expected = group["gs"][5] if group["gs"] else ""
            text = f"GE02 says {control[:20] or 'nothing'}; expected GS06's {expected or '(no GS)'}"
            self._wrong("X12-GE02", text, place, unit, group, "4")

    def close_interchange(self, iea: list[str] | None, place: Position) -> None:
        """Check IEA01 (element I16) and IEA02 (I12); None where the IEA is missing."""
        current = self._current
        if current is None:
            if iea is not None:
                self._say("X12-NO-ISA", "IEA closes an interchange that no ISA opened", place)
            return
        if self._group is not None and self._group["gs"]:
            self._missing_trailer("X12-NO-GE", "GE", "3", place)
        self._current = self._group = None
        self._condemned = []
        unit = (UnitKind.INTERCHANGE.value, current["key"])
        if iea is None:
            if current["isa"]:
                self._wrong(
                    "X12-NO-IEA", "the interchange has no IEA; it may be cut off", place, unit, current, "023"
                )
            return
        if not current["isa"]:
            self._say("X12-NO-ISA", "IEA closes an interchange that no ISA opened", place)
            return
        count, control = ([part.strip() for part in iea] + ["", ""])[:2]
        groups = sum(1 for group in current["groups"] if group["gs"])
        has_ta1 = any(other[0] == "TA1" for other in current["others"])
        if not _is_same_number(count, str(groups)) and not (has_ta1 and groups == 0):
            text = f"IEA01 says {count[:20] or 'nothing'} groups, but the interchange has {groups}"
            self._wrong("X12-IEA01", text, place, unit, current, "021")
        if not _is_same_number(control, current["isa"][12]):
            text = f"IEA02 says {control[:20] or 'nothing'}; expected ISA13's {current['isa'][12]}"
            self._wrong("X12-IEA02", text, place, unit, current, "001")

    def frame(self, raw: bytes, delimiters: Delimiters, offset: int, line: int) -> SetFrame:
        """Give what a set's judge needs to know of the envelope around it."""
        current = self._interchange()
        if self._group is None:
            if current["isa"]:
                place = Position(self._context.source, line=line, path="ST", offset=offset)
                self._say("X12-NO-GS", "a transaction set stands outside of any functional group", place)
            self._start_group([])
        group = self._group
        if group is None:
            raise AssertionError("a group was opened above")
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
            self._check_group_type(group, set_type, place)
            around = self._around = self._surroundings(set_type)
        keys = around.control_keys
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
            tuple((code, text) for code, text in self._condemned) if self._condemned else (),
            is_repeated,
            around.gs,
            keys,
        )

    def _surroundings(self, set_type: str) -> _Around:
        """Give what is the same for all sets of one type in the current group."""
        current, group = self._interchange(), self._group or {}
        isa, gs = current["isa"], group["gs"]
        numbers = {"GS06": gs[5][:TOLD_MAX] if gs else "", "ISA13": isa[12][:TOLD_MAX] if isa else ""}
        is_answer = set_type in ACKNOWLEDGMENTS
        return _Around(
            set_type,
            tuple(gs),
            (gs[7] if gs else "") or self._partner.version,
            {name: number for name, number in numbers.items() if number},
            (
                Unit(UnitKind.GROUP, group["key"]),
                Unit(UnitKind.INTERCHANGE, current["key"]),
                Unit(UnitKind.FILE, "file"),
            ),
            () if is_answer else keys_of_set(isa, gs, (set_type, ""), self._partner),
        )

    def add_set(self, told: Told) -> None:
        """Keep what an acknowledgment needs of a judged set."""
        if self._group is not None:
            self._group["sets"].append(told.facts)

    def too_large(self, size_bytes: int, limit: int, place: Position) -> Decoded:
        """Give the result for a set that was larger than a set may be."""
        current = self._interchange()
        if self._group is None:
            self._start_group([])
        group = self._group or {}
        text = f"the transaction set is {size_bytes} bytes; the limit is {limit}"
        finding = Finding("X12-SIZE", place, text, Level.REJECTED, facts={"set_error": "5"})
        index, self._sets = self._sets, self._sets + 1
        units = self._units(current["key"], group["key"], str(len(group["sets"])))
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
            self._say("X12-NO-ST", "SE closes a transaction set that no ST opened", place)
            return
        self.tolerate(
            "X12-STRAY", f"segment '{_printable(name)}' stands outside of any transaction set", place
        )

    def stray(self, place: Position) -> None:
        """Take bytes that are no segment at all."""
        if self._interchanges:
            self.tolerate(
                "X12-STRAY", "text that is not X12 stands behind the interchange; it was skipped", place
            )

    def tolerate(self, code: str, text: str, place: Position) -> None:
        """Note a tolerance, once for each code, counting how often it was needed."""
        known = self._tolerances.get(code)
        offset = place.offset or 0
        if known is not None:
            if offset > known["last"]:
                known["count"] += 1
                known["last"] = offset
            if code in self._partner.refuse:
                self._refuse(code, text)
            return
        at = {"line": place.line, "path": place.path, "offset": place.offset}
        self._tolerances[code] = {"text": text, "at": at, "count": 1, "last": offset}
        if code in self._partner.refuse:
            self._refuse(code, text)

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
            self._say(
                "X12-UNREADABLE", text, Position(self._context.source, line=1, offset=0), Level.REJECTED
            )
        return Summary(
            sets=self._sets,
            findings=(*(self._tolerance(code) for code in self._tolerances), *self.findings),
            rejected_units=frozenset(Unit(UnitKind(kind), key) for kind, key in self._rejected),
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
            "findings": [finding.to_json() for finding in self.findings],
            "tolerances": self._tolerances,
            "interchanges": self._interchanges,
            "is_open": self._current is not None,
            "in_group": self._group is not None,
            "parts": self._parts,
            "around": self._around.set_type if self._around else None,
            "condemned": self._condemned,
            "rejected": sorted(self._rejected),
            "controls": sorted(self._controls),
            "pairs": sorted(self._pairs),
            "groups_seen": sorted(self._groups_seen),
            "sets": self._sets,
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Take up the state that `to_json` gave."""
        self.findings = [Finding.from_json(entry) for entry in kept["findings"]]
        self._tolerances = kept["tolerances"]
        self._interchanges = kept["interchanges"]
        self._current = self._interchanges[-1] if kept["is_open"] else None
        self._group = self._current["groups"][-1] if kept["in_group"] and self._current else None
        self._condemned = kept["condemned"]
        self._rejected = {(kind, key) for kind, key in kept["rejected"]}
        self._controls = set(kept["controls"])
        self._pairs = {tuple(pair) for pair in kept["pairs"]}
        self._groups_seen = set(kept["groups_seen"])
        self._sets, self._parts = kept["sets"], kept["parts"]
        self._around = self._surroundings(kept["around"]) if kept["around"] is not None else None

    # -- helpers

    def _open(self, isa: list[str], delimiters: Delimiters) -> None:
        self._parts += 1
        self._groups_seen = set()
        self._current = {
            "key": str(len(self._interchanges)),
            "isa": isa,
            "delimiters": delimiters.to_json(),
            "groups": [],
            "others": [],
            "errors": [],
        }
        self._interchanges.append(self._current)
        self._group = None

    def _interchange(self) -> dict[str, Any]:
        if self._current is None:
            raise AssertionError("the decoder opens an interchange before it tells of anything in it")
        return self._current

    def _start_group(self, gs: list[str]) -> None:
        current = self._interchange()
        self._parts += 1
        key = f"{current['key']}.{len(current['groups'])}"
        self._around = None
        self._group = {"key": key, "gs": gs, "sets": [], "errors": []}
        current["groups"].append(self._group)
        self._controls = set()

    def _units(self, interchange: str, group: str, number: str) -> tuple[Unit, ...]:
        return (
            Unit(UnitKind.SET, f"{group}.{number}"),
            Unit(UnitKind.GROUP, group),
            Unit(UnitKind.INTERCHANGE, interchange),
            Unit(UnitKind.FILE, "file"),
        )

    def _check_group_type(self, group: dict[str, Any], set_type: str, place: Position) -> None:
        expected = GROUP_OF_SET.get(set_type)
        if group["gs"] and expected and group["gs"][0] != expected:
            found = group["gs"][0][:10] or "empty"
            text = f"GS01 is {found} around a {set_type}; expected {expected}. ST01 is followed"
            self.tolerate("X12-GS01", text, place)

    def _missing_trailer(self, code: str, name: str, error: str, place: Position) -> None:
        group, self._group = self._group, None
        if group is not None and group["gs"]:
            unit = (UnitKind.GROUP.value, group["key"])
            self._wrong(
                code, f"the functional group {group['gs'][5]} has no {name}", place, unit, group, error
            )

    def _wrong(
        self,
        code: str,
        text: str,
        place: Position,
        unit: tuple[str, str],
        facts: dict[str, Any],
        error: str,
    ) -> None:
        """Report a wrong trailer; by partner policy it condemns what it closes."""
        facts["errors"].append(error)
        is_rejected = self._partner.envelope_counts == "reject"
        if is_rejected:
            self._rejected.add(unit)
            facts["condemns"] = error
        self._say(code, text, place, Level.REJECTED if is_rejected else Level.ERROR)

    def _duplicate(self, code: str, text: str, place: Position, path: str) -> bool:
        """Report a control number that was used before; tell whether that refuses what it numbers."""
        is_rejected = self._partner.duplicates == "reject"
        at = Position(place.source, place.line, place.column, path, place.offset)
        self._say(code, text, at, Level.REJECTED if is_rejected else Level.ERROR)
        if is_rejected:
            self._condemned.append([code, text])
        return is_rejected

    def _refuse(self, code: str, text: str) -> None:
        entry = [code, f"{text}; this partner may not need that (refuse: {code})"]
        if entry not in self._condemned:
            self._condemned.append(entry)
        if self._interchanges:  # sets that were judged before go down with it, where the partner wants that
            self._rejected.add((UnitKind.INTERCHANGE.value, self._interchanges[-1]["key"]))

    def _say(self, code: str, text: str, place: Position, level: Level = Level.ERROR) -> None:
        if len(self.findings) < self._context.bounds.findings_max:
            self.findings.append(Finding(code, place, text, self._partner.levels.get(code, level)))

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


def _is_same_number(found: str, expected: str) -> bool:
    if found == expected:
        return True
    if found.isdecimal() and expected.isdecimal() and max(len(found), len(expected)) <= 20:
        return int(found) == int(expected)
    return False


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
