"""``orders``: the ledger, and seeding it with the legacy system's open orders."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gateway.commands import moves
from gateway.commands.connection import ask
from gateway.commands.csv_files import Fields, Row, RowError, read_rows
from gateway.commands.errors import CommandError
from gateway.commands.options import (
    LIMIT,
    Subparsers,
    add_change,
    add_command,
    add_connection,
    add_group,
    add_reading,
    require_why,
)
from gateway.commands.terminal import (
    counted,
    minute,
    moment,
    print_json,
    print_table,
    print_text,
    print_wrapped,
    say,
)

EXAMPLE = """\
legacy-bridge orders list --side cloud
legacy-bridge orders show 0004711
legacy-bridge orders import open.csv --route po.acme --dry-run
legacy-bridge orders import open.csv --route po.acme --why "before the canary"
legacy-bridge orders close 0004711 --why "received and paid"
legacy-bridge orders move 0004711 --to cloud --why "wave 2\""""

IMPORT_DETAIL = """\
Do this before a route's first canary: an order that legacy has open stays with
legacy, and so does everything that follows on it. Columns of the file, with a
heading line: order_number, and where they differ from what is assumed: side
(legacy or cloud; legacy is assumed), transmitter (legacy, gateway, erp or none;
legacy for legacy, erp for cloud), aliases (further numbers, | between them).
Orders that are known already stay as they are."""

CLOSE_DETAIL = """\
An order is open until somebody says that it is closed: nothing else ends it,
and routes list counts it. Retention forgets its entry and all its names a
while after (gateway.retention.orders). Export what is closed from the ERP or
the legacy system as a CSV file with a heading line and the column
order_number."""

COLUMNS = ("order_number", "side", "transmitter", "aliases")
SIDES = ("legacy", "cloud")
TRANSMITTERS = ("legacy", "gateway", "erp", "none")


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(
        subparsers, "orders", "show and seed the ledger: which side owns which order", example=EXAMPLE
    )
    listing = add_command(
        group, "list", "show the newest orders", run_list, example="legacy-bridge orders list --route po.acme"
    )
    listing.add_argument("--side", choices=SIDES, help="those of one side")
    listing.add_argument("--route", metavar="ROUTE", help="those that came by one route")
    listing.add_argument("--limit", metavar="N", type=LIMIT, default=50, help="how many (default: 50)")
    add_reading(listing)
    show = add_command(
        group,
        "show",
        "show one order: its side, other numbers, documents and deliveries",
        run_show,
        example="legacy-bridge orders show 0004711",
    )
    show.add_argument("order", metavar="NUMBER", help="any number of the order, or its key")
    add_reading(show)
    seed = add_command(
        group,
        "import",
        "seed the ledger with open orders of the legacy system",
        run_import,
        example="\n".join(EXAMPLE.splitlines()[2:4]),
        detail=IMPORT_DETAIL,
    )
    seed.add_argument("file", metavar="FILE", type=Path, help="the CSV file")
    seed.add_argument("--route", metavar="ROUTE", required=True, help="the route that opens such orders")
    seed.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    add_change(seed, is_why_required=False)
    add_connection(seed)
    close = add_command(
        group,
        "close",
        "mark orders closed, so that they are no longer counted as open",
        run_close,
        example='legacy-bridge orders close 0004711 0004712 --why "received and paid"\n'
        'legacy-bridge orders close --file closed.csv --why "closed in the ERP by June"',
        detail=CLOSE_DETAIL,
    )
    close.add_argument("orders", metavar="NUMBER", nargs="*", help="any number of an order, or its key")
    close.add_argument("--file", metavar="FILE", type=Path, help="a CSV file with the column order_number")
    add_change(close)
    add_connection(close)
    moves.add(group)


def run_list(arguments: argparse.Namespace) -> int:
    """Show the ledger."""
    orders = ask(arguments, "orders.list", side=arguments.side, route=arguments.route, limit=arguments.limit)
    if arguments.json:
        print_json(orders)
        return 0
    if not orders:
        say("no order is known")
        return 0
    rows = [
        (each["order_key"], each["side"], each["transmitter"], each["route"], minute(each["opened_at"]))
        for each in orders
    ]
    print_table(("ORDER", "SIDE", "SENT BY", "ROUTE", "OPENED"), rows, fixed=(0,))
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Show every order that a number means."""
    orders = ask(arguments, "orders.show", order=arguments.order)
    if arguments.json:
        print_json(orders)
        return 0
    for order in orders:
        print_order(order)
    return 0


def run_import(arguments: argparse.Namespace) -> int:
    """Seed the ledger, or say what that would do."""
    if not arguments.dry_run:
        require_why(arguments)
    rows = read_rows(arguments.file, required=COLUMNS[:1], known=COLUMNS, row=_order_row)
    if arguments.dry_run:
        compared = ask(arguments, "orders.diff", route=arguments.route, rows=rows)
    else:
        compared = ask(
            arguments, "orders.import", route=arguments.route, rows=rows, who=arguments.who, why=arguments.why
        )
    if arguments.json:
        print_json(compared)
        return 1 if compared["differing_count"] else 0
    new = compared["new"]
    verb = "would be" if arguments.dry_run else "were"
    print_text(
        f"{counted(compared['rows'], 'order')} in {arguments.file}: {new['legacy']} for legacy and "
        f"{new['cloud']} for cloud {verb} new,",
        f"{compared['known']} known already",
    )
    for each in compared["differing"]:
        told = f"the ledger says {each['known']}, the file {each['wanted']}; it stays as it is"
        say(f"{each['order_key']}: {told}")
    return 1 if compared["differing_count"] else 0


def run_close(arguments: argparse.Namespace) -> int:
    """Mark orders closed."""
    numbers = list(arguments.orders)
    if arguments.file is not None:
        rows = read_rows(arguments.file, required=COLUMNS[:1], known=None, row=_closed_row)
        numbers += [row["number"] for row in rows]
    if not numbers:
        raise CommandError("no order is named; give numbers, or --file FILE")
    done = ask(arguments, "orders.close", orders=numbers, who=arguments.who, why=arguments.why)
    if arguments.json:
        print_json(done)
        return 0
    before = f"; {done['closed_before']} closed before" if done["closed_before"] else ""
    verb = "is" if done["closed"] == 1 else "are"
    print_text(f"{counted(done['closed'], 'order')} {verb} closed now{before}")
    return 0


def _closed_row(fields: Fields, line: int) -> Row:
    return {"line": line, "number": _number(fields)}


def _number(fields: Fields) -> str:
    number = fields["order_number"]
    if not number:
        raise RowError("order_number", "the order number is blank")
    return number


def _order_row(fields: Fields, line: int) -> Row:
    number = _number(fields)
    side = fields.get("side") or "legacy"
    if side not in SIDES:
        raise RowError("side", f"'{side}' is no side; expected legacy or cloud")
    transmitter = fields.get("transmitter") or ("legacy" if side == "legacy" else "erp")
    if transmitter not in TRANSMITTERS:
        raise RowError("transmitter", f"'{transmitter}' sends no orders; expected {', '.join(TRANSMITTERS)}")
    aliases = [each.strip() for each in fields.get("aliases", "").split("|") if each.strip()]
    return {
        "line": line,
        "order_number": number,
        "side": side,
        "transmitter": transmitter,
        "aliases": aliases,
    }


def _whose(alias: dict[str, Any]) -> str:
    """Say whose a name of an order is: for a system's own number, which endpoint's; what it calls a line."""
    told_by, line = " and ".join(alias["told_by"]), ""
    if alias["line"]:
        line = f", line {alias['line']} is {alias['line_number']}"
    match alias["kind"]:
        case "erp" if told_by:
            return f"at {told_by}{line}"
        case "left" if told_by:
            return f"at {told_by}, until it moved away{line}"
        case kind:
            return f"{kind.replace('_', ' ')}{f' of {told_by}' if told_by else ''}{line}"


def print_order(order: dict[str, Any]) -> None:
    """Print an order as ``orders.show`` gives it."""
    entry = order["ledger"]
    print_text(f"order     {order['order_key']}")
    if entry is None:
        print_text("          (no ledger entry: documents name it, and none has opened it)")
    else:
        closed = f", closed {moment(entry['closed_at'])}" if entry["closed_at"] else ""
        moving = order["moving"]
        way = f", moving to {moving['to']} ({moving['batch']})" if moving else ""
        print_text(
            f"side      {entry['side']}{way}, sent to the supplier by {entry['sent_by']}",
            f"route     {entry['route']}, opened {moment(entry['opened_at'])}{closed}",
        )
        print_wrapped(f"because   {entry['reason']}", hanging=" " * 10)
    for alias in order["aliases"]:
        print_text(f"known as  {alias['number']} ({_whose(alias)})")
    for document in order["documents"]:
        what = document["document_type"] or f"set {document['set_type']}"
        print_wrapped(
            f"document  {document['message_id']}: {what}, {document['verdict'].replace('_', ' ')}; "
            f"{document['decision']}",
            hanging=" " * 10,
        )
    for delivery in order["deliveries"]:
        number = f" as {delivery['target_reference']}" if delivery["target_reference"] else ""
        closed = f"; {delivery['resolution']}" if delivery.get("resolution") else ""
        print_wrapped(
            f"delivery  {delivery['target']} ({delivery['role']}): {delivery['state']}{number}{closed}",
            hanging=" " * 10,
        )
