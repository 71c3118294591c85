"""``readiness``: what a route has shown so far, and what still holds it back."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.commands.connection import ask
from gateway.commands.options import Subparsers, add_command, add_reading, user_name
from gateway.commands.terminal import counted, moment, print_json, print_text, print_wrapped

WORDS_SHOWN = 12


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "readiness",
        "show what a route has proven, and what holds it back",
        run,
        example="legacy-bridge readiness po.acme\nlegacy-bridge readiness po.acme --stage cloud --json",
        detail="Ends with 1 where a gate before the next stage is shut.",
    )
    parser.add_argument("route", metavar="ROUTE", help="the route's id")
    parser.add_argument(
        "--stage", metavar="STAGE", help="stage to judge the gates of (default: the next one)"
    )
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the card."""
    card = ask(arguments, "readiness", route=arguments.route, stage=arguments.stage, who=user_name())
    if arguments.json:
        print_json(card)
    else:
        print_card(card)
    return 0 if card["may_move"] else 1


def print_card(card: dict[str, Any]) -> None:
    """Print a readiness card."""
    live = card["live"]
    share = f" {live['share_percent']}%" if live["stage"] == "canary" else ""
    print_text(f"{card['route']}: stage {live['stage']}{share} since {moment(live['changed_at'])}")
    _print_comparisons(card)
    _print_coverage(card)
    _print_running(card)
    for each in card["approvals"]:
        stale = "" if each["counts"] else "; counts no more: the stage or share has changed since"
        print_wrapped(
            f"approved   for {each['stage']} by {each['who']} ({each['role']}): {each['why']}{stale}",
            hanging=" " * 11,
        )
    if card["frozen"]:
        print_wrapped(f"frozen     {card['frozen']}", hanging=" " * 11)
    if planned := card["planned"]:
        held = f"; held: {planned['held']}" if planned["held"] else ""
        print_wrapped(f"planned    {planned['stage']} at {moment(planned['at'])} by {planned['who']}{held}",
                      hanging=" " * 11)  # fmt: skip
    if card["gates"]:
        print_text(f"gates before stage {card['next_stage']}")
        for each in card["gates"]:
            word = "open" if each["open"] else "SHUT"
            print_wrapped(f"  {word}  {each['gate']}: {each['text']}", hanging=" " * 8)


def _print_comparisons(card: dict[str, Any]) -> None:
    if card["evidence"] is None:
        print_wrapped("compared   no legacy evidence: the route declares no compare.with", hanging=" " * 11)
        return
    if not card["has_evidence"]:
        print_wrapped(f"compared   no legacy evidence yet (from {card['evidence']})", hanging=" " * 11)
    print_wrapped(
        f"compared   {counted(card['compared'], 'document')} with {card['evidence']}, "
        f"{counted(card['mismatches'], 'mismatch', 'mismatches')}; {card['clean_in_a_row']} clean in a row",
        hanging=" " * 11,
    )
    print_wrapped(f"bound      the true mismatch rate is below {card['upper_bound_95']} (95% confidence)",
                  hanging=" " * 11)  # fmt: skip
    print_text(f"waiting    {card['waiting']} for legacy's version, {card['without_evidence']} never got one")
    for each in card["differences"][:WORDS_SHOWN]:
        excuse = f" ({each['excuse']})" if each["excuse"] else ""
        print_wrapped(f"  {each['group']}  {counted(each['documents'], 'document')}: {each['kind']} "
                      f"{each['path'] or each['surface']}{excuse}", hanging=" " * 14)  # fmt: skip
    if card["noise"]:
        print_wrapped(f"noise      {', '.join(card['noise'])}", hanging=" " * 11)


def _print_coverage(card: dict[str, Any]) -> None:
    for dimension, words in card["coverage"].items():
        name = dimension.replace("_", " ")
        if words:
            shown = [f"{word} {count['compared']}" for word, count in list(words.items())[:WORDS_SHOWN]]
            more = f" and {len(words) - WORDS_SHOWN} more" if len(words) > WORDS_SHOWN else ""
            print_wrapped(f"seen       {name}: {', '.join(shown)}{more}", hanging=" " * 11)
        if unseen := card["not_yet_seen"].get(dimension):
            print_wrapped(f"not seen   {name}: not yet seen: {', '.join(unseen)}", hanging=" " * 11)


def _print_running(card: dict[str, Any]) -> None:
    print_text(f"open       {counted(card['open_exceptions'], 'exception')}")
    for each in card["budget"]:
        for side in ("cloud", "legacy"):
            told = each[side]
            if told["attempts"]:
                slow = f", 95% within {told['p95_s']:.3f} s" if told["p95_s"] is not None else ""
                print_wrapped(f"{side:<10} {counted(told['attempts'], 'attempt')} over {each['over']}, "
                              f"{told['error_rate']} failed{slow}", hanging=" " * 11)  # fmt: skip
    for each in card["limits_broken"]:
        print_wrapped(f"broken     {each}", hanging=" " * 11)
