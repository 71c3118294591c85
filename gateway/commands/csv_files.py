"""Reading the CSV files that commands load: every mistake at once, with its line; rows or findings."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from adapters.base import Finding, Position
from gateway.commands.errors import CommandError
from gateway.commands.terminal import counted, print_findings

FILE_BYTES_MAX = 48 * 1024 * 1024  # well below what one request to a gateway may have
FINDINGS_MAX = 1_000

# What spreadsheets write where commas are expected.
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}

Fields = dict[str, str]
Row = dict[str, Any]


class RowError(Exception):
    """One row is wrong: the column, and what was found and expected."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(text)
        self.column = column


def read_rows(
    path: Path,
    *,
    required: Sequence[str],
    known: Sequence[str] | None,
    row: Callable[[Fields, int], Row],
) -> list[Row]:
    """Give the rows of a file with a heading line, each made by ``row`` from its fields and line.

    ``known``: the columns there may be, None for any. Errors: CommandError, after all findings were
    printed: 2 for a file that cannot be read, 1 for one with mistakes.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    headings = _headings(path, reader, required, known)
    rows: list[Row] = []
    findings: list[Finding] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                _take(path, reader.line_num, headings, cells, row, rows, findings)
    except csv.Error as error:
        findings.append(_finding(path, reader.line_num, "", f"the file breaks off here: {error}"))
    if findings:
        print_findings(findings[:FINDINGS_MAX])
        raise CommandError(f"{path}: {counted(len(findings), 'mistake')}; nothing was loaded", code=1)
    if not rows:
        raise CommandError(f"{path}: there is no row below the heading line", code=1)
    return rows


def _take(
    path: Path,
    line: int,
    headings: Sequence[str],
    cells: Sequence[str],
    row: Callable[[Fields, int], Row],
    rows: list[Row],
    findings: list[Finding],
) -> None:
    if len(cells) != len(headings):
        text = f"{len(cells)} fields found; expected {len(headings)}, as in the heading line"
        findings.append(_finding(path, line, "", text))
        return
    try:
        rows.append(row({name: cell.strip() for name, cell in zip(headings, cells, strict=True)}, line))
    except RowError as error:
        findings.append(_finding(path, line, error.column, str(error)))


def _headings(path: Path, reader: Any, required: Sequence[str], known: Sequence[str] | None) -> list[str]:
    try:
        headings = [each.strip().lower() for each in next(reader, [])]
    except csv.Error as error:
        raise CommandError(f"{path}:1: this is no CSV file ({error})") from error
    expected = ", ".join(known or required)
    if len(headings) == 1 and (found := [name for each, name in SEPARATORS.items() if each in headings[0]]):
        raise CommandError(f"{path}:1: the columns are separated by {found[0]}; save the file with commas")
    problems = [f"column '{each}' is missing" for each in required if each not in headings]
    problems += [f"column '{each}' is there twice" for each in set(headings) if headings.count(each) > 1]
    if known is not None:
        problems += [f"there is no column '{each}'" for each in headings if each not in known]
    if problems:
        raise CommandError(f"{path}:1: {'; '.join(problems)}; expected a heading line with {expected}")
    return headings


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(content) > FILE_BYTES_MAX:
        raise CommandError(f"{path}: more than {FILE_BYTES_MAX} bytes; load it in parts")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CommandError(
            f"{path}:{line}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from error


def _finding(path: Path, line: int, column: str, text: str) -> Finding:
    return Finding("CSV-ROW", Position(str(path), line, path=column), text)
