"""Which overrides a new partner needs, worked out from files that it sent. Pure.

Each file is decoded with the profile so far. What was wrong with a segment or element says what the guide
would have to allow; that is added, and the files are read again, until nothing more can be inferred. What
no override can make right (counts, missing numbers, codes whose meaning nobody told) is left as findings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.base.findings import Finding, Level
from adapters.base.formats import DecodeContext, Decoded, Environment
from adapters.edi_x12.config import GuideOverride, X12Partner
from adapters.edi_x12.decoder import X12Decoder
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.grammar import Event
from adapters.edi_x12.guide import Guide, guide_for
from adapters.edi_x12.guide_loader import guide_file
from adapters.edi_x12.lexer import Places, Separators, SetText
from adapters.edi_x12.notation import Element, Place, Shape, Use, merged
from adapters.edi_x12.read_in import READINGS
from adapters.edi_x12.report import Report
from adapters.edi_x12.walk import UNPLACED, walk_slowly

ROUNDS_MAX = 20
_LENGTH = re.compile(r" is (\d+) long; expected at (?:most|least) \d+")
_TIMES = re.compile(r"occurs (\d+) times")
_PAIRS = re.compile(r"([MOX]\d+ [MOX]\d+)(?: \1){2,}")
_NOTE = re.compile(r"syntax note ([PRECL][0-9]+)")


@dataclass(slots=True)
class Inferred:
    """What a partner's files need: its profile with overrides, why, and what is left to people."""

    profile: X12Partner
    name: str = "NAME"  # the partner's
    reasons: list[str] = field(default_factory=list)  # one for each override
    left: list[Finding] = field(default_factory=list)
    sets: dict[str, int] = field(default_factory=dict)  # set type and version -> how many
    ids: list[tuple[str, str]] = field(default_factory=list)  # ISA05, ISA06 seen
    tolerances: set[str] = field(default_factory=set)  # codes of envelope findings


def infer(files: Sequence[tuple[str, bytes]], base: X12Partner, name: str = "NAME") -> Inferred:
    """Give what (name, body) files need on top of a profile."""
    found = Inferred(base, name=name)
    decoded: list[tuple[Decoded, str]] = []
    for _ in range(ROUNDS_MAX):
        decoded = [each for file, body in files for each in _decoded(file, body, found)]
        if not _learn(decoded, found):
            break
    found.left = [
        finding
        for each, _ in decoded
        for finding in each.findings
        if finding.level is not Level.NOTE
    ]  # fmt: skip
    return found


def _decoded(name: str, body: bytes, found: Inferred) -> list[tuple[Decoded, str]]:
    """Give the sets of one file, each with its version; test and production alike."""
    decoder = X12Decoder(_context(name, body, found), None)
    sets = list(decoder.feed(body))
    rest, summary = decoder.finish()
    found.tolerances |= {each.code for each in summary.findings}
    for interchange in summary.interchanges:
        if interchange.sender is not None and interchange.sender not in found.ids:
            found.ids.append(interchange.sender)
    versions = _versions(summary.interchanges)
    return [(each, versions.get(each.units[1].key, "") or found.profile.version) for each in (*sets, *rest)]


def _context(name: str, body: bytes, found: Inferred) -> DecodeContext:
    """Read as test or production, whichever ISA15 says it is: a sample is a sample."""
    head = body[body.find(b"ISA") :][:300]
    fields = head.split(head[3:4], 16) if len(head) > 3 else []
    is_production = len(fields) == 17 and fields[15].strip() == b"P"
    environment: Environment = "production" if is_production else "test"
    return DecodeContext(name, environment, partner=found.name, partner_settings=found.profile)


def _versions(interchanges: Sequence[Any]) -> dict[str, str]:
    return {
        group["key"]: group["gs"][7]
        for interchange in interchanges
        for group in interchange.facts["groups"]
        if group["gs"]
    }


def _learn(decoded: Sequence[tuple[Decoded, str]], found: Inferred) -> bool:
    """Add an override for each finding that one can answer; tell whether anything was added."""
    found.sets = {}
    before = found.profile
    for each, version in decoded:
        name = f"{each.set_type} {version}"
        found.sets[name] = found.sets.get(name, 0) + 1
        guide = guide_for(each.set_type, version, found.profile)
        if guide is None or each.set_type not in READINGS:
            continue
        for finding in each.findings:
            change = _change(finding, guide, each)
            if change is not None:
                _apply(each.set_type, *change, found)
    return found.profile != before


Change = tuple[str, str, Any, str]  # part of the override, key, value, why


def _change(finding: Finding, guide: Guide, each: Decoded) -> Change | None:
    name = finding.at.path.rpartition("/")[2].strip()
    match finding.code:
        case "X12-LONG" | "X12-SHORT":
            return _length(finding, guide, name)
        case "X12-CODE":
            return _code(finding, guide, name)
        case "X12-SEG-MAX" | "X12-LOOP-MAX":
            return _limit(finding, guide)
        case "X12-REQ":
            return _optional(finding, guide, name)
        case "X12-SEG-UNKNOWN":
            return _extra(finding, guide, each)
        case "X12-COND" | "X12-EXCL":
            return _note(finding, guide, name)
        case _:
            return None


def _length(finding: Finding, guide: Guide, name: str) -> Change | None:
    element, told = _element(guide, name), _LENGTH.search(finding.text)
    if element is None or told is None or element.kind in ("DT", "TM"):
        return None
    if element.number in _MEANINGFUL:
        return None
    length = int(told[1])
    least, most = min(element.least, length), max(element.most, length)
    return (
        "elements",
        element.number,
        f"{element.kind} {least}/{most} {element.name}",
        f"{name} is {length} long, the standard allows {element.least} to {element.most}",
    )


_MEANINGFUL = frozenset(
    {"353", "143", "480", "235", "128", "66", "98"}
)  # a longer qualifier is a shifted element


def _code(finding: Finding, guide: Guide, name: str) -> Change | None:
    element = _element(guide, name)
    if element is None or not element.codes or finding.value is None or element.number == "353":
        return None  # what a purpose means must be told, never allowed
    codes = sorted(element.codes | {finding.value})
    return "codes", element.number, codes, f"{name} holds '{finding.value}'"


def _limit(finding: Finding, guide: Guide) -> Change | None:
    told = _TIMES.search(finding.text)
    path = re.sub(r"\[\d+\]", "", finding.at.path.partition(" / ")[2])
    place = _place(guide.structure, path)
    if told is None or place is None:
        return None
    usage = "M" if place.is_mandatory else "O"
    return "limits", path, f"{usage}/{told[1]}", f"{path} occurs {told[1]} times"


def _optional(finding: Finding, guide: Guide, name: str) -> Change | None:
    """Make a mandatory element optional, unless a document cannot do without it."""
    use, segment = _use(guide, name), name[:-2]
    if use is None or finding.level is Level.REJECTED:
        return None
    position = int(name[-2:]) - 1
    words = _words(guide, segment)
    words[position] = f"O{words[position][1:]}"
    return "segments", segment, _text(words, [*map(str, guide.shapes[segment].notes)]), f"{name} is absent"


def _extra(finding: Finding, guide: Guide, each: Decoded) -> Change | None:
    """Allow a segment that the guide does not know, behind the place where it stood."""
    segment = finding.at.path.rpartition("/")[2].strip()
    index = int(finding.facts.get("segment_position", "0")) - 2  # among those between ST and SE
    events = _walked(guide, each)
    if not re.fullmatch(r"[A-Z][A-Z0-9]{1,2}", segment) or not 0 < index < len(events):
        return None
    before = next((path for path, _ in reversed(events[:index]) if path != UNPLACED), None)
    if before is None:
        return None
    shape = " ".join(["O352"] * max(len(events[index][1]) - 1, 1))
    return "extra", before, (segment, f"{segment} O/>1", shape), f"{segment} stands behind {before}"


def _walked(guide: Guide, each: Decoded) -> Sequence[Event]:
    """Put a set's segments at their places again."""
    text = each.raw.decode("utf-8", "replace").rstrip("\r\n \t")
    mark, end = text[2], text[-1]
    parts = [part.strip("\r\n \t") for part in text.split(end)]
    body = [part for part in parts if part][1:-1]
    places = Places(each.raw, Delimiters(mark.encode(), b">", end.encode()), 0, 1)
    report = Report("", "", X12Partner(), places, 1_000)
    return walk_slowly(SetText(text, body, Separators(mark, ">", end)), body, guide, report).events


def _note(finding: Finding, guide: Guide, name: str) -> Change | None:
    """Drop a syntax note that a partner does not keep to."""
    told, segment = _NOTE.search(finding.text), name[:-2]
    shape = guide.shapes.get(segment)
    if told is None or shape is None:
        return None
    kept = [str(note) for note in shape.notes if str(note) != told[1]]
    text = _text(_words(guide, segment), kept)
    return "segments", segment, text, f"{name} breaks the syntax note {told[1]}"


def _apply(set_type: str, part: str, key: str, value: Any, why: str, found: Inferred) -> None:
    """Put one override into the profile; the widest of several wins."""
    override = found.profile.guides.get(set_type) or GuideOverride()
    update: dict[str, Any] = {}
    if part == "extra":
        segment, place, shape = value
        known = [*override.extra.get(key, []), place]
        update = {
            "extra": {**override.extra, key: list(dict.fromkeys(known))},
            "segments": {**override.segments, segment: shape},
        }
    else:
        update = {part: {**getattr(override, part), key: value}}
    changed = override.model_copy(update=update)
    if changed == override:
        return
    found.profile = found.profile.model_copy(update={"guides": {**found.profile.guides, set_type: changed}})
    reason = f"{set_type} {part} {key}: {why}"
    if part != "segments":  # the widest says it all; of notes each one is a reason of its own
        found.reasons = [each for each in found.reasons if not each.startswith(f"{set_type} {part} {key}: ")]
    if reason not in found.reasons:
        found.reasons.append(reason)


def _use(guide: Guide, name: str) -> Use | None:
    shape: Shape | None = guide.shapes.get(name[:-2])
    if shape is None or not name[-2:].isdecimal() or int(name[-2:]) > len(shape.uses):
        return None
    return shape.uses[int(name[-2:]) - 1]


def _element(guide: Guide, name: str) -> Element | None:
    use = _use(guide, name)
    return use.element if use is not None else None


def _place(tree: Sequence[Place], path: str) -> Place | None:
    for place in tree:
        if place.path == path:
            return place
        if path.startswith(f"{place.path}/"):
            return _place(place.children, path)
    return None


def _words(guide: Guide, segment: str) -> list[str]:
    """Give a segment's usages in the notation: `M98 X93`."""
    text = merged(guide_file("segments"), guide.version, {}).get(segment, "")
    kinds = re.sub(
        r"(\d+)\*\(([^)]*)\)", lambda f: " ".join([f[2]] * int(f[1])), text.partition("|")[0]
    ).split()
    return kinds or [f"{'M' if use.is_mandatory else 'O'}{use.number}" for use in guide.shapes[segment].uses]


def _text(words: Sequence[str], notes: Sequence[str]) -> str:
    """Give a segment in the notation of `guides/segments.yaml`, repeated pairs written once."""
    listed = _PAIRS.sub(lambda found: f"{len(found[0].split()) // 2}*({found[1]})", " ".join(words))
    return f"{listed} | {' '.join(notes)}" if notes else listed
