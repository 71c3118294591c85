"""``diffs``: where our version of documents and legacy's differ, and accepting what does no harm."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path
from typing import Any

from gateway.commands.connection import ask
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
    moment,
    print_json,
    print_text,
    print_verbatim,
    print_wrapped,
    say,
)

EXAMPLE = """\
legacy-bridge diffs list --route po.acme
legacy-bridge diffs show 4f1c9a02be
legacy-bridge diffs accept 4f1c9a02be --until 2027-01-31 --why "same unit\""""

ACCEPT_DETAIL = """\
It writes an ignore with its reason and its last day into routes.yaml, comments
kept, and prints the change for review. Nothing is ignored before the gateway
has loaded the file. What could not be translated, or is refused by the ERP,
cannot be accepted."""

LOADED_BY = "the gateway loads it with: kill -HUP PID (of the gateway's process)"


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(
        subparsers,
        "diffs",
        "show where legacy and cloud differ, and accept it",
        example=EXAMPLE,
    )
    listing = add_command(
        group,
        "list",
        "show differences in groups of alike ones, the most frequent first",
        run_list,
        example=EXAMPLE.splitlines()[0],
        detail="Ends with 1 where there is a difference that nothing excuses.",
    )
    listing.add_argument("--route", metavar="ROUTE", help="those of one route")
    listing.add_argument("--all", action="store_true", help="those that are ignored or noise, too")
    add_reading(listing)
    show = add_command(
        group, "show", "show a group: both sides and the place", run_show, example=EXAMPLE.splitlines()[1]
    )
    show.add_argument("group", metavar="GROUP", help="the group's id")
    show.add_argument("--limit", metavar="N", type=LIMIT, default=20, help="documents at most (default: 20)")
    show.add_argument("--values", action="store_true", help="prices, too; that is audited and needs --why")
    add_change(show, is_why_required=False)
    add_reading(show)
    accept = add_command(
        group,
        "accept",
        "ignore a group until a day, for review in routes.yaml",
        run_accept,
        example=EXAMPLE.splitlines()[2],
        detail=ACCEPT_DETAIL,
    )
    accept.add_argument("group", metavar="GROUP", help="the group's id")
    accept.add_argument("--until", metavar="DAY", required=True, help="last day, as 2027-01-31")
    accept.add_argument("--dry-run", action="store_true", help="print the change, write nothing")
    add_change(accept)
    add_connection(accept)


def run_list(arguments: argparse.Namespace) -> int:
    """Show the groups."""
    groups = ask(arguments, "diffs.list", route=arguments.route, excused_too=arguments.all)
    is_open = any(not each["excuse"] for each in groups)
    if arguments.json:
        print_json(groups)
        return 1 if is_open else 0
    for each in groups:
        print_wrapped(f"{each['group']}  {each['text']}", hanging=" " * 12)
        times = f"{each['route']}, from {moment(each['first_at'])} to {moment(each['last_at'])}"
        print_wrapped(times, indent=" " * 12)
        if each["excuse"]:
            print_wrapped(each["excuse"], indent=" " * 12)
    if not groups:
        print_text("no differences")
    return 1 if is_open else 0


def run_show(arguments: argparse.Namespace) -> int:
    """Show one group."""
    if arguments.values:
        require_why(arguments)
        who = {"who": arguments.who, "why": arguments.why}
        group = ask(arguments, "diffs.values", group=arguments.group, limit=arguments.limit, **who)
    else:
        group = ask(arguments, "diffs.show", group=arguments.group, limit=arguments.limit)
    if arguments.json:
        print_json(group)
        return 0
    print_wrapped(group["text"])
    if group["excuse"]:
        print_wrapped(group["excuse"])
    for each in group["examples"]:
        print_text("", f"{each['message']} set {each['document'] + 1}  {moment(each['accepted_at'])}")
        print_wrapped(f"place   {each['path'] or '(the whole document)'}", hanging=" " * 8)
        print_wrapped(f"legacy  {each['legacy'] or '-'}", hanging=" " * 8)
        print_wrapped(f"cloud   {each['cloud'] or '-'}", hanging=" " * 8)
        if each["apart"]:
            print_text(f"apart   {each['apart']}")
        if each["evidence"]:
            print_wrapped(f"from    {each['evidence']}", hanging=" " * 8)
    return 0


def run_accept(arguments: argparse.Namespace) -> int:
    """Write the ignore."""
    from gateway.commands.configuration import loaded
    from gateway.config.editing import EditError, has_ignore, with_ignore

    configuration = loaded(arguments.config)
    parts = {"group": arguments.group, "until": arguments.until, "who": arguments.who, "why": arguments.why}
    accepted: dict[str, Any] = ask(arguments, "diffs.accept", **parts)
    route, rule = accepted["route"], accepted["ignore"]
    file = Path(configuration.places.at("routes", route).source)
    before = file.read_text(encoding="utf-8")
    is_known = has_ignore(before, route, rule)
    try:
        after = before if is_known else with_ignore(before, route, rule)
    except EditError as error:
        raise CommandError(f"{file}: {error}") from error
    is_written = not (arguments.dry_run or is_known)
    if is_written:
        file.write_text(after, encoding="utf-8")
    if arguments.json:
        print_json(accepted | {"file": str(file), "written": is_written})
        return 0
    if is_known:
        say(f"{file} ignores this already; nothing was written")
        say(LOADED_BY)
        return 0
    name = str(file)
    changes = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, n=2, lineterm="")
    print_verbatim(*changes)
    documents = counted(accepted["documents"], "document")
    told = "would be ignored" if arguments.dry_run else "is ignored once this is reviewed and loaded"
    say(f"a group of {documents} {told}, until {rule['until']}")
    if is_written:
        say(LOADED_BY)
    return 0
