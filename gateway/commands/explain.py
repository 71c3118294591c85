"""``explain``: the whole story of a message or an order, from the bytes to the reply that closed it."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.commands.connection import ask
from gateway.commands.messages import add_documents, documents_of, print_documents, progress_of
from gateway.commands.options import Subparsers, add_command, add_connection
from gateway.commands.terminal import moment, print_json, print_text, print_wrapped

EXAMPLE = """\
legacy-bridge explain m260102abcdefghijklmnop
legacy-bridge explain 0004711
legacy-bridge explain 0004711 --unmasked --why "supplier asks what we sent\""""

DETAIL = """\
It tells what arrived and from whom, how it was read, what was decided and why,
every attempt to deliver it with what was answered, alarms, and what people did.
Prices, free text and secrets are not shown."""

INDENT = " " * 22  # below the text, beside the time


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "explain",
        "tell the whole story of a message or an order",
        run,
        example=EXAMPLE,
        detail=DETAIL,
    )
    parser.add_argument("subject", metavar="ID", help="a message, a delivery, or any number of an order")
    add_documents(parser)
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tell the story."""
    told = ask(arguments, "explain", subject=arguments.subject)
    documents = documents_of(arguments, [each["message_id"] for each in told["messages"]])
    if arguments.json:
        print_json(told | ({"contents": documents} if documents is not None else {}))
        return 0
    for key in told["orders"]:
        print_text(f"order {key}")
    for number, message in enumerate(told["messages"]):
        if number or told["orders"]:
            print_text("")
        _print_story(message)
    print_documents(documents)
    return 0


def _print_story(message: dict[str, Any]) -> None:
    print_text(f"message {message['message_id']} on route {message['route']}: {progress_of(message)}")
    shown = ""
    for entry in message["timeline"]:
        at = moment(entry["at"]) if entry["at"] else shown
        time = f"{at}  " if at != shown else INDENT
        shown = at
        print_wrapped(entry["text"], indent=time, hanging=INDENT + "  ")
    print_wrapped(message["conclusion"])
