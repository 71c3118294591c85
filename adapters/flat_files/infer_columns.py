"""Records of fixed width as a proposed layout: types of records, and where columns begin. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.flat_files.proposal import (
    Proposal,
    date_form,
    example,
    parent_line,
    pivot,
    safe_name,
    tell_types,
)


@dataclass(frozen=True, slots=True)
class _Span:
    """A column of a fixed record: what all records have there."""

    start: int  # from 0
    length: int
    samples: tuple[str, ...]


def fixed_layout(lines: Sequence[str], proposal: Proposal) -> list[str]:
    """Give the lines of a layout for records of fixed width, from ``records`` on."""
    groups = _by_prefix(lines)
    out: list[str] = []
    lengths = {name: Counter(map(len, members)) for name, members in groups.items()}
    if any(len(each) > 1 for each in lengths.values()):
        out.append("trims: yes")
        proposal.notes.append(
            "lines of one type differ in length: blanks at their ends seem to be dropped (trims)"
        )
    out.append("records:")
    for name, members in groups.items():
        out.append(f"  {safe_name(name)}:")
        if len(groups) > 1:
            out.append(f"    match: {{TYPE: {json.dumps(name)}}}")
            out += parent_line(groups, name, [_prefix_of(line, groups) for line in lines])
        out.append("    fields:")
        width = max(map(len, members))
        padded = [line.ljust(width) for line in members]
        spans = _spans(padded, len(name) if len(groups) > 1 else 0)
        if len(groups) > 1:
            out.append(f"      - {{name: TYPE, len: {len(name)}}}")
        out += [_fixed_field(number, span) for number, span in enumerate(spans, start=1)]
    tell_types(groups, proposal)
    if any(len(members) < 5 for members in groups.values()):
        proposal.notes.append("of some types there are fewer than five lines: their columns are weak guesses")
    return out


def _by_prefix(lines: Sequence[str]) -> dict[str, list[str]]:
    for length in (1, 2, 3):
        firsts = Counter(line[:length] for line in lines)
        is_type = 1 < len(firsts) <= 12 and all(each.strip() and each[:1].isalpha() for each in firsts)
        if is_type and (len(lines) >= 3 * len(firsts) or length == 1):
            return {name: [line for line in lines if line.startswith(name)] for name in firsts}
    return {"ROW": list(lines)}


def _prefix_of(line: str, groups: dict[str, list[str]]) -> str:
    return next((name for name in groups if line.startswith(name)), "")


def _spans(lines: Sequence[str], begin: int) -> list[_Span]:
    """Cut records into columns: where the kind of character changes in all of them, or a gap ends."""
    width = len(lines[0])
    kinds = [_kind({line[place] for line in lines}) for place in range(width)]
    cuts = [begin]
    for place in range(begin + 1, width):
        before, here = kinds[place - 1], kinds[place]
        ends_gap = before in ("blank", "gap") and here not in ("blank", "gap")
        if ends_gap or {before, here} in ({"digit", "text"}, {"digit", "gap"}):
            cuts.append(place)
    spans = []
    for start, end in zip(cuts, [*cuts[1:], width], strict=True):
        spans.append(_Span(start, end - start, tuple(line[start:end] for line in lines)))
    return [span for span in spans if span.length]


def _kind(characters: set[str]) -> str:
    if characters == {" "}:
        return "blank"
    if all(each.isdecimal() for each in characters):
        return "digit"
    return (
        "gap" if " " in characters and all(each == " " or each.isdecimal() for each in characters) else "text"
    )


def _fixed_field(number: int, span: _Span) -> str:
    name = f"FIELD_{number}"
    place = f"at: {span.start + 1}"
    if all(not each.strip() for each in span.samples):
        return f"      - {{filler: {span.length}}}    # blank in every line"
    filled = [each for each in span.samples if each.strip()]
    date = date_form([each for each in filled if each.strip("0")])
    digits = all(each.isascii() and each.isdecimal() for each in filled)
    if date is not None and len(date) == span.length:
        words = [f"name: {name}", place, f'type: "date({date})"', *pivot(date)]
        if any(not each.strip("0") for each in filled):
            words.append("blank: zeros")
    elif digits and span.length <= 18:
        words = [f"name: {name}", place, f"type: int({span.length})"]
    else:
        words = [f"name: {name}", place, f"len: {span.length}"]
        if (
            all(each.startswith(" ") or len(each.strip()) == span.length for each in filled)
            and len(filled) > 1
        ):
            words += ["align: right"] if any(each.startswith(" ") for each in filled) else []
    return f"      - {{{', '.join(words)}}}{example(span.samples)}"
