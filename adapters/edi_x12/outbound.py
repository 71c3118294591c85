"""Writing envelopes of our own: ISA and GS around sets, counts right, control numbers from outside. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.base.findings import Finding, Position
from adapters.base.formats import EncodeError, Envelope, Interchange
from adapters.edi_x12.delimiters import ISA_WIDTHS, Delimiters
from adapters.edi_x12.functional_groups import GROUP_OF_SET
from adapters.edi_x12.judge import TOLD_MAX

CONTROL_NUMBER_MAX = 999_999_999
GROUPS_MAX = 100
DEFAULT = Delimiters(b"*", b">", b"~", line_break=b"\n")


@dataclass(frozen=True, slots=True)
class Group:
    """A functional group to write: GS01-GS03 and GS08, and its sets' bytes."""

    kind: str
    sender: str
    receiver: str
    version: str
    sets: Sequence[bytes]


class Writer:
    """Writes segments with one set of delimiters."""

    def __init__(self, delimiters: Delimiters) -> None:
        self.delimiters = delimiters
        # A break behind a terminator that is itself a line break would be an empty segment.
        self.end = delimiters.terminator + (b"" if delimiters.is_line_terminated else delimiters.line_break)

    def segment(self, *elements: str) -> bytes:
        """Give one segment; empty elements at its end are left out."""
        kept = list(elements)
        while kept and not kept[-1]:
            kept.pop()
        return self.delimiters.element.join(each.encode() for each in kept) + self.end

    def is_free(self, text: str) -> bool:
        """Tell whether a text holds no delimiter, so that it can stand in an element."""
        parts = (self.delimiters.element, self.delimiters.component, self.delimiters.terminator)
        found = text.encode()
        return not any(part and part in found for part in (*parts, self.delimiters.repetition))

    def shown(self, text: str, most: int) -> str:
        """Give a text that came from outside, cut to a length; empty where it would break the segment."""
        return text[:most] if text.isprintable() and self.is_free(text) else ""

    def set_joint(self, raw: bytes) -> bytes:
        """Give a set's bytes with what must stand behind them."""
        missing = b"" if raw.endswith(self.delimiters.terminator) else self.delimiters.terminator
        return raw + missing + self.end[len(self.delimiters.terminator) :]


def write_interchange(
    groups: Sequence[Group],
    about: Interchange,
    envelope: Envelope,
    *,
    is_reply: bool,
    in_front: bytes = b"",
) -> bytes:
    """Write an interchange around groups. `is_reply` swaps the parties of the one that it is about.

    `in_front` stands between ISA and the first GS: TA1 segments.
    """
    facts = about.facts
    delimiters = Delimiters.from_json(_dict(facts.get("delimiters"))) if facts.get("delimiters") else DEFAULT
    theirs: tuple[tuple[str, str] | None, ...] = (about.sender, about.receiver)
    sender, receiver = reversed(theirs) if is_reply else theirs
    parties = (envelope.sender or sender, envelope.receiver or receiver)
    if parties[0] is None or parties[1] is None:
        raise EncodeError(
            [_finding("X12-PARTIES", "the envelope names no sender or receiver, and no ISA does")]
        )
    writer = Writer(delimiters)
    local = envelope.at.astimezone(ZoneInfo(envelope.zone))
    control = control_number(envelope.control_number)
    newest = max((group.version for group in groups), default="")
    out = [_isa(writer, facts, parties[0], parties[1], local, control, envelope, newest), in_front]
    for number, group in enumerate(groups):
        own = group_control_number(envelope.control_number, number)
        stamp = (f"{local:%Y%m%d}", f"{local:%H%M}")
        out.append(
            writer.segment("GS", group.kind, group.sender, group.receiver, *stamp, own, "X", group.version)
        )
        out.extend(writer.set_joint(raw) for raw in group.sets)
        out.append(writer.segment("GE", str(len(group.sets)), own))
    out.append(writer.segment("IEA", str(len(groups)), control))
    return b"".join(out)


def control_number(number: int) -> str:
    """Give ISA13: nine digits (element I12)."""
    if not 0 <= number <= CONTROL_NUMBER_MAX:
        raise EncodeError(
            [_finding("X12-CONTROL-NUMBER", f"control number {number} has more than nine digits")]
        )
    return f"{number:09}"


def group_control_number(number: int, group: int) -> str:
    """Give GS06: the interchange's number for its first group, derived from it for the others.

    So an acknowledgment of a one-group interchange names our control number in AK102.
    """
    return str(number if group == 0 else (number * GROUPS_MAX + group) % (CONTROL_NUMBER_MAX + 1))


def wrap(sets: Sequence[bytes], about: Interchange, envelope: Envelope) -> bytes:
    """Put sets, bytes unchanged, into a new envelope; groups as they were."""
    return write_interchange(_regrouped(sets, about), about, envelope, is_reply=False)


def _regrouped(sets: Sequence[bytes], about: Interchange) -> list[Group]:
    delimiters = (
        Delimiters.from_json(_dict(about.facts.get("delimiters")))
        if about.facts.get("delimiters")
        else DEFAULT
    )
    entries = _groups(about)
    waiting: dict[tuple[str, str], list[int]] = {}
    for number, entry in enumerate(entries):
        for each in entry["sets"]:
            waiting.setdefault((each["type"], each["control"]), []).append(number)
    placed: dict[int, list[bytes]] = {}
    types: dict[int, str] = {}
    for raw in sets:
        st = raw[:200].split(delimiters.terminator, 1)[0].split(delimiters.element)
        kind, control = (part.strip().decode("latin-1")[:TOLD_MAX] for part in [*st, b"", b""][1:3])
        homes = waiting.get((kind, control))
        if not homes:
            raise EncodeError([_finding("X12-WRAP-SET", f"set {kind} {control} is not of this interchange")])
        home = homes.pop(0)
        placed.setdefault(home, []).append(raw)
        types.setdefault(home, kind)
    return [_group(entries[home], types[home], placed[home], about) for home in sorted(placed)]


def _group(entry: Mapping[str, Any], set_type: str, sets: Sequence[bytes], about: Interchange) -> Group:
    gs = entry["gs"]
    if gs:
        return Group(gs[0], gs[1], gs[2], gs[7], sets)
    sender, receiver = (pair[1] if pair else "" for pair in (about.sender, about.receiver))
    return Group(GROUP_OF_SET.get(set_type, ""), sender, receiver, "004010", sets)


def _isa(
    writer: Writer,
    facts: Mapping[str, object],
    sender: tuple[str, str],
    receiver: tuple[str, str],
    local: datetime,
    control: str,
    envelope: Envelope,
    newest: str,
) -> bytes:
    isa = facts.get("isa")
    theirs = [str(part) for part in isa] if isinstance(isa, list) and isa else []
    delimiters = writer.delimiters
    isa11 = delimiters.repetition.decode("latin-1") or (
        theirs[10] if theirs and len(theirs[10]) == 1 else "U"
    )
    version = theirs[11] if theirs and len(theirs[11]) == 5 else "00401"
    if newest >= "005010" and "X" in newest and version < "00501":  # a 999 about a group of before 005010
        version = "00501"
        isa11 = "^" if writer.is_free("^") else isa11
    parts = (
        "00", "", "00", "", *sender, *receiver, f"{local:%y%m%d}", f"{local:%H%M}", isa11, version, control,
        "0", "T" if envelope.environment == "test" else "P",
    )  # fmt: skip
    padded = [part.ljust(width)[:width].encode() for part, width in zip(parts, ISA_WIDTHS, strict=False)]
    return delimiters.element.join([b"ISA", *padded, delimiters.component]) + writer.end


def _groups(about: Interchange) -> list[Mapping[str, Any]]:
    groups = about.facts.get("groups")
    return list(groups) if isinstance(groups, list) else []


def _dict(value: object) -> dict[str, str]:
    return dict(value) if isinstance(value, dict) else {}


def _finding(code: str, text: str) -> Finding:
    return Finding(code, Position("interchange"), text)
