"""The functional acknowledgment (997) of one interchange: one 997 for each functional group in it.

Written from the interchange's facts alone, so it can be made long after the input is gone.
Source: X12 004010 and 005010 997; AK1, AK2, AK3, AK4, AK5, AK9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.base.formats import Envelope, Interchange, Verdict
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.outbound import Group, Writer, write_interchange

_WORST = (Verdict.ACCEPTED, Verdict.ACCEPTED_WITH_ERRORS, Verdict.REJECTED)
_SET_CODES = {Verdict.ACCEPTED: "A", Verdict.ACCEPTED_WITH_ERRORS: "E", Verdict.REJECTED: "R"}
_SET_ERRORS_MAX = 5  # AK502-AK506
_GROUP_ERRORS_MAX = 5  # AK905-AK909
_ACKNOWLEDGMENT_GROUPS = frozenset({"FA"})


def acknowledge(about: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope) -> bytes | None:
    """Give the 997 of an interchange; None where there is nothing to acknowledge or nobody to tell."""
    isa = about.facts.get("isa")
    entries = about.facts.get("groups")
    if about.is_acknowledgment or not isa or not isinstance(entries, list):
        return None
    theirs = [entry for entry in entries if entry["gs"] and entry["gs"][0] not in _ACKNOWLEDGMENT_GROUPS]
    if not theirs:
        return None
    kept = about.facts["delimiters"]
    writer = Writer(Delimiters.from_json(kept if isinstance(kept, dict) else {}))
    groups: dict[tuple[str, str, str], list[bytes]] = {}
    for number, entry in enumerate(theirs, 1):
        gs = entry["gs"]
        # GS02 and GS03 swapped; the version of what is acknowledged, not one of ours.
        sets = groups.setdefault((gs[2], gs[1], gs[7] or "004010"), [])
        sets.append(_set(writer, entry, verdicts, f"{number:04}"))
    made = [
        Group("FA", sender, receiver, version, sets) for (sender, receiver, version), sets in groups.items()
    ]
    return write_interchange(made, about, envelope, is_reply=True)


def _set(writer: Writer, entry: Mapping[str, Any], verdicts: Mapping[int, Verdict], control: str) -> bytes:
    gs, sets = entry["gs"], entry["sets"]
    segments = [writer.segment("AK1", gs[0], gs[5], *((gs[7],) if gs[7] >= "005" else ()))]
    reached = [_verdict(each, verdicts) for each in sets]
    for each, verdict in zip(sets, reached, strict=True):
        if each["type"]:
            segments.extend(_set_result(writer, each, verdict))
    segments.append(_group_result(writer, entry, reached))
    body = [writer.segment("ST", "997", control), *segments]
    body.append(writer.segment("SE", str(len(body) + 1), control))
    whole = b"".join(body)
    # The set as others give it to us: up to its last terminator, without the line break behind it.
    return whole[: len(whole) - len(writer.end) + len(writer.delimiters.terminator)]


def _verdict(each: Mapping[str, Any], verdicts: Mapping[int, Verdict]) -> Verdict:
    """Give the worse of what decoding found and what the gateway decided."""
    own = Verdict(each.get("verdict", Verdict.ACCEPTED.value))
    return max(own, verdicts.get(each["index"], own), key=_WORST.index)


def _set_result(writer: Writer, each: Mapping[str, Any], verdict: Verdict) -> Iterator[bytes]:
    yield writer.segment("AK2", each["type"], each["control"])
    errors: Sequence[Mapping[str, str]] = each.get("errors", ())
    yield from _segment_errors(writer, errors)
    found = [error["set_error"] for error in errors if "set_error" in error]
    if any("segment_error" in error for error in errors) or (verdict is Verdict.REJECTED and not found):
        found.append("5")
    distinct = list(dict.fromkeys(found))[:_SET_ERRORS_MAX]
    yield writer.segment("AK5", _SET_CODES[verdict], *(distinct if verdict is not Verdict.ACCEPTED else ()))


def _segment_errors(writer: Writer, errors: Sequence[Mapping[str, str]]) -> Iterator[bytes]:
    """Yield AK3 for each faulty segment, in the order of the set, and AK4 for each of its elements."""
    places: dict[tuple[int, str, str, str], list[Mapping[str, str]]] = {}
    for error in errors:
        if "segment_error" in error:
            key = (
                int(error["segment_position"]),
                error["segment_id"],
                error.get("loop", ""),
                error["segment_error"],
            )
            places.setdefault(key, []).append(error)
    for (position, segment, loop, code), found in sorted(places.items()):
        name = segment if writer.is_free(segment) else ""
        yield writer.segment("AK3", name, str(position), loop, code)
        for error in found:
            if "element_error" in error:
                yield _element_error(writer, error)


def _element_error(writer: Writer, error: Mapping[str, str]) -> bytes:
    place = error["element_position"]
    if "component_position" in error:
        place += writer.delimiters.component.decode("latin-1") + error["component_position"]
    bad = error.get("bad_value", "")
    # A copy that holds a delimiter would break the acknowledgment itself.
    shown = bad if bad.isprintable() and writer.is_free(bad) else ""
    return writer.segment("AK4", place, error.get("element_number", ""), error["element_error"], shown)


def _group_result(writer: Writer, entry: Mapping[str, Any], reached: Sequence[Verdict]) -> bytes:
    accepted = sum(verdict is not Verdict.REJECTED for verdict in reached)
    stated = (entry.get("ge") or [""])[0]
    included = stated if stated.isdecimal() and 1 <= len(stated) <= 6 else str(len(reached))
    errors = list(dict.fromkeys(entry["errors"]))[:_GROUP_ERRORS_MAX]
    if accepted == 0:
        code = "R"
    elif accepted < len(reached):
        code = "P"
    else:
        code = "E" if errors or Verdict.ACCEPTED_WITH_ERRORS in reached else "A"
    return writer.segment("AK9", code, included, str(len(reached)), str(accepted), *errors)
