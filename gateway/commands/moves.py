"""``orders move`` and what belongs to it: asking, agreeing, converting in bulk, watching."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gateway.commands import proving
from gateway.commands.connection import ask
from gateway.commands.csv_files import Fields, Row, RowError, read_rows
from gateway.commands.next_command import next_command
from gateway.commands.options import (
    LIMIT,
    Subparsers,
    add_change,
    add_command,
    add_connection,
    add_reading,
    require_why,
)
from gateway.commands.terminal import counted, minute, print_json, print_table, print_text, print_wrapped, say

MOVE_EXAMPLE = """\
legacy-bridge orders move 0004711 0004712 --to cloud --why "wave 2"
legacy-bridge orders agree b260302-1f0c22aa --why "checked with AP"
legacy-bridge orders moves --batch b260302-1f0c22aa"""

MOVE_DETAIL = """\
What was received or invoiced stays fixed where it is. The remainder is created
on the other side, the supplier is told nothing, and the old order is closed and
read back there. An order moves only when nothing of it is in doubt, unfinished
or parked. Another person must agree: nothing happens before."""

CONVERT_EXAMPLE = """\
legacy-bridge orders convert --route po.acme --to cloud --dry-run
legacy-bridge orders convert --route po.acme --to cloud --file o.csv --why go
legacy-bridge orders proof b260302-1f0c22aa"""

CONVERT_DETAIL = """\
All open orders of the route that are on the other side, or those of a file: the
old system's own export, one line of an order a row, with a heading line and the
columns order_number, line, ordered, received, invoiced, unit, price; item,
supplier and facility where they are known. What the file says must agree with
the journal; for an order older than the gateway it is all there is."""

LINE_COLUMNS = (
    "order_number", "line", "ordered", "received", "invoiced", "unit", "price", "item", "supplier",
    "facility",
)  # fmt: skip


def add(group: Subparsers) -> None:
    """Add the commands below ``orders``."""
    move = add_command(
        group, "move", "ask for orders to be moved to the other side", run_move, example=MOVE_EXAMPLE,
        detail=MOVE_DETAIL,
    )  # fmt: skip
    move.add_argument("orders", metavar="NUMBER", nargs="+", help="any number of an order, or its key")
    move.add_argument("--to", choices=("legacy", "cloud"), required=True, help="the side that gets them")
    add_change(move)
    add_connection(move)
    convert = add_command(
        group, "convert", "ask for all open orders of a route to be moved", run_convert,
        example=CONVERT_EXAMPLE, detail=CONVERT_DETAIL,
    )  # fmt: skip
    convert.add_argument("--route", metavar="ROUTE", required=True, help="the route that opened them")
    convert.add_argument("--to", choices=("legacy", "cloud"), required=True, help="the side that gets them")
    convert.add_argument("--file", metavar="FILE", type=Path, help="the old side's export, as CSV")
    convert.add_argument("--dry-run", action="store_true", help="say what would be asked, and ask nothing")
    add_change(convert, is_why_required=False)
    add_connection(convert)
    _add_batches(group)
    proving.add(group)


def _add_batches(group: Subparsers) -> None:
    for name, summary, run in (
        ("agree", "agree to what another person asked to be moved", run_agree),
        ("drop", "drop what was asked for and has not begun", run_drop),
    ):
        parser = add_command(group, name, summary, run, example=MOVE_EXAMPLE)
        parser.add_argument("batch", metavar="BATCH", help="what orders move or convert answered")
        add_change(parser)
        add_connection(parser)
    listing = add_command(
        group, "moves", "show moves, and what those under way wait for", run_moves,
        example="legacy-bridge orders moves --state closing",
    )  # fmt: skip
    listing.add_argument("--batch", metavar="BATCH", help="those asked for together")
    listing.add_argument("--state", metavar="STATE", help="asked, agreed, creating, closing, done or ended")
    listing.add_argument("--order", metavar="NUMBER", help="those of one order")
    listing.add_argument("--limit", metavar="N", type=LIMIT, default=100, help="how many (default: 100)")
    add_reading(listing)


def run_move(arguments: argparse.Namespace) -> int:
    """Ask for some orders."""
    asked = ask(
        arguments, "orders.move", orders=arguments.orders, to=arguments.to, who=arguments.who,
        why=arguments.why,
    )  # fmt: skip
    if arguments.json:
        print_json(asked)
        return 0
    _print_asked(asked, arguments, is_dry=False)
    return 0


def run_convert(arguments: argparse.Namespace) -> int:
    """Ask for all orders of a route, or for those of a file."""
    rows = None
    if arguments.file is not None:
        rows = read_rows(arguments.file, required=LINE_COLUMNS[:3], known=LINE_COLUMNS, row=_line_row)
    asked = ask(
        arguments,
        "orders.convert" if not arguments.dry_run else "orders.convertible",
        route=arguments.route,
        to=arguments.to,
        rows=rows,
        **({} if arguments.dry_run else {"who": arguments.who, "why": _why(arguments)}),
    )
    if arguments.json:
        print_json(asked)
    else:
        _print_asked(asked, arguments, is_dry=arguments.dry_run)
    return 1 if asked["problem_count"] else 0


def run_moves(arguments: argparse.Namespace) -> int:
    """Show moves."""
    moves = ask(
        arguments, "orders.moves", batch=arguments.batch, state=arguments.state, order=arguments.order,
        limit=arguments.limit,
    )  # fmt: skip
    if arguments.json:
        print_json(moves)
        return 0
    if not moves:
        is_narrowed = arguments.batch or arguments.state or arguments.order
        say("no move is like that" if is_narrowed else "nothing was asked to be moved")
        return 0
    rows = [
        (
            each["order_key"], each["to"], each["state"], each["batch"], each["waits_for"] or each["outcome"],
            f"{minute(each['asked_at'])} by {each['asked_by']}: {each['why']}",
        )
        for each in moves
    ]  # fmt: skip
    # Who asked and why never breaks beside the others: a reason in a narrow column is hard to read.
    print_table(("ORDER", "TO", "STATE", "BATCH", "WAITS FOR", "ASKED"), rows, fixed=(0, 5))
    return 0


def run_agree(arguments: argparse.Namespace) -> int:
    """Agree."""
    done = ask(arguments, "orders.agree", batch=arguments.batch, who=arguments.who, why=arguments.why)
    if arguments.json:
        print_json(done)
    else:
        moves = next_command(arguments, f"orders moves --batch {done['batch']}")
        print_text(
            f"{counted(done['orders'], 'order')} of {done['batch']}: agreed to, and begun now",
            "How far each is, or why it ended:",
            f"  {moves}",
        )
    return 0


def run_drop(arguments: argparse.Namespace) -> int:
    """Drop."""
    done = ask(arguments, "orders.drop", batch=arguments.batch, who=arguments.who, why=arguments.why)
    if arguments.json:
        print_json(done)
    else:
        print_text(f"{counted(done['orders'], 'order')} of {done['batch']}: not moved")
    return 0


def _print_asked(asked: dict[str, Any], arguments: argparse.Namespace, *, is_dry: bool) -> None:
    verb = "can be moved" if is_dry else "asked to be moved"
    print_text(f"{counted(asked['orders'], 'order')} {verb} to {arguments.to}")
    for move in asked["moves"][:20]:
        lines = "; ".join(
            f"line {each['line']}: {each['remainder']} {each['unit']} of {each['ordered']}"
            for each in move["lines"]
        )
        print_wrapped(f"  {move['order_key']}  {lines}".rstrip(), hanging="      ")
    for each in asked["problems"][:20]:
        print_wrapped(f"  not {each['order_key']}: {each['why']}", hanging="      ")
    if asked["problem_count"] > 20:
        print_text(f"  and {asked['problem_count'] - 20} more that cannot; --json shows them")
    if not is_dry and asked["orders"]:
        print_text("Nothing is moved before another person agrees:")
        agreeing = next_command(arguments, f"orders agree {asked['batch']} --why TEXT", "changes")
        print_text(f"  {agreeing}")


def _why(arguments: argparse.Namespace) -> str:
    require_why(arguments)
    return str(arguments.why)


def _line_row(fields: Fields, line: int) -> Row:
    number, name = fields["order_number"], fields["line"]
    if not number or not name:
        raise RowError("order_number" if not number else "line", "it is blank")
    return {
        "at": line,
        "order_number": number,
        "line": name,
        "ordered": fields["ordered"],
        **{column: fields.get(column, "") for column in LINE_COLUMNS[3:]},
    }
