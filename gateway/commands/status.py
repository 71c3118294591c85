"""``status``: whether a gateway runs, and what it is working on."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.commands.connection import ask
from gateway.commands.options import Subparsers, add_command, add_connection
from gateway.commands.terminal import counted, moment, print_json, print_text, print_wrapped

EXAMPLE = """\
legacy-bridge status
legacy-bridge status --json"""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "status",
        "show whether a gateway runs, and what it is working on",
        run,
        example=EXAMPLE,
        detail="Ends with 1 where none is running; it then shows what its journal holds.",
    )
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show how it is doing."""
    status = ask(arguments, "status")
    code = 0 if status["is_running"] else 1
    if arguments.json:
        print_json(status)
        return code
    word = "running" if status["is_running"] else "stopped"
    print_text(f"the {status['environment']} gateway is {word}")
    process = dict(status["process"])
    left_alone = process.pop("targets_left_alone", {})
    need_a_person = process.pop("targets_that_need_a_person", {})
    standing_still = process.pop("sources_standing_still", {})
    for name, value in process.items():
        print_wrapped(f"{name.replace('_', ' ')}: {value}", indent="  ", hanging="    ")
    waiting = counted(status["to_translate"], "message")
    since = f", the oldest since {moment(status['oldest_to_translate_at'])}" if status["to_translate"] else ""
    print_text(f"to translate  {waiting}{since}")
    print_text(f"exceptions    {status['exceptions']} (legacy-bridge exceptions list)")
    late = " (legacy-bridge exceptions export --downtime)" if status["overdue"] else ""
    print_text(f"overdue       {status['overdue']}{late}")
    for name, reason in standing_still.items():
        print_wrapped(f"{name} takes nothing for now: {reason}", hanging="    ")
    if not status["targets"]:
        print_text("nothing is to be delivered")
    for target in status["targets"]:
        _print_target(target)
    for name, reason in need_a_person.items():
        print_wrapped(f"{name} needs a person: {reason}", hanging="    ")
    for name, reason in left_alone.items():
        print_wrapped(f"{name} is left alone for now: {reason}", hanging="    ")
    return code


def _print_target(target: dict[str, Any]) -> None:
    states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in target["states"].items())
    print_wrapped(
        f"{target['target']}: {states}, the oldest since {moment(target['oldest_planned_at'])}",
        hanging="    ",
    )
    for each in target["reasons"]:
        text = f"{each['deliveries']} {each['state'].replace('_', ' ')}: {each['reason']}"
        print_wrapped(text, indent="    ", hanging="      ")
