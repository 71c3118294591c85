"""Proposing a layout from a sample: what a person would see in it, written down to be corrected. Pure.

Nothing of it is certain: a sample shows which characters stand where, never what they mean. Every guess
says so, and the names are to be replaced.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from adapters.base import Level
from adapters.flat_files.checking import check_file
from adapters.layouts import LayoutError, compile_layout
from adapters.layouts.cells import split_closely
from adapters.layouts.dates import DateForm
from adapters.layouts.model import Delimited

LINES_LOOKED_AT = 2_000
DELIMITERS = ",;|\t"
_DATES = "CCYYMMDD YYMMDD MM/DD/CCYY CCYY-MM-DD MMDDCCYY CCYYDDD".split()  # noqa: SIM905
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_TYPE_LENGTH_MAX = 4


@dataclass(slots=True)
class Proposal:
    """A proposed layout file and what the reader must know about it."""

    text: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Span:
    """A column of a fixed record, or a cell: what all records have there."""

    start: int  # from 0
    length: int
    samples: tuple[str, ...]


class InferError(Exception):
    """Nothing can be proposed; the text says why."""


def infer(body: bytes, name: str) -> Proposal:
    """Propose a layout for a sample. Errors: InferError."""
    proposal = Proposal()
    encoding, text = _decoded(body, proposal)
    newline, lines = _lines(text)
    if len(lines) < 2:
        raise InferError(
            "no lines were found. A file without line ends has records of one length or descriptor words: "
            "start from its copybook (format: copybook) and say record_length or rdw"
        )
    proposal.notes.append(f"{len(lines)} lines looked at; names and meanings are to be written by you")
    delimiter = _delimiter(lines)
    head = [f"layout: {name}", f"format: {'delimited' if delimiter else 'fixed'}", f"encoding: {encoding}"]
    head.append(f"newline: {newline}")
    if not body.endswith((b"\n", b"\r")):
        head.append("last_newline: no")
    if body.startswith(b"\xef\xbb\xbf"):
        head.append("bom: yes")
    if delimiter is not None:
        proposal.text = "\n".join([*head, *_delimited(lines, delimiter, proposal)]) + "\n"
    else:
        proposal.text = "\n".join([*head, *_fixed(lines, proposal)]) + "\n"
    _tried(body, proposal)
    return proposal


def _tried(body: bytes, proposal: Proposal) -> None:
    """Read the sample by what is proposed, and say how well that goes."""
    try:
        layout = compile_layout(proposal.text, "proposal")
    except LayoutError as error:
        proposal.notes.append(f"the proposal is not whole yet: {error.findings[0]}")
        return
    checked = check_file(layout, body, "sample")
    bad = sum(finding.level is not Level.NOTE for finding in checked.findings)
    same = (
        ""
        if bad
        else ", written back the same"
        if checked.differs_at is None
        else ", not written back the same"
    )
    proposal.notes.append(f"by this layout: {len(checked.rows)} records, {bad} findings{same}")


def _decoded(body: bytes, proposal: Proposal) -> tuple[str, str]:
    sample = body[: 4 * 1024 * 1024]
    if _looks_like_ebcdic(sample):
        raise InferError(
            "this looks like EBCDIC (its blanks are X'40'). Start from the copybook: format: copybook, "
            "encoding: cp037, and record_length or rdw"
        )
    if sample.isascii():
        return "ascii", sample.decode("ascii")
    try:
        text = sample.decode("utf-8")
    except UnicodeDecodeError:
        proposal.notes.append("bytes above 7F are no UTF-8: cp1252 is a guess; ask who writes the file")
        return "cp1252", sample.decode("cp1252", "replace")
    return "utf-8", text.removeprefix("\ufeff")


def _looks_like_ebcdic(sample: bytes) -> bool:
    """Tell EBCDIC by its blanks and digits: X'40' and X'F0' to X'F9', and next to none of ASCII's."""
    theirs = sum(sample.count(bytes([each])) for each in (0x40, *range(0xF0, 0xFA)))
    ours = sum(sample.count(bytes([each])) for each in (0x20, *range(0x30, 0x3A)))
    return theirs > 4 * ours and theirs * 10 > len(sample)


def _lines(text: str) -> tuple[str, list[str]]:
    newline = "crlf" if "\r\n" in text else "lf" if "\n" in text else "cr"
    mark = {"crlf": "\r\n", "lf": "\n", "cr": "\r"}[newline]
    return newline, [line for line in text.split(mark) if line.strip()][:LINES_LOOKED_AT]


def _delimiter(lines: Sequence[str]) -> str | None:
    best: tuple[int, str] | None = None
    for each in DELIMITERS:
        counts = [len(split_closely(line, Delimited(each)).texts) - 1 for line in lines[:200]]
        steady = min(counts)
        if steady >= 1 and len(set(counts)) <= 4 and (best is None or steady > best[0]):
            best = (steady, each)
    return best[1] if best is not None else None


# -- rows of cells


def _delimited(lines: Sequence[str], delimiter: str, proposal: Proposal) -> list[str]:
    form = Delimited(delimiter)
    rows = [split_closely(line, form) for line in lines]
    texts = [row.texts for row in rows]
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
        return [*out, "  ROW:", "    fields:", *_cell_fields(texts[1:], texts[0], lines[1:], form)]
    groups = _by_type(texts)
    for name, members in groups.items():
        out += [f"  {_safe(name)}:"]
        if len(groups) > 1:
            out.append(f"    match: {{TYPE: {json.dumps(name)}}}")
            out += _parent(groups, name, [row[0] for row in texts])
        labels = ["TYPE"] if len(groups) > 1 else []
        out += ["    fields:", *_cell_fields(members, labels, lines, form)]
    _tell_types(groups, proposal)
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


def _cell_fields(
    rows: Sequence[Sequence[str]], labels: Sequence[str], lines: Sequence[str], form: Delimited
) -> list[str]:
    width = max(len(row) for row in rows) if rows else len(labels)
    out = []
    names: set[str] = set()
    for place in range(width):
        samples = tuple(row[place] for row in rows if place < len(row))
        label = labels[place] if place < len(labels) else f"FIELD_{place + 1}"
        name = _unique(_safe(label), names)
        words = [f"name: {name}", *_cell_type(samples)]
        if name != label:
            words.append(f"label: {json.dumps(label)}")
        out.append(f"      - {{{', '.join(words)}}}{_example(samples)}")
    return out


def _cell_type(samples: Sequence[str]) -> list[str]:
    filled = [each for each in samples if each]
    date = _date_form(filled)
    if date is not None:
        return [f'type: "date({date})"', *_pivot(date)]
    if (
        filled
        and all(_NUMBER.fullmatch(each) for each in filled)
        and not any(_is_code(each) for each in filled)
    ):
        return ["type: number"] if any("." in each for each in filled) else ["type: int"]
    return []


# -- fixed width


def _fixed(lines: Sequence[str], proposal: Proposal) -> list[str]:
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
        out.append(f"  {_safe(name)}:")
        if len(groups) > 1:
            out.append(f"    match: {{TYPE: {json.dumps(name)}}}")
            out += _parent(groups, name, [_prefix_of(line, groups) for line in lines])
        out.append("    fields:")
        width = max(map(len, members))
        padded = [line.ljust(width) for line in members]
        spans = _spans(padded, len(name) if len(groups) > 1 else 0)
        if len(groups) > 1:
            out.append(f"      - {{name: TYPE, len: {len(name)}}}")
        out += [_fixed_field(number, span) for number, span in enumerate(spans, start=1)]
    _tell_types(groups, proposal)
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
    date = _date_form([each for each in filled if each.strip("0")])
    digits = all(each.isascii() and each.isdecimal() for each in filled)
    if date is not None and len(date) == span.length:
        words = [f"name: {name}", place, f'type: "date({date})"', *_pivot(date)]
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
    return f"      - {{{', '.join(words)}}}{_example(span.samples)}"


# -- what both share


def _date_form(samples: Sequence[str]) -> str | None:
    if len(samples) < 2:
        return None
    for form in _DATES:
        made = DateForm.parse(form, 70 if "CC" not in form else None)
        read = [made.read(each) for each in samples]
        if all(each is not None and "1970" <= each[:4] <= "2069" for each in read):
            return form
    return None


def _pivot(form: str) -> list[str]:
    return [] if "CC" in form else ["pivot: 70"]


def _is_code(text: str) -> bool:
    return len(text) > 1 and text.startswith("0") and "." not in text


def _parent(
    groups: dict[str, list[str]] | dict[str, list[Sequence[str]]], name: str, order: Sequence[str]
) -> list[str]:
    """Guess whose child a type is: the type before it that always comes first, and more rarely."""
    names = list(groups)
    counts = {each: len(groups[each]) for each in names}
    if (order[-1] == name and counts[name] == 1) or (order[0] == name and counts[name] == 1):
        return ['    occurs: "1"']
    earlier = [each for each in names[: names.index(name)] if counts[each] > 1]
    if not earlier:
        return []
    behind = Counter(before for before, here in pairwise(order) if here == name)
    likely = [each for each in earlier if behind[each]]
    chosen = likely[-1] if likely else earlier[-1]
    return [f"    parent: {_safe(chosen)}"]


def _tell_types(groups: dict[str, list[str]] | dict[str, list[Sequence[str]]], proposal: Proposal) -> None:
    if len(groups) > 1:
        counted = ", ".join(f"{name} {len(members)}" for name, members in groups.items())
        proposal.notes.append(f"types of records: {counted}")


def _safe(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", text.strip()) or "FIELD"
    return name if re.match(r"[A-Za-z_]", name) else f"R{name}"


def _unique(name: str, names: set[str]) -> str:
    made, number = name, 2
    while made in names:
        made, number = f"{name}_{number}", number + 1
    names.add(made)
    return made


def _example(samples: Sequence[str]) -> str:
    """Show one value beside the guess. A sample of a real file may name people: it is the user's own."""
    filled = [each.strip() for each in samples if each.strip()]
    if not filled:
        return ""
    shown = "".join(character if character.isprintable() else "?" for character in filled[0])[:24]
    return f"    # {shown}"
