"""Text for people: findings, tables and paragraphs that fit the terminal. It prints and decides nothing."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.base import Finding, Level

GAP = "  "
ELLIPSIS = "…"
COLUMN_LEAST = 8


def print_json(value: Any) -> None:
    """Print a value for machines."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_text(*lines: str) -> None:
    """Print lines as they are."""
    for line in lines:
        sys.stdout.write(f"{printable(line)}\n")


def print_wrapped(text: str, indent: str = "", hanging: str | None = None) -> None:
    """Print a paragraph, broken at the width of the terminal."""
    print_text(*wrapped(text, indent, hanging))


def wrapped(text: str, indent: str = "", hanging: str | None = None) -> list[str]:
    """Break a paragraph at the width of the terminal; words that are longer (ids, paths) stay whole."""
    return textwrap.wrap(
        printable(text),
        width(),
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent.rstrip()]


LEVELS = {Level.NOTE: "note", Level.ERROR: "accepted with errors"}  # the others reject what they are about


def print_findings(findings: Iterable[Finding], *, as_json: bool = False, with_level: bool = False) -> bool:
    """Print findings to stderr, one a line; tell whether one of them is more than a note.

    ``with_level``: say what each means for its set, where one kind of finding may mean either.
    """
    is_bad = False
    for finding in findings:
        is_bad = is_bad or finding.level is not Level.NOTE
        told = _with_level(finding) if with_level else str(finding)
        line = json.dumps(finding.to_json(), ensure_ascii=False) if as_json else printable(told)
        sys.stderr.write(f"{line}\n")
    return is_bad


def _with_level(finding: Finding) -> str:
    """Write a finding as compilers do: place, how bad it is, what, and its code at the end."""
    word = LEVELS.get(finding.level)
    return str(finding if word is None else replace(finding, text=f"{word}: {finding.text}"))


def say(text: str) -> None:
    """Tell something beside the result: progress, or that there is nothing."""
    sys.stderr.write(f"{printable(text)}\n")


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, fixed: Sequence[int] = ()) -> None:
    """Print a table no wider than the terminal; the widest columns give way, ``fixed`` ones never."""
    cells = [[printable(cell) for cell in row] for row in (headings, *rows)]
    widths = _widths(cells, frozenset(fixed))
    for row in cells:
        shown = (_cut(cell, room).ljust(room) for cell, room in zip(row, widths, strict=True))
        sys.stdout.write(GAP.join(shown).rstrip() + "\n")


def width() -> int:
    """Give the columns of the terminal, 80 where there is none; COLUMNS says otherwise."""
    return max(shutil.get_terminal_size((80, 24)).columns, 40)


def moment(at: str | None) -> str:
    """Write an ISO instant for people: UTC, to the second; "-" for none."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%SZ}" if at else "-"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Write a number of things: 1 order, 2 orders."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"


def printable(text: str) -> str:
    """Replace control characters: what a partner sent must not steer a terminal."""
    return "".join(each if each.isprintable() else " " if each in "\t\r\n" else "�" for each in text)


def _widths(cells: Sequence[Sequence[str]], fixed: frozenset[int]) -> list[int]:
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    surplus = sum(widths) + len(GAP) * (len(widths) - 1) - width()
    while surplus > 0:
        shrinkable = [n for n, each in enumerate(widths) if n not in fixed and each > COLUMN_LEAST]
        if not shrinkable:
            break
        widths[max(shrinkable, key=lambda n: widths[n])] -= 1
        surplus -= 1
    return widths


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + ELLIPSIS
