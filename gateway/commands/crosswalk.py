"""``crosswalk``: code tables between the legacy world and the cloud."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from adapters.base import Finding, Position
from gateway.commands.connection import ask
from gateway.commands.csv_files import Fields, Row, RowError, read_rows
from gateway.commands.errors import CommandError
from gateway.commands.options import (
    Subparsers,
    add_change,
    add_command,
    add_connection,
    add_group,
    add_reading,
    require_why,
)
from gateway.commands.terminal import counted, print_findings, print_json, print_table, print_text, say

EXAMPLE = """\
legacy-bridge crosswalk show
legacy-bridge crosswalk diff suppliers.csv --table supplier
legacy-bridge crosswalk load suppliers.csv --table supplier --why June"""

FILE_DETAIL = """\
Columns of the file, with a heading line: legacy and cloud; valid_from and
valid_to (dates, the last one exclusive) where a row holds for a time only;
whatever else there is (factor, phone ...) is kept with the row. The file
replaces the table as a whole, as a new version."""

SHOWN_MAX = 20  # of each kind of difference


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(subparsers, "crosswalk", "load and show code tables", example=EXAMPLE)
    show = add_command(
        group,
        "show",
        "show a code table, or which there are",
        run_show,
        example="legacy-bridge crosswalk show supplier",
    )
    show.add_argument("table", metavar="TABLE", nargs="?", help="the table; without it, all by name")
    add_reading(show)
    difference = add_command(
        group,
        "diff",
        "say what loading a file would change",
        run_diff,
        example=EXAMPLE.splitlines()[1],
        detail=f"{FILE_DETAIL}\nEnds with 1 where there is a difference.",
    )
    _add_file(difference)
    add_reading(difference)
    load = add_command(
        group,
        "load",
        "replace a code table by a file",
        run_load,
        example=EXAMPLE.splitlines()[2],
        detail=FILE_DETAIL,
    )
    _add_file(load)
    load.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    add_change(load, is_why_required=False)
    add_connection(load)


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the CSV file")
    parser.add_argument("--table", metavar="TABLE", required=True, help="the table's name")


def run_show(arguments: argparse.Namespace) -> int:
    """Show one table, or the names of all."""
    if arguments.table is None:
        tables = ask(arguments, "crosswalk.list")
        if arguments.json:
            print_json(tables)
        elif tables:
            rows = [
                (each["table"], str(each["version"] or "not loaded"), str(each["rows"])) for each in tables
            ]
            print_table(("TABLE", "VERSION", "ROWS"), rows, fixed=(0,))
        else:
            say("the configuration names no code table")
        return 0
    table = ask(arguments, "crosswalk.show", table=arguments.table)
    if arguments.json:
        print_json(table)
        return 0
    if not table["version"]:
        raise CommandError(f"there is no code table '{arguments.table}' yet; crosswalk load makes one")
    print_table(("LEGACY", "CLOUD", "FROM", "TO", "FURTHER"), [_cells(each) for each in table["rows"]])
    say(f"{table['table']}, version {table['version']}: {counted(len(table['rows']), 'row')}")
    return 0


def run_diff(arguments: argparse.Namespace) -> int:
    """Say what a file would change."""
    difference = ask(arguments, "crosswalk.diff", table=arguments.table, rows=_rows(arguments.file))
    _report(arguments, difference, "would be")
    return 1 if any(difference[each] for each in ("added", "removed", "changed")) else 0


def run_load(arguments: argparse.Namespace) -> int:
    """Load a file, or say what that would do."""
    if arguments.dry_run:
        difference = ask(arguments, "crosswalk.diff", table=arguments.table, rows=_rows(arguments.file))
        _report(arguments, difference, "would be")
        return 0
    require_why(arguments)
    loaded = ask(
        arguments,
        "crosswalk.load",
        table=arguments.table,
        rows=_rows(arguments.file),
        who=arguments.who,
        why=arguments.why,
    )
    _report(arguments, loaded, "were")
    if not arguments.json:
        print_text(f"{loaded['table']} has version {loaded['version']} now")
    return 0


def _rows(path: Path) -> list[Row]:
    rows = read_rows(path, required=("legacy", "cloud"), known=None, row=_row)
    findings = [each for each in map(_overlap(path), rows) if each is not None]
    if findings:
        print_findings(findings)
        raise CommandError(f"{path}: {counted(len(findings), 'mistake')}; nothing was loaded", code=1)
    return [{name: part for name, part in each.items() if name != "line"} for each in rows]


def _row(fields: Fields, line: int) -> Row:
    for name in ("legacy", "cloud"):
        if not fields[name]:
            raise RowError(name, f"the {name} word is blank")
    own = ("legacy", "cloud", "valid_from", "valid_to")
    row: Row = {"line": line, **{name: fields.get(name, "") for name in own}}
    for name in own[2:]:
        _check_date(name, row[name])
    if row["valid_from"] and row["valid_to"] and row["valid_from"] >= row["valid_to"]:
        text = f"{row['valid_to']} found; expected a day after valid_from, {row['valid_from']}"
        raise RowError("valid_to", text)
    row["facts"] = {name: field for name, field in fields.items() if name not in own and field}
    return row


def _check_date(column: str, text: str) -> None:
    try:
        is_date = not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        is_date = False
    if not is_date:
        raise RowError(column, f"'{text}' is no date; expected one as 2026-01-31, or nothing")


def _overlap(path: Path) -> Any:
    """Give a check for rows that hold at the same time as an earlier row of the same word."""
    seen: dict[str, list[Row]] = {}

    def check(row: Row) -> Finding | None:
        earlier = seen.setdefault(row["legacy"], [])
        other = next((each for each in earlier if _is_at_once(each, row)), None)
        earlier.append(row)
        if other is None:
            return None
        text = f"'{row['legacy']}' is translated on line {other['line']} for the same days already"
        return Finding("CSV-ROW", Position(str(path), row["line"], path="legacy"), text)

    return check


def _is_at_once(one: Row, other: Row) -> bool:
    begins_before_end = not other["valid_to"] or one["valid_from"] < other["valid_to"]
    ends_after_begin = not one["valid_to"] or other["valid_from"] < one["valid_to"]
    return begins_before_end and ends_after_begin


def _report(arguments: argparse.Namespace, difference: dict[str, Any], verb: str) -> None:
    if arguments.json:
        print_json(difference)
        return
    for sign, name in (("+", "added"), ("-", "removed")):
        rows = difference[name]
        print_text(*(f"{sign} {_told(each)}" for each in rows[:SHOWN_MAX]))
        _more(rows)
    changed = difference["changed"]
    for each in changed[:SHOWN_MAX]:
        print_text(f"- {_told(each['from'])}", f"+ {_told(each['to'])}")
    _more(changed)
    counts = ", ".join(f"{len(difference[name])} {name}" for name in ("added", "removed", "changed"))
    print_text(f"{difference['table']}: of {counted(difference['rows'], 'row')} {counts} ({verb})")


def _more(rows: list[Any]) -> None:
    if len(rows) > SHOWN_MAX:
        print_text(f"  ... and {len(rows) - SHOWN_MAX} more (--json shows all)")


def _told(row: dict[str, Any]) -> str:
    _, _, begin, end, further = _cells(row)
    days = f", {begin or 'always'} to {end or 'for ever'}" if begin or end else ""
    return f"{row['legacy']} = {row['cloud']}{days}" + (f" ({further})" if further else "")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    further = ", ".join(f"{name} {value}" for name, value in row["facts"].items())
    return (row["legacy"], row["cloud"], row["valid_from"], row["valid_to"], further)
