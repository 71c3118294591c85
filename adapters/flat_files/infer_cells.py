"""Rows of cells as a proposed layout: headings, types of rows, types of cells. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence

from adapters.flat_files.proposal import (
    Proposal,
    date_form,
    example,
    parent_line,
    pivot,
    safe_name,
    tell_types,
    unique_name,
)
from adapters.layouts.cells import split_closely
from adapters.layouts.model import Delimited

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_TYPE_LENGTH_MAX = 4


def delimited_layout(lines: Sequence[str], delimiter: str, proposal: Proposal) -> list[str]:
    """Give the lines of a layout for rows of cells, ``delimited`` and ``records``."""
    form = Delimited(delimiter)
    texts = [split_closely(line, form).texts for line in lines]
    has_heading = _is_heading(texts)
    shown = "\\t" if delimiter == "\t" else delimiter
    words = [f'delimiter: "{shown}"']
    if has_heading:
        words.append("header: checked")
    if all(row[-1] == "" for row in texts):
        words.append("trailing: yes")
        texts = [row[:-1] for row in texts]
    out = [f"delimited: {{{', '.join(words)}}}", "records:"]
    if has_heading:
        return [*out, "  ROW:", "    fields:", *_cell_fields(texts[1:], texts[0])]
    groups = _by_type(texts)
    for name, members in groups.items():
        out += [f"  {safe_name(name)}:"]
        if len(groups) > 1:
            out.append(f"    match: {{TYPE: {json.dumps(name)}}}")
            out += parent_line(groups, name, [row[0] for row in texts])
        labels = ["TYPE"] if len(groups) > 1 else []
        out += ["    fields:", *_cell_fields(members, labels)]
    tell_types(groups, proposal)
    return out


def _is_heading(rows: Sequence[Sequence[str]]) -> bool:
    first = rows[0]
    words = all(re.fullmatch(r"[A-Za-z_][\w .#/-]*", cell) for cell in first) and len(set(first)) == len(
        first
    )
    numbers = any(_NUMBER.fullmatch(cell) for row in rows[1:50] for cell in row)
    return words and numbers


def _by_type(rows: Sequence[Sequence[str]]) -> dict[str, list[Sequence[str]]]:
    firsts = Counter(row[0] for row in rows)
    is_type = 1 < len(firsts) <= 12 and all(0 < len(each) <= _TYPE_LENGTH_MAX for each in firsts)
    widths = {first: {len(row) for row in rows if row[0] == first} for first in firsts} if is_type else {}
    if not is_type or any(len(each) > 1 for each in widths.values()):
        return {"ROW": list(rows)}
    found: dict[str, list[Sequence[str]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _cell_fields(rows: Sequence[Sequence[str]], labels: Sequence[str]) -> list[str]:
    width = max(len(row) for row in rows) if rows else len(labels)
    out = []
    names: set[str] = set()
    for place in range(width):
        samples = tuple(row[place] for row in rows if place < len(row))
        label = labels[place] if place < len(labels) else f"FIELD_{place + 1}"
        name = unique_name(safe_name(label), names)
        words = [f"name: {name}", *_cell_type(samples)]
        if name != label:
            words.append(f"label: {json.dumps(label)}")
        out.append(f"      - {{{', '.join(words)}}}{example(samples)}")
    return out


def _cell_type(samples: Sequence[str]) -> list[str]:
    filled = [each for each in samples if each]
    date = date_form(filled)
    if date is not None:
        return [f'type: "date({date})"', *pivot(date)]
    if (
        filled
        and all(_NUMBER.fullmatch(each) for each in filled)
        and not any(_is_code(each) for each in filled)
    ):
        return ["type: number"] if any("." in each for each in filled) else ["type: int"]
    return []


def _is_code(text: str) -> bool:
    return len(text) > 1 and text.startswith("0") and "." not in text
