"""``orders proof`` and ``orders reconcile``: what both sides have, and what can be said of it."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.commands.connection import ask
from gateway.commands.next_command import next_command
from gateway.commands.options import Subparsers, add_command, add_reading
from gateway.commands.terminal import counted, print_json, print_text, print_wrapped


def add(group: Subparsers) -> None:
    """Add the commands below ``orders``."""
    proof = add_command(
        group, "proof", "prove what a batch has moved, by count and value on both sides", run_proof,
        example="legacy-bridge orders proof b260302-1f0c22aa",
        detail="Ends with 1 where the proof does not hold (yet).",
    )  # fmt: skip
    proof.add_argument("batch", metavar="BATCH", help="what orders move or convert answered")
    add_reading(proof)
    reconcile = add_command(
        group, "reconcile", "compare what both sides have of orders", run_reconcile,
        example="legacy-bridge orders reconcile --route po.acme\nlegacy-bridge orders reconcile 0004711",
        detail="Asks both systems where they can be asked, else the journal's documents. Ends\n"
        "with 1 where something differs, or could not be read.",
    )  # fmt: skip
    reconcile.add_argument("orders", metavar="NUMBER", nargs="*", help="only these")
    reconcile.add_argument("--route", metavar="ROUTE", help="only those that came by one route")
    add_reading(reconcile)


def run_proof(arguments: argparse.Namespace) -> int:
    """Prove a batch."""
    proof = ask(arguments, "orders.proof", batch=arguments.batch)
    code = 0 if proof["holds"] and proof["is_finished"] else 1
    if arguments.json:
        print_json(proof)
        return code
    states = ", ".join(f"{count} {state}" for state, count in proof["states"].items())
    print_text(f"batch {proof['batch']}: {counted(proof['orders'], 'order')} ({states})")
    if proof["states"].get("done"):  # before that there is no value yet, and 0.00 would read as one
        value = proof["value"]
        print_text(
            f"value    ordered {value['ordered']} = fixed {value['fixed']} + moved {value['remainder']}"
        )
        _print_sides(proof["sides"])
    for each in proof["not_moved"]:
        print_wrapped(f"not moved {each['order_key']}: {each['why']}", hanging="    ")
    _print_differences(proof)
    print_text(_proven(proof))
    return code


def _proven(proof: dict[str, Any]) -> str:
    """Say what a proof comes to; while orders are on their way it is about the others only."""
    moved = proof["states"].get("done", 0)
    if not proof["holds"]:
        return "the proof does not hold"
    if proof["is_finished"]:
        return "the proof holds" if moved else "nothing was moved, so there is nothing to prove"
    under_way = proof["orders"] - moved - proof["states"].get("ended", 0)
    verb = "is" if under_way == 1 else "are"
    of_others = f"; what is told is about the {counted(moved, 'order')} moved so far" if moved else ""
    return f"not proven yet: {counted(under_way, 'order')} {verb} still under way{of_others}"


def run_reconcile(arguments: argparse.Namespace) -> int:
    """Compare both sides."""
    found = ask(arguments, "orders.reconcile", route=arguments.route, orders=arguments.orders or None)
    if arguments.json:
        print_json(found)
        return 1 if found["difference_count"] else 0
    sources = ", ".join(f"{count} times {source}" for source, count in sorted(found["read_from"].items()))
    print_text(
        f"{counted(found['orders'], 'open order')}, {found['moving']} moving; read from {sources or '-'}"
    )
    _print_sides(found["sides"])
    _print_differences(found)
    for route, count in found.get("routes_gone", {}).items():  # none from a gateway of an older version
        print_wrapped(_gone(route, count, arguments), hanging="    ")
    moving = found["moving_on_both"]
    if moving:
        print_wrapped(f"moving, open on both sides until one closes it: {', '.join(moving)}", hanging="    ")
    for each in _twice(found):
        print_wrapped(each, hanging="    ")
    return 1 if found["difference_count"] else 0


def _gone(route: str, count: int, arguments: argparse.Namespace) -> str:
    """Say what is with the orders of a route that is not configured any more."""
    orders = next_command(arguments, f"orders list --route {route}")
    return (
        f"{counted(count, 'open order')} came by route '{route}', which is not configured any more: nobody "
        f"can compare them. {orders} shows them. Declare the route again to "
        "compare or move them; orders close ends those that are over"
    )


def _twice(found: dict[str, Any]) -> list[str]:
    """Say which orders are committed twice, and of how many nobody can tell."""
    twice, unread = found["committed_twice"], found["orders_unread"]
    told = [f"committed twice: {', '.join(twice)}"] if twice else []
    if unread:
        whether = "whether others are" if twice else "whether an order is"
        told.append(f"{whether} committed twice cannot be told: {counted(unread, 'order')} could not be read")
    if not told:
        other = "other " if found["moving_on_both"] else ""
        told.append(f"no {other}order is committed twice")
    return told


def _print_sides(sides: dict[str, Any]) -> None:
    for side, sums in sides.items():
        unread = f"{counted(sums['unread'], 'order')} could not be read" if sums["unread"] else ""
        if sums["committed"] is None:
            print_text(f"{side:<8} {unread}")
            continue
        print_text(
            f"{side:<8} {counted(sums['orders'], 'order')}: committed {sums['committed']}, "
            f"received {sums['received']}, invoiced {sums['invoiced']}{f'; {unread}' if unread else ''}"
        )


def _print_differences(found: dict[str, Any]) -> None:
    told_by_route = found.get("routes_gone", {})
    for each in found["differences"]:
        if each["what"] == "gone" and told_by_route:
            continue
        line = f", line {each['line']}" if each["line"] else ""
        place = f"{each['order_key']} on {each['side']}{line}"
        if each["what"] == "gone":
            print_wrapped(f"{place} could not be compared: it came by {each['found']}", hanging="    ")
        elif each["what"] == "unread":
            print_wrapped(f"{place} could not be read: {each['found']}", hanging="    ")
        else:
            text = f"{place}: {each['what']} {each['found']}; expected {each['expected']}"
            print_wrapped(text, hanging="    ")
