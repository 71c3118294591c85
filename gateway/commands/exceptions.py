"""``exceptions``: what a person must look at, and settling it."""

from __future__ import annotations

import argparse

from gateway.commands import downtime
from gateway.commands.connection import ask
from gateway.commands.exception_words import advice, kind, place, print_reasons, taken_up
from gateway.commands.options import (
    Subparsers,
    add_change,
    add_command,
    add_connection,
    add_group,
    add_reading,
)
from gateway.commands.order_numbers import ask_about
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
legacy-bridge exceptions list
legacy-bridge exceptions retry ID --why "supplier added to the table"
legacy-bridge exceptions resolve ID --placed-by-phone "Ann 10:40" --why outage
legacy-bridge exceptions export --downtime --csv > calls.csv"""

AGAIN = (
    "Its message is translated again for the ERP; nobody sends it to the supplier. If it still cannot be "
    "used, it is parked again under this id: enter it in the ERP by hand, then resolve it with "
    "--done-elsewhere NUMBER."
)
WHICH = "the exception's id, or the order's number"
NUMBER = """\
Instead of ID the number of an order will do, any of its numbers, where exactly
one thing of that order is parked and is about nothing else."""

RESOLVE_DETAIL = (
    """\
ID is one of exceptions list, or of the call sheet: a delivery that waits can be
closed too, unless it is being sent at this moment. Nothing is sent any more;
what waited behind it goes on. An order that was placed by phone is written into
the ledger: nobody transmits it to the supplier again. messages replay creates
it in the ERP later.

"""
    + NUMBER
    + """
For --placed-by-phone what waits of the order counts, too."""
)


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(subparsers, "exceptions", "show and settle what a person must look at", example=EXAMPLE)
    listing = add_command(
        group,
        "list",
        "show what is parked, oldest first",
        run_list,
        example="legacy-bridge exceptions list --route po.acme",
    )
    listing.add_argument("--route", metavar="ROUTE", help="those of one route")
    add_reading(listing)
    show = add_command(
        group,
        "show",
        "show one exception",
        run_show,
        example="legacy-bridge exceptions show m260102abcdefghijklmnop/0",
        detail=NUMBER,
    )
    show.add_argument("exception", metavar="ID", help=WHICH)
    add_reading(show)
    retry = add_command(
        group,
        "retry",
        "take a parked thing up again",
        run_retry,
        example=EXAMPLE.splitlines()[1],
        detail=NUMBER,
    )
    retry.add_argument("exception", metavar="ID", help=WHICH)
    add_change(retry)
    add_connection(retry)
    _add_resolve(group)
    quiet = add_command(
        group,
        "acknowledge",
        "stop the alarms about a message, or about a route that went back",
        run_acknowledge,
        example='legacy-bridge exceptions acknowledge m260102abcdefghijklmnop --why "on it"',
        detail="What is late stays in the queues and on the call sheet.",
    )
    quiet.add_argument("message", metavar="ID", help="the message's id, or the route's")
    add_change(quiet)
    add_connection(quiet)
    downtime.add(group)


def _add_resolve(group: Subparsers) -> None:
    resolve = add_command(
        group,
        "resolve",
        "close something without sending it (any more)",
        run_resolve,
        example='legacy-bridge exceptions resolve ID --dismiss --why "a test of theirs"\n'
        'legacy-bridge exceptions resolve ID --done-elsewhere 4500017 --why "keyed in"\n'
        + EXAMPLE.splitlines()[2]
        + '\nlegacy-bridge exceptions resolve 410042 --placed-by-phone "Ann" --why outage',
        detail=RESOLVE_DETAIL,
    )
    resolve.usage = (  # argparse would not break this group, whatever the width
        "legacy-bridge exceptions resolve ID\n"
        "           (--dismiss | --done-elsewhere REF | --placed-by-phone REF)\n"
        "           --why TEXT [--who NAME] [-c FILE] [--socket PATH] [--json]"
    )
    which = "the exception's or the delivery's id, or the order's number"
    resolve.add_argument("exception", metavar="ID", help=which)
    how = resolve.add_mutually_exclusive_group(required=True)
    how.add_argument("--dismiss", action="store_true", help="it need not be delivered")
    how.add_argument("--done-elsewhere", metavar="REF", help="it was entered by hand, under this number")
    how.add_argument("--placed-by-phone", metavar="REF", help="the supplier was told; with whom, when")
    add_change(resolve)
    add_connection(resolve)


def run_list(arguments: argparse.Namespace) -> int:
    """Show the queue."""
    items = ask(arguments, "exceptions.list", route=arguments.route)
    if arguments.json:
        print_json(items)
        return 0
    for each in items:
        print_text(each["exception_id"])
        print_wrapped(f"{moment(each['opened_at'])}  {place(each)}", "    ", "      ")
        print_reasons(each)
    say(f"{counted(len(items), 'exception')} to look at" if items else "nothing is parked")
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Show one exception."""
    item = ask_about(arguments, "exceptions.show")
    if arguments.json:
        print_json(item)
        return 0
    print_text(
        f"exception {item['exception_id']}",
        f"opened    {moment(item['opened_at'])}, {kind(item['kind'])} on route {item['route']}",
    )
    if item["message"] is not None:
        origin = item["message"]["origin"]
        print_text(f"message   {item['message_id']}, {origin['name'] or origin['transport']}")
    for label, value in (
        ("partner", item["partner"]),
        ("target", item["target"]),
        ("order", ", ".join(item["order_keys"])),
    ):
        if value:
            print_text(f"{label:<9} {value}")
    print_reasons(item)
    for delivery in item["deliveries"]:
        rows = [
            (moment(step["started_at"]), step["step"], step["outcome"]["text"]) for step in delivery["steps"]
        ]
        if rows:
            print_table(("AT", "ATTEMPT", "RESULT"), rows, fixed=(0,))
    if item["message_id"]:
        print_wrapped(f"The whole story: legacy-bridge explain {item['message_id']}")
    return 0


def run_retry(arguments: argparse.Namespace) -> int:
    """Take it up again."""
    done = ask_about(arguments, "exceptions.retry", who=arguments.who, why=arguments.why)
    if arguments.json:
        print_json(done)
        return 0
    print_text(taken_up(done))
    for each in advice(done):
        print_wrapped(each)
    return 0


def run_resolve(arguments: argparse.Namespace) -> int:
    """Close it."""
    resolution, reference = "dismissed", ""
    if arguments.done_elsewhere is not None:
        resolution, reference = "done_elsewhere", arguments.done_elsewhere
    elif arguments.placed_by_phone is not None:
        resolution, reference = "placed_by_phone", arguments.placed_by_phone
    done = ask_about(
        arguments,
        "exceptions.resolve",
        resolution=resolution,
        reference=reference,
        who=arguments.who,
        why=arguments.why,
    )
    if arguments.json:
        print_json(done)
    else:
        told = f" ({reference})" if reference else ""
        print_text(f"{done['exception_id']}: closed, {resolution.replace('_', ' ')}{told}")
        if done["created"] == "begun" and "/" in done["exception_id"]:
            print_wrapped(AGAIN)
        elif done["created"] == "begun":
            print_text("The ERP gets it now, or once it is back; nobody sends it to the supplier.")
        elif done["created"] == "later":
            again = f"legacy-bridge messages replay {done['message_id']} --why TEXT"
            print_wrapped(f"Something else of its message waits for you, too. Settle that, then: {again}")
    return 0


def run_acknowledge(arguments: argparse.Namespace) -> int:
    """Stop the alarms."""
    done = ask(
        arguments, "alarms.acknowledge", message=arguments.message, who=arguments.who, why=arguments.why
    )
    if arguments.json:
        print_json(done)
    else:
        print_text(f"{done['message_id']}: {counted(done['stopped'], 'alarm')} stopped")
    return 0
