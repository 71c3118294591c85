"""``routes``: the strangler table, and moving a route in it."""

from __future__ import annotations

import argparse
import contextlib
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.commands import retiring
from gateway.commands.connection import ask
from gateway.commands.errors import CommandError
from gateway.commands.next_command import next_command
from gateway.commands.options import (
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
    print_table,
    print_text,
    print_wrapped,
    say,
)

EXAMPLE = """\
legacy-bridge routes list
legacy-bridge routes set po.acme canary --share 25% --why "clean week"
legacy-bridge routes set po.acme legacy --why "ERP slow; rolling back"
legacy-bridge routes diff"""

SCHEDULE_EXAMPLE = """\
legacy-bridge routes schedule po.acme cloud --at 2026-12-01T06:00 --why go
legacy-bridge routes schedule
legacy-bridge routes schedule po.acme --cancel --why "inventory count\""""

STAGES = "legacy, shadow, canary, cloud or retired"


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(subparsers, "routes", "show and change how far each route has moved", example=EXAMPLE)
    listing = add_command(
        group, "list", "show every route with its stage", run_list, example="legacy-bridge routes list --json"
    )
    add_reading(listing)
    show = add_command(group, "show", "show one route", run_show, example="legacy-bridge routes show po.acme")
    show.add_argument("route", metavar="ROUTE", help="the route's id")
    add_reading(show)
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
    change.add_argument(
        "--force", action="store_true", help="pass shut gates and freezes; the audit log says so"
    )
    add_change(change)
    add_connection(change)
    _add_plans(group)


def _add_plans(group: Subparsers) -> None:
    approve = add_command(
        group,
        "approve",
        "approve of a route's going to a stage, in a role",
        run_approve,
        example='legacy-bridge routes approve po.acme canary --as supply-chain --why "clean"',
        detail="It counts until the route's stage or share changes.",
    )
    approve.add_argument("route", metavar="ROUTE", help="the route's id")
    approve.add_argument("stage", metavar="STAGE", help=STAGES)
    approve.add_argument("--as", dest="role", metavar="ROLE", required=True, help="role that a gate asks for")
    add_change(approve)
    add_connection(approve)
    schedule = add_command(
        group,
        "schedule",
        "plan a stage change for a time, or show what is planned",
        run_schedule,
        example=SCHEDULE_EXAMPLE,
        detail="Gates are judged when the time comes; what is held then says why. A route has\n"
        "one plan: another replaces it, and the answer says so.",
    )
    schedule.add_argument(
        "route", metavar="ROUTE", nargs="?", help="the route's id; alone or left out: show what is planned"
    )
    schedule.add_argument("stage", metavar="STAGE", nargs="?", help=STAGES)
    schedule.add_argument("--at", metavar="TIME", help="as 2026-12-01T06:00, in the gateway's zone")
    schedule.add_argument("--share", metavar="PERCENT", help="how many of the selected orders (canary)")
    schedule.add_argument("--cancel", action="store_true", help="take back what is planned for the route")
    schedule.add_argument("--force", action="store_true", help="also into a freeze")
    add_change(schedule, is_why_required=False)
    add_connection(schedule)


def run_approve(arguments: argparse.Namespace) -> int:
    """Approve."""
    from gateway.commands.readiness import print_card

    parts = {"stage": arguments.stage, "role": arguments.role, "who": arguments.who, "why": arguments.why}
    card = ask(arguments, "routes.approve", route=arguments.route, **parts)
    if arguments.json:
        print_json(card)
        return 0
    print_wrapped(
        f"{arguments.route}: approved for stage {arguments.stage} by {arguments.who} as {arguments.role}; "
        "it counts until the route's stage or share changes"
    )
    print_card(card)
    return 0


def run_schedule(arguments: argparse.Namespace) -> int:
    """Plan a stage change, take one back, or show all, or a route's own."""
    if arguments.route is None or not (arguments.cancel or arguments.stage or arguments.at or arguments.why):
        return _show_planned(arguments)
    require_why(arguments)
    who = {"route": arguments.route, "who": arguments.who, "why": arguments.why}
    if arguments.cancel:
        ask(arguments, "routes.unschedule", **who)
        print_text(f"{arguments.route}: nothing is planned any more")
        return 0
    if arguments.stage is None or arguments.at is None:
        raise CommandError(
            "a plan needs a stage and a time: routes schedule ROUTE STAGE --at 2026-12-01T06:00"
        )
    parts = {"stage": arguments.stage, "at": arguments.at, "share_percent": arguments.share}
    each = ask(arguments, "routes.schedule", **who, **parts, force=arguments.force)
    if arguments.json:
        print_json(each)
        return 0
    print_wrapped(_planned(each), hanging="    ")
    if each["replaced"]:
        print_wrapped(f"It replaces what was planned before: {_planned(each['replaced'])}", hanging="    ")
    shut = [gate for gate in each["card"]["gates"] if not gate["open"]]
    for gate in shut:
        print_wrapped(f"not open yet: {gate['gate']}: {gate['text']}", hanging="    ")
    return 0


def _show_planned(arguments: argparse.Namespace) -> int:
    planned = ask(arguments, "routes.scheduled")
    if arguments.route is not None:
        ask(arguments, "routes.show", route=arguments.route)  # a route that there is not is refused
        planned = [each for each in planned if each["route"] == arguments.route]
        if not planned and not arguments.json:
            say(f"{arguments.route}: nothing is planned")
    if arguments.json:
        print_json(planned)
    for each in () if arguments.json else planned:
        print_wrapped(_planned(each), hanging="    ")
    return 1 if any(each["held"] for each in planned) else 0


def _planned(each: dict[str, Any]) -> str:
    share = f" {each['share_percent']}%" if each["share_percent"] else ""
    held = f". HELD: {each['held']}" if each["held"] else ""
    when = f"at {moment(each['at'])}, by {each['who']}"
    return f"{each['route']}: {each['stage']}{share} {when}: {each['why']}{held}"


def run_list(arguments: argparse.Namespace) -> int:
    """Show the table."""
    routes = ask(arguments, "routes.list")
    if arguments.json:
        print_json(routes)
        return 0
    rows = [_row(each) for each in routes]
    print_table(("ROUTE", "STAGE", "DECLARED", "OPEN LEGACY", "OPEN CLOUD", "CHANGED"), rows, fixed=(0, 2, 5))
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
    from gateway.commands.readiness import print_card

    _refuse_mistyped(arguments)
    if not arguments.json:
        # A route that there is not is refused by the change itself, in its own words.
        with contextlib.suppress(CommandError):
            asked = {"route": arguments.route, "stage": arguments.stage, "who": arguments.who}
            card = ask(arguments, "readiness", **asked)
            if card["gates"] or card["evidence"] is not None:
                print_card(card)
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
        force=arguments.force,
    )
    if arguments.json:
        print_json(moved)
        return 0
    for each in moved["forced"]:
        print_wrapped(f"passed by force: {each['gate']}: {each['text']}", hanging="    ")
    before, after = _named(moved["from"]), _named(moved["to"])
    print_text(f"{moved['route']}: {before} -> {after} (stage revision {moved['revision']})")
    side = moved["other_side"]
    if moved["recalled"] is not None:
        print_text(f"{counted(moved['recalled'], 'order')} of which nothing was attempted: decided anew")
        if moved["open_orders"][side]:
            print_wrapped(_staying(moved["open_orders"][side]))
    print_wrapped(_remaining(moved["open_orders"][side], side))
    if moved["moving"]:
        shows = next_command(arguments, "orders moves")
        print_text(f"{counted(moved['moving'], 'order')} moving; {shows} shows them")
    for each in moved["remaining"][side]:
        print_text(f"  {each['order_key']}  since {moment(each['opened_at'])} ({each['stage']})")
    more = moved["open_orders"][side] - len(moved["remaining"][side])
    if more > 0 and moved["remaining"][side]:
        rest = next_command(arguments, f"orders list --route {moved['route']} --side {side}")
        print_text(f"  and {more} more; {rest}")
    return 0


def _refuse_mistyped(arguments: argparse.Namespace) -> None:
    """Refuse a stage or a share that is none before anything is asked. Errors: CommandError."""
    from gateway.config.problems import suggestion
    from gateway.stage import Stage

    if arguments.stage not in set(Stage):
        raise CommandError(f"there is no stage '{arguments.stage}'; {suggestion(arguments.stage, Stage)}")
    if arguments.share is not None:
        try:
            share = Decimal(arguments.share.removesuffix("%"))
        except InvalidOperation:
            share = Decimal(-1)
        if not share.is_finite() or not 0 <= share <= 100:
            raise CommandError(f"'{arguments.share}' is no share; expected 0% to 100%")


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


def _staying(count: int) -> str:
    stay = "1 order stays" if count == 1 else f"{count} orders stay"
    return (
        f"{stay}: something of it was attempted at a system (a copy that was delivered counts, and so does a "
        "connection that was refused), another message followed it, or it shares an envelope with such one; "
        "legacy-bridge explain tells of each."
    )


def _remaining(count: int, side: str) -> str:
    place = "the legacy system" if side == "legacy" else "the cloud ERP"
    if not count:
        return f"No open order remains in {place}."
    verb = "remains" if count == 1 else "remain"
    return f"{counted(count, 'open order')} {verb} in {place}, and whatever follows goes there, too."
