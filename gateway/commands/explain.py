"""``explain``: the whole story of a message or an order, from the bytes to the reply that closed it."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.commands.connection import ask
from gateway.commands.messages import (
    add_documents,
    documents_of,
    print_documents,
    print_messages,
    progress_of,
)
from gateway.commands.options import Subparsers, add_command, add_reading
from gateway.commands.terminal import counted, moment, print_json, print_text, print_wrapped

EXAMPLE = """\
legacy-bridge explain m260102abcdefghijklmnop
legacy-bridge explain 0004711
legacy-bridge explain PO_0412.edi
legacy-bridge explain 0004711 --unmasked --why "supplier asks what we sent\""""

DETAIL = """\
It tells what arrived and from whom, how it was read, what was decided and why,
every attempt to deliver it with what was answered, alarms, and what people did.
Prices, free text and secrets are not shown.

NAME may be a message's id or its first 8 characters or more, a delivery's or an
exception's id, any number of an order, our reference in the ERP (12 characters
or more) or the number that the ERP gave, a correlation id, the file, path or
database row that it came as, an arrival key or its last part (of X12: the
control number), or the SHA-256 of the bytes. Where it means several messages,
these are listed."""

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
    parser.add_argument("subject", metavar="NAME", help="a message, a delivery, an order: see above")
    add_documents(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tell the story."""
    told = ask(arguments, "explain", subject=arguments.subject)
    documents = documents_of(arguments, [each["message_id"] for each in told["messages"]])
    if arguments.json:
        print_json(told | ({"contents": documents} if documents is not None else {}))
        return 0
    if told.get("several"):  # none from a gateway of an older version
        _print_several(told)
    for key in told["orders"]:
        print_text(f"order {key}")
    for number, message in enumerate(told["messages"]):
        if number or told["orders"]:
            print_text("")
        _print_story(message)
    print_documents(documents)
    return 0


def _print_several(told: dict[str, Any]) -> None:
    count = counted(len(told["several"]), "message")
    which = f"more than {count}, these are the newest" if told["more"] else f"{count}, newest first"
    print_wrapped(f"'{told['subject']}' means {which}. Ask for one of them by its id.")
    print_messages(told["several"])


def _print_story(message: dict[str, Any]) -> None:
    print_text(f"message {message['message_id']} on route {message['route']}: {progress_of(message)}")
    shown = ""
    for entry in message["timeline"]:
        at = moment(entry["at"]) if entry["at"] else shown
        time = f"{at}  " if at != shown else INDENT
        shown = at
        print_wrapped(entry["text"], indent=time, hanging=INDENT + "  ")
    print_wrapped(message["conclusion"])
