"""One functional acknowledgment set (997 or 999) about one functional group, from the facts kept of it.

Both say the same in other segments: AK3/AK4/AK5 of a 997 are IK3/IK4/IK5 of a 999, which adds CTX where one
element makes another necessary. Source: X12 004010 and 005010 997 and 999, elements 715, 717, 718, 720,
723 (997) and 618, 620, 621 (999).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.base.formats import Verdict
from adapters.edi_x12.outbound import Writer

_WORST = (Verdict.ACCEPTED, Verdict.ACCEPTED_WITH_ERRORS, Verdict.REJECTED)
_SET_CODES = {Verdict.ACCEPTED: "A", Verdict.ACCEPTED_WITH_ERRORS: "E", Verdict.REJECTED: "R"}
_SET_ERRORS_MAX = 5  # AK502-AK506
_GROUP_ERRORS_MAX = 5  # AK905-AK909
SET_NOT_SUPPORTED, SEGMENTS_IN_ERROR = "1", "5"  # elements 718 and 618


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one of the two sets names its segments."""

    set_type: str
    segment: str
    element: str
    result: str
    has_context: bool


DIALECTS: Mapping[str, Dialect] = {
    "997": Dialect("997", "AK3", "AK4", "AK5", has_context=False),
    "999": Dialect("999", "IK3", "IK4", "IK5", has_context=True),
}


def functional_set(
    writer: Writer,
    dialect: Dialect,
    entry: Mapping[str, Any],
    verdicts: Mapping[int, Verdict],
    control: str,
    version: str,
) -> bytes:
    """Give the bytes of one set, up to its last terminator, without the line break behind it.

    ``entry`` is a group's facts; ``version`` GS08 of the acknowledgment, told again in ST03 where it names
    an implementation guide (element 1705).
    """
    gs, sets = entry["gs"], entry["sets"]
    convention = version if dialect.set_type == "999" and "X" in version else ""
    says_version = dialect.set_type == "999" or gs[7] >= "005"  # AK103 is new in 005010
    about = (writer.shown(gs[0], 2), writer.shown(gs[5], 9))
    segments = [writer.segment("AK1", *about, writer.shown(gs[7], 12) if says_version else "")]
    reached = [verdict_in(each, verdicts) for each in sets]
    for each, verdict in zip(sets, reached, strict=True):
        if each["type"]:
            segments.extend(_set_result(writer, dialect, each, verdict))
    segments.append(_group_result(writer, entry, reached))
    body = [writer.segment("ST", dialect.set_type, control, convention), *segments]
    body.append(writer.segment("SE", str(len(body) + 1), control))
    whole = b"".join(body)
    return whole[: len(whole) - len(writer.end) + len(writer.delimiters.terminator)]


def verdict_in(each: Mapping[str, Any], verdicts: Mapping[int, Verdict]) -> Verdict:
    """Give the worse of what decoding found and what the gateway decided."""
    own = Verdict(each.get("verdict", Verdict.ACCEPTED.value))
    return max(own, verdicts.get(each["index"], own), key=_WORST.index)


def _set_result(
    writer: Writer, dialect: Dialect, each: Mapping[str, Any], verdict: Verdict
) -> Iterator[bytes]:
    yield writer.segment("AK2", writer.shown(each["type"], 3), writer.shown(each["control"], 9))
    errors: Sequence[Mapping[str, str]] = each.get("errors", ())
    yield from _segment_errors(writer, dialect, errors)
    found = [error["set_error"] for error in errors if "set_error" in error]
    if any("segment_error" in error for error in errors) or (verdict is Verdict.REJECTED and not found):
        found.append(SEGMENTS_IN_ERROR)
    distinct = list(dict.fromkeys(found))[:_SET_ERRORS_MAX]
    yield writer.segment(
        dialect.result, _SET_CODES[verdict], *(distinct if verdict is not Verdict.ACCEPTED else ())
    )


def _segment_errors(writer: Writer, dialect: Dialect, errors: Sequence[Mapping[str, str]]) -> Iterator[bytes]:
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
        yield writer.segment(dialect.segment, writer.shown(segment, 3), str(position), loop, code)
        for error in found:
            if "element_error" in error:
                yield _element_error(writer, dialect, error)
                if dialect.has_context and "trigger_position" in error:
                    place = (segment, str(position), loop, error["trigger_position"])
                    yield writer.segment("CTX", "SITUATIONAL TRIGGER", *place)


def _element_error(writer: Writer, dialect: Dialect, error: Mapping[str, str]) -> bytes:
    place = error["element_position"]
    if "component_position" in error:
        place += writer.delimiters.component.decode("latin-1") + error["component_position"]
    # A copy that holds a delimiter would break the acknowledgment itself.
    bad = writer.shown(error.get("bad_value", ""), 99)
    return writer.segment(
        dialect.element, place, error.get("element_number", ""), error["element_error"], bad
    )


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
