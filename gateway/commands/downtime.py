"""``exceptions export --downtime``: the call sheet, as blocks for people or a table for a spreadsheet."""

from __future__ import annotations

import argparse
import csv
import sys
from typing import Any

from gateway.commands.connection import ask
from gateway.commands.next_command import next_command
from gateway.commands.options import Subparsers, add_command, add_reading
from gateway.commands.terminal import (
    counted,
    moment,
    print_json,
    print_table,
    print_text,
    print_wrapped,
    say,
)

EXAMPLE = """\
legacy-bridge exceptions export --downtime
legacy-bridge exceptions export --downtime --csv > calls.csv
legacy-bridge exceptions export --downtime --journal var/journal.db"""

DETAIL = """\
The call sheet: one block for each order that is not delivered, past its
deadline (with --all: every one), the urgent ones first. It is read from the
journal's file, so it works with the gateway stopped, or broken, and with
--journal also where routes.yaml is."""

FOOTER = (
    "Ring the supplier, then tell the gateway: {}. One of an order's ids is enough; an id that stands at "
    "several orders closes all of them. Nobody sends such an order to the supplier any more; one of the "
    "cloud ERP is created there by itself, once the ERP is back."
)

CALL_COLUMNS = (
    "order_number", "urgent", "supplier", "phone", "ship_to", "line", "item", "our_item", "description",
    "quantity", "unit", "deadline_at", "why", "message_id", "source", "ids",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def add(group: Subparsers) -> None:
    """Add the command."""
    export = add_command(
        group,
        "export",
        "print the call sheet for a downtime",
        run,
        example=EXAMPLE,
        detail=DETAIL,
    )
    export.add_argument("--downtime", action="store_true", required=True, help="the call sheet")
    export.add_argument("--all", action="store_true", help="every order that is not delivered")
    export.add_argument("--csv", action="store_true", help="a table for a spreadsheet, one line a row")
    add_reading(export)


def run(arguments: argparse.Namespace) -> int:
    """Print the call sheet."""
    calls = ask(arguments, "exceptions.call_sheet", everything=arguments.all)
    if arguments.json:
        print_json(calls)
    elif arguments.csv:
        _print_csv(calls)
    else:
        for call in calls:
            _print_call(call)
        if calls:
            words = "exceptions resolve ID --placed-by-phone REF --why TEXT"
            print_wrapped(FOOTER.format(next_command(arguments, words, "changes")))
    late = "not delivered" if arguments.all else "past the deadline and not delivered (--all: whatever waits)"
    say(f"{counted(len(calls), 'order')} {late}")
    return 0


def _print_call(call: dict[str, Any]) -> None:
    urgent = "  URGENT" if call["is_urgent"] else ""
    # Without lines nothing of it was translated: what it says is not known, and not "not there".
    absent = "(not in the order)" if call["lines"] else "(not known: the order was not translated)"
    print_text(f"ORDER {call['order_number'] or '(number not known)'}{urgent}")
    for label, value in (
        ("supplier", call["supplier"] or absent),
        ("phone", call["phone"] or "(not in the order, nor in the table of suppliers)"),
        ("ship to", call["ship_to"] or absent),
        ("due by", moment(call["deadline_at"])),
        ("why", call["why"]),
        ("id", ", ".join(call["exception_ids"])),
        ("message", f"{call['message_id']} {call['source']}".strip()),
    ):
        if value:
            print_wrapped(f"  {label:<10}{value}", hanging=" " * 12)
    if call["lines"]:
        rows = [
            (
                each["quantity"],
                each["unit"],
                each["item"] or (f"our {each['our_item']}" if each["our_item"] else "(no number)"),
                each["description"],
                f"[{each['line']}]",
            )
            for each in call["lines"]
        ]
        print_table(("  QUANTITY", "UNIT", "ITEM", "DESCRIPTION", "LINE"), [_indented(row) for row in rows])
    print_text("")


def _indented(row: tuple[str, ...]) -> tuple[str, ...]:
    return (f"  {row[0]}", *row[1:])


def _print_csv(calls: list[dict[str, Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CALL_COLUMNS)
    for call in calls:
        urgent = "yes" if call["is_urgent"] else "no"
        common = call | {"urgent": urgent, "ids": " ".join(call["exception_ids"])}
        for line in call["lines"] or [{}]:
            fields = common | line
            writer.writerow([_cell(str(fields.get(column, ""))) for column in CALL_COLUMNS])


def _cell(text: str) -> str:
    """Give a cell that a spreadsheet takes for text, whatever a partner wrote into it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
