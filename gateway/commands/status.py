"""``status``: whether a gateway runs, and what it is working on."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.commands.connection import ask
from gateway.commands.next_command import next_command
from gateway.commands.options import Subparsers, add_command, add_reading
from gateway.commands.terminal import counted, moment, print_json, print_text, print_wrapped

EXAMPLE = """\
legacy-bridge status
legacy-bridge status --json"""

TROUBLES = {
    "sources_standing_still": "takes nothing for now",
    "targets_that_need_a_person": "needs a person",
    "targets_left_alone": "is left alone for now",
}  # facts of the process: each names endpoints or routes, with the reason
GOES_ON = ("waiting", "in_doubt")  # states of which no list of exceptions tells


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
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show how it is doing."""
    status = ask(arguments, "status")
    code = 0 if status["is_running"] else 1
    if arguments.json:
        print_json(status)
        return code
    word = "running" if status["is_running"] else "stopped"
    print_text(f"the {status['environment']} gateway is {word}")
    for name, value in status["process"].items():
        if name not in TROUBLES:
            print_wrapped(f"{name.replace('_', ' ')}: {value}", indent="  ", hanging="    ")
    _print_queues(status, arguments)
    if not status["targets"]:
        print_text("nothing is to be delivered")
    for target in status["targets"]:
        _print_target(target, arguments)
    _print_troubles(status["process"], arguments)
    return code


def _print_queues(status: dict[str, Any], arguments: argparse.Namespace) -> None:
    waiting = counted(status["to_translate"], "message")
    since = f", the oldest since {moment(status['oldest_to_translate_at'])}" if status["to_translate"] else ""
    print_text(f"to translate  {waiting}{since}")
    if (refused := status.get("refused")) is not None:  # none from a gateway of an older version
        told = f" ({next_command(arguments, 'messages list --state refused')})" if refused["count"] else ""
        inputs = counted(refused["count"], "input")
        print_text(f"refused       {inputs} in the last {refused['hours']} hours{told}")
    print_text(f"exceptions    {status['exceptions']} ({next_command(arguments, 'exceptions list')})")
    late = f" ({next_command(arguments, 'exceptions export --downtime')})" if status["overdue"] else ""
    print_text(f"overdue       {status['overdue']}{late}")


def _print_target(target: dict[str, Any], arguments: argparse.Namespace) -> None:
    states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in target["states"].items())
    print_wrapped(
        f"{target['target']}: {states}, the oldest since {moment(target['oldest_planned_at'])}",
        hanging="    ",
    )
    for each in target["reasons"]:
        text = f"{each['deliveries']} {each['state'].replace('_', ' ')}: {each['reason']}"
        print_wrapped(text, indent="    ", hanging="      ")
        if each["state"] in GOES_ON and (oldest := each.get("oldest_message_id")):
            print_wrapped(
                f"the oldest: {next_command(arguments, f'explain {oldest}')}",
                indent="      ",
                hanging="        ",
            )


def _print_troubles(process: dict[str, Any], arguments: argparse.Namespace) -> None:
    told = [
        f"{name} {words}: {reason}"
        for fact, words in TROUBLES.items()
        for name, reason in process.get(fact, {}).items()
    ]
    for each in told:
        print_wrapped(each, hanging="    ")
    if told:
        check = next_command(arguments, "check --live", "checks")
        print_wrapped(f"Look closer, on the gateway's machine: {check}", hanging="    ")
