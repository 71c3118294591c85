"""``audit``: who changed what and why, and whether the log is whole."""

from __future__ import annotations

import argparse

from gateway.commands.connection import ask
from gateway.commands.options import LIMIT, Subparsers, add_command, add_group, add_reading
from gateway.commands.terminal import counted, moment, print_json, print_text, print_wrapped, say

EXAMPLE = """\
legacy-bridge audit list --limit 20
legacy-bridge audit verify"""


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(subparsers, "audit", "show and verify who changed what", example=EXAMPLE)
    listing = add_command(
        group, "list", "show the newest entries, oldest first", run_list, example=EXAMPLE.splitlines()[0]
    )
    listing.add_argument("--limit", metavar="N", type=LIMIT, default=50, help="how many (default: 50)")
    add_reading(listing)
    verify = add_command(
        group,
        "verify",
        "check that no entry was changed, removed or added behind our back",
        run_verify,
        example=EXAMPLE.splitlines()[1],
        detail="Checks the chain of hashes, and the head that is kept beside the journal.\nEnds with 1 where "
        "the log is not whole.",
    )
    add_reading(verify)


def run_list(arguments: argparse.Namespace) -> int:
    """Show entries."""
    entries = ask(arguments, "audit.list", limit=arguments.limit)
    if arguments.json:
        print_json(entries)
        return 0
    for each in entries:
        detail = ", ".join(f"{name} {value}" for name, value in each["detail"].items())
        told = " ".join(filter(None, (each["action"], each["subject"], f"({detail})" if detail else "")))
        print_wrapped(f"{each['number']}  {moment(each['at'])}  {each['who']}: {told}", hanging="      ")
        if each["why"]:
            print_wrapped(each["why"], indent="      ")
    if not entries:
        say("nothing was changed yet")
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Check the log."""
    verified = ask(arguments, "audit.verify")
    if arguments.json:
        print_json(verified)
    elif verified["is_whole"]:
        print_text(f"the audit log is whole ({counted(verified['entries'], 'entry', 'entries')})")
    else:
        print_wrapped(f"THE AUDIT LOG IS NOT WHOLE: {verified['fault']}")
    return 0 if verified["is_whole"] else 1
