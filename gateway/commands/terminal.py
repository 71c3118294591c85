"""Text for people: findings, tables and paragraphs that fit the terminal. It prints and decides nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TextIO

from adapters.base import Finding, Level
from gateway.commands import layout

LEAST = 40  # columns; in a narrower terminal lines are broken by the terminal


def print_json(value: Any) -> None:
    """Print a value for machines."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_verbatim(*lines: str) -> None:
    """Print lines as they are: what is pasted into a file or run elsewhere must not be broken."""
    for each in lines:
        sys.stdout.write(f"{printable(each)}\n")


def print_text(*lines: str) -> None:
    """Print lines for people, broken at the width of the terminal: beneath their label, or further in."""
    for each in lines:
        print_verbatim(*layout.line(printable(each), width_of(sys.stdout)))


def print_wrapped(text: str, indent: str = "", hanging: str | None = None) -> None:
    """Print a paragraph, broken at the width of the terminal."""
    print_verbatim(*layout.paragraph(printable(text), width_of(sys.stdout), indent, hanging))


LEVELS = {Level.NOTE: "note", Level.ERROR: "accepted with errors"}  # the others reject what they are about


def print_findings(findings: Iterable[Finding], *, as_json: bool = False, with_level: bool = False) -> bool:
    """Print findings to stderr, each on a line of its own; tell whether one of them is more than a note.

    ``with_level``: say what each means for its set, where one kind of finding may mean either.
    """
    is_bad = False
    for finding in findings:
        is_bad = is_bad or finding.level is not Level.NOTE
        told = _with_level(finding) if with_level else str(finding)
        if as_json:
            sys.stderr.write(json.dumps(finding.to_json(), ensure_ascii=False) + "\n")
        else:
            say(printable(told))
    return is_bad


def _with_level(finding: Finding) -> str:
    """Write a finding as compilers do: place, how bad it is, what, and its code at the end."""
    word = LEVELS.get(finding.level)
    return str(finding if word is None else replace(finding, text=f"{word}: {finding.text}"))


def say(text: str) -> None:
    """Tell something beside the result: progress, a mistake, or that there is nothing."""
    for each in text.split("\n"):
        for line in layout.line(printable(each), width_of(sys.stderr)):
            sys.stderr.write(f"{line}\n")


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, fixed: Sequence[int] = ()) -> None:
    """Print a table no wider than the terminal. Nothing is cut; the columns ``fixed`` never break."""
    cells = [[printable(cell) for cell in row] for row in rows]
    print_verbatim(*layout.table(headings, cells, width_of(sys.stdout), fixed))


def width_of(stream: TextIO) -> int | None:
    """Give the columns of the terminal that a stream goes to; COLUMNS says otherwise.

    None where it goes to a file or another program: grep wants one thing a line, whole.
    """
    try:
        columns = int(os.environ.get("COLUMNS", ""))
    except ValueError:
        columns = 0
    if columns <= 0:
        try:
            columns = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):  # no terminal, or closed
            return None
    return max(columns, LEAST)


def moment(at: str | None) -> str:
    """Write an ISO instant for people: UTC, to the second; "-" for none."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%SZ}" if at else "-"


def minute(at: str | None) -> str:
    """Write an ISO instant for a list: UTC, to the minute; "-" for none."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%MZ}" if at else "-"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Write a number of things: 1 order, 2 orders."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"


def printable(text: str) -> str:
    """Replace control characters: what a partner sent must not steer a terminal."""
    return "".join(each if each.isprintable() else " " if each in "\t\r\n" else "�" for each in text)
