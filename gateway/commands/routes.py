"""``routes``: the strangler table, and moving a route in it."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.commands import retiring
from gateway.commands.connection import ask
from gateway.commands.options import Subparsers, add_change, add_command, add_connection, add_group
from gateway.commands.terminal import (
    counted,
    moment,
    print_json,
    print_table,
    print_text,
    print_wrapped,
)

EXAMPLE = """\
legacy-bridge routes list
legacy-bridge routes set po.acme canary --share 25% --why "clean week"
legacy-bridge routes set po.acme legacy --why "ERP slow; rolling back"
legacy-bridge routes diff"""

STAGES = "legacy, shadow, canary, cloud or retired"


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(subparsers, "routes", "show and change how far each route has moved", example=EXAMPLE)
    listing = add_command(
        group, "list", "show every route with its stage", run_list, example="legacy-bridge routes list --json"
    )
    add_connection(listing)
    show = add_command(group, "show", "show one route", run_show, example="legacy-bridge routes show po.acme")
    show.add_argument("route", metavar="ROUTE", help="the route's id")
    add_connection(show)
    _add_set(group)
    drift = add_command(
        group,
        "diff",
        "show where the running table differs from the configuration",
        run_diff,
        example="legacy-bridge routes diff",
        detail="Ends with 1 where there is a difference.",
    )
    add_connection(drift)
    retiring.add(group)


def _add_set(group: Subparsers) -> None:
    change = add_command(
        group,
        "set",
        "move a route to another stage",
        run_set,
        example=EXAMPLE,
        detail="It holds for new orders, within a second: an order stays on the side that took\n"
        "it. Needs a running gateway.",
    )
    change.add_argument("route", metavar="ROUTE", help="the route's id")
    change.add_argument("stage", metavar="STAGE", help=STAGES)
    change.add_argument(
        "--share", metavar="PERCENT", help="how many of the selected orders, as 25%% (canary)"
    )
    change.add_argument(
        "--recall",
        action="store_true",
        help="also decide anew the orders that no system has been asked for yet",
    )
    change.add_argument("--from", dest="expected", metavar="STAGE",
                        help="refuse where the route is not in this stage any more")  # fmt: skip
    add_change(change)
    add_connection(change)


def run_list(arguments: argparse.Namespace) -> int:
    """Show the table."""
    routes = ask(arguments, "routes.list")
    if arguments.json:
        print_json(routes)
        return 0
    rows = [_row(each) for each in routes]
    print_table(("ROUTE", "STAGE", "DECLARED", "OPEN LEGACY", "OPEN CLOUD", "CHANGED"), rows, fixed=(0, 1))
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Show one route."""
    route = ask(arguments, "routes.show", route=arguments.route)
    if arguments.json:
        print_json(route)
        return 0
    live = route["live"]
    print_text(f"route     {route['route']}")
    if route["follows"]:
        print_text(f"follows   {route['follows']}")
    else:
        print_text(f"stage     {_staged(live)}", f"declared  {_declared(route)}")
    source = f"{route['source']} ({route['format']}"
    print_text(
        f"from      {source}, partner {route['partner']})" if route["partner"] else f"from      {source})"
    )
    for side, target in route["targets"].items():
        print_text(f"{side:<9} {target}")
    for side, count in route["open_orders"].items():
        print_text(f"open      {counted(count, 'order')} in {side}")
    for sender, count in route["stragglers"].items():
        print_text(f"too late  {counted(count, 'order')} from {sender}, refused since the route is retired")
    if live:
        print_wrapped(
            f"changed   {moment(live['changed_at'])} by {live['changed_by']}: {live['why']}", hanging=" " * 10
        )
    return 0


def run_set(arguments: argparse.Namespace) -> int:
    """Move a route."""
    moved = ask(
        arguments,
        "routes.set",
        route=arguments.route,
        stage=arguments.stage,
        share_percent=arguments.share,
        expected=arguments.expected,
        recall=arguments.recall,
        who=arguments.who,
        why=arguments.why,
    )
    if arguments.json:
        print_json(moved)
        return 0
    before, after = _named(moved["from"]), _named(moved["to"])
    print_text(f"{moved['route']}: {before} -> {after} (revision {moved['revision']})")
    side = moved["other_side"]
    if moved["recalled"] is not None:
        print_text(f"{counted(moved['recalled'], 'order')} of which nothing was attempted: decided anew")
    print_wrapped(_remaining(moved["open_orders"][side], side))
    if moved["moving"]:
        print_text(f"{counted(moved['moving'], 'order')} moving; legacy-bridge orders moves shows them")
    for each in moved["remaining"]:
        print_text(f"  {each['order_key']}  since {moment(each['opened_at'])} ({each['stage']})")
    more = moved["open_orders"][side] - len(moved["remaining"])
    if more > 0 and moved["remaining"]:
        print_text(f"  and {more} more; legacy-bridge orders list --route {moved['route']} --side {side}")
    return 0


def run_diff(arguments: argparse.Namespace) -> int:
    """Show the drift."""
    differences = ask(arguments, "routes.diff")
    if arguments.json:
        print_json(differences)
    elif differences:
        for each in differences:
            print_wrapped(each["text"], hanging="    ")
    else:
        print_text("every route is as the configuration declares it")
    return 1 if differences else 0


def _row(route: dict[str, Any]) -> tuple[str, ...]:
    if route["follows"]:
        return (route["route"], f"follows {route['follows']}", "", "", "", "")
    live, opened = route["live"], route["open_orders"]
    counts = (str(opened.get("legacy", 0)), str(opened.get("cloud", 0)))
    changed = f"{moment(live['changed_at'])[:10]} {live['changed_by']}" if live else ""
    return (route["route"], _staged(live), _declared(route), *counts, changed)


def _staged(live: dict[str, Any] | None) -> str:
    return _named(live) if live else "(not started yet)"


def _declared(route: dict[str, Any]) -> str:
    return _named({"stage": route["declared"], "share_percent": route["declared_share_percent"]})


def _named(state: dict[str, Any]) -> str:
    return f"canary {state['share_percent']}%" if state["stage"] == "canary" else str(state["stage"])


def _remaining(count: int, side: str) -> str:
    place = "the legacy system" if side == "legacy" else "the cloud ERP"
    if not count:
        return f"No open order remains in {place}."
    verb = "remains" if count == 1 else "remain"
    return f"{counted(count, 'open order')} {verb} in {place}, and whatever follows goes there, too."
